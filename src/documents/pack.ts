import { firstIndex } from './first-index.js'
import { longestFit, type Measure } from './measure.js'
import type { Range } from './range.js'
import { codePointRanges, graphemeRanges, tokenRanges } from './tokens.js'

/** A way to take a stretch apart; the parts hold all of it but white space. */
export type Cut = (text: string, range: Range) => Range[]

/** A stretch that stays whole where it can, and the ways to take it apart where it cannot, coarse to fine. */
export interface Unit extends Range {
  readonly cuts: readonly Cut[]
}

/** The ways to take apart what is longer than a limit when nothing coarser is left. */
export const wordCuts: readonly Cut[] = [tokenRanges, graphemeRanges, codePointRanges]
const insideWord = wordCuts.slice(1)

/** What the chunks are filled up to. */
export interface Packing {
  readonly measure: Measure
  readonly limit: number
  readonly overlap: number
}

/**
 * Fills chunks with consecutive units, each as full as the limit allows. A unit that is longer than a whole chunk is taken
 * apart; its parts fill the chunk that is open. The next chunk repeats the last units that fit into the overlap.
 */
export function* pack(text: string, units: readonly Unit[], { measure, limit, overlap }: Packing): Generator<Range> {
  // Reversed, so that what comes next is at the end, where taking it away or apart is cheap.
  const rest = units.toReversed()
  const next = (i: number) => rest[rest.length - 1 - i]
  const ends = {
    get length() {
      return rest.length
    },
    at: (i: number) => next(i)!.end,
  }
  const takeApart = (i: number, { cuts: [cut, ...finer], ...range }: Unit) => {
    const before = rest.splice(rest.length - 1 - i).slice(1)
    for (const part of cut!(text, range).reverse()) rest.push({ ...part, cuts: finer })
    for (const unit of before) rest.push(unit)
  }

  let repeated: Unit[] = []
  while (rest.length > 0) {
    const start = repeated[0]?.start ?? next(0)!.start
    let count = longestFit(measure, limit, start, ends)
    const barrier = next(count)
    if (barrier !== undefined && mayBeCut(barrier, count === 0) && measure(barrier.start, barrier.end) > limit) {
      takeApart(count, barrier)
      continue
    }
    if (count === 0) {
      if (repeated.length > 0) {
        repeated = []
        continue
      }
      count = 1 // one character, and still longer than the limit
    }
    const taken = rest.splice(rest.length - count, count).reverse()
    const end = taken.at(-1)!.end
    yield { start, end }
    const following = next(0)
    repeated =
      overlap === 0 || following === undefined
        ? []
        : tail(
            text,
            [...repeated, ...taken],
            (from) => measure(from, end) <= overlap && measure(from, following.end) <= limit,
          )
  }
}

/** A unit above words is taken apart to fill a chunk; a long word only when it would stand at the start of one anyway. */
function mayBeCut({ cuts }: Unit, first: boolean): boolean {
  return cuts.length > 0 && (first || cuts.length > insideWord.length)
}

/** As many of the last units as may be repeated; where not even one may, as many of its words. */
function tail(text: string, units: Unit[], mayRepeatFrom: (start: number) => boolean): Unit[] {
  const whole = lastWhere(units, mayRepeatFrom)
  if (whole.length > 0) return whole
  const last = units.at(-1)!
  if (last.cuts.length <= insideWord.length) return []
  const words = lastWhere(tokenRanges(text, last), mayRepeatFrom)
  return words.length === 0 ? [] : [{ start: words[0]!.start, end: last.end, cuts: insideWord }]
}

function lastWhere<R extends Range>(ranges: R[], holds: (start: number) => boolean): R[] {
  return ranges.slice(firstIndex(ranges.length, (i) => holds(ranges[i]!.start)))
}
