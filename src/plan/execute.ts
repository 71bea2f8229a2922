import type { Catalog, OwnedColumn } from '../catalog/catalog.js'
import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import type { CompiledQuery, OutputColumn, Select, VectorSearch } from '../engine/engine.js'
import { NotFoundError, QueryError } from '../errors.js'
import { conjunction } from '../expr/expression.js'
import { isOpen, type Node, some, transform } from '../expr/node.js'
import { compareKeys } from '../expr/operators/index.js'
import { chooseIndex, embedValues, noModelFor, queryVector } from '../search/vector-search.js'
import { describeValue } from '../types/column-type.js'
import { isMedia } from '../types/media.js'
import { CellFailure, evaluate } from './evaluate.js'
import type { QueryNode, SortKey } from './query-node.js'
import { queryKey, type Session } from './session.js'

/** Values of the parameters of a query function, by name. */
export type Parameters = Readonly<Record<string, unknown>>

/** How one execution of a query is bounded. */
export interface ExecuteOptions {
  /** Stops the query; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** One row of a result. */
export type ResultRow = Record<string, unknown>

/** What runs in the database and what runs in JavaScript afterwards. */
interface Plan {
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

/** Runs a query and returns its rows. */
export async function collect(
  session: Session,
  query: QueryNode,
  parameters: Parameters,
  options: ExecuteOptions,
): Promise<ResultRow[]> {
  const catalog = await session.catalog()
  const plan = await planQuery(session, catalog, query, parameters, options)
  options.signal?.throwIfAborted()
  return run(session, plan, options)
}

/** How many rows a query has; its limit and offset count. */
export async function count(
  session: Session,
  query: QueryNode,
  parameters: Parameters,
  options: ExecuteOptions,
): Promise<number> {
  const catalog = await session.catalog()
  const { orderBy: _orderBy, ...unordered } = query
  const plan = await planQuery(session, catalog, { ...unordered, orderBy: [] }, parameters, options)
  if (plan.filter || plan.distinct) return (await run(session, plan, options)).length
  const all = await session.engine.count(plan.select)
  const offset = plan.select.offset ?? plan.offset
  return Math.max(0, Math.min(all - offset, plan.select.limit ?? plan.limit))
}

/** Rows that a stream reads at a time. */
const pageSize = 1000

/** Runs a query page by page, holding neither the connection nor the result. */
export async function* stream(
  session: Session,
  query: QueryNode,
  parameters: Parameters,
  options: ExecuteOptions,
): AsyncGenerator<ResultRow, void, undefined> {
  const inRowOrder = !query.search && !query.distinct && query.orderBy.length === 0
  if (!inRowOrder) {
    // Ranked or sorted rows have to be known before the first can be given.
    yield* await collect(session, query, parameters, options)
    return
  }
  const { limit: _limit, offset: _offset, ...unbounded } = query
  let skip = wholeNumber(query.offset, parameters, 'offset') ?? 0
  let left = wholeNumber(query.limit, parameters, 'limit') ?? Number.POSITIVE_INFINITY
  let after = 0
  while (left > 0) {
    options.signal?.throwIfAborted()
    const catalog = await session.catalog()
    const plan = await planQuery(session, catalog, unbounded, parameters, options)
    const rowid: OutputColumn = { name: rowidKey, value: { kind: 'rowid', table: query.table } }
    const select = { ...plan.select, columns: [...plan.select.columns, rowid], limit: pageSize, after }
    const raw = await session.engine.select(select, session.decode)
    if (raw.length === 0) return
    after = raw.at(-1)!.at(-1) as number
    for (const row of await finish(plan, select.columns, raw, options)) {
      if (skip > 0) {
        skip--
        continue
      }
      delete row[rowidKey]
      yield row
      if (--left === 0) return
    }
    if (raw.length < pageSize) return
  }
}

/** The name under which a stream reads row ids; no column can have it. */
const rowidKey = '_rowid'

/** The SQL of a query. A search by text shows a null vector, because embedding takes a model. */
export function toSQL(session: Session, query: QueryNode, parameters: Parameters): CompiledQuery {
  const catalog = session.lastCatalog
  const table = tableOf(catalog, query)
  let search: VectorSearch | undefined
  if (query.search) {
    const { owner, index } = findIndex(catalog, table, query.search)
    const value = knownValue(query.search.query, parameters)
    const vector = isVector(value) ? queryVector(value, index, index.dimensions) : new Float32Array(0)
    search = { owner, index, vector }
  }
  return session.engine.compile(makePlan(catalog, table, query, parameters, search).select)
}

/** What a query does, line by line: what the database runs, what JavaScript runs, which search. */
export async function explain(session: Session, query: QueryNode, parameters: Parameters): Promise<string[]> {
  const catalog = await session.catalog()
  const plan = await planQuery(session, catalog, query, parameters, {})
  const { sql, params } = session.engine.compile(plan.select)
  const { search } = plan.select
  return [
    `SQL: ${sql}`,
    `parameters: ${params.length === 0 ? 'none' : params.map(describeValue).join(', ')}`,
    ...(await session.engine.explain(plan.select)).map((line) => `database: ${line}`),
    ...(search
      ? [`search: exact, ${search.index.metric}, index '${search.index.name}' on '${search.owner.name}', in SQL`]
      : []),
    ...(plan.filter ? ['JavaScript: filter by functions'] : []),
    ...(plan.orderBy ? ['JavaScript: sort by functions'] : []),
    ...(plan.output ? ['JavaScript: columns by functions'] : []),
  ]
}

async function planQuery(
  session: Session,
  catalog: Catalog,
  query: QueryNode,
  parameters: Parameters,
  options: ExecuteOptions,
): Promise<Plan> {
  const table = tableOf(catalog, query)
  const search = query.search && (await resolveSearch(session, catalog, table, query.search, parameters, options))
  return makePlan(catalog, table, query, parameters, search)
}

function tableOf(catalog: Catalog, query: QueryNode): TableDefinition {
  return catalog.byId(query.table, query.tableName)
}

function makePlan(
  catalog: Catalog,
  table: TableDefinition,
  query: QueryNode,
  parameters: Parameters,
  search: VectorSearch | undefined,
): Plan {
  const bindAll = (node: Node): Node => bindParameters(node, parameters)
  const where = query.where.flatMap((predicate) => conjuncts(bindAll(predicate)))
  const pushed = where.filter((predicate) => !callsFunction(predicate))
  const kept = where.filter(callsFunction)
  const wanted = (query.select ?? allColumns(catalog, table, query)).map(({ name, value }) => ({
    name,
    value: bindAll(value),
  }))
  const orderBy = query.orderBy.map((key) => ({ ...key, node: bindAll(key.node) }))
  const limit = wholeNumber(query.limit, parameters, 'limit')
  const offset = wholeNumber(query.offset, parameters, 'offset')

  const inJs = {
    filter: kept.length > 0,
    order: orderBy.some((key) => callsFunction(key.node)),
    output: wanted.some((column) => callsFunction(column.value)),
  }
  const base = { line: catalog.lineOf(table), where: conjunction(pushed), search }
  if (!inJs.filter && !inJs.order && !inJs.output) {
    return {
      select: { ...base, columns: wanted, orderBy, limit, offset, distinct: query.distinct },
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
  const bounded = !inJs.filter && !inJs.order && !query.distinct
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
    distinct: query.distinct ?? false,
  }
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

async function run(session: Session, plan: Plan, options: ExecuteOptions): Promise<ResultRow[]> {
  const raw = await session.engine.select(plan.select, session.decode)
  return finish(plan, plan.select.columns, raw, options)
}

/** JavaScript's part of a query. */
async function finish(
  plan: Plan,
  columns: readonly OutputColumn[],
  raw: unknown[][],
  options: ExecuteOptions,
): Promise<ResultRow[]> {
  if (!plan.output) return raw.map((row) => toRow(columns, row))
  let rows = raw
  if (plan.filter) {
    const keep = await values(plan.filter, columns, rows, options)
    rows = rows.filter((_, i) => keep[i] === true)
  }
  if (plan.orderBy) rows = await sort(plan.orderBy, columns, rows, options)
  rows = plan.distinct ? rows : rows.slice(plan.offset, plan.offset + plan.limit)
  const cells = await Promise.all(plan.output.map((column) => values(column.value, columns, rows, options)))
  const result = rows.map((raw, i) => {
    const row = toRow(
      plan.output!,
      cells.map((column) => column[i]),
    )
    // A stream's row ids ride along.
    const last = columns.length - 1
    if (columns[last]?.name === rowidKey) row[rowidKey] = raw[last]
    return row
  })
  return plan.distinct ? distinct(result).slice(plan.offset, plan.offset + plan.limit) : result
}

function toRow(columns: readonly OutputColumn[], cells: readonly unknown[]): ResultRow {
  const row: ResultRow = {}
  for (let i = 0; i < columns.length; i++) row[columns[i]!.name] = cells[i]
  return row
}

/** Evaluates over rows of a result. A function that fails fails the query. */
async function values(
  node: Node,
  columns: readonly OutputColumn[],
  rows: readonly unknown[][],
  { signal }: ExecuteOptions,
): Promise<readonly unknown[]> {
  const positions = new Map(columns.map((column, i) => [column.name, i]))
  const source = {
    length: rows.length,
    valuesOf(input: Node) {
      const at = positions.get((input as { name: string }).name)!
      return rows.map((row) => row[at])
    },
  }
  const cells = await evaluate(node, source, { signal, failFast: true })
  const failure = cells.find((cell) => cell instanceof CellFailure)
  if (failure instanceof CellFailure) throw failure.error
  return cells
}

async function sort(
  keys: readonly SortKey[],
  columns: readonly OutputColumn[],
  rows: readonly unknown[][],
  options: ExecuteOptions,
): Promise<unknown[][]> {
  const cells = await Promise.all(keys.map((key) => values(key.node, columns, rows, options)))
  const order = rows.map((_, i) => i)
  order.sort((a, b) => {
    for (let k = 0; k < keys.length; k++) {
      const x = cells[k]![a]
      const y = cells[k]![b]
      const difference = compareKeys(x ?? null, y ?? null, keys[k]!)
      if (difference !== 0) return difference
    }
    return a - b
  })
  return order.map((i) => rows[i]!)
}

function distinct(rows: readonly ResultRow[]): ResultRow[] {
  const seen = new Set<string>()
  return rows.filter((row) => {
    const key = JSON.stringify(Object.values(row).map((value) => (typeof value === 'bigint' ? `${value}n` : value)))
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}

/** Everything that a query without `select` returns. */
function allColumns(catalog: Catalog, table: TableDefinition, query: QueryNode): OutputColumn[] {
  const columns: OutputColumn[] = [...catalog.columnsOf(table).keys()].map((name) => ({
    name,
    value: { kind: 'column', table: table.id, name },
  }))
  if (query.search) columns.push({ name: query.search.as, value: { kind: 'score' } })
  return columns
}

async function resolveSearch(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  search: NonNullable<QueryNode['search']>,
  parameters: Parameters,
  options: ExecuteOptions,
): Promise<VectorSearch> {
  const { owner, index } = findIndex(catalog, table, search)
  const value = knownValue(search.query, parameters)
  return { owner, index, vector: await toQueryVector(session, index, value, options) }
}

/** The index that a search uses: of the table itself, else of the nearest base that has one for the column. */
export function findIndex(
  catalog: Catalog,
  table: TableDefinition,
  search: { readonly column: string; readonly index?: string },
): { owner: TableDefinition; index: IndexDefinition } {
  const columns = catalog.columnsOf(table)
  const column: OwnedColumn | undefined = columns.get(search.column)
  if (!column) {
    throw new NotFoundError(
      `'${table.name}' has no column '${search.column}'. It has: ${[...columns.keys()].join(', ')}`,
    )
  }
  const candidates = catalog
    .lineOf(table)
    .flatMap((owner) =>
      owner.indexes
        .filter(
          (index) =>
            index.column === search.column && catalog.columnsOf(owner).get(search.column)?.owner === column.owner,
        )
        .map((index) => ({ owner, index })),
    )
  const nearest = candidates.filter(({ owner }) => owner === candidates[0]!.owner)
  const pool = search.index === undefined ? nearest : candidates
  return chooseIndex(pool, table.name, search.column, search.index)
}

async function toQueryVector(
  session: Session,
  index: IndexDefinition,
  value: unknown,
  { signal }: ExecuteOptions,
): Promise<Float32Array> {
  if (isVector(value)) return queryVector(value, index, index.dimensions)
  if (!index.embedder) throw noModelFor(index, value)
  const embedder = session.embedder(index.embedder.name)
  if (!embedder) {
    throw new NotFoundError(
      `the embedding model '${index.embedder.name}' is needed to search index '${index.name}', but this program has not made it: make it before, or pass it to Pixeltable.open(path, { functions })`,
    )
  }
  const kinds = embedder.kinds ?? ['text']
  const image = value instanceof Uint8Array || isMedia(value)
  if ((typeof value !== 'string' && !image) || !kinds.includes(image ? 'image' : 'text')) throw noModelFor(index, value)
  const input = isMedia(value) ? await value.bytes() : (value as string | Uint8Array)
  const key = typeof input === 'string' ? queryKey(embedder, input) : undefined
  const cached = key === undefined ? undefined : session.queryVectors.get(key)
  if (cached) return cached
  const [vector] = await embedValues(embedder, [input], index.dimensions, { signal, failFast: true })
  if (key !== undefined) session.queryVectors.set(key, vector as Float32Array)
  return vector as Float32Array
}

/** A vector: numbers, but no bytes, which are an image. */
function isVector(value: unknown): boolean {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value && !(value instanceof Uint8Array))
}

const callsFunction = (node: Node): boolean => some(node, (n) => n.kind === 'function')

/** The predicates that an AND joins. */
function conjuncts(node: Node): Node[] {
  return node.kind === 'call' && node.operator === 'and' ? node.args.flatMap(conjuncts) : [node]
}

function bindParameters(node: Node, parameters: Parameters): Node {
  return transform(node, (n) =>
    n.kind === 'parameter' ? Object.freeze({ kind: 'literal', value: parameterOf(n.name, parameters) }) : n,
  )
}

function parameterOf(name: string, parameters: Parameters): unknown {
  if (!Object.hasOwn(parameters, name))
    throw new QueryError(`the parameter '${name}' of the query function has no value here`)
  return parameters[name]
}

/** The value of a node that must be known before the query runs. */
function knownValue(node: Node, parameters: Parameters): unknown {
  if (node.kind === 'literal') return node.value
  if (node.kind === 'parameter') return parameterOf(node.name, parameters)
  throw new QueryError(
    'similarity(): expected text, a vector, an image or a parameter of a query function, got an expression over rows',
  )
}

/** @throws QueryError unless it is a whole number of at least 0 */
function wholeNumber(node: Node | undefined, parameters: Parameters, what: string): number | undefined {
  if (!node) return undefined
  const value = knownValue(node, parameters)
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new QueryError(`${what}(): expected a whole number of at least 0, got ${describeValue(value)}`)
  }
  return value as number
}
