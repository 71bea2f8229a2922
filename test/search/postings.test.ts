import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Postings, rankPostings } from '../../src/search/postings/rank-postings.js'

/** Row ids that lie close together, far apart, and beyond 32 bits. */
const rowid = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 65_500, max: 65_560 }),
  fc.constantFrom(2 ** 40, 2 ** 40 + 1),
)
const score = fc.constantFrom(0, 1e-6, 0.25, 0.5, 1, 2)
const postings: fc.Arbitrary<Postings> = fc
  .uniqueArray(fc.tuple(rowid, score), { selector: ([id]) => id, maxLength: 30 })
  .map((rows) => {
    const sorted = rows.toSorted(([a], [b]) => a - b)
    return {
      rowids: Float64Array.from(sorted, ([id]) => id),
      scores: Float64Array.from(sorted, ([, value]) => value),
    }
  })
const lists = (maxLength: number) => fc.array(postings, { maxLength })

test('the best rows are those of plain sums', () => {
  fc.assert(
    fc.property(
      lists(5),
      fc.array(lists(3), { maxLength: 2 }),
      lists(2),
      fc.option(fc.uniqueArray(rowid), { nil: undefined }),
      fc.nat(12),
      fc.nat(12),
      (wanted, required, excluded, ids, k, offset) => {
        const allowed = ids && new Set(ids)
        const has = (row: number) => (list: Postings) => list.rowids.includes(row)
        const expected = [...new Set(wanted.flatMap(({ rowids }) => [...rowids]))]
          .filter((row) => required.every((alternatives) => alternatives.some(has(row))))
          .filter((row) => !excluded.some(has(row)) && (allowed?.has(row) ?? true))
          .map((row) => ({
            row,
            score: wanted.reduce((sum, { rowids, scores }) => sum + (scores[rowids.indexOf(row)] ?? 0), 0),
          }))
          .sort((a, b) => b.score - a.score || a.row - b.row)
          .slice(offset, offset + k)
        expect(rankPostings({ wanted, required, excluded, allowed }, { k, offset })).toEqual({
          rowids: expected.map(({ row }) => row),
          scores: expected.map((found) => found.score),
        })
      },
    ),
    { numRuns: 500 },
  )
})

test('a query may have any number of words', () => {
  const one = { rowids: Float64Array.of(7), scores: Float64Array.of(1) }
  const wanted = Array.from({ length: 200_000 }, () => one)
  const query = { wanted, required: [], excluded: [] }
  expect(rankPostings(query, { k: 1, offset: 0 })).toEqual({ rowids: [7], scores: [200_000] })
})
