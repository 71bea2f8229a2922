/**
 * The engine port: what a database must offer to hold pixeltable's tables, and the SQLite engine.
 *
 * @packageDocumentation
 */
export type {
  ColumnDefinition,
  DefaultDefinition,
  IndexDefinition,
  IteratorCall,
  Metric,
  TableDefinition,
  ViewDefinition,
} from '../catalog/definition.js'
export type { CallContext, FunctionIdentity, ScalarFunction } from '../expr/function.js'
export type {
  CallNode,
  ColumnNode,
  FragmentNode,
  FunctionNode,
  LiteralNode,
  Node,
  ParameterNode,
  RowidNode,
  ScoreNode,
} from '../expr/node.js'
export type {
  ColumnType,
  DecodeContext,
  JsonSchema,
  MediaColumn,
  OperatorGroup,
  Storage,
  Stored,
  TypeConfig,
} from '../types/column-type.js'
export type { ByteRange, Media, MediaKind, MediaRecord } from '../types/media.js'
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
