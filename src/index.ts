/**
 * Multimodal tables, computed columns, document chunks and embedding indexes in one SQLite file, with a fully typed
 * query builder.
 *
 * @packageDocumentation
 */
export type { Metric } from './catalog/definition.js'
export type { OnError } from './compute/change.js'
export type { EmbedderLike, EmbedFunction } from './compute/embedder-of.js'
export type { FileOptions } from './compute/files.js'
export type { ChangeResult, ErrorCell, InsertOptions, StatementOptions } from './compute/statements.js'
export { type Udf, type UdfOptions, udf } from './compute/udf.js'
export type { HeadingPath, Separator } from './documents/index.js'
export {
  ComputeError,
  ConflictError,
  DependencyError,
  EngineError,
  type ErrorOptions,
  ExistsError,
  IndexError,
  MediaError,
  MissingPackageError,
  ModelError,
  NotFoundError,
  PixeltableError,
  QueryError,
  SchemaError,
  ValidationError,
} from './errors.js'
export { type Case, when } from './expr/case.js'
export type {
  AnyExpr,
  Arg,
  ArrayExpr,
  BigintExpr,
  BoolExpr,
  DateExpr,
  DateFields,
  EqExpr,
  Expr,
  ExprFor,
  JsonExpr,
  ListExpr,
  MediaExpr,
  NullOf,
  NumExpr,
  OrdExpr,
  Order,
  OrderOptions,
  Pattern,
  ProjectionExpr,
  Refs,
  StrExpr,
  TimeFields,
  TimestampExpr,
  TypeOf,
  UnknownExpr,
  ZonedExpr,
} from './expr/expression.js'
export { type ClockTime, makeDate, makeTimestamp, uuid4, uuid7 } from './expr/generators.js'
export { sql } from './expr/sql.js'
export { type ChunkMetadata, type DocumentSplitterOptions, documentSplitter } from './iterators/document-splitter.js'
export type { IterateContext, IteratorUse, RowIterator } from './iterators/iterator.js'
export type { FetchLimits } from './media/index.js'
export { miniEmbed } from './models/mini-embed/mini-embed.js'
export { type SentenceTransformerOptions, sentenceTransformer } from './models/sentence-transformer.js'
export {
  type AnyRow,
  type DropOptions,
  type IfExists,
  type IfNotExists,
  type OpenOptions,
  type Overwrite,
  Pixeltable,
  type TableOptions,
  type ViewOptions,
} from './pixeltable.js'
export type { ExecuteOptions } from './plan/execute.js'
export type { Condition } from './query/predicate.js'
export { Query } from './query/query.js'
export { type QueryFunction, type QueryFunctionOptions, query } from './query/query-function.js'
export type { EmbeddableKind, Embedder, EmbedOptions } from './search/embedder.js'
export type { ChangeBuilder } from './table/change-builder.js'
export type { ColumnDescription, IndexDescription, TableDescription } from './table/describe.js'
export {
  type ColumnExists,
  type ComputedColumnOptions,
  type EmbeddableKeys,
  type EmbeddingIndexOptions,
  type NoEmbeddingIndex,
  type SearchInput,
  type SimilarityOptions,
  Table,
} from './table/table.js'
export type { ArrayInput, ArrayOptions, Dtype, NdArray, NestedNumbers, TypedArrayOf } from './types/arrays.js'
export type { Column, Default, InsertOf, RowOf, Schema, Simplify } from './types/column.js'
export type { Json, StandardSchema } from './types/json.js'
export type { ByteRange, Media, MediaInput, MediaKind, MediaOptions, MediaRecord } from './types/media.js'
export type { Uuid } from './types/scalars.js'
export { t } from './types/t.js'
export type { PlainDate } from './types/temporal.js'
