import fc from 'fast-check'
import type { Candidate, Leg } from '../../../src/search/fusion/leg.js'

const bestFirst = (candidates: readonly Candidate[]): Candidate[] => candidates.toSorted((a, b) => b.score - a.score)

/** Lists with many ties and many rows in common. */
export const candidates: fc.Arbitrary<readonly Candidate[]> = fc
  .uniqueArray(fc.record({ rowid: fc.integer({ min: 1, max: 30 }), score: fc.integer({ min: -5, max: 20 }) }), {
    selector: ({ rowid }) => rowid,
    maxLength: 15,
  })
  .map(bestFirst)

export const legs: fc.Arbitrary<readonly Leg[]> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), candidates), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map(([weight, candidates], i) => ({ name: `leg ${i}`, weight, candidates })))

/** One leg of scores; rows are numbered from 1. */
export const leg = (scores: readonly number[], weight = 1): Leg => ({
  name: 'text',
  weight,
  candidates: scores.map((score, i) => ({ rowid: i + 1, score })),
})
