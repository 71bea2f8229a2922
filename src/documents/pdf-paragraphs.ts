import { columnsOf } from './pdf-columns.js'
import { type PdfTextItem, readItems } from './pdf-items.js'
import { type Line, lineOf, rowsOf } from './pdf-lines.js'

/** Lines that belong together. */
export interface PdfParagraph {
  readonly kind: 'paragraph' | 'listItem' | 'table'
  readonly text: string
  readonly lines: number
  /** Font size of its first line. */
  readonly size: number
  /** Runs in another direction than most of the page's text. */
  readonly turned: boolean
}

/** Stands where a line ended in a hyphen; only the whole document tells whether the hyphen belongs to the word. */
const lineHyphen = '\u00ad'

/** The paragraphs of a page in reading order. */
export function paragraphsOf(items: readonly PdfTextItem[]): PdfParagraph[] {
  return readItems(items)
    .flatMap((group) => columnsOf(group))
    .flatMap((column) => groupLines(rowsOf(column).map(lineOf)))
    .map(toParagraph)
}

const bullet = /^(?:[•▪◦‣●■○➢►✓–*-]\s|\(?\d{1,2}[.)]\s)/

/** The lines of a column, paragraph by paragraph. */
function groupLines(lines: readonly Line[]): Line[][] {
  const left = Math.min(...lines.map((line) => line.left))
  const pitch = median(lines.slice(1).map((line, i) => (lines[i]!.y - line.y) / line.size))
  const groups: Line[][] = []
  for (const [i, line] of lines.entries()) {
    const before = lines[i - 1]
    // The margin that a paragraph is set to shows in the lines around it.
    const near = lines.slice(Math.max(0, i - 1), i + 3).filter(({ tabular }) => !tabular)
    const right = Math.max(line.right, ...near.map((other) => other.right))
    if (before === undefined || begins(line, before, groups.at(-1)![0]!, { left, right, pitch })) groups.push([line])
    else groups.at(-1)!.push(line)
  }
  return groups
}

interface Column {
  readonly left: number
  readonly right: number
  /** The usual distance of two lines, in font sizes. */
  readonly pitch: number
}

/** Whether a line begins a new paragraph. */
function begins(line: Line, before: Line, first: Line, { left, right, pitch }: Column): boolean {
  if ((before.y - line.y) / line.size > 1.3 * Math.min(Math.max(pitch, 1), 2.2)) return true
  if (line.tabular !== before.tabular || Math.abs(line.size - before.size) > 0.12 * before.size) return true
  if (line.tabular) return false
  if (bullet.test(line.text)) return true
  const room = right - before.right
  if (room > 0.15 * (right - left) && line.font !== null && before.font !== null && line.font !== before.font)
    return true
  // The line above had room for this one's first word, so it was ended on purpose.
  const letter = (line.right - line.left) / line.text.length
  if (room > letter * (line.text.search(/\s|$/) + 1) + line.size && !/^[\p{Ll},;]/u.test(line.text)) return true
  const indent = (line.left - left) / line.size
  return indent > 0.8 && indent < 6 && before.left - left < 0.4 * line.size && !bullet.test(first.text)
}

function toParagraph(lines: readonly Line[]): PdfParagraph {
  const { tabular, size, turned } = lines[0]!
  const texts = lines.map((line) => line.text.replace(/\u00ad(?!$)/g, ''))
  const shared = { lines: lines.length, size, turned }
  if (tabular) return { kind: lines.length > 1 ? 'table' : 'paragraph', text: texts.join('\n'), ...shared }
  return { kind: bullet.test(texts[0]!) ? 'listItem' : 'paragraph', text: texts.reduce(joinLines), ...shared }
}

const unspaced = String.raw`[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}]`
const betweenUnspaced = new RegExp(`${unspaced}\n${unspaced}`, 'u')

/** Joins two lines of a paragraph. */
function joinLines(upper: string, lower: string): string {
  if (/\p{L}[-‐\u00ad]$/u.test(upper) && /^\p{Ll}/u.test(lower)) return upper.slice(0, -1) + lineHyphen + lower
  if (/\p{L}[-‐–—/]$/u.test(upper)) return upper + lower
  if (betweenUnspaced.test(`${upper.slice(-2)}\n${lower.slice(0, 2)}`)) return upper + lower
  return `${upper} ${lower}`
}

/**
 * Undoes the hyphenation at line ends. A hyphen stays where the document writes the word with one elsewhere, or knows both
 * halves as words but not the whole.
 */
export function withoutLineHyphens<T extends { readonly text: string }>(paragraphs: readonly T[]): T[] {
  const words = new Set<string>()
  for (const { text } of paragraphs) {
    for (const [word] of text.toLowerCase().matchAll(/(?<![\p{L}\u00ad-])\p{L}+(?:-\p{L}+)*(?![\p{L}\u00ad-])/gu))
      words.add(word)
  }
  return paragraphs.map((paragraph) => {
    if (!paragraph.text.includes(lineHyphen)) return paragraph
    const text = paragraph.text.replace(/([\p{L}-]+)\u00ad(?=(\p{L}+))/gu, (_, upper: string, lower: string) => {
      const [a, b] = [upper.toLowerCase(), lower.toLowerCase()]
      const compound = words.has(`${a}-${b}`) || (!words.has(a + b) && words.has(a) && words.has(b)) || a.includes('-')
      return compound && !words.has(a + b) ? `${upper}-` : upper
    })
    return { ...paragraph, text: text.replaceAll(lineHyphen, '') }
  })
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((p, q) => p - q)[numbers.length >> 1] ?? 1.2
}
