import type { RateLimit } from '../expr/function.js'

/** The clock of a limiter, in milliseconds; its timers run by it. */
export interface Clock {
  now(): number
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(timer: any): void
}

const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (callback, ms) => setTimeout(callback, ms),
  clearTimeout: (timer) => clearTimeout(timer),
}

const minute = 60_000
/**
 * A call that is under way for longer is taken to have arrived. Until then it may reach the server at any time, and
 * counts there from when it does.
 */
const arrival = 2000

/** The right to make one call. */
export interface Permit {
  /** The call has ended. @param tokens what it took, where that is known now */
  settle(tokens?: number): void
  /** The call was never made, and does not count. */
  cancel(): void
}

interface Sent {
  at: number
  tokens: number
  /** Whether it was longer ago than a minute. */
  past: boolean
}

/**
 * A sliding-window log: a call is let through when, with it, no minute has more calls or tokens than the limit. A call
 * leaves the window a minute after its end (or after `arrival`, whichever is first), because the server counts from
 * when it arrived there, which is between start and end. So the limit holds at the server too, and nothing below it is
 * held back. Calls go in the order in which they came.
 */
export class RateLimiter {
  limit: RateLimit
  readonly #clock: Clock
  /** Calls that ended, in the order of their ends; a head that moves instead of shifting. */
  #ended: Sent[] = []
  #head = 0
  #endedTokens = 0
  /** Calls under way, in the order of their starts. */
  readonly #running = new Set<Sent>()
  #runningTokens = 0
  readonly #waiting: { readonly tokens: number; readonly go: (permit: Permit) => void }[] = []
  #pausedUntil = 0
  #timer: unknown

  constructor(limit: RateLimit = {}, clock: Clock = systemClock) {
    this.limit = limit
    this.#clock = clock
  }

  /** Resolves when a call may start. @param tokens what it is expected to take */
  acquire(tokens: number): Promise<Permit> {
    return new Promise((resolve) => {
      this.#waiting.push({ tokens, go: resolve })
      this.#pump()
    })
  }

  /** Lets no call through for a while: the server said so. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + ms)
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      const now = this.#clock.now()
      const at = this.#startOf(this.#waiting[0]!.tokens, now)
      if (at > now) {
        this.#wake(at - now)
        return
      }
      const { tokens, go } = this.#waiting.shift()!
      go(this.#start(tokens, now))
    }
  }

  #start(tokens: number, now: number): Permit {
    const call: Sent = { at: now, tokens, past: false }
    this.#running.add(call)
    this.#runningTokens += tokens
    return {
      settle: (actual = tokens) => {
        if (this.#running.has(call)) {
          this.#end(call, this.#clock.now(), actual)
        } else if (!call.past) {
          this.#endedTokens += actual - call.tokens
          call.tokens = actual
        }
        this.#pump()
      },
      cancel: () => {
        if (this.#running.delete(call)) this.#runningTokens -= tokens
        this.#pump()
      },
    }
  }

  #end(call: Sent, at: number, tokens: number): void {
    this.#running.delete(call)
    this.#runningTokens -= call.tokens
    // The ends are kept in order.
    call.at = Math.max(at, this.#ended.at(-1)?.at ?? 0)
    call.tokens = tokens
    this.#endedTokens += tokens
    this.#ended.push(call)
  }

  /** When a call may start: now, or when to look again. */
  #startOf(tokens: number, now: number): number {
    if (this.#pausedUntil > now) return this.#pausedUntil
    this.#slide(now)
    const { requestsPerMinute = Number.POSITIVE_INFINITY, tokensPerMinute = Number.POSITIVE_INFINITY } = this.limit
    const calls = this.#ended.length - this.#head + this.#running.size
    const used = this.#endedTokens + this.#runningTokens
    // A call that is larger than the limit goes alone; it would wait for ever otherwise.
    if (calls < requestsPerMinute && (used + tokens <= tokensPerMinute || calls === 0)) return now
    const oldest = this.#ended[this.#head]
    const first = this.#running.values().next().value
    const leaves = oldest ? oldest.at + minute : Number.POSITIVE_INFINITY
    const arrives = first ? first.at + arrival : Number.POSITIVE_INFINITY
    return Math.min(leaves, arrives)
  }

  #slide(now: number): void {
    for (const call of this.#running.values()) {
      if (call.at + arrival > now) break
      this.#end(call, call.at + arrival, call.tokens)
    }
    while (this.#head < this.#ended.length && this.#ended[this.#head]!.at + minute <= now) {
      const call = this.#ended[this.#head++]!
      call.past = true
      this.#endedTokens -= call.tokens
    }
    if (this.#head > 1000 && this.#head * 2 > this.#ended.length) {
      this.#ended = this.#ended.slice(this.#head)
      this.#head = 0
    }
  }

  #wake(ms: number): void {
    this.#clock.clearTimeout(this.#timer)
    // Timers of Node may fire a fraction of a millisecond early.
    this.#timer = this.#clock.setTimeout(() => this.#pump(), Math.ceil(ms) + 1)
  }
}
