import { columnsOfKey, type KeyDefinition, type TableDefinition } from '../../catalog/definition.js'
import { definitionToJson } from '../../catalog/serialize.js'
import { ConflictError, ExistsError, ValidationError } from '../../errors.js'
import { printNode } from '../../expr/print.js'
import type { Stored } from '../../types/column-type.js'
import { encodeVector } from '../../types/vector-precision.js'
import {
  CannotFill,
  type Commit,
  type CommitResult,
  type PendingRange,
  type RowKey,
  type RowUpdates,
  type SchemaChange,
  type TableWrite,
} from '../engine.js'
import { toBinding } from './binding.js'
import { recordCode } from './cell-records.js'
import { compileFill } from './compile/index.js'
import type { Connection } from './connection.js'
import * as ddl from './ddl.js'
import { quote } from './fragment.js'
import { registerIndexFunctions } from './index-functions.js'
import { belongsTo, errorsTable, historyTable, keepsVectors, vectorsTable } from './names.js'
import { writeResults } from './results.js'
import { TextIndexes } from './text-indexes.js'

/**
 * The steps of a commit, each of them short. They run in one transaction.
 * @param open the version of the transaction that the commit is a part of
 */
export function commitSteps(
  connection: Connection,
  commit: Commit,
  open: OpenVersion | undefined,
): Generator<void, CommitResult> {
  return new Transaction(connection, open).apply(commit)
}

/** Rows that one step writes. */
const rowsPerStep = 256
/** Rows that one statement moves or deletes. */
const idsPerStatement = 5000

/** The version that a transaction of several statements makes. */
export interface OpenVersion {
  readonly version: number
  readonly operation: string
}

/** The last version that changed a table. */
export function lastVersion(connection: Connection, table: TableDefinition): number {
  const statement = connection.prepare('SELECT coalesce(max(version), 0) FROM pxt_versions WHERE table_id = ?')
  return statement.pluck().get(table.id) as number
}

interface Counts {
  inserted: number
  updated: number
  deleted: number
  errors: number
}

class Transaction {
  readonly #connection: Connection
  readonly #open: OpenVersion | undefined
  readonly #firstRow = new Map<number, number>()
  readonly #counts = new Map<number, Counts>()
  readonly #texts: TextIndexes
  #reverts: number | null = null
  #version = 0

  constructor(connection: Connection, open: OpenVersion | undefined) {
    this.#connection = connection
    this.#open = open
    this.#texts = new TextIndexes(connection)
  }

