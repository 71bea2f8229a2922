import { QueryError } from '../../errors.js'
import { describeValue } from '../../types/column-type.js'
import type { Candidate } from './leg.js'
import { normalize } from './normalize.js'

/** A row with its vector. */
export interface VectorCandidate extends Candidate {
  /** Of the same length as the others' vectors. Zeros are similar to nothing. */
  readonly vector: Float32Array
}

/** How relevance is weighed against diversity. */
export interface MmrOptions {
  /** From 0, where only diversity counts, to 1, where only relevance does. @default 0.7 */
  readonly lambda?: number | undefined
  /** Rows to return at most; a whole number of at least 0. */
  readonly limit: number
}

/**
 * Maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998): chooses one row after the other, each time the one with
 * the greatest `lambda × relevance − (1 − lambda) × similarity`, where relevance is the candidate's score, normalized to
 * 0 … 1, and similarity its largest cosine to a row that was chosen before. Ties go by row id.
 *
 * Takes time proportional to candidates × limit: of each candidate the largest similarity so far is kept.
 *
 * @param candidates in any order
 * @returns the chosen candidates, in the order of the choice
 * @throws QueryError for scores, vectors or options that do not fit
 */
export function mmr<C extends VectorCandidate>(candidates: readonly C[], { lambda = 0.7, limit }: MmrOptions): C[] {
  if (!(lambda >= 0 && lambda <= 1)) {
    throw new QueryError(`lambda: expected a number from 0 to 1, got ${describeValue(lambda)}`)
  }
  if (!(Number.isSafeInteger(limit) && limit >= 0)) {
    throw new QueryError(`limit: expected a whole number of at least 0, got ${describeValue(limit)}`)
  }
  checkVectors(candidates)
  // By score and then row id, so that the first of equals is the one to take.
  const open = candidates.toSorted((a, b) => b.score - a.score || a.rowid - b.rowid)
  const relevance = [...normalize(open.map(({ score }) => score))]
  const lengths = open.map(({ vector }) => Math.sqrt(dot(vector, vector)))
  const similarity: number[] = new Array(open.length).fill(0)
  const chosen: C[] = []
  while (chosen.length < limit && open.length > 0) {
    let best = 0
    let most = -Infinity
    for (let i = 0; i < open.length; i++) {
      const margin = lambda * relevance[i]! - (1 - lambda) * similarity[i]!
      if (margin > most || (margin === most && open[i]!.rowid < open[best]!.rowid)) {
        best = i
        most = margin
      }
    }
    const isFirst = chosen.length === 0
    const row = open[best]!
    const length = lengths[best]!
    chosen.push(row)
    for (const list of [open, relevance, lengths, similarity]) list.splice(best, 1)
    for (let i = 0; i < open.length; i++) {
      const product = length * lengths[i]!
      const cosine = product === 0 ? 0 : dot(row.vector, open[i]!.vector) / product
      similarity[i] = isFirst ? cosine : Math.max(similarity[i]!, cosine)
    }
  }
  return chosen
}

function checkVectors(candidates: readonly VectorCandidate[]): void {
  const dimensions = candidates[0]?.vector.length
  for (const { rowid, score, vector } of candidates) {
    if (!Number.isFinite(score)) {
      throw new QueryError(`score of row ${rowid}: expected a finite number, got ${describeValue(score)}`)
    }
    if (vector.length !== dimensions) {
      throw new QueryError(`vector of row ${rowid}: expected ${dimensions} dimensions, got ${vector.length}`)
    }
    if (!vector.every(Number.isFinite)) throw new QueryError(`vector of row ${rowid}: expected finite numbers`)
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
