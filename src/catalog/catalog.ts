import { NotFoundError } from '../errors.js'
import { columnsIn } from '../expr/node.js'
import type { ColumnDefinition, TableDefinition } from './definition.js'

/** Everything that exists at one version of the catalog. Immutable. */
export class Catalog {
  readonly version: number
  readonly directories: ReadonlySet<string>
  readonly #byId: ReadonlyMap<number, TableDefinition>
  readonly #byName: ReadonlyMap<string, TableDefinition>

  constructor(version: number, directories: Iterable<string>, tables: Iterable<TableDefinition>) {
    this.version = version
    this.directories = new Set(directories)
    const list = [...tables]
    this.#byId = new Map(list.map((table) => [table.id, table]))
    // SQLite compares names without regard to ASCII case, so the catalog does too.
    this.#byName = new Map(list.map((table) => [foldName(table.name), table]))
  }

  get tables(): Iterable<TableDefinition> {
    return this.#byId.values()
  }

  named(name: string): TableDefinition | undefined {
    return this.#byName.get(foldName(name))
  }

  find(id: number): TableDefinition | undefined {
    return this.#byId.get(id)
  }

  /** @throws NotFoundError when the table was dropped */
  byId(id: number, name?: string): TableDefinition {
    const table = this.#byId.get(id)
    if (table === undefined) throw new NotFoundError(`the table '${name ?? id}' was dropped`)
    return table
  }

  /** The views that derive from a table directly. */
  viewsOf(table: TableDefinition): TableDefinition[] {
    return [...this.#byId.values()].filter((view) => view.view?.base === table.id)
  }

  /** The views below a table, at any depth, bases before what derives from them. */
  descendantsOf(table: TableDefinition): TableDefinition[] {
    return this.viewsOf(table).flatMap((view) => [view, ...this.descendantsOf(view)])
  }

  /** The table itself, then its base, the base's base, and so on. */
  lineOf(table: TableDefinition): TableDefinition[] {
    const line = [table]
    for (let t = table; t.view !== undefined; ) {
      t = this.byId(t.view.base)
      line.push(t)
    }
    return line
  }

  /**
   * The columns that a user of the table sees, with the table that owns each: its own, then those of its bases that
   * none of its own shadows.
   */
  columnsOf(table: TableDefinition): Map<string, OwnedColumn> {
    const columns = new Map<string, OwnedColumn>()
    for (const owner of this.lineOf(table)) {
      for (const column of owner.columns) {
        if (!columns.has(column.name)) columns.set(column.name, { owner, column })
      }
    }
    return columns
  }
}

/** A column and the table or view whose rows hold it. */
export interface OwnedColumn {
  readonly owner: TableDefinition
  readonly column: ColumnDefinition
}

/** Names are the same when they differ by ASCII case only. Anything else than text is nobody's name. */
export const foldName = (name: string): string => String(name).replace(/[A-Z]/g, (letter) => letter.toLowerCase())

/** Computed columns such that each comes after those that it reads. Declaration order is such an order. */
export function computedColumns(table: TableDefinition): ColumnDefinition[] {
  return table.columns.filter((column) => column.computed !== undefined)
}

/** The table's own computed columns that depend on any of `changed`, directly or through one another, in order. */
export function dependentsOf(table: TableDefinition, changed: ReadonlySet<string>): ColumnDefinition[] {
  const reached = new Set(changed)
  return computedColumns(table).filter((column) => {
    const depends = [...columnsIn(column.computed!)].some((name) => reached.has(name))
    if (depends) reached.add(column.name)
    return depends
  })
}
