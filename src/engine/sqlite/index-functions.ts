import { definitionFromJson } from '../../catalog/serialize.js'
import type { ScalarFunction } from '../../expr/function.js'
import type { StoredDefinition } from '../engine.js'
import { registerBridges } from './bridge.js'
import { compileIndexKey } from './compile/index.js'
import type { Connection } from './connection.js'

/** The version of the catalog whose indexes a connection can write. */
const known = new WeakMap<Connection, number>()

/**
 * Makes the functions that indexes are over known to a connection. SQLite calls them whenever it writes to such a table,
 * in statements that do not name them.
 */
export function registerIndexFunctions(connection: Connection): void {
  const version = connection.prepare(`SELECT value FROM pxt_meta WHERE key = 'catalog_version'`).pluck().get() as number
  if (known.get(connection) === version) return
  const tables = connection
    .prepare(
      `SELECT id, name, schema_version AS schemaVersion, definition FROM pxt_tables AS t WHERE EXISTS (
         SELECT 1 FROM sqlite_schema AS s WHERE s.type = 'index' AND s.tbl_name = t.name AND instr(s.sql, 'pxt_') > 0
       )`,
    )
    .all() as StoredDefinition[]
  for (const row of tables) {
    const table = definitionFromJson(row, noCode)
    for (const { parts, unique } of table.keys) {
      for (const part of parts) {
        if (typeof part === 'string') continue
        for (const sql of compileIndexKey(table, part, unique)) registerBridges(connection.db, sql)
      }
    }
  }
  known.set(connection, version)
}

/** Functions of the user's are in no index. */
const noCode = { function: (identity: object) => identity as ScalarFunction }
