import type { Item } from './pdf-items.js'
import { rowsOf } from './pdf-lines.js'

/** A region deeper than this is read as it stands. */
const deepest = 12
const fewestRows = 4
/** A page with more rows than this is no page of columns, and comparing them would take long. */
const mostRows = 1_000

/**
 * The parts of a page in reading order: each column of running text is one. The columns of a table are not taken apart,
 * for its rows are what belongs together.
 */
export function columnsOf(items: readonly Item[], depth = 0): Item[][] {
  const rows = rowsOf(items)
  const columns = depth < deepest && rows.length >= fewestRows && rows.length <= mostRows ? findColumns(rows) : null
  if (columns === null) return items.length === 0 ? [] : [[...items]]
  return columns.flatMap((part) => columnsOf(part, depth + 1))
}

/** What stands above two columns, the two, and what stands below; null where there are none. */
function findColumns(rows: readonly Item[][]): Item[][] | null {
  for (const x of gutters(rows)) {
    const crosses = rows.map((row) => row.some((item) => item.x < x - 1 && item.x + item.width > x + 1))
    const [from, to] = longestRun(crosses)
    const band = rows.slice(from, to).flat()
    const left = band.filter((item) => item.x + item.width / 2 < x)
    const right = band.filter((item) => item.x + item.width / 2 >= x)
    if (areColumns(left, right)) return [rows.slice(0, from).flat(), left, right, rows.slice(to).flat()]
  }
  return null
}

/** Where most rows have a gap, best first. */
function gutters(rows: readonly Item[][]): number[] {
  const step = 3
  const votes = new Map<number, number>()
  for (const row of rows) {
    let right = row[0]!.x + row[0]!.width
    for (const item of row.slice(1)) {
      if (item.x - right >= 0.9 * item.size) {
        for (let bin = Math.ceil(right / step); bin * step <= item.x; bin++) votes.set(bin, (votes.get(bin) ?? 0) + 1)
      }
      right = Math.max(right, item.x + item.width)
    }
  }
  // Neighbouring bins with equal votes are one gap, whose middle counts.
  const runs: { from: number; to: number; votes: number }[] = []
  for (const [bin, count] of [...votes].sort((p, q) => p[0] - q[0])) {
    const run = runs.at(-1)
    if (run !== undefined && run.to === bin - 1 && run.votes === count) run.to = bin
    else runs.push({ from: bin, to: bin, votes: count })
  }
  const best: number[] = []
  for (const run of runs
    .filter((run) => run.votes >= 2)
    .sort((p, q) => q.votes - p.votes || q.to - q.from - (p.to - p.from))) {
    const x = ((run.from + run.to) / 2) * step
    // Not several places of one gap.
    if (best.every((other) => Math.abs(other - x) > 15)) best.push(x)
    if (best.length === 12) break
  }
  return best
}

/** The longest run of rows that do not cross. */
function longestRun(crosses: readonly boolean[]): [from: number, to: number] {
  let best: [number, number] = [0, 0]
  let from = 0
  for (let i = 0; i <= crosses.length; i++) {
    if (i < crosses.length && !crosses[i]) continue
    if (i - from > best[1] - best[0]) best = [from, i]
    from = i + 1
  }
  return best
}

function areColumns(left: readonly Item[], right: readonly Item[]): boolean {
  const l = rowsOf(left)
  const r = rowsOf(right)
  if (l.length < fewestRows || r.length < fewestRows) return false
  if (isProse(l) && isProse(r)) return true
  // Beside prose stands a box with lines of its own; the cells of a table share their lines.
  const [few, many] = l.length < r.length ? [l, r] : [r, l]
  const shared = few.filter((row) => many.some((other) => Math.abs(other[0]!.y - row[0]!.y) < 0.15 * row[0]!.size))
  return shared.length < 0.5 * few.length
}

/** Whether most rows are one run of words that fills the width. */
function isProse(rows: readonly Item[][]): boolean {
  const left = Math.min(...rows.map((row) => row[0]!.x))
  const right = Math.max(...rows.map((row) => endOf(row)))
  const full = rows.filter((row) => {
    const letters = row.reduce((sum, item) => sum + (item.text.match(/\p{L}/gu)?.length ?? 0), 0)
    const words = row.every((item, i) => i === 0 || item.x - row[i - 1]!.x - row[i - 1]!.width < 2 * item.size)
    return words && letters >= 15 && endOf(row) - row[0]!.x > 0.55 * (right - left)
  })
  return full.length >= 0.45 * rows.length
}

function endOf(row: readonly Item[]): number {
  return Math.max(...row.map((item) => item.x + item.width))
}
