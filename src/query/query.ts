import type { ExportOptions, ExportResult } from '../compute/export.js'
import { type CsvExportOptions, exportAsBytes, exportAsText } from '../compute/file-formats.js'
import type { CompoundOperator, JoinKind, OutputColumn, SortKey } from '../engine/engine.js'
import { NotFoundError, QueryError } from '../errors.js'
import {
  type AnyExpr,
  type Arg,
  type Expr,
  type Expression,
  expression,
  isExpression,
  type Order,
  type Refs,
  subquery,
  type TypeOf,
  toNode,
} from '../expr/expression.js'
import type { Node } from '../expr/node.js'
import { outputsOf } from '../plan/columns.js'
import { collect, count, type ExecuteOptions, explain, stream, toSQL } from '../plan/execute.js'
import {
  nameOf,
  newSourceId,
  type QueryNode,
  type StagedSearchNode,
  type StageNode,
  tableOf,
} from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import { hasVector, type SearchScores, soughtColumn, soughtText, staged } from '../plan/staged-search.js'
import type { Simplify } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import { checkGrouped, checkRowWise, isAggregated } from './grouping.js'
import {
  type Clash,
  type Joined,
  type JoinOptions,
  joinQueries,
  type KindOf,
  type Prefixed,
  type PrefixOf,
} from './join.js'
import { type Condition, toPredicate } from './predicate.js'
import { outputRefs, refsOf } from './refs.js'
import { type Reranker, type RerankOptions, rerankFunction } from './rerank.js'
import { type SampleOptions, sampleOf } from './sample.js'

/** The row that an object of expressions makes. */
export type Selected<S> = { [K in keyof S]: TypeOf<S[K]> }
/** The names that an order sees: those of the output, then those of the rows. */
export type Named<R, O> = Omit<R, keyof O> & O
/** The row of a union. */
export type Either<O, O2> = { [K in keyof O]: O[K] | O2[K & keyof O2] }
/** Nothing, or the error that two queries have different columns. */
export type SameColumns<O, O2> = [keyof O, keyof O2] extends [keyof O2, keyof O]
  ? unknown
  : { readonly __error: 'both sides need the same columns' }
/** The query that a join makes. */
export type JoinQuery<L, R, K extends JoinKind> = Query<Simplify<Joined<L, R, K>>, Simplify<Joined<L, R, K>>>
/** One condition between the columns of two sides of a join. */
export type JoinCondition<L, R> = (left: Refs<L>, right: Refs<R>) => Expr<boolean | null>

/** @internal What a query is made of; for the parts of the library that take a query as an argument. */
export const internals: unique symbol = Symbol('pixeltable.query')

/** @internal */
export interface QueryInternals {
  readonly session: Session
  readonly node: QueryNode
}

/**
 * A query: immutable, lazy, chainable. Every method returns a new query; the verbs at the end of a chain (`collect`,
 * `first`, `count`, `stream` …) run it. `R` is the row that callbacks see, `O` the row that comes out, `A` the names
 * that `orderBy` and `having` see.
 *
 * The order in which clauses are called does not matter: they take effect as in SQL (`where`, `groupBy`, `having`,
 * `select`, `distinct`, `orderBy`, `offset`, `limit`). To go on with the rows that a query returns, use `subquery()`.
 *
 * @example
 * ```ts
 * import { Pixeltable, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
 * await films.insert([{ title: 'Alien', year: 1979 }, { title: 'Heat', year: 1995 }])
 * const old = films.where((c) => c.year.lt(1990)).select('title')
 * console.log(await old.collect()) // [{ title: 'Alien' }]
 * ```
 */
export class Query<in out R, in out O, in out A = R> implements AsyncIterable<Simplify<O>> {
  /** Phantom type, for inference only. */
  declare readonly $out?: O
  /** @internal */
  readonly [internals]: QueryInternals

  /** @internal */
  constructor(parts: QueryInternals) {
    this[internals] = Object.freeze(parts)
    Object.freeze(this)
  }

