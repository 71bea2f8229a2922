import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import type { ReadRows } from '../engine/engine.js'
import { CellFailure } from '../plan/evaluate.js'
import type { Session } from '../plan/session.js'
import { RowBatch } from './row-batch.js'

/** Stored rows of a table: its own columns, by name. */
export async function loadColumns(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  ids?: readonly number[],
): Promise<{ keys: number[]; versions: number[]; values: Map<string, unknown[]> }> {
  const stored = table.columns.filter((column) => !column.unstored)
  const rows = await session.engine.select(
    {
      from: { kind: 'table', line: catalog.lineOf(table) },
      columns: [
        { name: '_rowid', value: { kind: 'rowid', table: table.id } },
        { name: '_version', value: { kind: 'column', table: table.id, name: '_version' } },
        ...stored.map(({ name }) => ({ name, value: { kind: 'column', table: table.id, name } as const })),
      ],
      keys: ids && { of: 'row', ids },
    },
    session.decode,
  )
  const keys = rows.map((row) => row[0] as number)
  const values = new Map(stored.map(({ name }, c) => [name, rows.map((row) => row[c + 2])]))
  const computed = stored.filter((column) => column.computed).map(({ name }) => name)
  if (computed.length > 0 && keys.length > 0) {
    // A cell that failed is stored as null; what reads it fails with it, now as then.
    const errors = await session.engine.errors(table, computed, ids)
    const positions = new Map(errors.length === 0 ? [] : keys.map((key, i) => [key, i]))
    for (const { row, column, type, message, function: fn, attempts } of errors) {
      const i = positions.get(row)
      const error = Object.assign(new Error(message), { name: type })
      if (i !== undefined) values.get(column)![i] = new CellFailure(error, fn, attempts, true)
    }
  }
  return { keys, versions: rows.map((row) => row[1] as number), values }
}

/**
 * Stored rows of a table, with those of its bases that they derive from.
 * @param ids the rows; all of them when undefined
 */
export async function loadBatch(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  ids?: readonly number[],
): Promise<RowBatch> {
  const { keys, versions, values } = await loadColumns(session, catalog, table, ids)
  if (!table.view) return new RowBatch(table, keys, values, undefined, versions)
  const links = await session.engine.select(
    {
      from: { kind: 'table', line: catalog.lineOf(table) },
      columns: [{ name: 'base', value: { kind: 'column', table: table.id, name: '_base' } }],
      keys: ids && { of: 'row', ids },
    },
    session.decode,
  )
  const bases = links.map(([key]) => key as number)
  const base = await loadBatch(session, catalog, catalog.byId(table.view.base), ids && [...new Set(bases)])
  const positions = new Map(base.keys.map((key, i) => [key, i]))
  return new RowBatch(table, keys, values, { batch: base, at: bases.map((key) => positions.get(key)!) }, versions)
}

/** The rows that a batch was read from, for a commit that must find them unchanged. */
export function rowsRead(batch: RowBatch): ReadRows[] {
  const { table, keys, versions, base } = batch
  return [{ table, rows: keys, versions }, ...(base ? rowsRead(base) : [])]
}
