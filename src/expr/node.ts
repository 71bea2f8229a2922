import { isDeepStrictEqual } from 'node:util'
import type { AggregateFunction, ScalarFunction } from './function.js'
import type { Sorting } from './operators/compare.js'

/**
 * Expression nodes: frozen, plain, and free of types, so that the planner, the compilers and the evaluator can walk
 * them. Users never see them; they chain the wrappers of `expression.ts`.
 */
export type Node =
  | ColumnNode
  | RowidNode
  | ScoreNode
  | TermsNode
  | CellErrorNode
  | LiteralNode
  | ParameterNode
  | CallNode
  | FunctionNode
  | FragmentNode
  | AggregateNode
  | WindowNode
  | SubqueryNode
  | LambdaNode
  | ItemNode

/**
 * A column of the table or view with this id, or of one of its bases; or, with a negative id, of the query or join that
 * has it as a source.
 */
export interface ColumnNode {
  readonly kind: 'column'
  readonly table: number
  readonly name: string
}

/** The row id of the table or view with this id. */
export interface RowidNode {
  readonly kind: 'rowid'
  readonly table: number
}

/** The score of the search that a query makes. */
export interface ScoreNode {
  readonly kind: 'score'
  /** What each leg of a hybrid search says, and not the score itself. */
  readonly part?: 'legs'
}

/** What the text search that a query makes looks for, as JSON. */
export interface TermsNode {
  readonly kind: 'terms'
}

/** Why a computed cell has no value; null where it has one. The column is named as in `ColumnNode`. */
export interface CellErrorNode {
  readonly kind: 'cellError'
  readonly table: number
  readonly name: string
  readonly part: 'type' | 'message'
}

/** A value. It is bound and not written into SQL text, unless an index is over the expression that it is in. */
export interface LiteralNode {
  readonly kind: 'literal'
  readonly value: unknown
}

/** A parameter of a query function. */
export interface ParameterNode {
  readonly kind: 'parameter'
  readonly name: string
}

/** A built-in operator; see `operators/`. */
export interface CallNode {
  readonly kind: 'call'
  readonly operator: string
  readonly args: readonly Node[]
  /**
   * What JSON among the operands of a comparison is read as, one an operand, where it is compared with something that is
   * no JSON: values of another kind count as null.
   */
  readonly reads?: readonly (JsonKind | null)[]
}

/** What JSON is read as. */
export type JsonKind = 'number' | 'text' | 'bool'

/** A call of a user's function. */
export interface FunctionNode {
  readonly kind: 'function'
  readonly fn: ScalarFunction
  readonly args: readonly Node[]
}

/** A user's own piece of SQL around expressions: `parts[0] args[0] parts[1] …`. */
export interface FragmentNode {
  readonly kind: 'fragment'
  readonly parts: readonly string[]
  readonly args: readonly Node[]
}

/** A value for many rows: of a group, or of all. */
export interface AggregateNode {
  readonly kind: 'aggregate'
  /** A built-in aggregate; see `aggregates.ts`. */
  readonly name: string
  /** A user's own, instead. */
  readonly fn?: AggregateFunction
  /** Its arguments, then the keys that order its input. */
  readonly args: readonly Node[]
  /** How its input is ordered: one a key. By row, without. */
  readonly order: readonly Sorting[]
  /** Whether equal values count once. */
  readonly distinct?: boolean
}

/** A value for each row, from the rows around it. */
export interface WindowNode {
  readonly kind: 'window'
  /** A built-in window function or aggregate; see `aggregates.ts`. */
  readonly name: string
  readonly fn?: AggregateFunction
  /** Its arguments, then the keys of its partition, then those of its order. */
  readonly args: readonly Node[]
  /** How many of `args` are keys of the partition. */
  readonly partition: number
  readonly order: readonly Sorting[]
  readonly frame?: Frame
}

/** The rows around a row: how far back and ahead; null is all the way. */
export interface Frame {
  readonly unit: 'rows' | 'range' | 'groups'
  readonly from: number | null
  readonly to: number | null
}

