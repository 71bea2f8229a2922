import { type Catalog, type ColumnKey, columnKey, computedColumns } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import type { Counts, PendingRange } from '../engine/engine.js'
import { wholeRow } from './pending.js'

/** How much of a computed column or an embedding index is there. */
export interface Coverage {
  /** The computed column, or the index. */
  readonly name: string
  readonly kind: 'column' | 'index'
  /** Rows of the table. */
  readonly rows: number
  /** Rows in which it is computed. */
  readonly done: number
  /** Rows in which it waits for `drain()`: itself, or something that it reads. */
  readonly pending: number
  /** Rows in which its computation failed. */
  readonly failed: number
}

/** How much of a table's or view's own computed columns and indexes is there. */
export function coverageOf(catalog: Catalog, counts: Counts, table: TableDefinition): Coverage[] {
  const line = catalog.lineOf(table)
  const all = counts.pending()
  const errors = counts.failed(table)
  const rows = counts.rows(line)
  const coverage = (kind: Coverage['kind'], name: string, ranges: readonly PendingRange[]): Coverage => {
    const within = ranges.filter((range) => line.some(({ id }) => id === range.table))
    const pending = within.length === 0 ? 0 : counts.rows(line, within)
    const failed = errors.get(name) ?? 0
    return { name, kind, rows, done: rows - pending - failed, pending, failed }
  }
  const whole = all.filter((range) => range.table === table.id && range.what === wholeRow)
  return [
    ...computedColumns(table).map(({ name }) =>
      coverage('column', name, [...whole, ...blocking(catalog, all, [columnKey(table, name)])]),
    ),
    ...table.indexes.map(({ id, name, column }) => {
      const own = all.filter((range) => range.table === table.id && range.what === id)
      const read = catalog.inputsOf({ kind: 'column', table: table.id, name: column })
      return coverage('index', name, [...whole, ...own, ...blocking(catalog, all, read)])
    }),
  ]
}

/** The ranges in which one of the columns, or something that it is computed from, is pending. */
function blocking(
  catalog: Catalog,
  all: readonly PendingRange[],
  columns: Iterable<ColumnKey>,
  seen = new Set<ColumnKey>(),
): PendingRange[] {
  return [...columns].flatMap((key) => {
    if (seen.has(key)) return []
    seen.add(key)
    const [id, ...name] = key.split(':')
    const owner = catalog.find(Number(id))
    const column = owner?.columns.find((c) => c.name === name.join(':'))
    if (!owner || !column?.computed) return []
    const own = all.filter((range) => range.table === owner.id && range.what === column.id)
    return [...own, ...blocking(catalog, all, catalog.inputsOf(column.computed), seen)]
  })
}
