import type { TableDefinition } from '../../catalog/definition.js'
import { EngineError, MediaError } from '../../errors.js'
import type { ColumnType, DecodeContext, Stored } from '../../types/column-type.js'
import type { ByteRange } from '../../types/media.js'
import type { Capabilities, Commit, CommitResult, CompiledQuery, Engine, Select, StoredCatalog } from '../engine.js'
import { applyCommit, lastVersion } from './commit.js'
import { compileCount, compileSelect } from './compile.js'
import { Connection, type ConnectionOptions, engineError } from './connection.js'

/**
 * The SQLite engine: better-sqlite3 with sqlite-vec.
 * @throws EngineError when the file is no database, damaged, another program's, or of a newer format
 * @throws NotFoundError when the directory (or, read-only, the file) does not exist
 */
export async function openSqlite(path: string, options?: ConnectionOptions): Promise<Engine> {
  return new SqliteEngine(await Connection.open(path, options), options?.readonly ?? false)
}

class SqliteEngine implements Engine {
  readonly capabilities: Capabilities = { vectorDistance: true, fullText: true, concurrentWriters: false }
  readonly readonly: boolean
  readonly #connection: Connection

  constructor(connection: Connection, readonly: boolean) {
    this.#connection = connection
    this.readonly = readonly
  }

  async catalogVersion(): Promise<number> {
    return this.#get(`SELECT value FROM pxt_meta WHERE key = 'catalog_version'`)
  }

  async loadCatalog(): Promise<StoredCatalog> {
    const { db } = this.#connection
    // One transaction, so that version and tables belong together.
    return db.transaction(() => ({
      version: this.#get(`SELECT value FROM pxt_meta WHERE key = 'catalog_version'`),
      nextTableId: this.#get(`SELECT value FROM pxt_meta WHERE key = 'next_table_id'`),
      directories: db.prepare('SELECT name FROM pxt_directories ORDER BY name').pluck().all() as string[],
      tables: db
        .prepare('SELECT id, name, schema_version AS schemaVersion, definition FROM pxt_tables ORDER BY id')
        .all() as StoredCatalog['tables'][number][],
    }))()
  }

  async tableVersion(table: TableDefinition): Promise<number> {
    return lastVersion(this.#connection, table)
  }

  compile(select: Select): CompiledQuery {
    const { sql, params } = compileSelect(select)
    return { sql, params }
  }

  async select(select: Select, context: DecodeContext): Promise<unknown[][]> {
    const { sql, params, types } = compileSelect(select)
    const wide = types.some((type) => type.wide)
    const rows = this.#read(sql, params, wide) as Stored[][]
    for (const row of rows) decodeRow(row, types, context)
    return rows
  }

  async count(select: Select): Promise<number> {
    const { sql, params } = compileCount(select)
    const rows = this.#read(sql, params, false) as number[][]
    return rows[0]![0]!
  }

  async explain(select: Select): Promise<string[]> {
    const { sql, params } = compileSelect(select)
    const rows = this.#read(`EXPLAIN QUERY PLAN ${sql}`, params, false) as [number, number, number, string][]
    return rows.map(([, , , detail]) => detail)
  }

  async commit(commit: Commit): Promise<CommitResult> {
    if (this.readonly) throw new EngineError(`cannot ${commit.operation}: the database was opened read-only`)
    try {
      return await this.#connection.retry(() => applyCommit(this.#connection, commit))
    } catch (cause) {
      throw engineError(cause, `cannot ${commit.operation}`)
    }
  }

  async *readFile(sha256: string, range: ByteRange = {}): AsyncIterable<Uint8Array> {
    const size = this.#connection.prepare('SELECT size FROM pxt_files WHERE sha256 = ?').pluck().get(sha256)
    if (size === undefined) throw new MediaError(`the database has no file with SHA-256 ${sha256}`)
    const start = range.start ?? 0
    const end = Math.min(range.end ?? (size as number), size as number)
    const chunk = this.#connection.prepare(
      'SELECT bytes FROM pxt_file_chunks WHERE sha256 = ? AND position <= ? ORDER BY position DESC LIMIT 1',
    )
    const first = this.#connection.prepare(
      'SELECT position FROM pxt_file_chunks WHERE sha256 = ? AND position <= ? ORDER BY position DESC LIMIT 1',
    )
    for (let at = start; at < end; ) {
      const position = Number(first.pluck().get(sha256, at))
      const bytes = chunk.pluck().get(sha256, at) as Uint8Array
      const part = new Uint8Array(bytes.subarray(at - position, end - position))
      yield part
      at += part.length
    }
  }

  close(): void {
    this.#connection.close()
  }

  #get(sql: string): number {
    return this.#connection.prepare(sql).pluck().get() as number
  }

  #read(sql: string, params: readonly Stored[], wide: boolean): unknown[][] {
    try {
      const statement = this.#connection.prepare(sql).raw(true)
      return statement.safeIntegers(wide).all(...params.map(toBinding)) as unknown[][]
    } catch (cause) {
      throw engineError(cause, 'cannot run the query')
    }
  }
}

/** better-sqlite3 binds every number as a float; `x || 5` would be 'x5.0'. */
const toBinding = (value: Stored): Stored => (Number.isSafeInteger(value) ? BigInt(value as number) : value)

function decodeRow(row: unknown[], types: readonly ColumnType[], context: DecodeContext): void {
  for (let i = 0; i < row.length; i++) {
    const stored = row[i] as Stored
    row[i] = stored === null ? null : types[i]!.decode(stored, context)
  }
}
