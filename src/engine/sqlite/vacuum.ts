import type { VacuumResult } from '../engine.js'
import { companionsOf } from './commit.js'
import type { Connection } from './connection.js'
import { quote } from './fragment.js'
import { registerIndexFunctions } from './index-functions.js'
import { historyTable, isTextTable } from './names.js'

/** A column that a stored definition lists, as far as it matters here. */
interface StoredItem {
  readonly id: number
  readonly name: string
  readonly type?: { readonly name: string }
}

/**
 * Removes what only versions before `keepFrom` need: superseded rows, vectors and errors, definitions, dropped columns
 * and indexes, and files that nothing refers to any more. What a snapshot shows is kept.
 */
export function vacuum(connection: Connection, keepFrom: number): VacuumResult {
  const { db } = connection
  const pages = () => db.pragma('page_count', { simple: true }) as number
  const pageSize = db.pragma('page_size', { simple: true }) as number
  db.pragma('wal_checkpoint(TRUNCATE)')
  const before = pages()
  registerIndexFunctions(connection, true)
  const removed = db.transaction(() => new Sweep(connection, keepFrom).run()).immediate()
  db.exec('VACUUM')
  db.pragma('wal_checkpoint(TRUNCATE)')
  return { ...removed, bytes: Math.max(0, (before - pages()) * pageSize) }
}

class Sweep {
  readonly #connection: Connection
  readonly #keepFrom: number
  /** Versions that snapshots show. */
  readonly #pinned: string

  constructor(connection: Connection, keepFrom: number) {
    this.#connection = connection
    this.#keepFrom = keepFrom
    const pinned = connection.db.prepare(`SELECT definition ->> '$.version' FROM pxt_snapshots`).pluck().all()
    this.#pinned = JSON.stringify(pinned)
  }

