import { kindOf, type TableDefinition } from '../catalog/definition.js'
import { type Coverage, coverageOf } from '../compute/coverage.js'
import { NotFoundError, QueryError, ValidationError } from '../errors.js'
import { type Arg, isExpression, type Refs, toNode } from '../expr/expression.js'
import { literal, type Node } from '../expr/node.js'
import { type Lineage, lineageOf } from '../lineage/lineage.js'
import { type Replay, type ReplayOptions, replayCell } from '../lineage/replay.js'
import { findCell } from '../lineage/stored-cell.js'
import { findIndex, findTextIndex } from '../plan/execute.js'
import {
  type LegNode,
  type LegSearchNode,
  type QueryNode,
  type StagedSearchNode,
  type TableNode,
  type TextSearchNode,
  tableOf,
  type VectorSearchNode,
} from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import { hybridDefaults, sharesOf } from '../search/fusion/leg.js'
import { describeValue } from '../types/column-type.js'
import { TableDescription } from './describe.js'
import {
  type AnyHybridLeg,
  checkLegs,
  type HybridLeg,
  type HybridOptions,
  kindOfLeg,
  legsOfColumn,
  type MaxSimInput,
  mixOf,
  type SearchInput,
  withIndex,
} from './hybrid.js'
import { internals, Query } from './query.js'
import { refsOf } from './refs.js'

/** A type error that is a sentence: there is nothing to search. */
export interface NoEmbeddingIndex {
  readonly __error: 'no embedding index on this table: call addEmbeddingIndex() first'
}

/** A type error that is a sentence: there are no words to search. */
export interface NoTextIndex {
  readonly __error: 'no text index on this table: call addTextIndex() first'
}

/** A type error that is a sentence: there are no vectors to search. */
export interface NoMultiVectorIndex {
  readonly __error: 'no multi-vector index on this table: call addMultiVectorIndex() first'
}

/** Options of `maxSim`. */
export interface MaxSimOptions<N extends string> {
  /** Name of the score in the result. @default 'score' */
  readonly as?: N
  /** The index to use, where the column has several. */
  readonly index?: string
  /**
   * How many rows are compared vector by vector, of those that an estimate puts first; a whole number of at least 1, or
   * `Infinity` for all. Never fewer than the results asked for.
   * @default as many as take a few milliseconds, from 32 to 256, and at least four for each result
   */
  readonly candidates?: number
}

/** Options of `match`. */
export interface MatchOptions<N extends string> {
  /** Name of the score in the result. @default 'score' */
  readonly as?: N
  /** The index to use, where the columns have several. */
  readonly index?: string
  /** Whether a row needs one of the words, or each of them. @default 'or' */
  readonly operator?: 'or' | 'and'
}

/** Options of `similarity`. */
export interface SimilarityOptions<N extends string> {
  /** Name of the score in the result. @default 'score' */
  readonly as?: N
}

/**
 * Rows with names and indexes: a table, a view, a snapshot, or one of them as it was at a version. It is the query for
 * all its rows, and can be searched. `X` names the columns that have an embedding index, `M` those that have a full-text
 * index, `L` those that have a multi-vector index.
 */
export class Relation<
  in out R,
  out X extends string = never,
  out M extends string = never,
  out L extends string = never,
