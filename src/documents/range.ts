/** A stretch of a text, in UTF-16 units; `end` is behind it. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** The stretch without white space at its ends, or null if it is all white space. */
export function trimRange(text: string, { start, end }: Range): Range | null {
  while (start < end && isSpace(text, start)) start++
  while (start < end && isSpace(text, end - 1)) end--
  return start < end ? { start, end } : null
}

/** Cuts a stretch at each match of `separator` (a global expression) and leaves out what is empty. */
export function splitRange(text: string, { start, end }: Range, separator: RegExp): Range[] {
  const parts: Range[] = []
  const add = (from: number, to: number) => {
    const part = trimRange(text, { start: from, end: to })
    if (part !== null) parts.push(part)
  }
  let from = start
  separator.lastIndex = start
  for (let m = separator.exec(text); m !== null && m.index < end; m = separator.exec(text)) {
    add(from, m.index)
    from = m.index + m[0].length
    if (m[0] === '') separator.lastIndex++
  }
  add(from, end)
  return parts
}

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  if (code < 128) return code === 32 || (code >= 9 && code <= 13)
  return /\s/.test(text[at]!)
}
