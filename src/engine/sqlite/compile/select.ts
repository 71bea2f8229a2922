import type { TableDefinition } from '../../../catalog/definition.js'
import type { AggregateFunction } from '../../../expr/function.js'
import type { Node } from '../../../expr/node.js'
import type { ColumnType } from '../../../types/column-type.js'
import type { CompiledQuery, RankedRows, Select, SortKey, TableSource, TextSearch, VectorSearch } from '../../engine.js'
import { bind, Fragment, join, quote, sql } from '../fragment.js'
import type { Operand as Typed } from '../operators.js'
import { sortKey } from './aggregate.js'
import { ExpressionCompiler } from './expression.js'
import { type Source, sourceOf, TableRows } from './source.js'

/** SQL of a query, with the types that decode its columns. */
export interface CompiledSelect extends CompiledQuery {
  readonly types: readonly ColumnType[]
  /** The user's own aggregates that it calls. */
  readonly aggregates: readonly UsedAggregate[]
}

/** A user's aggregate, and the name that it has in the SQL. */
export interface UsedAggregate {
  readonly name: string
  readonly fn: AggregateFunction
  readonly types: readonly ColumnType[]
  readonly window: boolean
}

/** Compiles a query. A pure function. */
export function compileSelect(select: Select): CompiledSelect {
  const compilation = new Compilation()
  const { sql: text, columns } = compilation.select(select)
  return {
    sql: text.sql,
    params: text.params,
    types: columns.map((column) => column.type),
    aggregates: compilation.aggregates,
  }
}

/** Compiles the number of rows that a query has. */
export function compileCount(select: Select): CompiledQuery & Pick<CompiledSelect, 'aggregates'> {
  const compilation = new Compilation()
  const { distinct, groupBy, limit, offset } = select
  const whole = distinct || groupBy || limit !== undefined || offset !== undefined
  const { sql: text, params } = whole
    ? sql`SELECT count(*) FROM (${compilation.select(select).sql})`
    : compilation.count(select)
  return { sql: text, params, aggregates: compilation.aggregates }
}

/**
 * Compiles the statement that fills a column with what an expression over the same row gives, for a range of row ids:
 * its last two parameters.
 */
export function compileFill(table: TableDefinition, column: string, value: Node): CompiledQuery {
  const compilation = new Compilation()
  const source = new TableRows({ kind: 'table', line: [table] }, 't')
  const { sql: text } = new ExpressionCompiler(source, compilation, undefined).compile(value)
  return sql`UPDATE ${quote(table.name)} AS ${source.alias(0)} SET ${quote(column)} = ${text} WHERE _rowid BETWEEN ? AND ?`
}

/** One statement with all the queries in it. */
export class Compilation {
  readonly aggregates: UsedAggregate[] = []
  #queries = 0

  /** @param outer the query around this one, whose columns it can use */
  select(select: Select, outer?: ExpressionCompiler): { sql: Fragment; columns: readonly NamedType[] } {
    return new SelectCompiler(select, this, this.#prefix(), outer).compile()
  }

  count(select: Select): Fragment {
    return new SelectCompiler(select, this, this.#prefix(), undefined).compileCount()
  }

  /** What chooses rows of sources that are still being put together. */
  filter(node: Node, source: Source): Fragment {
    return new ExpressionCompiler(source, this, undefined).filter(node)
  }

  /** The name of a user's aggregate in this statement. */
  nameOf(fn: AggregateFunction, types: readonly ColumnType[], window: boolean): string {
    const name = `pxt_${window ? 'window' : 'aggregate'} ${fn.name}@${fn.version} ${types.map((type) => type.name).join()}`
    this.aggregates.push({ name, fn, types, window })
    return quote(name)
  }

  #prefix(): string {
    return this.#queries++ === 0 ? 't' : `q${this.#queries}_`
  }
}

interface NamedType {
  readonly name: string
  readonly type: ColumnType<any>
}

class SelectCompiler {
  readonly #select: Select
  readonly #source: Source
  readonly #expressions: ExpressionCompiler

  constructor(select: Select, compilation: Compilation, prefix: string, outer: ExpressionCompiler | undefined) {
    this.#select = select
    this.#source = sourceOf(select.from, prefix, compilation)
    this.#expressions = new ExpressionCompiler(this.#source, compilation, outer)
    this.#expressions.grouped = select.groupBy !== undefined
  }

  compile(): { sql: Fragment; columns: NamedType[] } {
    const { from, groupBy, columns } = this.#select
    const ranked = from.kind === 'table' && from.search && !groupBy && this.#source instanceof TableRows
    const { sql: text, typed } = ranked ? this.#compileSearch(from, from.search!, this.#source) : this.#compilePlain()
    return { sql: text, columns: typed.map(({ type }, i) => ({ name: columns[i]!.name, type })) }
  }

  compileCount(): Fragment {
    this.#expressions.score = this.#score()
    const where = this.#where()
    return sql`SELECT count(*) FROM ${this.#source.from()}${where}`
  }