/** A test against the rows of a query: that one equals `args[0]`, or that there is one. */
export interface SubqueryNode {
  readonly kind: 'subquery'
  readonly test: 'in' | 'exists'
  readonly args: readonly Node[]
  /** The query as its builder holds it, and, once planned, as the engine takes it. */
  readonly query: object
}

/** A function of an element of a list: an operand of `map`, `filter` and `sortBy`. */
export interface LambdaNode {
  readonly kind: 'lambda'
  /** How many lambdas enclose this one. */
  readonly depth: number
  /** Its body alone. */
  readonly args: readonly [Node]
}

/** The element that the enclosing lambda of this depth is at. */
export interface ItemNode {
  readonly kind: 'item'
  readonly depth: number
}

/** The nodes directly below `node`. */
export function childrenOf(node: Node): readonly Node[] {
  return 'args' in node ? node.args : []
}

/** Visits `node` and everything below it, parents first. */
export function visit(node: Node, visitor: (node: Node) => void): void {
  visitor(node)
  for (const child of childrenOf(node)) visit(child, visitor)
}

/** Whether any node in the tree satisfies `test`. */
export function some(node: Node, test: (node: Node) => boolean): boolean {
  return test(node) || childrenOf(node).some((child) => some(child, test))
}

/** The tree with `replace` applied to every node, leaves first. Parts that do not change are shared. */
export function transform(node: Node, replace: (node: Node) => Node): Node {
  if (!('args' in node)) return replace(node)
  const args = node.args.map((child) => transform(child, replace))
  return replace(args.every((arg, i) => arg === node.args[i]) ? node : (Object.freeze({ ...node, args }) as Node))
}

/**
 * Whether two trees of operators say the same; false where something else than operators, columns and constants is in
 * them.
 */
export function sameCalls(a: Node, b: Node, sameColumn: (a: ColumnNode, b: ColumnNode) => boolean): boolean {
  switch (a.kind) {
    case 'column':
      return b.kind === 'column' && sameColumn(a, b)
    case 'literal':
      return b.kind === 'literal' && isDeepStrictEqual(a.value, b.value)
    case 'item':
      return b.kind === 'item' && a.depth === b.depth
    case 'call':
    case 'lambda': {
      if (a.kind === 'call' ? b.kind !== 'call' || a.operator !== b.operator : b.kind !== 'lambda') return false
      const others = childrenOf(b)
      return a.args.length === others.length && a.args.every((arg, i) => sameCalls(arg, others[i]!, sameColumn))
    }
    default:
      return false
  }
}

/** Names of the columns that the tree reads. */
export function columnsIn(node: Node): Set<string> {
  const names = new Set<string>()
  visit(node, (n) => {
    if (n.kind === 'column') names.add(n.name)
  })
  return names
}

/** The arguments of an aggregate or window function, without the keys that order or part its input. */
export function argumentsOf(node: AggregateNode | WindowNode): readonly Node[] {
  const keys = node.order.length + (node.kind === 'window' ? node.partition : 0)
  return node.args.slice(0, node.args.length - keys)
}

/** The keys that order the input of an aggregate or window function. */
export const orderKeysOf = (node: AggregateNode | WindowNode): readonly Node[] =>
  node.order.length === 0 ? [] : node.args.slice(-node.order.length)

/** The keys that part the rows of a window function. */
export const partitionKeysOf = (node: WindowNode): readonly Node[] =>
  node.args.slice(node.args.length - node.order.length - node.partition, node.args.length - node.order.length)

/** A column node. */
export const columnNode = (table: number, name: string): ColumnNode => Object.freeze({ kind: 'column', table, name })

/** Whether the tree uses an element of a lambda that encloses it, so that it has no value by itself. */
export function isOpen(node: Node, bound: readonly number[] = []): boolean {
  if (node.kind === 'item') return !bound.includes(node.depth)
  const inside = node.kind === 'lambda' ? [...bound, node.depth] : bound
  return childrenOf(node).some((child) => isOpen(child, inside))
}

/** A literal node. */
export const literal = (value: unknown): LiteralNode => Object.freeze({ kind: 'literal', value })