  /** @internal */
  [subquery](): { readonly query: object; readonly columns: number } {
    const { session, node } = this[internals]
    return { query: node, columns: outputsOf(session, node).length }
  }

  /**
   * Keeps the rows for which the condition is true. Several `where` are joined by AND.
   *
   * A condition is a callback, an object of values that columns must equal, a predicate, a test as an object, or text
   * with `?` for values: names, comparison, AND, OR, NOT, IN, LIKE, BETWEEN, IS NULL and parentheses. Text is parsed and
   * never becomes SQL itself.
   *
   * @throws QueryError when a value is `undefined`, a predicate was built and not used, or text cannot be parsed
   * @throws NotFoundError for an unknown column
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * await films.where((c) => c.year.gte(1980).and(c.title.like('A%'))).collect()
   * await films.where({ title: 'Alien' }).collect()
   * await films.where('year >= ? AND title LIKE ?', 1980, 'A%').collect()
   * ```
   */
  where(condition: string, ...values: readonly unknown[]): Query<R, O, A>
  where(condition: Condition<R>): Query<R, O, A>
  where(condition: unknown, ...values: readonly unknown[]): Query<R, O, A> {
    const { session, node } = this[internals]
    const predicate = toPredicate(condition, refsOf(session, node), values)
    checkRowWise(predicate, 'where()')
    return this.#with({ where: [...node.where, predicate] })
  }

  /**
   * Chooses what comes out: columns by name, or an object of expressions.
   * @throws NotFoundError for an unknown column
   * @throws QueryError when it is empty, or, over groups, when a value differs within a group
   */
  select<const K extends keyof R & string>(...columns: K[]): Query<R, Pick<R, K>, A>
  select<S extends Record<string, Expr<any>>>(columns: (c: Refs<R>) => S): Query<R, Selected<S>, Named<R, Selected<S>>>
  select(...columns: unknown[]): Query<R, any, any> {
    const { session, node } = this[internals]
    const chosen = chosenColumns('select()', columns, refsOf(session, node))
    const aggregated = chosen.some(({ value }) => isAggregated(value))
    // Aggregates without groupBy are over all rows.
    const groupBy = node.groupBy ?? (aggregated ? [] : undefined)
    if (groupBy) for (const { value } of chosen) checkGrouped(value, groupBy, 'select()')
    return this.#with({ select: chosen, ...(groupBy ? { groupBy } : {}) })
  }

  /**
   * Puts rows with equal keys into one group each: by columns, or by an object of expressions, whose names the
   * following callbacks know. Without `select` the keys come out.
   *
   * @throws NotFoundError for an unknown column
   * @throws QueryError when there is a `groupBy` or a `select` already
   * @example
   * ```ts
   * import { avg, count, Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { genre: t.string(), stars: t.int() })
   * await films.insert([{ genre: 'sf', stars: 5 }, { genre: 'sf', stars: 4 }, { genre: 'war', stars: 3 }])
   * const genres = films
   *   .groupBy('genre')
   *   .select((c) => ({ genre: c.genre, n: count(), mean: avg(c.stars) }))
   *   .having((c) => c.n.gt(1))
   * console.log(await genres.collect()) // [{ genre: 'sf', n: 2, mean: 4.5 }]
   * ```
   */
  groupBy<const K extends keyof R & string>(...columns: K[]): Query<R, Pick<R, K>, R>
  groupBy<S extends Record<string, Expr<any>>>(
    columns: (c: Refs<R>) => S,
  ): Query<Named<R, Selected<S>>, Selected<S>, Named<R, Selected<S>>>
  groupBy(...columns: unknown[]): Query<any, any, any> {
    const { session, node } = this[internals]
    if (node.groupBy) throw new QueryError('groupBy(): the query has groups already; group those with subquery()')
    if (node.select) throw new QueryError('groupBy() comes before select(): the output is made of the groups')
    const groupBy = chosenColumns('groupBy()', columns, refsOf(session, node))
    for (const { value } of groupBy) checkRowWise(value, 'groupBy()')
    return this.#with({ groupBy })
  }

