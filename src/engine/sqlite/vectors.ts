import type { IndexDefinition, TableDefinition } from '../../catalog/definition.js'
import { decodeStored } from '../../types/vector-precision.js'
import type { Select, StoredVectors, VectorChanges, VectorReader } from '../engine.js'
import { toBinding } from './binding.js'
import { lastVersion } from './commit.js'
import { compileSelect } from './compile/index.js'
import type { Connection } from './connection.js'
import { quote } from './fragment.js'
import { historyTable, keepsVectors, vectorsTable } from './names.js'
import type { Transactions } from './transactions.js'

/** Reads vectors for those who hold them in memory. */
export class SqliteVectors implements VectorReader {
  readonly #connection: Connection
  readonly #transactions: Transactions

  constructor(connection: Connection, transactions: Transactions) {
    this.#connection = connection
    this.#transactions = transactions
  }

  state(): string | undefined {
    if (this.#transactions.open) return undefined
    return `${this.#transactions.ended}:${this.#connection.prepare('PRAGMA data_version').pluck().get()}`
  }

  /** The states before and after the transaction that is open. */
  around(): { before: string; after: string } {
    const state = (ended: number) => `${ended}:${this.#connection.prepare('PRAGMA data_version').pluck().get()}`
    const { ended } = this.#transactions
    return { before: state(ended), after: state(ended + 1) }
  }

  version(table: TableDefinition): number {
    return lastVersion(this.#connection, table)
  }

  page(table: TableDefinition, index: IndexDefinition, after: number, limit: number): StoredVectors {
    return vectorPage(this.#connection, table, index, after, limit)
  }

  rows(table: TableDefinition, index: IndexDefinition, rowids: readonly number[]): StoredVectors {
    return vectorsOfRows(this.#connection, table, index, rowids)
  }

  changes(table: TableDefinition, index: IndexDefinition, since: number): VectorChanges | undefined {
    return vectorChanges(this.#connection, table, index, since)
  }

  last(table: TableDefinition, index: IndexDefinition): number {
    const { name } = placeOf(table, index)
    return this.#connection.prepare(`SELECT coalesce(max(_rowid), 0) FROM ${name}`).pluck().get() as number
  }

  keyOf(select: Select): string {
    const { sql, params } = compileSelect(select)
    return JSON.stringify([sql, params], (_, value) =>
      value instanceof Uint8Array
        ? Buffer.from(value).toString('base64')
        : typeof value === 'bigint'
          ? `${value}n`
          : value,
    )
  }

  matching(select: Select): number[] {
    const { sql, params } = compileSelect(select)
    return this.#connection
      .prepare(sql)
      .pluck()
      .all(...params.map(toBinding)) as number[]
  }
}

function vectorPage(
  connection: Connection,
  table: TableDefinition,
  index: IndexDefinition,
  after: number,
  limit: number,
): StoredVectors {
  const { name, column } = placeOf(table, index)
  const sql = `SELECT _rowid, ${column} FROM ${name} WHERE _rowid > ? AND ${column} IS NOT NULL ORDER BY _rowid LIMIT ?`
  return stored(index, connection.prepare(sql).raw().all(after, limit))
}

/** In the order of the ids. Those that have none are left out. */
function vectorsOfRows(
  connection: Connection,
  table: TableDefinition,
  index: IndexDefinition,
  rowids: readonly number[],
): StoredVectors {
  const { name, column } = placeOf(table, index)
  // CROSS JOIN, so that the ids are what is gone through.
  const sql = `SELECT _rowid, ${column} FROM json_each(?) AS ids CROSS JOIN ${name} ON _rowid = ids.value WHERE ${column} IS NOT NULL`
  return stored(index, connection.prepare(sql).raw().all(JSON.stringify(rowids)))
}

function vectorChanges(
  connection: Connection,
  table: TableDefinition,
  index: IndexDefinition,
  since: number,
): VectorChanges | undefined {
  const first = connection.prepare(`SELECT value FROM pxt_meta WHERE key = 'first_version'`).pluck().get() as number
  if (since < first || isFilled(connection, table, index, since)) return undefined
  const { name, history, column } = placeOf(table, index)
  const set = stored(
    index,
    connection
      .prepare(`SELECT _rowid, ${column} FROM ${name} WHERE _version > ? AND ${column} IS NOT NULL`)
      .raw()
      .all(since),
  )
  const gone = connection
    .prepare(
      `SELECT DISTINCT _rowid FROM ${history} WHERE _until > ? AND _rowid NOT IN (SELECT _rowid FROM ${name} WHERE ${column} IS NOT NULL)`,
    )
    .pluck()
    .all(since) as number[]
  return { set, gone }
}

/** Whether the column of an index was filled since a version: that does not make rows younger. */
function isFilled(connection: Connection, table: TableDefinition, index: IndexDefinition, since: number): boolean {
  const column = keepsVectors(index) ? undefined : table.columns.find(({ name }) => name === index.column)
  return (
    column?.computed !== undefined &&
    connection
      .prepare('SELECT 1 FROM pxt_pending WHERE table_id = ? AND what = ? AND _until > ?')
      .get(table.id, column.id, since) !== undefined
  )
}

/** Where an index has its vectors: in a table of its own, or in a column of its table. */
function placeOf(
  table: TableDefinition,
  index: IndexDefinition,
): { readonly name: string; readonly history: string; readonly column: string } {
  const name = keepsVectors(index) ? vectorsTable(table.name, index.name) : table.name
  const column = keepsVectors(index) ? 'vector' : quote(index.column)
  return { name: quote(name), history: quote(historyTable(name)), column }
}

/** Vectors as float32, however they are stored. */
function stored({ precision, dimensions }: IndexDefinition, rows: readonly unknown[]): StoredVectors {
  const vectors = rows.map((row) => (row as [number, Uint8Array])[1])
  return {
    rowids: rows.map((row) => (row as [number, Uint8Array])[0]),
    vectors: precision
      ? vectors.map((vector) => new Uint8Array(decodeStored(vector, precision, dimensions).buffer))
      : vectors,
  }
}
