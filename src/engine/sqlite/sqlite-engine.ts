import type { ColumnDefinition, TableDefinition, TextIndexDefinition } from '../../catalog/definition.js'
import { EngineError, MediaError } from '../../errors.js'
import type { FunctionIdentity } from '../../expr/function.js'
import type { ColumnType, DecodeContext, Stored } from '../../types/column-type.js'
import type { ByteRange } from '../../types/media.js'
import type {
  Capabilities,
  CellRecord,
  Commit,
  CommitResult,
  CompiledQuery,
  Engine,
  GivenRows,
  HeldRows,
  KeptResult,
  PendingRange,
  ReadArgument,
  RowChange,
  Select,
  StoredCatalog,
  StoredCellError,
  StoredDefinition,
  VacuumResult,
  VersionRecord,
} from '../engine.js'
import { registerAggregate } from './aggregates.js'
import { toBinding } from './binding.js'
import { cellRecord, codeAt } from './cell-records.js'
import { commitSteps, lastVersion, nextRowid } from './commit.js'
import { CommonWords } from './common-words.js'
import { compileCount, compileSelect, heldOrder } from './compile/index.js'
import { Connection, type ConnectionOptions, engineError } from './connection.js'
import { createText } from './ddl.js'
import { quote } from './fragment.js'
import { changesSql, countRowsSql, termsOf } from './history.js'
import { indexBytes } from './index-bytes.js'
import { errorsTable } from './names.js'
import { readStatement } from './read.js'
import { addResults, findResults } from './results.js'
import { insertTerms } from './text-indexes.js'
import { SqliteTexts } from './text-reader.js'
import { Transactions } from './transactions.js'
import { vacuum } from './vacuum.js'
import { SqliteVectors } from './vectors.js'

/**
 * The SQLite engine: better-sqlite3 with sqlite-vec.
 * @throws EngineError when the file is no database, damaged, another program's, or of a newer format
 * @throws NotFoundError when the directory (or, read-only, the file) does not exist
 */
export async function openSqlite(path: string, options?: ConnectionOptions): Promise<Engine> {
  return new SqliteEngine(await Connection.open(path, options), options?.readonly ?? false)
}

/** Results of calls that are kept in one transaction. */
const resultsAtOnce = 500

class SqliteEngine implements Engine {
  readonly capabilities: Capabilities = { vectorDistance: true, fullText: true, concurrentWriters: false }
  readonly readonly: boolean
  readonly #connection: Connection
  readonly #transactions: Transactions
  readonly vectors: SqliteVectors
  readonly texts: SqliteTexts
  readonly #commonWords: CommonWords
  #held = 0

  constructor(connection: Connection, readonly: boolean) {
    this.#connection = connection
    this.#transactions = new Transactions(connection)
    this.vectors = new SqliteVectors(connection, this.#transactions)
    this.texts = new SqliteTexts(connection)
    this.#commonWords = new CommonWords(connection)
    this.readonly = readonly
  }

  async catalogVersion(): Promise<number> {
    await this.#transactions.outside()
    return this.#meta('catalog_version')
  }

  async loadCatalog(): Promise<StoredCatalog> {
    await this.#transactions.outside()
    const { db } = this.#connection
    // One transaction, so that version and tables belong together.
    return db.transaction(() => ({
      version: this.#meta('catalog_version'),
      nextTableId: this.#meta('next_table_id'),
      directories: db.prepare('SELECT name FROM pxt_directories ORDER BY name').pluck().all() as string[],
      tables: db
        .prepare('SELECT id, name, schema_version AS schemaVersion, definition FROM pxt_tables ORDER BY id')
        .all() as StoredDefinition[],
      snapshots: db
        .prepare('SELECT name, definition FROM pxt_snapshots ORDER BY name')
        .all() as StoredCatalog['snapshots'][number][],
      past: {
        tablesAt: (version: number) =>
          this.#connection
            .prepare(
              // A bare column beside max() is that of the row with the maximum.
              'SELECT table_id AS id, name, schema_version AS schemaVersion, definition, max(version) FROM pxt_definitions WHERE version <= ? GROUP BY table_id',
            )
            .all(version) as StoredDefinition[],
        versionAt: (instant: Date) =>
          this.#connection
            .prepare('SELECT coalesce(max(version), 0) FROM pxt_versions WHERE at <= ?')
            .pluck()
            .get(instant.toISOString()) as number,
      },
      counts: {
        pending: () => this.#pending(),
        rows: (line: readonly TableDefinition[], within?: readonly PendingRange[]) => this.#rows(line, within),
        failed: (table: TableDefinition) => this.#failed(table),
      },
    }))()
  }

  async tableVersion(table: TableDefinition): Promise<number> {
    return lastVersion(this.#connection, table)
  }

  transaction<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.readonly) throw new EngineError(`cannot ${operation}: the database was opened read-only`)
    return this.#transactions.run(operation, work)
  }

