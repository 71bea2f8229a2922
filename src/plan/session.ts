import { LRUCache } from 'lru-cache'
import { asStored } from '../catalog/as-of.js'
import { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { definitionFromJson, snapshotFromJson } from '../catalog/serialize.js'
import type { Commit, CommitResult, Counts, Engine, FileContent, StoredCatalog } from '../engine/engine.js'
import { ConflictError, NotFoundError } from '../errors.js'
import {
  type CodeKind,
  definitionOf,
  type FunctionCode,
  type FunctionIdentity,
  identityOf,
  type ScalarFunction,
} from '../expr/function.js'
import { type Tracer, traced } from '../scheduler/tracer.js'
import type { Embedder, MultiEmbedder } from '../search/embedder.js'
import type { ColumnType, DecodeContext, MediaColumn } from '../types/column-type.js'
import type { Media } from '../types/media.js'
import { CallStats } from './call-stats.js'
import { Filters } from './filtered-rows.js'
import { Gate } from './gate.js'
import type { OnProgress } from './progress.js'
import { ResidentPostings } from './resident-postings.js'
import { ResidentVectors } from './resident-vectors.js'
import { ResultLog } from './result-log.js'

/** How a session is made. */
export interface SessionOptions {
  readonly decode: DecodeContext
  readonly resolveFile: FileResolver
  /** Makes spans of statements and calls. */
  readonly tracer?: Tracer | undefined
  /** Hears how far statements have come that have no listener of their own. */
  readonly onProgress?: OnProgress | undefined
  /** Bytes that vectors may take in memory. @default 1 GiB */
  readonly memoryLimit?: number | undefined
  /** Functions, iterators and embedders that the program passed to `open`. */
  readonly code?: readonly { readonly kind: CodeKind; readonly definition: FunctionIdentity }[]
}

/**
 * Turns what a user gave for a media cell into a Media, with the bytes to be kept in the database, if any. The Media
 * can be read before those are written.
 */
export type FileResolver = (
  column: MediaColumn,
  value: unknown,
  signal: AbortSignal | undefined,
) => Promise<{ readonly media: Media; readonly content?: FileContent | undefined }>

/** What the program has of a column that the file cannot hold: its validator and the function that makes its default. */
export interface ColumnCode {
  readonly type?: ColumnType<any>
  readonly makeDefault?: () => unknown
}

/** Bytes that vectors may take in memory, unless it is said. */
const defaultMemoryLimit = 2 ** 30
/** Query texts whose vectors are kept, so that asking again costs nothing. */
const cachedQueries = 1000
/** Versions whose catalogs are kept. */
const pastCatalogs = 64
/** How often a statement is computed again when another process changed what it had read. */
const attempts = 5

/** One open database: its engine, the catalog as last seen, and the code that its definitions name. */
export class Session {
  readonly engine: Engine
  readonly decode: DecodeContext
  readonly resolveFile: FileResolver
  readonly tracer: Tracer | undefined
  readonly onProgress: OnProgress | undefined
  readonly stats = new CallStats()
  readonly residentVectors: ResidentVectors
  readonly residentPostings: ResidentPostings
  /** Vectors of query texts, by embedder and text. */
  readonly queryVectors = new LRUCache<string, Float32Array>({ max: cachedQueries })
  readonly #filters: Filters
  readonly #gate = new Gate()
  readonly #binder = { function: (identity: FunctionIdentity) => this.#function(identity) }
  readonly #past = new LRUCache<number, Catalog>({ max: pastCatalogs })
  #catalog: Catalog = new Catalog(-1, [], [])
  #stored: StoredCatalog | undefined
  /** What the statements of the open transaction got from functions. */
  #transactionLogs: ResultLog[] | undefined
  #code = new Map<string, FunctionIdentity>()
  #columnCode = new Map<string, ColumnCode>()

  constructor(engine: Engine, options: SessionOptions) {
    this.engine = engine
    this.decode = options.decode
    this.resolveFile = options.resolveFile
    this.tracer = options.tracer
    this.onProgress = options.onProgress
    const { memoryLimit = defaultMemoryLimit } = options
    this.#filters = new Filters(engine)
    this.residentPostings = new ResidentPostings(engine, this.#filters, memoryLimit)
    this.residentVectors = new ResidentVectors(engine, this.#filters, memoryLimit, () => this.residentPostings.bytes)
    for (const { kind, definition } of options.code ?? []) this.bind(kind, definition)
  }

  /** The catalog as last seen, without looking whether another process changed it. */
  get lastCatalog(): Catalog {
    return this.#catalog
  }

  /** The id that a new table gets; valid with the catalog of the last `catalog()`. */
  get nextTableId(): number {
    return this.#stored?.nextTableId ?? 1
  }

  /**
   * A session on the same database that sees another catalog, and binds code for itself: in it queries can be built over
   * tables and columns that are not there yet.
   */
  beside(catalog: Catalog): Session {
    const session = new Session(this.engine, { decode: this.decode, resolveFile: this.resolveFile })
    session.#catalog = catalog
    session.#code = new Map(this.#code)
    return session
  }

  /** The current catalog. Every statement begins with it. */
  async catalog(): Promise<Catalog> {
    if ((await this.engine.catalogVersion()) !== this.#catalog.version) {
      const stored = await this.engine.loadCatalog()
      const tables = stored.tables.map((row) => this.#withColumnCode(definitionFromJson(row, this.#binder)))
      const snapshots = stored.snapshots.map((row) => snapshotFromJson(row, this.#binder))
      this.#catalog = new Catalog(stored.version, stored.directories, tables, snapshots)
      this.#stored = stored
      this.#past.clear()
    }
    return this.#catalog
  }

  /** The catalog as it was at a version; the last one seen for undefined. */
  catalogAt(version: number | undefined): Catalog {
    if (version === undefined || !this.#stored) return this.#catalog
    const known = this.#past.get(version)
    if (known) return known
    const tables = this.#stored.past.tablesAt(version).flatMap((row) => {
      const now = this.#catalog.find(row.id)
      return now ? [asStored(definitionFromJson(row, this.#binder), now)] : []
    })
    const { directories, snapshots } = this.#catalog
    const past = new Catalog(this.#catalog.version, directories, tables, snapshots, version)
    this.#past.set(version, past)
    return past
  }

  /** How many rows and cells there are. */
  get counts(): Counts | undefined {
    return this.#stored?.counts
  }

  /** Called after something was left to be computed later. */
  onDeferred: (() => void) | undefined

  /** Something was left to be computed later. */
  deferred(): void {
    this.onDeferred?.()
  }

  /** The last version made at or before an instant. */
  versionAt(instant: Date): number {
    return this.#stored?.past.versionAt(instant) ?? 0
  }

  /** @throws NotFoundError when the version does not exist yet, or was given up by `vacuum` */
  async checkVersion(version: number | undefined): Promise<void> {
    if (version === undefined) return
    const { first, last } = await this.engine.versionRange()
    if (version > last) throw new NotFoundError(`there is no version ${version} yet: the last is ${last}`)
    if (version < first && !this.#catalog.snapshots.some((snapshot) => snapshot.version === version)) {
      throw new NotFoundError(`version ${version} was given up by vacuum(): the first that can be read is ${first}`)
    }
  }

  /**
   * Runs work whose statements become one version, or none when it throws. Everything else on this database waits.
   */
  transaction<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.#gate.exclusive(async () => {
      const outer = this.#transactionLogs
      const logs = outer ?? []
      this.#transactionLogs = logs
      const [code, columnCode] = [new Map(this.#code), new Map(this.#columnCode)]
      try {
        return await this.engine.transaction(operation, work)
      } catch (error) {
        // What was seen inside is gone, and ids that were given there are given again.
        this.#catalog = new Catalog(-1, [], [])
        this.#code = code
        this.#columnCode = columnCode
        await this.catalog()
        if (!outer) for (const log of logs) await log.keep()
        throw error
      } finally {
        this.#transactionLogs = outer
      }
    })
  }

  async commit(commit: Commit): Promise<CommitResult> {
    const result = await this.engine.commit(commit)
    this.residentVectors.committed(commit, result)
    // Builders look at the catalog synchronously.
    if (commit.schema?.length) await this.catalog()
    return result
  }

  /** Runs a statement on rows, computing it again when another one changed what it had read. */
  attempt<T>(statement: (catalog: Catalog, results: ResultLog) => Promise<T>): Promise<T> {
    return this.#gate.shared(() => this.#attempt(statement))
  }

  /** Runs a statement that changes the schema, when no other of this session runs. */
  attemptAlone<T>(statement: (catalog: Catalog, results: ResultLog) => Promise<T>): Promise<T> {
    return this.#gate.exclusive(() => this.#attempt(statement))
  }

  newLog(): ResultLog {
    return new ResultLog(this.engine, this.decode)
  }

  async #attempt<T>(statement: (catalog: Catalog, results: ResultLog) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const catalog = await this.catalog()
      const results = this.newLog()
      // In a transaction nothing is committed yet.
      this.#transactionLogs?.push(results)
      try {
        return await traced(this.tracer, 'pixeltable.statement', { 'pixeltable.attempt': attempt }, async (span) => {
          const result = await statement(catalog, results)
          if (results.operation !== undefined) span?.setAttribute('db.operation.name', results.operation)
          return result
        })
      } catch (error) {
        await results.keep()
        if (attempt >= attempts || !ConflictError.isInstance(error) || error.cause !== undefined) throw error
      }
    }
  }

  /** Makes code known to this database only. It goes before what the program defined globally. */
  bind(kind: CodeKind, definition: FunctionIdentity): void {
    this.#code.set(`${kind}:${definition.name}`, definition)
    this.#code.set(`${kind}:${identityOf(definition)}`, definition)
  }

  /** The code of that kind and name, or undefined while the program has not defined it. */
  code<T extends FunctionIdentity>(kind: CodeKind, name: string): T | undefined {
    return (this.#code.get(`${kind}:${name}`) as T | undefined) ?? definitionOf<T>(kind, name)
  }

  /** The model that made vectors, or else another version of it, where the program has only that. */
  embedder(identity: FunctionIdentity): Embedder | MultiEmbedder | undefined {
    return (
      (this.#code.get(`embedder:${identityOf(identity)}`) as Embedder | MultiEmbedder | undefined) ??
      this.code<Embedder | MultiEmbedder>('embedder', identity.name)
    )
  }

  /** Attaches a validator and a default function to a column. They last while this session does. */
  bindColumn(tableId: number, column: string, code: ColumnCode): void {
    const table = this.#catalog.find(tableId)
    const found = table?.columns.find((c) => c.name === column)
    if (!table || !found) return
    this.#columnCode.set(`${tableId}:${found.id}`, code)
    this.#catalog = this.#catalog.with([this.#withColumnCode(table)])
  }

  /** Lets go of what searches hold in memory. */
  releaseMemory(): void {
    this.residentVectors.release()
    this.residentPostings.release()
    this.#filters.release()
  }

  close(): void {
    this.releaseMemory()
    this.engine.close()
  }

  /** A function that may not be defined yet: its code is looked up when it is called. */
  #function(identity: FunctionIdentity): ScalarFunction {
    const found = () => this.code<FunctionCode>('function', identity.name)
    return {
      ...identity,
      get returns() {
        return found()?.returns
      },
      get skipsNull() {
        return found()?.skipsNull ?? false
      },
      get code() {
        return found()
      },
    }
  }

  #withColumnCode(table: TableDefinition): TableDefinition {
    const columns = table.columns.map((column) => {
      const code = this.#columnCode.get(`${table.id}:${column.id}`)
      if (!code) return column
      return {
        ...column,
        ...(code.type ? { type: code.type } : {}),
        ...(code.makeDefault ? { default: { kind: 'function', make: code.makeDefault } as const } : {}),
      }
    })
    return { ...table, columns }
  }
}

/** The key of a query text in the cache of query vectors. */
export const queryKey = (embedder: FunctionIdentity, text: string): string => `${identityOf(embedder)}\n${text}`
