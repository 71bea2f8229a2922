/** A part of a Markdown text that can be parsed alone. */
export interface MarkdownPiece {
  /** The part itself and, behind it, the definitions that it refers to in others. */
  readonly text: string
  /** The line of the whole text, from 1, with which it begins. */
  readonly firstLine: number
  /** How many lines of `text` are the part itself. */
  readonly lines: number
}

/** The parser takes a time quadratic in the number of lists, so it sees about this many characters at a time. */
const size = 4_096

const definition = /^ {0,3}(\[[^\]\n]+\]):[ \t]*\S/

/**
 * Cuts a Markdown text where a block begins that no container, fence or HTML block holds: at a line that is not indented,
 * behind a blank line or with a bullet.
 */
export function markdownPieces(source: string): MarkdownPiece[] {
  const lines = source.split('\n')
  const starts = [0]
  let open: RegExp | null = null
  let length = 0
  for (const [i, line] of lines.entries()) {
    const begins = (lines[i - 1]?.trim() === '' && /^\S/.test(line)) || /^[-*+] +\S/.test(line)
    if (open === null && begins && length >= size) {
      starts.push(i)
      length = 0
    }
    length += line.length + 1
    if (open?.test(line)) open = null
    else open ??= closing(line)
  }
  const definitions = starts.length === 1 ? [] : lines.filter((line) => definition.test(line))
  return starts.map((start, i) => {
    const own = lines.slice(start, starts[i + 1])
    const text = own.join('\n')
    const foreign = definitions.filter((line) => text.includes(definition.exec(line)![1]!) && !own.includes(line))
    const all = foreign.length === 0 ? text : `${text}\n\n${foreign.join('\n\n')}`
    return { text: all, firstLine: start + 1, lines: own.length }
  })
}

/** What ends the block that a line opens and that goes on over blank lines; null if it opens none. */
function closing(line: string): RegExp | null {
  const fence = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1]
  if (fence !== undefined) return new RegExp(`^ {0,3}${fence[0]}{${fence.length},}[ \\t]*$`)
  const tag = /^ {0,3}<(pre|script|style|textarea)(?:[\s>]|$)/i.exec(line)?.[1]
  const end = tag !== undefined ? /<\/(?:pre|script|style|textarea)>/i : /^ {0,3}<!--/.test(line) ? /-->/ : null
  return end === null || end.test(line) ? null : end
}
