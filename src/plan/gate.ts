import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * Lets statements on rows run side by side, and a change of the schema alone: it reads whole tables, and would have to
 * begin anew whenever a row was written meanwhile. A statement inside a statement (a function that writes to another
 * table) is part of the outer one and never waits.
 */
export class Gate {
  readonly #inside = new AsyncLocalStorage<true>()
  #running = 0
  #alone: Promise<unknown> | undefined
  #idle: (() => void) | undefined

  async shared<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside.getStore()) return work()
    while (this.#alone) await this.#alone.catch(() => {})
    this.#running++
    try {
      return await this.#inside.run(true, work)
    } finally {
      if (--this.#running === 0) this.#idle?.()
    }
  }

  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside.getStore()) return work()
    while (this.#alone) await this.#alone.catch(() => {})
    this.#alone = this.#whenIdle().then(() => this.#inside.run(true, work))
    try {
      return (await this.#alone) as T
    } finally {
      this.#alone = undefined
    }
  }

  async #whenIdle(): Promise<void> {
    if (this.#running === 0) return
    await new Promise<void>((resolve) => {
      this.#idle = resolve
    })
    this.#idle = undefined
  }
}
