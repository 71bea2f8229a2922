import type { OutputColumn } from '../engine/engine.js'
import { type Expression, expression, makeRefs } from '../expr/expression.js'
import { columnNode, type Node } from '../expr/node.js'
import { columnsOfSource, typeIn } from '../plan/columns.js'
import { nameOf, type QueryNode, type SourceNode } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'

/** The columns of a source as a callback sees them, by name. */
export type RefRecord = Record<string, Expression>

/** The columns that conditions and outputs of a query are written in: those of its source, its score, its groups' keys. */
export function refsOf(session: Session, { from, search, groupBy = [] }: QueryNode): RefRecord {
  const named: [string, Node][] = groupBy.map(({ name, value }) => [name, value])
  if (search) named.push([search.as, { kind: 'score' }])
  return sourceRefs(session, from, named)
}

/** The names that an order or a condition on groups is written in: also those of the output. */
export function outputRefs(session: Session, query: QueryNode): RefRecord {
  const { from, search, groupBy = [], select = [] } = query
  const named: [string, Node][] = [...groupBy, ...select].map(({ name, value }) => [name, value])
  if (search) named.push([search.as, { kind: 'score' }])
  return sourceRefs(session, from, named)
}

/** The columns of a source, and others that go before them. */
export function sourceRefs(
  session: Session,
  from: SourceNode,
  named: Iterable<readonly [string, Node]> = [],
): RefRecord {
  const columns = new Map<string, Expression>()
  for (const { name, node, type } of columnsOfSource(session, from)) {
    if (name !== '_rowid') columns.set(name, expression<Expression>(node, type))
  }
  for (const [name, node] of named) columns.set(name, expression<Expression>(node, typeIn(session, from, node)))
  return makeRefs(columns, `'${nameOf(from)}'`, rowidOf(from))
}

function rowidOf(from: SourceNode): Expression | undefined {
  if (from.kind === 'table') return expression<Expression>({ kind: 'rowid', table: from.id })
  const has = from.kind === 'subquery' && from.query.select?.some(({ name }: OutputColumn) => name === '_rowid')
  return has ? expression<Expression>(columnNode(from.id, '_rowid')) : undefined
}
