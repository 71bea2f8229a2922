/**
 * The engine port: what a database must offer to hold pixeltable's tables, and the SQLite engine.
 *
 * @packageDocumentation
 */
export type {
  CheckDefinition,
  ColumnDefinition,
  DefaultDefinition,
  IndexDefinition,
  IteratorCall,
  KeyDefinition,
  Metric,
  TableDefinition,
  ViewDefinition,
} from '../catalog/definition.js'
export type {
  AggregateFunction,
  CallContext,
  CallPolicy,
  CallReport,
  FunctionCode,
  FunctionIdentity,
  HeadersLike,
  NamedCall,
  RateLimit,
  ScalarFunction,
  Usage,
} from '../expr/function.js'
export type {
  AggregateNode,
  CallNode,
  CellErrorNode,
  ColumnNode,
  FragmentNode,
  Frame,
  FunctionNode,
  ItemNode,
  JsonKind,
  LambdaNode,
  LiteralNode,
  Node,
  ParameterNode,
  RowidNode,
  ScoreNode,
  SubqueryNode,
  WindowNode,
} from '../expr/node.js'
export type { Sorting } from '../expr/operators/index.js'
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
  CompoundOperator,
  CompoundSource,
  Counts,
  Engine,
  FileContent,
  From,
  GivenRows,
  HeldRows,
  JoinKind,
  JoinSource,
  KeptResult,
  OutputColumn,
  Past,
  PendingRange,
  ReadArgument,
  ReadRows,
  ResultWrites,
  RowChange,
  RowInserts,
  RowKey,
  RowsSource,
  RowUpdates,
  SchemaChange,
  Select,
  SortKey,
  StoredCatalog,
  StoredCellError,
  StoredDefinition,
  SubquerySource,
  TableSource,
  TableWrite,
  VacuumResult,
  VectorSearch,
  VectorWrites,
  VersionRecord,
} from './engine.js'
export { CannotFill } from './engine.js'
export type { ConnectionOptions } from './sqlite/connection.js'
export { openSqlite } from './sqlite/sqlite-engine.js'
