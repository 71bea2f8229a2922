/**
 * Multimodal tables, computed columns, document chunks and embedding indexes in one SQLite file, with a fully typed
 * query builder.
 *
 * @packageDocumentation
 */
export type { Metric } from './catalog/definition.js'
export type { OnError } from './compute/change.js'
export type { Changed } from './compute/changes.js'
export type { Computed, ComputedError } from './compute/compute-rows.js'
export type { Coverage } from './compute/coverage.js'
export type { DrainOptions, DrainResult } from './compute/drain.js'
export type { EmbedderLike, EmbedFunction, MultiEmbedderLike, MultiEmbedFunction } from './compute/embedder-of.js'
export type { ExportOptions, ExportResult } from './compute/export.js'
export type { CsvExportOptions, CsvImportOptions } from './compute/file-formats.js'
export type { FileOptions } from './compute/files.js'
export type { ImportIfExists, ImportOptions, TransferProgress } from './compute/import-options.js'
export type { IndexMethodOptions } from './compute/index-method.js'
export type { ComputeTime, InsertOptions } from './compute/insert.js'
export type { Agreeing, ArgumentsDiffer, WithParameters } from './compute/parameters.js'
export { type ProgressBarOptions, progressBar } from './compute/progress-bar.js'
export type { QueryTableOptions } from './compute/query-rows.js'
export type { Stale } from './compute/stale.js'
export type { ChangeResult, ErrorCell, StatementOptions } from './compute/statements.js'
export { type Udf, type UdfOptions, udf } from './compute/udf.js'
export type { UpdateOptions } from './compute/update.js'
export type { UpsertOptions } from './compute/upsert.js'
export type { RevertResult } from './compute/versions.js'
export type { HeadingPath, Separator } from './documents/index.js'
export type { JoinKind, RowChange, VacuumResult, VersionRecord } from './engine/engine.js'
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
export { type BootstrapOptions, type PairedBootstrap, pairedBootstrap } from './evaluation/bootstrap.js'
export { type EvaluateQueryOptions, type Evaluation, evaluate } from './evaluation/evaluate.js'
export { type EvaluateOptions, evaluateRuns } from './evaluation/evaluate-runs.js'
export type { Judge, JudgeOptions } from './evaluation/judge.js'
export { type RankingMetric, type RankingScores, type RateRanking, rankingMetrics } from './evaluation/metrics.js'
export type { Qrels, Run } from './evaluation/qrels.js'
export { type BeirCollection, type BeirDocument, type BeirOptions, readBeir } from './evaluation/read-beir.js'
export { readQrels } from './evaluation/read-qrels.js'
export type { CompareOptions, EvaluationReport, QueryEvaluation } from './evaluation/report.js'
export {
  type ScoredDocument,
  type ScoredRun,
  type SuggestOptions,
  suggestWeights,
} from './evaluation/suggest-weights.js'
export type { WeightChoice, WeightSuggestion } from './evaluation/weight-suggestion.js'
export {
  type Aggregated,
  type AggregateOptions,
  type AggregateOrder,
  aggregate,
  arrayAgg,
  avg,
  count,
  countDistinct,
  denseRank,
  first,
  firstValue,
  lag,
  last,
  lastValue,
  lead,
  max,
  min,
  ntile,
  rank,
  rowNumber,
  stddev,
  stringAgg,
  sum,
  type Window,
  type WindowFunction,
} from './expr/aggregate.js'
export { type Case, when } from './expr/case.js'
export {
  type AnyExpr,
  type Arg,
  type ArrayExpr,
  type BigintExpr,
  type BoolExpr,
  type DateExpr,
  type DateFields,
  type EqExpr,
  type Expr,
  type ExprFor,
  exists,
  type JsonExpr,
  type ListExpr,
  type MediaExpr,
  type NullOf,
  type NumExpr,
  type OrdExpr,
  type Order,
  type OrderOptions,
  type Pattern,
  type ProjectionExpr,
  type Refs,
  type StrExpr,
  type Subquery,
  type TimeFields,
  type TimestampExpr,
  type TypeOf,
  type UnknownExpr,
  type ZonedExpr,
} from './expr/expression.js'
export type { CallContext, CallReport, HeadersLike, RateLimit, Usage } from './expr/function.js'
export { type ClockTime, makeDate, makeTimestamp, uuid4, uuid7 } from './expr/generators.js'
export { type HighlightOptions, highlight, type SnippetOptions, snippet } from './expr/marking.js'
export { sql } from './expr/sql.js'
export type { CsvOptions } from './formats/csv.js'
export type { ImportSource } from './formats/source.js'
export { type ChunkMetadata, type DocumentSplitterOptions, documentSplitter } from './iterators/document-splitter.js'
export type { IterateContext, IteratorUse, RowIterator } from './iterators/iterator.js'
export type { Lineage, LineageError, LineageSource } from './lineage/lineage.js'
export type { Replay, ReplayedFunction, ReplayOptions } from './lineage/replay.js'
export type { FetchLimits } from './media/index.js'
export { miniEmbed } from './models/mini-embed/mini-embed.js'
export { type SentenceTransformerOptions, sentenceTransformer } from './models/sentence-transformer.js'
export {
  type DropOptions,
  type FileSource,
  type ImportedTable,
  type InsertOfRow,
  type InsertOfValue,
  type OpenOptions,
  type Overwrite,
  Pixeltable,
  type TableOptions,
  type VacuumOptions,
  type ViewOptions,
} from './pixeltable.js'
export type { ColumnStats } from './plan/call-stats.js'
export type { ExecuteOptions } from './plan/execute.js'
export type { Recall, RecallOptions } from './plan/measure-recall.js'
export type { OnProgress, Progress } from './plan/progress.js'
export type { RerankFunction } from './plan/query-node.js'
export type { LegScores, SearchScores } from './plan/staged-search.js'
export type {
  ColumnDescription,
  IndexDescription,
  IndexSize,
  OrderedIndexDescription,
  TableDescription,
  TextIndexDescription,
} from './query/describe.js'
export type {
  HybridLeg,
  HybridLegOptions,
  HybridOptions,
  MaxSimInput,
  MixedInput,
  SearchInput,
} from './query/hybrid.js'
export type { Clash, Joined, JoinOptions, KindOf, NameClash, Prefixed, PrefixOf } from './query/join.js'
export type { ColumnTest, Condition } from './query/predicate.js'
export {
  type Either,
  type JoinCondition,
  type JoinQuery,
  type Named,
  Query,
  type SameColumns,
  type Selected,
} from './query/query.js'
export { type QueryFunction, type QueryFunctionOptions, query } from './query/query-function.js'
export {
  type MatchOptions,
  type MaxSimOptions,
  type NoEmbeddingIndex,
  type NoMultiVectorIndex,
  type NoTextIndex,
  Relation,
  type SimilarityOptions,
  type SimilaritySearch,
} from './query/relation.js'
export type { Reranker, RerankingModelLike, RerankOptions } from './query/rerank.js'
export type { SampleOptions } from './query/sample.js'
export type { Span, Tracer } from './scheduler/tracer.js'
export type { EmbeddableKind, Embedder, EmbedOptions, MultiEmbedder } from './search/embedder.js'
export type { FuseOptions, Fusion } from './search/fusion/fuse.js'
export type { Candidate } from './search/fusion/leg.js'
export {
  type AnyDeclaration,
  type ComputedDeclarationOptions,
  Declaration,
  type DeclaredCondition,
  DeclaredQuery,
  type EmbeddingIndexDeclarationOptions,
  type MultiVectorIndexDeclarationOptions,
  type OrderedIndexDeclarationOptions,
  type Row,
  type TableDeclarationOptions,
  type TextIndexDeclarationOptions,
  table,
  type ViewDeclarationOptions,
  view,
} from './sync/declaration.js'
export { SyncPlan, type SyncStep } from './sync/plan.js'
export type { Declarations, Synced, SyncOptions } from './sync/sync.js'
export type { ChangeBuilder } from './table/change-builder.js'
export type { IfExists, IfNotExists } from './table/if-exists.js'
export {
  type ChangesOptions,
  type ColumnExists,
  type ComputedColumnOptions,
  type EmbeddableKeys,
  type EmbeddingIndexOptions,
  type IndexExpr,
  type IndexKeys,
  type IndexOptions,
  type MultiVectorIndexOptions,
  type MultiVectorKeys,
  type NewColumn,
  type OneOrMore,
  type RecomputeOptions,
  type Renamed,
  Table,
  type TableInput,
  type TableOutput,
  type TextColumns,
  type TextIndexOptions,
  type TextKeys,
  type UpsertRow,
} from './table/table.js'
export type { TableFunction, TableFunctionOptions } from './table/table-function.js'
export type { Descriptions, InputSchema, JsonSchemaTarget, ParametersSchema } from './tools/input-schema.js'
export { invokeTools, type ToolResults, type ToolSet } from './tools/invoke-tools.js'
export type { McpContext, McpResult, McpTool } from './tools/mcp.js'
export type {
  Callable,
  FunctionDescription,
  Tool,
  ToolExecuteOptions,
  ToolFunction,
  ToolOptions,
} from './tools/tool.js'
export type { ArrayInput, ArrayOptions, Dtype, NdArray, NestedNumbers, TypedArrayOf } from './types/arrays.js'
export type { AnyRow, Column, Default, InsertOf, RowOf, Schema, Simplify } from './types/column.js'
export type { Json, JsonOf, StandardSchema } from './types/json.js'
export type { ByteRange, Media, MediaInput, MediaKind, MediaOptions, MediaRecord } from './types/media.js'
export type { MultiVectorInput } from './types/multi-vector.js'
export type { Uuid } from './types/scalars.js'
export { t } from './types/t.js'
export type { PlainDate } from './types/temporal.js'
export type { VectorPrecision } from './types/vector-precision.js'
