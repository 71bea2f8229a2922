import { type Catalog, type ColumnKey, columnKey, computedColumns, foldName } from '../catalog/catalog.js'
import { type ColumnDefinition, columnsOfKey, kindOf, type TableDefinition } from '../catalog/definition.js'
import { checkName } from '../catalog/names.js'
import { CannotFill, type SchemaChange } from '../engine/engine.js'
import { DependencyError, ExistsError, NotFoundError, SchemaError, ValidationError } from '../errors.js'
import { type Node, some, transform } from '../expr/node.js'
import { operators } from '../expr/operators/index.js'
import type { ProgressMeter } from '../plan/progress.js'
import type { ResultLog } from '../plan/result-log.js'
import type { Session } from '../plan/session.js'
import type { Column } from '../types/column.js'
import type { ColumnType } from '../types/column-type.js'
import { boolType, floatType, intType, stringType } from '../types/scalars.js'
import { Change, callsPerRow, type OnError } from './change.js'
import { ChangedCells } from './changed-cells.js'
import { altered, defineColumns, defineComputed } from './definitions.js'
import { checkStillOrdered } from './keys.js'
import { loadBatch } from './load-rows.js'
import type { Target } from './statements.js'
import { checkStillText } from './text-indexes.js'

type AlterTable = Extract<SchemaChange, { readonly kind: 'alterTable' }>

/** Adds a column of values; rows that are there get its default, or null. */
export async function addColumn(
  session: Session,
  catalog: Catalog,
  target: Target,
  name: string,
  column: Column<any, any, boolean>,
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  checkNewColumn(catalog, table, name)
  const [definition] = defineColumns({ [name]: column }, table.nextId)
  await checkFillable(session, catalog, table, definition!)
  const fill = definition!.default !== undefined
  await addDefinition(session, catalog, table, definition!, { fill, onError: 'abort' })
}

/** @throws SchemaError when rows that are there would have no value in a new column */
export async function checkFillable(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  { name, nullable, default: fallback }: ColumnDefinition,
): Promise<void> {
  if (nullable || fallback || !(table.view || (await hasRows(session, catalog, table)))) return
  throw new SchemaError(
    `addColumn('${name}'): '${table.name}' has rows, which would have no value: make the column nullable() or give it a default()`,
  )
}

/** Adds a computed column and fills it, in one commit. */
export async function addComputedColumn(
  session: Session,
  catalog: Catalog,
  target: Target,
  column: {
    readonly name: string
    readonly value: Node
    readonly unstored?: boolean
    readonly onError: OnError
    readonly signal?: AbortSignal | undefined
    readonly deferred?: boolean | undefined
    readonly results: ResultLog
    readonly meter?: ProgressMeter | undefined
  },
): Promise<void> {
  const { name, value, unstored = false, onError, signal, deferred = false, results, meter } = column
  const table = catalog.byId(target.id, target.name)
  checkNewColumn(catalog, table, name)
  const definition = defineComputed(catalog, table, {
    id: table.nextId,
    name,
    value,
    unstored,
    what: `column '${name}'`,
  })
  await addDefinition(session, catalog, table, definition, {
    fill: !unstored,
    onError,
    signal,
    deferred,
    results,
    meter,
  })
}

async function addDefinition(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  column: ColumnDefinition,
  {
    fill,
    onError,
    signal,
    deferred = false,
    results,
    meter,
  }: {
    fill: boolean
    onError: OnError
    signal?: AbortSignal | undefined
    deferred?: boolean
    results?: ResultLog
    meter?: ProgressMeter | undefined
  },
): Promise<void> {
  const next = altered(table, { columns: [...table.columns, column], nextId: column.id + 1 })
  const version = await session.engine.tableVersion(table)
  const schemaChange: SchemaChange = { kind: 'alterTable', was: table, table: next }
  if (fill && !deferred && (await isFillable(session, catalog, table, column))) {
    try {
      await session.commit({
        operation: 'add column',
        catalogVersion: catalog.version,
        unchanged: { table, version },
        schema: [schemaChange],
        fills: [{ table: next, column, value: catalog.expand(column.computed!) }],
      })
      return
    } catch (error) {
      if (!(error instanceof CannotFill)) throw error
    }
  }
  const change = new Change(session, catalog, { operation: 'add column', onError, signal, results, meter })
  if (fill && !deferred) {
    const rows = await loadBatch(session, catalog, table)
    meter?.expect(rows.length, callsPerRow({ ...next, columns: [column], indexes: [] }))
    if (rows.length > 0) await change.backfill(rows.as(next), column)
  }
  const commit = await change.toCommit([schemaChange], { table, version })
  await session.commit({ ...commit, defers: deferred && fill ? [await allRows(session, next, column.id)] : [] })
  if (deferred) session.deferred()
}

