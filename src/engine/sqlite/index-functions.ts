import { definitionFromJson } from '../../catalog/serialize.js'
import type { ScalarFunction } from '../../expr/function.js'
import type { StoredDefinition } from '../engine.js'
import { registerBridges } from './bridge.js'
import { compileIndexKey } from './compile/index.js'
import type { Connection } from './connection.js'
import { quote } from './fragment.js'

/** Raise it when an operator gives another result than before: indexes have the results of old. */
const revision = 1
/** What has a say in the results of operators: this library, and the tables of Unicode in Node. */
const functionsVersion = Math.round(Number(process.versions.unicode) * 10) * 1000 + revision

/** The version of the catalog whose indexes a connection can write. */
const known = new WeakMap<Connection, number>()

/**
 * Makes the functions that indexes are over known to a connection, before it writes. SQLite calls them whenever it writes
 * to such a table, in statements that do not name them. Where other functions made the indexes, they are made again:
 * SQLite would look for their entries in vain.
 * @param settled whether what the catalog is now was committed
 */
export function registerIndexFunctions(connection: Connection, settled: boolean): void {
  const meta = (key: string) =>
    connection.prepare('SELECT value FROM pxt_meta WHERE key = ?').pluck().get(key) as number | undefined
  const version = meta('catalog_version')!
  if (known.get(connection) === version) return
  const indexes = functionIndexes(connection)
  for (const { sql } of indexes) registerBridges(connection.db, sql)
  if (meta('functions') === functionsVersion) {
    if (settled) known.set(connection, version)
    return
  }
  for (const { name } of indexes) connection.db.exec(`REINDEX ${quote(name)}`)
  connection
    .prepare(`INSERT INTO pxt_meta VALUES ('functions', ?) ON CONFLICT DO UPDATE SET value = excluded.value`)
    .run(functionsVersion)
}

/** The indexes over calls of functions, with their expressions. */
function functionIndexes(connection: Connection): { readonly name: string; readonly sql: string }[] {
  const tables = connection
    .prepare(
      `SELECT id, name, schema_version AS schemaVersion, definition FROM pxt_tables WHERE name IN (
         SELECT tbl_name FROM sqlite_schema WHERE type = 'index' AND instr(sql, 'pxt_') > 0
       )`,
    )
    .all() as StoredDefinition[]
  return tables.flatMap((row) => {
    const table = definitionFromJson(row, noCode)
    return table.keys.flatMap(({ name, parts, unique }) => {
      const expressions = parts.flatMap((part) =>
        typeof part === 'string' ? [] : compileIndexKey(table, part, unique),
      )
      return expressions.length === 0 ? [] : [{ name: `${table.name}@${name}`, sql: expressions.join(', ') }]
    })
  })
}

/** Functions of the user's are in no index. */
const noCode = { function: (identity: object) => identity as ScalarFunction }
