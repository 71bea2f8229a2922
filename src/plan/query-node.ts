import type { CompoundOperator, JoinKind, OutputColumn, SortKey } from '../engine/engine.js'
import type { Node } from '../expr/node.js'
import type { Fusion } from '../search/fusion/fuse.js'
import type { TextOperator } from '../text/index.js'

/** A query as its builder holds it: frozen, and independent of how it will be run. */
export interface QueryNode {
  readonly from: SourceNode
  /** All must hold. */
  readonly where: readonly Node[]
  readonly search?: SearchNode
  /** The keys of groups, with their names; an empty list is one group of all rows. */
  readonly groupBy?: readonly OutputColumn[]
  /** All must hold for a group. */
  readonly having?: readonly Node[]
  /** What to return; undefined for every column that the source shows, and the score of a search. */
  readonly select?: readonly OutputColumn[]
  readonly orderBy: readonly SortKey[]
  readonly limit?: Node
  readonly offset?: Node
  readonly distinct?: boolean
}

/** Where the rows of a query come from. */
export type SourceNode = TableNode | DerivedNode | JoinNode | CompoundNode

/** A table or view, or a snapshot of one. */
export interface TableNode {
  readonly kind: 'table'
  readonly id: number
  /** Its name when the query was built, for messages. */
  readonly name: string
  /** The version that is read; the current one when undefined. */
  readonly asOf?: number
  /** The name of the snapshot, where the rows are one's. */
  readonly snapshot?: string
}

/** The rows of another query, whose columns are reached through `column` nodes with this id. */
export interface DerivedNode {
  readonly kind: 'subquery'
  readonly id: number
  readonly query: QueryNode
}

/** Two sources side by side. */
export interface JoinNode {
  readonly kind: 'join'
  readonly type: JoinKind
  readonly left: SourceNode
  readonly right: SourceNode
  readonly on?: Node
  /** The columns that the join shows: of the left side, then of the right. */
  readonly columns: readonly OutputColumn[]
}

/** The rows of two queries put together. */
export interface CompoundNode {
  readonly kind: 'compound'
  readonly id: number
  readonly operator: CompoundOperator
  readonly left: QueryNode
  readonly right: QueryNode
}

/** What ranks the rows of a query. */
export type SearchNode = LegSearchNode | StagedSearchNode

/** A search by similarity. */
export interface VectorSearchNode {
  readonly kind: 'vector'
  readonly column: string
  /** The index to use, where it was named. */
  readonly index?: string
  /** Whether rows have several vectors, and are ranked by MaxSim. */
  readonly multi?: true
  /** Of a MaxSim: how many rows are compared vector by vector, of those that an estimate puts first. */
  readonly candidates?: number
  /** Text, a vector (or vectors) or image bytes; or a parameter that will be one of them. */
  readonly query: Node
  /** The name of the score in the result. */
  readonly as: string
}

/** A search of a full-text index. */
export interface TextSearchNode {
  readonly kind: 'text'
  readonly columns: readonly string[]
  /** The index to use, where it was named. */
  readonly index?: string
  /** The words, or a parameter that will be them. */
  readonly query: Node
  /** How words without a sign go together. */
  readonly operator: TextOperator
  /** The name of the score in the result. */
  readonly as: string
}

/** Rows that are ranked in several steps: by one search, or by several whose lists are fused; then by stages. */
export interface StagedSearchNode {
  readonly kind: 'staged'
  readonly legs: readonly LegNode[]
  readonly fusion: Fusion
  /** Rows that each leg brings, at least. */
  readonly candidates: number
  readonly stages: readonly StageNode[]
  /** The name of the score in the result. */
  readonly as: string
}

/** One search of several. */
export interface LegNode {
  readonly name: string
  readonly weight: number
  readonly search: LegSearchNode
}

/** A search that ranks rows by itself. */
export type LegSearchNode = VectorSearchNode | TextSearchNode

/** What becomes of a ranking. */
export type StageNode =
  /** Rows that are like better ones go back. */
  | { readonly kind: 'mmr'; readonly lambda: number }
  /** A model scores the text of each row. */
  | {
      readonly kind: 'rerank'
      readonly reranker: RerankFunction
      readonly text: Node
      readonly query: Node
      readonly top: number
    }
  /** An expression of the score and the columns is the score. */
  | { readonly kind: 'rescore'; readonly value: Node }
  /** The best rows of each value of an expression. */
  | { readonly kind: 'best'; readonly by: Node; readonly count: number }

/** Scores documents by how well they answer a query; one score a document, higher is better. */
export type RerankFunction = (
  query: string,
  documents: readonly string[],
  options: { readonly signal?: AbortSignal | undefined },
) => PromiseLike<readonly number[]>

let derived = 0

/** An id for a derived source: negative, so that it is no table's. */
export const newSourceId = (): number => --derived

/** A query for rows of a table that have some values; what statements on rows are made of. */
export function tableQuery(
  table: { readonly id: number; readonly name: string },
  parts: Partial<Omit<QueryNode, 'from'>> & { readonly asOf?: number } = {},
): QueryNode {
  const { asOf, ...rest } = parts
  const from: TableNode = { kind: 'table', id: table.id, name: table.name, ...(asOf === undefined ? {} : { asOf }) }
  return { where: [], orderBy: [], ...rest, from }
}

/** The table that a query is over, where it is over one. */
export function tableOf(query: QueryNode): TableNode | undefined {
  return query.from.kind === 'table' ? query.from : undefined
}

/** A name for the rows of a source, for messages. */
export function nameOf(from: SourceNode): string {
  switch (from.kind) {
    case 'table':
      return from.snapshot ?? from.name
    case 'subquery':
      return nameOf(from.query.from)
    case 'join':
      return `${nameOf(from.left)} and ${nameOf(from.right)}`
    case 'compound':
      return `${nameOf(from.left.from)} and ${nameOf(from.right.from)}`
  }
}
