import type { TableDefinition, TextIndexDefinition } from '../../catalog/definition.js'
import type { Connection } from './connection.js'
import { Fragment, quote, sql } from './fragment.js'
import { ownersOf, termsOf } from './history.js'
import { textTable } from './names.js'

/** Rows whose terms one step writes. */
const rowsPerStep = 200

/** What a commit did to rows of a table. */
type RowsChanged =
  /** Rows with ids from `first` to `last` are new. */
  | { readonly kind: 'inserted'; readonly first: number; readonly last: number }
  /** Rows are gone, or back, or have other values: in these columns, or in any. */
  | { readonly kind: 'changed'; readonly ids: readonly number[]; readonly columns?: readonly string[] }

/** A full-text index, with the table that has it, its base, the base's base, and so on. */
interface StoredIndex {
  readonly line: readonly TableDefinition[]
  readonly index: TextIndexDefinition
}

/**
 * Keeps full-text indexes in step with the rows of one commit, whatever changed them: what an index holds follows from
 * the rows alone, so it is made again for those that the commit touched, at its end.
 */
export class TextIndexes {
  readonly #connection: Connection
  readonly #changes = new Map<number, RowsChanged[]>()
  /** Indexes that are new, by table and id. */
  readonly #made = new Set<string>()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  rowsChanged(table: TableDefinition, change: RowsChanged): void {
    const changes = this.#changes.get(table.id)
    if (changes) changes.push(change)
    else this.#changes.set(table.id, [change])
  }

  tableDefined(table: TableDefinition, was?: TableDefinition): void {
    const before = new Set(was?.textIndexes.map(({ id }) => id))
    for (const { id } of table.textIndexes) if (!before.has(id)) this.#made.add(`${table.id}:${id}`)
  }

  /** Brings the indexes up to date, step by step. */
  *update(): Generator<void> {
    if (this.#changes.size === 0 && this.#made.size === 0) return
    for (const { line, index } of this.#stored()) {
      const [table] = line
      if (this.#made.has(`${table!.id}:${index.id}`)) {
        yield* this.#fill(line, index, 1, this.#lastRow(table!))
        this.#run(`INSERT INTO ${name(table!, index)} (${name(table!, index)}) VALUES ('optimize')`)
        continue
      }
      // Of new rows some may derive from rows that have changed.
      for (const change of this.#changes.get(table!.id) ?? []) {
        if (change.kind === 'inserted') yield* this.#fill(line, index, change.first, change.last)
      }
      const changed = [...this.#changedRows(line, index)]
      for (let start = 0; start < changed.length; start += rowsPerStep) {
        this.#renew(line, index, changed.slice(start, start + rowsPerStep))
        yield
      }
    }
  }

  /** The full-text indexes as the commit leaves them. */
  #stored(): StoredIndex[] {
    const columns = 'SELECT id, name, definition FROM pxt_tables'
    const one = this.#connection.prepare(`${columns} WHERE id = ?`)
    const lineOf = (table: TableDefinition): TableDefinition[] =>
      table.view ? [table, ...lineOf(parsed(one.get(table.view.base)))] : [table]
    const found = this.#connection.prepare(`${columns} WHERE instr(definition, '"textIndexes"') > 0`).all().map(parsed)
    return found.flatMap((table) => (table.textIndexes ?? []).map((index) => ({ line: lineOf(table), index })))
  }

  /** Rows of a table, or rows that derive from such, whose terms may be others. */
  #changedRows(line: readonly TableDefinition[], index: TextIndexDefinition): Set<number> {
    const owners = ownersOf(line, index.columns)
    const found = new Set<number>()
    line.forEach((owner, level) => {
      const names = index.columns.flatMap((column, i) => (owners[i] === level ? [column.name] : []))
      for (const change of this.#changes.get(owner.id) ?? []) {
        if (change.kind === 'inserted') continue
        const { columns, ids } = change
        // Rows come and go by themselves in each table; values are those of the owner's columns.
        if (columns ? !columns.some((column) => names.includes(column)) : level > 0 && names.length === 0) continue
        for (const id of level === 0 ? ids : this.#derived(line, level, ids)) found.add(id)
      }
    })
    return found
  }

  /** The rows of a view that derive from rows of a base. */
  #derived(line: readonly TableDefinition[], level: number, ids: readonly number[]): number[] {
    const joins = line
      .slice(1, level)
      .map((owner, i) => `JOIN ${quote(owner.name)} AS v${i + 1} ON v${i + 1}._rowid = v${i}._base`)
    return this.#connection
      .prepare(
        `SELECT v0._rowid FROM ${quote(line[0]!.name)} AS v0 ${joins.join(' ')} WHERE v${level - 1}._base IN (SELECT value FROM json_each(?))`,
      )
      .pluck()
      .all(JSON.stringify(ids)) as number[]
  }

  #renew(line: readonly TableDefinition[], index: TextIndexDefinition, ids: readonly number[]): void {
    const among = 'IN (SELECT value FROM json_each(?))'
    this.#run(`DELETE FROM ${name(line[0]!, index)} WHERE rowid ${among}`, JSON.stringify(ids))
    this.#insert(line, index, new Fragment(`v0._rowid ${among}`, [JSON.stringify(ids)]))
  }

  *#fill(line: readonly TableDefinition[], index: TextIndexDefinition, first: number, last: number): Generator<void> {
    for (let start = first; start <= last; start += rowsPerStep) {
      const end = Math.min(last, start + rowsPerStep - 1)
      this.#insert(line, index, new Fragment('v0._rowid BETWEEN ? AND ?', [start, end]))
      yield
    }
  }

  #insert(line: readonly TableDefinition[], index: TextIndexDefinition, which: Fragment): void {
    insertTerms(this.#connection, name(line[0]!, index), index, sql`${termsOf(line, index, undefined)} WHERE ${which}`)
  }

  #lastRow(table: TableDefinition): number {
    return this.#connection
      .prepare(`SELECT coalesce(max(_rowid), 0) FROM ${quote(table.name)}`)
      .pluck()
      .get() as number
  }

  #run(statement: string, ...params: string[]): void {
    this.#connection.prepare(statement).run(...params)
  }
}

/** Puts the terms of rows into a full-text index. @param into its name as SQL has it */
export function insertTerms(connection: Connection, into: string, index: TextIndexDefinition, terms: Fragment): void {
  const columns = index.columns.map((_, i) => `c${i}`)
  connection.prepare(`INSERT INTO ${into} (rowid, ${columns.join(', ')}) ${terms.sql}`).run(...terms.params)
}

/** A table as the catalog stores it, without the types of its columns: names are all that is needed here. */
function parsed(row: unknown): TableDefinition {
  const { id, name, definition } = row as { id: number; name: string; definition: string }
  return { ...JSON.parse(definition), id, name }
}

const name = (table: TableDefinition, index: TextIndexDefinition): string => quote(textTable(table.name, index.name))
