import { QueryError } from '../errors.js'
import { conjunction } from '../expr/expression.js'
import { columnNode, type Node, type SubqueryNode, some, transform } from '../expr/node.js'
import { outputsOf } from './columns.js'
import {
  type LegSearchNode,
  newSourceId,
  type QueryNode,
  type SearchNode,
  type SourceNode,
  type StageNode,
} from './query-node.js'
import type { Session } from './session.js'
import { matchedTerms } from './text-search.js'

/** Values of the parameters of a query function, by name. */
export type Parameters = Readonly<Record<string, unknown>>

/** Whether an expression calls a function, which only JavaScript can. */
export const callsFunction = (node: Node): boolean => some(node, (n) => n.kind === 'function')

/** Whether an expression takes a value from several rows. */
export const isFolded = (node: Node): boolean => some(node, (n) => n.kind === 'aggregate' || n.kind === 'window')

/** The predicates that an AND joins. */
export function conjuncts(node: Node): Node[] {
  return node.kind === 'call' && node.operator === 'and' ? node.args.flatMap(conjuncts) : [node]
}

/**
 * The query with everything looked up that does not take the database: parameters have their values, unstored columns
 * are what computes them, the output is listed. Where groups, windows or tests against other queries are made of what
 * functions compute, the rows with what those gave become a query of their own, so that what is above is all SQL.
 */
export function lower(session: Session, query: QueryNode, parameters: Parameters): QueryNode {
  const catalog = query.from.kind === 'table' ? session.catalogAt(query.from.asOf) : undefined
  let { search } = query
  const bound = (node: Node): Node =>
    transform(catalog ? catalog.expand(node) : node, (n) => {
      if (n.kind === 'parameter') return bindParameters(n, parameters)
      if (n.kind === 'terms') return matchedTerms(session, { ...query, ...(search ? { search } : {}) })
      if (n.kind !== 'subquery') return n
      const inner: SubqueryNode = { ...n, query: lower(session, n.query as QueryNode, parameters) }
      return Object.freeze(inner)
    })
  search &&= bindSearch(search, parameters, bound)
  const outputs = (columns: readonly { name: string; value: Node }[]) =>
    columns.map(({ name, value }) => ({ name, value: bound(value) }))
  const { from, filters } = lowerSource(session, query.from, parameters, bound)
  const lowered: QueryNode = {
    ...query,
    from,
    where: [...filters, ...query.where.map(bound)].flatMap(conjuncts),
    ...(search ? { search } : {}),
    ...(query.groupBy ? { groupBy: outputs(query.groupBy) } : {}),
    ...(query.having ? { having: query.having.map(bound).flatMap(conjuncts) } : {}),
    select: outputs(outputsOf(session, query)),
    orderBy: query.orderBy.map((key) => ({ ...key, node: bound(key.node) })),
    ...(query.limit ? { limit: bound(query.limit) } : {}),
    ...(query.offset ? { offset: bound(query.offset) } : {}),
  }
  return computesBelow(lowered) ? withComputedRows(lowered) : lowered
}

function lowerSource(
  session: Session,
  from: SourceNode,
  parameters: Parameters,
  bound: (node: Node) => Node,
): { from: SourceNode; filters: readonly Node[] } {
  switch (from.kind) {
    case 'table':
      return { from, filters: [] }
    case 'subquery':
      return { from: { ...from, query: lower(session, from.query, parameters) }, filters: [] }
    case 'compound': {
      const left = lower(session, from.left, parameters)
      const right = lower(session, from.right, parameters)
      return { from: { ...from, left, right }, filters: [] }
    }
    case 'join': {
      const left = lowerSource(session, from.left, parameters, bound)
      const right = lowerSource(session, from.right, parameters, bound)
      const on = from.on && conjuncts(bound(from.on))
      const called = on?.filter(callsFunction) ?? []
      if (called.length > 0 && from.type !== 'inner') {
        throw new QueryError(
          `join(): a ${from.type} join cannot depend on a function of JavaScript: select what it computes on one side first`,
        )
      }
      const rest = conjunction(on?.filter((test) => !callsFunction(test)) ?? [])
      const { on: _on, ...join } = from
      // Without a condition left, every pair is tried.
      const type = on && !rest ? 'cross' : from.type
      return {
        from: { ...join, type, left: left.from, right: right.from, ...(rest ? { on: rest } : {}) },
        filters: [...left.filters, ...right.filters, ...called],
      }
    }
  }
}

