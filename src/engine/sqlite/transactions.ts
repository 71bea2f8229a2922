import { AsyncLocalStorage } from 'node:async_hooks'
import { Pace } from '../../pace.js'
import type { OpenVersion } from './commit.js'
import type { Connection } from './connection.js'

// One for all connections: each costs every promise of the process.
const inside = new AsyncLocalStorage<OpenVersion>()

const pace = new Pace()

/**
 * Transactions of several statements on one connection. The connection sees what they have not yet committed, so
 * everything outside of them waits until they end.
 */
export class Transactions {
  readonly #connection: Connection
  #open: OpenVersion | undefined
  /** How many have ended. */
  ended = 0
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

  /** Runs statements as one transaction that makes one version. One inside another is a part of it. */
  async run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.#isInside) return work()
    return this.#alone(async (version) => {
      this.#open = { version, operation }
      return inside.run(this.#open, work)
    })
  }

  /**
   * Runs the steps of a commit as one transaction, handing the event loop over after each slice of time. Inside a
   * transaction they are a part of it, and run at once: what runs beside them there would come between.
   */
  async steps<T>(operation: string, steps: (open: OpenVersion | undefined) => Generator<void, T>): Promise<T> {
    if (this.#isInside) {
      const open = this.#open
      return this.#connection.db.transaction(() => toEnd(steps(open)))()
    }
    return this.#alone(async (version) => {
      this.#open = { version, operation }
      const work = steps(undefined)
      let isLong = false
      try {
        for (let step = work.next(); ; step = work.next()) {
          if (step.done) {
            if (isLong) await this.#connection.beforeCommit()
            return step.value
          }
          if (!pace.due) continue
          await pace.rest()
          if (!isLong) this.#connection.spills = true
          isLong = true
        }
      } finally {
        if (isLong) this.#connection.spills = false
      }
    })
  }

  /** Does synchronous work when no transaction is open. */
  async between<T>(work: () => T): Promise<T> {
    if (this.#isInside) return work()
    for (;;) {
      await this.outside()
      const done = await this.#connection.retry(() => (this.#open ? undefined : { result: work() }))
      if (done) return done.result
    }
  }

  get #isInside(): boolean {
    return this.#open !== undefined && inside.getStore() === this.#open
  }

  /** Runs work in a transaction, when no other is open. It must say what is open before it waits for anything. */
  async #alone<T>(work: (version: number) => Promise<T>): Promise<T> {
    const { db } = this.#connection
    let ended = (): void => {}
    await this.between(() => {
      db.prepare('BEGIN IMMEDIATE').run()
      this.#open = unnamed
      this.#end = new Promise<void>((resolve) => {
        ended = resolve
      })
    })
    try {
      const version = db.prepare(`SELECT value + 1 FROM pxt_meta WHERE key = 'version'`).pluck().get() as number
      const result = await work(version)
      db.prepare('COMMIT').run()
      this.#connection.afterCommit()
      return result
    } catch (error) {
      // SQLite has rolled back by itself after some errors, such as a full disk.
      if (db.inTransaction) db.prepare('ROLLBACK').run()
      throw error
    } finally {
      this.#open = undefined
      this.ended++
      ended()
    }
  }
}

/** What is open while its version is asked for. */
const unnamed: OpenVersion = { version: 0, operation: '' }

function toEnd<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}
