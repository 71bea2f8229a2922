import { ValidationError } from '../errors.js'
import { describeValue } from '../types/column-type.js'

/** How good a ranking is, by several measures from 0 to 1. */
export interface RankingScores {
  /** Normalized discounted cumulative gain. */
  readonly ndcg: number
  /** Reciprocal rank of the first relevant document; its mean over queries is the MRR. */
  readonly mrr: number
  readonly recall: number
  readonly precision: number
  /** Average precision; its mean over queries is the MAP. */
  readonly map: number
}

/** The name of a measure of rankings. */
export type RankingMetric = keyof RankingScores

/**
 * Rates the ranking of one query.
 *
 * @param ranked ids of documents, best first, each once
 * @param grades the judgements of the query
 * @param k how many of the ranking count; a whole number of at least 1
 * @throws ValidationError
 */
export type RateRanking = (ranked: readonly string[], grades: ReadonlyMap<string, number>, k: number) => number

/**
 * Measures of rankings, defined as in trec_eval, so that results compare with published ones:
 *
 * - `ndcg`: gains are the grades themselves, not 2^grade − 1, discounted by log2(rank + 1), and divided by what the best
 *   possible order of all judged documents would give (Järvelin & Kekäläinen, TOIS 2002; `ndcg_cut` in trec_eval and
 *   BEIR).
 * - `mrr`: 1 / rank of the first relevant document, 0 when none is among the first k.
 * - `recall`: relevant documents among the first k, of all that are relevant.
 * - `precision`: relevant documents among the first k, of k, also when fewer were found.
 * - `map`: the mean of the precisions at the ranks of relevant documents, with 0 for those that are not among the first
 *   k (`map_cut`).
 *
 * Documents that were not judged are not relevant. Where nothing is relevant each is 0; `evaluateRuns` leaves such
 * queries out. One thing differs: trec_eval sorts equal scores by document id again, these take the order that is given.
 *
 * @example
 * ```ts
 * import { rankingMetrics } from 'pixeltable'
 * const grades = new Map([['a', 2], ['b', 1]])
 * console.log(rankingMetrics.mrr(['x', 'a', 'b'], grades, 10)) // 0.5
 * console.log(rankingMetrics.recall(['x', 'a', 'b'], grades, 2)) // 0.5
 * ```
 */
export const rankingMetrics: Readonly<Record<RankingMetric, RateRanking>> = {
  ndcg(ranked, grades, k) {
    const best = relevantGrades(grades).sort((a, b) => b - a)
    return best.length === 0 ? 0 : discountedGain(gainsOf(ranked, grades, k)) / discountedGain(best.slice(0, k))
  },
  mrr(ranked, grades, k) {
    const first = gainsOf(ranked, grades, k).findIndex((gain) => gain > 0)
    return first < 0 ? 0 : 1 / (first + 1)
  },
  recall: (ranked, grades, k) => found(ranked, grades, k) / Math.max(1, relevantGrades(grades).length),
  precision: (ranked, grades, k) => found(ranked, grades, k) / k,
  map(ranked, grades, k) {
    let relevant = 0
    let sum = 0
    gainsOf(ranked, grades, k).forEach((gain, i) => {
      if (gain > 0) sum += ++relevant / (i + 1)
    })
    return sum / Math.max(1, relevantGrades(grades).length)
  },
}

/** All measures of a ranking. */
export function rate(ranked: readonly string[], grades: ReadonlyMap<string, number>, k: number): RankingScores {
  const { ndcg, mrr, recall, precision, map } = rankingMetrics
  return {
    ndcg: ndcg(ranked, grades, k),
    mrr: mrr(ranked, grades, k),
    recall: recall(ranked, grades, k),
    precision: precision(ranked, grades, k),
    map: map(ranked, grades, k),
  }
}

/** The mean of numbers. */
export const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length

/** @throws ValidationError when it is no whole number of at least 1 */
export function checkCutoff(k: number): void {
  if (Number.isSafeInteger(k) && k >= 1) return
  throw new ValidationError(`k: expected a whole number of at least 1, got ${describeValue(k)}`)
}

const relevantGrades = (grades: ReadonlyMap<string, number>): number[] =>
  [...grades.values()].filter((grade) => grade > 0)

const found = (ranked: readonly string[], grades: ReadonlyMap<string, number>, k: number): number =>
  gainsOf(ranked, grades, k).filter((gain) => gain > 0).length

const discountedGain = (gains: readonly number[]): number =>
  gains.reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0)

function gainsOf(ranked: readonly string[], grades: ReadonlyMap<string, number>, k: number): number[] {
  checkCutoff(k)
  const first = ranked.slice(0, k)
  // A document that counts twice would lift a ranking above the best possible one.
  if (new Set(first).size < first.length) {
    const twice = first.find((id, i) => first.indexOf(id) < i)
    throw new ValidationError(`ranking: expected each document once, got ${describeValue(twice)} twice`)
  }
  return first.map((id) => Math.max(0, grades.get(id) ?? 0))
}
