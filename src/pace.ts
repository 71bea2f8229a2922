import { setImmediate } from 'node:timers/promises'

/** How long work may hold the event loop, in milliseconds. */
const slice = 8

/** When the event loop was last let turn, by whoever it was: much little work holds it as one that is long. */
let turned = performance.now()

/** Lets long synchronous work make room for others: `if (pace.due) await pace.rest()` between two steps. */
export class Pace {
  readonly #signal: AbortSignal | undefined
  readonly #ref: boolean

  /** @param ref whether the work keeps the process alive */
  constructor(signal?: AbortSignal, { ref = true }: { readonly ref?: boolean } = {}) {
    this.#ref = ref
    this.#signal = signal
    signal?.throwIfAborted()
  }

  /** Whether others have waited long enough. */
  get due(): boolean {
    return performance.now() - turned > slice
  }

  /** Lets the event loop turn once. Rejects when the signal was aborted meanwhile. */
  async rest(): Promise<void> {
    await setImmediate(undefined, { ref: this.#ref })
    turned = performance.now()
    this.#signal?.throwIfAborted()
  }
}
