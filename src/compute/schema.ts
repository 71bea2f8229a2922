import type { Catalog } from '../catalog/catalog.js'
import { foldName } from '../catalog/catalog.js'
import {
  type ColumnDefinition,
  type DefaultDefinition,
  type IndexDefinition,
  type IteratorCall,
  kindOf,
  type Metric,
  type TableDefinition,
} from '../catalog/definition.js'
import { checkName, checkPath, directoryOf } from '../catalog/names.js'
import type { SchemaChange } from '../engine/engine.js'
import { ExistsError, IndexError, NotFoundError, QueryError, SchemaError, ValidationError } from '../errors.js'
import { identityOf } from '../expr/function.js'
import { type ColumnNode, type Node, visit } from '../expr/node.js'
import { typeOfNode } from '../expr/type-of.js'
import type { Session } from '../plan/session.js'
import type { Embedder } from '../search/embedder.js'
import type { Schema } from '../types/column.js'
import { type ColumnType, describeValue } from '../types/column-type.js'
import { Change, loadColumns, type OnError } from './change.js'
import { RowBatch } from './row-batch.js'

/** What `createTable` makes, checked. */
export interface NewTable {
  readonly name: string
  readonly schema: Schema
  readonly primaryKey: readonly string[]
  readonly comment?: string | undefined
}

/** The definition of a new table. @throws SchemaError before anything is written */
export function defineTable(id: number, { name, schema, primaryKey, comment }: NewTable): TableDefinition {
  const columns = defineColumns(schema)
  if (columns.length === 0) throw new SchemaError(`'${name}': a table needs at least one column`)
  for (const key of primaryKey) {
    const column = columns.find((c) => c.name === key)
    if (!column) throw new SchemaError(`'${name}': the primary key names '${key}', which is no column`)
    if (column.nullable) throw new SchemaError(`'${name}': the primary key column '${key}' cannot be nullable`)
    if (!column.type.operators.includes('order')) {
      throw new SchemaError(`'${name}': a ${column.type.name} column cannot be a primary key`)
    }
  }
  if (new Set(primaryKey).size !== primaryKey.length)
    throw new SchemaError(`'${name}': the primary key repeats a column`)
  return { id, name, columns, primaryKey, indexes: [], schemaVersion: 1, ...(comment === undefined ? {} : { comment }) }
}

function defineColumns(schema: Schema): ColumnDefinition[] {
  if (typeof schema !== 'object' || schema === null) {
    throw new SchemaError(
      `schema: expected an object of columns such as { title: t.string() }, got ${describeValue(schema)}`,
    )
  }
  const columns = Object.entries(schema).map(([name, column]): ColumnDefinition => {
    checkName(name, 'column')
    const { type, isNullable, defaultValue } = column ?? {}
    if (type === undefined || typeof type.parse !== 'function') {
      throw new SchemaError(`column '${name}': expected a type such as t.string(), got ${describeValue(column)}`)
    }
    return {
      name,
      type,
      nullable: isNullable,
      ...(defaultValue === undefined ? {} : { default: defineDefault(name, type, defaultValue) }),
    }
  })
  checkDistinct(columns.map((column) => column.name))
  return columns
}

function defineDefault(name: string, type: ColumnType<any>, value: unknown): DefaultDefinition {
  if (typeof value === 'function') return { kind: 'function', make: value as () => unknown }
  if (value === null) return { kind: 'value', stored: null }
  if (type.media) throw new SchemaError(`column '${name}': the default of a ${type.name} column must be a function`)
  try {
    return { kind: 'value', stored: type.encode(type.parse(value)) }
  } catch (cause) {
    throw new SchemaError(`column '${name}': the default does not fit: ${(cause as Error).message}`, { cause })
  }
}

function checkDistinct(names: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const other = seen.get(foldName(name))
    if (other !== undefined) {
      throw new SchemaError(`columns '${other}' and '${name}' have the same name: SQL ignores the case of letters`)
    }
    seen.set(foldName(name), name)
  }
}

/** Checks the path of a new table or view. */
export function checkNewPath(catalog: Catalog, name: string, kind: 'table' | 'view'): void {
  checkPath(name, kind)
  const directory = directoryOf(name)
  if (directory !== undefined && !hasDirectory(catalog, directory)) {
    throw new NotFoundError(`the directory '${directory}' does not exist: call createDir('${directory}') first`)
  }
  if (hasDirectory(catalog, name)) throw new ExistsError(`'${name}' is a directory`)
}

