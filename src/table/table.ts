import type { Catalog } from '../catalog/catalog.js'
import type { Metric } from '../catalog/definition.js'
import type { OnError } from '../compute/change.js'
import { type Changed, changesSince } from '../compute/changes.js'
import { addColumn, addComputedColumn, alterComputedColumn, dropColumn, renameColumn } from '../compute/columns.js'
import { type Computed, computeRows } from '../compute/compute-rows.js'
import { type EmbedderLike, embedderOf, type MultiEmbedderLike, multiEmbedderOf } from '../compute/embedder-of.js'
import { checkMultiVectorOptions, type IndexMethodOptions, indexMethod, loadMethod } from '../compute/index-method.js'
import { addEmbeddingIndex, addIndex, dropEmbeddingIndex, dropIndex, type NewIndex } from '../compute/indexes.js'
import { type ComputeTime, type InsertOptions, insertRows } from '../compute/insert.js'
import { keyParts } from '../compute/keys.js'
import { rowsOfNow } from '../compute/query-rows.js'
import { recomputeRows } from '../compute/recompute.js'
import { type Stale, staleOf } from '../compute/stale.js'
import type { ChangeResult, StatementOptions, Target } from '../compute/statements.js'
import { addTextIndex, dropTextIndex } from '../compute/text-indexes.js'
import { type UpsertOptions, upsertRows } from '../compute/upsert.js'
import { type RevertResult, revert } from '../compute/versions.js'
import type { VersionRecord } from '../engine/engine.js'
import { QueryError, ValidationError } from '../errors.js'
import {
  type BigintExpr,
  type BoolExpr,
  type DateExpr,
  type Expr,
  isExpression,
  type JsonExpr,
  type ListExpr,
  type NumExpr,
  type Refs,
  type StrExpr,
  type TimestampExpr,
} from '../expr/expression.js'
import type { Node } from '../expr/node.js'
import { measureRecall, type Recall, type RecallOptions } from '../plan/measure-recall.js'
import { type OnProgress, withProgress } from '../plan/progress.js'
import { tableOf } from '../plan/query-node.js'
import type { ResultLog } from '../plan/result-log.js'
import type { Session } from '../plan/session.js'
import { type Condition, toPredicate } from '../query/predicate.js'
import { internals, Query } from '../query/query.js'
import { Relation, toVersion } from '../query/relation.js'
import type { NdArray } from '../types/arrays.js'
import type { AnyRow, Column, Simplify } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import type { Media } from '../types/media.js'
import { setOwn } from '../types/own-property.js'
import type { VectorPrecision } from '../types/vector-precision.js'
import { ChangeBuilder } from './change-builder.js'
import type { IfExists, IfNotExists } from './if-exists.js'
import { type TableFunction, type TableFunctionOptions, tableFunction } from './table-function.js'

/** A type error that is a sentence: the column exists. */
export interface ColumnExists<N extends string> {
  readonly __error: `column '${N}' already exists`
}

/** A name that is not yet a column's. A table that was opened without its schema takes any. */
export type NewColumn<R, N extends string> = N &
  (string extends keyof R ? unknown : N extends keyof R ? ColumnExists<N> : unknown)

/** Columns that can carry an embedding index. */
export type EmbeddableKeys<R> = {
  [K in keyof R]-?: 0 extends 1 & R[K] ? K : [R[K]] extends [string | Media | Float32Array | null] ? K : never
}[keyof R] &
  string

/** Columns that can carry a multi-vector index. */
export type MultiVectorKeys<R> = {
  [K in keyof R]-?: 0 extends 1 & R[K] ? K : [R[K]] extends [string | Media | NdArray<'float32'> | null] ? K : never
}[keyof R] &
  string

/** Columns that can be in a full-text index. */
export type TextKeys<R> = {
  [K in keyof R]-?: 0 extends 1 & R[K] ? K : [R[K]] extends [string | null] ? K : never
}[keyof R] &
  string

/** The columns of a full-text index: one, several, or several with what a word in them counts. */
export type TextColumns<C extends string> = C | readonly [C, ...C[]] | { readonly [K in C]?: number }

/** `R` with the property `F` named `N`. */
export type Renamed<R, F, N extends string> = { [K in keyof R as K extends F ? N : K]: R[K] }