  *apply(commit: Commit): Generator<void, CommitResult> {
    this.#check(commit)
    registerIndexFunctions(this.#connection, this.#open === undefined)
    const current = this.#meta('version')
    this.#version = this.#open?.version ?? current + 1
    for (const change of commit.schema ?? []) {
      this.#changeSchema(change)
      yield
    }
    if (commit.schema?.length) this.#run(`UPDATE pxt_meta SET value = value + 1 WHERE key = 'catalog_version'`)
    for (const file of commit.files ?? []) yield* this.#writeFile(file)
    for (const write of commit.writes ?? []) yield* this.#deleteRows(write)
    for (const write of commit.writes ?? []) yield* this.#writeTable(write)
    for (const fill of commit.fills ?? []) yield* this.#fill(fill)
    yield* this.#texts.update()
    for (const deferred of commit.defers ?? []) this.#defer(deferred)
    if (commit.completes) this.#complete(commit.completes)
    if (commit.results) yield* writeResults(this.#connection, commit.results, this.#connection.maxResultBytes)
    if (this.#counts.size === 0) return { version: current, firstRow: this.#firstRow }
    this.#recordVersion(commit.operation)
    for (const use of commit.code ?? []) recordCode(this.#connection, this.#version, use)
    return { version: this.#version, firstRow: this.#firstRow }
  }

  /** What the statement was computed from must still be so. */
  #check(commit: Commit): void {
    if (commit.catalogVersion !== this.#meta('catalog_version')) {
      throw new ConflictError('the schema was changed by another statement meanwhile')
    }
    const { unchanged } = commit
    if (unchanged && lastVersion(this.#connection, unchanged.table) !== unchanged.version) {
      throw new ConflictError(`rows of '${unchanged.table.name}' were changed by another statement meanwhile`)
    }
    for (const { table, rows, versions } of commit.read ?? []) {
      const same = this.#connection
        .prepare(
          `SELECT count(*) FROM json_each(?) AS i JOIN json_each(?) AS v ON v.key = i.key JOIN ${quote(table.name)} AS t ON t._rowid = i.value AND t._version = v.value`,
        )
        .pluck()
        .get(JSON.stringify(rows), JSON.stringify(versions))
      if (same !== rows.length) {
        throw new ConflictError(`rows of '${table.name}' were changed by another statement meanwhile`)
      }
    }
    for (const { table, rowid } of commit.firstRows ?? []) {
      // A table that this commit creates is not there yet.
      if ((nextRowid(this.#connection, table) ?? 1) !== rowid) {
        throw new ConflictError(`rows were inserted into '${table.name}' by another statement meanwhile`)
      }
    }
  }

  #changeSchema(change: SchemaChange): void {
    switch (change.kind) {
      case 'createDirectory':
        this.#run('INSERT INTO pxt_directories VALUES (?)', change.name)
        return
      case 'dropDirectory':
        this.#run('DELETE FROM pxt_directories WHERE name = ?', change.name)
        return
      case 'createTable': {
        const { table } = change
        if (this.#connection.prepare('SELECT 1 FROM sqlite_schema WHERE name = ? COLLATE NOCASE').get(table.name)) {
          throw new ExistsError(`the SQLite file already has a table named '${table.name}'`)
        }
        for (const statement of ddl.createTable(table)) this.#run(statement)
        this.#run(
          'INSERT INTO pxt_tables (id, name, schema_version, definition) VALUES (?, ?, ?, ?)',
          table.id,
          table.name,
          table.schemaVersion,
          JSON.stringify(definitionToJson(table)),
        )
        this.#run(`UPDATE pxt_meta SET value = max(value, ?) WHERE key = 'next_table_id'`, table.id + 1)
        this.#keepDefinition(table)
        this.#texts.tableDefined(table)
        this.#count(table.id)
        return
      }
      case 'dropTable': {
        const { id, name } = change.table
        for (const statement of ddl.dropTable(this.#companions(name))) this.#run(statement)
        this.#run('DELETE FROM pxt_tables WHERE id = ?', id)
        this.#run('DELETE FROM pxt_definitions WHERE table_id = ?', id)
        this.#run('DELETE FROM pxt_versions WHERE table_id = ?', id)
        this.#run('DELETE FROM pxt_pending WHERE table_id = ?', id)
        this.#run('DELETE FROM pxt_code WHERE table_id = ?', id)
        return
      }
      case 'renameTable': {
        const { table, name } = change
        for (const statement of ddl.renameTable(table, name, this.#companions(table.name))) this.#run(statement)
        this.#run('UPDATE pxt_tables SET name = ? WHERE id = ?', name, table.id)
        this.#keepDefinition({ ...table, name })
        return
      }
      case 'alterTable': {
        const { table, was } = change
        for (const statement of ddl.alterTable(was, table)) this.#alter(table, statement)
        this.#run(
          'UPDATE pxt_tables SET definition = ?, schema_version = ? WHERE id = ?',
          JSON.stringify(definitionToJson(table)),
          table.schemaVersion,
          table.id,
        )
        this.#keepDefinition(table)
        this.#texts.tableDefined(table, was)
        this.#columnsReplaced(table, was)
        this.#endPending(table)
        this.#count(table.id)
        return
      }
      case 'restore':
        this.#reverts = change.reverts
        for (const table of change.tables) this.#restore(table, change.asOf)
        return
      case 'createSnapshot':
        this.#run('INSERT INTO pxt_snapshots VALUES (?, ?)', change.name, change.definition)
        return
      case 'dropSnapshot':
        this.#run('DELETE FROM pxt_snapshots WHERE name = ?', change.name)
        return
    }
  }

  /** Columns of a name that are others now have other values in all rows. */
  #columnsReplaced(table: TableDefinition, was: TableDefinition): void {
    const before = new Map(was.columns.map(({ name, id }) => [name, id]))
    const columns = table.columns.filter(({ name, id }) => before.has(name) && before.get(name) !== id)
    if (columns.length === 0) return
    const ids = this.#connection
      .prepare(`SELECT _rowid FROM ${quote(table.name)}`)
      .pluck()
      .all() as number[]
    this.#texts.rowsChanged(table, { kind: 'changed', ids, columns: columns.map(({ name }) => name) })
  }

  /** What the table is from this version on. */
  #keepDefinition(table: TableDefinition): void {
    this.#run(
      'INSERT OR REPLACE INTO pxt_definitions VALUES (?, ?, ?, ?, ?)',
      table.id,
      this.#version,
      table.name,
      table.schemaVersion,
      JSON.stringify(definitionToJson(table)),
    )
  }

  #alter(table: TableDefinition, statement: string): void {
    try {
      this.#run(statement)
    } catch (cause) {
      if ((cause as { code?: unknown }).code !== 'SQLITE_CONSTRAINT_UNIQUE') throw cause
      const index = table.keys.find(({ name }) => statement.includes(quote(`${table.name}@${name}`)))
      throw new ValidationError(
        `rows of '${table.name}' that are there are equal where ${index ? `the index '${index.name}' wants them unique` : 'they must be unique'}`,
        { cause },
      )
    }
  }

  #companions(name: string): string[] {
    return companionsOf(this.#connection, name)
  }

  /** Makes the current rows, vectors and errors of a table those of a version. Its definition is that version's. */
  #restore(table: TableDefinition, asOf: number): void {
    const counts = this.#count(table.id)
    const rows = this.#restoreRows(table.name, asOf)
    this.#texts.rowsChanged(table, { kind: 'changed', ids: rows.ids })
    counts.inserted += rows.inserted
    counts.deleted += rows.deleted
    counts.updated += rows.updated
    for (const index of table.indexes.filter(keepsVectors)) {
      this.#restoreRows(vectorsTable(table.name, index.name), asOf)
    }
    this.#run(
      'UPDATE pxt_pending SET _until = ? WHERE table_id = ? AND _until IS NULL AND _version > ?',
      this.#version,
      table.id,
      asOf,
    )
    this.#run(
      'INSERT INTO pxt_pending SELECT NULL, table_id, what, first, last, ?, NULL FROM pxt_pending WHERE table_id = ? AND _version <= ? AND _until > ?',
      this.#version,
      table.id,
      asOf,
      asOf,
    )
    const errors = quote(errorsTable(table.name))
    this.#run(`UPDATE ${errors} SET _until = ? WHERE _until IS NULL AND _version > ?`, this.#version, asOf)
    this.#run(
      `INSERT INTO ${errors} SELECT NULL, _rowid, ?, "column", type, message, function, attempts FROM ${errors} WHERE _version <= ? AND _until > ?`,
      this.#version,
      asOf,
      asOf,
    )
  }

