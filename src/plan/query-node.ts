import type { OutputColumn } from '../engine/engine.js'
import type { Node } from '../expr/node.js'
import type { Sorting } from '../expr/operators/index.js'

/** A query as its builder holds it: frozen, over one table or view. */
export interface QueryNode {
  /** Id of the table or view. */
  readonly table: number
  /** Its name when the query was built, for messages. */
  readonly tableName: string
  /** All must hold. */
  readonly where: readonly Node[]
  readonly search?: SearchNode
  /** What to return; undefined for every column that the table shows, and the score of a search. */
  readonly select?: readonly OutputColumn[]
  readonly orderBy: readonly SortKey[]
  readonly limit?: Node
  readonly offset?: Node
  readonly distinct?: boolean
}

export interface SortKey extends Sorting {
  readonly node: Node
}

/** A search by similarity. */
export interface SearchNode {
  readonly column: string
  /** The index to use, where it was named. */
  readonly index?: string
  /** Text, a vector or image bytes; or a parameter that will be one of them. */
  readonly query: Node
  /** The name of the score in the result. */
  readonly as: string
}