export const hasDirectory = (catalog: Catalog, name: string): boolean =>
  [...catalog.directories].some((directory) => foldName(directory) === foldName(name))

/** Creates a table; `replaced` goes first, in the same commit. */
export async function createTable(
  session: Session,
  catalog: Catalog,
  table: NewTable,
  replaced: readonly SchemaChange[],
): Promise<TableDefinition> {
  checkNewPath(catalog, table.name, 'table')
  const definition = defineTable(session.nextTableId, table)
  await session.commit({
    operation: 'create table',
    catalogVersion: catalog.version,
    schema: [...replaced, { kind: 'createTable', table: definition }],
  })
  bindSchema(session, definition, table.schema)
  return definition
}

/** Attaches what the file cannot hold of a schema: validators and default functions. */
export function bindSchema(session: Session, table: TableDefinition, schema: Schema): void {
  for (const [name, { type, defaultValue }] of Object.entries(schema)) {
    const makeDefault = typeof defaultValue === 'function' ? { makeDefault: defaultValue as () => unknown } : {}
    const validated = type.config().validated === true ? { type } : {}
    if ('makeDefault' in makeDefault || 'type' in validated) {
      session.bindColumn(table.id, name, { ...makeDefault, ...validated })
    }
  }
}

/** What `createView` makes. */
export interface NewView {
  readonly name: string
  readonly base: { readonly id: number; readonly name: string }
  readonly where: readonly Node[]
  readonly iterator?: { readonly call: IteratorCall; readonly outputs: Schema } | undefined
  readonly comment?: string | undefined
  readonly onError: OnError
  readonly signal?: AbortSignal | undefined
}

/** Creates a view and fills it, in one commit. */
export async function createView(
  session: Session,
  catalog: Catalog,
  view: NewView,
  replaced: readonly SchemaChange[],
): Promise<TableDefinition> {
  checkNewPath(catalog, view.name, 'view')
  const base = catalog.byId(view.base.id, view.base.name)
  const where = view.where.reduce<Node | undefined>(
    (a, b) => (a ? Object.freeze({ kind: 'call', operator: 'and', args: [a, b] }) : b),
    undefined,
  )
  if (where) checkStorable(catalog, base, where, `the view '${view.name}'`)
  for (const arg of view.iterator?.call.args ?? []) checkStorable(catalog, base, arg, `the view '${view.name}'`)
  const definition: TableDefinition = {
    id: session.nextTableId,
    name: view.name,
    columns: defineColumns(view.iterator?.outputs ?? {}).map((column) => ({ ...column, iterated: true })),
    primaryKey: [],
    indexes: [],
    schemaVersion: 1,
    ...(view.comment === undefined ? {} : { comment: view.comment }),
    view: { base: base.id, ...(where ? { where } : {}), ...(view.iterator ? { iterator: view.iterator.call } : {}) },
  }
  const version = await session.engine.tableVersion(base)
  const change = new Change(session, catalog, {
    operation: 'create view',
    onError: view.onError,
    signal: view.signal,
  })
  await change.deriveView(definition, await loadBatch(session, catalog, base))
  const schema: SchemaChange[] = [...replaced, { kind: 'createTable', table: definition }]
  await session.commit(change.toCommit(schema, { table: base, version }))
  return definition
}

/** All stored rows of a table, with those of its bases that they derive from. */
async function loadBatch(session: Session, catalog: Catalog, table: TableDefinition): Promise<RowBatch> {
  const { keys, values } = await loadColumns(session, catalog, table)
  if (!table.view) return new RowBatch(table, keys, values)
  const base = await loadBatch(session, catalog, catalog.byId(table.view.base))
  const positions = new Map(base.keys.map((key, i) => [key, i]))
  const links = await session.engine.select(
    {
      line: catalog.lineOf(table),
      columns: [{ name: 'base', value: { kind: 'column', table: table.id, name: '_base' } }],
    },
    session.decode,
  )
  return new RowBatch(table, keys, values, { batch: base, at: links.map(([key]) => positions.get(key as number)!) })
}