/** A row of an upsert: the primary key, and what is to be set. A row whose key is new needs all required columns. */
export type UpsertRow<I> = { [K in keyof I]?: I[K] }

/** The row that a table takes; for a view, one of the table at the bottom. */
export type TableInput<I> = [I] extends [never] ? AnyRow : I

/** What a table makes of a row. A view may leave the row out. */
export type TableOutput<I, O> = [I] extends [never] ? O | null : O

/** One, or a list of at least one. */
export type OneOrMore<T> = T | readonly [T, ...T[]]

/** An expression that an ordered index can be over: anything with an order, JSON included. */
export type IndexExpr =
  | StrExpr<string, null>
  | NumExpr<null>
  | BigintExpr<null>
  | BoolExpr<null>
  | TimestampExpr<null>
  | DateExpr<null>
  | JsonExpr<any, null>
  | ListExpr<any, null>

/** What an ordered index goes by: a column, several, or what a callback gives: columns, and expressions over them. */
export type IndexKeys<R> = OneOrMore<keyof R & string> | ((c: Refs<R>) => OneOrMore<IndexExpr>)

/** Options of `addIndex`. */
export interface IndexOptions {
  /** @default the columns' names, and the words of expressions, joined by underscores */
  readonly name?: string
  /** Whether no two rows may be equal in all that the index goes by. @default false */
  readonly unique?: boolean
  /** What to do when an index of that name exists. @default 'error' */
  readonly ifExists?: IfExists
}

/** Options of `recompute`. */
export interface RecomputeOptions<R> {
  /** Only rows for which the condition is true. @default all rows */
  readonly where?: Condition<R>
  /** Only cells whose last computation failed. @default false */
  readonly errorsOnly?: boolean
  /** Whether computed columns, views and indexes that read the column follow. @default true */
  readonly cascade?: boolean
  /** What a cell that cannot be computed does: is null with its error kept, or ends the statement. @default 'ignore' */
  readonly onError?: OnError
  /** Stops the statement; nothing is written then. */
  readonly signal?: AbortSignal
  /** Hears how far the work has come. @default the listener that the database was opened with */
  readonly onProgress?: OnProgress
}

/** Options of `changes`. */
export interface ChangesOptions {
  /** The version that is known already (0 for none), or an instant. */
  readonly since: number | Date
  /** Stops the reading. */
  readonly signal?: AbortSignal
}

/** Options of `addComputedColumn`. */
export interface ComputedColumnOptions {
  /** Whether the cells are kept. Without, they are computed whenever they are read. @default true */
  readonly stored?: boolean
  /**
   * `'deferred'` adds the column at once and leaves the cells of the rows that are there pending: null, until
   * `pxt.drain()` computes them, in batches that a crash does not lose.
   * @default 'now'
   */
  readonly compute?: ComputeTime
  /**
   * What to do when there is a column of that name: `'ignore'` leaves it, `'replace'` drops it first.
   * @default 'error'
   */
  readonly ifExists?: IfExists
  /** What a cell that cannot be computed does to the rows that are there. @default 'abort' */
  readonly onError?: OnError
  /** Stops the work; nothing is added then. */
  readonly signal?: AbortSignal
  /** Hears how far the work has come. @default the listener that the database was opened with */
  readonly onProgress?: OnProgress
}

/** Options of `addEmbeddingIndex`. */
export interface EmbeddingIndexOptions extends IndexMethodOptions {
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
  /**
   * How the vectors are stored, which searches rank by: less of it takes less of the file, and finds a little else. Not on
   * a `t.vector` column. See `VectorPrecision` for what of a vector is lost. @default 'float32'
   */
  readonly precision?: VectorPrecision
  /** Name of the index. @default the column's name, an underscore and the model's name */
  readonly name?: string
  /** What to do when an index of that name exists. @default 'error' */
  readonly ifExists?: 'error' | 'ignore' | 'replace'
  /**
   * `'deferred'` leaves the vectors of the rows that are there to `pxt.drain()`. An index that replaces another one is
   * made beside it then: searches use the old index and its model until the last vector is made, and the new one takes
   * its place in one commit. Both models are needed meanwhile, for rows that change. @default 'now'
   */
  readonly compute?: ComputeTime
  /** What a row that cannot be embedded does. @default 'abort' */
  readonly onError?: OnError
  /** Stops the work; nothing is added then. */
  readonly signal?: AbortSignal
  /** Hears how far the work has come. @default the listener that the database was opened with */
  readonly onProgress?: OnProgress
}

