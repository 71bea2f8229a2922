import type { Catalog } from '../catalog/catalog.js'
import { kindOf, type TableDefinition } from '../catalog/definition.js'
import { QueryError, ValidationError } from '../errors.js'
import { isExpression } from '../expr/expression.js'
import type { Node } from '../expr/node.js'
import { CellFailure, evaluate } from '../plan/evaluate.js'
import { collect } from '../plan/execute.js'
import type { Session } from '../plan/session.js'
import { describeValue } from '../types/column-type.js'
import { Change, type FailedCell, type OnError, sameValue } from './change.js'
import { cellError, parseCell, parseRows } from './parse.js'
import { RowBatch } from './row-batch.js'

/** What a statement did. */
export interface ChangeResult {
  /** Rows inserted into the table itself. */
  readonly inserted: number
  /** Rows of the table that the statement's condition matched and changed. */
  readonly updated: number
  /** Rows deleted from the table itself. */
  readonly deleted: number
  /** Cells that could not be computed, in the table and everything that derives from it. */
  readonly errors: number
  /** The version that the statement made; the current one when it changed nothing. */
  readonly version: number
  /** The failed cells. */
  readonly errorCells: readonly ErrorCell[]
}

/** A cell that could not be computed. */
export interface ErrorCell {
  /** The table or view. */
  readonly table: string
  readonly rowid: number
  /** The column; or the index or view that could not be made from the row. */
  readonly column: string
  /** Class of the error. */
  readonly type: string
  readonly message: string
}

/** Options of a statement that changes rows. */
export interface StatementOptions {
  /**
   * `'abort'`: the first cell that cannot be computed ends the statement, and nothing is written. `'ignore'`: such a
   * cell is null, and its error is kept with it.
   * @default 'abort'
   */
  readonly onError?: OnError
  /** Stops the statement; nothing of the batch in progress is written. */
  readonly signal?: AbortSignal
}

/** Options of an insert. */
export interface InsertOptions extends StatementOptions {
  /**
   * Rows in one commit when the source is an iterable; at least 1. An array is one commit whatever its length.
   * @default 1000
   */
  readonly batchSize?: number
  /** Called after each commit with the rows inserted so far. */
  readonly onProgress?: (progress: { readonly inserted: number }) => void
}

const defaultBatchSize = 1000

/** Inserts rows: one object, an array (one commit) or an iterable (a commit a batch, read no faster than written). */
export async function insertRows(
  session: Session,
  table: { readonly id: number; readonly name: string },
  source: unknown,
  options: InsertOptions = {},
): Promise<ChangeResult> {
  const size = options.batchSize ?? defaultBatchSize
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new ValidationError(`batchSize: expected a whole number of at least 1, got ${describeValue(size)}`)
  }
  if (Array.isArray(source)) return insertBatch(session, table, source, options, 0)
  if (typeof source !== 'object' || source === null) {
    throw new ValidationError(`insert(): expected a row, an array or an iterable of rows, got ${describeValue(source)}`)
  }
  if (!(Symbol.iterator in source) && !(Symbol.asyncIterator in source)) {
    return insertBatch(session, table, [source], options, 0)
  }
  let total: ChangeResult | undefined
  for await (const batch of inBatches(source as AsyncIterable<unknown>, size)) {
    const result = await insertBatch(session, table, batch, options, total?.inserted ?? 0)
    total = total ? addResults(total, result) : result
  }
  return total ?? insertBatch(session, table, [], options, 0)
}

