import type { FunctionIdentity } from '../expr/function.js'
import type { Node } from '../expr/node.js'
import type { ColumnType, Stored } from '../types/column-type.js'

/** What exists: the definitions of tables and views, immutable. A change makes new objects. */

export interface ColumnDefinition {
  readonly name: string
  readonly type: ColumnType<any>
  readonly nullable: boolean
  /** The value of rows that are inserted without one. */
  readonly default?: DefaultDefinition
  /** The expression that computes the column, over this table's columns and those of its bases. */
  readonly computed?: Node
  /** Whether the column is filled by the view's iterator. */
  readonly iterated?: boolean
}

/** A stored default, or the mark that the program has a function for it. */
export type DefaultDefinition =
  | { readonly kind: 'value'; readonly stored: Stored }
  | { readonly kind: 'function'; readonly make?: () => unknown }

/** Distance that an index ranks by. */
export type Metric = 'cosine' | 'euclidean' | 'inner_product'

export interface IndexDefinition {
  readonly name: string
  readonly column: string
  readonly metric: Metric
  /** The model that turns values of the column into vectors; absent where the column holds vectors. */
  readonly embedder?: FunctionIdentity
  /** Length of the vectors; unknown until the first was made. */
  readonly dimensions?: number
}

/** The iterator of a view with its arguments: one expression a parameter, and constant options. */
export interface IteratorCall {
  readonly iterator: FunctionIdentity
  readonly args: readonly Node[]
  readonly options: Readonly<Record<string, unknown>>
}

/** How a view derives from its base. */
export interface ViewDefinition {
  readonly base: number
  readonly where?: Node
  readonly iterator?: IteratorCall
}

export interface TableDefinition {
  readonly id: number
  readonly name: string
  readonly columns: readonly ColumnDefinition[]
  readonly primaryKey: readonly string[]
  readonly indexes: readonly IndexDefinition[]
  readonly comment?: string
  readonly view?: ViewDefinition
  /** Raised by every change of this definition. */
  readonly schemaVersion: number
}

/** The word for a table in messages. */
export const kindOf = (table: TableDefinition): 'table' | 'view' => (table.view ? 'view' : 'table')
