import { foldName } from './catalog/catalog.js'
import { kindOf, type SnapshotDefinition, type TableDefinition } from './catalog/definition.js'
import { isInside } from './catalog/names.js'
import { snapshotToJson } from './catalog/serialize.js'
import type { OnError } from './compute/change.js'
import { createDirectory, dropDirectory, dropTable, move } from './compute/directories.js'
import { BackgroundDrain, type DrainOptions, type DrainResult, drain } from './compute/drain.js'
import { type CsvImportOptions, type FileFormat, fileToImport } from './compute/file-formats.js'
import { type FileOptions, openFiles } from './compute/files.js'
import { importFile } from './compute/import.js'
import type { ImportOptions } from './compute/import-options.js'
import { createTableOf, type QueryTableOptions } from './compute/query-rows.js'
import { bindSchema, checkNewPath, createTable, createView, hasDirectory } from './compute/schema.js'
import { definitionKey } from './compute/udf.js'
import type { ReadArgument, SchemaChange, VacuumResult } from './engine/engine.js'
import {
  DependencyError,
  EngineError,
  ExistsError,
  NotFoundError,
  QueryError,
  SchemaError,
  ValidationError,
} from './errors.js'
import { conjunction, type Expr, isExpression, type Refs } from './expr/expression.js'
import type { CodeKind, FunctionIdentity } from './expr/function.js'
import type { ImportSource } from './formats/source.js'
import type { IteratorUse } from './iterators/iterator.js'
import { miniEmbed } from './models/mini-embed/mini-embed.js'
import type { ColumnStats } from './plan/call-stats.js'
import { toSQL } from './plan/execute.js'
import type { OnProgress } from './plan/progress.js'
import { tableOf } from './plan/query-node.js'
import { Session } from './plan/session.js'
import type { IndexDescription, OrderedIndexDescription, TextIndexDescription } from './query/describe.js'
import { describeIndexes } from './query/describe-indexes.js'
import { internals, Query } from './query/query.js'
import { refsOf } from './query/refs.js'
import type { Relation } from './query/relation.js'
import type { Tracer } from './scheduler/tracer.js'
import type { SyncPlan } from './sync/plan.js'
import { type Declarations, planOf, type Synced, type SyncOptions, syncTables } from './sync/sync.js'
import type { IfExists, IfNotExists } from './table/if-exists.js'
import { type OneOrMore, Table } from './table/table.js'
import { iteratorOf, plainSource, projection } from './table/view-source.js'
import { toolInvoker } from './tools/invoke-tools.js'
import type { ArrayInput, NdArray } from './types/arrays.js'
import { type AnyRow, Column, type InsertOf, type RowOf, type Schema, type Simplify } from './types/column.js'
import { describeValue, type Stored } from './types/column-type.js'
import { typeOfValue } from './types/dynamic.js'
import type { Media, MediaInput } from './types/media.js'
import { workerScope } from './workers/scope.js'

/** Options of `Pixeltable.open`. */
export interface OpenOptions extends FileOptions {
  /** Opens for reading only; the file must exist, and every write fails. @default false */
  readonly readonly?: boolean
  /**
   * Functions, models and iterators that the file's computed columns and indexes name: a list, or a module
   * (`import * as functions from './functions.js'`). What the program has defined by then is found without.
   */
  readonly functions?: readonly unknown[] | Readonly<Record<string, unknown>>
  /**
   * `'background'` computes what is pending (see `InsertOptions.compute`) without being asked: what is found when the
   * file is opened, and what is deferred later. `'manual'` leaves it to `drain()`.
   * @default 'manual'
   */
  readonly drain?: 'manual' | 'background'
  /**
   * What the results of functions with `cache: true` may take in the file. Those that were not used for the longest time
   * go first.
   */
  readonly cache?: {
    /** Bytes; at least 0. @default 268435456 (256 MiB) */
    readonly maxBytes?: number
  }
  /**
   * What searches may take in memory: the vectors of embedding indexes, and which rows have which words (an eighth of it
   * at most); bytes, at least 0. Of vectors, those that were not searched for the longest time go first; an index that has
   * no room is searched in the file. `releaseMemory()`
   * lets go of all. @default 1073741824 (1 GiB)
   */
  readonly memoryLimit?: number
  /** Hears how far statements have come that are given no listener of their own. @default none */
  readonly onProgress?: OnProgress
  /**
   * Makes a span of each statement that writes (`pixeltable.statement`), and inside it one of each call of a function or
   * model (`pixeltable.call`): a tracer of OpenTelemetry, `trace.getTracer('app')`. @default none
   */
  readonly tracer?: Tracer
  /** How long a writer waits for another process, in milliseconds; at least 0. @default 5000 */
  readonly busyTimeout?: number
}

