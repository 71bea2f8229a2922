import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { CellFailure, evaluate } from '../plan/evaluate.js'
import type { Session } from '../plan/session.js'
import { setOwn } from '../types/own-property.js'
import { Change, type ChangeOptions, failureOf } from './change.js'
import { parseRows } from './parse.js'
import { RowBatch } from './row-batch.js'
import type { Target } from './statements.js'

/** What rows would become. */
export interface Computed<R> {
  /** The rows with their computed columns; a cell that failed is null. */
  readonly rows: readonly R[]
  /** The cells that failed. */
  readonly errors: readonly ComputedError[]
}

/** A cell that could not be computed. */
export interface ComputedError {
  /** The table or view of the cell. */
  readonly table: string
  /** Position of the row among those of its table, from 0. */
  readonly row: number
  /** The column; or the view that could not be made from the row. */
  readonly column: string
  /** Class of the error. */
  readonly type: string
  readonly message: string
}

/**
 * Computes what an insert of rows would put into a table, or into a view that derives from it, and stores nothing. No
 * vectors are made.
 */
export async function computeRows(
  session: Session,
  target: Target,
  rows: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<Computed<Record<string, unknown>>> {
  const { found, change } = await compute(session, target, rows, { onError: 'ignore', signal })
  const errors = change.failures.map(({ table: owner, row, column, type, message }) => ({
    table: owner.name,
    row: -row - 1,
    column,
    type,
    message,
  }))
  return { rows: found, errors }
}

/**
 * The row that an insert of one row would put into a table, or into a view that derives from it; undefined where the
 * view leaves it out. Nothing is stored, and no other view is computed.
 * @throws ValidationError when the row does not fit
 * @throws ComputeError when a cell cannot be computed; it names the column
 */
export async function computeRow(
  session: Session,
  target: Target,
  row: unknown,
  signal: AbortSignal | undefined,
): Promise<Record<string, unknown> | undefined> {
  const catalog = await session.catalog()
  const views = new Set(catalog.lineOf(catalog.byId(target.id, target.name)).map(({ id }) => id))
  const { found } = await compute(session, target, [row], { onError: 'abort', signal, views })
  return found[0]
}

async function compute(
  session: Session,
  target: Target,
  rows: readonly unknown[],
  options: Pick<ChangeOptions, 'onError' | 'signal' | 'views'>,
): Promise<{ readonly found: Record<string, unknown>[]; readonly change: Change }> {
  const catalog = await session.catalog()
  const table = catalog.byId(target.id, target.name)
  const root = catalog.lineOf(table).at(-1)!
  const found: Record<string, unknown>[] = []
  const batches: RowBatch[] = []
  const results = session.newLog()
  const change = new Change(session, catalog, {
    ...options,
    results,
    operation: 'compute',
    skipIndexes: true,
    onRows: (batch) => {
      if (batch.table.id === table.id) batches.push(batch)
    },
  })
  const values = await parseRows(root, rows, session, change, options.signal)
  try {
    await change.insert(new RowBatch(root, change.newKeys(root, rows.length), values))
  } finally {
    await results.keepCached()
  }
  for (const batch of batches) found.push(...(await toRows(catalog, table, batch, options)))
  return { found, change }
}

async function toRows(
  catalog: Catalog,
  table: TableDefinition,
  batch: RowBatch,
  { onError, signal }: Pick<ChangeOptions, 'onError' | 'signal'>,
): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = batch.keys.map(() => ({}))
  for (const name of catalog.columnsOf(table).keys()) {
    const cells = await evaluate(catalog.expand({ kind: 'column', table: table.id, name }), batch, { signal })
    cells.forEach((cell, i) => {
      const failed = cell instanceof CellFailure
      // A column that is not stored is computed here first.
      if (failed && onError === 'abort') throw failureOf(table, name, i, cell)
      setOwn(rows[i]!, name, failed ? null : cell)
    })
  }
  return rows
}
