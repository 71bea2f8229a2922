import { ValidationError } from '../errors.js'
import { hash } from '../expr/operators/hash.js'
import { describeValue } from '../types/column-type.js'
import { mean } from './metrics.js'

/** How two runs are compared. */
export interface BootstrapOptions {
  /** Samples drawn, each as large as the set of queries; a whole number of at least 100. @default 10000 */
  readonly resamples?: number | undefined
  /** Part of the samples whose mean lies within the interval; above 0 and below 1. @default 0.95 */
  readonly confidence?: number | undefined
  /** A whole number. The same seed gives the same answer. @default 1 */
  readonly seed?: number | undefined
}

/** How far one run is better than another, and how sure that is. */
export interface PairedBootstrap {
  /** Mean of a − b. */
  readonly difference: number
  /** Lower and upper end of the confidence interval of the difference. */
  readonly interval: readonly [low: number, high: number]
  /** How likely so large a difference, to either side, is between runs that are equally good. */
  readonly p: number
  readonly queries: number
}

/**
 * Compares two runs over the same queries by resampling the queries: a percentile interval of the mean difference (Efron
 * & Tibshirani, 1993, chapter 13) and the paired, two-sided bootstrap test with studentized means (there chapter 16;
 * Sakai, SIGIR 2006). Of B samples the sample itself counts as one more, so that p is at least 1 / (B + 1).
 *
 * Fewer than some 25 queries say little, however small the p.
 *
 * @param a scores of the one run, one a query
 * @param b scores of the other, in the same order
 * @example
 * ```ts
 * import { pairedBootstrap } from 'pixeltable'
 * const { difference, p } = pairedBootstrap([0.9, 0.4, 0.7, 0.8, 0.6], [0.5, 0.3, 0.6, 0.4, 0.5])
 * console.log(difference.toFixed(2), p < 0.05) // 0.22 true
 * ```
 * @throws ValidationError
 */
export function pairedBootstrap(
  a: readonly number[],
  b: readonly number[],
  { resamples = 10_000, confidence = 0.95, seed = 1 }: BootstrapOptions = {},
): PairedBootstrap {
  if (a.length !== b.length || a.length < 2) {
    throw new ValidationError(
      `expected scores of the same queries, at least 2, got ${describeValue(a)} and ${describeValue(b)}`,
    )
  }
  for (const score of [...a, ...b]) {
    if (!Number.isFinite(score)) throw new ValidationError(`expected finite scores, got ${describeValue(score)}`)
  }
  if (!(Number.isSafeInteger(resamples) && resamples >= 100)) {
    throw new ValidationError(`resamples: expected a whole number of at least 100, got ${describeValue(resamples)}`)
  }
  if (!(confidence > 0 && confidence < 1)) {
    throw new ValidationError(`confidence: expected a number above 0 and below 1, got ${describeValue(confidence)}`)
  }
  checkSeed(seed)
  const differences = a.map((score, i) => score - b[i]!)
  const n = differences.length
  const difference = mean(differences)
  // Samples are drawn as if the runs were equal; the interval moves them back to where the mean is. What rounding leaves
  // of equal differences is nothing.
  const rounding = 1e-12 * Math.max(...differences.map(Math.abs))
  const centred = Float64Array.from(differences, (d) => (Math.abs(d - difference) > rounding ? d - difference : 0))
  const variance = centred.reduce((sum, d) => sum + d * d, 0) / (n - 1)
  const observed = studentized(difference, variance, n)
  const means = new Float64Array(resamples)
  let extreme = 0
  for (let sample = 0; sample < resamples; sample++) {
    let sum = 0
    let squares = 0
    for (let i = 0; i < n; i++) {
      const drawn = centred[Math.floor(hash(sample * n + i, seed) * n)]!
      sum += drawn
      squares += drawn * drawn
    }
    means[sample] = difference + sum / n
    // Rounding may take a variance of nothing below 0.
    const spread = Math.max(0, (squares - (sum * sum) / n) / (n - 1))
    if (studentized(sum / n, spread, n) >= observed) extreme++
  }
  means.sort()
  const outside = Math.floor(((1 - confidence) / 2) * resamples)
  return {
    difference,
    interval: [means[outside]!, means[resamples - 1 - outside]!],
    p: (extreme + 1) / (resamples + 1),
    queries: n,
  }
}

/** @throws ValidationError when it is no whole number */
export function checkSeed(seed: number): void {
  if (!Number.isSafeInteger(seed)) {
    throw new ValidationError(`seed: expected a whole number, got ${describeValue(seed)}`)
  }
}

/** A mean of n numbers in units of its standard error, without sign; 0 for a mean of 0. */
const studentized = (mean: number, variance: number, n: number): number =>
  mean === 0 ? 0 : Math.abs(mean) / Math.sqrt(variance / n)
