import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import { IndexError, ModelError, PixeltableError, QueryError } from '../errors.js'
import type { FunctionCode } from '../expr/function.js'
import type { CallRecord } from '../scheduler/caller.js'
import { callUnknown, type ResultMemory } from '../scheduler/remember.js'
import type { Tracer } from '../scheduler/tracer.js'
import { toVector } from '../types/arrays.js'
import { describeValue } from '../types/column-type.js'
import { type MultiVector, toMultiVector } from '../types/multi-vector.js'
import type { Embedder, MultiEmbedder } from './embedder.js'

/**
 * The index that a search means.
 * @throws IndexError when there is none, or several and none was named
 */
export function chooseIndex(
  candidates: readonly { readonly owner: TableDefinition; readonly index: IndexDefinition }[],
  table: string,
  column: string,
  name: string | undefined,
  multi = false,
): { readonly owner: TableDefinition; readonly index: IndexDefinition } {
  const named = name === undefined ? candidates : candidates.filter(({ index }) => index.name === name)
  if (named.length === 1) return named[0]!
  const names = candidates.map(({ index }) => index.name).join(', ')
  const [kind, add] = multi ? ['multi-vector', 'addMultiVectorIndex'] : ['embedding', 'addEmbeddingIndex']
  if (candidates.length === 0) {
    throw new IndexError(`no ${kind} index on column '${column}' of '${table}': call ${add}('${column}', …) first`)
  }
  if (name !== undefined) {
    throw new IndexError(`no index '${name}' on column '${column}' of '${table}'. It has: ${names}`)
  }
  throw new IndexError(
    `column '${column}' of '${table}' has several ${kind} indexes: say which with { index: … }. It has: ${names}`,
  )
}

/** Values that one call of a model takes, and calls at a time, when the model does not say. */
const defaults = { batchSize: 64, concurrency: 4 }

const codes = new WeakMap<Embedder | MultiEmbedder, FunctionCode>()

/** An embedder as a function that is called for rows of one value. */
export function codeOf(embedder: Embedder | MultiEmbedder): FunctionCode {
  let code = codes.get(embedder)
  if (!code) {
    const { name, version, pool, rateLimit, tokens, retries, retryBudget, timeout, signal, cache } = embedder
    code = {
      ...{ name, version, pool, rateLimit, tokens, retries, retryBudget, timeout, signal, cache },
      batchSize: embedder.batchSize ?? defaults.batchSize,
      concurrency: embedder.concurrency ?? defaults.concurrency,
      asynchronous: true,
      skipsNull: false,
      call: async (rows, context) => {
        const values = rows.map(([value]) => value as string | Uint8Array)
        return [
          ...(await embedder.embed(values, {
            signal: context.signal,
            report: (report) => context.report(report),
          })),
        ]
      },
    }
    codes.set(embedder, code)
  }
  return code
}

/** How values are embedded. */
export interface EmbedValuesOptions {
  readonly signal?: AbortSignal | undefined
  /** Aborted by the first value that fails: it ends the work of all who share it, and its error is thrown. */
  readonly stop?: AbortController | undefined
  /** Results of earlier calls. */
  readonly results?: ResultMemory | undefined
  /** Hears of each call of the model. */
  readonly called?: ((call: CallRecord) => void) | undefined
  readonly tracer?: Tracer | undefined
}

/** What a model made of values. */
export interface Embedded {
  /** For each value its vector (of a `MultiEmbedder`: its vectors, one after the other), or the error that it gave. */
  readonly vectors: readonly (Float32Array | Error)[]
  /** The length of each vector; undefined where there is none. */
  readonly dimensions: number | undefined
}

/** Embeds values in batches, checking what comes back. */
export async function embedValues(
  embedder: Embedder | MultiEmbedder,
  values: readonly (string | Uint8Array)[],
  dimensions: number | undefined,
  { signal, stop, called, results, tracer }: EmbedValuesOptions,
): Promise<Embedded> {
  const result: (Float32Array | Error)[] = new Array(values.length)
  let length = dimensions ?? embedder.dimensions
  let failure: Error | undefined
  const failed = (row: number, cause: unknown): void => {
    const error = PixeltableError.isInstance(cause)
      ? cause
      : new ModelError(`the embedding model '${embedder.name}' failed: ${(cause as Error).message}`, { cause })
    failure ??= error
    result[row] = error
  }
  await callUnknown(
    codeOf(embedder),
    values.map((value) => [value]),
    {
      signal,
      stop,
      tracer,
      value: (row, value) => {
        try {
          const { values, dimensions } = embedder.multi ? toMultiVector(value, length) : oneVector(value, length)
          length = dimensions
          result[row] = values
        } catch (cause) {
          failed(row, cause)
        }
      },
      failed,
      ...(called ? { called } : {}),
    },
    results,
  )
  if (stop && failure) throw failure
  return { vectors: result, dimensions: length }
}

function oneVector(value: unknown, dimensions: number | undefined): MultiVector {
  const values = toVector(value, dimensions)
  return { values, dimensions: values.length }
}

const callOf = ({ multi }: IndexDefinition): string => (multi ? 'maxSim()' : 'similarity()')

/**
 * A vector given as the query of a search; of one with several vectors a row, vectors one after the other.
 * @throws QueryError when it does not fit the index
 */
export function queryVector(value: unknown, index: IndexDefinition, dimensions: number | undefined): Float32Array {
  try {
    return index.multi ? toMultiVector(value, dimensions).values : toVector(value, dimensions)
  } catch (cause) {
    throw new QueryError(`${callOf(index)}: index '${index.name}': ${(cause as Error).message}`, { cause })
  }
}

/** The error of a query that the index has no model for. */
export function noModelFor(index: IndexDefinition, value: unknown): QueryError {
  return new QueryError(
    `${callOf(index)}: index '${index.name}' has no model that embeds ${describeValue(value)}: give it { ${index.multi ? 'vectors' : 'vector'} }`,
  )
}