async function* inBatches(source: AsyncIterable<unknown>, size: number): AsyncGenerator<unknown[]> {
  let batch: unknown[] = []
  for await (const row of source) {
    batch.push(row)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function insertBatch(
  session: Session,
  target: { readonly id: number; readonly name: string },
  rows: readonly unknown[],
  options: InsertOptions,
  before: number,
): Promise<ChangeResult> {
  return session.attempt(async (catalog) => {
    const table = writable(catalog, target, 'insert into')
    const { signal } = options
    const change = new Change(session, catalog, { operation: 'insert', onError: options.onError ?? 'abort', signal })
    const values = await parseRows(table, rows, session, change, signal)
    await change.insert(new RowBatch(table, change.newKeys(table, rows.length), values))
    const result = await finish(session, change, { inserted: rows.length })
    options.onProgress?.({ inserted: before + rows.length })
    return result
  })
}

/** Deletes the rows for which a predicate is true; all of them without one. */
export function deleteRows(
  session: Session,
  target: { readonly id: number; readonly name: string },
  where: readonly Node[],
  options: StatementOptions,
): Promise<ChangeResult> {
  return session.attempt(async (catalog) => {
    const table = writable(catalog, target, 'delete from')
    const { signal } = options
    const rows = await collect(session, rowQuery(table, where, []), {}, { signal })
    const change = new Change(session, catalog, { operation: 'delete', onError: options.onError ?? 'abort', signal })
    await change.delete(
      table,
      rows.map((row) => row._rowid as number),
    )
    return finish(session, change, { deleted: rows.length })
  })
}

/** Updates the rows for which a predicate is true; all of them without one. Expressions see the old values. */
export function updateRows(
  session: Session,
  target: { readonly id: number; readonly name: string },
  values: Readonly<Record<string, unknown>>,
  where: readonly Node[],
  options: StatementOptions,
): Promise<ChangeResult> {
  return session.attempt(async (catalog) => {
    const table = writable(catalog, target, 'update')
    const { signal } = options
    const columns = Object.keys(values).map((name) => updatable(table, name))
    const names = table.columns.map((column) => column.name)
    const rows = await collect(session, rowQuery(table, where, [...names, '_version']), {}, { signal })
    const change = new Change(session, catalog, { operation: 'update', onError: options.onError ?? 'abort', signal })
    const before = new RowBatch(
      table,
      rows.map((row) => row._rowid as number),
      names.map((name) => [name, rows.map((row) => row[name])] as const),
    )
    const after = new Map<string, readonly unknown[]>()
    for (const column of columns) {
      const given = values[column.name]
      const cells = isExpression(given)
        ? await evaluate(given.node, before, { signal, failFast: true })
        : new Array(rows.length).fill(given)
      const parsed: unknown[] = []
      for (let i = 0; i < cells.length; i++) {
        // A literal is the same for every row, and a file need not be fetched again.
        if (i > 0 && !isExpression(given)) parsed.push(parsed[0])
        else parsed.push(await parseUpdate(table, column, cells[i], i, session, change, signal))
      }
      after.set(column.name, parsed)
    }
    const changedColumns = columns.filter(({ name, type }) => {
      const old = before.column(name)
      return after.get(name)!.some((cell, i) => !sameValue(type, old[i], cell))
    })
    const at = rows.flatMap((_, i) =>
      changedColumns.some(({ name, type }) => !sameValue(type, before.column(name)[i], after.get(name)![i])) ? [i] : [],
    )
    for (const { name } of changedColumns) before.set(name, after.get(name)!)
    const own = { columns: changedColumns.map((c) => c.name), versions: at.map((i) => rows[i]!._version as number) }
    await change.update(before.pick(at), new Set(own.columns), own)
    return finish(session, change, { updated: rows.length })
  })
}

async function parseUpdate(
  table: TableDefinition,
  column: TableDefinition['columns'][number],
  value: unknown,
  row: number,
  session: Session,
  change: Change,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (value instanceof CellFailure) throw value.error
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

/** The row ids and some columns of the rows that a statement is about. */
function rowQuery(table: TableDefinition, where: readonly Node[], columns: readonly string[]) {
  return {
    table: table.id,
    tableName: table.name,
    where,
    orderBy: [],
    select: [
      { name: '_rowid', value: { kind: 'rowid', table: table.id } as const },
      ...columns.map((name) => ({ name, value: { kind: 'column', table: table.id, name } as const })),
    ],
  }
}

/** The table of a statement that writes. */
function writable(catalog: Catalog, { id, name }: { id: number; name: string }, verb: string): TableDefinition {
  const table = catalog.byId(id, name)
  if (table.view) {
    const base = catalog.lineOf(table).at(-1)!
    throw new QueryError(
      `cannot ${verb} the ${kindOf(table)} '${table.name}': its rows come from '${base.name}'; change that`,
    )
  }
  return table
}

function updatable(table: TableDefinition, name: string): TableDefinition['columns'][number] {
  const column = table.columns.find((c) => c.name === name)
  if (!column) {
    throw new ValidationError(
      `'${table.name}' has no column '${name}'. It has: ${table.columns.map((c) => c.name).join(', ')}; nothing was written`,
      { column: name },
    )
  }
  if (column.computed) {
    throw new ValidationError(
      `column '${name}' of '${table.name}' is computed and cannot be set; nothing was written`,
      {
        column: name,
      },
    )
  }
  return column
}

async function finish(
  session: Session,
  change: Change,
  counts: Partial<Pick<ChangeResult, 'inserted' | 'updated' | 'deleted'>>,
): Promise<ChangeResult> {
  const { version, firstRow } = await session.commit(change.toCommit())
  return {
    inserted: 0,
    updated: 0,
    deleted: 0,
    ...counts,
    errors: change.failures.length,
    version,
    errorCells: change.failures.map((cell) => toErrorCell(cell, firstRow)),
  }
}

function toErrorCell(
  { table, row, column, type, message }: FailedCell,
  firstRow: ReadonlyMap<number, number>,
): ErrorCell {
  const rowid = row > 0 ? row : firstRow.get(table.id)! - row - 1
  return { table: table.name, rowid, column, type, message }
}

function addResults(a: ChangeResult, b: ChangeResult): ChangeResult {
  return {
    inserted: a.inserted + b.inserted,
    updated: a.updated + b.updated,
    deleted: a.deleted + b.deleted,
    errors: a.errors + b.errors,
    version: b.version,
    errorCells: [...a.errorCells, ...b.errorCells],
  }
}
