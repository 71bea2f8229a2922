import { ValidationError } from '../errors.js'
import type { Pace } from '../pace.js'
import { firstIndex } from './first-index.js'
import { splitRange } from './range.js'
import type { SplitOptions } from './split-options.js'
import { tokenRanges } from './tokens.js'

/** How long a stretch of one text is, in tokens or UTF-16 units. Never less for a longer stretch. */
export type Measure = (start: number, end: number) => number

/** The measure of the limit that the options name, or null if they name none. */
export async function measureOf(text: string, options: SplitOptions, pace: Pace): Promise<Measure | null> {
  if (options.separators.includes('char_limit')) return (start, end) => end - start
  if (!options.separators.includes('token_limit')) return null
  const { tokenizer } = options
  return tokenizer === undefined
    ? countingTokens(text, pace)
    : (start, end) => counted(tokenizer, text.slice(start, end))
}

/** Finds all tokens once, paragraph by paragraph, so that each later question is a search. */
async function countingTokens(text: string, pace: Pace): Promise<Measure> {
  const starts: number[] = []
  for (const line of splitRange(text, { start: 0, end: text.length }, /\n/g)) {
    if (pace.due) await pace.rest()
    for (const { start } of tokenRanges(text, line)) starts.push(start)
  }
  const before = (at: number) => firstIndex(starts.length, (i) => starts[i]! >= at)
  return (start, end) => before(end) - before(start)
}

function counted(tokenizer: (text: string) => number, text: string): number {
  const count: unknown = tokenizer(text)
  if (typeof count === 'number' && count >= 0) return count
  const got = Array.isArray(count) ? 'an array: return its length' : String(count)
  throw new ValidationError(`'tokenizer' must return the number of tokens of a text, from 0; it returned ${got}.`)
}

/** What fits between two ends, found with few questions, as each may mean to run a tokenizer. */
export function longestFit(
  measure: Measure,
  limit: number,
  start: number,
  ends: { readonly length: number; at(i: number): number },
): number {
  let fits = 0
  let exceeds = ends.length + 1
  // Most tokens are about four characters long; after the first answer the text itself tells.
  let reach = start + limit * 4
  for (let asked = 0; exceeds - fits > 1; asked++) {
    const guess = asked < 6 ? firstIndex(ends.length, (i) => ends.at(i) > reach) : (fits + exceeds) >>> 1
    const probe = Math.min(Math.max(guess, fits + 1), exceeds - 1)
    const end = ends.at(probe - 1)
    const size = measure(start, end)
    if (size <= limit) fits = probe
    else exceeds = probe
    reach = start + Math.ceil(((end - start) * limit) / Math.max(size, 1))
  }
  return fits
}
