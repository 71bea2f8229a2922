import { define, type FunctionIdentity } from '../expr/function.js'
import type { Node } from '../expr/node.js'
import type { Schema } from '../types/column.js'

/** What an iterator is told about the call. */
export interface IterateContext {
  readonly signal: AbortSignal | undefined
}

/** Turns one row of a base into any number of rows of a view. */
export interface RowIterator extends FunctionIdentity {
  /** The columns that it makes, besides `pos`, given its options. */
  outputs(options: Readonly<Record<string, unknown>>): Schema
  /** The rows for one base row, in order. `args` has one value a parameter; none of them is null. */
  iterate(
    args: readonly unknown[],
    options: Readonly<Record<string, unknown>>,
    context: IterateContext,
  ): Iterable<Record<string, unknown>> | AsyncIterable<Record<string, unknown>>
}

/**
 * An iterator with its arguments, as `createView` takes it. `R` is the row it reads, `O` what it adds to it.
 */
export interface IteratorUse<in R, out O> {
  /** Phantom types, for inference only. */
  readonly $in?: (row: R) => void
  readonly $out?: O
  /** @internal */
  readonly iterator: RowIterator
  /** @internal */
  readonly args: (refs: never) => readonly Node[]
  /** @internal */
  readonly options: Readonly<Record<string, unknown>>
}

/** Makes a built-in iterator known, so that files that use it open without further ado. */
export const defineIterator = (iterator: RowIterator): RowIterator => define('iterator', iterator)
