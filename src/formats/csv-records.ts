import { ValidationError } from '../errors.js'

/** The characters of a CSV file. */
export interface CsvDialect {
  readonly delimiter: string
  readonly quote: string
  /** Cells that are null when they are not quoted. */
  readonly nullTexts: readonly string[]
}

/** Some records of a CSV file, with the lines on which they begin. */
export interface CsvRecords {
  readonly rows: readonly (readonly (string | null)[])[]
  readonly lines: readonly number[]
}

/**
 * The records of a CSV file. Its own parser, because whether a cell is quoted tells null from an empty text, and the
 * parsers at hand either do not say or take five times as long to.
 *
 * @throws ValidationError that names the line of what is no CSV
 */
export async function* recordsOf(
  texts: AsyncIterable<string>,
  label: string,
  dialect: CsvDialect,
): AsyncGenerator<CsvRecords, void, undefined> {
  const parser = new RecordParser(label, dialect)
  let pieces: string[] = []
  let length = 0
  let rest = 0
  for await (const text of texts) {
    pieces.push(text)
    length += text.length
    // A record that is longer than a piece is looked at again only when twice as much of it is there.
    if (length < 2 * rest) continue
    const found = parser.parse(pieces.join(''), false)
    pieces = [found.rest]
    rest = found.rest.length
    length = rest
    if (found.rows.length > 0) yield found
  }
  const found = parser.parse(pieces.join(''), true)
  if (found.rows.length > 0) yield found
}

const lf = 0x0a
const cr = 0x0d

class RecordParser {
  readonly #label: string
  readonly #dialect: CsvDialect
  readonly #doubled: string
  #line = 1

  constructor(label: string, dialect: CsvDialect) {
    this.#label = label
    this.#dialect = dialect
    this.#doubled = dialect.quote + dialect.quote
  }

  /** The complete records of a text, and what is left of it. */
  parse(text: string, isLast: boolean): CsvRecords & { readonly rest: string } {
    const rows: (string | null)[][] = []
    const lines: number[] = []
    const delimiter = this.#dialect.delimiter.charCodeAt(0)
    const quote = this.#dialect.quote.charCodeAt(0)
    let row: (string | null)[] = []
    let start = 0
    let startLine = this.#line
    let i = 0
    const incomplete = () => {
      this.#line = startLine
      return { rows, lines, rest: text.slice(start) }
    }
    while (start < text.length) {
      let cell: string | null
      if (text.charCodeAt(i) === quote) {
        const end = this.#closingQuote(text, i + 1)
        if (end < 0 && isLast) {
          throw new ValidationError(
            `${this.#label}: line ${startLine}: expected a closing quote, got the end of the file`,
          )
        }
        // A quote at the end may be the first of two.
        if (end < 0 || (end + 1 === text.length && !isLast)) return incomplete()
        cell = text.slice(i + 1, end)
        if (cell.includes(this.#dialect.quote)) cell = cell.replaceAll(this.#doubled, this.#dialect.quote)
        i = end + 1
        if (i < text.length && !isEnd(text.charCodeAt(i), delimiter)) {
          throw new ValidationError(
            `${this.#label}: line ${this.#line + countLines(cell)}: expected a delimiter or the end of the line after a closing quote, got ${JSON.stringify(text.slice(i, i + 20))}`,
          )
        }
        this.#line += countLines(cell)
      } else {
        const from = i
        while (i < text.length && !isEnd(text.charCodeAt(i), delimiter)) i++
        if (i === text.length && !isLast) return incomplete()
        const bare = text.slice(from, i)
        cell = this.#dialect.nullTexts.includes(bare) ? null : bare
      }
      row.push(cell)
      const code = text.charCodeAt(i)
      if (code === delimiter) {
        i++
        if (i < text.length || isLast) {
          // A delimiter at the very end is followed by one more, empty cell.
          if (i === text.length) {
            row.push(this.#dialect.nullTexts.includes('') ? null : '')
            rows.push(row)
            lines.push(startLine)
            return { rows, lines, rest: '' }
          }
          continue
        }
        return incomplete()
      }
      // A carriage return at the end may be the first half of a line end.
      if (code === cr && i + 1 === text.length && !isLast) return incomplete()
      rows.push(row)
      lines.push(startLine)
      row = []
      i += code === cr && text.charCodeAt(i + 1) === lf ? 2 : 1
      start = i
      startLine = ++this.#line
    }
    return { rows, lines, rest: '' }
  }

  #closingQuote(text: string, from: number): number {
    const { quote } = this.#dialect
    for (let i = from; ; i += 2) {
      i = text.indexOf(quote, i)
      if (i < 0 || text[i + 1] !== quote) return i
    }
  }
}

const isEnd = (code: number, delimiter: number): boolean => code === delimiter || code === lf || code === cr

/** Line ends inside a quoted cell. */
function countLines(cell: string): number {
  let count = 0
  for (let i = 0; i < cell.length; i++) {
    const code = cell.charCodeAt(i)
    if (code === lf || (code === cr && cell.charCodeAt(i + 1) !== lf)) count++
  }
  return count
}