/** Options of `createTable`. */
export interface TableOptions<S extends Schema> {
  /** Columns whose values together are different in every row. @default none */
  readonly primaryKey?: readonly (keyof S & string)[]
  /**
   * Columns, or lists of columns, in which no two rows may be equal. Rows with a null in them are never equal.
   * @default none
   */
  readonly unique?: readonly OneOrMore<keyof S & string>[]
  /** Predicates that no row may make false, by name: `{ positive: (c) => c.price.gte(0) }`. @default none */
  readonly check?: Readonly<Record<string, (c: Refs<RowOf<S>>) => Expr<boolean | null>>>
  /** A note, shown by `describe`. */
  readonly comment?: string
  /** `'ignore'` returns the table that is there, `'replace'` drops it first. @default 'error' */
  readonly ifExists?: IfExists
}

/** Options of `createView`. */
export interface ViewOptions<R, O> {
  /** Makes any number of rows of each base row. */
  readonly iterator?: IteratorUse<R, O>
  /** A note, shown by `describe`. */
  readonly comment?: string
  /** `'ignore'` returns the view that is there, `'replace'` drops it first. @default 'error' */
  readonly ifExists?: IfExists
  /** What a base row that the iterator cannot read does to the rows that are there. @default 'abort' */
  readonly onError?: OnError
  /** Stops the work; nothing is created then. */
  readonly signal?: AbortSignal
}

/** Options of drops. */
export interface DropOptions {
  /** Whether nothing of that name is an error. @default 'error' */
  readonly ifNotExists?: IfNotExists
  /** Drops what depends on it too. @default false */
  readonly force?: boolean
}

/** Options of `vacuum`. */
export interface VacuumOptions {
  /** Keeps so many of the last versions of the database; a whole number of at least 1 (the current one alone). */
  readonly keepVersions?: number
  /** Gives up the versions that were superseded before this instant. */
  readonly olderThan?: Date
}

/** `A` with the properties of `B` in place of its own. */
export type Overwrite<A, B> = Omit<A, keyof B> & B

/** A table made of a file: typed by the schema where one was given. */
export type ImportedTable<S extends Schema> = [keyof S] extends [never]
  ? Table<AnyRow, AnyRow>
  : Table<RowOf<S>, InsertOf<S>>

/** What an insert takes for a value that a query returned. */
export type InsertOfValue<V> = V extends Float32Array
  ? ArrayLike<number>
  : V extends Date
    ? Date | string
    : V extends Media
      ? MediaInput
      : V extends bigint
        ? bigint | number
        : V extends NdArray<infer D>
          ? ArrayInput<D>
          : V

/** The row that a table made of a query takes: what may be null may be left out. */
export type InsertOfRow<O> = Simplify<
  { [K in keyof O as null extends O[K] ? never : K]: InsertOfValue<O[K]> } & {
    [K in keyof O as null extends O[K] ? K : never]?: InsertOfValue<O[K]>
  }
>

/** A file as `createTable` takes it: its format and where it is. */
export type FileSource =
  | { readonly csv: ImportSource }
  | { readonly jsonl: ImportSource }
  | { readonly json: ImportSource }
  | { readonly parquet: ImportSource }
  | { readonly arrow: ImportSource }

/**
 * One open database: tables, views, computed columns and indexes in one SQLite file, or in memory.
 *
 * @example
 * ```ts
 * import { Pixeltable, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
 * await films.insert([{ title: 'Alien', year: 1979 }])
 * console.log(await films.where((c) => c.year.lt(1990)).collect())
 * pxt.close()
 * ```
 */
export class Pixeltable {
  readonly #session: Session
  readonly #background: BackgroundDrain | undefined

  private constructor(session: Session, background: boolean) {
    this.#session = session
    this.#background = background ? new BackgroundDrain(session) : undefined
  }

  /**
   * Opens a database file, creating it when it does not exist, or a new database in memory (`':memory:'`).
   *
   * @throws EngineError when the file is no database, damaged, another program's, or of a newer format; and in a
   *   thread that imports a module for its functions (see `UdfOptions.worker`)
   * @throws NotFoundError when its directory (or, read-only, the file) does not exist
   */
  static async open(path: string, options: OpenOptions = {}): Promise<Pixeltable> {
    if (typeof path !== 'string' || path === '') {
      throw new ValidationError(`open(): expected a path or ':memory:', got ${describeValue(path)}`)
    }
    const loading = workerScope()?.loading
    if (loading !== undefined) {
      throw new EngineError(
        `open(): the module ${loading} opens a database when it is imported, and it is imported in a worker thread, for its functions with 'worker': put those into a module of their own`,
      )
    }
    const { busyTimeout, functions = [] } = options
    if (busyTimeout !== undefined && !(busyTimeout >= 0)) {
      throw new ValidationError(
        `open(): busyTimeout: expected milliseconds of at least 0, got ${describeValue(busyTimeout)}`,
      )
    }
    if (options.drain !== undefined && options.drain !== 'manual' && options.drain !== 'background') {
      throw new ValidationError(`open(): drain: expected 'manual' or 'background', got ${describeValue(options.drain)}`)
    }
    if (options.drain === 'background' && options.readonly) {
      throw new ValidationError(`open(): drain: 'background' writes, and the file is opened read-only`)
    }
    const maxResultBytes = options.cache?.maxBytes
    if (maxResultBytes !== undefined && !(Number.isSafeInteger(maxResultBytes) && maxResultBytes >= 0)) {
      throw new ValidationError(
        `open(): cache.maxBytes: expected a whole number of at least 0, got ${describeValue(maxResultBytes)}`,
      )
    }
    const { memoryLimit } = options
    if (memoryLimit !== undefined && !(memoryLimit >= 0)) {
      throw new ValidationError(`open(): memoryLimit: expected bytes of at least 0, got ${describeValue(memoryLimit)}`)
    }
    const code = definitionsIn(functions)
    // Loaded with the first file: importing the library stays cheap.
    const { openSqlite } = await import('./engine/sqlite/sqlite-engine.js')
    const engine = await openSqlite(path, { readonly: options.readonly, busyTimeout, maxResultBytes })
    const files = openFiles(engine, options)
    // The built-in model belongs to every file, whether or not the program has made it.
    const builtIn = [{ kind: 'embedder' as const, definition: miniEmbed() }]
    const { onProgress, tracer } = options
    const session = new Session(engine, { ...files, onProgress, tracer, memoryLimit, code: [...builtIn, ...code] })
    session.bind(
      'function',
      toolInvoker((name) => session.code('function', name)),
    )
    await session.catalog()
    return new Pixeltable(session, options.drain === 'background')
  }

