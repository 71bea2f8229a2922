import { isDeepStrictEqual } from 'node:util'
import { type Catalog, foldName } from '../catalog/catalog.js'
import {
  type ColumnDefinition,
  type IndexDefinition,
  type IndexMethod,
  type KeyPart,
  kindOf,
  type Metric,
  type TableDefinition,
} from '../catalog/definition.js'
import type { PendingRange } from '../engine/engine.js'
import { ExistsError, IndexError, NotFoundError, ValidationError } from '../errors.js'
import type { ProgressMeter } from '../plan/progress.js'
import type { ResultLog } from '../plan/result-log.js'
import type { Session } from '../plan/session.js'
import type { Embedder, MultiEmbedder } from '../search/embedder.js'
import { describeValue } from '../types/column-type.js'
import { type VectorPrecision, vectorPrecisions } from '../types/vector-precision.js'
import { Change, type OnError } from './change.js'
import { allRows } from './columns.js'
import { altered } from './definitions.js'
import { checkIndexName, freeName } from './index-names.js'
import { keyName, withKey } from './keys.js'
import { loadBatch } from './load-rows.js'
import type { Target } from './statements.js'

/** What `addEmbeddingIndex` and `addMultiVectorIndex` make. */
export interface NewIndex {
  readonly column: string
  readonly name?: string | undefined
  readonly metric: Metric
  /** Whether a row has several vectors. */
  readonly multi?: true | undefined
  readonly method?: IndexMethod | undefined
  readonly precision?: VectorPrecision | undefined
  readonly embedder?: Embedder | MultiEmbedder | undefined
  readonly ifExists: 'error' | 'ignore' | 'replace'
  /** Name of the index whose place the new one takes, whatever its own. */
  readonly replaces?: string | undefined
  readonly onError: OnError
  readonly signal?: AbortSignal | undefined
  readonly deferred?: boolean | undefined
  readonly results: ResultLog
  readonly meter?: ProgressMeter | undefined
}

const metrics: readonly Metric[] = ['cosine', 'euclidean', 'inner_product']
const multiMetrics: readonly Metric[] = ['cosine', 'inner_product']

/** Adds an embedding index and embeds the rows that are there, in one commit. */
export async function addEmbeddingIndex(
  session: Session,
  catalog: Catalog,
  target: Target,
  options: NewIndex,
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const found = catalog.columnsOf(table).get(options.column)
  if (!found) {
    throw new NotFoundError(
      `'${table.name}' has no column '${options.column}'. It has: ${[...catalog.columnsOf(table).keys()].join(', ')}`,
    )
  }
  const wanted = options.name ?? indexName(found.column, options)
  // One of the other kind is no such index, and its name is taken.
  const existing = table.indexes.find(
    (i) => i.multi === options.multi && foldName(i.name) === foldName(options.replaces ?? wanted),
  )
  if (existing && !options.replaces && options.name !== undefined && options.ifExists === 'error') {
    throw new ExistsError(`'${table.name}' has an index '${existing.name}' already`)
  }
  if (existing && options.ifExists === 'ignore') return
  const replaced = options.ifExists === 'replace' || options.replaces !== undefined ? existing : undefined
  const remaining = withoutIndex(table, replaced)
  const index = defineIndex(remaining, found.column, options)
  const twin = remaining.indexes.find((i) => !i.successorOf && isSameIndex(i, index))
  if (twin && options.name === undefined) {
    throw new ExistsError(`'${table.name}' has an identical index on '${index.column}' already: '${twin.name}'`)
  }
  if (replaced && isSameIndex(replaced, index) && !isDeepStrictEqual(replaced.method, index.method)) {
    await alterIndexMethod(session, catalog, target, replaced.name, index.method)
    return
  }
  const deferred = options.deferred && options.embedder
  const next = altered(table, {
    indexes: replaced && deferred ? withSuccessor(remaining.indexes, replaced, index) : [...remaining.indexes, index],
    nextId: table.nextId + 1,
  })
  const version = await session.engine.tableVersion(table)
  if (options.embedder) session.bind('embedder', options.embedder)
  const change = new Change(session, catalog, {
    operation: 'add index',
    onError: options.onError,
    signal: options.signal,
    results: options.results,
    meter: options.meter,
  })
  if (options.embedder && !deferred) {
    const rows = await loadBatch(session, catalog, table)
    options.meter?.expect(rows.length, 1)
    if (rows.length > 0) await change.embed(rows.as(next), index)
  }
  const commit = await change.toCommit([{ kind: 'alterTable', was: table, table: next }], { table, version })
  await session.commit({ ...commit, defers: deferred ? [await allRows(session, next, index.id)] : [] })
  if (deferred) session.deferred()
}

