import type { Metric } from '../catalog/definition.js'
import { kindOf } from '../catalog/definition.js'
import type { OnError } from '../compute/change.js'
import { type EmbedderLike, embedderOf } from '../compute/embedder-of.js'
import type { ExportOptions, ExportResult } from '../compute/export.js'
import type { CsvExportOptions } from '../compute/file-formats.js'
import { rowsOfNow } from '../compute/query-rows.js'
import { addComputedColumn, addEmbeddingIndex, dropEmbeddingIndex } from '../compute/schema.js'
import { type ChangeResult, type InsertOptions, insertRows } from '../compute/statements.js'
import { QueryError, ValidationError } from '../errors.js'
import { type Arg, type Expr, isExpression, type Order, type Refs, type TypeOf, toNode } from '../expr/expression.js'
import type { Node } from '../expr/node.js'
import { type ExecuteOptions, findIndex } from '../plan/execute.js'
import type { QueryNode, SearchNode } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import type { Condition } from '../query/predicate.js'
import { internals, Query, type QueryInternals, refsOf } from '../query/query.js'
import type { Simplify } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import type { Media } from '../types/media.js'
import { ChangeBuilder } from './change-builder.js'
import { TableDescription } from './describe.js'

/** A type error that is a sentence: the column exists. */
export interface ColumnExists<N extends string> {
  readonly __error: `column '${N}' already exists`
}

/** A type error that is a sentence: there is nothing to search. */
export interface NoEmbeddingIndex {
  readonly __error: 'no embedding index on this table: call addEmbeddingIndex() first'
}

/** Columns that can carry an embedding index. */
export type EmbeddableKeys<R> = {
  [K in keyof R]-?: 0 extends 1 & R[K] ? K : [R[K]] extends [string | Media | Float32Array | null] ? K : never
}[keyof R] &
  string

/** Options of `addComputedColumn`. */
export interface ComputedColumnOptions {
  /** What a cell that cannot be computed does to the rows that are there. @default 'abort' */
  readonly onError?: OnError
  /** Stops the work; nothing is added then. */
  readonly signal?: AbortSignal
}

/** Options of `addEmbeddingIndex`. */
export interface EmbeddingIndexOptions {
  /**
   * The model: `miniEmbed()`, `sentenceTransformer(folder)`, a named function from texts to vectors, or an `Embedder`.
   * Left out on a `t.vector` column, which holds its vectors.
   */
  readonly embed?: EmbedderLike
  /**
   * What closeness means. The score is the cosine (−1 to 1), 1 / (1 + distance) for `euclidean` (0 to 1), or the inner
   * product; higher is closer. @default 'cosine'
   */
  readonly metric?: Metric
  /** Name of the index. @default the column's name, an underscore and the model's name */
  readonly name?: string
  /** What to do when an index of that name exists. @default 'error' */
  readonly ifExists?: 'error' | 'ignore' | 'replace'
  /** What a row that cannot be embedded does. @default 'abort' */
  readonly onError?: OnError
  /** Stops the work; nothing is added then. */
  readonly signal?: AbortSignal
}

/** What a search looks for: text, an image, a vector, or one of them with the index to use. */
export type SearchInput =
  | Arg<string>
  | Media
  | readonly number[]
  | Float32Array
  | Float64Array
  | { readonly string: Arg<string>; readonly index?: string }
  | { readonly image: Media | Uint8Array; readonly index?: string }
  | { readonly vector: ArrayLike<number>; readonly index?: string }

/** Options of `similarity`. */
export interface SimilarityOptions<N extends string> {
  /** Name of the score in the result. @default 'score' */
  readonly as?: N
}

/**
 * A table or view. `R` is the row that it returns, `I` the row that it takes (`never` for a view), `X` the columns that
 * have an embedding index. A handle is light: it holds no data, and stays valid when the table changes.
 */
export class Table<in out R, in I = never, out X extends string = never> implements AsyncIterable<Simplify<R>> {
  /** Phantom types, for inference only. */
  declare readonly $row?: R
  declare readonly $indexed?: X
  readonly #session: Session
  readonly #id: number
  readonly #name: string
  /** @internal */
  readonly [internals]: QueryInternals