  /** @returns how many rows came, went and changed, and the ids of all of them */
  #restoreRows(name: string, asOf: number): Omit<Counts, 'errors'> & { ids: readonly number[] } {
    const current = quote(name)
    const history = quote(historyTable(name))
    const ids = (sql: string) => this.#connection.prepare(sql).pluck().all(asOf) as number[]
    const newer = ids(`SELECT _rowid FROM ${current} WHERE _version > ?`)
    this.#supersede(name, newer)
    this.#run(`DELETE FROM ${current} WHERE _version > ?`, asOf)
    const columns = this.#columnsOf(name).filter((column) => column !== '_version')
    const list = columns.map(quote).join(', ')
    const older = this.#connection
      .prepare(
        `INSERT INTO ${current} (_version, ${list}) SELECT ?, ${list} FROM ${history} WHERE _version <= ? AND _until > ? RETURNING _rowid`,
      )
      .pluck()
      .all(this.#version, asOf, asOf) as number[]
    const restored = new Set(older)
    const updated = newer.filter((id) => restored.has(id)).length
    const changed = [...new Set([...newer, ...older])]
    return { ids: changed, inserted: older.length - updated, updated, deleted: newer.length - updated }
  }

  #columnsOf(name: string): string[] {
    return this.#connection.db.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(name) as string[]
  }

  /** Moves rows of a table, as they were before this version, to its history. */
  #supersede(name: string, ids: readonly number[]): void {
    if (ids.length === 0) return
    const history = quote(historyTable(name))
    if (ids.length === 1) {
      const move = `INSERT INTO ${history} SELECT ?, * FROM ${quote(name)} WHERE _rowid = ? AND _version < ?`
      this.#run(move, this.#version, ids[0]!, this.#version)
      return
    }
    this.#run(
      `INSERT INTO ${history} SELECT ?, * FROM ${quote(name)} WHERE _rowid IN (SELECT value FROM json_each(?)) AND _version < ?`,
      this.#version,
      JSON.stringify(ids),
      this.#version,
    )
  }

  /** As `#supersede`, for many rows. */
  *#supersedeAll(name: string, ids: readonly number[]): Generator<void> {
    for (let start = 0; start < ids.length; start += idsPerStatement) {
      this.#supersede(name, ids.slice(start, start + idsPerStatement))
      yield
    }
  }

  *#writeFile(file: NonNullable<Commit['files']>[number]): Generator<void> {
    const insert = 'INSERT INTO pxt_files VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
    if (this.#run(insert, file.sha256, file.size, file.mime) === 0) return
    let position = 0
    for (const bytes of file.chunks()) {
      this.#run('INSERT INTO pxt_file_chunks VALUES (?, ?, ?)', file.sha256, position, bytes)
      position += bytes.length
      yield
    }
  }

  *#deleteRows({ table, deletes = [] }: TableWrite): Generator<void> {
    const inIds = '_rowid IN (SELECT value FROM json_each(?))'
    for (let start = 0; start < deletes.length; start += idsPerStatement) {
      const part = deletes.slice(start, start + idsPerStatement)
      const ids = JSON.stringify(part)
      this.#supersede(table.name, part)
      this.#count(table.id).deleted += this.#run(`DELETE FROM ${quote(table.name)} WHERE ${inIds}`, ids)
      this.#endErrors(table, undefined, part)
      this.#texts.rowsChanged(table, { kind: 'changed', ids: part })
      for (const index of table.indexes.filter(keepsVectors)) {
        const vectors = vectorsTable(table.name, index.name)
        this.#supersede(vectors, part)
        this.#run(`DELETE FROM ${quote(vectors)} WHERE ${inIds}`, ids)
      }
      yield
    }
  }

  /** The recorded errors of rows, in one column or in all, are no longer so. */
  #endErrors(table: TableDefinition, column: string | undefined, rows: readonly number[]): void {
    const errors = quote(errorsTable(table.name))
    const which = `_until IS NULL AND _rowid IN (SELECT value FROM json_each(?))${column === undefined ? '' : ' AND "column" = ?'}`
    const args = [JSON.stringify(rows), ...(column === undefined ? [] : [column])]
    this.#run(`DELETE FROM ${errors} WHERE ${which} AND _version = ?`, ...args, this.#version)
    this.#run(`UPDATE ${errors} SET _until = ? WHERE ${which}`, this.#version, ...args)
  }

  *#writeTable(write: TableWrite): Generator<void> {
    const { table } = write
    yield* this.#insertRows(write)
    for (const update of write.updates ?? []) yield* this.#updateRows(table, update)
    const errors = quote(errorsTable(table.name))
    for (const { column, rows } of write.clearedErrors ?? []) this.#endErrors(table, column, rows)
    for (const error of write.errors ?? []) {
      this.#run(
        `INSERT OR REPLACE INTO ${errors} VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)`,
        this.#row(table.id, error.row),
        this.#version,
        error.column,
        error.type,
        error.message,
        error.function ?? null,
        error.attempts,
      )
      this.#count(table.id).errors++
    }
    for (const { index, rows, vectors } of write.vectors ?? []) {
      const name = vectorsTable(table.name, index)
      this.#count(table.id)
      const ids = rows.map((row) => this.#row(table.id, row))
      yield* this.#supersedeAll(
        name,
        ids.filter((_, i) => rows[i]! > 0),
      )
      const { precision, dimensions } = table.indexes.find((found) => found.name === index) ?? {}
      const put = this.#connection.prepare(`INSERT OR REPLACE INTO ${quote(name)} VALUES (?, ?, ?)`)
      const remove = this.#connection.prepare(`DELETE FROM ${quote(name)} WHERE _rowid = ?`)
      for (const [i, id] of ids.entries()) {
        const vector = vectors[i]!
        if (vector) put.run(id, this.#version, encodeVector(vector, precision, dimensions))
        else if (rows[i]! > 0) remove.run(id)
        if (i % rowsPerStep === 0) yield
      }
    }
  }

  *#insertRows({ table, inserts }: TableWrite): Generator<void> {
    if (!inserts || inserts.count === 0) return
    const { count, columns, values, bases } = inserts
    const first = this.#connection
      .prepare('UPDATE pxt_tables SET next_rowid = next_rowid + ? WHERE id = ? RETURNING next_rowid - ?')
      .pluck()
      .get(count, table.id, count) as number
    this.#firstRow.set(table.id, first)
    this.#count(table.id).inserted += count
    this.#texts.rowsChanged(table, { kind: 'inserted', first, last: first + count - 1 })
    const names = ['_rowid', '_version', ...(bases ? ['_base'] : []), ...columns.map(quote)]
    const marks = `(${names.map(() => '?').join(', ')})`
    const insertOf = (rows: number) =>
      this.#connection.prepare(
        `INSERT INTO ${quote(table.name)} (${names.join(', ')}) VALUES ${new Array(rows).fill(marks).join(', ')}`,
      )
    const put = (start: number, rows: number): void => {
      const params: Stored[] = new Array(names.length * rows)
      let p = 0
      for (let i = start; i < start + rows; i++) {
        params[p++] = first + i
        params[p++] = this.#version
        if (bases) params[p++] = this.#row(table.view!.base, bases[i]!)
        for (let c = 0; c < columns.length; c++) params[p++] = values[c]![i]!
      }
      insertOf(rows).run(params)
    }
    const size = rowsPerInsert(names.length)
    for (let start = 0; start < count; ) {
      const rows = count - start < size ? 1 : size
      try {
        put(start, rows)
        start += rows
        yield
      } catch (cause) {
        // Row by row, the next failure tells which row it is.
        for (let i = start; i < start + rows; i++) {
          try {
            put(i, 1)
          } catch (error) {
            throw constraintError(
              error,
              table,
              columns,
              values.map((column) => column[i]!),
              i,
            )
          }
        }
        throw cause
      }
    }
  }

  *#updateRows(table: TableDefinition, { backfill, rows, versions, columns, values }: RowUpdates): Generator<void> {
    if (!backfill) yield* this.#supersedeAll(table.name, rows)
    this.#texts.rowsChanged(table, { kind: 'changed', ids: rows, columns })
    const sets = [...(backfill ? [] : ['_version = ?']), ...columns.map((column) => `${quote(column)} = ?`)]
    const same = versions ? ' AND _version = ?' : ''
    const statement = this.#connection.prepare(
      `UPDATE ${quote(table.name)} SET ${sets.join(', ')} WHERE _rowid = ?${same}`,
    )
    for (const [i, id] of rows.entries()) {
      const cells = values.map((column) => column[i]!)
      let changes: number
      try {
        const version = backfill ? [] : [this.#version]
        changes = statement.run(...version, ...cells, id, ...(versions ? [versions[i]!] : [])).changes
      } catch (cause) {
        throw constraintError(cause, table, columns, cells, i)
      }
      if (changes === 0) throw new ConflictError('a row was changed or deleted by another statement meanwhile')
      if (i % rowsPerStep === 0) yield
    }
    const counts = this.#count(table.id)
    if (!backfill) counts.updated += rows.length
  }

  *#fill({ table, column, value }: NonNullable<Commit['fills']>[number]): Generator<void> {
    const { sql, params } = compileFill(table, column.name, value)
    const bound = params.map(toBinding)
    const last = (nextRowid(this.#connection, table) ?? 1) - 1
    for (let first = 1; first <= last; first += idsPerStatement) {
      try {
        this.#run(sql, ...bound, first, first + idsPerStatement - 1)
      } catch (cause) {
        const { code } = cause as { code?: unknown }
        const isOfValue = typeof code !== 'string' || /^SQLITE_(ERROR|CONSTRAINT.*|MISMATCH|TOOBIG)$/.test(code)
        if (!isOfValue) throw cause
        throw new CannotFill(`column '${column.name}': ${(cause as Error).message}`, { cause })
      }
      yield
    }
    // A number of JavaScript holds no larger one.
    const [name, of] = [quote(column.name), quote(table.name)]
    if (
      column.type.name === 'int' &&
      this.#exists(`SELECT 1 FROM ${of} WHERE abs(${name}) > ${Number.MAX_SAFE_INTEGER}`)
    ) {
      throw new CannotFill(`column '${column.name}': an integer is too large`)
    }
    this.#count(table.id)
  }

  #exists(query: string): boolean {
    return this.#connection.prepare(`${query} LIMIT 1`).get() !== undefined
  }

  /** Leaves cells to be computed later: of the rows that this commit inserted, or of all up to an id. */
  #defer({ table, what, last }: NonNullable<Commit['defers']>[number]): void {
    const inserted = this.#firstRow.get(table.id)
    const from = last === undefined ? inserted : 1
    const to = last ?? (nextRowid(this.#connection, table) ?? 1) - 1
    if (from === undefined || to < from) return
    this.#run('INSERT INTO pxt_pending VALUES (NULL, ?, ?, ?, ?, ?, NULL)', table.id, what, from, to, this.#version)
    this.#count(table.id)
  }

  #complete({ table, what, first, last }: PendingRange): void {
    const open = this.#connection
      .prepare(
        'SELECT id, first, last FROM pxt_pending WHERE table_id = ? AND what = ? AND _until IS NULL AND first <= ? AND last >= ?',
      )
      .get(table, what, first, last) as { id: number; first: number; last: number } | undefined
    if (!open) throw new ConflictError('pending cells were computed by another statement meanwhile')
    this.#run('UPDATE pxt_pending SET _until = ? WHERE id = ?', this.#version, open.id)
    for (const [from, to] of [
      [open.first, first - 1],
      [last + 1, open.last],
    ] as const) {
      if (from > to) continue
      this.#run('INSERT INTO pxt_pending VALUES (NULL, ?, ?, ?, ?, ?, NULL)', table, what, from, to, this.#version)
    }
    this.#count(table)
  }

  /** What is dropped is not pending any more. */
  #endPending({ id, columns, indexes }: TableDefinition): void {
    this.#run(
      'UPDATE pxt_pending SET _until = ? WHERE table_id = ? AND _until IS NULL AND what <> 0 AND what NOT IN (SELECT value FROM json_each(?))',
      this.#version,
      id,
      JSON.stringify([...columns, ...indexes].map((item) => item.id)),
    )
  }

  #recordVersion(operation: string): void {
    this.#run(`UPDATE pxt_meta SET value = ? WHERE key = 'version'`, this.#version)
    const at = new Date().toISOString()
    for (const [table, { inserted, updated, deleted, errors }] of this.#counts) {
      this.#run(
        `INSERT INTO pxt_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
         inserted = inserted + excluded.inserted, updated = updated + excluded.updated,
         deleted = deleted + excluded.deleted, errors = errors + excluded.errors`,
        this.#version,
        table,
        at,
        this.#open?.operation ?? operation,
        inserted,
        updated,
        deleted,
        errors,
        this.#reverts,
      )
    }
  }

  /** The id of a row that may be one of this commit's own. */
  #row(table: number, key: RowKey): number {
    return key > 0 ? key : this.#firstRow.get(table)! - key - 1
  }

  #count(table: number): Counts {
    let counts = this.#counts.get(table)
    if (!counts) {
      counts = { inserted: 0, updated: 0, deleted: 0, errors: 0 }
      this.#counts.set(table, counts)
    }
    return counts
  }

  #meta(key: string): number {
    return this.#connection.prepare('SELECT value FROM pxt_meta WHERE key = ?').pluck().get(key) as number
  }

  #run(statement: string, ...params: Stored[]): number {
    return this.#connection.prepare(statement).run(...params).changes
  }
}

