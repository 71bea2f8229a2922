import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QueryError } from '../../../src/errors.js'
import { mmr, type VectorCandidate } from '../../../src/search/fusion/mmr.js'
import { normalize } from '../../../src/search/fusion/normalize.js'

const row = (rowid: number, score: number, ...vector: number[]): VectorCandidate => ({
  rowid,
  score,
  vector: Float32Array.from(vector),
})
const idsOf = (rows: readonly VectorCandidate[]): number[] => rows.map(({ rowid }) => rowid)

/** The definition: every similarity computed again for every choice. */
function naive(candidates: readonly VectorCandidate[], lambda: number, limit: number): VectorCandidate[] {
  const sorted = candidates.toSorted((a, b) => b.score - a.score)
  const relevance = new Map(normalize(sorted.map(({ score }) => score)).map((number, i) => [sorted[i]!, number]))
  const cosine = (a: Float32Array, b: Float32Array): number => {
    const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0)
    const product = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b))
    return product === 0 ? 0 : dot(a, b) / product
  }
  const chosen: VectorCandidate[] = []
  while (chosen.length < Math.min(limit, candidates.length)) {
    const [best] = candidates
      .filter((candidate) => !chosen.includes(candidate))
      .map((candidate) => {
        const similar = chosen.map(({ vector }) => cosine(vector, candidate.vector))
        const most = similar.length > 0 ? Math.max(...similar) : 0
        return { candidate, margin: lambda * relevance.get(candidate)! - (1 - lambda) * most }
      })
      .sort((a, b) => b.margin - a.margin || a.candidate.rowid - b.candidate.rowid)
    chosen.push(best!.candidate)
  }
  return chosen
}

const candidates = fc.uniqueArray(
  fc.record({
    rowid: fc.integer({ min: 1, max: 99 }),
    score: fc.integer({ min: -3, max: 9 }),
    vector: fc
      .array(fc.integer({ min: -2, max: 2 }), { minLength: 3, maxLength: 3 })
      .map((numbers) => Float32Array.from(numbers)),
  }),
  { selector: ({ rowid }) => rowid, maxLength: 14 },
)

describe('mmr', () => {
  const near = row(2, 0.95, 1, 0.01)
  const rows = [row(1, 1, 1, 0), near, row(3, 0.5, 0, 1)]

  test('passes over what repeats the rows before', () => {
    expect(idsOf(mmr(rows, { lambda: 0.5, limit: 3 }))).toEqual([1, 3, 2])
    expect(idsOf(mmr(rows, { lambda: 1, limit: 3 }))).toEqual([1, 2, 3])
    expect(mmr(rows, { limit: 2 })).toEqual([rows[0], near])
  })

  test('chooses what the definition says', () => {
    fc.assert(
      fc.property(candidates, fc.constantFrom(0, 0.25, 0.5, 0.7, 1), fc.nat(16), (candidates, lambda, limit) => {
        expect(idsOf(mmr(candidates, { lambda, limit }))).toEqual(idsOf(naive(candidates, lambda, limit)))
      }),
    )
  })

  test('does not depend on the order of the candidates, nor changes it', () => {
    fc.assert(
      fc.property(candidates, (candidates) => {
        const before = idsOf(candidates)
        const reversed = mmr(candidates.toReversed(), { limit: 9 })
        expect(idsOf(reversed)).toEqual(idsOf(mmr(candidates, { limit: 9 })))
        expect(idsOf(candidates)).toEqual(before)
      }),
    )
  })

  test('takes equals by row id', () => {
    expect(idsOf(mmr([row(9, 1, 1, 0), row(4, 1, 1, 0), row(7, 1, 1, 0)], { limit: 3 }))).toEqual([4, 7, 9])
  })

  test('chooses nothing of nothing', () => {
    expect(mmr([], { limit: 5 })).toEqual([])
    expect(mmr(rows, { limit: 0 })).toEqual([])
  })

  test.each<[string, () => unknown, string]>([
    ['lambda', () => mmr(rows, { lambda: 1.1, limit: 1 }), 'lambda: expected a number from 0 to 1'],
    ['limit', () => mmr(rows, { limit: -1 }), 'limit: expected a whole number'],
    ['scores', () => mmr([row(1, Infinity, 1)], { limit: 1 }), 'score of row 1: expected a finite number'],
    ['lengths', () => mmr([row(1, 1, 1), row(2, 1, 1, 2)], { limit: 1 }), 'vector of row 2: expected 1 dimensions'],
    ['numbers', () => mmr([row(1, 1, Number.NaN)], { limit: 1 }), 'vector of row 1: expected finite numbers'],
  ])('refuses %s that do not fit', (_, call, message) => {
    expect(call).toThrow(QueryError)
    expect(call).toThrow(message)
  })
})
