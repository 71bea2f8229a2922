/**
 * The engine port: what a database must offer to hold pixeltable's tables, and the SQLite engine.
 *
 * @packageDocumentation
 */
export type {
  Capabilities,
  Commit,
  CommitResult,
  CompiledQuery,
  Engine,
  FileContent,
  OutputColumn,
  RowInserts,
  RowKey,
  RowUpdates,
  SchemaChange,
  Select,
  StoredCatalog,
  StoredCellError,
  TableWrite,
  VectorSearch,
  VectorWrites,
} from './engine.js'
export type { ConnectionOptions } from './sqlite/connection.js'
export { openSqlite } from './sqlite/sqlite-engine.js'
