import { describe, expect, test } from 'vitest'
import { QueryError, ValidationError } from '../../src/errors.js'
import type { Qrels } from '../../src/evaluation/qrels.js'
import { movesOf, simplexGrid } from '../../src/evaluation/simplex.js'
import { type ScoredDocument, type ScoredRun, suggestWeights } from '../../src/evaluation/suggest-weights.js'
import { hash } from '../../src/expr/operators/hash.js'

const queries = Array.from({ length: 120 }, (_, i) => `q${i}`)
/** Document 0 of thirty is relevant. */
const qrels: Qrels = new Map(queries.map((query) => [query, new Map([['d0', 1]])]))

/** A leg that scores at random, and the relevant document by so much more. */
function noisy(name: string, weight: number, skill: number, seed: number): ScoredRun {
  const results = queries.map((query, q): [string, ScoredDocument[]] => {
    const documents = Array.from({ length: 30 }, (_, i) => ({
      rowid: i + 1,
      id: `d${i}`,
      score: hash(q * 30 + i, seed) + (i === 0 ? skill : 0),
    }))
    return [query, documents.sort((a, b) => b.score - a.score)]
  })
  return { name, weight, results: new Map(results) }
}

describe('suggestWeights', () => {
  const good = noisy('good', 0.1, 0.6, 1)
  const useless = noisy('useless', 0.9, 0, 2)

  test('finds the leg that knows, and shows what that gains on queries it has not seen', () => {
    const { weights, choices, gain, queries } = suggestWeights([good, useless], qrels)
    expect(queries).toEqual({ training: 60, heldBack: 60 })
    expect(weights.good).toBeGreaterThan(0.6)
    expect(weights.good! + weights.useless!).toBeCloseTo(1, 12)
    expect(choices.map(({ name }) => name)).toEqual([
      'good alone',
      'useless alone',
      'equal weights',
      'default weights',
      'suggested weights',
    ])
    const [, , , defaults, suggested] = choices
    expect(defaults!.weights).toEqual({ good: 0.1, useless: 0.9 })
    expect(suggested!.heldBack).toBeGreaterThan(defaults!.heldBack + 0.1)
    expect(gain.difference).toBeCloseTo(suggested!.heldBack - defaults!.heldBack, 12)
    expect(gain.p).toBeLessThan(0.01)
  })

  test('stays near the default weights where little speaks against them', () => {
    const legs = [noisy('a', 0.7, 0.4, 3), noisy('b', 0.3, 0.4, 4)]
    const near = Array.from({ length: 20 }, (_, i) => suggestWeights(legs, qrels, { seed: i }).weights.a!).filter(
      (weight) => Math.abs(weight - 0.7) <= 0.2,
    )
    expect(near.length).toBeGreaterThan(14)
    const alike = suggestWeights([good, { ...good, name: 'the same' }], qrels)
    expect(alike.weights).toEqual({ good: 0.5, 'the same': 0.5 })
    expect(alike.gain.p).toBe(1)
  })

  test('takes any number of legs', () => {
    const legs = [good, useless, noisy('c', 0.1, 0.5, 5), noisy('d', 0.5, 0, 6)]
    const { weights } = suggestWeights(legs, qrels, { fusion: 'score', k: 5 })
    expect(Object.values(weights).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12)
    expect(weights.good! + weights.c!).toBeGreaterThan(0.6)
  })

  test('draws the same queries for a seed, whatever their order', () => {
    const reversed = new Map([...qrels].reverse())
    expect(suggestWeights([good, useless], reversed)).toEqual(suggestWeights([good, useless], qrels))
    expect(suggestWeights([good, useless], qrels, { seed: 2 }).choices).not.toEqual(
      suggestWeights([good, useless], qrels, { seed: 1 }).choices,
    )
  })

  test('counts of several rows of a document the best', () => {
    const chunks = new Map(
      queries.map((query) => [
        query,
        [
          { rowid: 1, id: 'other', score: 3 },
          { rowid: 2, id: 'other', score: 2 },
          { rowid: 3, id: 'd0', score: 1 },
        ],
      ]),
    )
    const legs = ['a', 'b'].map((name) => ({ name, weight: 1, results: chunks }))
    expect(suggestWeights(legs, qrels, { metric: 'mrr' }).choices[0]!.heldBack).toBe(0.5)
  })

  test('takes a query without candidates for one without an answer', () => {
    const empty = { name: 'empty', weight: 1, results: new Map() }
    const { choices } = suggestWeights([good, empty], qrels)
    expect(choices[1]).toMatchObject({ name: 'empty alone', training: 0, heldBack: 0 })
  })

  test('prints as a table', () => {
    const lines = `${suggestWeights([good, useless], qrels, { heldBack: 0.25 })}`.split('\n')
    expect(lines[0]).toBe('ndcg@10             good  useless  training (90)  held back (30)')
    expect(lines[1]).toMatch(/^good alone {9}1\.000 {4}0\.000 {10}0\.\d{3} {11}0\.\d{3}$/)
    expect(lines[6]).toMatch(
      /^suggested against default weights, held back: \+0\.\d{3}, 95% within \+0\.\d{3} … \+0\.\d{3}, p = 0\.\d{3}$/,
    )
  })

  const few = new Map([...qrels].slice(0, 3))
  test.each<[string, () => unknown, typeof QueryError | typeof ValidationError, string]>([
    ['one leg', () => suggestWeights([good], qrels), ValidationError, 'legs: expected at least 2, got 1'],
    ['legs of one name', () => suggestWeights([good, good], qrels), ValidationError, "got 'good' twice"],
    ['few queries', () => suggestWeights([good, useless], few), ValidationError, 'at least 4 queries'],
    [
      'an unknown metric',
      () => suggestWeights([good, useless], qrels, { metric: 'f1' as 'map' }),
      ValidationError,
      'metric: expected one of ndcg, mrr, recall, precision, map, got the string "f1"',
    ],
    ['no test', () => suggestWeights([good, useless], qrels, { heldBack: 0 }), ValidationError, 'heldBack: expected'],
    ['half a seed', () => suggestWeights([good, useless], qrels, { seed: 0.5 }), ValidationError, 'seed: expected'],
    ['no cutoff', () => suggestWeights([good, useless], qrels, { k: 0 }), ValidationError, 'k: expected'],
    ['a bad weight', () => suggestWeights([{ ...good, weight: -1 }, useless], qrels), QueryError, "weight of 'good'"],
  ])('refuses %s', (_, call, type, message) => {
    expect(call).toThrow(type)
    expect(call).toThrow(message)
  })
})

describe('the grid of weights', () => {
  test.each([2, 3, 4, 5, 8, 30])('of %i legs has no more than a hundred points, each adding up', (legs) => {
    const { grid, total } = simplexGrid(legs)
    expect(grid.length).toBeLessThanOrEqual(100)
    expect(new Set(grid.map((parts) => parts.join())).size).toBe(grid.length)
    for (const parts of grid) {
      expect(parts).toHaveLength(legs)
      expect(parts.reduce((sum, part) => sum + part, 0)).toBe(total)
    }
    // Each leg alone is among them.
    expect(grid.filter((parts) => parts.includes(total))).toHaveLength(legs)
  })

  test('is left by moves from one leg to another', () => {
    expect(movesOf([3, 0, 1], 2)).toEqual([
      [1, 2, 1],
      [1, 0, 3],
    ])
  })
})
