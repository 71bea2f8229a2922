import type { CallPolicy, CallReport } from '../expr/function.js'
import type { MultiVectorInput } from '../types/multi-vector.js'

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
  /** True in a `MultiEmbedder`. */
  readonly multi?: false | undefined
  /** How many values one call takes at most. @default 64 */
  readonly batchSize?: number | undefined
  /** Calls that run at a time at most. @default 4 */
  readonly concurrency?: number | undefined
  /** Embeds a batch; the result has one vector a value, in order. Images come as their encoded bytes. */
  embed(values: readonly (string | Uint8Array)[], options?: EmbedOptions): PromiseLike<readonly ArrayLike<number>[]>
}

/**
 * A model of late interaction: it turns a text (or an image) into any number of vectors of one length, at least one, such
 * as one a token or a patch. ColBERT and ColPali are such models.
 */
export interface MultiEmbedder extends Omit<Embedder, 'multi' | 'embed'> {
  readonly multi: true
  /** Embeds a batch; the result has, for each value in order, its vectors: shape (tokens, dimensions). */
  embed(values: readonly (string | Uint8Array)[], options?: EmbedOptions): PromiseLike<readonly MultiVectorInput[]>
  /** Embeds what is searched for, where the model takes it differently. @default as `embed` */
  embedQuery?(
    values: readonly (string | Uint8Array)[],
    options?: EmbedOptions,
  ): PromiseLike<readonly MultiVectorInput[]>
}

const askers = new WeakMap<MultiEmbedder, MultiEmbedder>()

/** The model as it embeds what is searched for. */
export function queryEmbedder(model: Embedder | MultiEmbedder): Embedder | MultiEmbedder {
  if (!model.multi || !model.embedQuery) return model
  let asker = askers.get(model)
  if (!asker) {
    const embed: MultiEmbedder['embed'] = (values, options) => model.embedQuery!(values, options)
    // Inherits what it says of its calls, which may be getters.
    asker = Object.create(model, { embed: { value: embed } }) as MultiEmbedder
    askers.set(model, asker)
  }
  return asker
}