  /**
   * Keeps the groups for which the condition is true. It sees the keys and what `select` named. Several are joined by AND.
   * @throws QueryError when the query has no groups, or a value differs within a group
   */
  having(condition: (c: Refs<A>) => Expr<boolean | null>): Query<R, O, A> {
    const { session, node } = this[internals]
    if (!node.groupBy) throw new QueryError('having() chooses groups: call groupBy(), or select aggregates, first')
    const predicate = toPredicate(condition, outputRefs(session, node))
    checkGrouped(predicate, node.groupBy, 'having()')
    return this.#with({ having: [...(node.having ?? []), predicate] })
  }

  /**
   * Sorts, by a column or by one or more keys; later calls add keys that decide ties. Nulls come last unless a key says
   * otherwise. Rows that are equal in every key keep the order in which they were inserted.
   * @throws NotFoundError for an unknown column
   */
  orderBy(column: keyof A & string, direction?: 'asc' | 'desc'): Query<R, O, A>
  orderBy(keys: (c: Refs<A>) => Order | readonly Order[]): Query<R, O, A>
  orderBy(by: string | ((c: Refs<A>) => Order | readonly Order[]), direction: 'asc' | 'desc' = 'asc'): Query<R, O, A> {
    const { session, node } = this[internals]
    const refs = outputRefs(session, node)
    if (direction !== 'asc' && direction !== 'desc') {
      throw new QueryError(`orderBy(): expected 'asc' or 'desc', got ${describeValue(direction)}`)
    }
    const keys = typeof by === 'function' ? [by(refs as never)].flat() : [refs[by]![direction]()]
    for (const key of keys) {
      if (key?.direction === undefined) {
        throw new QueryError('orderBy(): expected keys such as c.year.asc() or c.year.desc()')
      }
      if (node.groupBy) checkGrouped(key.node, node.groupBy, 'orderBy()')
    }
    return this.#with({ orderBy: [...node.orderBy, ...(keys as SortKey[])] })
  }

  /** Returns at most `n` rows, a whole number of at least 0. @throws QueryError */
  limit(n: Arg<number>): Query<R, O, A> {
    return this.#with({ limit: rowCount(n, 'limit') })
  }

  /** Skips the first `n` rows, a whole number of at least 0. @throws QueryError */
  offset(n: Arg<number>): Query<R, O, A> {
    return this.#with({ offset: rowCount(n, 'offset') })
  }

  /**
   * Keeps the rows of a search whose score is at least `min`.
   * @throws QueryError when the query makes no search, or `min` is no number
   */
  threshold(min: number): Query<R, O, A> {
    const { node } = this[internals]
    if (!node.search) throw new QueryError('threshold() bounds the score of a search: call similarity() first')
    if (typeof min !== 'number' || Number.isNaN(min)) {
      throw new QueryError(`threshold(): expected a number, got ${describeValue(min)}`)
    }
    const score = expression<AnyExpr>({ kind: 'score' })
    return this.#with({ where: [...node.where, score.gte(min).node] })
  }