/** Types whose values look the same whether the database or JavaScript computed them. */
const fillableTypes: readonly ColumnType<any>[] = [stringType, intType, floatType, boolType]

/**
 * Whether the database can compute a new column by itself: without functions, from the row alone, where nothing that is
 * read is pending or has failed.
 */
async function isFillable(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  { computed, type }: ColumnDefinition,
): Promise<boolean> {
  if (!computed || !fillableTypes.includes(type)) return false
  const isOwn = (node: Node) => (node.kind !== 'column' && node.kind !== 'rowid') || node.table === table.id
  const expanded = catalog.expand(computed)
  const own = new Set(table.columns.map(({ name }) => columnKey(table, name)))
  if (some(expanded, (node) => !isOwn(node) || node.kind === 'function' || isVolatile(node))) return false
  if ([...catalog.inputsOf(expanded)].some((key) => !own.has(key))) return false
  const pending = (await session.engine.pending()).some((range) => range.table === table.id)
  return !pending && (await session.engine.errors(table)).length === 0
}

const isVolatile = (node: Node): boolean => node.kind === 'call' && operators[node.operator]!.volatile === true

/** Something in all rows that are there, to be computed later. */
export async function allRows(session: Session, table: TableDefinition, what: number) {
  return { table, what, last: (await session.engine.nextRowid(table)) - 1 }
}

/** @throws SchemaError, ExistsError when the name is not valid, or another column of the table has it */
export function checkNewColumn(catalog: Catalog, table: TableDefinition, name: string): void {
  checkName(name, 'column')
  const clash = [...catalog.columnsOf(table).keys()].find((other) => foldName(other) === foldName(name))
  if (clash !== undefined) throw new ExistsError(`'${table.name}' has a column '${clash}' already`)
}

async function hasRows(session: Session, catalog: Catalog, table: TableDefinition): Promise<boolean> {
  const column = { name: 'id', value: { kind: 'rowid', table: table.id } as const }
  const rows = await session.engine.select(
    { from: { kind: 'table', line: catalog.lineOf(table) }, columns: [column], limit: 1 },
    session.decode,
  )
  return rows.length > 0
}

/** A column of the table's own. @throws NotFoundError, SchemaError */
function ownColumn(catalog: Catalog, table: TableDefinition, name: string, verb: string): ColumnDefinition {
  const column = table.columns.find((c) => c.name === name)
  if (column) return column
  const owned = catalog.columnsOf(table).get(name)
  if (owned) {
    throw new SchemaError(
      `cannot ${verb} column '${name}' of '${table.name}': it comes from '${owned.owner.name}'; do it there`,
    )
  }
  throw new NotFoundError(
    `'${table.name}' has no column '${name}'. It has: ${table.columns.map((c) => c.name).join(', ')}`,
  )
}

/** Drops a column with its indexes. @throws DependencyError that names what is computed from it */
export async function dropColumn(session: Session, catalog: Catalog, target: Target, name: string): Promise<void> {
  const schema = withoutColumn(catalog, catalog.byId(target.id, target.name), name)
  await session.commit({ operation: 'drop column', catalogVersion: catalog.version, schema })
}

