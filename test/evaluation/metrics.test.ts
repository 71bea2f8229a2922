import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ValidationError } from '../../src/errors.js'
import { type RankingMetric, rankingMetrics, rate } from '../../src/evaluation/metrics.js'

const grades = (entries: Readonly<Record<string, number>>): Map<string, number> => new Map(Object.entries(entries))
const { ndcg, mrr, recall, precision, map } = rankingMetrics

describe('ndcg', () => {
  // https://en.wikipedia.org/wiki/Discounted_cumulative_gain: gains 3 2 3 0 1 2, and two more documents of 3 and 2.
  const judged = grades({ d1: 3, d2: 2, d3: 3, d4: 0, d5: 1, d6: 2, d7: 3, d8: 2 })
  const ranked = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6']

  test('of the example in the literature', () => {
    expect(ndcg(ranked, judged, 6)).toBeCloseTo(6.861 / 8.74, 3)
  })

  test('takes gains as they are, not as powers of two', () => {
    expect(ndcg(['b', 'a'], grades({ a: 2, b: 1 }), 2)).toBeCloseTo((1 + 2 / Math.log2(3)) / (2 + 1 / Math.log2(3)), 12)
  })

  test('compares with the best order of what was judged, cut at k', () => {
    expect(ndcg(['x', 'd1'], judged, 2)).toBeCloseTo(3 / Math.log2(3) / (3 + 3 / Math.log2(3)), 12)
    expect(ndcg(['d1', 'x'], judged, 1)).toBe(1)
  })

  test('counts what is negative or not judged as nothing', () => {
    expect(ndcg(['bad', 'unknown', 'a'], grades({ a: 1, bad: -2 }), 10)).toBe(0.5)
  })
})

describe('a ranking of relevant, not relevant, relevant and one that was missed', () => {
  const judged = grades({ a: 1, c: 2, missed: 1, no: 0 })
  const ranked = ['a', 'no', 'c', 'x']

  test('has these scores', () => {
    expect(mrr(ranked, judged, 10)).toBe(1)
    expect(recall(ranked, judged, 10)).toBeCloseTo(2 / 3, 12)
    expect(recall(ranked, judged, 2)).toBeCloseTo(1 / 3, 12)
    expect(precision(ranked, judged, 3)).toBeCloseTo(2 / 3, 12)
    expect(precision(ranked, judged, 10)).toBe(0.2)
    expect(map(ranked, judged, 10)).toBeCloseTo((1 + 2 / 3) / 3, 12)
    expect(map(ranked, judged, 2)).toBeCloseTo(1 / 3, 12)
    expect(mrr(['no', 'x', 'c'], judged, 10)).toBeCloseTo(1 / 3, 12)
    expect(mrr(['no', 'x', 'c'], judged, 2)).toBe(0)
  })
})

test('nothing found, or nothing relevant, is 0', () => {
  const nothing = { ndcg: 0, mrr: 0, recall: 0, precision: 0, map: 0 }
  expect(rate([], grades({ a: 1 }), 10)).toEqual(nothing)
  expect(rate(['a'], grades({ a: 0 }), 10)).toEqual(nothing)
  expect(rate(['a'], new Map(), 10)).toEqual(nothing)
})

const names = Object.keys(rankingMetrics) as RankingMetric[]

test('every measure is from 0 to 1, and never falls when a better document moves up', () => {
  const judged = fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 2, maxLength: 12 })
  fc.assert(
    fc.property(judged, fc.integer({ min: 1, max: 14 }), fc.nat(), (list, k, at) => {
      const byId = new Map(list.map((grade, i) => [`d${i}`, grade]))
      const ranked = [...byId.keys()]
      const i = at % (ranked.length - 1)
      const swapped = ranked.with(i, ranked[i + 1]!).with(i + 1, ranked[i]!)
      for (const name of names) {
        const before = rankingMetrics[name](ranked, byId, k)
        expect(before).toBeGreaterThanOrEqual(0)
        expect(before).toBeLessThanOrEqual(1 + 1e-12)
        if (list[i + 1]! <= list[i]!) continue
        expect(rankingMetrics[name](swapped, byId, k)).toBeGreaterThanOrEqual(before - 1e-12)
      }
    }),
  )
})

test('the best order has nDCG 1', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 4 })), fc.integer({ min: 1, max: 9 }), (list, k) => {
      fc.pre(list.some((grade) => grade > 0))
      const byId = new Map(list.toSorted((a, b) => b - a).map((grade, i) => [`d${i}`, grade]))
      expect(ndcg([...byId.keys()], byId, k)).toBeCloseTo(1, 12)
    }),
  )
})

test.each(names)('%s refuses a document twice and a k that cuts nothing', (name) => {
  const call = (ranked: string[], k: number) => () => rankingMetrics[name](ranked, grades({ a: 1 }), k)
  for (const k of [0, 1.5, Number.NaN]) expect(call(['a'], k)).toThrow(ValidationError)
  expect(call(['a', 'b', 'a'], 10)).toThrow('expected each document once, got the string "a" twice')
  expect(call(['a', 'b', 'a'], 2)).not.toThrow()
})
