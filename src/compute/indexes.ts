import { type Catalog, foldName } from '../catalog/catalog.js'
import {
  type ColumnDefinition,
  type IndexDefinition,
  kindOf,
  type Metric,
  type TableDefinition,
} from '../catalog/definition.js'
import { ExistsError, IndexError, NotFoundError, ValidationError } from '../errors.js'
import type { ProgressMeter } from '../plan/progress.js'
import type { ResultLog } from '../plan/result-log.js'
import type { Session } from '../plan/session.js'
import type { Embedder, MultiEmbedder } from '../search/embedder.js'
import { describeValue } from '../types/column-type.js'
import { Change, type OnError } from './change.js'
import { allRows } from './columns.js'
import { altered, checkIndexName, freeName, withKey } from './definitions.js'
import { loadBatch } from './load-rows.js'
import type { Target } from './statements.js'

/** What `addEmbeddingIndex` and `addMultiVectorIndex` make. */
export interface NewIndex {
  readonly column: string
  readonly name?: string | undefined
  readonly metric: Metric
  /** Whether a row has several vectors. */
  readonly multi?: true | undefined
  readonly embedder?: Embedder | MultiEmbedder | undefined
  readonly ifExists: 'error' | 'ignore' | 'replace'
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
  const existing = table.indexes.find((i) => foldName(i.name) === foldName(wanted))
  if (existing && options.name !== undefined && options.ifExists === 'error') {
    throw new ExistsError(`'${table.name}' has an index '${existing.name}' already`)
  }
  if (existing && options.ifExists === 'ignore') return
  const replaced = options.ifExists === 'replace' ? existing : undefined
  const remaining = { ...table, indexes: table.indexes.filter((i) => i !== replaced) }
  const index = defineIndex(remaining, found.column, options)
  const twin = remaining.indexes.find((i) => isSameIndex(i, index))
  if (twin && options.name === undefined) {
    throw new ExistsError(`'${table.name}' has an identical index on '${index.column}' already: '${twin.name}'`)
  }
  const next = altered(table, { indexes: [...remaining.indexes, index], nextId: table.nextId + 1 })
  const version = await session.engine.tableVersion(table)
  if (options.embedder) session.bind('embedder', options.embedder)
  const change = new Change(session, catalog, {
    operation: 'add index',
    onError: options.onError,
    signal: options.signal,
    results: options.results,
    meter: options.meter,
  })
  const deferred = options.deferred && options.embedder
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
  options: Pick<NewIndex, 'name' | 'metric' | 'multi' | 'embedder'>,
): IndexDefinition {
  const { embedder, metric, multi } = options
  const allowed = multi ? multiMetrics : metrics
  const what = `index on '${column.name}' of '${table.name}'`
  if (!allowed.includes(metric)) {
    throw new ValidationError(`${what}: metric: expected one of ${allowed.join(', ')}, got ${describeValue(metric)}`)
  }
  if (options.name !== undefined) checkIndexName(table, options.name)
  const vector = column.type.name === (multi ? 'multiVector' : 'vector')
  if (vector === (embedder !== undefined)) {
    throw new IndexError(
      vector
        ? `${what}: a ${multi ? 'multi-vector' : 'vector'} column holds its vectors already: leave out embed`
        : `${what}: expected embed, a model that turns ${column.type.name} values into vectors${multi ? ', several for each' : ''}`,
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
  a.embedder?.name === b.embedder?.name &&
  a.embedder?.version === b.embedder?.version

const indexName = ({ name }: ColumnDefinition, { embedder, multi }: Pick<NewIndex, 'embedder' | 'multi'>): string =>
  `${name}_${embedder?.name ?? (multi ? 'multi_vector' : 'vector')}`

/** Removes an embedding or multi-vector index. */
export async function dropEmbeddingIndex(
  session: Session,
  catalog: Catalog,
  target: Target,
  which: { readonly column?: string | undefined; readonly name?: string | undefined; readonly multi?: true },
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const matching = table.indexes.filter(
    (i) =>
      i.multi === which.multi &&
      (which.name === undefined ? i.column === which.column : foldName(i.name) === foldName(which.name)),
  )
  if (matching.length !== 1) {
    const names = table.indexes.map((i) => i.name).join(', ') || 'none'
    const wanted = which.name === undefined ? `on column '${which.column}'` : `'${which.name}'`
    throw new IndexError(
      `${kindOf(table)} '${table.name}' has ${matching.length === 0 ? 'no index' : 'several indexes'} ${wanted}. It has: ${names}`,
    )
  }
  const next = altered(table, { indexes: table.indexes.filter((i) => i !== matching[0]) })
  await session.commit({
    operation: 'drop index',
    catalogVersion: catalog.version,
    schema: [{ kind: 'alterTable', was: table, table: next }],
  })
}

/** Adds an ordered index over columns. @throws ValidationError when it is to be unique and rows are equal */
export async function addIndex(
  session: Session,
  catalog: Catalog,
  target: Target,
  columns: readonly string[],
  options: { readonly name?: string | undefined; readonly unique?: boolean | undefined },
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const next = altered(table, withKey(table, columns, options))
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
