import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { QueryError } from '../../../src/errors.js'
import { type Fusion, fuse } from '../../../src/search/fusion/fuse.js'
import type { Leg } from '../../../src/search/fusion/leg.js'
import { normalize } from '../../../src/search/fusion/normalize.js'
import { leg, legs } from './support.js'

const fusion = fc.constantFrom<Fusion>('score', 'rrf')
const idsOf = (rows: readonly { readonly rowid: number }[]): number[] => rows.map(({ rowid }) => rowid)

/** The definition, row by row. */
function naive(legs: readonly Leg[], fusion: Fusion): { rowid: number; score: number }[] {
  const total = legs.reduce((sum, { weight }) => sum + weight, 0)
  const rows = [...new Set(legs.flatMap(({ candidates }) => idsOf(candidates)))]
  return rows.map((rowid) => {
    let score = 0
    for (const { weight, candidates } of legs) {
      const i = candidates.findIndex((candidate) => candidate.rowid === rowid)
      if (i < 0) continue
      const [first, last, n] = [candidates[0]!.score, candidates.at(-1)!.score, candidates.length]
      const below = last - (first - last) / (n - 1)
      const byScore = first === last ? 1 : (candidates[i]!.score - below) / (first - below)
      score += (weight / total) * (fusion === 'rrf' ? 61 / (61 + i) : byScore)
    }
    return { rowid, score }
  })
}

describe('normalize', () => {
  test('has 1 for the best, and for what was not found 0: a step below the last', () => {
    expect(normalize([9, 8, 7, 6])).toEqual([1, 0.75, 0.5, 0.25])
    expect(normalize([10, 2])).toEqual([1, 0.5])
    expect(normalize([-1, -1.5, -2])).toEqual([1, 2 / 3, 1 / 3])
  })

  test('takes what cannot be told apart for equally good', () => {
    expect(normalize([])).toEqual([])
    expect(normalize([-7])).toEqual([1])
    expect(normalize([3, 3, 3])).toEqual([1, 1, 1])
  })

  test('is finite, falling and above 0 for any finite scores', () => {
    const scores = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 })
    fc.assert(
      fc.property(scores, (given) => {
        const numbers = normalize(given.toSorted((a, b) => b - a))
        expect(numbers[0]).toBe(1)
        numbers.forEach((number, i) => {
          expect(number).toBeGreaterThan(0)
          expect(number).toBeLessThanOrEqual(numbers[i - 1] ?? 1)
        })
      }),
    )
  })

  test('does not depend on the scale', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -99, max: 99 })), fc.integer(), (given, shift) => {
        const scores = given.toSorted((a, b) => b - a)
        const moved = normalize(scores.map((score) => score * 8 + shift))
        normalize(scores).forEach((number, i) => {
          expect(moved[i]).toBeCloseTo(number, 9)
        })
      }),
    )
  })
})

