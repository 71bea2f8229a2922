import type { Metric } from '../catalog/definition.js'
import type { OnError } from '../compute/change.js'
import { type EmbedderLike, embedderOf } from '../compute/embedder-of.js'
import { addComputedColumn, addEmbeddingIndex, dropEmbeddingIndex } from '../compute/schema.js'
import { type ChangeResult, type InsertOptions, insertRows } from '../compute/statements.js'
import { QueryError, ValidationError } from '../errors.js'
import { type Expr, isExpression, type Refs } from '../expr/expression.js'
import type { Session } from '../plan/session.js'
import { internals } from '../query/query.js'
import { Relation } from '../query/relation.js'
import { describeValue } from '../types/column-type.js'
import type { Media } from '../types/media.js'
import { ChangeBuilder } from './change-builder.js'

/** A type error that is a sentence: the column exists. */
export interface ColumnExists<N extends string> {
  readonly __error: `column '${N}' already exists`
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

/**
 * A table or view. `R` is the row that it returns, `I` the row that it takes (`never` for a view), `X` the columns that
 * have an embedding index. A handle is light: it holds no data, and stays valid when the table changes.
 */
export class Table<in out R, in I = never, out X extends string = never> extends Relation<R, X> {
  /**
   * Inserts one row, an array of rows (in one commit, whatever its length), or an iterable, which is read in batches,
   * no faster than they are written, and committed batch by batch. Computed columns, views and indexes follow in the
   * same commit.
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
    return insertRows(this.#session, this.#target, rows, options)
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

  get #session(): Session {
    return this[internals].session
  }

  get #target(): { readonly id: number; readonly name: string } {
    const { table, tableName } = this[internals].node
    return { id: table, name: tableName }
  }

  /** A handle on the same table after its definition changed. */
  #reopen(): Table<any, I, any> {
    return new Table(this.#session, this.#target)
  }
}
