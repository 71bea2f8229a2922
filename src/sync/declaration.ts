import { foldName } from '../catalog/catalog.js'
import { checkMultiVectorOptions, type IndexMethodOptions } from '../compute/index-method.js'
import { ExistsError, SchemaError } from '../errors.js'
import type { Expr, Refs } from '../expr/expression.js'
import type { Overwrite, TableOptions, ViewOptions } from '../pixeltable.js'
import type { ColumnTest } from '../query/predicate.js'
import { Query, type Selected } from '../query/query.js'
import type { SampleOptions } from '../query/sample.js'
import type {
  ComputedColumnOptions,
  EmbeddableKeys,
  EmbeddingIndexOptions,
  IndexKeys,
  IndexOptions,
  MultiVectorIndexOptions,
  MultiVectorKeys,
  NewColumn,
  TextColumns,
  TextIndexOptions,
  TextKeys,
} from '../table/table.js'
import { Column, type InsertOf, type RowOf, type Schema, type Simplify } from '../types/column.js'
import { describeValue } from '../types/column-type.js'

/** A condition that can be declared before there is a table: a callback, an object of values, or one test. */
export type DeclaredCondition<R> =
  | ((c: Refs<R>) => Expr<boolean | null>)
  | { readonly [K in keyof R]?: R[K] }
  | ColumnTest<R>

/** Options of `table`. */
export type TableDeclarationOptions<S extends Schema> = Omit<TableOptions<S>, 'ifExists'>
/** Options of `view`. */
export type ViewDeclarationOptions<R, O> = Pick<ViewOptions<R, O>, 'iterator' | 'comment'>
/** Options of `Declaration.computed`. */
export type ComputedDeclarationOptions = Pick<ComputedColumnOptions, 'stored'>
/** Options of `Declaration.embeddingIndex`. */
export type EmbeddingIndexDeclarationOptions = Pick<EmbeddingIndexOptions, 'embed' | 'metric' | 'name' | 'precision'> &
  IndexMethodOptions

/** Options of `Declaration.multiVectorIndex`. */
export type MultiVectorIndexDeclarationOptions = Pick<
  MultiVectorIndexOptions,
  'embed' | 'metric' | 'name' | 'precision'
>

/** Options of `Declaration.textIndex`. */
export type TextIndexDeclarationOptions = Omit<TextIndexOptions, 'ifExists'>
/** Options of `Declaration.index`. */
export type OrderedIndexDeclarationOptions = Omit<IndexOptions, 'ifExists'>

/** @internal What a declared query is made of; for `pxt.sync`. */
export const declaredQuery: unique symbol = Symbol('pixeltable.declaredQuery')
/** @internal What a declaration is made of; for `pxt.sync`. */
export const declared: unique symbol = Symbol('pixeltable.declared')

/** A clause that is put to the base when there is one. */
type Clause = (query: Query<any, any, any>) => Query<any, any, any>

/** @internal The rows of a declared table that a view derives from. */
export interface QueryParts {
  /** Undefined where it is the declaration itself. */
  readonly of: AnyDeclaration | undefined
  readonly clauses: readonly Clause[]
}

/** @internal A column beside those of the schema, in the order in which they were declared. */
export type Member =
  | { readonly kind: 'column'; readonly name: string; readonly column: Column<any, any, boolean> }
  | { readonly kind: 'computed'; readonly name: string; readonly value: unknown; readonly unstored: boolean }

/** @internal An index. */
export type DeclaredIndex =
  | { readonly kind: 'embedding'; readonly column: string; readonly options: EmbeddingIndexDeclarationOptions }
  | { readonly kind: 'multiVector'; readonly column: string; readonly options: MultiVectorIndexDeclarationOptions }
  | { readonly kind: 'text'; readonly columns: unknown; readonly options: TextIndexDeclarationOptions }
  | { readonly kind: 'ordered'; readonly columns: unknown; readonly options: OrderedIndexDeclarationOptions }

/** @internal An index of vectors. */
export type DeclaredVectorIndex = Extract<DeclaredIndex, { readonly kind: 'embedding' | 'multiVector' }>

