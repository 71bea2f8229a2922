import { AsyncLocalStorage } from 'node:async_hooks'
import type { OpenVersion } from './commit.js'
import type { Connection } from './connection.js'

// One for all connections: each costs every promise of the process.
const inside = new AsyncLocalStorage<OpenVersion>()

/**
 * Transactions of several statements on one connection. The connection sees what they have not yet committed, so
 * everything outside of them waits until they end.
 */
export class Transactions {
  readonly #connection: Connection
  #open: OpenVersion | undefined
  #end: Promise<unknown> = Promise.resolve()

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The version that the open transaction makes. */
  get open(): OpenVersion | undefined {
    return this.#open
  }

  /** Resolves when no transaction is open, or at once for a part of the one that is. */
  async outside(): Promise<void> {
    while (this.#open && inside.getStore() !== this.#open) await this.#end
  }

  async run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    await this.outside()
    // A transaction inside a transaction is a part of it.
    if (this.#open) return work()
    const { db } = this.#connection
    await this.#connection.retry(() => db.prepare('BEGIN IMMEDIATE').run())
    const version = db.prepare(`SELECT value + 1 FROM pxt_meta WHERE key = 'version'`).pluck().get() as number
    const open = { version, operation }
    this.#open = open
    let ended = (): void => {}
    this.#end = new Promise<void>((resolve) => {
      ended = resolve
    })
    try {
      const result = await inside.run(open, work)
      db.prepare('COMMIT').run()
      return result
    } catch (error) {
      // SQLite has rolled back by itself after some errors, such as a full disk.
      if (db.inTransaction) db.prepare('ROLLBACK').run()
      throw error
    } finally {
      this.#open = undefined
      ended()
    }
  }
}