  run(): Omit<VacuumResult, 'bytes'> {
    let rows = 0
    for (const { id, name } of this.#all('SELECT id, name FROM pxt_tables') as { id: number; name: string }[]) {
      const companions = companionsOf(this.#connection, name)
      for (const table of companions) {
        if (companions.includes(historyTable(table))) rows += this.#sweepRows(historyTable(table))
      }
      for (const table of companions.filter(isTextTable)) {
        this.#run(`INSERT INTO ${quote(table)} (${quote(table)}) VALUES ('optimize')`)
      }
      rows += this.#sweepRows(`${name}@errors`)
      this.#sweepDefinitions(id)
      this.#dropRetired(id, name, companions)
    }
    this.#run('DELETE FROM pxt_pending WHERE _until <= ?', this.#keepFrom)
    this.#run('DELETE FROM pxt_results WHERE kept = 1')
    this.#run(
      `UPDATE pxt_meta SET value = (SELECT coalesce(sum(size), 0) FROM pxt_results) WHERE key = 'results_bytes'`,
    )
    this.#run('DELETE FROM pxt_versions WHERE version < ?', this.#keepFrom)
    this.#run(`UPDATE pxt_meta SET value = max(value, ?) WHERE key = 'first_version'`, this.#keepFrom)
    return { rows, files: this.#sweepFiles() }
  }

  #sweepRows(table: string): number {
    return this.#run(
      `DELETE FROM ${quote(table)} AS h WHERE _until <= ? AND NOT EXISTS (SELECT 1 FROM json_each(?) AS pinned WHERE h._version <= pinned.value AND pinned.value < h._until)`,
      this.#keepFrom,
      this.#pinned,
    )
  }

  /** Definitions that a later one replaced before the first version kept, unless a snapshot uses them. */
  #sweepDefinitions(id: number): void {
    this.#run(
      `WITH spans AS (SELECT version, lead(version) OVER (ORDER BY version) AS until FROM pxt_definitions WHERE table_id = ?)
       DELETE FROM pxt_definitions WHERE table_id = ? AND version IN (
         SELECT version FROM spans WHERE until <= ? AND NOT EXISTS (SELECT 1 FROM json_each(?) AS pinned WHERE spans.version <= pinned.value AND pinned.value < spans.until)
       )`,
      id,
      id,
      this.#keepFrom,
      this.#pinned,
    )
  }

  /** Dropped columns and indexes that no kept definition has. */
  #dropRetired(id: number, name: string, companions: readonly string[]): void {
    const definitions = (this.#pluck('SELECT definition FROM pxt_definitions WHERE table_id = ?', id) as string[]).map(
      (text) => JSON.parse(text) as { columns: StoredItem[]; indexes: StoredItem[] },
    )
    const ids = (key: 'columns' | 'indexes') => new Set(definitions.flatMap((d) => d[key].map((item) => item.id)))
    const columns = ids('columns')
    for (const column of this.#pluck('SELECT name FROM pragma_table_info(?)', name) as string[]) {
      const retired = /^@(\d+)$/.exec(column)
      if (!retired || columns.has(Number(retired[1]))) continue
      for (const table of [name, historyTable(name)])
        this.#run(`ALTER TABLE ${quote(table)} DROP COLUMN ${quote(column)}`)
    }
    const indexes = ids('indexes')
    for (const table of companions) {
      const retired = /^@@(\d+)(@history)?$/.exec(table.slice(name.length))
      if (retired && !indexes.has(Number(retired[1]))) this.#run(`DROP TABLE ${quote(table)}`)
    }
  }

  /** Files that no cell, current or kept in a history, refers to. */
  #sweepFiles(): number {
    const cells = this.#tablesWithFiles().flatMap(({ table, columns }) =>
      columns.map(
        (column) =>
          `SELECT ${quote(column)} ->> '$.sha256' AS sha256 FROM ${quote(table)} WHERE ${quote(column)} IS NOT NULL`,
      ),
    )
    this.#run('CREATE TEMP TABLE referenced (sha256 TEXT PRIMARY KEY)')
    for (const cell of cells) this.#run(`INSERT OR IGNORE INTO referenced ${cell}`)
    this.#run(
      'DELETE FROM pxt_file_chunks WHERE sha256 NOT IN (SELECT sha256 FROM referenced WHERE sha256 IS NOT NULL)',
    )
    const files = this.#run(
      'DELETE FROM pxt_files WHERE sha256 NOT IN (SELECT sha256 FROM referenced WHERE sha256 IS NOT NULL)',
    )
    this.#run('DROP TABLE referenced')
    return files
  }

  #tablesWithFiles(): { table: string; columns: string[] }[] {
    const media = ['image', 'video', 'audio', 'document']
    const tables = this.#all(
      'SELECT t.id, t.name, t.definition AS current, d.definition FROM pxt_tables AS t JOIN pxt_definitions AS d ON d.table_id = t.id',
    ) as { id: number; name: string; current: string; definition: string }[]
    const found = new Map<string, Set<string>>()
    for (const { name, current, definition } of tables) {
      const now = new Map((JSON.parse(current) as { columns: StoredItem[] }).columns.map((c) => [c.id, c.name]))
      const columns = found.get(name) ?? new Set<string>()
      found.set(name, columns)
      for (const { id, type } of (
        JSON.parse(definition) as { columns: (StoredItem & { unstored?: boolean })[] }
      ).columns.filter((c) => !c.unstored)) {
        if (media.includes(type!.name)) columns.add(now.get(id) ?? `@${id}`)
      }
    }
    return [...found].flatMap(([name, columns]) =>
      [name, historyTable(name)].map((table) => ({ table, columns: [...columns] })),
    )
  }

  #run(statement: string, ...params: (string | number)[]): number {
    return this.#connection.db.prepare(statement).run(...params).changes
  }

  #all(statement: string, ...params: (string | number)[]): unknown[] {
    return this.#connection.db.prepare(statement).all(...params)
  }

  #pluck(statement: string, ...params: (string | number)[]): unknown[] {
    return this.#connection.db
      .prepare(statement)
      .pluck()
      .all(...params)
  }
}