/** @internal What a declaration says. */
export interface DeclarationParts {
  readonly name: string
  readonly origin:
    | { readonly kind: 'table'; readonly schema: Schema; readonly options: TableDeclarationOptions<any> }
    | {
        readonly kind: 'view'
        readonly base: DeclaredQuery<any, any>
        readonly options: ViewDeclarationOptions<any, any>
      }
  readonly members: readonly Member[]
  readonly indexes: readonly DeclaredIndex[]
  /** The declaration that this one adds to. */
  readonly extends?: AnyDeclaration
}

/**
 * Rows of a declared table or view, which a view can derive from. `R` is the row that callbacks see, `O` the row that
 * comes out. Immutable: every method returns a new one.
 */
export class DeclaredQuery<in out R, in out O> {
  /** Phantom types, for inference only. */
  declare readonly $row?: R
  declare readonly $out?: O
  /** @internal */
  readonly [declaredQuery]: QueryParts

  /** @internal */
  constructor(parts: QueryParts) {
    this[declaredQuery] = parts
    // A declaration has still to add its own parts.
    if (new.target === DeclaredQuery) Object.freeze(this)
  }

  /**
   * Only the rows for which a condition is true, for a view of them. Several are joined by AND.
   * @example
   * ```ts
   * import { Pixeltable, t, table, view } from 'pixeltable'
   * const Films = table('films', { title: t.string(), year: t.int() })
   * const Old = view('old', Films.where((c) => c.year.lt(1990)))
   * const pxt = await Pixeltable.open(':memory:')
   * const { films, old } = await pxt.sync({ films: Films, old: Old })
   * await films.insert([{ title: 'Alien', year: 1979 }, { title: 'Heat', year: 1995 }])
   * console.log(await old.collect()) // [{ title: 'Alien', year: 1979 }]
   * ```
   */
  where(condition: string, ...values: readonly unknown[]): DeclaredQuery<R, O>
  where(condition: DeclaredCondition<R>): DeclaredQuery<R, O>
  where(condition: unknown, ...values: readonly unknown[]): DeclaredQuery<R, O> {
    return this.#with((query) => query.where(condition as string, ...values))
  }

  /**
   * Columns by name, or an object of expressions, for a view that shows them alone.
   * @example
   * ```ts
   * import { t, table, view } from 'pixeltable'
   * const Films = table('films', { title: t.string(), year: t.int() })
   * const Titles = view('titles', Films.select('title'))
   * const Decades = view('decades', Films.select((c) => ({ title: c.title, decade: c.year.floorDiv(10).mul(10) })))
   * console.log(Titles.name, Decades.kind) // titles view
   * ```
   */
  select<const K extends keyof R & string>(...columns: K[]): DeclaredQuery<R, Pick<R, K>>
  select<S extends Record<string, Expr<any>>>(columns: (c: Refs<R>) => S): DeclaredQuery<R, Selected<S>>
  select(...columns: any[]): DeclaredQuery<R, any> {
    return this.#with((query) => query.select(...columns))
  }

  /**
   * Each row with a probability, for a view of a sample.
   * @param options the fraction, from 0 to 1, and the seed, a whole number (0 unless given: a declaration always means
   * the same rows)
   * @example
   * ```ts
   * import { t, table, view } from 'pixeltable'
   * const Films = table('films', { title: t.string(), year: t.int() })
   * const Few = view('few', Films.where((c) => c.year.gt(1990)).sample({ fraction: 0.1 }))
   * console.log(Few.kind) // view
   * ```
   */
  sample({
    fraction,
    seed = 0,
  }: Required<Pick<SampleOptions<R>, 'fraction'>> & { readonly seed?: number }): DeclaredQuery<R, O> {
    return this.#with((query) => query.sample({ fraction, seed }))
  }

  #with(clause: Clause): DeclaredQuery<any, any> {
    const { of = this as unknown as AnyDeclaration, clauses } = this[declaredQuery]
    return new DeclaredQuery({ of, clauses: [...clauses, clause] })
  }
}

