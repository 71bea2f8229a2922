import type { TableDefinition } from '../../catalog/definition.js'
import { definitionToJson } from '../../catalog/serialize.js'
import { ConflictError, ExistsError, ValidationError } from '../../errors.js'
import type { Stored } from '../../types/column-type.js'
import type { Commit, CommitResult, RowKey, RowUpdates, SchemaChange, TableWrite } from '../engine.js'
import type { Connection } from './connection.js'
import * as ddl from './ddl.js'
import { quote } from './fragment.js'

/** Applies a commit in one `BEGIN IMMEDIATE` transaction. */
export function applyCommit(connection: Connection, commit: Commit): CommitResult {
  return connection.db.transaction(() => new Transaction(connection).apply(commit)).immediate()
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
  readonly #firstRow = new Map<number, number>()
  readonly #counts = new Map<number, Counts>()
  #version = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  apply(commit: Commit): CommitResult {
    this.#check(commit)
    const current = this.#meta('version')
    this.#version = current + 1
    for (const change of commit.schema ?? []) this.#changeSchema(change)
    if (commit.schema?.length) this.#run(`UPDATE pxt_meta SET value = value + 1 WHERE key = 'catalog_version'`)
    for (const file of commit.files ?? []) this.#writeFile(file)
    for (const write of commit.writes ?? []) this.#deleteRows(write)
    for (const write of commit.writes ?? []) this.#writeTable(write)
    if (this.#counts.size === 0) return { version: current, firstRow: this.#firstRow }
    this.#recordVersion(commit.operation)
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
        this.#count(table.id)
        return
      }
      case 'dropTable':
        for (const statement of ddl.dropTable(change.table)) this.#run(statement)
        this.#run('DELETE FROM pxt_tables WHERE id = ?', change.table.id)
        this.#run('DELETE FROM pxt_versions WHERE table_id = ?', change.table.id)
        return
      case 'renameTable':
        for (const statement of ddl.renameTable(change.table, change.name)) this.#run(statement)
        this.#run('UPDATE pxt_tables SET name = ? WHERE id = ?', change.name, change.table.id)
        return
      case 'alterTable': {
        const { table } = change
        for (const name of change.addColumns ?? []) {
          this.#run(ddl.addColumn(table, table.columns.find((column) => column.name === name)!))
        }
        for (const index of change.dropIndexes ?? [])
          for (const statement of ddl.dropVectors(table, index)) this.#run(statement)
        for (const index of change.addIndexes ?? [])
          for (const statement of ddl.createVectors(table, index)) this.#run(statement)
        this.#run(
          'UPDATE pxt_tables SET definition = ?, schema_version = ? WHERE id = ?',
          JSON.stringify(definitionToJson(table)),
          table.schemaVersion,
          table.id,
        )
        this.#count(table.id)
        return
      }
    }
  }

  #writeFile(file: NonNullable<Commit['files']>[number]): void {
    const insert = 'INSERT INTO pxt_files VALUES (?, ?, ?) ON CONFLICT DO NOTHING'
    if (this.#run(insert, file.sha256, file.size, file.mime) === 0) return
    let position = 0
    for (const bytes of file.chunks()) {
      this.#run('INSERT INTO pxt_file_chunks VALUES (?, ?, ?)', file.sha256, position, bytes)
      position += bytes.length
    }
  }

  #deleteRows({ table, deletes = [] }: TableWrite): void {
    if (deletes.length === 0) return
    const ids = JSON.stringify(deletes)
    const inIds = '_rowid IN (SELECT value FROM json_each(?))'
    this.#count(table.id).deleted += this.#run(`DELETE FROM ${quote(table.name)} WHERE ${inIds}`, ids)
    this.#run(`DELETE FROM ${quote(ddl.errorsTable(table.name))} WHERE ${inIds}`, ids)
    for (const index of table.indexes.filter(ddl.keepsVectors)) {
      this.#run(`DELETE FROM ${quote(ddl.vectorsTable(table.name, index.name))} WHERE ${inIds}`, ids)
    }
  }

  #writeTable(write: TableWrite): void {
    const { table } = write
    this.#insertRows(write)
    for (const update of write.updates ?? []) this.#updateRows(table, update)
    const errors = quote(ddl.errorsTable(table.name))
    for (const { column, rows } of write.clearedErrors ?? []) {
      const inIds = '_rowid IN (SELECT value FROM json_each(?))'
      this.#run(`DELETE FROM ${errors} WHERE "column" = ? AND ${inIds}`, column, JSON.stringify(rows))
    }
    for (const error of write.errors ?? []) {
      this.#run(
        `INSERT OR REPLACE INTO ${errors} VALUES (?, ?, ?, ?, ?)`,
        this.#row(table.id, error.row),
        error.column,
        error.type,
        error.message,
        error.function ?? null,
      )
      this.#count(table.id).errors++
    }
    for (const { index, rows, vectors } of write.vectors ?? []) {
      const name = quote(ddl.vectorsTable(table.name, index))
      const put = this.#connection.prepare(`INSERT OR REPLACE INTO ${name} VALUES (?, ?)`)
      const remove = this.#connection.prepare(`DELETE FROM ${name} WHERE _rowid = ?`)
      this.#count(table.id)
      rows.forEach((row, i) => {
        const vector = vectors[i]!
        const id = this.#row(table.id, row)
        if (vector) put.run(id, new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
        else remove.run(id)
      })
    }
  }

  #insertRows({ table, inserts }: TableWrite): void {
    if (!inserts || inserts.count === 0) return
    const { count, columns, values, bases } = inserts
    const first = this.#connection
      .prepare('UPDATE pxt_tables SET next_rowid = next_rowid + ? WHERE id = ? RETURNING next_rowid - ?')
      .pluck()
      .get(count, table.id, count) as number
    this.#firstRow.set(table.id, first)
    this.#count(table.id).inserted += count
    const names = ['_rowid', '_version', ...(bases ? ['_base'] : []), ...columns.map(quote)]
    const statement = this.#connection.prepare(
      `INSERT INTO ${quote(table.name)} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
    )
    const offset = bases ? 3 : 2
    const row: Stored[] = new Array(names.length)
    for (let i = 0; i < count; i++) {
      row[0] = first + i
      row[1] = this.#version
      if (bases) row[2] = this.#row(table.view!.base, bases[i]!)
      for (let c = 0; c < columns.length; c++) row[offset + c] = values[c]![i]!
      try {
        statement.run(row)
      } catch (cause) {
        throw constraintError(cause, table.primaryKey, columns, row.slice(offset), i)
      }
    }
  }

  #updateRows(table: TableDefinition, { rows, versions, columns, values }: RowUpdates): void {
    const sets = columns.map((column) => `${quote(column)} = ?`)
    const same = versions ? ' AND _version = ?' : ''
    const statement = this.#connection.prepare(
      `UPDATE ${quote(table.name)} SET ${['_version = ?', ...sets].join(', ')} WHERE _rowid = ?${same}`,
    )
    rows.forEach((id, i) => {
      const cells = values.map((column) => column[i]!)
      let changes: number
      try {
        changes = statement.run(this.#version, ...cells, id, ...(versions ? [versions[i]!] : [])).changes
      } catch (cause) {
        throw constraintError(cause, table.primaryKey, columns, cells, i)
      }
      if (changes === 0) throw new ConflictError('a row was changed or deleted by another statement meanwhile')
    })
    this.#count(table.id).updated += rows.length
  }

  #recordVersion(operation: string): void {
    this.#run(`UPDATE pxt_meta SET value = ? WHERE key = 'version'`, this.#version)
    const at = new Date().toISOString()
    for (const [table, { inserted, updated, deleted, errors }] of this.#counts) {
      this.#run(
        'INSERT INTO pxt_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        this.#version,
        table,
        at,
        operation,
        inserted,
        updated,
        deleted,
        errors,
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

/** A violated constraint as the error that names the row. */
function constraintError(
  cause: unknown,
  primaryKey: readonly string[],
  columns: readonly string[],
  cells: readonly Stored[],
  row: number,
): unknown {
  const { code } = cause as { code?: unknown }
  if (code !== 'SQLITE_CONSTRAINT_UNIQUE') return cause
  const key = primaryKey.map((name) => {
    const at = columns.indexOf(name)
    return at < 0 ? name : `${name} = ${JSON.stringify(cells[at], (_, v) => (typeof v === 'bigint' ? String(v) : v))}`
  })
  return new ValidationError(`row ${row}: duplicate primary key (${key.join(', ')}); nothing was written`, {
    row,
    column: primaryKey[0],
    cause,
  })
}
