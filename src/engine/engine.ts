import type { ColumnDefinition, IndexDefinition, TableDefinition, TextIndexDefinition } from '../catalog/definition.js'
import type { FunctionIdentity } from '../expr/function.js'
import type { Node } from '../expr/node.js'
import type { Sorting } from '../expr/operators/index.js'
import type { TextQuery } from '../text/index.js'
import type { ColumnType, DecodeContext, Stored } from '../types/column-type.js'
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
  /** How many rows a query has. */
  count(select: Select, context: DecodeContext): Promise<number>
  /** Holds rows for a while, so that queries can read them: those of a query, or given ones. */
  hold(rows: Select | GivenRows, context: DecodeContext): Promise<HeldRows>
  /** Holds a full-text index of a table's rows as they were at a version, with the definitions of that version. */
  holdTexts(line: readonly TableDefinition[], index: TextIndexDefinition, asOf: number): Promise<HeldRows>
  /** Lets held rows go. */
  release(rows: HeldRows): Promise<void>
  /** The engine's own account of how it runs a query. */
  explain(select: Select): Promise<string[]>
  /**
   * Applies everything in one transaction, or nothing.
   * @throws ConflictError when the catalog or a row is no longer what the commit was computed from, or when another
   * writer held the database too long
   */
  commit(commit: Commit): Promise<CommitResult>
  /**
   * Runs work whose commits become one version in one transaction, or none when it throws. Everything else that uses
   * the engine meanwhile waits.
   */
  transaction<T>(operation: string, work: () => Promise<T>): Promise<T>
  /** The versions that changed a table, the newest first. */
  versions(tableId: number, limit?: number): Promise<VersionRecord[]>
  /** Ids of the tables that a version changed. */
  tablesIn(version: number): Promise<number[]>
  /** The last version, and the first that can still be read. */
  versionRange(): Promise<{ readonly first: number; readonly last: number }>
  /** Rows of a table or view that differ between two versions. */
  changes(line: readonly TableDefinition[], since: number, until: number): Promise<RowChange[]>
  /** Cells of a table whose error is recorded: of some columns (or indexes), or of all; in some rows, or in all. */
  errors(table: TableDefinition, columns?: readonly string[], rows?: readonly number[]): Promise<StoredCellError[]>
  /** How a stored cell came to be what it is, or was at a version; undefined where there is, or was, no such row. */
  cellRecord(
    table: TableDefinition,
    column: ColumnDefinition,
    rowid: number,
    asOf?: number,
  ): Promise<CellRecord | undefined>
  /** The code that made something of a table in a version: a column, an index or, as 0, the rows of a view. */
  codeAt(table: TableDefinition, what: number, version: number): Promise<FunctionIdentity[]>
  /** When a version was made, and how; undefined where that is not known any more. */
  versionRecord(version: number): Promise<Pick<VersionRecord, 'at' | 'operation'> | undefined>
  /** Results of calls that are kept, by their keys; those of one key by position. */
  results(keys: readonly string[]): Promise<KeptResult[]>
  /**
   * Keeps results of calls whose statement has not been committed.
   * @returns where they are kept now; undefined where they cannot be, inside a transaction or read-only
   */
  keepResults(
    results: readonly KeptResult[],
  ): Promise<{ readonly key: string; readonly position: number }[] | undefined>
  /** Everything that is not computed yet, in the order in which it can be. */
  pending(): Promise<PendingRange[]>
  /** The id that the next row inserted into a table gets. */
  nextRowid(table: TableDefinition): Promise<number>
  /** Bytes of the file that each index of a table takes, by the id of the index. */
  indexBytes(table: TableDefinition): Promise<ReadonlyMap<number, number>>
  /** Reads the vectors of indexes at once, so that they can be held in memory; absent in an engine that cannot. */
  readonly vectors?: VectorReader | undefined
  /** Reads what full-text indexes know of phrases at once; absent in an engine that cannot. */
  readonly texts?: TextReader | undefined
  /** Removes what only versions before `keepFrom` need, and gives the space back. */
  vacuum(keepFrom: number): Promise<VacuumResult>
  /**
   * Runs a whole statement of the engine's own language that only reads, `parts[0] args[0] parts[1] …`.
   * @throws QueryError when it would write
   */
  read(parts: readonly string[], args: readonly ReadArgument[]): Promise<Record<string, Stored>[]>
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
  readonly tables: readonly StoredDefinition[]
  readonly snapshots: readonly { readonly name: string; readonly definition: string }[]
  readonly past: Past
  readonly counts: Counts
}