/**
 * A table or view as a program wants it, which `pxt.sync` creates or brings a file to. It needs no open database, so it
 * can be written once, at the top of a module, and exported. `R` is the row that the table returns, `I` the row that it
 * takes (`never` for a view), `X` the columns that have an embedding index, `M` those that have a full-text index,
 * `L` those that have a multi-vector index. Immutable: every method returns a new one.
 */
export class Declaration<
  in out R,
  in I = never,
  out X extends string = never,
  out M extends string = never,
  out L extends string = never,
> extends DeclaredQuery<R, R> {
  /** Phantom types, for inference only. */
  declare readonly $insert?: (row: I) => void
  declare readonly $indexed?: X
  declare readonly $matched?: M
  declare readonly $multiIndexed?: L
  /** @internal */
  readonly [declared]: DeclarationParts

  /** @internal */
  constructor(parts: DeclarationParts) {
    super({ of: undefined, clauses: [] })
    this[declared] = parts
    Object.freeze(this)
  }

  /** The dot path of the table or view. */
  get name(): string {
    return this[declared].name
  }

  /** What this declares. */
  get kind(): 'table' | 'view' {
    return this[declared].origin.kind
  }

  /**
   * A column of values beside those of the schema, as `Table.addColumn` adds it: on a view its own, which `update` sets.
   * @throws ExistsError when there is one of that name
   * @example
   * ```ts
   * import { t, table, view } from 'pixeltable'
   * const Films = table('films', { title: t.string(), year: t.int() })
   * const Old = view('old', Films.where((c) => c.year.lt(1990))).column('seen', t.bool().default(false))
   * console.log(Old.name) // old
   * ```
   */
  column<N extends string, V, J, O extends boolean>(
    name: NewColumn<R, N>,
    column: Column<V, J, O>,
  ): Declaration<R & { [K in N]: V }, I & (O extends true ? { [K in N]?: J } : { [K in N]: J }), X, M, L> {
    if (!(column instanceof Column)) {
      throw new SchemaError(`column '${name}': expected a type such as t.string(), got ${describeValue(column)}`)
    }
    return this.#member({ kind: 'column', name, column })
  }

  /**
   * A column that is computed from others, as `Table.addComputedColumn` adds it. It may read what is declared before it.
   *
   * @param value the expression; a callback is called when `sync` runs
   * @param options `stored: false` computes the cells whenever they are read; default true
   * @throws ExistsError when there is a column of that name
   * @example
   * ```ts
   * import { Pixeltable, t, table, udf } from 'pixeltable'
   * const shout = udf({ name: 'shout', version: 1 }, (text: string) => `${text.toUpperCase()}!`)
   * const Notes = table('notes', { text: t.string() }).computed('loud', (c) => shout(c.text))
   * const pxt = await Pixeltable.open(':memory:')
   * const { notes } = await pxt.sync({ notes: Notes })
   * await notes.insert({ text: 'hello' })
   * console.log(await notes.collect()) // [{ text: 'hello', loud: 'HELLO!' }]
   * ```
   */
  computed<N extends string, T>(
    name: NewColumn<R, N>,
    value: ((c: Refs<R>) => Expr<T>) | Expr<T>,
    { stored = true }: ComputedDeclarationOptions = {},
  ): Declaration<R & { [K in N]: T }, I, X, M, L> {
    return this.#member({ kind: 'computed', name, value, unstored: !stored })
  }

  /**
   * An embedding index, as `Table.addEmbeddingIndex` adds it. With a name it is the index of that name, without one the
   * index on the column: when the model, the metric or the precision changes, `sync` replaces it; when the method changes, the
   * vectors stay.
   * @example
   * ```ts
   * import { miniEmbed, Pixeltable, t, table } from 'pixeltable'
   * const Notes = table('notes', { text: t.string() }).embeddingIndex('text', { embed: miniEmbed() })
   * const pxt = await Pixeltable.open(':memory:')
   * const { notes } = await pxt.sync({ notes: Notes })
   * await notes.insert([{ text: 'How to brew green tea' }, { text: 'Changing a bicycle tyre' }])
   * console.log(await notes.similarity('text', 'hot drinks').limit(1).first())
   * ```
   */
  embeddingIndex<C extends EmbeddableKeys<R>>(
    column: C,
    options: EmbeddingIndexDeclarationOptions = {},
  ): Declaration<R, I, X | C, M, L> {
    return this.#index({ kind: 'embedding', column, options })
  }

  /**
   * An index of several vectors a row, as `Table.addMultiVectorIndex` adds it. With a name it is the index of that name,
   * without one the index on the column: when the model, the metric or the precision changes, `sync` replaces it.
   * @throws ValidationError when an option is none of such an index
   * @example
   * ```ts
   * import { Pixeltable, t, table } from 'pixeltable'
   * const Pages = table('pages', { n: t.int(), patches: t.multiVector(2) }).multiVectorIndex('patches')
   * const pxt = await Pixeltable.open(':memory:')
   * const { pages } = await pxt.sync({ pages: Pages })
   * await pages.insert([{ n: 1, patches: [[1, 0], [0, 1]] }, { n: 2, patches: [[1, 1]] }])
   * console.log(await pages.maxSim('patches', { vectors: [[1, 0], [0, 1]] }).select('n').first()) // { n: 1 }
   * ```
   */
  multiVectorIndex<C extends MultiVectorKeys<R>>(
    column: C,
    options: MultiVectorIndexDeclarationOptions = {},
  ): Declaration<R, I, X, M, L | C> {
    checkMultiVectorOptions(options, `multiVectorIndex('${column}')`)
    return this.#index({ kind: 'multiVector', column, options })
  }

  /**
   * A full-text index, as `Table.addTextIndex` adds it. With a name it is the index of that name, without one the index
   * on the columns: when its language, weights or anything else changes, `sync` replaces it.
   * @example
   * ```ts
   * import { Pixeltable, t, table } from 'pixeltable'
   * const Notes = table('notes', { text: t.string() }).textIndex('text', { language: 'en' })
   * const pxt = await Pixeltable.open(':memory:')
   * const { notes } = await pxt.sync({ notes: Notes })
   * await notes.insert([{ text: 'How to brew green tea' }, { text: 'Changing a bicycle tyre' }])
   * console.log(await notes.match('text', 'tyres').collect())
   * ```
   */
  textIndex<C extends TextKeys<R>>(
    columns: TextColumns<C>,
    options: TextIndexDeclarationOptions = {},
  ): Declaration<R, I, X, M | C, L> {
    return this.#index({ kind: 'text', columns, options })
  }

  /**
   * An ordered index (a B-tree) over columns of its own and expressions over them, or, with `unique`, the constraint that
   * no two rows are equal in them; as `Table.addIndex` adds it. With a name it is the index of that name, which `sync`
   * replaces when it is over something else, without one the index over the same.
   *
   * @param keys names of columns, or a callback, which is called when `sync` runs
   * @example
   * ```ts
   * import { t, table } from 'pixeltable'
   * const Films = table('films', { title: t.string(), year: t.int(), about: t.json<{ studio?: string }>() })
   *   .index('year')
   *   .index((c) => c.title.lower(), { unique: true })
   *   .index((c) => [c.about.get('studio'), c.year])
   * console.log(Films.name) // films
   * ```
   */
  index(keys: IndexKeys<R>, options: OrderedIndexDeclarationOptions = {}): Declaration<R, I, X, M, L> {
    return this.#index({ kind: 'ordered', columns: keys, options })
  }

  #member(member: Member): Declaration<any, any, any, any, any> {
    const { origin, members } = this[declared]
    const names = [...Object.keys(origin.kind === 'table' ? origin.schema : {}), ...members.map(({ name }) => name)]
    const clash = names.find((name) => foldName(name) === foldName(member.name))
    if (clash !== undefined) throw new ExistsError(`'${this.name}' has a column '${clash}' already`)
    return this.#with({ members: [...members, member] })
  }

  #index(index: DeclaredIndex): Declaration<any, any, any, any, any> {
    return this.#with({ indexes: [...this[declared].indexes, index] })
  }

  #with(change: Partial<DeclarationParts>): Declaration<any, any, any, any, any> {
    return new Declaration({ ...this[declared], ...change, extends: this })
  }
}

