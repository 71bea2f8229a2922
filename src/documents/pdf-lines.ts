import type { Item } from './pdf-items.js'

/** One line of text. */
export interface Line {
  readonly text: string
  readonly left: number
  readonly right: number
  /** The baseline. */
  readonly y: number
  /** The font size of most of its text. */
  readonly size: number
  /** The font of all of its text, or null if it has several. */
  readonly font: string | null
  /** Whether wide gaps separate its parts, which then are cells; a tab stands between them. */
  readonly tabular: boolean
  /** Runs in another direction than most of the page's text. */
  readonly turned: boolean
}

/** Items that stand beside each other, from left to right, and the rows from top to bottom. */
export function rowsOf(items: readonly Item[]): Item[][] {
  const rows: { items: Item[]; y: number; size: number }[] = []
  for (const item of items.toSorted((p, q) => q.y - p.y)) {
    const row = rows.at(-1)
    // Raised and lowered signs belong to the row of the larger text beside them.
    if (row !== undefined && row.y - item.y <= 0.45 * Math.max(row.size, item.size)) {
      row.items.push(item)
      if (item.size > row.size) {
        row.size = item.size
        row.y = item.y
      }
    } else rows.push({ items: [item], y: item.y, size: item.size })
  }
  return rows.map((row) => row.items.sort((p, q) => p.x - q.x))
}

/** The gap, in font sizes, from which on two texts of a row are cells rather than words. */
const cellGap = 2.2

/** The line that the items of a row make. */
export function lineOf(row: readonly Item[]): Line {
  const size = mostly(row, (item) => item.size)
  const items = readingOrder(row)
  const gaps = items.slice(1).map((item, i) => gapBetween(items[i]!, item) / size)
  const wide = gaps.filter((gap) => gap > cellGap)
  // In a justified line all gaps are wide.
  const justified = wide.length > 2 && Math.max(...gaps) < 2 * Math.min(...gaps.filter((gap) => gap > 0.3))
  let text = items[0]!.text
  for (const [i, gap] of gaps.entries()) {
    const before = items[i]!
    const item = items[i + 1]!
    if (gap > cellGap && !justified) text += '\t'
    // A large overlap means that two texts are printed over each other.
    else if (before.spaceAfter || item.spaceBefore || gap > 0.18 || gap < -1.5) text += ' '
    text += item.text
  }
  return {
    text,
    left: Math.min(...row.map((item) => item.x)),
    right: Math.max(...row.map((item) => item.x + item.width)),
    y: mostly(row, (item) => item.y),
    size,
    font: row.every((item) => item.font === row[0]!.font) ? row[0]!.font : null,
    tabular: wide.length > 0 && !justified,
    turned: row[0]!.turned,
  }
}

function gapBetween(p: Item, q: Item): number {
  return p.x <= q.x ? q.x - p.x - p.width : p.x - q.x - q.width
}

/** From left to right, or the reverse with runs in Latin letters and numbers kept, where most letters run that way. */
function readingOrder(row: readonly Item[]): readonly Item[] {
  const rtl = row.reduce((sum, { rtl, text }) => sum + (rtl ? text.length : -(text.match(/\p{L}/gu)?.length ?? 0)), 0)
  if (rtl <= 0) return row
  const ordered: Item[] = []
  let at = 0
  for (const item of row.toReversed()) {
    if (item.rtl) at = ordered.length + 1
    ordered.splice(item.rtl ? ordered.length : at, 0, item)
  }
  return ordered
}

/** The value that most of the text has. */
export function mostly<V, T extends { readonly text: string }>(parts: readonly T[], of: (part: T) => V): V {
  const lengths = new Map<V, number>()
  for (const part of parts) lengths.set(of(part), (lengths.get(of(part)) ?? 0) + part.text.length)
  return [...lengths].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0]
}