  /** @internal */
  constructor(session: Session, id: number, name: string) {
    this.#session = session
    this.#id = id
    this.#name = name
    const node: QueryNode = Object.freeze({
      table: id,
      tableName: name,
      where: Object.freeze([]),
      orderBy: Object.freeze([]),
    })
    this[internals] = { session, node }
    Object.freeze(this)
  }

  /** The dot path. @throws NotFoundError when the table was dropped */
  get name(): string {
    return this.#session.lastCatalog.byId(this.#id, this.#name).name
  }

  /** Whether this is a table or a view. */
  get kind(): 'table' | 'view' {
    return kindOf(this.#session.lastCatalog.byId(this.#id, this.#name))
  }

  /** The columns as expressions, for use outside a callback. */
  get columns(): Refs<R> {
    return refsOf(this.#session, this.#id, this.#name) as unknown as Refs<R>
  }

  /**
   * Inserts one row, an array of rows (in one commit, whatever its length), or an iterable, which is read in batches,
   * no faster than they are written, and committed batch by batch. A query or table is such an iterable: its rows of now
   * are inserted, also into the table that they come from, and its files are not copied. Computed columns, views and
   * indexes follow in the same commit.
   *
   * @throws ValidationError when a row does not fit; it names row and column, and nothing of the batch is written
   * @throws MediaError when a file cannot be read
   * @throws ComputeError under `onError: 'abort'`, when a cell cannot be computed
   * @throws QueryError on a view
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * const { inserted, version } = await films.insert([{ title: 'Alien', year: 1979 }])
   * console.log(inserted, version) // 1 2
   * ```
   */
  insert(rows: I | readonly I[] | Iterable<I> | AsyncIterable<I>, options?: InsertOptions): Promise<ChangeResult> {
    return insertRows(this.#session, this.#target, rowsOf(rows, options?.signal), options)
  }

  /**
   * Sets columns of the rows that a following `where` chooses. A value may be an expression over the old row. Runs with
   * `.run()`.
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * await films.insert({ title: 'Alien', year: 1978 })
   * await films.update({ year: (c) => c.year.add(1) }).where({ title: 'Alien' }).run()
   * ```
   */
  update(
    values: { readonly [K in keyof I]?: I[K] | Expr<unknown> | ((c: Refs<R>) => Expr<unknown>) },
  ): ChangeBuilder<R> {
    if (typeof values !== 'object' || values === null || Object.keys(values).length === 0) {
      throw new ValidationError(`update(): expected an object of new values, got ${describeValue(values)}`)
    }
    const refs = this.columns
    const resolved: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined)
        throw new ValidationError(`update(): column '${name}': got undefined; leave it out, or set null`)
      resolved[name] = typeof value === 'function' ? (value as (c: Refs<R>) => unknown)(refs) : value
    }
    return new ChangeBuilder({ session: this.#session, table: this.#target, values: resolved, where: [], all: false })
  }

  /**
   * Deletes the rows that a following `where` chooses, with everything that derives from them. Runs with `.run()`.
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * await films.delete().where((c) => c.year.lt(1950)).run()
   * ```
   */
  delete(): ChangeBuilder<R> {
    return new ChangeBuilder({ session: this.#session, table: this.#target, where: [], all: false })
  }

  /**
   * Adds a column whose cells are computed from others, for the rows that are there and for all that come.
   *
   * @returns a handle whose type has the column
   * @throws ExistsError when the table or one of its bases has a column of that name
   * @throws ComputeError under `onError: 'abort'`, when a cell cannot be computed; the column is not added then
   */
  async addComputedColumn<N extends string, T>(
    name: N & (N extends keyof R ? ColumnExists<N> : unknown),
    value: ((c: Refs<R>) => Expr<T>) | Expr<T>,
    options: ComputedColumnOptions = {},
  ): Promise<Table<R & { [K in N]: T }, I, X>> {
    const computed: unknown = typeof value === 'function' ? value(this.columns) : value
    if (!isExpression(computed)) {
      throw new QueryError(`addComputedColumn('${name}'): expected an expression, got ${describeValue(computed)}`)
    }
    await this.#session.attemptAlone((catalog) =>
      addComputedColumn(this.#session, catalog, this.#target, {
        name,
        value: computed.node,
        onError: options.onError ?? 'abort',
        signal: options.signal,
      }),
    )
    return this.#reopen()
  }

  /**
   * Adds an embedding index: the column's values become vectors now and whenever they change, in the same commit, and
   * `similarity` finds the closest. Only new and changed values are embedded.
   *
   * @returns a handle whose type knows the index
   * @throws ExistsError when the index exists and `ifExists` is `'error'`
   * @throws IndexError when the model does not take what the column holds
   * @throws ModelError when the model fails
   */
  async addEmbeddingIndex<C extends EmbeddableKeys<R>>(
    column: C,
    options: EmbeddingIndexOptions = {},
  ): Promise<Table<R, I, X | C>> {
    const { embed, metric = 'cosine', name, ifExists = 'error', onError = 'abort', signal } = options
    const embedder = embed === undefined ? undefined : embedderOf(embed)
    await this.#session.attemptAlone((catalog) =>
      addEmbeddingIndex(this.#session, catalog, this.#target, {
        column,
        name,
        metric,
        embedder,
        ifExists,
        onError,
        signal,
      }),
    )
    return this.#reopen()
  }

  /**
   * Removes an embedding index, named by its column or by its own name.
   * @throws IndexError when there is none, or several on the column
   */
  async dropEmbeddingIndex(which: { readonly column?: X; readonly name?: string }): Promise<void> {
    if ((which.column === undefined) === (which.name === undefined)) {
      throw new QueryError('dropEmbeddingIndex(): expected either { column } or { name }')
    }
    await this.#session.attemptAlone((catalog) => dropEmbeddingIndex(this.#session, catalog, this.#target, which))
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
    const catalog = this.#session.lastCatalog
    const table = catalog.byId(this.#id, this.#name)
    const name = column as unknown as string
    const as = options.as ?? 'score'
    if (catalog.columnsOf(table).has(as)) {
      throw new QueryError(`similarity(): '${table.name}' has a column '${as}': name the score with { as: '…' }`)
    }
    const search: SearchNode = Object.freeze({ column: name, as, ...searchOf(query) })
    findIndex(catalog, table, search)
    const { session, node } = this[internals]
    return new Query({ session, node: Object.freeze({ ...node, search }) })
  }

  /** A query for the rows for which the condition is true; see `Query.where`. */
  where(condition: Condition<R>): Query<R, R> {
    return this.#query().where(condition)
  }

  /** A query for some columns, or for expressions; see `Query.select`. */
  select<const K extends keyof R & string>(...columns: K[]): Query<R, Pick<R, K>>
  select<S extends Record<string, Expr<any>>>(columns: (c: Refs<R>) => S): Query<R, { [K in keyof S]: TypeOf<S[K]> }>
  select(...columns: any[]): Query<R, any> {
    return (this.#query().select as (...args: any[]) => Query<R, any>).apply(this.#query(), columns)
  }

  /** A sorted query; see `Query.orderBy`. */
  orderBy(column: keyof R & string, direction?: 'asc' | 'desc'): Query<R, R>
  orderBy(keys: (c: Refs<R>) => Order | readonly Order[]): Query<R, R>
  orderBy(...args: any[]): Query<R, R> {
    return (this.#query().orderBy as (...args: any[]) => Query<R, R>).apply(this.#query(), args)
  }

  /** A query for at most `n` rows; see `Query.limit`. */
  limit(n: Arg<number>): Query<R, R> {
    return this.#query().limit(n)
  }

  /** A query that skips rows; see `Query.offset`. */
  offset(n: Arg<number>): Query<R, R> {
    return this.#query().offset(n)
  }

  /** A query without repeated rows; see `Query.distinct`. */
  distinct(): Query<R, R> {
    return this.#query().distinct()
  }

  /** All rows, in the order in which they were inserted. */
  collect(options?: ExecuteOptions): Promise<Simplify<R>[]> {
    return this.#query().collect(options)
  }

  /** The first row, or undefined when the table is empty. */
  first(options?: ExecuteOptions): Promise<Simplify<R> | undefined> {
    return this.#query().first(options)
  }

  /** The first row. @throws NotFoundError when the table is empty */
  firstOrThrow(options?: ExecuteOptions): Promise<Simplify<R>> {
    return this.#query().firstOrThrow(options)
  }

  /** How many rows there are. */
  count(options?: ExecuteOptions): Promise<number> {
    return this.#query().count(options)
  }

  /** The first `n` rows in the order in which they were inserted. @param n a whole number of at least 0 */
  head(n = 10): Promise<Simplify<R>[]> {
    return this.limit(n).collect()
  }

  /** The last `n` rows in the order in which they were inserted. @param n a whole number of at least 0 */
  async tail(n = 10): Promise<Simplify<R>[]> {
    const rows = await this.orderBy((c) => c._rowid.desc())
      .limit(n)
      .collect()
    return rows.reverse()
  }

  /** All rows one by one; see `Query.stream`. */
  stream(options?: ExecuteOptions): AsyncGenerator<Simplify<R>, void, undefined> {
    return this.#query().stream(options)
  }

  [Symbol.asyncIterator](): AsyncGenerator<Simplify<R>, void, undefined> {
    return this.stream()
  }

  /** All rows as CSV; see `Query.toCsv`. */
  toCsv(options?: CsvExportOptions): Promise<string>
  toCsv(path: string | URL, options?: CsvExportOptions): Promise<ExportResult>
  toCsv(...to: any[]): Promise<any> {
    return this.#query().toCsv(...(to as [string]))
  }

  /** All rows as JSON Lines; see `Query.toJsonl`. */
  toJsonl(options?: ExportOptions): Promise<string>
  toJsonl(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toJsonl(...to: any[]): Promise<any> {
    return this.#query().toJsonl(...(to as [string]))
  }

  /** All rows as a JSON array; see `Query.toJson`. */
  toJson(options?: ExportOptions): Promise<string>
  toJson(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toJson(...to: any[]): Promise<any> {
    return this.#query().toJson(...(to as [string]))
  }

  /** All rows as Parquet; see `Query.toParquet`. */
  toParquet(options?: ExportOptions): Promise<Uint8Array>
  toParquet(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toParquet(...to: any[]): Promise<any> {
    return this.#query().toParquet(...(to as [string]))
  }

  /** All rows as an Arrow IPC stream; see `Query.toArrow`. */
  toArrow(options?: ExportOptions): Promise<Uint8Array>
  toArrow(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toArrow(...to: any[]): Promise<any> {
    return this.#query().toArrow(...(to as [string]))
  }

  /** Columns, types, expressions and indexes. Prints as a table. */
  describe(): TableDescription {
    const catalog = this.#session.lastCatalog
    return new TableDescription(catalog, catalog.byId(this.#id, this.#name))
  }

  get #target(): { readonly id: number; readonly name: string } {
    return { id: this.#id, name: this.#name }
  }

  #query(): Query<R, R> {
    return new Query(this[internals])
  }

  /** A handle on the same table after its definition changed. */
  #reopen(): Table<any, I, any> {
    return new Table(this.#session, this.#id, this.#name)
  }
}

/** What an insert is given, where a query stands for the rows that it has now. */
function rowsOf(rows: unknown, signal: AbortSignal | undefined): unknown {
  if (typeof rows !== 'object' || rows === null || !(internals in rows)) return rows
  const { session, node } = rows[internals] as QueryInternals
  return rowsOfNow(session, node, signal)
}

/** The parts of a search that its input determines. */
function searchOf(input: unknown): { query: Node; index?: string } {
  const named =
    typeof input === 'object' && input !== null && !isExpression(input) ? (input as Record<string, unknown>) : {}
  const keys = (['string', 'image', 'vector'] as const).filter((key) => Object.hasOwn(named, key))
  if (keys.length > 1)
    throw new QueryError(`similarity(): expected one of string, image, vector, got ${keys.join(' and ')}`)
  const value = keys.length === 1 ? named[keys[0]!] : input
  const { index } = named
  if (index !== undefined && typeof index !== 'string') {
    throw new QueryError(`similarity(): index: expected the name of an index, got ${describeValue(index)}`)
  }
  return { query: toNode(value, 'similarity()'), ...(keys.length === 1 && index !== undefined ? { index } : {}) }
}