  /**
   * Creates a directory. Names are dot paths: `app`, `app.docs`.
   * @throws ExistsError under `ifExists: 'error'`
   * @throws NotFoundError when its parent does not exist
   * @throws DependencyError under `ifExists: 'replace'`, when it is not empty
   */
  async createDir(name: string, { ifExists = 'error' }: { readonly ifExists?: IfExists } = {}): Promise<void> {
    await this.#changeSchema('create directory', (catalog) => {
      if (!hasDirectory(catalog, name) || ifExists === 'error') return createDirectory(catalog, name)
      if (ifExists === 'ignore') return []
      return [...dropDirectory(catalog, name, false), { kind: 'createDirectory', name }]
    })
  }

  /** Names of directories, sorted: all of them, or those inside one. */
  async listDirs(inside?: string): Promise<string[]> {
    const catalog = await this.#session.catalog()
    return [...catalog.directories].filter((name) => inside === undefined || isInside(name, inside)).sort()
  }

  /**
   * Drops a directory.
   * @throws NotFoundError under `ifNotExists: 'error'`
   * @throws DependencyError when it is not empty, without `force`
   */
  async dropDir(name: string, { ifNotExists = 'error', force = false }: DropOptions = {}): Promise<void> {
    await this.#changeSchema('drop directory', (catalog) => {
      if (!hasDirectory(catalog, name) && ifNotExists === 'ignore') return []
      return dropDirectory(catalog, name, force)
    })
  }

  /**
   * Renames a table, a view, or a directory with all that is in it.
   * @throws NotFoundError when there is nothing of that name
   * @throws ExistsError when the new name is taken
   */
  async move(name: string, newName: string): Promise<void> {
    await this.#changeSchema('move', (catalog) => move(catalog, name, newName))
  }

  /**
   * Creates a table: of a schema, empty; of a query or another table, with its rows; or of a file, as `importCsv` and
   * the others do.
   *
   * @param name a dot path; its directory must exist
   * @param from the columns; or a query, whose expressions give the columns their types; or a file, such as
   *   `{ csv: 'films.csv' }`
   * @throws SchemaError when a name or a column is not valid
   * @throws ExistsError when the name is taken
   * @throws DependencyError under `ifExists: 'replace'`, when views derive from the table that is there
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * await films.insert([{ title: 'Alien', year: 1979 }, { title: 'Heat', year: 1995 }])
   * const old = await pxt.createTable('old', films.where((c) => c.year.lt(1990)))
   * console.log(await old.count()) // 1
   * ```
   */
  async createTable<R, O, A>(
    name: string,
    from: Query<R, O, A>,
    options?: QueryTableOptions,
  ): Promise<Table<Simplify<O>, InsertOfRow<O>>>
  async createTable<const S extends Schema = {}>(
    name: string,
    from: FileSource,
    options?: CsvImportOptions<S>,
  ): Promise<ImportedTable<S>>
  async createTable<const S extends Schema>(
    name: string,
    from: S,
    options?: TableOptions<S>,
  ): Promise<Table<RowOf<S>, InsertOf<S>>>
  async createTable(name: string, from: object, options: TableOptions<any> = {}): Promise<Table<any, any>> {
    if (typeof from === 'object' && from !== null) {
      if (from instanceof Query) {
        return this.#handle(await createTableOf(this.#session, name, from[internals], options as QueryTableOptions))
      }
      const [format, source] = Object.entries(from)[0] ?? []
      if (format !== undefined && formats.has(format) && !(source instanceof Column)) {
        return this.#import(name, format as FileFormat, source as ImportSource, options as CsvImportOptions)
      }
    }
    const { primaryKey = [], unique, check, comment, ifExists = 'error' } = options
    const schema = from as Schema
    const table = await this.#session.attemptAlone(async (catalog) => {
      const existing = catalog.named(name)
      if (existing && ifExists === 'ignore') return this.#reuse(existing, 'table', schema)
      const replaced = existing ? this.#replace(existing, 'table', ifExists) : []
      return createTable(
        this.#session,
        catalog,
        { name, schema, primaryKey, unique: unique as never, check, comment },
        replaced,
      )
    })
    return this.#handle(table)
  }

  /**
   * Creates a table from a CSV file, or appends to one. The file is read as a stream, no faster than its rows are
   * written, and may be gzipped. Types are those of `schema`, else inferred from the first rows. A new table is there
   * when all rows are in: an import that fails or is stopped leaves nothing behind.
   *
   * @throws ValidationError that names the file, the row and the column of a value that does not fit
   * @throws NotFoundError when there is no such file
   * @throws ExistsError when the name is taken
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const csv = new TextEncoder().encode('title,year\nAlien,1979\nHeat,1995\n')
   * const films = await pxt.importCsv('films', csv, { schema: { title: t.string(), year: t.int() } })
   * console.log(await films.where((c) => c.year.lt(1990)).collect()) // [{ title: 'Alien', year: 1979 }]
   * ```
   */
  async importCsv<const S extends Schema = {}>(
    name: string,
    source: ImportSource,
    options: CsvImportOptions<S> = {},
  ): Promise<ImportedTable<S>> {
    return this.#import(name, 'csv', source, options)
  }

  /** Creates a table from a file of JSON Lines, one object a line, or appends to one; otherwise as `importCsv`. */
  async importJsonl<const S extends Schema = {}>(
    name: string,
    source: ImportSource,
    options: ImportOptions<S> = {},
  ): Promise<ImportedTable<S>> {
    return this.#import(name, 'jsonl', source, options)
  }

  /** Creates a table from a JSON array of objects, which are read one by one, or appends to one; otherwise as `importCsv`. */
  async importJson<const S extends Schema = {}>(
    name: string,
    source: ImportSource,
    options: ImportOptions<S> = {},
  ): Promise<ImportedTable<S>> {
    return this.#import(name, 'json', source, options)
  }

  /**
   * Creates a table from a Parquet file, or from a directory of them such as Pixeltable for Python exports, or appends
   * to one; otherwise as `importCsv`. A file that this library wrote gives back its very columns. A URL or stream is
   * copied to a temporary file first, because Parquet is not read from first to last.
   */
  async importParquet<const S extends Schema = {}>(
    name: string,
    source: ImportSource,
    options: ImportOptions<S> = {},
  ): Promise<ImportedTable<S>> {
    return this.#import(name, 'parquet', source, options)
  }

  /**
   * Creates a table from an Arrow IPC stream or file, or appends to one; otherwise as `importCsv`.
   * @throws MissingPackageError when apache-arrow is not installed
   */
  async importArrow<const S extends Schema = {}>(
    name: string,
    source: ImportSource,
    options: ImportOptions<S> = {},
  ): Promise<ImportedTable<S>> {
    return this.#import(name, 'arrow', source, options)
  }

  /**
   * Creates a view of a table, of another view, or of a query's `where`, and fills it. It stays in step with its base
   * from then on. With an iterator each base row becomes any number of rows.
   *
   * @throws ExistsError when the name is taken
   * @throws QueryError when the base is a query of anything but `where`
   * @throws MediaError under `onError: 'abort'`, when the iterator cannot read a file
   */
  async createView<B, R, A, O = {}>(
    name: string,
    base: Query<B, R, A>,
    options: ViewOptions<NoInfer<R>, O> = {},
  ): Promise<Table<Overwrite<R, O>, never>> {
    const { iterator, comment, ifExists = 'error', onError = 'abort', signal } = options
    const { session, node } = base[internals]
    if (session !== this.#session) throw new QueryError(`createView('${name}'): the base belongs to another database`)
    const source = plainSource(node)
    if (!source) {
      throw new QueryError(
        `createView('${name}'): the base can be a table, a view, or a query with where(), select() and sample({ fraction }) alone`,
      )
    }
    if (source.asOf !== undefined) {
      throw new QueryError(
        `createView('${name}'): a view follows its base, and a snapshot never changes: query the snapshot`,
      )
    }
    const refs = refsOf(session, node)
    const use = iterator && iteratorOf(iterator, refs)
    const table = await session.attemptAlone(async (catalog, results) => {
      const existing = catalog.named(name)
      if (existing && ifExists === 'ignore') return this.#reuse(existing, 'view', {})
      const replaced = existing ? this.#replace(existing, 'view', ifExists) : []
      if (replaced.some((change) => change.kind === 'dropTable' && change.table.id === source.id)) {
        throw new DependencyError(`createView('${name}'): a view cannot replace its own base`, [name])
      }
      const base = { id: source.id, name: source.name }
      const view = { name, base, where: node.where, iterator: use, comment, ...projection(catalog, source, node) }
      return createView(session, catalog, { ...view, onError, signal, results }, replaced)
    })
    return this.#handle(table)
  }

  /**
   * Makes a snapshot: the rows of a table, a view, or a query's `where`, as they are now (or, of an `asOf`, were then),
   * under a name. It takes no space of its own, never changes, and what it shows survives `vacuum`.
   *
   * @throws ExistsError when the name is taken
   * @throws QueryError when the base is a query of anything but `where`
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * await films.insert([{ title: 'Alien', year: 1979 }])
   * const before = await pxt.createSnapshot('films_v1', films)
   * await films.delete().all().run()
   * console.log(await before.collect()) // [{ title: 'Alien', year: 1979 }]
   * ```
   */
  async createSnapshot<R>(
    name: string,
    base: Query<R, R>,
    { comment, ifExists = 'error' }: { readonly comment?: string; readonly ifExists?: IfExists } = {},
  ): Promise<Relation<R, any, any, any>> {
    const { session, node } = base[internals]
    if (session !== this.#session)
      throw new QueryError(`createSnapshot('${name}'): the base belongs to another database`)
    const source = node.select ? undefined : plainSource(node)
    if (!source) {
      throw new QueryError(`createSnapshot('${name}'): the base can be a table, a view, or a query with where() alone`)
    }
    return session.attemptAlone(async (catalog) => {
      const existing = catalog.snapshotNamed(name)
      if (existing && ifExists === 'ignore') return this.#snapshot(existing)
      const replaced: SchemaChange[] =
        existing && ifExists === 'replace' ? [{ kind: 'dropSnapshot', name: existing.name }] : []
      if (existing && ifExists === 'error') throw new ExistsError(`the snapshot '${existing.name}' exists already`)
      if (!existing) checkNewPath(catalog, name, 'snapshot')
      if (catalog.named(name)) throw new ExistsError(`'${name}' is a ${kindOf(catalog.named(name)!)}`)
      catalog.byId(source.id, source.name)
      await session.checkVersion(source.asOf)
      const version = source.asOf ?? (await session.engine.versionRange()).last
      const where = conjunction(node.where)
      const snapshot: SnapshotDefinition = {
        name,
        base: source.id,
        version,
        ...(where ? { where } : {}),
        ...(comment === undefined ? {} : { comment }),
      }
      const definition = JSON.stringify(snapshotToJson(snapshot))
      await session.commit({
        operation: 'create snapshot',
        catalogVersion: catalog.version,
        schema: [...replaced, { kind: 'createSnapshot', name, definition }],
      })
      return this.#snapshot(snapshot)
    })
  }

  /**
   * Brings the file to what `table()` and `view()` declare, and opens what they declare. What is missing is created and
   * filled: directories, tables, views, columns, indexes; a computed column whose expression changed gets the new one;
   * functions, models, validators and default functions work again. Everything is one transaction and one version, or,
   * when something fails, nothing. What is as declared already costs nothing. Tables that are not declared are left alone.
   *
   * With `dryRun` nothing is done, and the plan is returned.
   *
   * @param declarations what is declared, by the names that the handles are to have; bases come along
   * @throws SchemaError when the file has a column of another type, a table of another key or base; or, without `prune`,
   *   when rows of a view would go
   * @throws ExistsError when a name is taken by something else
   * @throws ComputeError under `onError: 'abort'`, when a cell cannot be computed
   * @throws DependencyError with `prune`, when something reads what would be dropped
   * @example
   * ```ts
   * import { Pixeltable, t, table, udf, view } from 'pixeltable'
   * const words = udf({ name: 'words', version: 1, returns: t.int() }, (text: string) => text.split(' ').length)
   * const Notes = table('app.notes', { text: t.string() }).computed('words', (c) => words(c.text))
   * const Long = view('app.long', Notes.where((c) => c.words.gt(2)))
   * const pxt = await Pixeltable.open(':memory:')
   * console.log(await pxt.sync({ notes: Notes, long: Long }, { dryRun: true })) // create directory 'app' …
   * const { notes, long } = await pxt.sync({ notes: Notes, long: Long })
   * await notes.insert([{ text: 'one' }, { text: 'one two three' }])
   * console.log(await long.collect()) // [{ text: 'one two three', words: 3 }]
   * ```
   */
  sync<const D extends Declarations>(
    declarations: D,
    options: SyncOptions & { readonly dryRun: true },
  ): Promise<SyncPlan>
  sync<const D extends Declarations>(
    declarations: D,
    options?: SyncOptions & { readonly dryRun?: false },
  ): Promise<Synced<D>>
  sync<const D extends Declarations>(declarations: D, options: SyncOptions): Promise<Synced<D> | SyncPlan>
  async sync(declarations: Declarations, options: SyncOptions = {}): Promise<any> {
    return options.dryRun
      ? planOf(this.#session, declarations, options)
      : syncTables(this.#session, declarations, options)
  }

  /**
   * Runs statements on any tables as one: they make one version and one commit, or, when `work` throws, none. Inside
   * they see each other's changes; everything else on this database waits meanwhile, reads included, so keep it short.
   *
   * @param work is given this database; what it returns is returned
   * @throws ConflictError when another process has been writing for longer than `busyTimeout`
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const accounts = await pxt.createTable('accounts', { id: t.int(), euros: t.int() }, { primaryKey: ['id'] })
   * await accounts.insert([{ id: 1, euros: 10 }, { id: 2, euros: 0 }])
   * await pxt.transaction(async () => {
   *   await accounts.update({ euros: (c) => c.euros.sub(5) }).where({ id: 1 }).run()
   *   await accounts.update({ euros: (c) => c.euros.add(5) }).where({ id: 2 }).run()
   * })
   * console.log(await accounts.collect())
   * ```
   */
  transaction<T>(work: (tx: Pixeltable) => Promise<T>): Promise<T> {
    if (typeof work !== 'function') {
      throw new ValidationError(`transaction(): expected an async function, got ${describeValue(work)}`)
    }
    return this.#session.transaction('transaction', async () => work(this))
  }

  /**
   * Computes everything that is pending: rows inserted with `compute: 'deferred'`, and columns and indexes that were
   * added so. It commits batch by batch. A process that is killed goes on from there when it drains again: what was
   * committed is never computed twice.
   *
   * @throws NotFoundError when a function is needed that the program has not defined
   * @throws ComputeError under `onError: 'abort'`, when a cell cannot be computed
   * @example
   * ```ts
   * import { Pixeltable, t, udf } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const slow = udf({ name: 'slow_upper' }, async (text: string) => text.toUpperCase())
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * const loud = await notes.addComputedColumn('loud', (c) => slow(c.text))
   * await loud.insert([{ text: 'hello' }], { compute: 'deferred' })
   * console.log(loud.coverage()[0]?.pending) // 1
   * await pxt.drain()
   * console.log(await loud.collect()) // [{ text: 'hello', loud: 'HELLO' }]
   * ```
   */
  drain(options: DrainOptions = {}): Promise<DrainResult> {
    return drain(this.#session, options)
  }

  /**
   * Gives up earlier versions and returns their space: superseded rows and vectors, dropped columns and indexes, and
   * media files that nothing refers to any more. Snapshots keep what they show. The file is rewritten, which needs as
   * much free space as it has size, and blocks the process meanwhile.
   *
   * @throws ValidationError unless exactly one of the options is given
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * await notes.insert([{ text: 'a' }])
   * await notes.update({ text: 'b' }).all().run()
   * console.log((await pxt.vacuum({ keepVersions: 1 })).rows) // 1
   * ```
   */
  async vacuum(options: VacuumOptions): Promise<VacuumResult> {
    const { keepVersions, olderThan } = options ?? {}
    if ((keepVersions === undefined) === (olderThan === undefined)) {
      throw new ValidationError('vacuum(): expected either { keepVersions } or { olderThan }')
    }
    if (keepVersions !== undefined && !(Number.isSafeInteger(keepVersions) && keepVersions >= 1)) {
      throw new ValidationError(
        `vacuum(): keepVersions: expected a whole number of at least 1, got ${describeValue(keepVersions)}`,
      )
    }
    if (olderThan !== undefined && !(olderThan instanceof Date && !Number.isNaN(olderThan.getTime()))) {
      throw new ValidationError(`vacuum(): olderThan: expected a Date, got ${describeValue(olderThan)}`)
    }
    return this.#session.attemptAlone(async () => {
      const { first, last } = await this.#session.engine.versionRange()
      const from = olderThan ? this.#session.versionAt(olderThan) : last - keepVersions! + 1
      return this.#session.engine.vacuum(Math.max(first, from))
    })
  }

  /**
   * Runs a whole SQL statement that only reads, over the real tables. What stands in `${…}` is bound, or, where it is a
   * table or a query, becomes its name or a subquery, and a column its name. Values come out as the file has them: a
   * timestamp as text, a boolean as 0 or 1, a vector as bytes.
   *
   * @throws QueryError when the statement is not valid, or would write
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * await films.insert([{ title: 'Alien', year: 1979 }, { title: 'Heat', year: 1995 }])
   * console.log(await pxt.sql`SELECT count(*) AS n FROM ${films} WHERE year > ${1990}`) // [{ n: 1 }]
   * ```
   */
  async sql<T = Record<string, Stored>>(parts: TemplateStringsArray, ...values: unknown[]): Promise<T[]> {
    if (!Array.isArray(parts) || !('raw' in parts)) {
      throw new QueryError(
        'sql is a template tag: write pxt.sql`…`, not pxt.sql(…), so that values are bound and not pasted in',
      )
    }
    await this.#session.catalog()
    return (await this.#session.engine.read(parts, values.map(readArgument))) as T[]
  }

  /**
   * Opens a table or view. With its schema the rows are typed, and validators and default functions, which are code and
   * not in the file, work again; without it rows are of any type.
   *
   * @throws NotFoundError when there is none of that name
   * @throws SchemaError when the schema does not fit the stored columns
   */
  async getTable(name: string): Promise<Table<AnyRow, AnyRow, any, any, any>>
  async getTable<const S extends Schema>(name: string, schema: S): Promise<Table<RowOf<S>, InsertOf<S>, any, any, any>>
  async getTable(name: string, schema?: Schema): Promise<Table<any, any, any, any, any>> {
    const catalog = await this.#session.catalog()
    const table = catalog.named(name)
    const snapshot = catalog.snapshotNamed(name)
    if (snapshot) return this.#snapshot(snapshot)
    if (!table) {
      const names = [...catalog.tables].map((t) => t.name).sort()
      throw new NotFoundError(
        hasDirectory(catalog, name)
          ? `'${name}' is a directory, not a table`
          : `there is no table '${name}'. There are: ${names.join(', ') || 'none'}`,
      )
    }
    if (schema) {
      checkSchema(table, schema)
      bindSchema(this.#session, table, schema)
    }
    return this.#handle(table)
  }

  /**
   * Drops a table or view.
   * @throws NotFoundError under `ifNotExists: 'error'`
   * @throws DependencyError that names the views that derive from it, without `force`
   */
  async dropTable(name: string, { ifNotExists = 'error', force = false }: DropOptions = {}): Promise<void> {
    await this.#changeSchema('drop table', (catalog) => {
      const table = catalog.named(name)
      const snapshot = catalog.snapshotNamed(name)
      if (snapshot) return [{ kind: 'dropSnapshot', name: snapshot.name }]
      if (table) return dropTable(catalog, table, force)
      if (ifNotExists === 'ignore') return []
      throw new NotFoundError(`there is no table '${name}'`)
    })
  }

  /**
   * Names of tables and views, sorted: all of them, or those in a directory.
   * @param options `recursive` includes those in directories inside it; default true
   */
  async listTables(directory?: string, { recursive = true }: { readonly recursive?: boolean } = {}): Promise<string[]> {
    const catalog = await this.#session.catalog()
    if (directory !== undefined && !hasDirectory(catalog, directory)) {
      throw new NotFoundError(`there is no directory '${directory}'`)
    }
    return [...catalog.tables, ...catalog.snapshots]
      .map(({ name }) => name)
      .filter((name) => directory === undefined || isInside(name, directory))
      .filter((name) => recursive || !name.slice(directory === undefined ? 0 : directory.length + 1).includes('.'))
      .sort()
  }

  /**
   * The embedding, full-text and ordered indexes: of all tables, or of one. The sizes are those of now, and what an index
   * has in memory comes with its first search.
   *
   * @throws NotFoundError
   * @example
   * ```ts
   * import { miniEmbed, Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const notes = await pxt.createTable('notes', { text: t.string() })
   * await notes.addEmbeddingIndex('text', { embed: miniEmbed() })
   * for (const { name, type, column, status } of await pxt.indexes('notes')) console.log(name, type, column, status)
   * // text_mini-embed vector text ready
   * ```
   */
  async indexes(table?: string): Promise<(IndexDescription | TextIndexDescription | OrderedIndexDescription)[]> {
    const catalog = await this.#session.catalog()
    const one = table === undefined ? undefined : catalog.named(table)
    if (table !== undefined && !one) throw new NotFoundError(`there is no table '${table}'`)
    const described = (one ? [one] : [...catalog.tables]).map((t) => describeIndexes(this.#session, catalog, t))
    return (await Promise.all(described)).flat()
  }

  /**
   * Lets go of what is held in memory for the speed of searches: vectors, graphs and lists over them, and which rows have
   * which words. The next search of an index reads the file, and those after it find all in memory again.
   *
   * @example
   * ```ts
   * import { Pixeltable } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:', { memoryLimit: 256 * 2 ** 20 })
   * pxt.releaseMemory()
   * ```
   */
  releaseMemory(): void {
    this.#session.releaseMemory()
  }

  /**
   * What functions and models have done since the database was opened, for each column and index: calls, retries,
   * failures, time, and the tokens and cost that they report.
   *
   * @param table of one table or view alone. @default all
   * @example
   * ```ts
   * import { Pixeltable, t, udf } from 'pixeltable'
   * const ask = udf({ name: 'ask' }, async function (question: string) {
   *   this.report({ inputTokens: question.length, outputTokens: 3 })
   *   return 'yes'
   * })
   * const pxt = await Pixeltable.open(':memory:')
   * const chats = await pxt.createTable('chats', { question: t.string() })
   * const answered = await chats.addComputedColumn('answer', (c) => ask(c.question))
   * await answered.insert([{ question: 'is it?' }, { question: 'really?' }])
   * console.log(pxt.stats()) // [{ table: 'chats', column: 'answer', function: 'ask@1', cells: 2, calls: 2, … }]
   * ```
   */
  stats(table?: string): ColumnStats[] {
    return this.#session.stats.of(table)
  }

  /** Closes the file. Handles and queries of this database cannot be used any more. */
  close(): void {
    this.#background?.stop()
    this.#session.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  async #import(
    name: string,
    format: FileFormat,
    source: ImportSource,
    options: CsvImportOptions,
  ): Promise<Table<any, any>> {
    const session = this.#session
    const { schema = {} } = options
    const existing = (await session.catalog()).named(name)
    if (existing && (options.ifExists === 'append' || options.ifExists === 'ignore')) {
      this.#reuse(existing, 'table', schema)
    }
    return this.#handle(await importFile(session, name, fileToImport(session, format, source, options), options))
  }

  #changeSchema(
    operation: string,
    plan: (catalog: Awaited<ReturnType<Session['catalog']>>) => SchemaChange[],
  ): Promise<void> {
    return this.#session.attemptAlone(async (catalog) => {
      const schema = plan(catalog)
      if (schema.length > 0) await this.#session.commit({ operation, catalogVersion: catalog.version, schema })
    })
  }

  #reuse(existing: TableDefinition, kind: 'table' | 'view', schema: Schema): TableDefinition {
    if (kindOf(existing) !== kind) throw new ExistsError(`'${existing.name}' exists and is a ${kindOf(existing)}`)
    checkSchema(existing, schema)
    bindSchema(this.#session, existing, schema)
    return existing
  }

  #replace(existing: TableDefinition, kind: 'table' | 'view', ifExists: IfExists): SchemaChange[] {
    if (ifExists !== 'replace') throw new ExistsError(`the ${kindOf(existing)} '${existing.name}' exists already`)
    if (kindOf(existing) !== kind) throw new ExistsError(`'${existing.name}' exists and is a ${kindOf(existing)}`)
    return dropTable(this.#session.lastCatalog, existing, false)
  }

  #handle<R, I>(table: TableDefinition): Table<R, I, never> {
    return new Table(this.#session, table)
  }

  #snapshot<R = any>({ name, base, version, where }: SnapshotDefinition): Table<R, any, any, any, any> {
    const table = this.#session.catalogAt(version).byId(base, name)
    return new Table(this.#session, { id: base, name: table.name, asOf: version, where, snapshot: name })
  }
}

/** What stands in the text of `pxt.sql`. */
function readArgument(value: unknown): ReadArgument {
  if (value instanceof Query) {
    const { session, node } = value[internals]
    const whole = value instanceof Table && tableOf(node)?.asOf === undefined && value.kind === 'table'
    return whole ? { kind: 'name', name: value.name } : { kind: 'query', query: toSQL(session, node, {}) }
  }
  if (isExpression(value)) {
    if (value.node.kind === 'column') return { kind: 'name', name: value.node.name }
    throw new QueryError('sql`…`: of expressions only columns can stand here')
  }
  if (value === undefined) throw new QueryError('sql`…`: got undefined; for no value write null')
  if (value === null) return { kind: 'value', value: null }
  const type = typeOfValue(value)
  return { kind: 'value', value: type.encode(type.parse(value)) }
}

const formats: ReadonlySet<string> = new Set<FileFormat>(['csv', 'jsonl', 'json', 'parquet', 'arrow'])

/** A declared schema must fit what is stored. @throws SchemaError */
function checkSchema(table: TableDefinition, schema: Schema): void {
  for (const [name, column] of Object.entries(schema)) {
    const stored = table.columns.find((c) => foldName(c.name) === foldName(name))
    const { validated: _validated, ...config } = column.type.config()
    const { validated: _stored, ...found } = stored?.type.config() ?? { name: 'no column' }
    if (JSON.stringify(config) !== JSON.stringify(found)) {
      throw new SchemaError(
        `'${table.name}' does not fit the schema: column '${name}' is declared as ${JSON.stringify(config)}, and the file has ${JSON.stringify(found)}`,
      )
    }
  }
}

/** The functions, embedders and iterators in a list or a module. @throws ValidationError for anything else in a list */
function definitionsIn(
  functions: readonly unknown[] | Readonly<Record<string, unknown>>,
): { kind: CodeKind; definition: FunctionIdentity }[] {
  const listed = Array.isArray(functions)
  const found: { kind: CodeKind; definition: FunctionIdentity }[] = []
  for (const value of Object.values(functions)) {
    const definition = definitionOf(value)
    if (definition) found.push(definition)
    else if (listed) {
      throw new ValidationError(
        `open(): functions: expected functions made by udf(), models or iterators, got ${describeValue(value)}`,
      )
    }
  }
  return found
}

function definitionOf(value: unknown): { kind: CodeKind; definition: FunctionIdentity } | undefined {
  if (typeof value === 'function' && definitionKey in value) {
    return { kind: 'function', definition: value[definitionKey] as FunctionIdentity }
  }
  if (typeof value !== 'object' || value === null || !('name' in value)) return undefined
  if ('embed' in value) return { kind: 'embedder', definition: value as unknown as FunctionIdentity }
  if ('iterate' in value) return { kind: 'iterator', definition: value as unknown as FunctionIdentity }
  return undefined
}
