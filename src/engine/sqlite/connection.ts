import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database, Statement } from 'better-sqlite3'
import { LRUCache } from 'lru-cache'
import { ConflictError, EngineError, MissingPackageError, NotFoundError } from '../../errors.js'
import { registerBridges } from './bridge.js'
import { Checkpoints } from './checkpoints.js'
import { registerFunctions } from './functions.js'
import { migrate } from './migrations.js'

/** Options of a connection. */
export interface ConnectionOptions {
  readonly readonly?: boolean | undefined
  /** How long a writer waits for another process, in milliseconds, at least 0. @default 5000 */
  readonly busyTimeout?: number | undefined
  /** Bytes that kept results of calls may take, at least 0. @default 268435456 */
  readonly maxResultBytes?: number | undefined
}

const defaultMaxResultBytes = 256 * 2 ** 20
/** Statements kept prepared. Preparing costs more than running a small one. */
const cachedStatements = 256
/** Of the file that is mapped into memory: the most that SQLite allows. A row is read there in half the time. */
const mappedBytes = 0x7fff0000
/** Of the page cache: a negative number counts kibibytes. */
const cacheSize = -65536
const spillingCacheSize = -4096
/** How long one attempt may block the event loop; further waiting is asynchronous. */
const attemptTimeout = 20

/** One connection to one SQLite file: opened, checked, with sqlite-vec loaded and its statements cached. */
export class Connection {
  readonly db: Database
  readonly #statements = new LRUCache<string, Statement>({ max: cachedStatements })
  readonly #busyTimeout: number
  #checkpoints: Checkpoints | undefined

  /** Bytes that kept results of calls may take. */
  readonly maxResultBytes: number

  private constructor(db: Database, busyTimeout: number, maxResultBytes: number) {
    this.db = db
    this.#busyTimeout = busyTimeout
    this.maxResultBytes = maxResultBytes
  }

  static async open(path: string, options: ConnectionOptions = {}): Promise<Connection> {
    const readonly = options.readonly ?? false
    const busyTimeout = options.busyTimeout ?? 5000
    if (path !== ':memory:') checkPath(path, readonly)
    const [{ default: SQLite }, sqliteVec] = await Promise.all([load('better-sqlite3'), load('sqlite-vec')])
    let db: Database | undefined
    try {
      db = new SQLite(path, { readonly, timeout: attemptTimeout })
      db.loadExtension(sqliteVec.getLoadablePath())
      const opened = db
      const connection = new Connection(opened, busyTimeout, options.maxResultBytes ?? defaultMaxResultBytes)
      await connection.retry(() => {
        if (!readonly) {
          opened.pragma('journal_mode = WAL')
          // A commit is on the disk when the statement returns, whatever happens next.
          opened.pragma('synchronous = FULL')
        }
        opened.pragma(`mmap_size = ${mappedBytes}`)
        opened.pragma(`cache_size = ${cacheSize}`)
        migrate(opened, readonly)
      })
      if (!readonly && path !== ':memory:') connection.#checkpoints = new Checkpoints(opened)
      registerFunctions(opened)
      return connection
    } catch (cause) {
      db?.close()
      throw engineError(cause, `cannot open '${path}'`)
    }
  }

  /** The statement for a piece of SQL, prepared once. */
  prepare(sql: string): Statement {
    if (!this.db.open) throw new EngineError('the database was closed: open it again to use it')
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      statement = this.prepareOnce(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** The statement for a piece of SQL, as the schema is now: SQLite does not plan an EXPLAIN again when that changes. */
  prepareOnce(sql: string): Statement {
    registerBridges(this.db, sql)
    return this.db.prepare(sql)
  }

  /**
   * Runs a synchronous piece of work, again while another process holds the file. It waits without blocking the event
   * loop, which SQLite's own busy handler would.
   * @throws ConflictError when the other holds it longer than the busy timeout
   */
  async retry<T>(work: () => T): Promise<T> {
    const start = performance.now()
    for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
      try {
        return work()
      } catch (cause) {
        const { code } = cause as { code?: unknown }
        if (typeof code !== 'string' || !code.startsWith('SQLITE_BUSY')) throw cause
        const waited = Math.round(performance.now() - start)
        if (waited >= this.#busyTimeout) {
          throw new ConflictError(
            `another process has been writing to the database for ${waited} ms; nothing was written. Try again, or raise busyTimeout (now ${this.#busyTimeout} ms)`,
            { cause },
          )
        }
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  /** Whether what a transaction changes is written as it goes on, and not all at once when it ends. */
  set spills(spills: boolean) {
    this.db.pragma(`cache_size = ${spills ? spillingCacheSize : cacheSize}`)
  }

  /** A large transaction is about to be committed: what can be done before is done without holding the event loop. */
  async beforeCommit(): Promise<void> {
    await this.#checkpoints?.flush()
  }

  /** Something was committed. */
  afterCommit(): void {
    this.#checkpoints?.committed()
  }

  close(): void {
    this.#checkpoints?.close()
    this.#statements.clear()
    this.db.close()
  }
}

function checkPath(path: string, readonly: boolean): void {
  if (existsSync(path)) {
    if (statSync(path).isDirectory()) throw new EngineError(`cannot open '${path}': it is a directory, not a file`)
    return
  }
  if (readonly) throw new NotFoundError(`cannot open '${path}' read-only: there is no such file`)
  if (!existsSync(dirname(path))) {
    throw new NotFoundError(`cannot create '${path}': the directory '${dirname(path)}' does not exist`)
  }
}

/** The database packages are needed by `open` alone, so importing the library stays cheap. */
function load(name: 'better-sqlite3'): Promise<{ default: typeof import('better-sqlite3') }>
function load(name: 'sqlite-vec'): Promise<typeof import('sqlite-vec')>
async function load(name: string): Promise<unknown> {
  try {
    return await import(name)
  } catch (cause) {
    throw new MissingPackageError(name, 'The SQLite engine', { cause })
  }
}

/** An error of SQLite as one of ours. */
export function engineError(cause: unknown, what: string): Error {
  const { code, message } = cause as { code?: unknown; message?: unknown }
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return cause as Error
  switch (code) {
    case 'SQLITE_NOTADB':
      return new EngineError(`${what}: the file is not a SQLite database (or it is encrypted)`, { cause })
    case 'SQLITE_CORRUPT':
      return new EngineError(`${what}: the file is damaged (${message})`, { cause })
    case 'SQLITE_READONLY':
      return new EngineError(`${what}: the database was opened read-only`, { cause })
    case 'SQLITE_FULL':
      return new EngineError(`${what}: the disk is full`, { cause })
    default:
      return new EngineError(`${what}: ${message} (${code})`, { cause })
  }
}