describe('fuse', () => {
  const text: Leg = { name: 'text', weight: 0.75, candidates: leg([12, 8]).candidates }
  const vector: Leg = {
    name: 'vector',
    weight: 0.25,
    candidates: [
      { rowid: 2, score: 0.9 },
      { rowid: 3, score: 0.5 },
    ],
  }

  test('adds up weighted scores and tells what each leg says', () => {
    expect(fuse([text, vector])).toEqual([
      {
        rowid: 1,
        score: 0.75,
        legs: [{ rank: 1, score: 12, normalized: 1 }, undefined],
        candidate: { rowid: 1, score: 12 },
      },
      {
        rowid: 2,
        score: 0.625,
        legs: [
          { rank: 2, score: 8, normalized: 0.5 },
          { rank: 1, score: 0.9, normalized: 1 },
        ],
        candidate: { rowid: 2, score: 8 },
      },
      {
        rowid: 3,
        score: 0.125,
        legs: [undefined, { rank: 2, score: 0.5, normalized: 0.5 }],
        candidate: { rowid: 3, score: 0.5 },
      },
    ])
  })

  test('adds up weighted reciprocal ranks', () => {
    const rows = fuse([text, vector], { fusion: 'rrf' })
    expect(rows.map(({ rowid, score }) => [rowid, score])).toEqual([
      [2, 0.75 * (61 / 62) + 0.25],
      [1, 0.75],
      [3, 0.25 * (61 / 62)],
    ])
    expect(fuse([text, vector], { fusion: 'rrf', k: 0 }).map(({ score }) => score)).toEqual([0.75, 0.625, 0.125])
  })

  test('returns what the definition says, best first, ties by row id', () => {
    fc.assert(
      fc.property(legs, fusion, (legs, fusion) => {
        const rows = fuse(legs, { fusion })
        const expected = new Map(naive(legs, fusion).map(({ rowid, score }) => [rowid, score]))
        expect(rows).toHaveLength(expected.size)
        rows.forEach(({ rowid, score }, i) => {
          expect(score).toBeCloseTo(expected.get(rowid)!, 12)
          const next = rows[i + 1]
          if (next) expect(score > next.score || (score === next.score && rowid < next.rowid)).toBe(true)
        })
      }),
    )
  })

  test('takes only ratios of weights into account', () => {
    fc.assert(
      fc.property(legs, fusion, fc.integer({ min: -900, max: 900 }), (legs, fusion, exponent) => {
        const scaled = legs.map((leg) => ({ ...leg, weight: leg.weight * 2 ** exponent }))
        expect(fuse(scaled, { fusion })).toEqual(fuse(legs, { fusion }))
      }),
    )
    expect(fuse([leg([2, 1], Number.MAX_VALUE), { ...vector, weight: Number.MAX_VALUE }])[0]!.score).toBe(0.75)
  })

  test('ranks alike in whatever order the legs come', () => {
    fc.assert(
      fc.property(legs, fusion, (legs, fusion) => {
        expect(idsOf(fuse(legs.toReversed(), { fusion }))).toEqual(idsOf(fuse(legs, { fusion })))
      }),
    )
  })

  test('never ranks a row lower because one leg ranks it first', () => {
    fc.assert(
      fc.property(legs, fusion, fc.nat(), (legs, fusion, pick) => {
        const [first, ...rest] = legs
        const { candidates } = first!
        if (candidates.length < 2) return
        const i = pick % candidates.length
        const swapped = candidates.map((candidate, at) => {
          const from = at === 0 ? i : at === i ? 0 : at
          return { rowid: candidates[from]!.rowid, score: candidate.score }
        })
        const { rowid } = candidates[i]!
        const place = (legs: readonly Leg[]) => idsOf(fuse(legs, { fusion })).indexOf(rowid)
        expect(place([{ ...first!, candidates: swapped }, ...rest])).toBeLessThanOrEqual(place(legs))
      }),
    )
  })

  test('keeps the order of a leg that is alone', () => {
    const scores = [5, 4, 4, -3]
    expect(idsOf(fuse([leg(scores)]))).toEqual([1, 2, 3, 4])
    expect(idsOf(fuse([leg(scores), { ...vector, weight: 1, candidates: [] }]))).toEqual([1, 2, 3, 4])
  })

  test('leaves out what only a leg without weight found, and shows what it says of the others', () => {
    const rows = fuse([text, { ...vector, weight: 0 }])
    expect(rows.map(({ rowid, score, legs }) => [rowid, score, legs[1]?.score])).toEqual([
      [1, 1, undefined],
      [2, 0.5, 0.9],
    ])
  })

  test('holds ties of sums that rounding would break', () => {
    const places = [
      [1, 2, 3],
      [2, 3, 1],
      [3, 1, 2],
    ]
    const legs = places.map((rowids, i) => ({
      name: `leg ${i}`,
      weight: 1,
      candidates: rowids.map((rowid, i) => ({ rowid, score: -i })),
    }))
    expect(new Set(fuse(legs, { fusion: 'rrf' }).map(({ score }) => score)).size).toBe(1)
    expect(idsOf(fuse(legs, { fusion: 'rrf' }))).toEqual([1, 2, 3])
  })

  test('finds nothing where no leg does', () => {
    expect(fuse([])).toEqual([])
    expect(fuse([leg([]), leg([])])).toEqual([])
  })

  test('returns so many at most', () => {
    expect(idsOf(fuse([text, vector], { limit: 2 }))).toEqual([1, 2])
    expect(fuse([text, vector], { limit: 0 })).toEqual([])
  })

  test.each<[string, () => unknown, string]>([
    ['an infinite score', () => fuse([leg([Infinity, 1])]), "score of row 1 in 'text': expected a finite number"],
    ['a score that is none', () => fuse([leg([1, Number.NaN])]), "score of row 2 in 'text'"],
    ['candidates out of order', () => fuse([leg([1, 2])]), 'expected best first, got 2 after 1'],
    ['a row twice', () => fuse([{ ...text, candidates: [...text.candidates, text.candidates[1]!] }]), 'row 2 is there'],
    ['a negative weight', () => fuse([leg([1], -1)]), "weight of 'text': expected a finite number of at least 0"],
    ['an infinite weight', () => fuse([leg([1], Infinity)]), 'got the number Infinity'],
    ['weights of zero', () => fuse([leg([1], 0)]), 'expected one above 0'],
    ['an unknown fusion', () => fuse([text], { fusion: 'softmax' as 'rrf' }), "expected 'score' or 'rrf'"],
    ['a negative k', () => fuse([text], { fusion: 'rrf', k: -1 }), 'k: expected a finite number of at least 0'],
    ['half a row', () => fuse([text], { limit: 0.5 }), 'limit: expected a whole number'],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(QueryError)
    expect(call).toThrow(message)
  })
})
