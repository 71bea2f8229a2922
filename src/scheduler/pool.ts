import type PQueue from 'p-queue'
import type { RateLimit } from '../expr/function.js'
import { type Permit, RateLimiter } from './rate-limit.js'

/** How many calls run at a time, and how many in a minute. */
export interface PoolLimits extends RateLimit {
  /** Calls that run at a time at most; at least 1. */
  readonly concurrency?: number | undefined
}

/** Calls at a time where nobody says. */
export const defaultConcurrency = 16

/**
 * What several functions share: a provider's account, a GPU. Its limits are the strictest among those that its members
 * give.
 */
export class Pool {
  readonly #members = new Map<string, PoolLimits>()
  readonly #limiter = new RateLimiter()
  #queue: PQueue | undefined
  #concurrency = defaultConcurrency
  #limited = false
  #pausedUntil = 0

  get concurrency(): number {
    return this.#concurrency
  }

  /** Makes a function a member, or changes the limits that it gives. */
  join(member: string, limits: PoolLimits): void {
    this.#members.set(member, limits)
    const strictest = (key: keyof PoolLimits): number | undefined => {
      const given = [...this.#members.values()].flatMap((limits) => limits[key] ?? [])
      return given.length > 0 ? Math.min(...given) : undefined
    }
    this.#concurrency = strictest('concurrency') ?? defaultConcurrency
    this.#limiter.limit = {
      requestsPerMinute: strictest('requestsPerMinute'),
      tokensPerMinute: strictest('tokensPerMinute'),
    }
    this.#limited = Object.values(this.#limiter.limit).some((limit) => limit !== undefined)
    if (this.#queue) this.#queue.concurrency = this.#concurrency
  }

  /**
   * Runs work when there is room for it.
   * @param work is given what waits for the limits of a minute; it asks before it calls
   */
  async run(work: (acquire: (tokens: number) => Promise<Permit>) => Promise<void>): Promise<void> {
    const queue = this.#queue ?? (await this.#open())
    await queue.add(() => work((tokens) => this.#acquire(tokens)))
  }

  async #acquire(tokens: number): Promise<Permit> {
    return this.#limited || this.#pausedUntil > performance.now() ? this.#limiter.acquire(tokens) : unlimited
  }

  /** Starts no call for a while: the server said so. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms)
    this.#limiter.pause(ms)
  }

  async #open(): Promise<PQueue> {
    if (this.#queue) return this.#queue
    // Loaded on first use: importing the library stays cheap.
    const { default: Queue } = await import('p-queue')
    this.#queue ??= new Queue({ concurrency: this.#concurrency })
    return this.#queue
  }
}

const unlimited: Permit = { settle: () => {}, cancel: () => {} }

const named = new Map<string, Pool>()

/** The pool of a name; the same one everywhere in the process. */
export function poolNamed(name: string): Pool {
  let pool = named.get(name)
  if (!pool) {
    pool = new Pool()
    named.set(name, pool)
  }
  return pool
}