/** Whether groups, windows or tests against other queries are made of what functions compute. */
function computesBelow({ where, groupBy, select = [], having = [], orderBy }: QueryNode): boolean {
  const above = [...select.map((c) => c.value), ...having, ...orderBy.map((key) => key.node)]
  if ([...where, ...above].some(testsComputed)) return true
  if (groupBy === undefined && !above.some(isFolded)) return false
  const below = [...where, ...(groupBy ?? []).map((key) => key.value)]
  const takesFunction = (node: Node): boolean => isFold(node) && node.args.some(callsFunction)
  return below.some(callsFunction) || above.some((node) => some(node, takesFunction))
}

const isFold = (node: Node) => node.kind === 'aggregate' || node.kind === 'window'

/** Whether an expression looks for what a function computes among the rows of another query. */
const testsComputed = (node: Node): boolean =>
  some(node, (n) => n.kind === 'subquery' && n.args.some((arg) => callsFunction(arg)))

/** The same query over rows that already have what functions compute of them. */
function withComputedRows(query: QueryNode): QueryNode {
  const id = newSourceId()
  const inputs: { name: string; value: Node }[] = []
  const known = new Map<string, Node>()
  const keys = new Set((query.groupBy ?? []).map((key) => JSON.stringify(key.value, replacer)))
  const take = (node: Node): Node => {
    const text = JSON.stringify(node, replacer)
    const before = known.get(text)
    if (before) return before
    const name = `$${inputs.length}`
    inputs.push({ name, value: node })
    const column = columnNode(id, name)
    known.set(text, column)
    return column
  }
  const lift = (node: Node): Node => {
    const isInput = ['column', 'rowid', 'score', 'cellError'].includes(node.kind)
    if (isInput || (node.kind === 'function' && !isFolded(node)) || keys.has(JSON.stringify(node, replacer)))
      return take(node)
    if (!('args' in node)) return node
    return Object.freeze({ ...node, args: node.args.map(lift) }) as Node
  }
  const outputs = (columns: readonly { name: string; value: Node }[]) =>
    columns.map(({ name, value }) => ({ name, value: lift(value) }))
  const { from, where, search, ...rest } = query
  const outer = {
    ...rest,
    where: where.filter(testsComputed).map(lift),
    ...(query.groupBy ? { groupBy: outputs(query.groupBy) } : {}),
    ...(query.having ? { having: query.having.map(lift) } : {}),
    select: outputs(query.select ?? []),
    orderBy: query.orderBy.map((key) => ({ ...key, node: lift(key.node) })),
  }
  const before = where.filter((test) => !testsComputed(test))
  const inner: QueryNode = { from, where: before, ...(search ? { search } : {}), select: inputs, orderBy: [] }
  return { ...outer, from: { kind: 'subquery', id, query: inner } }
}

/** Functions are told apart by name. */
function replacer(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  return typeof value === 'function' ? undefined : value
}

function bindSearch(search: SearchNode, parameters: Parameters, bound: (node: Node) => Node): SearchNode {
  if (search.kind !== 'staged') return { ...search, query: bindParameters(search.query, parameters) }
  const legs = search.legs.map((leg) => ({
    ...leg,
    search: bindSearch(leg.search, parameters, bound) as LegSearchNode,
  }))
  return { ...search, legs, stages: search.stages.map((stage) => bindStage(stage, bound)) }
}

function bindStage(stage: StageNode, bound: (node: Node) => Node): StageNode {
  switch (stage.kind) {
    case 'mmr':
      return stage
    case 'rerank':
      return { ...stage, text: bound(stage.text), query: bound(stage.query) }
    case 'rescore':
      return { ...stage, value: bound(stage.value) }
    case 'best':
      return { ...stage, by: bound(stage.by) }
  }
}

const bindParameters = (node: Node, parameters: Parameters): Node =>
  transform(node, (n) =>
    n.kind === 'parameter' ? Object.freeze({ kind: 'literal', value: parameterOf(n.name, parameters) }) : n,
  )

function parameterOf(name: string, parameters: Parameters): unknown {
  if (Object.hasOwn(parameters, name)) return parameters[name]
  throw new QueryError(`the parameter '${name}' of the query function has no value here`)
}