/** Adds a computed column and fills it, in one commit. */
export async function addComputedColumn(
  session: Session,
  catalog: Catalog,
  target: { readonly id: number; readonly name: string },
  column: {
    readonly name: string
    readonly value: Node
    readonly onError: OnError
    readonly signal?: AbortSignal | undefined
  },
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  checkName(column.name, 'column')
  const owned = catalog.columnsOf(table)
  const clash = [...owned.keys()].find((name) => foldName(name) === foldName(column.name))
  if (clash !== undefined) throw new ExistsError(`'${table.name}' has a column '${clash}' already`)
  checkStorable(catalog, table, column.value, `column '${column.name}'`)
  const definition: ColumnDefinition = {
    name: column.name,
    type: typeOfNode(column.value, typeOfColumn(catalog, table)),
    nullable: true,
    computed: column.value,
  }
  const altered: TableDefinition = {
    ...table,
    columns: [...table.columns, definition],
    schemaVersion: table.schemaVersion + 1,
  }
  const version = await session.engine.tableVersion(table)
  const change = new Change(session, catalog, {
    operation: 'add column',
    onError: column.onError,
    signal: column.signal,
  })
  const rows = await loadBatch(session, catalog, table)
  if (rows.length > 0) await change.backfill(rows.as(altered), definition)
  await session.commit(
    change.toCommit([{ kind: 'alterTable', table: altered, addColumns: [column.name] }], { table, version }),
  )
}

function typeOfColumn(catalog: Catalog, table: TableDefinition): (node: ColumnNode) => ColumnType<any> {
  return (node) => {
    const found = catalog.columnsOf(catalog.find(node.table) ?? table).get(node.name)
    if (!found) throw new NotFoundError(`'${table.name}' has no column '${node.name}'`)
    return found.column.type
  }
}

/**
 * Checks an expression that is stored with a table: it is over that table's columns, and JavaScript can evaluate it.
 * @throws QueryError
 */
function checkStorable(catalog: Catalog, table: TableDefinition, node: Node, what: string): void {
  const line = new Set(catalog.lineOf(table).map(({ id }) => id))
  visit(node, (n) => {
    switch (n.kind) {
      case 'column':
        if (!line.has(n.table)) throw new QueryError(`${what} uses a column of another table than '${table.name}'`)
        if (!catalog.columnsOf(catalog.byId(n.table)).has(n.name)) {
          throw new NotFoundError(`${what} uses the column '${n.name}', which '${table.name}' does not have`)
        }
        return
      case 'rowid':
      case 'score':
        throw new QueryError(`${what} can use neither row ids nor scores`)
      case 'parameter':
        throw new QueryError(`${what} uses the parameter '${n.name}' of a query function`)
      case 'fragment':
        throw new QueryError(`${what} cannot use sql\`…\`: it is computed in JavaScript`)
      case 'function':
        if (n.fn.name === '') throw new QueryError(`${what} uses a function without a name (${identityOf(n.fn)})`)
    }
  })
}

/** What `addEmbeddingIndex` makes. */
export interface NewIndex {
  readonly column: string
  readonly name?: string | undefined
  readonly metric: Metric
  readonly embedder?: Embedder | undefined
  readonly ifExists: 'error' | 'ignore' | 'replace'
  readonly onError: OnError
  readonly signal?: AbortSignal | undefined
}

const metrics: readonly Metric[] = ['cosine', 'euclidean', 'inner_product']
/** Names of the tables that belong to a table. */
const reservedIndexNames = ['errors', 'history', 'base', 'pk']