  /**
   * Puts diverse rows first: one after the other, each time the best by `lambda` × relevance − (1 − `lambda`) × the
   * closeness to a row that is there already (maximal marginal relevance, Carbonell & Goldstein, SIGIR 1998). Scores stay
   * as they are. Rows are compared by their vectors in the first embedding index that the search uses.
   *
   * @param options `lambda` from 0 (diversity alone) to 1 (relevance alone), default 0.7
   * @throws QueryError when the query makes no search by vectors
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const points = await (await pxt.createTable('points', { name: t.string(), v: t.vector(2) })).addEmbeddingIndex('v')
   * await points.insert([{ name: 'a', v: [1, 0.1] }, { name: 'twin of a', v: [1, 0.11] }, { name: 'b', v: [0.6, -0.8] }])
   * const found = await points.similarity('v', [1, 0]).mmr({ lambda: 0.3 }).select('name').limit(2).collect()
   * console.log(found) // [{ name: 'a' }, { name: 'b' }]
   * ```
   */
  mmr({ lambda = 0.7 }: { readonly lambda?: number } = {}): Query<R, O, A> {
    if (!(typeof lambda === 'number' && lambda >= 0 && lambda <= 1)) {
      throw new QueryError(`mmr(): lambda: expected a number from 0 to 1, got ${describeValue(lambda)}`)
    }
    return this.#staged('mmr()', ({ legs }) => {
      if (legs.some(({ search }) => hasVector(search))) return { kind: 'mmr', lambda }
      throw new QueryError(
        'mmr(): compares rows by vectors, one a row, and the query searches none: use similarity() or hybrid()',
      )
    })
  }

  /**
   * Scores the best rows of a search anew by a model that reads query and text together (a cross-encoder), and keeps
   * those rows alone, in the new order.
   *
   * @param reranker a function of the query and the texts that gives one score a text, or a reranking model of the AI SDK
   * @param options the text of a row, unless it is the column that is searched; the query, unless the search looks for
   * text; how many rows are scored
   * @throws QueryError when there is no search, text or query; when run, if there is not one score a text
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await (await pxt.createTable('notes', { text: t.string() })).addTextIndex('text', { language: 'en' })
   * await notes.insert([{ text: 'Tea for two' }, { text: 'Brewing green tea' }])
   * const crossEncoder = async (_query: string, texts: readonly string[]) => texts.map((text) => (text.includes('green') ? 1 : 0))
   * console.log(await notes.match('text', 'tea').rerank(crossEncoder).limit(1).first()) // { text: 'Brewing green tea', score: 1 }
   * ```
   */
  rerank(reranker: Reranker, options: RerankOptions<R> = {}): Query<R, O, A> {
    const { session, node } = this[internals]
    const { text, query, candidates = 50 } = options
    checkCount('rerank(): candidates', candidates)
    const rerankWith = rerankFunction(reranker)
    return this.#staged('rerank()', (search) => {
      const refs = refsOf(session, node)
      const sought = query === undefined ? soughtText(search) : toNode(query, 'rerank()')
      if (!sought) throw new QueryError('rerank(): the search looks for no text: give it a query')
      const value = expressionIn(text ?? soughtColumn(search), refs, 'rerank(): text')
      return { kind: 'rerank', reranker: rerankWith, text: value, query: sought, top: candidates }
    })
  }

  /**
   * Gives each row of a search another score, an expression of the score and the columns, and sorts by it: a boost for
   * what is new, or a number that says how good a row is by itself.
   *
   * @throws QueryError when there is no search
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await (await pxt.createTable('notes', { text: t.string(), stars: t.int() })).addTextIndex('text')
   * await notes.insert([{ text: 'green tea', stars: 1 }, { text: 'black tea', stars: 5 }])
   * const best = notes.match('text', 'tea').rescore((c) => c.score.add(c.stars.mul(0.1)))
   * console.log(await best.limit(1).first()) // { text: 'black tea', stars: 5, score: … }
   * ```
   */
  rescore(score: (c: Refs<R>) => Expr<number | null>): Query<R, O, A> {
    const { session, node } = this[internals]
    const value = expressionIn(score, refsOf(session, node), 'rescore()')
    return this.#staged('rescore()', () => ({ kind: 'rescore', value }))
  }

  /**
   * Keeps the best rows of each document: of a view of chunks those that derive from one row of its base, or those that
   * have one value in a column or expression.
   *
   * @param count rows of a document that are kept; a whole number of at least 1. @default 1
   * @param by the column or expression that tells documents apart. @default the row of the base
   * @throws QueryError when there is no search, or the table has no base and nothing is given
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const table = await pxt.createTable('chunks', { file: t.string(), text: t.string() })
   * const chunks = await table.addTextIndex('text')
   * await chunks.insert([{ file: 'a', text: 'tea' }, { file: 'a', text: 'tea and bread' }, { file: 'b', text: 'tea time' }])
   * const found = chunks.match('text', 'tea').groupByDocument(1, 'file').select('file')
   * console.log(await found.collect()) // [{ file: 'a' }, { file: 'b' }]
   * ```
   */
  groupByDocument(count = 1, by?: (keyof R & string) | ((c: Refs<R>) => Expr<any>)): Query<R, O, A> {
    const { session, node } = this[internals]
    checkCount('groupByDocument(): count', count)
    return this.#staged('groupByDocument()', () => {
      if (by !== undefined)
        return { kind: 'best', by: expressionIn(by, refsOf(session, node), 'groupByDocument()'), count }
      const from = tableOf(node)
      const table = from && session.catalogAt(from.asOf).byId(from.id, from.name)
      if (!table?.view) {
        throw new QueryError(`groupByDocument(): '${nameOf(node.from)}' has no base: say what tells documents apart`)
      }
      return { kind: 'best', by: { kind: 'rowid', table: table.view.base }, count }
    })
  }

  /**
   * Adds a column `scores` that tells what each leg of the search said of the row: rank, raw score, normalised score, and
   * what of the query the text has. Null for a leg that did not find it.
   *
   * @throws QueryError when there is no search, or a column has that name
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await (await pxt.createTable('notes', { text: t.string() })).addTextIndex('text', { language: 'en' })
   * await notes.insert([{ text: 'Brewing green tea' }])
   * const [row] = await notes.match('text', 'brew tea').withScores().collect()
   * console.log(row?.scores.match?.rank, row?.scores.match?.terms) // 1 ['brew', 'tea']
   * ```
   */
  withScores(): Query<R, O & { scores: SearchScores }, A> {
    const { session, node } = this[internals]
    const outputs = outputsOf(session, node)
    if (outputs.some(({ name }) => name === 'scores')) {
      throw new QueryError(`withScores(): there is a column 'scores' already: select it under another name`)
    }
    const search = staged(node, 'withScores()')
    const select = [...outputs, { name: 'scores', value: { kind: 'score', part: 'legs' } as const }]
    return this.#with({ search, select }) as Query<R, any, A>
  }

  /** Leaves out rows that equal an earlier one in everything that comes out. */
  distinct(): Query<R, O, A> {
    return this.#with({ distinct: true })
  }

  /**
   * Puts the rows of another query beside those of this one: another table, this one again, or a query with its own
   * conditions, groups and limits.
   *
   * @param other the right side
   * @param on the condition, over the columns of both; or the name, or names, of columns that both have and that must
   * be equal, which then come out once; null for a cross join
   * @param options the kind of join, or the kind and a prefix for the right side's columns
   * @throws QueryError when both sides have a column of a name, or the condition does not fit the kind
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const people = await pxt.createTable('people', { id: t.int(), name: t.string(), boss: t.int().nullable() })
   * await people.insert([{ id: 1, name: 'Ada' }, { id: 2, name: 'Bo', boss: 1 }])
   * const pairs = people.join(people, (p, b) => p.boss.eq(b.id), { kind: 'left', as: 'boss' })
   * console.log(await pairs.select('name', 'boss_name').collect()) // [{ …Ada, null }, { …Bo, Ada }]
   * ```
   */
  join<R2, O2, A2, const U extends keyof O & keyof O2 & string, const T extends JoinKind | JoinOptions = 'inner'>(
    other: Query<R2, O2, A2> & Clash<O, Prefixed<O2, PrefixOf<T>>, U>,
    on: U | readonly U[],
    options?: T,
  ): JoinQuery<O, Omit<Prefixed<O2, PrefixOf<T>>, U>, KindOf<T>>
  join<R2, O2, A2, const T extends JoinKind | JoinOptions = 'inner'>(
    other: Query<R2, O2, A2> & Clash<O, Prefixed<O2, PrefixOf<T>>, never>,
    on: JoinCondition<O, O2> | null | undefined,
    options?: T,
  ): JoinQuery<O, Prefixed<O2, PrefixOf<T>>, KindOf<T>>
  join(other: Query<any, any, any>, on: unknown, options?: JoinKind | JoinOptions): Query<any, any> {
    const { session, node } = this[internals]
    return new Query({ session, node: joinQueries(session, node, this.#other(other, 'join()'), on, options) })
  }

  /** The rows of this query and of another with the same columns; equal rows once, unless `all`. @throws QueryError */
  union<R2, O2, A2>(
    other: Query<R2, O2, A2> & SameColumns<O, O2>,
    { all = false }: { readonly all?: boolean } = {},
  ): Query<Either<O, O2>, Either<O, O2>> {
    return this.#compound(all ? 'unionAll' : 'union', other)
  }

  /** The rows that both this query and another with the same columns return, once each. @throws QueryError */
  intersect<R2, O2, A2>(other: Query<R2, O2, A2> & SameColumns<O, O2>): Query<O, O> {
    return this.#compound('intersect', other)
  }

  /** The rows that this query returns and another with the same columns does not, once each. @throws QueryError */
  except<R2, O2, A2>(other: Query<R2, O2, A2> & SameColumns<O, O2>): Query<O, O> {
    return this.#compound('except', other)
  }

  /** A query over the rows that this one returns: for conditions on limited rows, windows, or groups of groups. */
  subquery(): Query<O, O> {
    const { session, node } = this[internals]
    const from = { kind: 'subquery', id: newSourceId(), query: node } as const
    return new Query({ session, node: Object.freeze({ from, where: [], orderBy: [] }) })
  }

  /**
   * A random sample of the rows: a number, a number of each stratum, or a fraction.
   *
   * @throws QueryError when the options do not fit, or the query has more than `where` and `select`
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), genre: t.string() })
   * await films.sample({ n: 10, seed: 1 }).collect()
   * await films.sample({ fraction: 0.1, stratifyBy: 'genre' }).collect()
   * ```
   */
  sample(options: SampleOptions<R>): Query<R, O, A> {
    const { session, node } = this[internals]
    if (typeof options !== 'object' || options === null) {
      throw new QueryError(`sample(): expected options such as { n: 10 }, got ${describeValue(options)}`)
    }
    const refs = refsOf(session, node)
    const strata = [options.stratifyBy ?? []].flat().map((name) => refs[name as string]!.node)
    return new Query({ session, node: Object.freeze(sampleOf(session, node, options, strata)) })
  }

  /** Runs the query and returns all its rows. */
  async collect(options: ExecuteOptions = {}): Promise<Simplify<O>[]> {
    const { session, node } = this[internals]
    return (await collect(session, node, {}, options)) as Simplify<O>[]
  }

  /** Runs the query and returns all its rows: `collect` by the name that other libraries use. */
  execute(options: ExecuteOptions = {}): Promise<Simplify<O>[]> {
    return this.collect(options)
  }

  /** The first row, or undefined when there is none. */
  async first(options: ExecuteOptions = {}): Promise<Simplify<O> | undefined> {
    const { limit } = this[internals].node
    // `limit(0).first()` has no first row.
    const bounded = limit?.kind === 'literal' && limit.value === 0 ? this : this.limit(1)
    return (await bounded.collect(options))[0]
  }

  /** The first row. @throws NotFoundError when there is none */
  async firstOrThrow(options: ExecuteOptions = {}): Promise<Simplify<O>> {
    const row = await this.first(options)
    if (row === undefined) throw new NotFoundError(`the query of '${nameOf(this[internals].node.from)}' has no rows`)
    return row
  }

  /** The first `n` rows. @param n a whole number of at least 0 */
  head(n = 10): Promise<Simplify<O>[]> {
    return this.limit(n).collect()
  }

  /**
   * The last `n` rows in the order in which they were inserted.
   * @param n a whole number of at least 0
   * @throws QueryError when the query has an order, groups or a limit, or is not over a table
   */
  async tail(n = 10): Promise<Simplify<O>[]> {
    const { from, orderBy, groupBy, distinct, limit, offset, search } = this[internals].node
    if (from.kind !== 'table' || orderBy.length > 0 || groupBy || distinct || limit || offset || search) {
      throw new QueryError(
        'tail() gives the rows of a table that were inserted last: sort the other way round, and use head()',
      )
    }
    const last: SortKey = { node: { kind: 'rowid', table: from.id }, direction: 'desc' }
    const rows = await this.#with({ orderBy: [last], limit: rowCount(n, 'tail') }).collect()
    return rows.reverse() as Simplify<O>[]
  }

  /** How many rows the query returns. */
  async count(options: ExecuteOptions = {}): Promise<number> {
    const { session, node } = this[internals]
    return count(session, node, {}, options)
  }

  /**
   * The rows one by one, read in pages: neither the connection nor the result is held in memory meanwhile. Rows of a
   * table are read by their ids, so that rows inserted meanwhile are met too; any other result is put aside first.
   */
  stream(options: ExecuteOptions = {}): AsyncGenerator<Simplify<O>, void, undefined> {
    const { session, node } = this[internals]
    return stream(session, node, {}, options) as AsyncGenerator<Simplify<O>, void, undefined>
  }

  [Symbol.asyncIterator](): AsyncGenerator<Simplify<O>, void, undefined> {
    return this.stream()
  }

  /**
   * The rows as CSV after RFC 4180: returned as text, or streamed to a file that appears when it is complete. A null is
   * an empty cell and an empty text is `""`; JSON, arrays, vectors and media are JSON, bytes are base64, timestamps
   * ISO 8601. With the same schema `importCsv` reads back the very same rows.
   *
   * @throws NotFoundError when the directory of the path does not exist
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int().nullable() })
   * await films.insert([{ title: 'Alien', year: 1979 }, { title: 'Brazil, uncut', year: null }])
   * console.log(await films.orderBy('title').toCsv())
   * ```
   */
  toCsv(options?: CsvExportOptions): Promise<string>
  toCsv(path: string | URL, options?: CsvExportOptions): Promise<ExportResult>
  toCsv(to?: string | URL | CsvExportOptions, options?: CsvExportOptions): Promise<any> {
    return exportAsText(this[internals], 'csv', to, options)
  }

  /**
   * The rows as JSON Lines, one object a line: returned as text, or streamed to a file that appears when it is complete.
   * Values are as in `toCsv`; whole numbers of any size are numbers.
   * @throws NotFoundError when the directory of the path does not exist
   */
  toJsonl(options?: ExportOptions): Promise<string>
  toJsonl(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toJsonl(to?: string | URL | ExportOptions, options?: ExportOptions): Promise<any> {
    return exportAsText(this[internals], 'jsonl', to, options as CsvExportOptions)
  }

  /**
   * The rows as one JSON array of objects; otherwise as `toJsonl`.
   * @throws NotFoundError when the directory of the path does not exist
   */
  toJson(options?: ExportOptions): Promise<string>
  toJson(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toJson(to?: string | URL | ExportOptions, options?: ExportOptions): Promise<any> {
    return exportAsText(this[internals], 'json', to, options as CsvExportOptions)
  }

  /**
   * The rows as Parquet, with the column types in its metadata: returned as bytes, or streamed to a file that appears
   * when it is complete. Vectors are lists of float32, arrays are nested lists, JSON is text of the logical type JSON.
   * `importParquet` reads back the very same rows and types.
   * @throws NotFoundError when the directory of the path does not exist
   */
  toParquet(options?: ExportOptions): Promise<Uint8Array>
  toParquet(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toParquet(to?: string | URL | ExportOptions, options?: ExportOptions): Promise<any> {
    return exportAsBytes(this[internals], 'parquet', to, options)
  }

  /**
   * The rows as an Arrow IPC stream, which DuckDB, Polars, pyarrow and `tableFromIPC` of apache-arrow read: returned as
   * bytes, or streamed to a file that appears when it is complete. The column types are in its metadata.
   *
   * @throws MissingPackageError when apache-arrow is not installed
   * @throws NotFoundError when the directory of the path does not exist
   */
  toArrow(options?: ExportOptions): Promise<Uint8Array>
  toArrow(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toArrow(to?: string | URL | ExportOptions, options?: ExportOptions): Promise<any> {
    return exportAsBytes(this[internals], 'arrow', to, options)
  }

  /** What the query does, line by line: its SQL, how the database runs it, and what runs in JavaScript. */
  async explain(): Promise<readonly string[]> {
    const { session, node } = this[internals]
    return explain(session, node, {})
  }

  /**
   * The SQL that the query runs, with its parameters. A search by text shows an empty vector, because embedding the
   * text takes the model.
   * @throws QueryError when a query inside it takes JavaScript, so that its SQL is only known when it runs
   */
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] } {
    const { session, node } = this[internals]
    return toSQL(session, node, {})
  }

  /** The query with one more stage of its search. */
  #staged(where: string, stage: (search: StagedSearchNode) => StageNode): Query<R, O, A> {
    const search = staged(this[internals].node, where)
    return this.#with({ search: Object.freeze({ ...search, stages: [...search.stages, stage(search)] }) })
  }

  #with(change: Partial<QueryNode>): Query<any, any, any> {
    const { session, node } = this[internals]
    return new Query({ session, node: Object.freeze({ ...node, ...change }) })
  }

  #other(other: unknown, where: string): QueryNode {
    if (!(other instanceof Query))
      throw new QueryError(`${where}: expected a table or a query, got ${describeValue(other)}`)
    const { session, node } = other[internals]
    if (session !== this[internals].session) throw new QueryError(`${where}: the other query is of another database`)
    return node
  }

  #compound(operator: CompoundOperator, other: unknown): Query<any, any> {
    const { session, node: left } = this[internals]
    const right = this.#other(other, `${operator}()`)
    const names = outputsOf(session, left).map(({ name }) => name)
    const found = outputsOf(session, right)
    const select = names.flatMap((name) => found.filter((column) => column.name === name))
    if (select.length !== names.length || found.length !== names.length) {
      throw new QueryError(
        `${operator}(): both sides need the same columns, got ${names.join(', ')} and ${found.map(({ name }) => name).join(', ')}`,
      )
    }
    const from = { kind: 'compound', id: newSourceId(), operator, left, right: { ...right, select } } as const
    return new Query({ session, node: Object.freeze({ from, where: [], orderBy: [] }) })
  }
}

