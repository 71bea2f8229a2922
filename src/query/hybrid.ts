import { QueryError } from '../errors.js'
import type { Arg } from '../expr/expression.js'
import { MixedQuery } from '../plan/search.js'
import type { Fusion } from '../search/fusion/fuse.js'
import { hybridDefaults } from '../search/fusion/leg.js'
import { describeValue } from '../types/column-type.js'
import { isMedia, type Media } from '../types/media.js'
import type { MultiVectorInput } from '../types/multi-vector.js'

/** What a search looks for: text, an image, a vector, one of them with the index to use, or several of them at once. */
export type SearchInput =
  | Arg<string>
  | Media
  | readonly number[]
  | Float32Array
  | Float64Array
  | { readonly string: Arg<string>; readonly index?: string }
  | { readonly image: Media | Uint8Array; readonly index?: string }
  | { readonly vector: ArrayLike<number>; readonly index?: string }
  | { readonly mix: readonly [MixedInput, ...MixedInput[]]; readonly index?: string }

/**
 * One of several things that a search looks for at once: its vector, at length one, counts by its weight. A negative
 * weight looks for what is unlike it.
 */
export type MixedInput = (
  | { readonly string: string }
  | { readonly image: Media | Uint8Array }
  | { readonly vector: ArrayLike<number> }
) & {
  /** @default 1 */
  readonly weight?: number
}

/** What `maxSim` looks for: text, an image, or vectors, shape (tokens, dimensions). */
export type MaxSimInput =
  | Arg<string>
  | Media
  | MultiVectorInput
  | { readonly string: Arg<string> }
  | { readonly image: Media | Uint8Array }
  | { readonly vectors: MultiVectorInput }

/** Options of `hybrid`. */
export interface HybridOptions<N extends string = string> {
  /**
   * `score` adds up normalised scores, `rrf` reciprocal ranks, which knows no scores: a leg that finds nothing good counts
   * as much as one that does. @default 'score'
   */
  readonly fusion?: Fusion
  /** Rows that each leg brings, or as many as `limit` and `offset` need; a whole number of at least 1. @default 200 */
  readonly candidates?: number
  /** Name of the score in the result. @default 'score' */
  readonly as?: N
}

/** What all legs have. */
export interface HybridLegOptions {
  /**
   * What its scores count; at least 0, and only the ratio to those of other legs matters.
   * @default 0.75 for `match`, 0.25 for `similarity` and `maxSim`
   */
  readonly weight?: number
  /** The index to use, where the column has several. */
  readonly index?: string
  /** Its name in `withScores`. @default 'match', 'similarity' and 'maxSim', and a number from the second on */
  readonly name?: string
}

/**
 * One search of a hybrid one: `X` names columns with an embedding index, `M` those with a text index, `L` those with a
 * multi-vector index. A leg of MaxSim compares as many rows exactly as it brings.
 */
export type HybridLeg<X extends PropertyKey, M extends PropertyKey, L extends PropertyKey = never> =
  | (HybridLegOptions & {
      readonly match: M | readonly [M, ...M[]]
      readonly query: Arg<string>
      readonly similarity?: never
      readonly maxSim?: never
    })
  | (HybridLegOptions & {
      readonly similarity: X
      readonly query: SearchInput
      readonly match?: never
      readonly maxSim?: never
    })
  | (HybridLegOptions & {
      readonly maxSim: L
      readonly query: MaxSimInput
      readonly match?: never
      readonly similarity?: never
    })

/** @internal A leg of any table. */
export interface AnyHybridLeg extends HybridLegOptions {
  readonly match?: unknown
  readonly similarity?: unknown
  readonly maxSim?: unknown
  readonly query: unknown
}

const legKinds = ['match', 'similarity', 'maxSim'] as const

/** What kind of search a leg is. */
export const kindOfLeg = (leg: AnyHybridLeg): (typeof legKinds)[number] =>
  legKinds.find((kind) => leg[kind] !== undefined)!

/** @throws QueryError when these are not things to look for at once */
export function mixOf(mix: unknown): MixedQuery {
  if (!Array.isArray(mix) || mix.length === 0) {
    throw new QueryError(`similarity(): mix: expected at least one thing to look for, got ${describeValue(mix)}`)
  }
  const parts = mix.map((part: Record<string, unknown>, i) => {
    const keys = ['string', 'image', 'vector'].filter((key) => part?.[key] !== undefined)
    if (keys.length !== 1) throw new QueryError(`similarity(): mix[${i}]: expected one of string, image, vector`)
    const { weight = 1 } = part
    if (typeof weight !== 'number' || !Number.isFinite(weight)) {
      throw new QueryError(`similarity(): mix[${i}]: weight: expected a finite number, got ${describeValue(weight)}`)
    }
    return { value: part[keys[0]!], weight }
  })
  return new MixedQuery(parts)
}

/** The legs over words and vectors of one column, with the default weights unless others are given. */
export function legsOfColumn(column: string, query: unknown, weights: readonly number[] | undefined): AnyHybridLeg[] {
  const [text, vector] = weights ?? [hybridDefaults.text, hybridDefaults.vector]
  if (weights !== undefined && (!Array.isArray(weights) || weights.length !== 2)) {
    throw new QueryError(`hybrid(): weights: expected two, of words and of vectors, got ${describeValue(weights)}`)
  }
  return [
    { match: column, query, weight: text! },
    { similarity: column, query, weight: vector! },
  ]
}

/** @throws QueryError when these are no legs */
export function checkLegs(legs: unknown): readonly AnyHybridLeg[] {
  if (!Array.isArray(legs) || legs.length === 0) {
    throw new QueryError(`hybrid(): expected a column and a query, or a list of legs, got ${describeValue(legs)}`)
  }
  const names = new Set<string>()
  for (const leg of legs as AnyHybridLeg[]) {
    if (legKinds.filter((kind) => leg?.[kind] !== undefined).length !== 1) {
      throw new QueryError(
        'hybrid(): expected each leg to have one of match, similarity and maxSim, the column that it searches',
      )
    }
    if (leg.name === undefined) continue
    if (names.has(leg.name)) throw new QueryError(`hybrid(): two legs have the name '${leg.name}'`)
    names.add(leg.name)
  }
  return legs
}

/** What a search looks for, in an index that is named beside it. */
export function withIndex(query: unknown, index: string | undefined): SearchInput {
  if (index === undefined) return query as SearchInput
  if (typeof query === 'object' && query !== null && ['string', 'image', 'vector', 'mix'].some((key) => key in query)) {
    return { ...query, index } as SearchInput
  }
  if (isMedia(query)) return { image: query, index }
  if (Array.isArray(query) || ArrayBuffer.isView(query)) return { vector: query as unknown as number[], index }
  return { string: query as string, index }
}
