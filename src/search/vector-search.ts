import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import { IndexError, ModelError, PixeltableError, QueryError } from '../errors.js'
import { toVector } from '../types/arrays.js'
import { describeValue } from '../types/column-type.js'
import type { Embedder, EmbedOptions } from './embedder.js'

/**
 * The index that a search means.
 * @throws IndexError when there is none, or several and none was named
 */
export function chooseIndex(
  candidates: readonly { readonly owner: TableDefinition; readonly index: IndexDefinition }[],
  table: string,
  column: string,
  name: string | undefined,
): { readonly owner: TableDefinition; readonly index: IndexDefinition } {
  const named = name === undefined ? candidates : candidates.filter(({ index }) => index.name === name)
  if (named.length === 1) return named[0]!
  const names = candidates.map(({ index }) => index.name).join(', ')
  if (candidates.length === 0) {
    throw new IndexError(
      `no embedding index on column '${column}' of '${table}': call addEmbeddingIndex('${column}', …) first`,
    )
  }
  if (name !== undefined) {
    throw new IndexError(`no index '${name}' on column '${column}' of '${table}'. It has: ${names}`)
  }
  throw new IndexError(
    `column '${column}' of '${table}' has several embedding indexes: say which with { index: … }. It has: ${names}`,
  )
}

/** Vectors that one call of a model makes when the model does not say. */
const defaultBatchSize = 64

/**
 * Embeds values in batches, checking what comes back.
 * @returns for each value its vector, or the error that the model gave for its batch
 */
export async function embedValues(
  embedder: Embedder,
  values: readonly (string | Uint8Array)[],
  dimensions: number | undefined,
  options: EmbedOptions & { readonly failFast?: boolean },
): Promise<(Float32Array | Error)[]> {
  const result: (Float32Array | Error)[] = []
  const size = embedder.batchSize ?? defaultBatchSize
  let length = dimensions ?? embedder.dimensions
  for (let start = 0; start < values.length; start += size) {
    options.signal?.throwIfAborted()
    const batch = values.slice(start, start + size)
    try {
      const vectors = await embedder.embed(batch, { signal: options.signal })
      if (vectors.length !== batch.length) {
        throw new TypeError(`expected ${batch.length} vectors, got ${vectors.length}`)
      }
      for (const vector of vectors) {
        const checked = toVector(vector, length)
        length = checked.length
        result.push(checked)
      }
    } catch (cause) {
      options.signal?.throwIfAborted()
      const error = PixeltableError.isInstance(cause)
        ? cause
        : new ModelError(`the embedding model '${embedder.name}' failed: ${(cause as Error).message}`, { cause })
      if (options.failFast) throw error
      result.length = start
      for (const _ of batch) result.push(error)
    }
  }
  return result
}

/**
 * A vector given as the query of a search.
 * @throws QueryError when it does not fit the index
 */
export function queryVector(value: unknown, index: IndexDefinition, dimensions: number | undefined): Float32Array {
  try {
    return toVector(value, dimensions)
  } catch (cause) {
    throw new QueryError(`similarity(): index '${index.name}': ${(cause as Error).message}`, { cause })
  }
}

/** The error of a query that the index has no model for. */
export function noModelFor(index: IndexDefinition, value: unknown): QueryError {
  return new QueryError(
    `similarity(): index '${index.name}' has no model that embeds ${describeValue(value)}: give it { vector }`,
  )
}