/** Columns that were chosen by name, or as an object of expressions. */
function chosenColumns(where: string, columns: readonly unknown[], refs: Record<string, Expression>): OutputColumn[] {
  const [first] = columns
  const chosen =
    typeof first === 'function'
      ? Object.entries(first(refs) as Record<string, unknown>)
      : columns.map((name) => [name as string, refs[name as string]] as const)
  if (chosen.length === 0) throw new QueryError(`${where}: expected at least one column`)
  return chosen.map(([name, value]) => {
    if (!isExpression(value)) {
      throw new QueryError(`${where}: '${String(name)}': expected an expression, got ${describeValue(value)}`)
    }
    return { name, value: value.node }
  })
}

/** An expression that is given as such, by a callback, or as the name of a column. */
function expressionIn(given: unknown, refs: Record<string, Expression>, where: string): Node {
  const value: unknown = typeof given === 'function' ? given(refs) : typeof given === 'string' ? refs[given] : given
  if (isExpression(value)) return value.node
  throw new QueryError(`${where}: expected an expression, got ${describeValue(value)}`)
}

/** @throws QueryError unless it is a whole number of at least 1 */
function checkCount(what: string, count: unknown): void {
  if (Number.isSafeInteger(count) && (count as number) >= 1) return
  throw new QueryError(`${what}: expected a whole number of at least 1, got ${describeValue(count)}`)
}

/** A limit or offset: a whole number now, or a parameter that will be one. */
function rowCount(n: unknown, what: string): Node {
  if (!isExpression(n) && !(Number.isSafeInteger(n) && (n as number) >= 0)) {
    throw new QueryError(`${what}(): expected a whole number of at least 0, got ${describeValue(n)}`)
  }
  return toNode(n, `${what}()`)
}