/** The definitions that dropping a column changes, its table's and those of views that index or show it. */
export function withoutColumn(catalog: Catalog, table: TableDefinition, name: string): AlterTable[] {
  const column = ownColumn(catalog, table, name, 'drop')
  if (column.iterated) throw new SchemaError(`cannot drop column '${name}' of '${table.name}': its iterator makes it`)
  if (table.primaryKey.includes(name)) {
    throw new SchemaError(`cannot drop column '${name}' of '${table.name}': it is part of the primary key`)
  }
  if (!table.view && table.columns.length === 1) {
    throw new SchemaError(`cannot drop column '${name}' of '${table.name}': it is the last one`)
  }
  const dependents = dependentsOf(catalog, table, name)
  if (dependents.length > 0) {
    throw new DependencyError(
      `cannot drop column '${name}' of '${table.name}': ${dependents.join(', ')} ${dependents.length === 1 ? 'depends' : 'depend'} on it`,
      dependents,
    )
  }
  const key = columnKey(table, name)
  return [table, ...catalog.descendantsOf(table)].flatMap((t): AlterTable[] => {
    const isOn = (indexed: string) => catalog.columnsIn({ kind: 'column', table: t.id, name: indexed }).has(key)
    const indexes = t.indexes.filter((index) => !isOn(index.column))
    const textIndexes = t.textIndexes.filter((index) => !index.columns.some((indexed) => isOn(indexed.name)))
    const shows = t.view?.shows?.filter(
      (shown) => !catalog.columnsIn({ kind: 'column', table: t.view!.base, name: shown }).has(key),
    )
    const next = altered(t, {
      indexes,
      textIndexes,
      ...(t === table
        ? {
            columns: t.columns.filter((c) => c !== column),
            keys: t.keys.filter((k) => !columnsOfKey(k).includes(name)),
          }
        : {}),
      ...(shows ? { view: { ...t.view!, shows } } : {}),
    })
    const all = indexes.length === t.indexes.length && textIndexes.length === t.textIndexes.length
    const same = t !== table && all && shows?.length === t.view?.shows?.length
    return same ? [] : [{ kind: 'alterTable', was: t, table: next }]
  })
}

/** What reads a column, in words: computed columns, views, iterators, checks, constraints of several columns. */
function dependentsOf(catalog: Catalog, table: TableDefinition, name: string): string[] {
  const key = columnKey(table, name)
  const reads = (node: Node) => catalog.columnsIn(node).has(key)
  return [table, ...catalog.descendantsOf(table)].flatMap((t) => [
    ...t.columns.filter((c) => c.computed && reads(c.computed)).map((c) => `column '${c.name}' of '${t.name}'`),
    ...t.checks.filter((c) => reads(c.predicate)).map((c) => `the check '${c.name}' of '${t.name}'`),
    ...t.keys
      .filter((k) => t === table && k.unique && columnsOfKey(k).length > 1 && columnsOfKey(k).includes(name))
      .map((k) => `the unique constraint '${k.name}' of '${t.name}'`),
    ...(t.view?.where && reads(t.view.where) ? [`the condition of the view '${t.name}'`] : []),
    ...(t.view?.iterator?.args.some(reads) ? [`the iterator of the view '${t.name}'`] : []),
  ])
}

/** Renames a column, and every expression, index and constraint that names it. Nothing is computed again. */
export async function renameColumn(
  session: Session,
  catalog: Catalog,
  target: Target,
  from: string,
  to: string,
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const column = ownColumn(catalog, table, from, 'rename')
  if (column.iterated) throw new SchemaError(`cannot rename column '${from}' of '${table.name}': its iterator makes it`)
  checkName(to, 'column')
  const family = [table, ...catalog.descendantsOf(table)]
  for (const t of family) {
    const clash = [...catalog.columnsOf(t)].find(
      ([name, { column: c }]) => foldName(name) === foldName(to) && c !== column,
    )
    if (clash) throw new ExistsError(`${kindOf(t)} '${t.name}' has a column '${clash[0]}' already`)
  }
  const key = columnKey(table, from)
  const means = (id: number, name: string) => catalog.columnsIn({ kind: 'column', table: id, name }).has(key)
  const inNode = (node: Node): Node =>
    transform(node, (n) => (n.kind === 'column' && means(n.table, n.name) ? Object.freeze({ ...n, name: to }) : n))
  const inNames = (id: number, names: readonly string[]) => names.map((name) => (means(id, name) ? to : name))
  const schema = family.map((t): SchemaChange => {
    const next = altered(t, {
      columns: t.columns.map((c) => ({
        ...c,
        ...(c === column ? { name: to } : {}),
        ...(c.computed ? { computed: inNode(c.computed) } : {}),
      })),
      primaryKey: inNames(t.id, t.primaryKey),
      keys: t.keys.map((k) => ({
        ...k,
        parts: k.parts.map((part) => (typeof part === 'string' ? inNames(t.id, [part])[0]! : inNode(part))),
      })),
      checks: t.checks.map((c) => ({ ...c, predicate: inNode(c.predicate) })),
      indexes: t.indexes.map((index) => ({ ...index, column: inNames(t.id, [index.column])[0]! })),
      textIndexes: t.textIndexes.map((index) => ({
        ...index,
        columns: index.columns.map(({ name, weight }) => ({ name: inNames(t.id, [name])[0]!, weight })),
      })),
      ...(t.view
        ? {
            view: {
              ...t.view,
              ...(t.view.where ? { where: inNode(t.view.where) } : {}),
              ...(t.view.shows ? { shows: inNames(t.view.base, t.view.shows) } : {}),
              ...(t.view.iterator ? { iterator: { ...t.view.iterator, args: t.view.iterator.args.map(inNode) } } : {}),
            },
          }
        : {}),
    })
    return { kind: 'alterTable', was: t, table: next }
  })
  await session.commit({ operation: 'rename column', catalogVersion: catalog.version, schema })
}