/** A table of the catalog. */
export interface StoredDefinition {
  readonly id: number
  readonly name: string
  readonly schemaVersion: number
  readonly definition: string
}

/**
 * What was at earlier versions. Synchronous, because builders ask; an engine that cannot ask its database at once
 * loads it with the catalog.
 */
export interface Past {
  /** The tables as they were at a version, those alone that still exist. */
  tablesAt(version: number): readonly StoredDefinition[]
  /** The last version made at or before an instant; 0 when there is none. */
  versionAt(instant: Date): number
}

/** How many rows and cells there are. Synchronous, because descriptions are printed. */
export interface Counts {
  pending(): PendingRange[]
  /** Rows of a table or view: all, or those that are, or derive from, a row in one of the ranges. */
  rows(line: readonly TableDefinition[], within?: readonly PendingRange[]): number
  /** Cells whose computation failed, by column or index. */
  failed(table: TableDefinition): ReadonlyMap<string, number>
}

/** What one version did to one table. */
export interface VersionRecord {
  readonly version: number
  readonly at: Date
  readonly operation: string
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  readonly errors: number
  /** The version that this one undid. */
  readonly reverts?: number
}

/** How a stored cell came about. */
export interface CellRecord {
  /** The version that made its value. */
  readonly version: number
  /** The version that filled it in a row that was there before; 0 where none did. */
  readonly filled: number
  /** Why it has no value, where its computation failed. */
  readonly error?: Omit<StoredCellError, 'row' | 'column'>
}

/** Code that a commit made something with. */
export interface CodeUse {
  /** Id of the table or view. */
  readonly table: number
  /** The id of a column or index; 0 for the rows of a view. */
  readonly what: number
  readonly code: FunctionIdentity
}

/** How a row differs between two versions. */
export interface RowChange {
  readonly kind: 'insert' | 'update' | 'delete'
  readonly rowid: number
  /** The version that changed it last. */
  readonly version: number
}

/** The result of a call. */
export interface KeptResult {
  /** Of what was called with what. */
  readonly key: string
  /** Which of several results of equal calls. */
  readonly position: number
  /** The configuration of its type as JSON; null for null. */
  readonly type: string | null
  readonly value: Stored
  /** Whether it waits to be used once, and is not for every call. */
  readonly kept: boolean
}

/** What a commit does to the results that are kept. */
export interface ResultWrites {
  /** For every later call. */
  readonly made: readonly KeptResult[]
  /** Used up. */
  readonly used: readonly { readonly key: string; readonly position: number }[]
  /** Keys whose results were used, and are not the first to go when there are too many. */
  readonly touched: readonly string[]
}

/** Rows of a table in which something is not computed yet. */
export interface PendingRange {
  readonly table: number
  /** The id of a column or index; 0 for everything that derives from the rows. */
  readonly what: number
  /** Row ids, both included. */
  readonly first: number
  readonly last: number
}

/** What `vacuum` removed. */
export interface VacuumResult {
  /** Superseded rows and vectors. */
  readonly rows: number
  /** Media files that nothing refers to. */
  readonly files: number
  /** Bytes that the database file became smaller. */
  readonly bytes: number
}

/** What stands between the parts of a statement: a value to bind, a table to name, or a query as a subquery. */
export type ReadArgument =
  | { readonly kind: 'value'; readonly value: Stored }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'query'; readonly query: CompiledQuery }

/** A query as an engine runs it: parameters bound, definitions looked up, nothing of JavaScript's in it. */
export interface Select {
  readonly from: From
  readonly columns: readonly OutputColumn[]
  readonly where?: Node | undefined
  /** The keys of groups; an empty list is one group of all rows. */
  readonly groupBy?: readonly Node[] | undefined
  readonly having?: Node | undefined
  readonly orderBy?: readonly SortKey[] | undefined
  readonly limit?: number | undefined
  readonly offset?: number | undefined
  readonly distinct?: boolean | undefined
  /** Only rows of the table with these ids, or with these base rows. */
  readonly keys?: { readonly of: 'row' | 'base'; readonly ids: readonly number[] } | undefined
  /** Only rows of the table with a greater row id: the next page of a stream. */
  readonly after?: number | undefined
}

