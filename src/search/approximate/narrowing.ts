import type { Metric, NarrowingMethod } from '../../catalog/definition.js'
import type { Pace } from '../../pace.js'
import { Graph } from './graph.js'
import { InvertedLists } from './inverted-lists.js'

/** Finds rows that are likely to be among the best, without comparing all. The rows are compared exactly afterwards. */
export interface Narrowing {
  /** About the bytes of memory held. */
  readonly bytes: number
  /**
   * Rows that are likely to be among the best, in lists. Equal searches give the same, however many rows they want of them.
   * @param stretch how many times as many are looked at, where a filter leaves only some; at least 1
   */
  near(query: Float32Array, stretch: number): readonly (readonly number[])[]
  /** Takes rows in that it does not have. */
  add(rowids: readonly number[], vectors: readonly Float32Array[]): void
  /** Takes rows out; those that it does not have do not count. */
  delete(rowids: readonly number[]): void
  /** With how many queries it wants to be tuned before it is used. */
  readonly tunedBy: number
  /**
   * Chooses what was left open, by queries and their best rows.
   * @returns whether that is less work than to compare all
   */
  tune(queries: readonly { readonly vector: Float32Array; readonly best: readonly number[] }[]): boolean
}

/** Rows that are enough to learn from. */
export function sampleSize(method: NarrowingMethod, rows: number): number {
  return method.kind === 'ivfflat' ? InvertedLists.sampleSize(method, rows) : 0
}

/**
 * An empty narrowing for about so many rows.
 * @param sample vectors to learn from
 * @throws MissingPackageError when the method needs a package that is not installed
 */
export function createNarrowing(
  method: NarrowingMethod,
  metric: Metric,
  dimensions: number,
  { rows, sample, pace }: { readonly rows: number; readonly sample: readonly Float32Array[]; readonly pace: Pace },
): Promise<Narrowing> {
  if (method.kind === 'hnsw') return Graph.create(method, metric, dimensions)
  return InvertedLists.train(method, metric, dimensions, { rows, sample, pace })
}