/** A declaration of any table or view. */
export type AnyDeclaration = Declaration<any, never, any, any, any>

/** The row of a declared table or view. */
export type Row<D> = D extends { readonly $out?: infer O } ? Simplify<NonNullable<O>> : never

/**
 * Declares a table: its columns and options as `createTable` takes them. Nothing happens before `pxt.sync`.
 *
 * @param name a dot path; `sync` creates its directories
 * @example
 * ```ts
 * import { Pixeltable, type Row, t, table } from 'pixeltable'
 * export const Films = table('app.films', { title: t.string(), year: t.int() }, { primaryKey: ['title'] })
 * type Film = Row<typeof Films> // { title: string; year: number }
 * const pxt = await Pixeltable.open(':memory:')
 * const { films } = await pxt.sync({ films: Films })
 * await films.insert({ title: 'Alien', year: 1979 })
 * const first: Film | undefined = await films.first()
 * console.log(first)
 * ```
 */
export function table<const S extends Schema>(
  name: string,
  schema: S,
  options: TableDeclarationOptions<S> = {},
): Declaration<RowOf<S>, InsertOf<S>> {
  if (typeof schema !== 'object' || schema === null || schema instanceof Query) {
    throw new SchemaError(
      `table('${name}'): expected an object of columns such as { title: t.string() }, got ${describeValue(schema)}`,
    )
  }
  return new Declaration({
    name,
    origin: { kind: 'table', schema: Object.freeze({ ...schema }), options: options as TableDeclarationOptions<any> },
    members: [],
    indexes: [],
  })
}

