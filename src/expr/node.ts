import type { ScalarFunction } from './function.js'

/**
 * Expression nodes: frozen, plain, and free of types, so that the planner, the compilers and the evaluator can walk
 * them. Users never see them; they chain the wrappers of `expression.ts`.
 */
export type Node =
  | ColumnNode
  | RowidNode
  | ScoreNode
  | LiteralNode
  | ParameterNode
  | CallNode
  | FunctionNode
  | FragmentNode
  | LambdaNode
  | ItemNode

/** A column of the table or view with this id, or of one of its bases. */
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
}

/** A value. It is always bound, never written into SQL text. */
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
}

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

/** Names of the columns that the tree reads. */
export function columnsIn(node: Node): Set<string> {
  const names = new Set<string>()
  visit(node, (n) => {
    if (n.kind === 'column') names.add(n.name)
  })
  return names
}

/** Whether the tree uses an element of a lambda that encloses it, so that it has no value by itself. */
export function isOpen(node: Node, bound: readonly number[] = []): boolean {
  if (node.kind === 'item') return !bound.includes(node.depth)
  const inside = node.kind === 'lambda' ? [...bound, node.depth] : bound
  return childrenOf(node).some((child) => isOpen(child, inside))
}

/** A literal node. */
export const literal = (value: unknown): LiteralNode => Object.freeze({ kind: 'literal', value })
