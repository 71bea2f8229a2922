import type { Catalog } from '../catalog/catalog.js'
import { kindOf, type TableDefinition } from '../catalog/definition.js'
import type { OutputColumn, SchemaChange } from '../engine/engine.js'
import { QueryError } from '../errors.js'
import { columnNode, type Node } from '../expr/node.js'
import { type QueryNode, tableQuery } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import type { Change, FailedCell, OnError } from './change.js'

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

/** The table or view that a statement is about. */
export interface Target {
  readonly id: number
  readonly name: string
}

/** The row ids, some columns and some expressions over the rows that a statement is about. */
export function rowQuery(
  table: TableDefinition,
  where: readonly Node[],
  columns: readonly string[],
  computed: readonly OutputColumn[] = [],
): QueryNode {
  return tableQuery(table, {
    where,
    select: [
      { name: '_rowid', value: { kind: 'rowid', table: table.id } },
      ...columns.map((name) => ({ name, value: columnNode(table.id, name) })),
      ...computed,
    ],
  })
}

/** The table of a statement that writes. */
export function writable(catalog: Catalog, { id, name }: Target, verb: string): TableDefinition {
  const table = catalog.byId(id, name)
  if (table.view) {
    const base = catalog.lineOf(table).at(-1)!
    throw new QueryError(
      `cannot ${verb} the ${kindOf(table)} '${table.name}': its rows come from '${base.name}'; change that`,
    )
  }
  return table
}

/** Commits a change and says what it did. */
export async function finish(
  session: Session,
  change: Change,
  counts: Partial<Pick<ChangeResult, 'inserted' | 'updated' | 'deleted'>>,
  schema: readonly SchemaChange[] = [],
): Promise<ChangeResult> {
  const { version, firstRow } = await session.commit(change.toCommit(schema))
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
