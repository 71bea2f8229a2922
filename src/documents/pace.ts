import { setImmediate } from 'node:timers/promises'

/** How long work may hold the event loop, in milliseconds. */
const slice = 12

/** Lets long synchronous work make room for others: `if (pace.due) await pace.rest()` between two steps. */
export class Pace {
  readonly #signal: AbortSignal | undefined
  #since = performance.now()

  constructor(signal?: AbortSignal) {
    this.#signal = signal
    signal?.throwIfAborted()
  }

  /** Whether others have waited long enough. */
  get due(): boolean {
    return performance.now() - this.#since > slice
  }

  /** Lets the event loop turn once. Rejects when the signal was aborted meanwhile. */
  async rest(): Promise<void> {
    await setImmediate()
    this.#signal?.throwIfAborted()
    this.#since = performance.now()
  }
}
