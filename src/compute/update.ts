import { type Catalog, columnKey } from '../catalog/catalog.js'
import type { ColumnDefinition, TableDefinition } from '../catalog/definition.js'
import { ValidationError } from '../errors.js'
import { isExpression } from '../expr/expression.js'
import type { Node } from '../expr/node.js'
import { collect } from '../plan/execute.js'
import type { Session } from '../plan/session.js'
import { Change, sameValue } from './change.js'
import { ChangedCells, positionsIn } from './changed-cells.js'
import { loadBatch } from './load-rows.js'
import { cellError, parseCell } from './parse.js'
import { type ChangeResult, finish, rowQuery, type StatementOptions, type Target } from './statements.js'

/** Options of an update. */
export interface UpdateOptions extends StatementOptions {
  /** Whether computed columns, views and indexes follow. Without, they show old values until recomputed. @default true */
  readonly cascade?: boolean
}

/** Updates the rows for which a predicate is true; all of them without one. Expressions see the old values. */
export function updateRows(
  session: Session,
  target: Target,
  values: Readonly<Record<string, unknown>>,
  where: readonly Node[],
  options: UpdateOptions,
): Promise<ChangeResult> {
  return session.attempt(async (catalog, results) => {
    const table = catalog.byId(target.id, target.name)
    const { signal } = options
    const columns = Object.keys(values).map((name) => updatable(catalog, table, name))
    const computed = columns.flatMap(({ name }) => {
      const given = values[name]
      return isExpression(given) ? [{ name: `=${name}`, value: given.node }] : []
    })
    const rows = await collect(session, rowQuery(table, where, ['_version'], computed), {}, { signal })
    const change = new Change(session, catalog, {
      results,
      operation: 'update',
      onError: options.onError ?? 'abort',
      signal,
    })
    const given = new Map<string, unknown[]>()
    for (const column of columns) {
      const { name } = column
      const literal = values[name]
      if (!isExpression(literal)) {
        // A literal is the same for every row, and a file need not be fetched again, or for no row at all.
        const needed = rows.length > 0 || !column.type.media
        const cell = needed ? await parseUpdate(table, column, literal, 0, session, change, signal) : null
        given.set(name, new Array(rows.length).fill(cell))
        continue
      }
      const cells: unknown[] = []
      for (const [i, row] of rows.entries()) {
        cells.push(await parseUpdate(table, column, row[`=${name}`], i, session, change, signal))
      }
      given.set(name, cells)
    }
    await setColumns(session, catalog, change, table, rows as unknown as StoredRow[], given, options.cascade)
    return finish(session, change, { updated: rows.length })
  })
}

/** A stored row that a statement is about. */
export interface StoredRow {
  readonly _rowid: number
  readonly _version: number
}

/** Gives columns of stored rows new values. Rows in which nothing changes are left alone. */
export async function setColumns(
  session: Session,
  catalog: Catalog,
  change: Change,
  table: TableDefinition,
  rows: readonly StoredRow[],
  given: ReadonlyMap<string, readonly unknown[]>,
  cascade: boolean | undefined,
): Promise<void> {
  if (rows.length === 0) return
  const batch = await loadBatch(
    session,
    catalog,
    table,
    rows.map((row) => row._rowid),
  )
  const position = new Map(rows.map((row, i) => [row._rowid, i]))
  const order = batch.keys.map((key) => position.get(key)!)
  const changed = new ChangedCells()
  const names: string[] = []
  const touched = new Uint8Array(batch.length)
  for (const [name, cells] of given) {
    const { type } = table.columns.find((c) => c.name === name)!
    const old = batch.column(name)
    const after = order.map((i) => cells[i])
    const differs = Uint8Array.from(after, (cell, i) => (sameValue(type, old[i], cell) ? 0 : 1))
    batch.set(name, after)
    if (!differs.includes(1)) continue
    names.push(name)
    changed.add(columnKey(table, name), differs)
    differs.forEach((is, i) => {
      touched[i]! |= is
    })
  }
  const at = positionsIn(touched)
  await change.update(batch.pick(at), {
    changed: changed.at(at),
    own: { columns: names, versions: at.map((i) => rows[order[i]!]!._version) },
    ...(cascade === undefined ? {} : { cascade }),
  })
}

/** A new value of a cell, as its column's type has it. @throws ValidationError */
export async function parseUpdate(
  table: TableDefinition,
  column: ColumnDefinition,
  value: unknown,
  row: number,
  session: Session,
  change: Change,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (value === null) {
    if (column.nullable) return null
    throw new ValidationError(`column '${column.name}' of '${table.name}' is required, got null; nothing was written`, {
      row,
      column: column.name,
    })
  }
  try {
    return await parseCell(column.type, value, session, change, signal)
  } catch (cause) {
    throw cellError(table, column, row, cause)
  }
}

/** A column that can be set: the table's or view's own, and not computed. */
export function updatable(catalog: Catalog, table: TableDefinition, name: string): ColumnDefinition {
  const column = table.columns.find((c) => c.name === name)
  const owned = column ? undefined : catalog.columnsOf(table).get(name)
  const refuse = (why: string) => new ValidationError(`${why}; nothing was written`, { column: name })
  if (owned) throw refuse(`column '${name}' of '${table.name}' comes from '${owned.owner.name}': update that`)
  if (!column) {
    throw refuse(`'${table.name}' has no column '${name}'. It has: ${table.columns.map((c) => c.name).join(', ')}`)
  }
  if (column.computed) throw refuse(`column '${name}' of '${table.name}' is computed and cannot be set`)
  if (column.iterated) throw refuse(`column '${name}' of '${table.name}' is made by its iterator and cannot be set`)
  return column
}