/** Adds an embedding index and embeds the rows that are there, in one commit. */
export async function addEmbeddingIndex(
  session: Session,
  catalog: Catalog,
  target: { readonly id: number; readonly name: string },
  options: NewIndex,
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const found = catalog.columnsOf(table).get(options.column)
  if (!found) {
    throw new NotFoundError(
      `'${table.name}' has no column '${options.column}'. It has: ${[...catalog.columnsOf(table).keys()].join(', ')}`,
    )
  }
  const index = defineIndex(table, found.column, options)
  const existing = table.indexes.find((i) => foldName(i.name) === foldName(index.name))
  if (existing && options.ifExists === 'ignore') return
  if (existing && options.ifExists === 'error') {
    throw new ExistsError(`'${table.name}' has an index '${existing.name}' already`)
  }
  const twin = table.indexes.find((i) => i !== existing && isSameIndex(i, index))
  if (twin && options.name === undefined) {
    throw new ExistsError(`'${table.name}' has an identical index on '${index.column}' already: '${twin.name}'`)
  }
  const altered: TableDefinition = {
    ...table,
    indexes: [...table.indexes.filter((i) => i !== existing), index],
    schemaVersion: table.schemaVersion + 1,
  }
  const version = await session.engine.tableVersion(table)
  if (options.embedder) session.bind('embedder', options.embedder)
  const change = new Change(session, catalog, {
    operation: 'add index',
    onError: options.onError,
    signal: options.signal,
  })
  if (options.embedder) {
    const rows = await loadBatch(session, catalog, table)
    if (rows.length > 0) await change.embed(rows.as(altered), index)
  }
  const dropIndexes = existing ? [existing] : []
  await session.commit(
    change.toCommit([{ kind: 'alterTable', table: altered, addIndexes: [index], dropIndexes }], { table, version }),
  )
}

function defineIndex(table: TableDefinition, column: ColumnDefinition, options: NewIndex): IndexDefinition {
  const { embedder, metric } = options
  const what = `index on '${column.name}' of '${table.name}'`
  if (!metrics.includes(metric)) {
    throw new ValidationError(`${what}: metric: expected one of ${metrics.join(', ')}, got ${describeValue(metric)}`)
  }
  if (options.name !== undefined) {
    checkName(options.name, 'index')
    if (reservedIndexNames.includes(foldName(options.name)))
      throw new SchemaError(`index name '${options.name}' is reserved`)
  }
  const vector = column.type.operators.includes('vector') && column.type.name === 'vector'
  if (vector === (embedder !== undefined)) {
    throw new IndexError(
      vector
        ? `${what}: a vector column holds its vectors already: leave out embed`
        : `${what}: expected embed, a model that turns ${column.type.name} values into vectors`,
    )
  }
  if (embedder) checkKind(what, column, embedder)
  const dimensions = vector ? (column.type.config().dimensions as number) : embedder?.dimensions
  return {
    name:
      options.name ??
      freeName(table, `${column.name}_${embedder?.name ?? 'vector'}`.replaceAll(/[^\p{L}\p{N}_-]/gu, '_')),
    column: column.name,
    metric,
    ...(embedder ? { embedder: { name: embedder.name, version: embedder.version } } : {}),
    ...(dimensions === undefined ? {} : { dimensions }),
  }
}

/** A model must take what the column holds. */
function checkKind(what: string, column: ColumnDefinition, embedder: Embedder): void {
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
  a.embedder?.name === b.embedder?.name &&
  a.embedder?.version === b.embedder?.version

function freeName(table: TableDefinition, name: string): string {
  const taken = new Set(table.indexes.map((index) => foldName(index.name)))
  if (!taken.has(foldName(name))) return name
  for (let i = 2; ; i++) if (!taken.has(foldName(`${name}_${i}`))) return `${name}_${i}`
}

/** Removes an embedding index. */
export async function dropEmbeddingIndex(
  session: Session,
  catalog: Catalog,
  target: { readonly id: number; readonly name: string },
  which: { readonly column?: string | undefined; readonly name?: string | undefined },
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const matching = table.indexes.filter((i) =>
    which.name === undefined ? i.column === which.column : foldName(i.name) === foldName(which.name),
  )
  if (matching.length !== 1) {
    const names = table.indexes.map((i) => i.name).join(', ') || 'none'
    const wanted = which.name === undefined ? `on column '${which.column}'` : `'${which.name}'`
    throw new IndexError(
      `${kindOf(table)} '${table.name}' has ${matching.length === 0 ? 'no index' : 'several indexes'} ${wanted}. It has: ${names}`,
    )
  }
  const altered: TableDefinition = {
    ...table,
    indexes: table.indexes.filter((i) => i !== matching[0]),
    schemaVersion: table.schemaVersion + 1,
  }
  await session.commit({
    operation: 'drop index',
    catalogVersion: catalog.version,
    schema: [{ kind: 'alterTable', table: altered, dropIndexes: matching }],
  })
}
