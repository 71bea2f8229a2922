import type { Catalog, ColumnKey } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import type { PendingRange } from '../engine/engine.js'
import type { Node } from '../expr/node.js'
import { anyOf, type RowMask } from './changed-cells.js'
import type { RowBatch } from './row-batch.js'

/** In a range of pending rows: that everything which derives from them is to be computed. */
export const wholeRow = 0

/**
 * Which cells of a batch must not be computed yet, because something that they derive from is pending: a drain comes to
 * them. A pending row has nothing computed; a pending column blocks what reads it, at any depth.
 */
export class PendingCells {
  readonly #catalog: Catalog
  readonly #ranges: readonly PendingRange[]
  readonly #batch: RowBatch
  readonly #known = new Map<ColumnKey, RowMask>()

  /** @param ranges all that are pending; none is the usual case, and costs nothing */
  constructor(catalog: Catalog, batch: RowBatch, ranges: readonly PendingRange[]) {
    this.#catalog = catalog
    this.#batch = batch
    const line = new Set<number>()
    for (let b: RowBatch | undefined = batch; b; b = b.base) line.add(b.table.id)
    this.#ranges = ranges.filter((range) => line.has(range.table))
  }

  /** The rows that are pending as a whole. */
  get rows(): RowMask {
    return this.#in(this.#batch.table, wholeRow)
  }

  /** The rows in which an expression cannot be computed yet. */
  of(node: Node): RowMask {
    return this.ofColumns(this.#catalog.inputsOf(node))
  }

  /** The rows in which one of these columns is pending, or cannot be computed yet. */
  ofColumns(keys: Iterable<ColumnKey>): RowMask {
    if (this.#ranges.length === 0) return undefined
    return anyOf([this.rows, ...[...keys].map((key) => this.#ofColumn(key))])
  }

  /** The rows in which a column or index is itself pending. */
  own(id: number): RowMask {
    return this.#in(this.#batch.table, id)
  }

  #ofColumn(key: ColumnKey): RowMask {
    if (this.#known.has(key)) return this.#known.get(key)
    // Columns are computed from earlier ones alone, so this ends; the mark is for the time until then.
    this.#known.set(key, undefined)
    const [id, name] = [Number(key.slice(0, key.indexOf(':'))), key.slice(key.indexOf(':') + 1)]
    const owner = this.#catalog.find(id)
    const column = owner?.columns.find((c) => c.name === name)
    const mask = column?.computed
      ? anyOf([this.#in(owner!, column.id), this.ofColumns(this.#catalog.inputsOf(column.computed))])
      : undefined
    this.#known.set(key, mask)
    return mask
  }

  #in(owner: TableDefinition, what: number): RowMask {
    const ranges = this.#ranges.filter((range) => range.table === owner.id && range.what === what)
    if (ranges.length === 0) return undefined
    const keys = this.#batch.keysOf(owner.id)
    return Uint8Array.from(keys, (key) => (ranges.some(({ first, last }) => key >= first && key <= last) ? 1 : 0))
  }
}