/** One key of an order. */
export interface SortKey extends Sorting {
  readonly node: Node
}

/** Vectors of an index with the ids of their rows, as little-endian float32. */
export interface StoredVectors {
  readonly rowids: readonly number[]
  readonly vectors: readonly Uint8Array[]
}

/** What became of the vectors of an index: those that are new or changed, and rows that have none any more. */
export interface VectorChanges {
  readonly set: StoredVectors
  readonly gone: readonly number[]
}

/** Reads vectors of a table's own indexes, synchronously: a search must not wait between looking and reading. */
export interface VectorReader {
  /** What it is equal to while nothing is committed by anybody; undefined while a transaction is open. */
  state(): string | undefined
  /** The last version that changed a table. */
  version(table: TableDefinition): number
  /** The vectors behind a row id, by ascending row id. */
  page(table: TableDefinition, index: IndexDefinition, after: number, limit: number): StoredVectors
  /** The vectors of some rows. */
  rows(table: TableDefinition, index: IndexDefinition, rowids: readonly number[]): StoredVectors
  /** What has changed since a version; undefined when that is not known any more. */
  changes(table: TableDefinition, index: IndexDefinition, since: number): VectorChanges | undefined
  /** The greatest row id that has a vector; 0 when none has. */
  last(table: TableDefinition, index: IndexDefinition): number
  /** The row ids that a query gives as its only column. */
  matching(select: Select): number[]
  /** Equal for queries that are. */
  keyOf(select: Select): string
}

/** Reads full-text indexes, synchronously: a search must not wait between looking and reading. */
export interface TextReader {
  /** What it is equal to while the index is as it is. */
  state(owner: TableDefinition, index: TextIndexDefinition): string
  /** The rows that a search finds and their scores, by ascending row id where it is for one phrase. */
  hits(search: TextSearch): readonly (readonly [rowid: number, score: number])[]
}

/** Where the rows of a query come from. */
export type From = TableSource | SubquerySource | JoinSource | CompoundSource | RowsSource

/** A table or view. */
export interface TableSource {
  readonly kind: 'table'
  /** The table, then its base, the base's base, and so on. */
  readonly line: readonly TableDefinition[]
  /** The version to read, with the definitions of that version in `line`; the current one when undefined. */
  readonly asOf?: number | undefined
  /** Ranks rows; its score is what a `score` node yields. */
  readonly search?: VectorSearch | TextSearch | RankedRows | undefined
}

/** A query, whose columns are reached through `column` nodes with this id. */
export interface SubquerySource {
  readonly kind: 'subquery'
  readonly id: number
  readonly select: Select
}

export type JoinKind = 'inner' | 'left' | 'right' | 'full' | 'cross'

/** Two sources with ids of their own, side by side. */
export interface JoinSource {
  readonly kind: 'join'
  readonly type: JoinKind
  readonly left: From
  readonly right: From
  /** Absent in a cross join. */
  readonly on?: Node | undefined
}

export type CompoundOperator = 'union' | 'unionAll' | 'intersect' | 'except'

/** The rows of two queries with the same number of columns; the left one gives the names. */
export interface CompoundSource {
  readonly kind: 'compound'
  readonly id: number
  readonly operator: CompoundOperator
  readonly left: Select
  readonly right: Select
}

/** Rows that `materialize` holds. */
export interface RowsSource {
  readonly kind: 'rows'
  readonly id: number
  readonly rows: HeldRows
}

/** Rows by column, in values of the columns' types. */
export interface GivenRows {
  readonly columns: HeldRows['columns']
  readonly count: number
  readonly values: readonly (readonly unknown[])[]
}

/** Rows outside of any table, until they are dropped. */
export interface HeldRows {
  readonly name: string
  readonly columns: readonly { readonly name: string; readonly type: ColumnType<any> }[]
}

export interface OutputColumn {
  readonly name: string
  readonly value: Node
}

/** A search of an index by a vector, or by MaxSim of vectors one after the other. Exact where the engine makes it. */
export interface VectorSearch {
  readonly kind: 'vector'
  /** The table that has the index: one of the query's line. */
  readonly owner: TableDefinition
  readonly index: IndexDefinition
  readonly vector: Float32Array
  /** See `VectorSearchNode`. */
  readonly candidates?: number | undefined
}