  #compilePlain(): { sql: Fragment; typed: Typed[] } {
    const { orderBy = [], groupBy, having, distinct, limit, offset } = this.#select
    this.#expressions.score = this.#score()
    const typed = this.#select.columns.map(({ value }) => this.#expressions.compile(value))
    const where = this.#where()
    const groups = groupBy?.length
      ? sql` GROUP BY ${join(
          groupBy.map((key) => this.#expressions.compile(key).sql),
          ', ',
        )}`
      : new Fragment('')
    const filter = having ? sql` HAVING ${this.#expressions.condition(having)}` : new Fragment('')
    const order = orderBy.map((key) => this.#order(key))
    // Without a tie-break, pages of equal keys could overlap.
    if (!distinct && !groupBy) order.push(...this.#source.ties())
    const text = sql`SELECT ${distinct ? 'DISTINCT ' : ''}${this.#list(typed)} FROM ${this.#source.from()}${where}${groups}${filter}${orderOf(order)}${limits(limit, offset)}`
    return { sql: text, typed }
  }

  /**
   * Ranks first, over the row id and the score alone, and fetches the columns of the rows that remain: sorting whole
   * rows would carry every text along.
   */
  #compileSearch(
    from: TableSource,
    search: VectorSearch | TextSearch | RankedRows,
    source: TableRows,
  ): { sql: Fragment; typed: Typed[] } {
    const { orderBy = [], distinct, limit, offset } = this.#select
    const byScore = orderBy.length === 0 && !distinct
    const score = scoreOf(search)
    this.#expressions.score = score
    const where = this.#where()
    const row = source.alias(0)
    const isWhole = from.asOf === undefined || search.kind !== 'vector'
    const unfiltered = where.sql === '' && isWhole && source.level(search.owner.id) === 0
    const what = search.kind === 'ranked' ? sql`${score} AS score, x.position AS position` : sql`${score} AS score`
    const found = unfiltered
      ? sql`SELECT x._rowid AS id, ${what} FROM ${source.searched(search)}`
      : sql`SELECT ${row}._rowid AS id, ${what} FROM ${source.from()}${where}`
    const best = search.kind === 'ranked' && !search.byScore ? 'position' : 'score DESC'
    const ranked = byScore ? sql`${found} ORDER BY ${best}, id${limits(limit, offset)}` : found
    // From here on the score is known, and the vectors are not needed.
    const rows = new TableRows({ kind: 'table', line: from.line, asOf: from.asOf }, row.slice(0, -1))
    const expressions = this.#expressions.over(rows)
    expressions.score = new Fragment('ranked.score')
    const typed = this.#select.columns.map(({ value }) => expressions.compile(value))
    const order = orderBy.map((key) => orderKey(expressions, key))
    const ties = distinct ? [] : byScore ? [`ranked.${best}`, 'ranked.id'] : ['ranked.id']
    const keys = [...order, ...ties.map((key) => new Fragment(key))]
    const text = sql`SELECT ${distinct ? 'DISTINCT ' : ''}${this.#list(typed)} FROM (${ranked}) AS ranked CROSS JOIN ${rows.from()} WHERE ${row}._rowid = ranked.id${orderOf(keys)}${byScore ? '' : limits(limit, offset)}`
    return { sql: text, typed }
  }

  #score(): Fragment | undefined {
    const { from } = this.#select
    return from.kind === 'table' && from.search ? scoreOf(from.search) : undefined
  }

  #list(columns: readonly Typed[]): Fragment {
    if (columns.length === 0) return new Fragment('1')
    return join(
      columns.map((column, i) => sql`${column.sql} AS ${quote(this.#select.columns[i]!.name)}`),
      ', ',
    )
  }

  #order(key: SortKey): Fragment {
    return orderKey(this.#expressions, key)
  }

  #where(): Fragment {
    const { where, keys, after } = this.#select
    const conditions: Fragment[] = []
    const row = this.#source instanceof TableRows ? this.#source.alias(0) : ''
    if (where) conditions.push(this.#expressions.filter(where))
    if (keys) {
      const key = keys.of === 'row' ? '_rowid' : '_base'
      conditions.push(sql`${row}.${key} IN (SELECT value FROM json_each(${bind(JSON.stringify(keys.ids))}))`)
    }
    if (after !== undefined) conditions.push(sql`${this.#source.ties()[0]!} > ${bind(after)}`)
    return conditions.length === 0 ? new Fragment('') : sql` WHERE ${join(conditions, ' AND ')}`
  }
}

/** Nulls come last in both directions unless the key says otherwise, as in the evaluator. */
function orderKey(expressions: ExpressionCompiler, { node, ...sorting }: SortKey): Fragment {
  return sortKey(expressions.compile(node), sorting)
}

const orderOf = (keys: readonly Fragment[]): Fragment =>
  keys.length === 0 ? new Fragment('') : sql` ORDER BY ${join(keys, ', ')}`

/** The score of a search; higher is better whatever the metric. */
function scoreOf(search: VectorSearch | TextSearch | RankedRows): Fragment {
  if (search.kind !== 'vector') return new Fragment('x.score')
  const { index, vector } = search
  const query = bind(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
  if (index.multi) return sql`pxt_maxsim(x.vector, ${query}, ${bind(index.dimensions ?? 1)}, ${bind(index.metric)})`
  switch (index.metric) {
    case 'cosine':
      // A vector of zeros has no direction, hence no distance.
      return sql`coalesce(1 - vec_distance_cosine(x.vector, ${query}), 0)`
    case 'euclidean':
      return sql`(1 / (1 + vec_distance_L2(x.vector, ${query})))`
    case 'inner_product':
      return sql`pxt_dot(x.vector, ${query})`
  }
}

function limits(limit: number | undefined, offset: number | undefined): Fragment {
  if (limit === undefined && offset === undefined) return new Fragment('')
  // SQLite has no OFFSET without a LIMIT; −1 is none.
  return sql` LIMIT ${bind(limit ?? -1)}${offset === undefined ? '' : sql` OFFSET ${bind(offset)}`}`
}
