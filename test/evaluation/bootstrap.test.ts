import { describe, expect, test } from 'vitest'
import { pairedBootstrap } from '../../src/evaluation/bootstrap.js'
import { hash } from '../../src/expr/operators/hash.js'

/** Sums of twelve uniform numbers are as good as normally distributed, with a deviation of 1. */
const normal = (i: number, seed: number): number => {
  let sum = -6
  for (let j = 0; j < 12; j++) sum += hash(i * 12 + j, seed)
  return sum
}
const sample = (n: number, mean: number, deviation: number, seed: number): number[] =>
  Array.from({ length: n }, (_, i) => mean + deviation * normal(i, seed))
const zeros = (n: number): number[] => new Array(n).fill(0)

describe('pairedBootstrap', () => {
  test('finds the interval and p of the t distribution where that holds', () => {
    // Mean 0.02 and standard error 0.01: t = 2, p = 0.048 with 99 degrees of freedom.
    const raw = sample(100, 0, 1, 7)
    const m = raw.reduce((sum, x) => sum + x, 0) / 100
    const s = Math.sqrt(raw.reduce((sum, x) => sum + (x - m) ** 2, 0) / 99)
    const scores = raw.map((x) => 0.02 + (0.1 * (x - m)) / s)
    const { difference, interval, p, queries } = pairedBootstrap(scores, zeros(100))
    expect(queries).toBe(100)
    expect(difference).toBeCloseTo(0.02, 10)
    expect(interval[0]).toBeCloseTo(0.02 - 1.96 * 0.01, 2)
    expect(interval[1]).toBeCloseTo(0.02 + 1.96 * 0.01, 2)
    expect(Math.abs(p - 0.048)).toBeLessThan(0.012)
  })

  test('rejects equal runs about as often as it should', () => {
    let rejected = 0
    for (let seed = 1; seed <= 200; seed++) {
      const { p } = pairedBootstrap(sample(40, 0, 1, seed), zeros(40), { resamples: 400, seed })
      if (p < 0.05) rejected++
    }
    expect(rejected).toBeGreaterThan(1)
    expect(rejected).toBeLessThan(22)
  })

  test('turns round with its arguments', () => {
    const [a, b] = [sample(30, 0.5, 0.1, 3), sample(30, 0.45, 0.1, 4)]
    const [one, other] = [pairedBootstrap(a, b), pairedBootstrap(b, a)]
    expect(other.difference).toBeCloseTo(-one.difference, 12)
    expect(other.interval[0]).toBeCloseTo(-one.interval[1], 12)
    expect(other.p).toBe(one.p)
  })

  test('answers alike for a seed, and a little differently for another', () => {
    const a = sample(30, 0.1, 0.3, 3)
    expect(pairedBootstrap(a, zeros(30), { seed: 5 })).toEqual(pairedBootstrap(a, zeros(30), { seed: 5 }))
    expect(pairedBootstrap(a, zeros(30), { seed: 6 }).interval).not.toEqual(
      pairedBootstrap(a, zeros(30), { seed: 5 }).interval,
    )
  })

  test('knows equal runs, and runs that always differ by as much', () => {
    expect(pairedBootstrap([0.5, 0.7, 0.1], [0.5, 0.7, 0.1])).toEqual({
      difference: 0,
      interval: [0, 0],
      p: 1,
      queries: 3,
    })
    const always = pairedBootstrap([0.3, 0.4, 0.8], [0.2, 0.3, 0.7])
    expect(always.difference).toBeCloseTo(0.1, 12)
    expect(always.p).toBeCloseTo(1 / 10_001, 12)
  })

  test('has a narrower interval for less confidence', () => {
    const a = sample(50, 0, 1, 9)
    const width = (confidence: number): number => {
      const [low, high] = pairedBootstrap(a, zeros(50), { confidence }).interval
      return high - low
    }
    expect(width(0.5)).toBeLessThan(width(0.9))
    expect(width(0.9)).toBeLessThan(width(0.99))
  })

  test('is fast: ten thousand samples of a thousand queries take less than a few seconds', () => {
    const start = performance.now()
    pairedBootstrap(sample(1000, 0, 1, 2), zeros(1000))
    expect(performance.now() - start).toBeLessThan(5000)
  })

  test.each<[string, () => unknown, string]>([
    ['other queries', () => pairedBootstrap([1, 2], [1]), 'expected scores of the same queries'],
    ['one query', () => pairedBootstrap([1], [1]), 'at least 2, got an array of 1'],
    ['no number', () => pairedBootstrap([1, Number.NaN], [1, 1]), 'expected finite scores'],
    ['few resamples', () => pairedBootstrap([1, 2], [1, 1], { resamples: 10 }), 'resamples: expected a whole number'],
    ['full confidence', () => pairedBootstrap([1, 2], [1, 1], { confidence: 1 }), 'confidence: expected a number'],
    ['a broken seed', () => pairedBootstrap([1, 2], [1, 1], { seed: 0.5 }), 'seed: expected a whole number'],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(message)
  })
})
