import { QueryError } from '../../errors.js'
import { describeValue } from '../../types/column-type.js'

/** A row that a search has found. */
export interface Candidate {
  readonly rowid: number
  /** How well it fits; higher is better. Any finite number, on the search's own scale. */
  readonly score: number
}

/** One of the searches that are fused, such as full text or vectors. */
export interface Leg<C extends Candidate = Candidate> {
  readonly name: string
  /** Its part in the fused score, beside the weights of the other legs: only ratios count. At least 0, which turns it off. */
  readonly weight: number
  /** What it found, best first, each row once. */
  readonly candidates: readonly C[]
}

/**
 * Weights and depth of a search that fuses full text with vectors, where nobody says. Measured with the built-in
 * embedding model, which alone is weaker than BM25: on none of SciFact, MS MARCO, Cranfield and XQuAD is the nDCG@10 of
 * the fused list below that of BM25. From a vector weight of 0.3 on it is on some; and with half the candidates, on one.
 */
export const hybridDefaults = { text: 0.75, vector: 0.25, candidates: 200 } as const

/** The weights as parts of 1. @throws QueryError */
export function sharesOf(legs: readonly Pick<Leg, 'name' | 'weight'>[]): readonly number[] {
  for (const { name, weight } of legs) {
    if (typeof weight === 'number' && weight >= 0 && weight < Infinity) continue
    throw new QueryError(`weight of '${name}': expected a finite number of at least 0, got ${describeValue(weight)}`)
  }
  // Addition rounds: in a fixed order, so that the order of the legs changes nothing.
  const sumOf = (parts: readonly number[]): number =>
    parts.toSorted((a, b) => a - b).reduce((sum, part) => sum + part, 0)
  const weights = legs.map(({ weight }) => weight)
  if (sumOf(weights) === 0 && legs.length > 0) throw new QueryError('weights: expected one above 0, got only zeros')
  // The sum of huge weights overflows; that of their parts does not.
  const parts = Number.isFinite(sumOf(weights)) ? weights : weights.map((weight) => weight / legs.length)
  const sum = sumOf(parts)
  return parts.map((part) => part / sum)
}

/** @throws QueryError when the candidates are not finite, not best first, or not each there once */
export function checkCandidates({ name, candidates }: Pick<Leg, 'name' | 'candidates'>): void {
  const rows = new Set<number>()
  let last = Infinity
  for (const { rowid, score } of candidates) {
    if (!Number.isFinite(score)) {
      throw new QueryError(`score of row ${rowid} in '${name}': expected a finite number, got ${describeValue(score)}`)
    }
    if (score > last) throw new QueryError(`candidates of '${name}': expected best first, got ${score} after ${last}`)
    if (rows.has(rowid)) throw new QueryError(`candidates of '${name}': row ${rowid} is there twice`)
    rows.add(rowid)
    last = score
  }
}