/** The next definition of a table, in which a computed column has another expression. @throws SchemaError */
export function withExpression(
  catalog: Catalog,
  table: TableDefinition,
  { name, value, unstored }: { readonly name: string; readonly value: Node; readonly unstored?: boolean | undefined },
): { readonly next: TableDefinition; readonly definition: ColumnDefinition } {
  const old = ownColumn(catalog, table, name, 'alter')
  if (!old.computed)
    throw new SchemaError(`column '${name}' of '${table.name}' is not computed: its values are set by update()`)
  checkNoCycle(catalog, table, name, value)
  const definition = defineComputed(catalog, table, {
    // A column of its own, so that earlier versions keep the values of the old one, whatever their type.
    id: table.nextId,
    name,
    value,
    unstored: unstored ?? old.unstored ?? false,
    what: `column '${name}'`,
  })
  checkStillText(catalog, table, definition)
  const columns = table.columns.map((c) => (c === old ? definition : c))
  const next = altered(table, { columns, nextId: table.nextId + 1 })
  checkStillOrdered(catalog.with([next]), next, name)
  return { next, definition }
}

/** Gives a computed column another expression, and computes it and what follows from it again, in one commit. */
export async function alterComputedColumn(
  session: Session,
  catalog: Catalog,
  target: Target,
  column: {
    readonly name: string
    readonly value: Node
    /** Whether it is kept nowhere; as before when undefined. */
    readonly unstored?: boolean
    readonly onError: OnError
    readonly signal?: AbortSignal | undefined
    readonly results: ResultLog
    readonly meter?: ProgressMeter | undefined
  },
): Promise<void> {
  const { name, onError, signal, results, meter } = column
  const table = catalog.byId(target.id, target.name)
  const { next, definition } = withExpression(catalog, table, column)
  const after = catalog.with([next])
  const version = await session.engine.tableVersion(table)
  const change = new Change(session, after, { operation: 'alter column', onError, signal, results, meter })
  const rows = (await loadBatch(session, catalog, table)).as(next)
  if (!definition.unstored) rows.set(name, new Array(rows.length).fill(null))
  await change.update(rows, {
    changed: new ChangedCells([[columnKey(table, name), new Uint8Array(rows.length).fill(1)]]),
    recompute: new Set(definition.unstored ? [] : [name]),
  })
  await session.commit(await change.toCommit([{ kind: 'alterTable', was: table, table: next }], { table, version }))
}

/** @throws SchemaError when a column would be computed from itself */
function checkNoCycle(catalog: Catalog, table: TableDefinition, name: string, value: Node): void {
  const key = columnKey(table, name)
  const seen = new Set<ColumnKey>()
  const reaches = (node: Node): boolean => {
    const read = catalog.columnsIn(node)
    if (read.has(key)) return true
    return table.columns.some((c) => {
      const other = columnKey(table, c.name)
      if (!c.computed || !read.has(other) || seen.has(other)) return false
      seen.add(other)
      return reaches(c.computed)
    })
  }
  if (reaches(value)) throw new SchemaError(`column '${name}' of '${table.name}' would be computed from itself`)
}

/** The columns of a recompute, checked. @throws SchemaError, NotFoundError, ValidationError */
export function recomputable(catalog: Catalog, table: TableDefinition, names: readonly string[]): Set<string> {
  if (names.length === 0) throw new ValidationError('recompute(): expected at least one column')
  for (const name of names) {
    const column = ownColumn(catalog, table, name, 'recompute')
    if (!computedColumns(table).includes(column)) {
      throw new SchemaError(
        `column '${name}' of '${table.name}' is ${column.computed ? 'computed whenever it is read' : 'not computed'}: there is nothing to recompute`,
      )
    }
  }
  return new Set(names)
}