/** Options of `addMultiVectorIndex`. */
export interface MultiVectorIndexOptions
  extends Omit<EmbeddingIndexOptions, 'embed' | 'metric' | 'precision' | keyof IndexMethodOptions> {
  /**
   * The model: a `MultiEmbedder`, or a named function from texts to vectors, shape (tokens, dimensions) for each. Left
   * out on a `t.multiVector` column, which holds its vectors.
   */
  readonly embed?: MultiEmbedderLike
  /**
   * How a vector of the query and one of a row are compared: by their cosine, whatever their lengths, or by the inner
   * product, which is the same for vectors of length one. @default 'cosine'
   */
  readonly metric?: 'cosine' | 'inner_product'
  /**
   * How the vectors are stored, which scores are made of. Not on a `t.multiVector` column. See `VectorPrecision` for what
   * of each vector is lost. @default 'float32'
   */
  readonly precision?: VectorPrecision
}

/** Options of `addTextIndex`. */
export interface TextIndexOptions {
  /**
   * The language of the texts as a BCP-47 tag: it decides which marks make another letter, and in English words are
   * stemmed and queries leave out stop words. `'none'` for no language.
   * @default 'none'
   */
  readonly language?: 'en' | 'none' | (string & {})
  /** `'trigram'` finds any part of a text, in words or across them; it takes six times the space. @default 'words' */
  readonly tokenizer?: 'words' | 'trigram'
  /** Lengths of beginnings (1 to 20) whose queries are to be faster, such as `[2, 3]`. @default none */
  readonly prefix?: readonly number[]
  /** Name of the index. @default the columns' names and `text`, joined by underscores */
  readonly name?: string
  /** What to do when an index of that name exists. @default 'error' */
  readonly ifExists?: 'error' | 'ignore' | 'replace'
}

/**
 * A table or view. `R` is the row that it returns, `I` the row that it takes (`never` for a view), `X` the columns that
 * have an embedding index, `M` those that have a full-text index, `L` those that have a multi-vector index. A handle is light: it holds no data, and stays valid when the table changes.
 */
export class Table<
  in out R,
  in I = never,
  out X extends string = never,
  out M extends string = never,
  out L extends string = never,
