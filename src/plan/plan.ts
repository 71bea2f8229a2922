import type { Catalog } from '../catalog/catalog.js'
import type {
  From,
  HeldRows,
  OutputColumn,
  RankedRows,
  Select,
  SortKey,
  TextSearch,
  VectorSearch,
} from '../engine/engine.js'
import { QueryError } from '../errors.js'
import { conjunction } from '../expr/expression.js'
import { isOpen, type Node, transform } from '../expr/node.js'
import { describeValue } from '../types/column-type.js'
import { callsFunction } from './lower.js'
import type { QueryNode, SearchNode, SourceNode, TableNode } from './query-node.js'
import { findIndex } from './search.js'
import type { Session } from './session.js'
import { legsNode, type Ranking, readsScore, showsLegs } from './staged-search.js'
import { textSearchOf } from './text-search.js'

/** What runs in the database, and what runs in JavaScript afterwards. */
export interface Plan {
  readonly select: Select
  /** Predicates that call functions: they run over the rows that survive the database's own. */
  readonly filter: Node | undefined
  /** The result's columns, over those of `select`; undefined where those are the result already. */
  readonly output: readonly OutputColumn[] | undefined
  /** Keys that call functions: the sort is JavaScript's then. */
  readonly orderBy: readonly SortKey[] | undefined
  /** Rows to skip and to return, where the database could not. */
  readonly offset: number
  readonly limit: number
  readonly distinct: boolean
}

/** What had to be known before a query could be planned. */
export interface Prepared {
  /** The vectors that searches look for. */
  readonly vectors: ReadonlyMap<SearchNode, Float32Array>
  /** The full-text indexes of rows as they were that searches use. */
  readonly pastTexts: ReadonlyMap<SearchNode, HeldRows>
  /** What searches of several steps found. */
  readonly rankings: ReadonlyMap<SearchNode, Ranking>
  /** The rows of inner queries that JavaScript took part in. */
  readonly held: ReadonlyMap<QueryNode, HeldRows>
}

/** Plans a lowered query. A pure function of what was prepared. */
export function planQuery(session: Session, query: QueryNode, prepared: Prepared): Plan {
  const from = sourceOf(session, query, prepared)
  const ranking = query.search && prepared.rankings.get(query.search)
  const inSql = (node: Node): Node =>
    transform(node, (n) => {
      if (ranking && showsLegs(n)) return legsNode((query.from as TableNode).id, ranking)
      return n.kind === 'subquery'
        ? Object.freeze({ ...n, query: selectOf(session, n.query as QueryNode, prepared) })
        : n
    })
  const { distinct = false, groupBy } = query
  const grouped = groupBy !== undefined
  // Aggregates come after where; a condition that calls a function on a group is a having.
  // The legs of a staged search had the other conditions.
  const tests = query.search?.kind === 'staged' ? query.where.filter(readsScore) : query.where
  const where = tests.map(inSql)
  const having = (query.having ?? []).map(inSql)
  const wanted = query.select!.map(({ name, value }) => ({ name, value: inSql(value) }))
  const orderBy = query.orderBy.map((key) => ({ ...key, node: inSql(key.node) }))
  const limit = wholeNumber(query.limit, 'limit')
  const offset = wholeNumber(query.offset, 'offset')
  const kept = [...where, ...having].filter(callsFunction)
  const pushed = (tests: readonly Node[]) => conjunction(tests.filter((test) => !callsFunction(test)))
  const inJs = {
    filter: kept.length > 0,
    order: orderBy.some((key) => callsFunction(key.node)),
    output: wanted.some((column) => callsFunction(column.value)),
  }
  const base = {
    from,
    where: pushed(where),
    having: pushed(having),
    groupBy: grouped ? groupBy.map((key) => inSql(key.value)) : undefined,
  }
  if (!inJs.filter && !inJs.order && !inJs.output) {
    return {
      select: { ...base, columns: wanted, orderBy, limit, offset, distinct },
      filter: undefined,
      output: undefined,
      orderBy: undefined,
      offset: 0,
      limit: Number.POSITIVE_INFINITY,
      distinct: false,
    }
  }
  // The database fetches what the functions need; everything above the first function is JavaScript's.
  const inputs = new Inputs()
  const filter = conjunction(kept.map((predicate) => inputs.take(predicate)))
  const output = wanted.map(({ name, value }) => ({ name, value: inputs.take(value) }))
  const keys = inJs.order ? orderBy.map((key) => ({ ...key, node: inputs.take(key.node) })) : undefined
  const bounded = !inJs.filter && !inJs.order && !distinct
  return {
    select: {
      ...base,
      columns: inputs.columns,
      orderBy: inJs.order ? [] : orderBy,
      limit: bounded ? limit : undefined,
      offset: bounded ? offset : undefined,
    },
    filter,
    output,
    orderBy: keys,
    offset: bounded ? 0 : (offset ?? 0),
    limit: bounded ? Number.POSITIVE_INFINITY : (limit ?? Number.POSITIVE_INFINITY),
    distinct,
  }
}

