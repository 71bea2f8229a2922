import type { FunctionIdentity } from '../expr/function.js'
import { columnsIn, type Node } from '../expr/node.js'
import type { ColumnType, Stored } from '../types/column-type.js'
import type { VectorPrecision } from '../types/vector-precision.js'

/** What exists: the definitions of tables and views, immutable. A change makes new objects. */

export interface ColumnDefinition {
  /** Unique among the columns and indexes that the table ever had; a renamed column keeps it. */
  readonly id: number
  readonly name: string
  readonly type: ColumnType<any>
  readonly nullable: boolean
  /** The value of rows that are inserted without one. */
  readonly default?: DefaultDefinition
  /** The expression that computes the column, over this table's columns and those of its bases. */
  readonly computed?: Node
  /** Whether the computed column is evaluated whenever it is read, and kept nowhere. */
  readonly unstored?: boolean
  /** Whether the column is filled by the view's iterator. */
  readonly iterated?: boolean
  /** Its name in the database, where that is another: only in a definition as it was at an earlier version. */
  readonly storedAs?: string
}

/** A stored default, or the mark that the program has a function for it. */
export type DefaultDefinition =
  | { readonly kind: 'value'; readonly stored: Stored }
  | { readonly kind: 'function'; readonly make?: () => unknown }

/** Distance that an index ranks by. */
export type Metric = 'cosine' | 'euclidean' | 'inner_product'

/** An inverted file. What is left out follows from the rows. */
export interface InvertedListsMethod {
  readonly kind: 'ivfflat'
  readonly lists?: number
  readonly nprobe?: number
}

/** A graph. */
export interface GraphMethod {
  readonly kind: 'hnsw'
  readonly m: number
  readonly efConstruction: number
  readonly ef: number
}

/** How an index names the rows that are compared, where that is not all. */
export type NarrowingMethod = InvertedListsMethod | GraphMethod

/** An estimate by one bit an element, of all rows. */
export interface BitsMethod {
  readonly kind: 'rabitq'
}

/** How an index is searched, where that is not by comparing all vectors. */
export type IndexMethod = NarrowingMethod | BitsMethod

export interface IndexDefinition {
  /** Unique among the columns and indexes that the table ever had. */
  readonly id: number
  readonly name: string
  readonly column: string
  readonly metric: Metric
  /** Whether a row has several vectors, of `dimensions` each, and is ranked by MaxSim. */
  readonly multi?: true
  /** The model that turns values of the column into vectors; absent where the column holds vectors. */
  readonly embedder?: FunctionIdentity
  /** Length of the vectors; unknown until the first was made. */
  readonly dimensions?: number
  /**
   * The index whose place it takes when all its vectors are made, and the name that it has then. Until then searches do
   * not see it.
   */
  readonly successorOf?: { readonly id: number; readonly name: string }
  /** How its vectors are stored; absent for float32, and where the column holds them. */
  readonly precision?: Exclude<VectorPrecision, 'float32'>
  /** How it is searched; absent where all vectors are compared. */
  readonly method?: IndexMethod
  /** Its name in the database, where that is another: only in a definition as it was at an earlier version. */
  readonly storedAs?: string
}

/** A full-text index over columns of text. */
export interface TextIndexDefinition {
  /** Unique among the columns and indexes that the table ever had. */
  readonly id: number
  readonly name: string
  /** Columns of the table or of its bases, with what a word in them counts. */
  readonly columns: readonly { readonly name: string; readonly weight: number }[]
  /** A BCP-47 tag, or `none`. */
  readonly language: string
  readonly tokenizer: 'words' | 'trigram'
  /** Lengths of beginnings that are indexed too. */
  readonly prefix: readonly number[]
}

/** What an ordered index goes by: a column of the table's own, by its name, or an expression over such columns. */
export type KeyPart = string | Node

/** An ordered index, for the database's own use; or a constraint that no two rows are equal in what it goes by. */
export interface KeyDefinition {
  /** Unique among the columns and indexes that the table ever had. */
  readonly id: number
  readonly name: string
  readonly parts: readonly KeyPart[]
  readonly unique: boolean
}

/** A predicate that no row may make false. */
export interface CheckDefinition {
  readonly name: string
  readonly predicate: Node
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
  /** The columns of the base that the view shows; all of them when undefined. */
  readonly shows?: readonly string[]
  readonly iterator?: IteratorCall
}

export interface TableDefinition {
  readonly id: number
  readonly name: string
  readonly columns: readonly ColumnDefinition[]
  /** The id that the next new column or index gets. */
  readonly nextId: number
  readonly primaryKey: readonly string[]
  readonly keys: readonly KeyDefinition[]
  readonly checks: readonly CheckDefinition[]
  readonly indexes: readonly IndexDefinition[]
  readonly textIndexes: readonly TextIndexDefinition[]
  readonly comment?: string
  readonly view?: ViewDefinition
  /** Raised by every change of this definition. */
  readonly schemaVersion: number
  /** Its name in the database, where that is another: only in a definition as it was at an earlier version. */
  readonly storedAs?: string
}

/** A named, unchanging query: rows of a table or view as they were at a version. */
export interface SnapshotDefinition {
  readonly name: string
  readonly base: number
  readonly version: number
  readonly where?: Node
  readonly comment?: string
}

/** The word for a table in messages. */
export const kindOf = (table: TableDefinition): 'table' | 'view' => (table.view ? 'view' : 'table')

/** The columns that an ordered index reads. */
export const columnsOfKey = ({ parts }: Pick<KeyDefinition, 'parts'>): string[] => [
  ...new Set(parts.flatMap((part) => (typeof part === 'string' ? [part] : [...columnsIn(part)]))),
]
