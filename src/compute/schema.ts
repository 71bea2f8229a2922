import { type Catalog, foldName } from '../catalog/catalog.js'
import type { IteratorCall, TableDefinition } from '../catalog/definition.js'
import { checkName, checkPath, directoryOf } from '../catalog/names.js'
import type { SchemaChange } from '../engine/engine.js'
import { ExistsError, NotFoundError, SchemaError } from '../errors.js'
import type { Node } from '../expr/node.js'
import type { ProgressMeter } from '../plan/progress.js'
import type { ResultLog } from '../plan/result-log.js'
import type { Session } from '../plan/session.js'
import type { Schema } from '../types/column.js'
import { Change, type OnError } from './change.js'
import { defineColumns, defineComputed, defineTable, type NewTable } from './definitions.js'
import { loadBatch } from './load-rows.js'
import { checkStorable } from './storable.js'

/** Checks the path of a new table or view. */
export function checkNewPath(catalog: Catalog, name: string, kind: 'table' | 'view' | 'snapshot'): void {
  checkPath(name, kind)
  const directory = directoryOf(name)
  if (directory !== undefined && !hasDirectory(catalog, directory)) {
    throw new NotFoundError(`the directory '${directory}' does not exist: call createDir('${directory}') first`)
  }
  if (hasDirectory(catalog, name)) throw new ExistsError(`'${name}' is a directory`)
  if (catalog.snapshotNamed(name)) throw new ExistsError(`'${name}' is a snapshot`)
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

/** What a view is made of. */
export interface DerivedView {
  readonly name: string
  readonly base: { readonly id: number; readonly name: string }
  readonly where: readonly Node[]
  /** The columns of the base that it shows; all of them when undefined. */
  readonly shows?: readonly string[] | undefined
  /** Columns that it computes from those of the base. */
  readonly columns?: readonly { readonly name: string; readonly value: Node; readonly unstored: boolean }[] | undefined
  readonly iterator?: { readonly call: IteratorCall; readonly outputs: Schema } | undefined
  readonly comment?: string | undefined
}

/** What `createView` makes. */
export interface NewView extends DerivedView {
  readonly onError: OnError
  readonly signal?: AbortSignal | undefined
  readonly results: ResultLog
  readonly meter?: ProgressMeter | undefined
}

/** The definition of a new view. @throws QueryError, SchemaError before anything is written */
export function defineView(catalog: Catalog, id: number, view: DerivedView): TableDefinition {
  const base = catalog.byId(view.base.id, view.base.name)
  const where = view.where.reduce<Node | undefined>(
    (a, b) => (a ? Object.freeze({ kind: 'call', operator: 'and', args: [a, b] }) : b),
    undefined,
  )
  if (where) checkStorable(catalog, base, where, `the view '${view.name}'`)
  for (const arg of view.iterator?.call.args ?? []) checkStorable(catalog, base, arg, `the view '${view.name}'`)
  const iterated = defineColumns(view.iterator?.outputs ?? {}, 1).map((column) => ({ ...column, iterated: true }))
  const own = (view.columns ?? []).map((column, i) => {
    checkName(column.name, 'column')
    return defineComputed(catalog, base, { ...column, id: iterated.length + i + 1, what: `the view '${view.name}'` })
  })
  const columns = [...iterated, ...own]
  const clash = own.find((column) => iterated.some((c) => foldName(c.name) === foldName(column.name)))
  if (clash) throw new SchemaError(`the view '${view.name}': the iterator makes a column '${clash.name}' already`)
  return {
    id,
    name: view.name,
    columns,
    nextId: columns.length + 1,
    primaryKey: [],
    keys: [],
    checks: [],
    indexes: [],
    textIndexes: [],
    schemaVersion: 1,
    ...(view.comment === undefined ? {} : { comment: view.comment }),
    view: {
      base: base.id,
      ...(where ? { where } : {}),
      ...(view.shows ? { shows: view.shows } : {}),
      ...(view.iterator ? { iterator: view.iterator.call } : {}),
    },
  }
}

/** Creates a view and fills it, in one commit. */
export async function createView(
  session: Session,
  catalog: Catalog,
  view: NewView,
  replaced: readonly SchemaChange[],
): Promise<TableDefinition> {
  checkNewPath(catalog, view.name, 'view')
  const definition = defineView(catalog, session.nextTableId, view)
  const base = catalog.byId(view.base.id)
  const version = await session.engine.tableVersion(base)
  const change = new Change(session, catalog, {
    operation: 'create view',
    onError: view.onError,
    signal: view.signal,
    results: view.results,
    meter: view.meter,
  })
  await change.deriveView(definition, await loadBatch(session, catalog, base))
  const schema: SchemaChange[] = [...replaced, { kind: 'createTable', table: definition }]
  await session.commit(await change.toCommit(schema, { table: base, version }))
  return definition
}
