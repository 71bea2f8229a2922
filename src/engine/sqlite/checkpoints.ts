import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import type { Database } from 'better-sqlite3'

/** Pages in the log that are worth a checkpoint; SQLite's own default. */
const worthwhile = 1000
/** Pages that a checkpoint on this thread may move: some 20 µs each. */
const inline = 1500
/** How long `close` waits for a checkpoint that is under way, in milliseconds. */
const patience = 10_000

/**
 * Moves what was committed from the write-ahead log into the file, as SQLite does by itself after a commit, but on a
 * thread of its own when there is much: it takes as long as the disk does, and would hold the event loop.
 */
export class Checkpoints {
  readonly #db: Database
  #thread: Worker | undefined
  /** 1 while the thread has the file open. */
  readonly #state = new Int32Array(new SharedArrayBuffer(4))
  #running = false

  constructor(db: Database) {
    this.#db = db
    db.pragma('wal_autocheckpoint = 0')
  }

  /** To be called after each commit. */
  committed(): void {
    if (this.#running || this.#db.inTransaction) return
    const [{ log, checkpointed }] = this.#db.pragma('wal_checkpoint(NOOP)') as [{ log: number; checkpointed: number }]
    const pages = log - checkpointed
    if (pages < worthwhile) return
    if (pages <= inline) this.#db.pragma('wal_checkpoint(PASSIVE)')
    else this.#start()
  }

  /** Brings the log to the disk without holding the event loop, so that the commit that follows finds little to do. */
  async flush(): Promise<void> {
    const log = await open(`${this.#db.name}-wal`)
    try {
      await log.datasync()
    } finally {
      await log.close()
    }
  }

  /** Ends the thread, and waits for it: the file can be removed then. */
  close(): void {
    if (!this.#thread) return
    this.#thread.postMessage('close')
    Atomics.wait(this.#state, 0, 1, patience)
    this.#thread = undefined
  }

  #start(): void {
    this.#running = true
    if (!this.#thread) {
      this.#state[0] = 1
      const workerData = {
        state: this.#state,
        path: this.#db.name,
        package: createRequire(import.meta.url).resolve('better-sqlite3'),
      }
      this.#thread = new Worker(`(${work})()`, { eval: true, workerData })
      this.#thread.unref()
      this.#thread.on('message', () => {
        this.#running = false
      })
      // Without the thread the log is moved when the database is closed.
      this.#thread.on('error', () => {})
    }
    this.#thread.postMessage('checkpoint')
  }
}

/** What the thread runs, as text: so it needs no file beside this one. */
function work(): void {
  const { parentPort, workerData } = require('node:worker_threads') as typeof import('node:worker_threads')
  let db: Database | undefined
  parentPort!.on('message', (message) => {
    try {
      if (message === 'checkpoint') {
        const SQLite = require(workerData.package) as typeof import('better-sqlite3')
        db ??= new SQLite(workerData.path)
        db.pragma('wal_checkpoint(PASSIVE)')
      } else db?.close()
    } catch {
      // Somebody else is at it, or the file is gone: the next one will do.
    }
    parentPort!.postMessage('done')
    if (message === 'checkpoint') return
    Atomics.store(workerData.state, 0, 0)
    Atomics.notify(workerData.state, 0)
    parentPort!.close()
  })
}
