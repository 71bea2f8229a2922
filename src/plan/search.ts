import type { Catalog, OwnedColumn } from '../catalog/catalog.js'
import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import { NotFoundError, QueryError } from '../errors.js'
import type { Node } from '../expr/node.js'
import { queryEmbedder } from '../search/embedder.js'
import { chooseIndex, embedValues, noModelFor, queryVector } from '../search/vector-search.js'
import { isMedia } from '../types/media.js'
import { isMatrix } from '../types/multi-vector.js'
import type { TableNode, VectorSearchNode } from './query-node.js'
import { queryKey, type Session } from './session.js'

/** The vector that a search looks for; of text or an image it takes the index's model. */
export function vectorOf(
  session: Session,
  from: TableNode,
  search: VectorSearchNode,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const catalog = session.catalogAt(from.asOf)
  const { index } = findIndex(catalog, catalog.byId(from.id, from.name), search)
  return toQueryVector(session, index, knownValue(search.query), signal)
}

/** The vector that a search was given, or undefined where it takes a model. */
export function givenVector(session: Session, from: TableNode, search: VectorSearchNode): Float32Array | undefined {
  const value = knownValue(search.query)
  if (!isVector(value) && !isMatrix(value)) return undefined
  const catalog = session.catalogAt(from.asOf)
  const { index } = findIndex(catalog, catalog.byId(from.id, from.name), search)
  return queryVector(value, index, index.dimensions)
}

/** The index that a search uses: of the table itself, else of the nearest base that has one for the column. */
export function findIndex(
  catalog: Catalog,
  table: TableDefinition,
  search: { readonly column: string; readonly index?: string; readonly multi?: true },
): { owner: TableDefinition; index: IndexDefinition } {
  const columns = catalog.columnsOf(table)
  const column: OwnedColumn | undefined = columns.get(search.column)
  if (!column) {
    throw new NotFoundError(
      `'${table.name}' has no column '${search.column}'. It has: ${[...columns.keys()].join(', ')}`,
    )
  }
  const candidates = catalog
    .lineOf(table)
    .flatMap((owner) =>
      owner.indexes
        .filter(
          (index) =>
            !index.successorOf &&
            index.multi === search.multi &&
            index.column === search.column &&
            catalog.columnsOf(owner).get(search.column)?.owner === column.owner,
        )
        .map((index) => ({ owner, index })),
    )
  const nearest = candidates.filter(({ owner }) => owner === candidates[0]!.owner)
  const pool = search.index === undefined ? nearest : candidates
  return chooseIndex(pool, table.name, search.column, search.index, search.multi)
}

/** Several things that a search looks for at once. */
export class MixedQuery {
  readonly parts: readonly { readonly value: unknown; readonly weight: number }[]

  constructor(parts: readonly { readonly value: unknown; readonly weight: number }[]) {
    this.parts = parts
  }
}

/** The sum of the parts' vectors, each at length one, by their weights. */
async function mixed(
  session: Session,
  index: IndexDefinition,
  { parts }: MixedQuery,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const vectors = await Promise.all(parts.map(({ value }) => toQueryVector(session, index, value, signal)))
  const sum = new Float32Array(vectors[0]!.length)
  vectors.forEach((vector, i) => {
    const length = Math.hypot(...vector)
    if (length === 0) return
    for (let j = 0; j < sum.length; j++) sum[j]! += (vector[j]! / length) * parts[i]!.weight
  })
  return sum
}

async function toQueryVector(
  session: Session,
  index: IndexDefinition,
  value: unknown,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  if (value instanceof MixedQuery) return mixed(session, index, value, signal)
  if (isVector(value) || isMatrix(value)) return queryVector(value, index, index.dimensions)
  if (!index.embedder) throw noModelFor(index, value)
  const embedder = session.embedder(index.embedder)
  if (!embedder) {
    throw new NotFoundError(
      `the embedding model '${index.embedder.name}' is needed to search index '${index.name}', but this program has not made it: make it before, or pass it to Pixeltable.open(path, { functions })`,
    )
  }
  const kinds = embedder.kinds ?? ['text']
  const image = value instanceof Uint8Array || isMedia(value)
  if ((typeof value !== 'string' && !image) || !kinds.includes(image ? 'image' : 'text')) throw noModelFor(index, value)
  const input = isMedia(value) ? await value.bytes() : (value as string | Uint8Array)
  const key = typeof input === 'string' ? queryKey(embedder, input) : undefined
  const cached = key === undefined ? undefined : session.queryVectors.get(key)
  if (cached) return cached
  const asked = { signal, stop: new AbortController() }
  const [vector] = (await embedValues(queryEmbedder(embedder), [input], index.dimensions, asked)).vectors
  if (key !== undefined) session.queryVectors.set(key, vector as Float32Array)
  return vector as Float32Array
}

/** A vector: numbers, but no bytes, which are an image. */
function isVector(value: unknown): boolean {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value && !(value instanceof Uint8Array))
}

/** The value of a node that must be known before the query runs. */
function knownValue(node: Node): unknown {
  if (node.kind === 'literal') return node.value
  throw new QueryError(
    'a search: expected text, vectors, an image or a parameter of a query function, got an expression over rows',
  )
}
