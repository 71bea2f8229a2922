import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * The gates inside of which the code that runs is. One storage for all of them: each one that is in use slows every
 * promise of the process down, also after its database is closed.
 */
const entered = new AsyncLocalStorage<readonly Gate[]>()

/**
 * Lets statements on rows run side by side, and a change of the schema alone: it reads whole tables, and would have to
 * begin anew whenever a row was written meanwhile. A statement inside a statement (a function that writes to another
 * table) is part of the outer one and never waits.
 */
export class Gate {
  #running = 0
  #alone: Promise<unknown> | undefined
  #idle: (() => void) | undefined

  async shared<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isInside) return work()
    while (this.#alone) await this.#alone.catch(() => {})
    this.#running++
    try {
      return await this.#enter(work)
    } finally {
      if (--this.#running === 0) this.#idle?.()
    }
  }

  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isInside) return work()
    while (this.#alone) await this.#alone.catch(() => {})
    this.#alone = this.#whenIdle().then(() => this.#enter(work))
    try {
      return (await this.#alone) as T
    } finally {
      this.#alone = undefined
    }
  }

  get #isInside(): boolean {
    return entered.getStore()?.includes(this) ?? false
  }

  #enter<T>(work: () => Promise<T>): Promise<T> {
    return entered.run([...(entered.getStore() ?? []), this], work)
  }

  async #whenIdle(): Promise<void> {
    if (this.#running === 0) return
    await new Promise<void>((resolve) => {
      this.#idle = resolve
    })
    this.#idle = undefined
  }
}
