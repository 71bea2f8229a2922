import { NotFoundError } from '../errors.js'
import { type ColumnNode, type Node, transform, visit } from '../expr/node.js'
import type { ColumnDefinition, SnapshotDefinition, TableDefinition } from './definition.js'

/** Everything that exists at one version of the catalog. Immutable. */
export class Catalog {
  readonly version: number
  readonly directories: ReadonlySet<string>
  readonly snapshots: readonly SnapshotDefinition[]
  /** The version of the rows that it describes; undefined for the current one. */
  readonly asOf: number | undefined
  readonly #byId: ReadonlyMap<number, TableDefinition>
  readonly #byName: ReadonlyMap<string, TableDefinition>

  constructor(
    version: number,
    directories: Iterable<string>,
    tables: Iterable<TableDefinition>,
    snapshots: readonly SnapshotDefinition[] = [],
    asOf?: number,
  ) {
    this.asOf = asOf
    this.version = version
    this.snapshots = snapshots
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

  snapshotNamed(name: string): SnapshotDefinition | undefined {
    return this.snapshots.find((snapshot) => foldName(snapshot.name) === foldName(name))
  }

  find(id: number): TableDefinition | undefined {
    return this.#byId.get(id)
  }

  /** @throws NotFoundError when the table was dropped */
  byId(id: number, name?: string): TableDefinition {
    const table = this.#byId.get(id)
    if (table === undefined) {
      const then = this.asOf === undefined ? 'was dropped' : `did not exist in version ${this.asOf}`
      throw new NotFoundError(`the table '${name ?? id}' ${then}`)
    }
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
   * The columns that a user of the table sees, with the table that owns each: its own, then those of its bases that it
   * shows and none of its own shadows.
   */
  columnsOf(table: TableDefinition): Map<string, OwnedColumn> {
    const columns = new Map(table.columns.map((column) => [column.name, { owner: table, column }]))
    if (!table.view) return columns
    const { base, shows } = table.view
    for (const [name, owned] of this.columnsOf(this.byId(base))) {
      if (!columns.has(name) && (!shows || shows.includes(name))) columns.set(name, owned)
    }
    return columns
  }

  /** The column that a node of an expression means. */
  resolve(node: ColumnNode): OwnedColumn | undefined {
    const table = this.#byId.get(node.table)
    return table && this.columnsOf(table).get(node.name)
  }

  /** An expression in which each unstored column is replaced by what computes it. */
  expand(node: Node): Node {
    return transform(node, (n) => {
      const column = n.kind === 'column' ? this.resolve(n)?.column : undefined
      return column?.unstored ? this.expand(column.computed!) : n
    })
  }

  /** The columns that an expression names. */
  columnsIn(node: Node): Set<ColumnKey> {
    const keys = new Set<ColumnKey>()
    visit(node, (n) => {
      const found = n.kind === 'column' ? this.resolve(n) : undefined
      if (found) keys.add(columnKey(found.owner, found.column.name))
    })
    return keys
  }

  /** The columns whose values an expression takes: those that it names, and what unstored ones among them read. */
  inputsOf(node: Node, keys = new Set<ColumnKey>()): Set<ColumnKey> {
    visit(node, (n) => {
      const found = n.kind === 'column' ? this.resolve(n) : undefined
      if (!found) return
      keys.add(columnKey(found.owner, found.column.name))
      if (found.column.unstored) this.inputsOf(found.column.computed!, keys)
    })
    return keys
  }

  /** The same catalog with some tables replaced. */
  with(tables: readonly TableDefinition[]): Catalog {
    const replaced = new Map(tables.map((table) => [table.id, table]))
    const all = [...this.#byId.values()].map((table) => replaced.get(table.id) ?? table)
    return new Catalog(this.version, this.directories, all, this.snapshots, this.asOf)
  }
}

/** A column and the table or view whose rows hold it. */
export interface OwnedColumn {
  readonly owner: TableDefinition
  readonly column: ColumnDefinition
}

/** A column among those of all tables. */
export type ColumnKey = `${number}:${string}`

export const columnKey = (owner: { readonly id: number }, name: string): ColumnKey => `${owner.id}:${name}`

/** Names are the same when they differ by ASCII case only. Anything else than text is nobody's name. */
export const foldName = (name: string): string => String(name).replace(/[A-Z]/g, (letter) => letter.toLowerCase())

const sortedColumns = new WeakMap<TableDefinition, readonly ColumnDefinition[]>()

/** The table's own stored computed columns, each after those that it reads. */
export function computedColumns(table: TableDefinition): readonly ColumnDefinition[] {
  const known = sortedColumns.get(table)
  if (known) return known
  const computed = new Map(table.columns.filter((column) => column.computed).map((column) => [column.name, column]))
  const sorted = new Set<ColumnDefinition>()
  const add = (column: ColumnDefinition): void => {
    if (sorted.has(column)) return
    visit(column.computed!, (node) => {
      const input = node.kind === 'column' && node.table === table.id ? computed.get(node.name) : undefined
      if (input) add(input)
    })
    sorted.add(column)
  }
  for (const column of computed.values()) add(column)
  const stored = [...sorted].filter((column) => !column.unstored)
  sortedColumns.set(table, stored)
  return stored
}
