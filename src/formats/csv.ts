import { ValidationError } from '../errors.js'
import { type DecodeContext, describeValue } from '../types/column-type.js'
import { type CsvDialect, recordsOf } from './csv-records.js'
import type { FileReader, FileRows, Writer } from './format.js'
import { inferFromText } from './infer-type.js'
import { pieceLength } from './jsonl.js'
import { cellReader } from './read-cell.js'
import { textWriter } from './write-cell.js'

/** How a CSV file is written. */
export interface CsvOptions {
  /** What separates cells, one character. @default ',' (a tab for files named .tsv) */
  readonly delimiter?: string | undefined
  /** What encloses text that has delimiters, quotes or line ends in it, one character. @default '"' */
  readonly quote?: string | undefined
  /** Whether the first line has the names of the columns; without, they are `column_1`, `column_2` … @default true */
  readonly header?: boolean | undefined
  /** Text that stands for null when it is not quoted; several when reading. @default '' */
  readonly nullText?: string | readonly string[] | undefined
}

/** @throws ValidationError */
export function csvDialect(options: CsvOptions, delimiter = ','): CsvDialect & { readonly header: boolean } {
  const dialect = {
    delimiter: options.delimiter ?? delimiter,
    quote: options.quote ?? '"',
    nullTexts: [options.nullText ?? ''].flat(),
    header: options.header ?? true,
  }
  for (const name of ['delimiter', 'quote'] as const) {
    if (typeof dialect[name] !== 'string' || dialect[name].length !== 1 || /[\r\n]/.test(dialect[name])) {
      throw new ValidationError(`csv: ${name}: expected one character, got ${describeValue(dialect[name])}`)
    }
  }
  if (dialect.delimiter === dialect.quote) throw new ValidationError('csv: delimiter and quote are the same character')
  return dialect
}

/** CSV after RFC 4180. A cell that is not quoted and reads as the null text is null; a quoted one never is. */
export async function readCsv(
  texts: AsyncIterable<string>,
  label: string,
  context: DecodeContext,
  dialect: CsvDialect & { readonly header: boolean },
): Promise<FileReader> {
  const records = recordsOf(texts, label, dialect)
  const first = await records.next()
  const [head] = first.value?.rows ?? []
  if (!head) throw new ValidationError(`${label}: expected ${dialect.header ? 'a line of names' : 'rows'}, got no text`)
  const columns = head.map((name, i) => ({ name: dialect.header ? (name ?? '') : `column_${i + 1}` }))
  const check = ({ rows, lines }: Required<FileRows>): FileRows => {
    const kept: (readonly unknown[])[] = []
    const keptLines: number[] = []
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      if (row.length !== columns.length) {
        // An empty line between rows is no row, except where it is a null.
        if (row.length === 1 && row[0] === null) continue
        throw new ValidationError(
          `${label}: line ${lines[i]}: expected ${columns.length} cells, got ${row.length}: ${row.slice(0, 5).map(describeValue).join(', ')}`,
        )
      }
      kept.push(row)
      keptLines.push(lines[i]!)
    }
    return { rows: kept, lines: keptLines }
  }
  return {
    columns,
    inferType: (_, values) => inferFromText(values as readonly string[]),
    valueOf: (_, type) => cellReader(type, 'text', context),
    async *read() {
      const { rows, lines } = first.value!
      const skip = dialect.header ? 1 : 0
      yield check({ rows: rows.slice(skip), lines: lines.slice(skip) })
      for await (const batch of records) yield check(batch)
    },
  }
}

/** Writes CSV after RFC 4180 with LF line ends. Only what needs quotes has them, and text that reads as null. */
export function csvWriter(dialect: CsvDialect & { readonly header: boolean }): Writer {
  const { delimiter, quote, nullTexts, header } = dialect
  const [nullText = ''] = nullTexts
  const special = new RegExp(
    `[${[delimiter, quote].map((c) => `\\u{${c.codePointAt(0)!.toString(16)}}`).join('')}\r\n\ufeff]`,
    'u',
  )
  const enclosed = (text: string): string =>
    text === nullText || special.test(text) ? quote + text.replaceAll(quote, quote + quote) + quote : text
  return async function* (columns, rows) {
    const cells = columns.map(({ name, type }) => ({ name, write: textWriter(type) }))
    let piece = header ? `${columns.map(({ name }) => enclosed(name)).join(delimiter)}\n` : ''
    for await (const row of rows) {
      for (let i = 0; i < cells.length; i++) {
        const { name, write } = cells[i]!
        const value = row[name]
        if (i > 0) piece += delimiter
        piece += value === null || value === undefined ? nullText : enclosed(write(value))
      }
      piece += '\n'
      if (piece.length < pieceLength) continue
      yield piece
      piece = ''
    }
    if (piece !== '') yield piece
  }
}