  async versions(tableId: number, limit?: number): Promise<VersionRecord[]> {
    await this.#transactions.outside()
    const rows = this.#connection.db
      .prepare(
        'SELECT version, at, operation, inserted, updated, deleted, errors, reverts FROM pxt_versions WHERE table_id = ? ORDER BY version DESC LIMIT ?',
      )
      .all(tableId, limit ?? -1) as (Omit<VersionRecord, 'at' | 'reverts'> & { at: string; reverts: number | null })[]
    return rows.map(({ at, reverts, ...row }) => ({
      ...row,
      at: new Date(at),
      ...(reverts === null ? {} : { reverts }),
    }))
  }

  async tablesIn(version: number): Promise<number[]> {
    await this.#transactions.outside()
    return this.#connection
      .prepare('SELECT table_id FROM pxt_versions WHERE version = ?')
      .pluck()
      .all(version) as number[]
  }

  async versionRange(): Promise<{ first: number; last: number }> {
    await this.#transactions.outside()
    return { first: this.#meta('first_version'), last: this.#meta('version') }
  }

  async changes(line: readonly TableDefinition[], since: number, until: number): Promise<RowChange[]> {
    const { sql, params } = changesSql(line, since, until)
    const rows = (await this.#read(sql, params, false)) as [RowChange['kind'], number, number][]
    return rows.map(([kind, rowid, version]) => ({ kind, rowid, version }))
  }

  async errors(
    table: TableDefinition,
    columns?: readonly string[],
    rows?: readonly number[],
  ): Promise<StoredCellError[]> {
    await this.#transactions.outside()
    const among = (column: string, values: readonly unknown[] | undefined) =>
      values === undefined ? '' : ` AND ${column} IN (SELECT value FROM json_each(?))`
    const found = this.#connection
      .prepare(
        `SELECT _rowid AS row, "column", type, message, function, attempts FROM ${quote(errorsTable(table.name))} WHERE _until IS NULL${among('"column"', columns)}${among('_rowid', rows)} ORDER BY _rowid, "column"`,
      )
      .all(...[columns, rows].flatMap((values) => (values ? [JSON.stringify(values)] : []))) as (StoredCellError & {
      function: string | null
    })[]
    return found.map(({ function: fn, ...row }) => ({ ...row, ...(fn === null ? {} : { function: fn }) }))
  }

  async cellRecord(
    table: TableDefinition,
    column: ColumnDefinition,
    rowid: number,
    asOf?: number,
  ): Promise<CellRecord | undefined> {
    await this.#transactions.outside()
    return cellRecord(this.#connection, table, column, rowid, asOf ?? this.#meta('version'))
  }

  async codeAt(table: TableDefinition, what: number, version: number): Promise<FunctionIdentity[]> {
    await this.#transactions.outside()
    return codeAt(this.#connection, table.id, what, version)
  }

  async versionRecord(version: number): Promise<{ at: Date; operation: string } | undefined> {
    await this.#transactions.outside()
    const found = this.#connection
      .prepare('SELECT at, operation FROM pxt_versions WHERE version = ? LIMIT 1')
      .get(version) as { at: string; operation: string } | undefined
    return found && { ...found, at: new Date(found.at) }
  }

  async results(keys: readonly string[]): Promise<KeptResult[]> {
    await this.#transactions.outside()
    return findResults(this.#connection, keys)
  }

  async keepResults(results: readonly KeptResult[]): Promise<{ key: string; position: number }[] | undefined> {
    if (this.readonly) return undefined
    await this.#transactions.outside()
    // Inside a transaction they would be rolled back with it.
    if (this.#transactions.open) return undefined
    const { db, maxResultBytes } = this.#connection
    const places: { key: string; position: number }[] = []
    // Slice by slice, so that nobody waits for them.
    for (let start = 0; start < results.length; start += resultsAtOnce) {
      if (start > 0) await new Promise((resolve) => setImmediate(resolve))
      const slice = results.slice(start, start + resultsAtOnce)
      const add = db.transaction(() => addResults(this.#connection, slice, maxResultBytes))
      places.push(...(await this.#transactions.between(() => add.immediate())))
      this.#connection.afterCommit()
    }
    return places
  }

  async pending(): Promise<PendingRange[]> {
    await this.#transactions.outside()
    return this.#pending()
  }

  #pending(): PendingRange[] {
    // Columns have greater ids than those that they read, and views than their bases.
    return this.#connection
      .prepare(
        'SELECT table_id AS "table", what, first, last FROM pxt_pending WHERE _until IS NULL ORDER BY table_id, what, first',
      )
      .all() as PendingRange[]
  }

  #rows(line: readonly TableDefinition[], within: readonly PendingRange[] | undefined): number {
    const { sql, params } = countRowsSql(line, within)
    return this.#connection
      .prepare(sql)
      .pluck()
      .get(...params) as number
  }

  #failed(table: TableDefinition): ReadonlyMap<string, number> {
    const rows = this.#connection
      .prepare(
        `SELECT "column", count(*) FROM ${quote(errorsTable(table.name))} WHERE _until IS NULL GROUP BY "column"`,
      )
      .raw()
      .all() as [string, number][]
    return new Map(rows)
  }

  async nextRowid(table: TableDefinition): Promise<number> {
    return nextRowid(this.#connection, table) ?? 1
  }

  async indexBytes(table: TableDefinition): Promise<ReadonlyMap<number, number>> {
    await this.#transactions.outside()
    return indexBytes(this.#connection, table)
  }

  async vacuum(keepFrom: number): Promise<VacuumResult> {
    if (this.readonly) throw new EngineError('cannot vacuum: the database was opened read-only')
    try {
      return await this.#transactions.between(() => vacuum(this.#connection, keepFrom))
    } catch (cause) {
      throw engineError(cause, 'cannot vacuum')
    }
  }

  async read(parts: readonly string[], args: readonly ReadArgument[]): Promise<Record<string, Stored>[]> {
    await this.#transactions.outside()
    return readStatement(this.#connection, parts, args)
  }

  compile(select: Select): CompiledQuery {
    const { sql, params } = compileSelect(select)
    return { sql, params }
  }

  async select(select: Select, context: DecodeContext): Promise<unknown[][]> {
    if (this.#transactions.open) await this.#transactions.outside()
    const rare = this.#commonWords.without(select)
    if (rare) {
      const rows = await this.#select(rare, context)
      if (rows.length === select.limit) return rows
    }
    return this.#select(select, context)
  }

  async #select(select: Select, context: DecodeContext): Promise<unknown[][]> {
    const { sql, params, types, aggregates } = compileSelect(select)
    const wide = types.some((type) => type.wide)
    for (const aggregate of aggregates) registerAggregate(this.#connection.db, aggregate, context)
    const rows = (await this.#read(sql, params, wide)) as Stored[][]
    for (const row of rows) decodeRow(row, types, context)
    return rows
  }

  async count(select: Select, context: DecodeContext): Promise<number> {
    const { sql, params, aggregates } = compileCount(select)
    for (const aggregate of aggregates) registerAggregate(this.#connection.db, aggregate, context)
    const rows = (await this.#read(sql, params, false)) as number[][]
    return rows[0]![0]!
  }

  async explain(select: Select): Promise<string[]> {
    const { sql, params, aggregates } = compileSelect(select)
    for (const aggregate of aggregates) registerAggregate(this.#connection.db, aggregate, noMedia)
    await this.#transactions.outside()
    try {
      const statement = this.#connection.prepareOnce(`EXPLAIN QUERY PLAN ${sql}`)
      return (statement.all(...params.map(toBinding)) as { detail: string }[]).map(({ detail }) => detail)
    } catch (cause) {
      throw engineError(cause, 'cannot explain the query')
    }
  }

  async hold(rows: Select | GivenRows, context: DecodeContext): Promise<HeldRows> {
    await this.#transactions.outside()
    const { db } = this.#connection
    const name = `held_${++this.#held}`
    const compiled = 'from' in rows ? compileSelect(rows) : undefined
    const columns =
      'from' in rows
        ? rows.columns.map((column, i) => ({ name: column.name, type: compiled!.types[i]! }))
        : rows.columns
    // ANY keeps each value as it is. Temporary tables live outside of the file.
    const list = columns.map((column) => quote(column.name))
    db.exec(
      `CREATE TEMP TABLE ${quote(name)} (${[`${quote(heldOrder)} INTEGER PRIMARY KEY`, ...list.map((c) => `${c} ANY`)].join(', ')}) STRICT`,
    )
    const into = `INSERT INTO temp.${quote(name)} (${list.join(', ')})`
    try {
      if (compiled) {
        for (const aggregate of compiled.aggregates) registerAggregate(db, aggregate, context)
        db.prepare(`${into} ${compiled.sql}`).run(...compiled.params.map(toBinding))
      } else {
        const { count, values } = rows as GivenRows
        const insert = db.prepare(`${into} VALUES (${list.map(() => '?').join(', ')})`)
        const put = db.transaction(() => {
          for (let i = 0; i < count; i++) {
            insert.run(values.map((column, c) => encodeCell(columns[c]!.type, column[i])))
          }
        })
        put()
      }
    } catch (cause) {
      db.exec(`DROP TABLE temp.${quote(name)}`)
      throw engineError(cause, 'cannot run the query')
    }
    return { name, columns }
  }

  async holdTexts(line: readonly TableDefinition[], index: TextIndexDefinition, asOf: number): Promise<HeldRows> {
    await this.#transactions.outside()
    const name = `held_${++this.#held}`
    for (const statement of createText(quote(name), index, 'temp')) this.#connection.db.exec(statement)
    insertTerms(this.#connection, `temp.${quote(name)}`, index, termsOf(line, index, asOf))
    return { name, columns: [] }
  }

  async release({ name }: HeldRows): Promise<void> {
    if (this.#connection.db.open) this.#connection.db.exec(`DROP TABLE IF EXISTS temp.${quote(name)}`)
  }

  async commit(commit: Commit): Promise<CommitResult> {
    if (this.readonly) throw new EngineError(`cannot ${commit.operation}: the database was opened read-only`)
    try {
      let states: CommitResult['states']
      const result = await this.#transactions.steps(commit.operation, (open) => {
        if (!open) states = this.vectors.around()
        return commitSteps(this.#connection, commit, open)
      })
      return { ...result, states }
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

  #meta(key: string): number {
    return this.#connection.prepare('SELECT value FROM pxt_meta WHERE key = ?').pluck().get(key) as number
  }

  async #read(sql: string, params: readonly Stored[], wide: boolean): Promise<unknown[][]> {
    if (this.#transactions.open) await this.#transactions.outside()
    try {
      const statement = this.#connection.prepare(sql).raw(true)
      return statement.safeIntegers(wide).all(...params.map(toBinding)) as unknown[][]
    } catch (cause) {
      throw engineError(cause, 'cannot run the query')
    }
  }
}

const encodeCell = (type: ColumnType<any>, value: unknown): Stored =>
  value === null || value === undefined ? null : toBinding(type.encode(value))

/** For statements that are prepared and not run. */
const noMedia: DecodeContext = {
  openMedia: () => {
    throw new EngineError('no file can be opened here')
  },
}

function decodeRow(row: unknown[], types: readonly ColumnType[], context: DecodeContext): void {
  for (let i = 0; i < row.length; i++) {
    const stored = row[i] as Stored
    row[i] = stored === null ? null : types[i]!.decode(stored, context)
  }
}