/** Rows that one statement inserts: several, because each run of a statement costs as much as binding a few values. */
const rowsPerInsert = (columns: number): number => Math.max(1, Math.min(32, Math.floor(32_000 / columns)))

/** The id that the next row of a table gets. */
export const nextRowid = (connection: Connection, table: TableDefinition): number | undefined =>
  connection.prepare('SELECT next_rowid FROM pxt_tables WHERE id = ?').pluck().get(table.id) as number | undefined

/** The tables in the database that hold a user's table. */
export const companionsOf = (connection: Connection, name: string): string[] =>
  // FTS5 looks after the tables of its own, the shadows.
  (
    connection.db
      .prepare(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow'`)
      .pluck()
      .all() as string[]
  ).filter((table) => belongsTo(name, table))

/** A violated constraint as the error that names the row. */
function constraintError(
  cause: unknown,
  table: TableDefinition,
  columns: readonly string[],
  cells: readonly Stored[],
  row: number,
): unknown {
  const { code, message } = cause as { code?: unknown; message: string }
  if (code !== 'SQLITE_CONSTRAINT_UNIQUE') return cause
  // SQLite names the columns of an index, or, where one is an expression, the index.
  const named = ({ name, parts }: KeyDefinition) =>
    parts.every((part) => typeof part === 'string')
      ? parts.map((part) => `${table.name}.${part}`).join(', ')
      : `index '${`${table.name}@${name}`.replaceAll("'", "''")}'`
  const violated = table.keys.find((key) => key.unique && message.endsWith(`: ${named(key)}`))
  const key = (violated?.parts ?? table.primaryKey).map((part) => {
    if (typeof part !== 'string') return printNode(part)
    const at = columns.indexOf(part)
    return at < 0 ? part : `${part} = ${JSON.stringify(cells[at], (_, v) => (typeof v === 'bigint' ? String(v) : v))}`
  })
  const what = violated ? `the unique constraint '${violated.name}' has that value already` : 'duplicate primary key'
  return new ValidationError(`row ${row}: ${what} (${key.join(', ')}); nothing was written`, {
    row,
    column: violated ? columnsOfKey(violated)[0] : table.primaryKey[0],
    cause,
  })
}
