import type { CallPolicy, CallReport } from '../expr/function.js'

/** What an embedding model may be given. */
export type EmbeddableKind = 'text' | 'image'

/** Options of one call of an embedder. */
export interface EmbedOptions {
  /** Stops the work; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Tells what the call took and what the provider answered. */
  readonly report?: ((report: CallReport) => void) | undefined
}

/**
 * A model that turns texts (or images) into vectors of one length. Built-in models implement it; adapters make it from
 * the objects of other libraries.
 */
export interface Embedder extends CallPolicy {
  /** Stable identity of the model with everything that changes its vectors. Stored with an index; never a secret. */
  readonly name: string
  /** Raised by its author whenever equal input gives other vectors. */
  readonly version: number
  /** Length of the vectors, where it is known before the first call. */
  readonly dimensions?: number | undefined
  /** What it accepts. @default ['text'] */
  readonly kinds?: readonly EmbeddableKind[] | undefined
  /** How many values one call takes at most. @default 64 */
  readonly batchSize?: number | undefined
  /** Calls that run at a time at most. @default 4 */
  readonly concurrency?: number | undefined
  /** Embeds a batch; the result has one vector a value, in order. Images come as their encoded bytes. */
  embed(values: readonly (string | Uint8Array)[], options?: EmbedOptions): PromiseLike<readonly ArrayLike<number>[]>
}