> extends Query<R, R> {
  /** Phantom types, for inference only. */
  declare readonly $indexed?: X
  declare readonly $matched?: M
  declare readonly $multiIndexed?: L

  /** @internal */
  constructor(session: Session, rows: Rows) {
    super({ session, node: allRows(rows) })
  }

  /** The dot path. @throws NotFoundError when the table was dropped */
  get name(): string {
    return this.#source.snapshot ?? this.#definition.name
  }

  /** What this is. */
  get kind(): 'table' | 'view' | 'snapshot' {
    return this.#source.snapshot === undefined ? kindOf(this.#definition) : 'snapshot'
  }

  /** The columns as expressions, for use outside a callback. */
  get columns(): Refs<R> {
    const { session, node } = this[internals]
    return refsOf(session, node) as unknown as Refs<R>
  }

  /**
   * The rows, columns and indexes as they were at a version, or at an instant. Reading the present costs nothing for it.
   * @throws ValidationError when the version is no whole number of at least 1, or the Date is not valid
   * @throws NotFoundError when the table did not exist then; when read, if `vacuum` gave the version up
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * const { version } = await films.insert([{ title: 'Alien', year: 1978 }])
   * await films.update({ year: 1979 }).where({ title: 'Alien' }).run()
   * console.log(await films.asOf(version).collect()) // [{ title: 'Alien', year: 1978 }]
   * ```
   */
  asOf(version: number | Date): Relation<R, X, M, L> {
    const { session, node } = this[internals]
    const { id, name, asOf } = this.#source
    if (asOf !== undefined) throw new QueryError(`asOf(): '${this.name}' is a version already`)
    return new Relation(session, { id, name, asOf: toVersion(session, version, 'asOf()'), where: node.where[0] })
  }

  /** Columns, types, expressions and indexes, and what of them is pending or failed. Prints as a table. */
  describe(): TableDescription {
    const { asOf } = this.#source
    const coverage = asOf === undefined ? this.coverage() : []
    return new TableDescription(this[internals].session.catalogAt(asOf), this.#definition, coverage)
  }

  /**
   * How much of the table's own computed columns and embedding indexes is there now: done, pending and failed rows.
   *
   * @throws QueryError for an earlier version
   * @example
   * ```ts
   * import { Pixeltable, t, udf } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * const loud = await notes.addComputedColumn('loud', (c) => c.text.upper())
   * await loud.insert([{ text: 'a' }, { text: 'b' }], { compute: 'deferred' })
   * console.log(loud.coverage()) // [{ name: 'loud', kind: 'column', rows: 2, done: 0, pending: 2, failed: 0 }]
   * ```
   */
  coverage(): Coverage[] {
    const { session } = this[internals]
    if (this.#source.asOf !== undefined) throw new QueryError('coverage(): it is known of the present alone')
    return session.counts ? coverageOf(session.lastCatalog, session.counts, this.#definition) : []
  }

  /**
   * The rows ranked by how close a column's values are to a text, an image or a vector, closest first. Exact: every row
   * that a following `where` keeps is ranked, so that a filter never costs a hit. Rows whose value is null are not
   * ranked.
   *
   * @throws IndexError when the column has no embedding index, or several and none is named
   * @throws QueryError when what is looked for does not fit the index
   * @example
   * ```ts
   * import { miniEmbed, Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * const indexed = await notes.addEmbeddingIndex('text', { embed: miniEmbed() })
   * await indexed.insert([{ text: 'How to brew green tea' }, { text: 'Changing a bicycle tyre' }])
   * console.log(await indexed.similarity('text', 'hot drinks').limit(1).first())
   * ```
   */
  similarity<C extends X & keyof R, const N extends string = 'score'>(
    column: [X] extends [never] ? NoEmbeddingIndex : C,
    query: SearchInput,
    options: SimilarityOptions<N> = {},
  ): Query<R & { [K in N]: number }, R & { [K in N]: number }> {
    const { session, node } = this[internals]
    const catalog = session.catalogAt(this.#source.asOf)
    const table = this.#definition
    const name = column as unknown as string
    const as = this.#scoreName('similarity()', options.as)
    const search: VectorSearchNode = Object.freeze({ kind: 'vector', column: name, as, ...searchOf(query) })
    findIndex(catalog, table, search)
    return new Query({ session, node: Object.freeze({ ...node, search }) })
  }

  /**
   * The rows ranked by late interaction, best first: the score adds up, over the vectors of the query, how close the
   * closest vector of the row is. Rows without vectors are not ranked.
   *
   * Scores are exact, and so is the ranking as long as the rows that a following `where` keeps are no more than
   * `candidates`. Of more rows, those are compared that an estimate puts first, and one in twenty of the best may be
   * missed. That is so for a query with a `limit` and no other order; any other compares all rows, which takes long.
   * The first search reads the vectors into memory.
   *
   * @throws IndexError when the column has no multi-vector index, or several and none is named
   * @throws QueryError when what is looked for does not fit the index
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const table = await pxt.createTable('pages', { title: t.string(), patches: t.multiVector(2) })
   * const pages = await table.addMultiVectorIndex('patches')
   * await pages.insert([
   *   { title: 'both', patches: [[1, 0], [0, 1]] },
   *   { title: 'one', patches: [[1, 0], [1, 0.1]] },
   * ])
   * console.log(await pages.maxSim('patches', { vectors: [[2, 0], [0, 3]] }).select('title').limit(1).first()) // both
   * ```
   */
  maxSim<C extends L & keyof R, const N extends string = 'score'>(
    column: [L] extends [never] ? NoMultiVectorIndex : C,
    query: MaxSimInput,
    { as, index, candidates }: MaxSimOptions<N> = {},
  ): Query<R & { [K in N]: number }, R & { [K in N]: number }> {
    const { session, node } = this[internals]
    if (index !== undefined && typeof index !== 'string') {
      throw new QueryError(`maxSim(): index: expected the name of an index, got ${describeValue(index)}`)
    }
    if (candidates !== undefined && candidates !== Infinity && !(Number.isSafeInteger(candidates) && candidates >= 1)) {
      throw new QueryError(
        `maxSim(): candidates: expected a whole number of at least 1, or Infinity, got ${describeValue(candidates)}`,
      )
    }
    const search: VectorSearchNode = Object.freeze({
      kind: 'vector',
      multi: true,
      column: column as unknown as string,
      query: toNode(lookedFor(query, ['string', 'image', 'vectors'], 'maxSim()').value, 'maxSim()'),
      as: this.#scoreName('maxSim()', as),
      ...(index === undefined ? {} : { index }),
      ...(candidates === undefined ? {} : { candidates }),
    })
    findIndex(session.catalogAt(this.#source.asOf), this.#definition, search)
    return new Query({ session, node: Object.freeze({ ...node, search }) })
  }

  /**
   * The rows whose text has the words, ranked by BM25, best first. The score is higher for better rows and has no upper
   * bound. Exact: a following `where` applies before a limit, so that a filter never costs a hit.
   *
   * Any text is a query. Words are joined by OR, in English in all their forms; `"exact words"` in quotes must follow
   * each other, `+word` must be there, `-word` must not, `begin*` is the beginning of a word.
   *
   * @param columns a column of a text index, or several of the same one
   * @throws IndexError when no text index has the columns, or several have and none is named
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const table = await pxt.createTable('notes', { text: t.string(), year: t.int() })
   * const notes = await table.addTextIndex('text', { language: 'en' })
   * await notes.insert([{ text: 'Brewing green tea', year: 2024 }, { text: 'A bicycle tyre', year: 2025 }])
   * console.log(await notes.match('text', 'how to brew tea?').where({ year: 2024 }).limit(5).collect())
   * ```
   */
  match<C extends M & keyof R, const N extends string = 'score'>(
    columns: [M] extends [never] ? NoTextIndex : C | readonly [C, ...C[]],
    query: Arg<string>,
    { as, index, operator = 'or' }: MatchOptions<N> = {},
  ): Query<R & { [K in N]: number }, R & { [K in N]: number }> {
    const { session, node } = this[internals]
    if (operator !== 'or' && operator !== 'and') {
      throw new QueryError(`match(): operator: expected 'or' or 'and', got ${describeValue(operator)}`)
    }
    if (index !== undefined && typeof index !== 'string') {
      throw new QueryError(`match(): index: expected the name of an index, got ${describeValue(index)}`)
    }
    if (typeof query !== 'string' && !isExpression(query)) {
      throw new QueryError(`match(): expected text, got ${describeValue(query)}`)
    }
    const search: TextSearchNode = Object.freeze({
      kind: 'text',
      columns: Object.freeze([columns as unknown as string | string[]].flat()),
      query: toNode(query, 'match()'),
      operator,
      as: this.#scoreName('match()', as),
      ...(index === undefined ? {} : { index }),
    })
    findTextIndex(session.catalogAt(this.#source.asOf), this.#definition, search)
    return new Query({ session, node: Object.freeze({ ...node, search }) })
  }

  /**
   * The rows that several searches find, fused into one ranking: words and vectors of a column, or any legs over the
   * indexes of the table (`match`, `similarity` and `maxSim`, of different columns, models and queries). Each leg brings
   * its best rows; a following `where` applies to each of them, so that a filter never costs a hit. The score is from 0 to 1; a
   * row that is first in all legs has 1.
   *
   * @param column a column with a text index and an embedding index; or the legs
   * @param options how they are fused, and how many rows each leg brings
   * @throws IndexError when a leg has no index, or several and none is named
   * @throws QueryError when weights, legs or options do not fit
   * @example
   * ```ts
   * import { miniEmbed, Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const table = await (await pxt.createTable('notes', { title: t.string(), text: t.string() })).addTextIndex('text', { language: 'en' })
   * const notes = await table.addEmbeddingIndex('text', { embed: miniEmbed() })
   * await notes.insert([{ title: 'a', text: 'How to brew green tea' }, { title: 'b', text: 'Changing a bicycle tyre' }])
   * console.log(await notes.hybrid('text', 'hot drinks, such as tea').select('title').limit(1).first()) // { title: 'a' }
   * const legs = notes.hybrid([
   *   { match: 'text', query: 'tea', weight: 2 },
   *   { similarity: 'text', query: 'hot drinks' },
   * ])
   * console.log((await legs.withScores().first())?.scores)
   * ```
   */
  hybrid<C extends X & M & keyof R, const N extends string = 'score'>(
    column: [X] extends [never] ? NoEmbeddingIndex : [M] extends [never] ? NoTextIndex : C,
    query: Arg<string>,
    options?: HybridOptions<N> & { readonly weights?: readonly [text: number, vector: number] },
  ): Query<R & { [K in N]: number }, R & { [K in N]: number }>
  hybrid<const N extends string = 'score'>(
    legs: readonly [
      HybridLeg<X & keyof R, M & keyof R, L & keyof R>,
      ...HybridLeg<X & keyof R, M & keyof R, L & keyof R>[],
    ],
    options?: HybridOptions<N>,
  ): Query<R & { [K in N]: number }, R & { [K in N]: number }>
  hybrid(...given: unknown[]): Query<any, any> {
    const { session, node } = this[internals]
    const ofColumn = typeof given[0] === 'string'
    const options = (given[ofColumn ? 2 : 1] ?? {}) as HybridOptions<string> & { readonly weights?: readonly number[] }
    const { fusion = 'score', candidates = hybridDefaults.candidates, as, weights } = options
    if (fusion !== 'score' && fusion !== 'rrf') {
      throw new QueryError(`hybrid(): fusion: expected 'score' or 'rrf', got ${describeValue(fusion)}`)
    }
    if (!Number.isSafeInteger(candidates) || candidates < 1) {
      throw new QueryError(
        `hybrid(): candidates: expected a whole number of at least 1, got ${describeValue(candidates)}`,
      )
    }
    const legs = ofColumn ? legsOfColumn(given[0] as string, given[1] as string, weights) : checkLegs(given[0])
    const search: StagedSearchNode = Object.freeze({
      kind: 'staged',
      legs: Object.freeze(legs.map((leg, i) => this.#leg(leg, legs.slice(0, i), candidates))),
      fusion,
      candidates,
      stages: [],
      as: this.#scoreName('hybrid()', as),
    })
    sharesOf(search.legs)
    return new Query({ session, node: Object.freeze({ ...node, search }) })
  }

  /** A leg as a search of its own. */
  #leg(leg: AnyHybridLeg, before: readonly AnyHybridLeg[], candidates: number): LegNode {
    const kind = kindOfLeg(leg)
    const same = before.filter((other) => other[kind] !== undefined && other.name === undefined).length
    const name = leg.name ?? (same === 0 ? kind : `${kind}${same + 1}`)
    const index = leg.index === undefined ? {} : { index: leg.index }
    const searches: Readonly<Record<typeof kind, () => Query<any, any>>> = {
      match: () => this.match(leg.match as never, leg.query as string, index),
      similarity: () => this.similarity(leg.similarity as never, withIndex(leg.query, leg.index)),
      maxSim: () => this.maxSim(leg.maxSim as never, leg.query as MaxSimInput, { ...index, candidates }),
    }
    const found = searches[kind]()
    const weight = leg.weight ?? (kind === 'match' ? hybridDefaults.text : hybridDefaults.vector)
    return { name, weight, search: found[internals].node.search as LegSearchNode }
  }

  /**
   * `similarity` in the words of other vector databases, for people who come from them: the score is called
   * `similarity_score`, and the column may follow in `inColumn`.
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const table = await pxt.createTable('points', { name: t.string(), v: t.vector(2) })
   * const points = await table.addEmbeddingIndex('v')
   * await points.insert([{ name: 'a', v: [1, 0] }, { name: 'b', v: [0, 1] }])
   * const near = points.similaritySearch([1, 0.1]).inColumn('v').where('name <> ?', 'c').threshold(0.7).limit(5)
   * console.log((await near.execute()).map((row) => row.name)) // ['a']
   * ```
   */
  similaritySearch<C extends X & keyof R>(query: SearchInput, column: C): SimilaritySearch<R>
  similaritySearch(query: SearchInput): { inColumn<C extends X & keyof R>(column: C): SimilaritySearch<R> }
  similaritySearch(query: SearchInput, column?: unknown): unknown {
    const inColumn = (name: unknown) => this.similarity(name as never, query, { as: 'similarity_score' })
    return column === undefined ? { inColumn } : inColumn(column)
  }

  /**
   * How a cell came about: the version, time and functions that made its value, and the cells that it was made from,
   * each as it was then, up to what was given: for a chunk, the document with page and stretch of text, for which the
   * document is read again. What a function reads elsewhere (tables through `query`, the network) is not followed.
   *
   * @param rowid the row's `_rowid` in this table or view
   * @throws NotFoundError when there is no such row or column, or, on `asOf`, no such version any more
   * @throws ValidationError when the row id is no whole number of at least 1
   * @example
   * ```ts
   * import { Pixeltable, t, udf } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * const topic = udf({ name: 'topic', version: 3 }, (text: string) => (/tea|bread/i.test(text) ? 'kitchen' : 'other'))
   * const tagged = await notes.addComputedColumn('topic', (c) => topic(c.text))
   * await tagged.insert({ text: 'Tea steeps.' })
   * const lineage = await tagged.lineage(1, 'topic')
   * console.log(lineage.functions, lineage.inputs[0]?.value) // [{ name: 'topic', version: 3 }] Tea steeps.
   * console.log(lineage) // the whole tree
   * ```
   */
  async lineage(rowid: number, column: keyof R & string): Promise<Lineage> {
    const { session } = this[internals]
    return lineageOf(session, await findCell(session, this.#source, rowid, column))
  }

  /**
   * Computes a cell again, from the inputs that it was made from, and tells whether something else comes out. Nothing is
   * written, no cache is asked, and every function that the cell itself calls is called.
   *
   * @param rowid the row's `_rowid` in this table or view
   * @throws QueryError when the cell is given, or computed whenever it is read
   * @throws NotFoundError when there is no such row or column, or, on `asOf`, no such version any more
   * @throws ValidationError when the row id is no whole number of at least 1
   * @example
   * ```ts
   * import { Pixeltable, t, udf } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * const size = (version: number) => udf({ name: 'size', version }, (text: string) => text.length * version)
   * const sized = await notes.addComputedColumn('size', (c) => size(1)(c.text))
   * await sized.insert({ text: 'tea' })
   * console.log((await sized.replay(1, 'size')).differs) // false
   * size(2)
   * const { value, replayed, functions } = await (await pxt.getTable('notes')).replay(1, 'size')
   * console.log(value, replayed, functions) // 3 6 [{ name: 'size', recorded: 1, current: 2 }]
   * ```
   */
  async replay(rowid: number, column: keyof R & string, options: ReplayOptions = {}): Promise<Replay> {
    const { session } = this[internals]
    return replayCell(session, await findCell(session, this.#source, rowid, column), options)
  }

  /** @throws QueryError when a column has the name of the score */
  #scoreName(where: string, as = 'score'): string {
    const { session } = this[internals]
    const table = this.#definition
    if (session.catalogAt(this.#source.asOf).columnsOf(table).has(as)) {
      throw new QueryError(`${where}: '${table.name}' has a column '${as}': name the score with { as: '…' }`)
    }
    return as
  }

  get #definition(): TableDefinition {
    const { id, name, asOf } = this.#source
    return this[internals].session.catalogAt(asOf).byId(id, name)
  }

  get #source(): TableNode {
    return tableOf(this[internals].node)!
  }
}

/** The query that `similaritySearch` makes. */
export type SimilaritySearch<R> = Query<R & { similarity_score: number }, R & { similarity_score: number }>

/** A version that a user gave, or the last one at an instant. @throws ValidationError, NotFoundError */
export function toVersion(session: Session, given: unknown, where: string): number {
  if (given instanceof Date && !Number.isNaN(given.getTime())) {
    const version = session.versionAt(given)
    if (version === 0) throw new NotFoundError(`${where}: nothing existed at ${given.toISOString()}`)
    return version
  }
  if (Number.isSafeInteger(given) && (given as number) >= 1) return given as number
  throw new ValidationError(
    `${where}: expected a version (a whole number of at least 1) or a Date, got ${describeValue(given)}`,
  )
}

/** The rows that a relation has: those of a table, of now or of a version, all or some. */
export interface Rows {
  readonly id: number
  readonly name: string
  readonly asOf?: number
  readonly where?: Node | undefined
  readonly snapshot?: string
}

/** The query for all rows of a relation. */
function allRows({ id, name, asOf, where, snapshot }: Rows): QueryNode {
  const from: TableNode = {
    kind: 'table',
    id,
    name,
    ...(asOf === undefined ? {} : { asOf }),
    ...(snapshot === undefined ? {} : { snapshot }),
  }
  return Object.freeze({ from, where: Object.freeze(where ? [where] : []), orderBy: Object.freeze([]) })
}

/** An input that may name what it is, as an object. */
const namedParts = (input: unknown): Record<string, unknown> =>
  typeof input === 'object' && input !== null && !isExpression(input) ? (input as Record<string, unknown>) : {}

/** The value that a search looks for, given as it is or under one of some names. */
function lookedFor(input: unknown, names: readonly string[], where: string): { value: unknown; name?: string } {
  const named = namedParts(input)
  const [name, ...others] = names.filter((key) => Object.hasOwn(named, key))
  if (name === undefined) return { value: input }
  if (others.length === 0) return { value: named[name], name }
  throw new QueryError(`${where}: expected one of ${names.join(', ')}, got ${[name, ...others].join(' and ')}`)
}

/** The parts of a similarity search that its input determines. */
function searchOf(input: unknown): { query: Node; index?: string } {
  const { value, name } = lookedFor(input, ['string', 'image', 'vector', 'mix'], 'similarity()')
  const { index } = namedParts(input)
  if (index !== undefined && typeof index !== 'string') {
    throw new QueryError(`similarity(): index: expected the name of an index, got ${describeValue(index)}`)
  }
  const query = name === 'mix' ? literal(mixOf(value)) : toNode(value, 'similarity()')
  return { query, ...(name !== undefined && index !== undefined ? { index } : {}) }
}
