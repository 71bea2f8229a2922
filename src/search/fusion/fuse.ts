import { QueryError } from '../../errors.js'
import { describeValue } from '../../types/column-type.js'
import { type Candidate, checkCandidates, type Leg, sharesOf } from './leg.js'
import { normalize } from './normalize.js'

/** How legs are fused: by their normalized scores, or by rank alone. */
export type Fusion = 'score' | 'rrf'

/** How legs are fused. */
export interface FuseOptions {
  /**
   * `score` adds up normalized scores (a convex combination; Bruch et al., TOIS 2023), `rrf` reciprocal ranks (Cormack
   * et al., SIGIR 2009), which knows no scores: a leg that finds nothing good counts as much as one that does.
   * @default 'score'
   */
  readonly fusion?: Fusion | undefined
  /** The constant of `rrf`: the larger, the less the first ranks stand out. At least 0. @default 60 */
  readonly k?: number | undefined
  /** Rows to return at most; a whole number of at least 0. @default all */
  readonly limit?: number | undefined
}

/** What one leg says of a row. */
export interface LegScore {
  /** From 1. */
  readonly rank: number
  /** The leg's own score. */
  readonly score: number
  /** From 0 to 1: what is weighted and added up. */
  readonly normalized: number
}

/** A row of the fused list. */
export interface FusedRow<C extends Candidate = Candidate> {
  readonly rowid: number
  /** From 0 to 1; 1 for the row that is first in all legs. */
  readonly score: number
  /** What each leg says of it, in the order of the legs; undefined where a leg has not found it. */
  readonly legs: readonly (LegScore | undefined)[]
  /** The candidate as the first leg that found it has it. */
  readonly candidate: C
}

/**
 * Fuses the lists of several searches into one, best first, ties by row id.
 *
 * ```ts
 * fuse([
 *   { name: 'text', weight: 0.75, candidates: [{ rowid: 7, score: 12.1 }, { rowid: 3, score: 9.4 }] },
 *   { name: 'vector', weight: 0.25, candidates: [{ rowid: 3, score: 0.83 }, { rowid: 5, score: 0.51 }] },
 * ]) // rows 7 (0.75), 3 (0.625) and 5 (0.125)
 * ```
 *
 * @throws QueryError for weights, scores or options that do not fit
 */
export function fuse<C extends Candidate>(legs: readonly Leg<C>[], options: FuseOptions = {}): FusedRow<C>[] {
  const { limit } = options
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 0)) {
    throw new QueryError(`limit: expected a whole number of at least 0, got ${describeValue(limit)}`)
  }
  return rankRows(gatherRows(legs, options), sharesOf(legs), limit)
}

/** A row that some leg has found, before weights. */
export type GatheredRow<C extends Candidate> = Omit<FusedRow<C>, 'score'>

/** What all legs found: the part of the work that weights do not change. @throws QueryError */
export function gatherRows<C extends Candidate>(
  legs: readonly Pick<Leg<C>, 'name' | 'candidates'>[],
  options: Pick<FuseOptions, 'fusion' | 'k'> = {},
): GatheredRow<C>[] {
  const normalizeLeg = normalizationOf(options)
  const rows = new Map<number, GatheredRow<C> & { readonly legs: (LegScore | undefined)[] }>()
  legs.forEach((leg, position) => {
    checkCandidates(leg)
    const normalized = normalizeLeg(leg.candidates.map(({ score }) => score))
    leg.candidates.forEach((candidate, i) => {
      const { rowid, score } = candidate
      let row = rows.get(rowid)
      if (!row) {
        row = { rowid, legs: new Array(legs.length).fill(undefined), candidate }
        rows.set(rowid, row)
      }
      row.legs[position] = { rank: i + 1, score, normalized: normalized[i]! }
    })
  })
  return [...rows.values()]
}

/**
 * Scores gathered rows and puts them in order. A leg without weight is off: what only it found is left out.
 * @param shares weights as parts of 1
 */
export function rankRows<C extends Candidate>(
  rows: readonly GatheredRow<C>[],
  shares: readonly number[],
  limit = rows.length,
): FusedRow<C>[] {
  return rows
    .map(({ rowid, legs, candidate }) => ({ rowid, score: weightedSum(legs, shares), legs, candidate }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score || a.rowid - b.rowid)
    .slice(0, limit)
}

function weightedSum(legs: readonly (LegScore | undefined)[], shares: readonly number[]): number {
  const terms = legs.map((leg, i) => (leg ? leg.normalized * shares[i]! : 0))
  // Addition rounds, so its order shows. In a fixed one ties stay ties, whichever legs made which part.
  if (terms.length > 2) terms.sort((a, b) => a - b)
  return Math.min(
    1,
    terms.reduce((sum, term) => sum + term, 0),
  )
}

function normalizationOf({ fusion = 'score', k = 60 }: Pick<FuseOptions, 'fusion' | 'k'>): typeof normalize {
  if (fusion === 'score') return normalize
  if (fusion !== 'rrf') throw new QueryError(`fusion: expected 'score' or 'rrf', got ${describeValue(fusion)}`)
  if (!(Number.isFinite(k) && k >= 0)) {
    throw new QueryError(`k: expected a finite number of at least 0, got ${describeValue(k)}`)
  }
  // 1 / (k + rank), scaled so that the first has 1.
  return (scores) => scores.map((_, i) => (k + 1) / (k + i + 1))
}
