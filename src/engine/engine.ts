import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import type { Node } from '../expr/node.js'
import type { Sorting } from '../expr/operators/index.js'
import type { DecodeContext, Stored } from '../types/column-type.js'
import type { ByteRange } from '../types/media.js'

/** What an engine can do beyond the basics. The planner asks before it relies on one. */
export interface Capabilities {
  /** Distances between vectors inside the query language. */
  readonly vectorDistance: boolean
  /** BM25 over text. */
  readonly fullText: boolean
  /** More than one writer at a time. */
  readonly concurrentWriters: boolean
}

/**
 * The port between the library and a database. Everything above it speaks of definitions, expression nodes and
 * values; everything below it of SQL. `test/engine/conformance.ts` is what an implementation must pass.
 */
export interface Engine {
  readonly capabilities: Capabilities
  readonly readonly: boolean
  /** The current catalog version; cheap, because every statement begins with it. */
  catalogVersion(): Promise<number>
  loadCatalog(): Promise<StoredCatalog>
  /** The last version that changed a row or the definition of a table. */
  tableVersion(table: TableDefinition): Promise<number>
  /** The query in the engine's language, with its parameters. Touches nothing. */
  compile(select: Select): CompiledQuery
  /** Runs a query; each row has one decoded value a column. */
  select(select: Select, context: DecodeContext): Promise<unknown[][]>
  /** How many rows a query without its limit and offset has. */
  count(select: Select): Promise<number>
  /** The engine's own account of how it runs a query. */
  explain(select: Select): Promise<string[]>
  /**
   * Applies everything in one transaction, or nothing.
   * @throws ConflictError when the catalog or a row is no longer what the commit was computed from, or when another
   * writer held the database too long
   */
  commit(commit: Commit): Promise<CommitResult>
  /** The bytes of a file kept in the database. @throws MediaError when it is not there */
  readFile(sha256: string, range?: ByteRange): AsyncIterable<Uint8Array>
  close(): void
}

/** The catalog as it is stored; see `catalog/serialize.ts` for the definitions. */
export interface StoredCatalog {
  readonly version: number
  /** The id that the next new table gets. */
  readonly nextTableId: number
  readonly directories: readonly string[]
  readonly tables: readonly {
    readonly id: number
    readonly name: string
    readonly schemaVersion: number
    readonly definition: string
  }[]
}

/** A query over one table or view. */
export interface Select {
  /** The table, then its base, the base's base, and so on. */
  readonly line: readonly TableDefinition[]
  readonly columns: readonly OutputColumn[]
  readonly where?: Node | undefined
  /** Ranks rows by vector; its score is what a `score` node yields. */
  readonly search?: VectorSearch | undefined
  readonly orderBy?: readonly ({ readonly node: Node } & Sorting)[] | undefined
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  readonly distinct?: boolean | undefined
  /** Only rows with these ids, or with these base rows. */
  readonly keys?: { readonly of: 'row' | 'base'; readonly ids: readonly number[] } | undefined
  /** Only rows with a greater row id: the next page of a stream. */
  readonly after?: number | undefined
}

export interface OutputColumn {
  readonly name: string
  readonly value: Node
}

/** An exact search of an index by a vector. */
export interface VectorSearch {
  /** The table that has the index: one of the query's line. */
  readonly owner: TableDefinition
  readonly index: IndexDefinition
  readonly vector: Float32Array
}

export interface CompiledQuery {
  readonly sql: string
  readonly params: readonly Stored[]
}

/** Columns that every stored row has besides the user's. They can be read through a `column` node of these names. */
export const systemColumns = ['_version', '_base'] as const

/**
 * The id of a row in a commit. A positive id is a stored row; −1, −2, … are the first, second, … row that this commit
 * inserts into the table.
 */
export type RowKey = number

/** Everything that one statement changes. */
export interface Commit {
  /** What the user did, for the history. */
  readonly operation: string
  /** The catalog must still have this version: another schema would have been computed otherwise. */
  readonly catalogVersion: number
  /** No row of this table may have changed since this version; set where every row was read. */
  readonly unchanged?: { readonly table: TableDefinition; readonly version: number } | undefined
  readonly schema?: readonly SchemaChange[] | undefined
  readonly files?: readonly FileContent[] | undefined
  /** A base before the views that derive from it. */
  readonly writes?: readonly TableWrite[] | undefined
}

export type SchemaChange =
  | { readonly kind: 'createDirectory' | 'dropDirectory'; readonly name: string }
  | { readonly kind: 'createTable'; readonly table: TableDefinition }
  | { readonly kind: 'dropTable'; readonly table: TableDefinition }
  | { readonly kind: 'renameTable'; readonly table: TableDefinition; readonly name: string }
  /** `table` is the new definition; columns and indexes that are new in it are named. */
  | {
      readonly kind: 'alterTable'
      readonly table: TableDefinition
      readonly addColumns?: readonly string[]
      readonly addIndexes?: readonly IndexDefinition[]
      readonly dropIndexes?: readonly IndexDefinition[]
    }

/** Bytes to be kept in the database. Read during the commit, hence synchronously. */
export interface FileContent {
  readonly sha256: string
  readonly size: number
  readonly mime: string
  chunks(): Iterable<Uint8Array>
}

/** What changes in one table. Deletes come first, then inserts, then updates. */
export interface TableWrite {
  readonly table: TableDefinition
  readonly deletes?: readonly number[] | undefined
  readonly inserts?: RowInserts | undefined
  readonly updates?: readonly RowUpdates[] | undefined
  /** Cells whose recorded error is gone. */
  readonly clearedErrors?: readonly { readonly column: string; readonly rows: readonly number[] }[] | undefined
  readonly errors?: readonly StoredCellError[] | undefined
  readonly vectors?: readonly VectorWrites[] | undefined
}

/** New rows, by column. */
export interface RowInserts {
  readonly count: number
  /** The base row of each; views only. */
  readonly bases?: readonly RowKey[] | undefined
  readonly columns: readonly string[]
  readonly values: readonly (readonly Stored[])[]
}

/** New values of stored rows, by column. */
export interface RowUpdates {
  readonly rows: readonly number[]
  /** The version that each row must still have, where its old values mattered. */
  readonly versions?: readonly number[] | undefined
  readonly columns: readonly string[]
  readonly values: readonly (readonly Stored[])[]
}

/** Vectors of an index; null removes one. */
export interface VectorWrites {
  readonly index: string
  readonly rows: readonly RowKey[]
  readonly vectors: readonly (Float32Array | null)[]
}

/** A failed cell. `column` is the column, or the index whose vector could not be made. */
export interface StoredCellError {
  readonly row: RowKey
  readonly column: string
  readonly type: string
  readonly message: string
  readonly function?: string | undefined
}

export interface CommitResult {
  /** The version that the commit made; unchanged when there was nothing to write. */
  readonly version: number
  /** The row id of the first new row, by table id. */
  readonly firstRow: ReadonlyMap<number, number>
}
