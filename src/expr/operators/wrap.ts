import { characters } from './slice.js'

/**
 * Paragraph text in lines of at most `width` characters. Tabs count to the next multiple of eight, every white space
 * becomes a space, and spaces at the ends of lines go. A line breaks at spaces and after a hyphen between letters; a
 * word that is longer than a line is cut.
 */
export function wrap(text: string, width: number): string[] | undefined {
  if (width < 1) return undefined
  const lines: string[] = []
  let line: string[] = []
  const end = (): void => {
    while (line.at(-1) === ' ') line.pop()
    if (line.length > 0) lines.push(line.join(''))
    line = []
  }
  for (const chunk of chunks(expandTabs(text).replace(/[\t\n\v\f\r ]/g, ' '))) {
    const blank = chunk.startsWith(' ')
    if (blank && line.length === 0 && lines.length > 0) continue
    let rest = characters(chunk)
    if (line.length + rest.length > width && rest.length <= width) {
      end()
      if (blank) continue
    }
    while (rest.length > width - line.length) {
      // The chunk is wider than any line.
      const room = width - line.length
      line.push(...rest.slice(0, room))
      rest = rest.slice(room)
      end()
    }
    line.push(...rest)
  }
  end()
  return lines
}

/** Where a line may break: at spaces, behind a hyphen within a word, and around dashes of two hyphens or more. */
const breaks = /( +)|(?<=[\p{L}\d_]{2}-)(?=\p{L})|(?<=[^ -])(?=-{2,}[^ -])|(?<=[^ -]-{2,})(?=[^ -])/u

const chunks = (text: string): string[] => text.split(breaks).filter(Boolean)

function expandTabs(text: string): string {
  if (!text.includes('\t')) return text
  let column = 0
  let result = ''
  for (const ch of text) {
    const piece = ch === '\t' ? ' '.repeat(8 - (column % 8)) : ch
    result += piece
    column = ch === '\n' || ch === '\r' ? 0 : column + piece.length
  }
  return result
}