/** The definition of a new embedding index. @throws ValidationError, IndexError, ExistsError */
export function defineIndex(
  table: TableDefinition,
  column: ColumnDefinition,
  options: Pick<NewIndex, 'name' | 'metric' | 'multi' | 'embedder' | 'method' | 'precision'>,
): IndexDefinition {
  const { embedder, metric, multi, method, precision = 'float32' } = options
  const allowed = multi ? multiMetrics : metrics
  const what = `index on '${column.name}' of '${table.name}'`
  if (!allowed.includes(metric)) {
    throw new ValidationError(`${what}: metric: expected one of ${allowed.join(', ')}, got ${describeValue(metric)}`)
  }
  if (!vectorPrecisions.includes(precision)) {
    throw new ValidationError(
      `${what}: precision: expected one of ${vectorPrecisions.join(', ')}, got ${describeValue(precision)}`,
    )
  }
  if (precision === 'bit' && metric !== 'cosine') {
    throw new ValidationError(
      `${what}: precision: 'bit' keeps directions alone, which metric '${metric}' does not rank by`,
    )
  }
  if (options.name !== undefined) checkIndexName(table, options.name)
  const other = multi ? 'vector' : 'multiVector'
  if (column.type.name === other) {
    const [has, add] = multi ? ['one vector', 'addEmbeddingIndex'] : ['several vectors', 'addMultiVectorIndex']
    throw new IndexError(`${what}: a row of this column has ${has}: call ${add}('${column.name}')`)
  }
  const vector = column.type.name === (multi ? 'multiVector' : 'vector')
  if (vector === (embedder !== undefined)) {
    throw new IndexError(
      vector
        ? `${what}: a ${multi ? 'multi-vector' : 'vector'} column holds its vectors already: leave out embed`
        : `${what}: expected embed, a model that turns ${column.type.name} values into vectors${multi ? ', several for each' : ''}`,
    )
  }
  if (vector && precision !== 'float32') {
    throw new IndexError(
      `${what}: precision: a ${multi ? 'multi-vector' : 'vector'} column holds its vectors as float32`,
    )
  }
  if (embedder) checkKind(what, column, embedder)
  const dimensions = vector ? (column.type.config().dimensions as number) : embedder?.dimensions
  return {
    id: table.nextId,
    name: options.name ?? freeName(table, indexName(column, options)),
    column: column.name,
    metric,
    ...(multi ? { multi } : {}),
    ...(embedder ? { embedder: { name: embedder.name, version: embedder.version } } : {}),
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(precision === 'float32' ? {} : { precision }),
    ...(method ? { method } : {}),
  }
}

/** A model must take what the column holds. */
function checkKind(what: string, column: ColumnDefinition, embedder: Embedder | MultiEmbedder): void {
  const kinds = embedder.kinds ?? ['text']
  const { type } = column
  const kind = type.media ? type.media.kind : type.operators.includes('text') ? 'text' : type.name
  if (!(kinds as readonly string[]).includes(kind)) {
    throw new IndexError(`${what}: the model '${embedder.name}' embeds ${kinds.join(' and ')}, not ${kind} values`)
  }
}

const isSameIndex = (a: IndexDefinition, b: IndexDefinition): boolean =>
  a.column === b.column &&
  a.metric === b.metric &&
  a.multi === b.multi &&
  a.precision === b.precision &&
  a.embedder?.name === b.embedder?.name &&
  a.embedder?.version === b.embedder?.version

const indexName = ({ name }: ColumnDefinition, { embedder, multi }: Pick<NewIndex, 'embedder' | 'multi'>): string =>
  `${name}_${embedder?.name ?? (multi ? 'multi_vector' : 'vector')}`

/** Changes how an index is searched. Its vectors stay. */
export async function alterIndexMethod(
  session: Session,
  catalog: Catalog,
  target: Target,
  name: string,
  method: IndexMethod | undefined,
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const next = altered(table, {
    indexes: table.indexes.map((index) => (index.name === name ? withMethod(index, method) : index)),
  })
  await session.commit({
    operation: 'alter index',
    catalogVersion: catalog.version,
    schema: [{ kind: 'alterTable', was: table, table: next }],
  })
}

/** An index that is searched in another way. */
export function withMethod({ method: _, ...index }: IndexDefinition, method: IndexMethod | undefined): IndexDefinition {
  return method ? { ...index, method } : index
}

/** A table without an index, and without what was to take its place. */
export function withoutIndex(table: TableDefinition, index: IndexDefinition | undefined): TableDefinition {
  if (!index) return table
  const isLeft = ({ id, successorOf }: IndexDefinition) => id !== index.id && successorOf?.id !== index.id
  return { ...table, indexes: table.indexes.filter(isLeft) }
}