/** An inner query as the engine runs it: itself, or the rows that it gave when JavaScript took part. */
function selectOf(session: Session, query: QueryNode, prepared: Prepared): Select {
  const rows = prepared.held.get(query)
  if (rows) {
    const id = 0
    return {
      from: { kind: 'rows', id, rows },
      columns: rows.columns.map(({ name }) => ({ name, value: { kind: 'column', table: id, name } })),
    }
  }
  const plan = planQuery(session, query, prepared)
  if (plan.output) {
    throw new QueryError(
      'the query has an inner one that runs functions of JavaScript first: its SQL is known once it runs',
    )
  }
  return plan.select
}

function sourceOf(session: Session, query: QueryNode, prepared: Prepared): From {
  const from = fromOf(session, query.from, prepared)
  if (!query.search || from.kind !== 'table') return from
  return { ...from, search: searchOf(session, query.search, query.from, prepared) }
}

function fromOf(session: Session, from: SourceNode, prepared: Prepared): From {
  switch (from.kind) {
    case 'table': {
      const catalog: Catalog = session.catalogAt(from.asOf)
      return { kind: 'table', line: catalog.lineOf(catalog.byId(from.id, from.name)), asOf: from.asOf }
    }
    case 'subquery': {
      const rows = prepared.held.get(from.query)
      if (rows) return { kind: 'rows', id: from.id, rows }
      return { kind: 'subquery', id: from.id, select: selectOf(session, from.query, prepared) }
    }
    case 'compound': {
      const { id, operator } = from
      const [left, right] = [from.left, from.right].map((side) => selectOf(session, side, prepared))
      return { kind: 'compound', id, operator, left: left!, right: right! }
    }
    case 'join': {
      const { type, on } = from
      const [left, right] = [from.left, from.right].map((side) => fromOf(session, side, prepared))
      return { kind: 'join', type, left: left!, right: right!, ...(on ? { on } : {}) }
    }
  }
}

function searchOf(
  session: Session,
  search: SearchNode,
  from: SourceNode,
  prepared: Prepared,
): VectorSearch | TextSearch | RankedRows {
  if (from.kind !== 'table') throw new QueryError('a search works on the rows of a table or view')
  if (search.kind === 'staged') {
    const ranking = prepared.rankings.get(search)
    if (!ranking) throw new QueryError('the query ranks rows in several steps: its SQL is known once it runs')
    const { rowids, scores } = ranking
    const catalog = session.catalogAt(from.asOf)
    return { kind: 'ranked', owner: catalog.byId(from.id, from.name), byScore: false, rowids, scores }
  }
  if (search.kind === 'text') {
    const held = prepared.pastTexts.get(search)
    if (from.asOf !== undefined && !held) {
      throw new QueryError('the query searches the texts of an earlier version: its SQL is known once it runs')
    }
    return textSearchOf(session, from, search, held)
  }
  const catalog = session.catalogAt(from.asOf)
  const { owner, index } = findIndex(catalog, catalog.byId(from.id, from.name), search)
  const { candidates } = search
  return { kind: 'vector', owner, index, vector: prepared.vectors.get(search) ?? new Float32Array(0), candidates }
}

/** The columns that JavaScript needs of the database. */
class Inputs {
  readonly columns: OutputColumn[] = []

  /** The expression with its largest parts that the database can compute replaced by columns of its result. */
  take(node: Node): Node {
    // A function of an element is no value; what it takes from outside is.
    if (callsFunction(node) || node.kind === 'lambda' || isOpen(node)) {
      if (!('args' in node)) return node
      return { ...node, args: node.args.map((arg) => this.take(arg)) } as Node
    }
    if (node.kind === 'literal') return node
    const name = `$${this.columns.length}`
    this.columns.push({ name, value: node })
    return { kind: 'column', table: 0, name }
  }
}

/** @throws QueryError unless it is a whole number of at least 0 */
export function wholeNumber(node: Node | undefined, what: string): number | undefined {
  if (!node) return undefined
  const value = node.kind === 'literal' ? node.value : undefined
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new QueryError(`${what}(): expected a whole number of at least 0, got ${describeValue(value)}`)
  }
  return value as number
}