/** A search of a full-text index, ranked by BM25. */
export interface TextSearch {
  readonly kind: 'text'
  /** The table that has the index: one of the query's line. */
  readonly owner: TableDefinition
  readonly index: TextIndexDefinition
  /** The columns of the index that are searched. */
  readonly columns: readonly string[]
  readonly query: TextQuery
  /** The index of rows as they were, where an earlier version is read. */
  readonly held?: HeldRows | undefined
}

/** Rows that were ranked outside of the engine. */
export interface RankedRows {
  readonly kind: 'ranked'
  /** The table that they are of: one of the query's line. */
  readonly owner: TableDefinition
  /** Whether scores order the rows, ties by row id; otherwise they are in order, whatever their scores say. */
  readonly byScore: boolean
  readonly rowids: readonly number[]
  readonly scores: readonly number[]
  /** How many rows were compared exactly, where an estimate chose them. */
  readonly compared?: number | undefined
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
  /** The first new row of these tables must get this id: something was computed from it. */
  readonly firstRows?: readonly { readonly table: TableDefinition; readonly rowid: number }[] | undefined
  /** No row of this table may have changed since this version; set where every row was read. */
  readonly unchanged?: { readonly table: TableDefinition; readonly version: number } | undefined
  readonly schema?: readonly SchemaChange[] | undefined
  readonly files?: readonly FileContent[] | undefined
  /** A base before the views that derive from it. */
  readonly writes?: readonly TableWrite[] | undefined
  /**
   * New columns of a table that the database computes itself, for all rows.
   * @throws CannotFill when it cannot, for some row
   */
  readonly fills?:
    | readonly { readonly table: TableDefinition; readonly column: ColumnDefinition; readonly value: Node }[]
    | undefined
  /** What this commit leaves to be computed later: in rows up to an id, or in those that it inserts. */
  readonly defers?:
    | readonly { readonly table: TableDefinition; readonly what: number; readonly last?: number }[]
    | undefined
  /** What it has computed that was pending. It must still be. */
  readonly completes?: PendingRange | undefined
  readonly results?: ResultWrites | undefined
  /** Code that made what it writes, for the record. */
  readonly code?: readonly CodeUse[] | undefined
  /** Rows that it was computed from, and the versions that they must still have. */
  readonly read?: readonly ReadRows[] | undefined
}

/** A value that the database computed does not fit its column, or an operator failed: JavaScript can tell in which row. */
export class CannotFill extends Error {}

/** Rows of a table as a statement read them. */
export interface ReadRows {
  readonly table: TableDefinition
  readonly rows: readonly number[]
  readonly versions: readonly number[]
}

export type SchemaChange =
  | { readonly kind: 'createDirectory' | 'dropDirectory'; readonly name: string }
  | { readonly kind: 'createTable'; readonly table: TableDefinition }
  | { readonly kind: 'dropTable'; readonly table: TableDefinition }
  | { readonly kind: 'renameTable'; readonly table: TableDefinition; readonly name: string }
  /** From definition `was` to `table`. What is dropped stays readable at earlier versions; what an id brings back returns. */
  | { readonly kind: 'alterTable'; readonly table: TableDefinition; readonly was: TableDefinition }
  /** Rows, vectors and errors of tables become what they were at a version. The definitions are altered besides. */
  | {
      readonly kind: 'restore'
      readonly tables: readonly TableDefinition[]
      readonly asOf: number
      readonly reverts: number
    }
  | { readonly kind: 'createSnapshot'; readonly name: string; readonly definition: string }
  | { readonly kind: 'dropSnapshot'; readonly name: string }

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
  /** Whether these are the first values of new columns: the rows do not count as changed then. */
  readonly backfill?: boolean | undefined
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
  /** How often the function was called. */
  readonly attempts: number
}

export interface CommitResult {
  /** The version that the commit made; unchanged when there was nothing to write. */
  readonly version: number
  /** The row id of the first new row, by table id. */
  readonly firstRow: ReadonlyMap<number, number>
  /** What `VectorReader.state` was before it, and is after it while nobody else commits; absent in a transaction. */
  readonly states?: { readonly before: string; readonly after: string } | undefined
}