/**
 * Declares a view of a declared table or view, of some of its rows (`where`, `sample`) or columns (`select`), as
 * `createView` makes it. Nothing happens before `pxt.sync`.
 *
 * @param base what it derives from; `sync` creates it first, whether or not it is listed
 * @example
 * ```ts
 * import { documentSplitter, miniEmbed, Pixeltable, t, table, view } from 'pixeltable'
 * const Docs = table('docs', { file: t.document() })
 * const Chunks = view('chunks', Docs, {
 *   iterator: documentSplitter((c) => c.file, { separators: ['sentence'] }),
 * }).embeddingIndex('text', { embed: miniEmbed() })
 * const pxt = await Pixeltable.open(':memory:')
 * const { docs, chunks } = await pxt.sync({ docs: Docs, chunks: Chunks })
 * await docs.insert({ file: new Blob(['Tea steeps. Bread bakes.'], { type: 'text/plain' }) })
 * console.log(await chunks.similarity('text', 'hot drinks').limit(1).select('text').collect())
 * ```
 */
export function view<B, R, O = {}>(
  name: string,
  base: DeclaredQuery<B, R>,
  options: ViewDeclarationOptions<NoInfer<R>, O> = {},
): Declaration<Overwrite<R, O>, never> {
  if (!(base instanceof DeclaredQuery)) {
    throw new SchemaError(
      `view('${name}'): expected a base made by table() or view(), or rows of one, got ${describeValue(base)}`,
    )
  }
  return new Declaration({ name, origin: { kind: 'view', base, options }, members: [], indexes: [] })
}

/** @internal The declaration whose rows a declared query takes. */
export const sourceOf = (query: DeclaredQuery<any, any>): AnyDeclaration =>
  query[declaredQuery].of ?? (query as AnyDeclaration)

/** @internal The columns of a declaration that may have code in the program: validators and default functions. */
export function schemaOf({ origin, members }: DeclarationParts): Schema {
  const own = members.flatMap((member) => (member.kind === 'column' ? [[member.name, member.column] as const] : []))
  return { ...(origin.kind === 'table' ? origin.schema : {}), ...Object.fromEntries(own) }
}