> extends Relation<R, X, M, L> {
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
      setOwn(resolved, name, typeof value === 'function' ? (value as (c: Refs<R>) => unknown)(refs) : value)
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
   * Inserts rows, or, where the table has one with the same primary key, sets the columns that are given in it; in one
   * commit. Columns that are left out of a row that exists keep their values.
   *
   * @throws QueryError when the table has no primary key
   * @throws ValidationError when a row does not fit, or two have the same key; nothing is written
   * @throws NotFoundError under `ifNotExists: 'error'`, when a key is new
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() }, { primaryKey: ['title'] })
   * await films.insert({ title: 'Alien', year: 1978 })
   * console.log(await films.upsert([{ title: 'Alien', year: 1979 }, { title: 'Heat', year: 1995 }]))
   * ```
   */
  upsert(rows: UpsertRow<I> | readonly UpsertRow<I>[], options: UpsertOptions = {}): Promise<ChangeResult> {
    return upsertRows(this.#session, this.#target, Array.isArray(rows) ? rows : [rows], options)
  }

  /**
   * What an insert of rows would put into the table, computed columns included; on a view, what it would put into the
   * view. Nothing is stored, and no vectors are made.
   *
   * @param rows rows as `insert` takes them; for a view those of the table at the bottom
   * @throws ValidationError when a row does not fit
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * const loud = await notes.addComputedColumn('loud', (c) => c.text.upper())
   * const { rows, errors } = await loud.compute([{ text: 'hello' }])
   * console.log(rows, errors) // [{ text: 'hello', loud: 'HELLO' }] []
   * ```
   */
  compute(
    rows: readonly ([I] extends [never] ? AnyRow : I)[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Computed<Simplify<R>>> {
    return computeRows(this.#session, this.#target, rows, signal) as Promise<Computed<Simplify<R>>>
  }

  /**
   * The table as a function: an input row in, the row that its columns compute out, and nothing is stored. A pipeline
   * that was built as a table so becomes a step of another, or a tool of a model. On a view, the input is a row of the
   * table at the bottom, and the result null where the view leaves the row out.
   *
   * The name is what computed columns remember: a program that opens the file again calls `asFunction` again.
   *
   * (The type parameter `J` is `I`; it is there so that the variance of `I` can be proved.)
   *
   * @param name unique in the program
   * @throws SchemaError when the name, the version or a description is not valid
   * @throws NotFoundError when a column to return does not exist
   * @throws QueryError on a view with an iterator, which makes any number of rows of one, and on a snapshot
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * const loud = await notes.addComputedColumn('loud', (c) => c.text.upper())
   * const shout = loud.asFunction('shout', { returns: 'loud' })
   * console.log(await shout({ text: 'hello' })) // HELLO
   * const talks = await pxt.createTable('talks', { title: t.string() })
   * await talks.addComputedColumn('shouted', (c) => shout.expr({ text: c.title }))
   * console.log(shout.toTool({ description: 'Says it loudly' }).inputSchema.jsonSchema)
   * ```
   */
  asFunction<J = I>(
    name: string,
    options?: TableFunctionOptions<TableInput<NoInfer<J>>, undefined>,
  ): TableFunction<TableInput<NoInfer<J>>, TableOutput<J, Simplify<R>>>
  asFunction<K extends keyof R & string, J = I>(
    name: string,
    options: TableFunctionOptions<TableInput<NoInfer<J>>, K>,
  ): TableFunction<TableInput<NoInfer<J>>, TableOutput<J, R[K]>, TableOutput<J, R[K]>>
  asFunction<K extends keyof R & string, J = I>(
    name: string,
    options: TableFunctionOptions<TableInput<NoInfer<J>>, readonly K[]>,
  ): TableFunction<TableInput<NoInfer<J>>, TableOutput<J, Simplify<Pick<R, K>>>>
  asFunction(name: string, options: TableFunctionOptions<any, any> = {}): TableFunction<any, any, any> {
    return tableFunction(this.#session, this.#target, name, options)
  }

  /**
   * Adds a column of values. Rows that are there get its default, or null. On a view it is the view's own, and can be
   * set with `update`.
   *
   * @returns a handle whose type has the column
   * @throws ExistsError when the table or one of its bases has a column of that name
   * @throws SchemaError when there are rows and the column is neither nullable nor has a default
   */
  async addColumn<N extends string, V, J, O extends boolean>(
    name: NewColumn<R, N>,
    column: Column<V, J, O>,
    { ifExists = 'error' }: { readonly ifExists?: IfExists } = {},
  ): Promise<Table<R & { [K in N]: V }, I & (O extends true ? { [K in N]?: J } : { [K in N]: J }), X, M, L>> {
    await this.#addOrReplace(name, ifExists, (catalog) => addColumn(this.#session, catalog, this.#target, name, column))
    return this.#reopen()
  }

  /**
   * Adds a column whose cells are computed from others, for the rows that are there and for all that come.
   *
   * @returns a handle whose type has the column
   * @throws ExistsError when the table or one of its bases has a column of that name
   * @throws ComputeError under `onError: 'abort'`, when a cell cannot be computed; the column is not added then
   */
  async addComputedColumn<N extends string, T>(
    name: NewColumn<R, N>,
    value: ((c: Refs<R>) => Expr<T>) | Expr<T>,
    options: ComputedColumnOptions = {},
  ): Promise<Table<R & { [K in N]: T }, I, X, M, L>> {
    const { onError = 'abort', stored = true, ifExists = 'error', signal, compute, onProgress } = options
    const computed = this.#expression(value, `addComputedColumn('${name}')`)
    await withProgress(this.#session, onProgress, (meter) =>
      this.#addOrReplace(name, ifExists, (catalog, results) =>
        addComputedColumn(this.#session, catalog, this.#target, {
          name,
          value: computed,
          unstored: !stored,
          onError,
          signal,
          deferred: compute === 'deferred',
          results,
          meter,
        }),
      ),
    )
    return this.#reopen()
  }

  /**
   * Gives a computed column another expression. Its cells are computed again, and what depends on them, in one commit;
   * earlier versions keep the old values.
   *
   * @returns a handle in whose type the column has its new type
   * @throws SchemaError when the column is not computed, or would be computed from itself
   * @throws ComputeError under `onError: 'abort'`, when a cell cannot be computed; nothing is changed then
   */
  async alterComputedColumn<N extends keyof R & string, T>(
    name: N,
    value: ((c: Refs<R>) => Expr<T>) | Expr<T>,
    { onError = 'abort', signal }: StatementOptions = {},
  ): Promise<Table<Omit<R, N> & { [K in N]: T }, I, X, M, L>> {
    const computed = this.#expression(value, `alterComputedColumn('${name}')`)
    await this.#session.attemptAlone((catalog, results) =>
      alterComputedColumn(this.#session, catalog, this.#target, { name, value: computed, onError, signal, results }),
    )
    return this.#reopen()
  }

  /**
   * Drops a column, with the indexes on it. Earlier versions keep it.
   *
   * @returns a handle whose type lacks the column
   * @throws DependencyError that names the computed columns, views and constraints that read it
   * @throws SchemaError when it is part of the primary key, the last column, or a column of the base
   * @throws NotFoundError when there is no such column, under `ifNotExists: 'error'`
   */
  async dropColumn<N extends keyof R & string>(
    name: N,
    { ifNotExists = 'error' }: { readonly ifNotExists?: IfNotExists } = {},
  ): Promise<Table<Omit<R, N>, [I] extends [never] ? never : Omit<I, N>, Exclude<X, N>, Exclude<M, N>, Exclude<L, N>>> {
    await this.#session.attemptAlone(async (catalog) => {
      const { id, name: table } = this.#target
      if (ifNotExists === 'ignore' && !catalog.columnsOf(catalog.byId(id, table)).has(name)) return
      await dropColumn(this.#session, catalog, this.#target, name)
    })
    return this.#reopen()
  }

  /**
   * Renames a column. Computed columns, views, indexes and constraints that read it go on doing so; nothing is computed
   * again.
   *
   * @returns a handle whose type has the new name
   * @throws NotFoundError when there is no such column
   * @throws ExistsError when the table, or a view that derives from it, has a column of the new name
   */
  async renameColumn<F extends keyof R & string, N extends string>(
    from: F,
    to: NewColumn<R, N>,
  ): Promise<
    Table<
      Renamed<R, F, N>,
      [I] extends [never] ? never : Renamed<I, F, N>,
      Exclude<X, F> | (F extends X ? N : never),
      Exclude<M, F> | (F extends M ? N : never),
      Exclude<L, F> | (F extends L ? N : never)
    >
  > {
    await this.#session.attemptAlone((catalog) => renameColumn(this.#session, catalog, this.#target, from, to))
    return this.#reopen()
  }

  /**
   * Computes a stored computed column again, with what depends on the cells that change.
   *
   * @throws NotFoundError, SchemaError when it is no stored computed column of this table
   * @example
   * ```ts
   * import { Pixeltable, t, udf } from 'pixeltable'
   * let rate = 1
   * const price = udf({ name: 'price' }, (euros: number) => euros * rate)
   * const pxt = await Pixeltable.open(':memory:')
   * const items = await pxt.createTable('items', { euros: t.float() })
   * const priced = await items.addComputedColumn('dollars', (c) => price(c.euros))
   * await priced.insert({ euros: 10 })
   * rate = 1.1
   * console.log((await priced.recompute('dollars')).updated) // 1
   * ```
   */
  async recompute(
    column: (keyof R & string) | readonly (keyof R & string)[],
    options: RecomputeOptions<R> = {},
  ): Promise<ChangeResult> {
    const { where, errorsOnly = false, cascade = true, onError = 'ignore', signal } = options
    const predicate = where === undefined ? [] : [toPredicate(where, this.columns as never)]
    const columns = typeof column === 'string' ? [column] : column
    return withProgress(this.#session, options.onProgress, (meter) =>
      recomputeRows(this.#session, this.#target, {
        columns,
        where: predicate,
        errorsOnly,
        cascade,
        onError,
        signal,
        meter,
      }),
    )
  }

  /**
   * What of the table or view was computed by another version of a function, model or iterator than the program has.
   * Nothing is computed again by itself: `recompute` does that for columns; an index or a view is made again with
   * `ifExists: 'replace'`. New rows are computed by what the program has.
   *
   * @example
   * ```ts
   * import { Pixeltable, t, udf } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * const loud = await notes.addComputedColumn('loud', (c) => udf({ name: 'loud', version: 1 }, (s: string) => `${s}!`)(c.text))
   * await loud.insert({ text: 'hello' })
   * udf({ name: 'loud', version: 2 }, (s: string) => s.toUpperCase())
   * const reopened = await pxt.getTable('notes')
   * for (const { name } of await reopened.staleColumns()) await reopened.recompute(name)
   * console.log(await reopened.collect()) // [{ text: 'hello', loud: 'HELLO' }]
   * ```
   */
  async staleColumns(): Promise<Stale[]> {
    const catalog = await this.#session.catalog()
    return staleOf(this.#session, catalog, catalog.byId(this.#target.id, this.#target.name))
  }

  /**
   * Adds an ordered index (a B-tree) over columns of the table's own and expressions over them, which filters, sorts and
   * groups of the same columns and expressions then use; or, with `unique`, the constraint that no two rows are equal in
   * them (rows with a null are never equal).
   *
   * An expression is computed by the database from the row alone: operators, but no functions of the program, no time
   * zones, nothing that changes by itself. One index over a path into JSON serves values of every kind.
   *
   * @param keys names of columns, or a callback: `(c) => [c.kind, c.name.lower()]`
   * @throws ExistsError when there is an index of that name
   * @throws NotFoundError for a column that is not the table's own
   * @throws SchemaError, QueryError when an expression cannot be indexed
   * @throws ValidationError when it is to be unique and rows that are there are equal
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const people = await pxt.createTable('people', { email: t.string(), data: t.json<{ city?: string; age?: number }>() })
   * await people.addIndex((c) => c.email.lower(), { unique: true })
   * await people.addIndex((c) => [c.data.get('city'), c.data.get('age')])
   * await people.insert([{ email: 'Ann@example.org', data: { city: 'Bern', age: 44 } }])
   * const found = people.where((c) => c.data.get('city').eq('Bern').and(c.data.get('age').gt(40)))
   * console.log(String(await found.explain())) // … SEARCH t0 USING INDEX people@data_get_city_data_get_age (<expr>=? AND <expr>>?)
   * ```
   */
  async addIndex(keys: IndexKeys<R>, options: IndexOptions = {}): Promise<void> {
    const parts = keyParts(keys, () => this.columns, 'addIndex()')
    await this.#session.attemptAlone((catalog) => addIndex(this.#session, catalog, this.#target, parts, options))
  }

  /** Removes an index that `addIndex` made, by its name. @throws IndexError when there is none */
  async dropIndex(name: string): Promise<void> {
    await this.#session.attemptAlone((catalog) => dropIndex(this.#session, catalog, this.#target, name))
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
  ): Promise<Table<R, I, X | C, M, L>> {
    const { embed } = options
    const embedder = embed === undefined ? undefined : embedderOf(embed)
    const method = indexMethod(options, `addEmbeddingIndex('${column}')`)
    await loadMethod(method)
    await this.#addVectors(column, options, { embedder, method })
    return this.#reopen()
  }

  async #addVectors(
    column: string,
    options: Omit<EmbeddingIndexOptions, 'embed'>,
    kind: Pick<NewIndex, 'embedder' | 'multi' | 'method'>,
  ): Promise<void> {
    const { metric = 'cosine', precision, name, ifExists = 'error', onError = 'abort', signal, compute } = options
    const { onProgress } = options
    await withProgress(this.#session, onProgress, (meter) =>
      this.#session.attemptAlone((catalog, results) =>
        addEmbeddingIndex(this.#session, catalog, this.#target, {
          column,
          name,
          metric,
          precision,
          ...kind,
          ifExists,
          onError,
          signal,
          deferred: compute === 'deferred',
          results,
          meter,
        }),
      ),
    )
  }

  /**
   * Measures how many of the best rows searches of an embedding index find, and how fast: it searches for vectors that
   * are stored, by the method of the index and exactly. Waits until the index is ready in memory.
   *
   * @param which the column, or the name of the index
   * @throws IndexError when there is no such index, it has no vectors, or no room in memory
   * @example
   * ```ts
   * import { miniEmbed, Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const table = await pxt.createTable('notes', { text: t.string() })
   * const notes = await table.addEmbeddingIndex('text', { embed: miniEmbed(), method: 'ivfflat' })
   * await notes.insert([{ text: 'green tea' }, { text: 'black tea' }])
   * const { recall, exactMs, approximateMs } = await notes.measureRecall('text', { k: 1 })
   * console.log(recall, exactMs, approximateMs) // 1 …
   * ```
   */
  async measureRecall(which: X | { readonly index: string }, options: RecallOptions = {}): Promise<Recall> {
    const catalog = await this.#session.catalog()
    const table = catalog.byId(this.#target.id, this.#target.name)
    return measureRecall(this.#session, catalog, table, which, options)
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
   * Adds an index of several vectors a row, which `maxSim` searches: those that a `t.multiVector` column holds, or those
   * that a model of late interaction makes of a text or an image, now and whenever it changes, in the same commit.
   *
   * @returns a handle whose type knows the index
   * @throws ExistsError when the index exists and `ifExists` is `'error'`
   * @throws IndexError when the model does not take what the column holds
   * @throws ModelError when the model fails
   * @throws ValidationError when an option is none of such an index
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const letters = (texts: readonly string[]) =>
   *   texts.map((text) => Array.from(text, (c) => [Math.cos(c.charCodeAt(0)), Math.sin(c.charCodeAt(0))]))
   * const pxt = await Pixeltable.open(':memory:')
   * const words = await pxt.createTable('words', { word: t.string() })
   * const indexed = await words.addMultiVectorIndex('word', { embed: letters })
   * await indexed.insert([{ word: 'listen' }, { word: 'bread' }])
   * console.log(await indexed.maxSim('word', 'silent').limit(1).first()) // { word: 'listen', score: 6 }
   * ```
   */
  async addMultiVectorIndex<C extends MultiVectorKeys<R>>(
    column: C,
    options: MultiVectorIndexOptions = {},
  ): Promise<Table<R, I, X, M, L | C>> {
    const { embed } = options
    checkMultiVectorOptions(options, `addMultiVectorIndex('${column}')`)
    const embedder = embed === undefined ? undefined : multiEmbedderOf(embed)
    await this.#addVectors(column, options, { embedder, multi: true })
    return this.#reopen()
  }

  /**
   * Removes a multi-vector index, named by its column or by its own name.
   * @throws IndexError when there is none, or several on the column
   */
  async dropMultiVectorIndex(which: { readonly column?: L; readonly name?: string }): Promise<void> {
    if ((which.column === undefined) === (which.name === undefined)) {
      throw new QueryError('dropMultiVectorIndex(): expected either { column } or { name }')
    }
    await this.#session.attemptAlone((catalog) =>
      dropEmbeddingIndex(this.#session, catalog, this.#target, { ...which, multi: true }),
    )
  }

  /**
   * Adds a full-text index over columns of text, of the table or of the bases that a view shows. It follows every change
   * of them in the same commit, and `match` searches it.
   *
   * @param columns a column, several, or several with weights: `{ title: 3, text: 1 }`
   * @returns a handle whose type knows the index
   * @throws ExistsError when the index exists and `ifExists` is `'error'`
   * @throws IndexError when a column does not hold strings
   * @throws SchemaError when a column is not stored
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const table = await pxt.createTable('notes', { title: t.string(), text: t.string() })
   * const notes = await table.addTextIndex({ title: 3, text: 1 }, { language: 'en' })
   * await notes.insert([
   *   { title: 'Green tea', text: 'It steeps for three minutes.' },
   *   { title: 'Bread', text: 'Tea goes well with it.' },
   * ])
   * console.log(await notes.match(['title', 'text'], 'teas').select('title').collect()) // Green tea, then Bread
   * ```
   */
  async addTextIndex<C extends TextKeys<R>>(
    columns: TextColumns<C>,
    { ifExists = 'error', ...options }: TextIndexOptions = {},
  ): Promise<Table<R, I, X, M | C, L>> {
    await this.#session.attemptAlone((catalog) =>
      addTextIndex(this.#session, catalog, this.#target, { ...options, columns, ifExists }),
    )
    return this.#reopen()
  }

  /**
   * Removes a full-text index, named by one of its columns or by its own name.
   * @throws IndexError when there is none, or several on the column
   */
  async dropTextIndex(which: { readonly column?: M; readonly name?: string }): Promise<void> {
    if ((which.column === undefined) === (which.name === undefined)) {
      throw new QueryError('dropTextIndex(): expected either { column } or { name }')
    }
    await this.#session.attemptAlone((catalog) => dropTextIndex(this.#session, catalog, this.#target, which))
  }

  /**
   * What was done to the table or view, the newest first.
   * @param limit at most so many versions; a whole number of at least 1. @default all
   * @throws ValidationError
   */
  async history(limit?: number): Promise<VersionRecord[]> {
    if (limit !== undefined && !(Number.isSafeInteger(limit) && limit >= 1)) {
      throw new ValidationError(`history(): expected a whole number of at least 1, got ${describeValue(limit)}`)
    }
    const { id, name } = this.#target
    const catalog = await this.#session.catalog()
    return this.#session.engine.versions(catalog.byId(id, name).id, limit)
  }

  /**
   * Undoes the last version that is not undone yet: rows, computed cells, vectors and schema are what they were before
   * it, here and wherever else it changed something (views, other tables of a transaction). Nothing is computed again.
   * A revert is a version itself, so nothing is lost; the next one undoes the version before.
   *
   * @throws SchemaError when only the creation of the table is left
   * @throws DependencyError when a table or view that the version changed was changed since
   * @throws NotFoundError when `vacuum` gave up the version before
   */
  revert(): Promise<RevertResult> {
    return revert(this.#session, this.#target)
  }

  /**
   * The rows that were inserted, updated and deleted since a version, in the order of the versions that changed them
   * last; so that another system can follow. A row that was changed several times appears once.
   *
   * @throws ValidationError when `since` is neither a version nor a Date
   * @throws NotFoundError when `vacuum` gave the version up
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * const { version } = await films.insert([{ title: 'Alien', year: 1978 }, { title: 'Heat', year: 1995 }])
   * await films.update({ year: 1979 }).where({ title: 'Alien' }).run()
   * for await (const { kind, row, before } of films.changes({ since: version })) console.log(kind, before, row)
   * ```
   */
  changes({ since, signal }: ChangesOptions): AsyncGenerator<Changed<Simplify<R>>, void, undefined> {
    const version = since === 0 ? 0 : toVersion(this.#session, since, 'changes()')
    return changesSince(this.#session, this.#target, version, signal) as AsyncGenerator<Changed<Simplify<R>>>
  }

  get #session(): Session {
    return this[internals].session
  }

  /** @throws QueryError on a snapshot, which nothing changes */
  get #target(): Target {
    const { id, name, asOf } = tableOf(this[internals].node)!
    if (asOf !== undefined) throw new QueryError(`'${this.name}' is a snapshot: it never changes`)
    return { id, name }
  }

  #expression(value: unknown, where: string): Node {
    const computed: unknown = typeof value === 'function' ? value(this.columns) : value
    if (isExpression(computed)) return computed.node
    throw new QueryError(`${where}: expected an expression, got ${describeValue(computed)}`)
  }

  /** Adds a column, or does what `ifExists` says when there is one of that name. */
  async #addOrReplace(
    name: string,
    ifExists: IfExists,
    add: (catalog: Catalog, results: ResultLog) => Promise<void>,
  ): Promise<void> {
    const session = this.#session
    const target = this.#target
    await session.attemptAlone(async (catalog, results) => {
      const existing = catalog.columnsOf(catalog.byId(target.id, target.name)).has(name)
      if (!existing || ifExists === 'error') return add(catalog, results)
      if (ifExists === 'ignore') return
      await session.transaction('replace column', async () => {
        await dropColumn(session, catalog, target, name)
        await add(await session.catalog(), results)
      })
    })
  }

  /** A handle on the same table after its definition changed. */
  #reopen(): Table<any, any, any, any, any> {
    return new Table(this.#session, this.#target)
  }
}

/** What an insert is given, where a query stands for the rows that it has now. */
function rowsOf(rows: unknown, signal: AbortSignal | undefined): unknown {
  if (!(rows instanceof Query)) return rows
  const { session, node } = rows[internals]
  return rowsOfNow(session, node, signal)
}