/** Indexes with one that is hidden until it takes the place of another. Users cannot give its name: it has an `@`. */
const withSuccessor = (
  indexes: readonly IndexDefinition[],
  replaced: IndexDefinition,
  index: IndexDefinition,
): IndexDefinition[] => [
  ...indexes,
  replaced,
  { ...index, name: `${replaced.name}@next`, successorOf: { id: replaced.id, name: index.name } },
]

/** Puts indexes whose vectors are all made in the place of those that they are to succeed, each in one commit. */
export async function promoteSuccessors(session: Session): Promise<void> {
  const ready = (catalog: Catalog, ranges: readonly PendingRange[]) =>
    [...catalog.tables].find((table) =>
      table.indexes.some(({ id, successorOf }) => successorOf && isComplete(catalog, ranges, table, id)),
    )
  for (;;) {
    if (!ready(await session.catalog(), await session.engine.pending())) return
    await session.attemptAlone(async (catalog) => {
      const ranges = await session.engine.pending()
      const table = ready(catalog, ranges)
      if (!table) return
      const promoted = table.indexes.filter(
        ({ id, successorOf }) => successorOf && isComplete(catalog, ranges, table, id),
      )
      const replaced = new Set(promoted.map(({ successorOf }) => successorOf!.id))
      const indexes = table.indexes.flatMap((index) => {
        if (replaced.has(index.id)) return []
        if (!promoted.includes(index)) return [index]
        const { successorOf, ...rest } = index
        return [{ ...rest, name: successorOf!.name }]
      })
      await session.commit({
        operation: 'replace index',
        catalogVersion: catalog.version,
        schema: [{ kind: 'alterTable', was: table, table: altered(table, { indexes }) }],
      })
    })
  }
}

/** Whether nothing is pending that an index waits for: in it, in its table, or in the bases of that. */
function isComplete(catalog: Catalog, ranges: readonly PendingRange[], table: TableDefinition, id: number): boolean {
  const line = new Set(catalog.lineOf(table).map((owner) => owner.id))
  const others = new Set(table.indexes.map((index) => index.id))
  return !ranges.some(
    (range) => line.has(range.table) && (range.table !== table.id || range.what === id || !others.has(range.what)),
  )
}

/** Removes an embedding or multi-vector index. */
export async function dropEmbeddingIndex(
  session: Session,
  catalog: Catalog,
  target: Target,
  which: { readonly column?: string | undefined; readonly name?: string | undefined; readonly multi?: true },
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const matching = table.indexes
    .filter((i) => !i.successorOf && i.multi === which.multi)
    .filter((i) => (which.name === undefined ? i.column === which.column : foldName(i.name) === foldName(which.name)))
  if (matching.length !== 1) {
    const names = table.indexes.map((i) => i.name).join(', ') || 'none'
    const wanted = which.name === undefined ? `on column '${which.column}'` : `'${which.name}'`
    throw new IndexError(
      `${kindOf(table)} '${table.name}' has ${matching.length === 0 ? 'no index' : 'several indexes'} ${wanted}. It has: ${names}`,
    )
  }
  const next = altered(withoutIndex(table, matching[0]), {})
  await session.commit({
    operation: 'drop index',
    catalogVersion: catalog.version,
    schema: [{ kind: 'alterTable', was: table, table: next }],
  })
}

/** What `addIndex` makes. */
export interface NewKey {
  readonly name?: string | undefined
  readonly unique?: boolean | undefined
  /** @default 'error' */
  readonly ifExists?: 'error' | 'ignore' | 'replace' | undefined
}

/** Adds an ordered index. @throws ValidationError when it is to be unique and rows are equal */
export async function addIndex(
  session: Session,
  catalog: Catalog,
  target: Target,
  parts: readonly KeyPart[],
  { ifExists = 'error', ...options }: NewKey,
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const wanted = foldName(options.name ?? keyName(parts))
  const existing = ifExists === 'error' ? undefined : table.keys.find((key) => foldName(key.name) === wanted)
  if (existing && ifExists === 'ignore') return
  const remaining = { ...table, keys: table.keys.filter((key) => key !== existing) }
  const next = altered(withKey(catalog, remaining, parts, options), {})
  await session.commit({
    operation: 'add index',
    catalogVersion: catalog.version,
    schema: [{ kind: 'alterTable', was: table, table: next }],
  })
}

/** Removes an ordered index. @throws IndexError when there is none of that name */
export async function dropIndex(session: Session, catalog: Catalog, target: Target, name: string): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const key = table.keys.find((k) => foldName(k.name) === foldName(name))
  if (!key) {
    const names = table.keys.map((k) => k.name).join(', ') || 'none'
    throw new IndexError(`'${table.name}' has no index '${name}' made by addIndex(). It has: ${names}`)
  }
  const next = altered(table, { keys: table.keys.filter((k) => k !== key) })
  await session.commit({
    operation: 'drop index',
    catalogVersion: catalog.version,
    schema: [{ kind: 'alterTable', was: table, table: next }],
  })
}
