import type { ColumnDefinition, TableDefinition } from '../../catalog/definition.js'
import type { FunctionIdentity } from '../../expr/function.js'
import type { CellRecord, CodeUse } from '../engine.js'
import type { Connection } from './connection.js'
import { quote } from './fragment.js'
import { errorsTable, historyTable } from './names.js'

/** How a stored cell came to be what it was at a version. A value that a revert brought back is as old as it was. */
export function cellRecord(
  connection: Connection,
  table: TableDefinition,
  column: ColumnDefinition,
  rowid: number,
  asOf: number,
): CellRecord | undefined {
  const written = writtenIn(connection, table, column, rowid, asOf)
  if (written === undefined) return undefined
  const undone = connection
    .prepare('SELECT reverts FROM pxt_versions WHERE table_id = ? AND version = ? AND reverts IS NOT NULL')
    .pluck()
    .get(table.id, written) as number | undefined
  if (undone !== undefined) {
    const before = cellRecord(connection, table, column, rowid, undone - 1)
    if (before) return before
  }
  const filled = Math.max(addedIn(connection, table, column), completedIn(connection, table, column, rowid, asOf))
  const error = errorOf(connection, table, column, rowid, asOf)
  return { version: Math.min(asOf, Math.max(written, filled)), filled, ...(error ? { error } : {}) }
}

/** The version since which a cell has the value that it has at a version. */
function writtenIn(
  connection: Connection,
  table: TableDefinition,
  column: ColumnDefinition,
  rowid: number,
  asOf: number,
): number | undefined {
  const name = table.storedAs ?? table.name
  const states = [name, historyTable(name)].map(
    (of) =>
      `SELECT _version AS version, ${quote(column.storedAs ?? column.name)} AS value FROM ${quote(of)} WHERE _rowid = $rowid AND _version <= $asOf`,
  )
  const version = connection
    .prepare(
      `WITH states AS (${states.join(' UNION ALL ')}), last AS (SELECT value FROM states ORDER BY version DESC LIMIT 1)
       SELECT min(version) FROM states WHERE version > (
         SELECT coalesce(max(states.version), 0) FROM states, last WHERE states.value IS NOT last.value
       )`,
    )
    .pluck()
    .get({ rowid, asOf }) as number | null
  return version ?? undefined
}

/** The version in which a column was added; the first that is known. */
function addedIn(connection: Connection, table: TableDefinition, column: ColumnDefinition): number {
  return connection
    .prepare(
      `SELECT coalesce(min(version), 0) FROM pxt_definitions WHERE table_id = ?
       AND EXISTS (SELECT 1 FROM json_each(definition, '$.columns') AS c WHERE c.value ->> '$.id' = ?)`,
    )
    .pluck()
    .get(table.id, column.id) as number
}

/** The version in which what was pending of a cell was computed; 0 for what never was. */
function completedIn(
  connection: Connection,
  table: TableDefinition,
  column: ColumnDefinition,
  rowid: number,
  asOf: number,
): number {
  return connection
    .prepare(
      'SELECT coalesce(max(_until), 0) FROM pxt_pending WHERE table_id = ? AND what IN (0, ?) AND first <= ? AND last >= ? AND _until <= ?',
    )
    .pluck()
    .get(table.id, column.id, rowid, rowid, asOf) as number
}

function errorOf(
  connection: Connection,
  table: TableDefinition,
  column: ColumnDefinition,
  rowid: number,
  asOf: number,
): CellRecord['error'] {
  const name = quote(errorsTable(table.storedAs ?? table.name))
  const found = connection
    .prepare(
      `SELECT type, message, function, attempts FROM ${name} WHERE _rowid = ? AND "column" = ? AND _version <= ? AND (_until IS NULL OR _until > ?)`,
    )
    .get(rowid, column.storedAs ?? column.name, asOf, asOf) as
    | { type: string; message: string; function: string | null; attempts: number }
    | undefined
  if (!found) return undefined
  const { function: fn, ...error } = found
  return { ...error, ...(fn === null ? {} : { function: fn }) }
}

/** Notes which code made something of a table in a version, where it is other code than before. */
export function recordCode(connection: Connection, version: number, { table, what, code }: CodeUse): void {
  const key = 'table_id = $table AND what = $what AND function = $name'
  connection
    .prepare(
      `INSERT OR REPLACE INTO pxt_code SELECT $table, $what, $name, $version, $code
       WHERE $code IS NOT (SELECT code FROM pxt_code WHERE ${key} AND version <= $version ORDER BY version DESC LIMIT 1)`,
    )
    .run({ table, what, name: code.name, version, code: code.version })
}

/** The code that made something of a table in a version. */
export function codeAt(connection: Connection, table: number, what: number, version: number): FunctionIdentity[] {
  return connection
    .prepare(
      // A bare column beside max() has the value of the row that has the maximum.
      'SELECT function AS name, code AS version FROM (SELECT function, code, max(version) FROM pxt_code WHERE table_id = ? AND what = ? AND version <= ? GROUP BY function) ORDER BY name',
    )
    .all(table, what, version) as FunctionIdentity[]
}
