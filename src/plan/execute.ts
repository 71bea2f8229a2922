import type { CompiledQuery, HeldRows, Select, VectorSearch } from '../engine/engine.js'
import { visit } from '../expr/node.js'
import { describeValue } from '../types/column-type.js'
import { dynamicType, typeOfValue } from '../types/dynamic.js'
import { columnsOfQuery } from './columns.js'
import { finish, type ResultRow } from './finish.js'
import { callsFunction, isFolded, lower, type Parameters } from './lower.js'
import { type Plan, type Prepared, planQuery, wholeNumber } from './plan.js'
import type { QueryNode, SearchNode, SourceNode } from './query-node.js'
import { loadRanked, multiVectorSearch, ranked, rankedIds } from './rank.js'
import { givenVector, vectorOf } from './search.js'
import type { Session } from './session.js'
import { describeStages, type Ranking, rankStaged } from './staged-search.js'
import { holdPastTexts } from './text-search.js'

export type { ResultRow } from './finish.js'
export type { Parameters } from './lower.js'
export { findIndex } from './search.js'
export { findTextIndex } from './text-search.js'

/** How one execution of a query is bounded. */
export interface ExecuteOptions {
  /** Stops the query; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** Runs a query and returns its rows. */
export function collect(
  session: Session,
  query: QueryNode,
  parameters: Parameters,
  options: ExecuteOptions,
): Promise<ResultRow[]> {
  return withPlan(session, query, parameters, options, async (plan) => run(session, plan, options))
}

/** How many rows a query has; its limit and offset count. */
export function count(
  session: Session,
  query: QueryNode,
  parameters: Parameters,
  options: ExecuteOptions,
): Promise<number> {
  const unordered = query.limit || query.offset ? query : { ...query, orderBy: [] }
  return withPlan(session, unordered, parameters, options, async (plan) => {
    if (plan.filter || plan.distinct || plan.orderBy) return (await run(session, plan, options)).length
    const { distinct, groupBy } = plan.select
    const select = distinct || groupBy ? plan.select : { ...plan.select, columns: [] }
    return session.engine.count(select, session.decode)
  })
}

/** Rows that a stream reads at a time. */
const pageSize = 1000

/**
 * Runs a query page by page, holding neither the connection nor the result: rows of a table are read by their ids; any
 * other result is put aside by the database first. A sort or a distinct that takes JavaScript is collected.
 */
export async function* stream(
  session: Session,
  query: QueryNode,
  parameters: Parameters,
  options: ExecuteOptions,
): AsyncGenerator<ResultRow, void, undefined> {
  await begin(session, query)
  const lowered = lower(session, query, parameters)
  if (isInRowOrder(lowered)) {
    yield* pages(session, query, parameters, options)
    return
  }
  const prepared = await prepare(session, lowered, options)
  let held: HeldRows | undefined
  try {
    const plan = planQuery(session, lowered, prepared)
    // The best rows by MaxSim are few, and the database would compare all vectors at one go to find them.
    if (plan.orderBy || plan.distinct || multiVectorSearch(plan.select)) {
      yield* await run(session, plan, options)
      return
    }
    held = await session.engine.hold(plan.select, session.decode)
    const { columns } = plan.select
    let skip = plan.offset
    let left = plan.limit
    for (let after = 0; left > 0; after += pageSize) {
      options.signal?.throwIfAborted()
      const page = await session.engine.select(pageOf(held, after), session.decode)
      for (const row of await finish(
        { ...plan, offset: 0, limit: Number.POSITIVE_INFINITY },
        columns,
        page,
        options.signal,
      )) {
        if (skip > 0) skip--
        else if (left-- > 0) yield row
        else return
      }
      if (page.length < pageSize) return
    }
  } finally {
    if (held) await session.engine.release(held)
    await release(session, prepared)
  }
}

/** Held rows are numbered from 1. */
const pageOf = (rows: HeldRows, after: number): Select => ({
  from: { kind: 'rows', id: 0, rows },
  columns: rows.columns.map(({ name }) => ({ name, value: { kind: 'column', table: 0, name } })),
  limit: pageSize,
  after,
})

const isInRowOrder = ({ from, search, distinct, groupBy, orderBy, select = [] }: QueryNode): boolean =>
  from.kind === 'table' &&
  !search &&
  !distinct &&
  !groupBy &&
  orderBy.length === 0 &&
  !select.some((column) => isFolded(column.value))

async function* pages(
  session: Session,
  query: QueryNode,
  parameters: Parameters,
  options: ExecuteOptions,
): AsyncGenerator<ResultRow, void, undefined> {
  const { limit, offset, ...unbounded } = query
  const bounds = lower(session, query, parameters)
  let skip = wholeNumber(bounds.offset, 'offset') ?? 0
  let left = wholeNumber(bounds.limit, 'limit') ?? Number.POSITIVE_INFINITY
  let after = 0
  while (left > 0) {
    options.signal?.throwIfAborted()
    const page = await withPlan(session, unbounded, parameters, options, async (plan) => {
      const { from, columns } = plan.select
      const table = from.kind === 'table' ? from.line[0]!.id : 0
      const rowid = { name: '_rowid', value: { kind: 'rowid', table } } as const
      const select = { ...plan.select, columns: [...columns, rowid], limit: pageSize, after }
      const raw = await session.engine.select(select, session.decode)
      after = (raw.at(-1)?.at(-1) as number | undefined) ?? after
      return { rows: await finish(plan, columns, raw, options.signal), isLast: raw.length < pageSize }
    })
    for (const row of page.rows) {
      if (skip > 0) skip--
      else if (left-- > 0) yield row
      else return
    }
    if (page.isLast) return
  }
}

/** The SQL of a query. A search by text shows an empty vector, because embedding takes a model. */
export function toSQL(session: Session, query: QueryNode, parameters: Parameters): CompiledQuery {
  const lowered = lower(session, query, parameters)
  const vectors = new Map<SearchNode, Float32Array>()
  forEachQuery(lowered, ({ search, from }) => {
    if (search?.kind !== 'vector' || from.kind !== 'table') return
    const vector = givenVector(session, from, search)
    if (vector) vectors.set(search, vector)
  })
  return session.engine.compile(
    planQuery(session, lowered, { vectors, pastTexts: new Map(), rankings: new Map(), held: new Map() }).select,
  )
}

/** What a query does, line by line: what the database runs, what JavaScript runs, which search. */
export function explain(session: Session, query: QueryNode, parameters: Parameters): Promise<string[]> {
  return withPlan(session, query, parameters, {}, async (plan, prepared) => {
    await loadRanked(session, plan.select)
    const select = ranked(session, plan.select) ?? plan.select
    const { sql, params } = session.engine.compile(select)
    return [
      ...[...prepared.held.values()].map(
        (rows) => `JavaScript: an inner query first, held as ${rows.name} (${rows.columns.length} columns)`,
      ),
      ...(query.search?.kind === 'staged'
        ? describeStages(query.search)
        : describeSearch(session, plan.select, select)),
      `SQL: ${sql}`,
      `parameters: ${params.length === 0 ? 'none' : params.map(describeValue).join(', ')}`,
      ...(await session.engine.explain(select)).map((line) => `database: ${line}`),
      ...(plan.filter ? ['JavaScript: filter by functions'] : []),
      ...(plan.orderBy ? ['JavaScript: sort by functions'] : []),
      ...(plan.output ? ['JavaScript: columns by functions'] : []),
    ]
  })
}

function describeSearch(session: Session, { from }: Select, ran: Select): string[] {
  const search = from.kind === 'table' ? from.search : undefined
  if (!search || search.kind === 'ranked') return []
  const { index, owner } = search
  const what = search.kind === 'text' ? `words of ${search.columns.join(', ')} by BM25` : vectorSearchInWords(search)
  const rows = ran.from.kind === 'table' && ran.from.search?.kind === 'ranked' ? ran.from.search : undefined
  const held = search.kind === 'vector' && rows ? session.residentVectors.of(owner, search.index) : undefined
  const where = rows ? `in memory (${held?.form ?? 'postings'})` : 'in SQL'
  const stages = rows?.compared === undefined ? '' : `, then ${rows.compared} rows exactly`
  return [`search: ${what}, index '${index.name}' on '${owner.name}', ${where}${stages}`]
}

const vectorSearchInWords = ({ index: { multi, metric } }: VectorSearch): string =>
  `${multi ? 'MaxSim' : 'exact'}, ${metric}`

async function withPlan<T>(
  session: Session,
  query: QueryNode,
  parameters: Parameters,
  options: ExecuteOptions,
  work: (plan: Plan, prepared: Prepared) => Promise<T>,
): Promise<T> {
  await begin(session, query)
  const lowered = lower(session, query, parameters)
  const prepared = await prepare(session, lowered, options)
  try {
    options.signal?.throwIfAborted()
    return await work(planQuery(session, lowered, prepared), prepared)
  } finally {
    if (prepared.held.size > 0 || prepared.pastTexts.size > 0) await release(session, prepared)
  }
}

/** Every execution begins with the current catalog. @throws NotFoundError for a version that cannot be read */
async function begin(session: Session, query: QueryNode): Promise<void> {
  await session.catalog()
  const versions = new Set<number>()
  forEachSource(query.from, (from) => {
    if (from.kind === 'table' && from.asOf !== undefined) versions.add(from.asOf)
  })
  for (const version of versions) await session.checkVersion(version)
}

/** Embeds what searches look for, and runs the inner queries that take JavaScript, innermost first. */
async function prepare(session: Session, query: QueryNode, { signal }: ExecuteOptions): Promise<Prepared> {
  const vectors = new Map<SearchNode, Float32Array>()
  const held = new Map<QueryNode, HeldRows>()
  const pastTexts = new Map<SearchNode, HeldRows>()
  const rankings = new Map<SearchNode, Ranking>()
  const inner: QueryNode[] = []
  forEachQuery(query, (found) => inner.push(found))
  try {
    for (const found of inner) {
      const { search, from } = found
      if (search && from.kind === 'table') {
        if (search.kind === 'vector') vectors.set(search, await vectorOf(session, from, search, signal))
        else if (search.kind === 'staged') {
          const run = (leg: QueryNode) => runLowered(session, leg, { signal })
          rankings.set(search, await rankStaged(session, { ...found, search }, run, signal))
        } else {
          const past = await holdPastTexts(session, from, search)
          if (past) pastTexts.set(search, past)
        }
      }
      if (found === query || !takesJavaScript(found)) continue
      const plan = planQuery(session, found, { vectors, pastTexts, rankings, held })
      held.set(found, await holdResult(session, found, await run(session, plan, { signal })))
    }
  } catch (error) {
    await release(session, { held, pastTexts })
    throw error
  }
  return { vectors, pastTexts, rankings, held }
}

async function holdResult(session: Session, query: QueryNode, rows: readonly ResultRow[]): Promise<HeldRows> {
  const columns = columnsOfQuery(session, query).map(({ name, type }) => {
    const value = type === dynamicType ? rows.find((row) => row[name] !== null)?.[name] : undefined
    return { name, type: value === undefined ? type : typeOfValue(value) }
  })
  const values = columns.map(({ name }) => rows.map((row) => row[name]))
  return session.engine.hold({ columns, count: rows.length, values }, session.decode)
}

async function release(session: Session, { held, pastTexts }: Pick<Prepared, 'held' | 'pastTexts'>): Promise<void> {
  for (const rows of [...held.values(), ...pastTexts.values()]) await session.engine.release(rows)
}

function takesJavaScript({ where, having = [], select = [], orderBy }: QueryNode): boolean {
  return [...where, ...having, ...select.map((column) => column.value), ...orderBy.map((key) => key.node)].some(
    callsFunction,
  )
}

/** Visits a lowered query and all queries inside it, the innermost first. */
function forEachQuery(query: QueryNode, visitor: (query: QueryNode) => void): void {
  forEachSource(query.from, (from) => {
    if (from.kind === 'subquery') forEachQuery(from.query, visitor)
    if (from.kind !== 'compound') return
    forEachQuery(from.left, visitor)
    forEachQuery(from.right, visitor)
  })
  const { where, having = [], select = [], orderBy } = query
  for (const node of [...where, ...having, ...select.map((c) => c.value), ...orderBy.map((key) => key.node)]) {
    visit(node, (n) => {
      if (n.kind === 'subquery') forEachQuery(n.query as QueryNode, visitor)
    })
  }
  visitor(query)
}

/** Visits a source and the sources that it joins, but not those of queries inside. */
function forEachSource(from: SourceNode, visitor: (from: SourceNode) => void): void {
  visitor(from)
  if (from.kind !== 'join') return
  forEachSource(from.left, visitor)
  forEachSource(from.right, visitor)
}

async function runLowered(session: Session, query: QueryNode, options: ExecuteOptions): Promise<ResultRow[]> {
  const prepared = await prepare(session, query, options)
  try {
    return await run(session, planQuery(session, query, prepared), options)
  } finally {
    await release(session, prepared)
  }
}

async function run(session: Session, plan: Plan, { signal }: ExecuteOptions): Promise<ResultRow[]> {
  const raw =
    (await selectRanked(session, plan.select, signal)) ?? (await session.engine.select(plan.select, session.decode))
  return finish(plan, plan.select.columns, raw, signal)
}

/** How often a search in memory is made again because something was committed before its rows were read. */
const rankAttempts = 3

/** The rows of a search that is made in memory; undefined where the database makes it. */
async function selectRanked(
  session: Session,
  select: Select,
  signal: AbortSignal | undefined,
): Promise<unknown[][] | undefined> {
  const { residentVectors } = session
  const search = select.from.kind === 'table' ? select.from.search : undefined
  if (search?.kind === 'vector') await residentVectors.read(search.owner, search.index, signal)
  for (let attempt = 0; attempt < rankAttempts; attempt++) {
    await loadRanked(session, select)
    const { state } = residentVectors
    const query = ranked(session, select)
    if (!query) return undefined
    const rows = rankedIds(query) ?? (await session.engine.select(query, session.decode))
    if (residentVectors.isSince(state)) return rows
  }
  return undefined
}
