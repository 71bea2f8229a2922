import type { TableDefinition } from '../catalog/definition.js'
import type { RowKey } from '../engine/engine.js'
import { QueryError } from '../errors.js'
import type { Node } from '../expr/node.js'
import type { Cell, Rows } from '../plan/evaluate.js'

/** Rows on their way into a table: their values by column, and, in a view, the rows of the base they derive from. */
export class RowBatch implements Rows {
  readonly table: TableDefinition
  readonly keys: readonly RowKey[]
  /** The version of each row when it was read; none of new ones. */
  readonly versions: readonly number[]
  readonly #columns: Map<string, readonly Cell[]>
  readonly #base: { readonly batch: RowBatch; readonly at: readonly number[] } | undefined

  constructor(
    table: TableDefinition,
    keys: readonly RowKey[],
    columns: Iterable<readonly [string, readonly Cell[]]>,
    base?: { readonly batch: RowBatch; readonly at: readonly number[] },
    versions: readonly number[] = [],
  ) {
    this.table = table
    this.keys = keys
    this.#columns = new Map(columns)
    this.#base = base
    this.versions = versions
  }

  /** The rows of the base that these derive from; undefined in a table. */
  get base(): RowBatch | undefined {
    return this.#base?.batch
  }

  get length(): number {
    return this.keys.length
  }

  /** The values of a column that the table shows: its own, or one of its base. */
  column(name: string): readonly Cell[] {
    const own = this.#columns.get(name)
    if (own) return own
    if (!this.#base) throw new QueryError(`'${this.table.name}' has no column '${name}'`)
    const { batch, at } = this.#base
    const values = batch.column(name)
    return at.map((i) => values[i])
  }

  set(name: string, values: readonly Cell[]): void {
    this.#columns.set(name, values)
  }

  valuesOf(node: Node): readonly Cell[] {
    if (node.kind === 'rowid') return this.keysOf(node.table)
    if (node.kind !== 'column') throw new QueryError('a computed value cannot use scores')
    return this.#owned(node.table, node.name, undefined)
  }

  /** The row ids in this table, or, of the rows that they derive from, in one of its bases. */
  keysOf(table: number): readonly RowKey[] {
    if (this.table.id === table || !this.#base) return this.keys
    const keys = this.#base.batch.keysOf(table)
    return this.#base.at.map((i) => keys[i]!)
  }

  #owned(table: number, name: string, at: readonly number[] | undefined): readonly Cell[] {
    if (this.table.id === table || !this.#base) {
      const values = this.column(name)
      return at ? at.map((i) => values[i]) : values
    }
    const down = this.#base.at
    return this.#base.batch.#owned(table, name, at ? at.map((i) => down[i]!) : down)
  }

  /** The same rows under another definition of their table. */
  as(table: TableDefinition): RowBatch {
    return new RowBatch(table, this.keys, this.#columns, this.#base, this.versions)
  }

  /** The rows at these positions. */
  pick(at: readonly number[]): RowBatch {
    const choose = (values: readonly Cell[]): Cell[] => at.map((i) => values[i])
    return new RowBatch(
      this.table,
      at.map((i) => this.keys[i]!),
      [...this.#columns].map(([name, values]) => [name, choose(values)] as const),
      this.#base && { batch: this.#base.batch, at: at.map((i) => this.#base!.at[i]!) },
      this.versions.length === 0 ? [] : at.map((i) => this.versions[i]!),
    )
  }
}
