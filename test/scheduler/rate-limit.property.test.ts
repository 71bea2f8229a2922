import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Clock, RateLimiter } from '../../src/scheduler/rate-limit.js'

/** A clock that jumps from timer to timer. */
class FakeClock implements Clock {
  time = 0
  #timers: { at: number; callback: () => void }[] = []

  now(): number {
    return this.time
  }

  setTimeout(callback: () => void, ms: number): unknown {
    const timer = { at: this.time + ms, callback }
    this.#timers.push(timer)
    return timer
  }

  clearTimeout(timer: unknown): void {
    this.#timers = this.#timers.filter((t) => t !== timer)
  }

  /** Lets everything happen. */
  async run(): Promise<void> {
    for (;;) {
      // Promises that are ready go first.
      await new Promise((resolve) => setImmediate(resolve))
      const next = this.#timers.sort((a, b) => a.at - b.at).shift()
      if (!next) return
      this.time = Math.max(this.time, next.at)
      next.callback()
    }
  }
}

interface Plan {
  readonly asked: number
  readonly arrives: number
  readonly lasts: number
  readonly estimate: number
  readonly tokens: number
}

const plan = fc.record({
  asked: fc.integer({ min: 0, max: 90_000 }),
  arrives: fc.integer({ min: 0, max: 900 }),
  lasts: fc.integer({ min: 0, max: 20_000 }),
  estimate: fc.integer({ min: 0, max: 50 }),
  tokens: fc.integer({ min: 0, max: 50 }),
})

/** Runs calls against a limiter. @returns when each reached the server */
async function serverLog(plans: readonly Plan[], limiter: RateLimiter, clock: FakeClock) {
  const log: { at: number; tokens: number }[] = []
  await Promise.all([
    ...plans.map(async ({ asked, arrives, lasts, estimate, tokens }) => {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, asked))
      const permit = await limiter.acquire(estimate)
      log.push({ at: clock.time + Math.min(arrives, lasts), tokens: estimate })
      await new Promise<void>((resolve) => clock.setTimeout(resolve, lasts))
      permit.settle(tokens)
    }),
    clock.run(),
  ])
  return log.sort((a, b) => a.at - b.at)
}

test('no sliding minute at the server has more calls than the limit, and every call is made', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 12 }),
      async (plans, limit) => {
        const clock = new FakeClock()
        const log = await serverLog(plans, new RateLimiter({ requestsPerMinute: limit }, clock), clock)
        expect(log).toHaveLength(plans.length)
        for (let i = limit; i < log.length; i++) expect(log[i]!.at - log[i - limit]!.at).toBeGreaterThanOrEqual(60_000)
      },
    ),
    { numRuns: 300 },
  )
})

test('no sliding minute has more tokens than the limit, as far as they were known', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 50, max: 120 }),
      async (plans, limit) => {
        const clock = new FakeClock()
        const exact = plans.map((p) => ({ ...p, tokens: p.estimate }))
        const log = await serverLog(exact, new RateLimiter({ tokensPerMinute: limit }, clock), clock)
        expect(log).toHaveLength(plans.length)
        log.forEach(({ at }, i) => {
          const inWindow = log.slice(0, i + 1).filter((call) => call.at > at - 60_000)
          expect(inWindow.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(limit)
        })
      },
    ),
    { numRuns: 200 },
  )
})

test('nothing below the limit is held back', async () => {
  const clock = new FakeClock()
  const limiter = new RateLimiter({ requestsPerMinute: 100 }, clock)
  const quick: Plan = { asked: 0, arrives: 0, lasts: 0, estimate: 0, tokens: 0 }
  const log = await serverLog(new Array(1000).fill(quick), limiter, clock)
  // Ten minutes' worth of calls; the first hundred go at once.
  expect(log.at(-1)!.at).toBeGreaterThanOrEqual(9 * 60_000)
  expect(log.at(-1)!.at).toBeLessThan(9 * 60_000 + 100)
})

test('long calls count from when they have surely arrived', async () => {
  const clock = new FakeClock()
  const limiter = new RateLimiter({ requestsPerMinute: 1 }, clock)
  const slow: Plan = { asked: 0, arrives: 500, lasts: 50_000, estimate: 0, tokens: 0 }
  const log = await serverLog([slow, slow, slow], limiter, clock)
  expect(log.map(({ at }) => Math.round(at / 1000))).toEqual([1, 63, 125])
})

test('a pause holds everything, a cancelled call counts for nothing, a call beyond the limit goes alone', async () => {
  const clock = new FakeClock()
  const limiter = new RateLimiter({ requestsPerMinute: 1, tokensPerMinute: 10 }, clock)
  limiter.pause(5000)
  const times: number[] = []
  const call = async (tokens: number, cancel = false) => {
    const permit = await limiter.acquire(tokens)
    times.push(clock.time)
    if (cancel) permit.cancel()
    else permit.settle()
  }
  await Promise.all([call(1, true), call(99), call(1), clock.run()])
  expect(times[0]).toBeGreaterThanOrEqual(5000)
  expect(times[1]).toBe(times[0])
  expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(60_000)
})

test('what a call really took replaces the estimate', async () => {
  const clock = new FakeClock()
  const limiter = new RateLimiter({ tokensPerMinute: 100 }, clock)
  const cheap: Plan = { asked: 0, arrives: 0, lasts: 10, estimate: 60, tokens: 10 }
  const log = await serverLog([cheap, cheap, cheap], limiter, clock)
  expect(log.at(-1)!.at).toBeLessThan(100)
  const dear: Plan = { ...cheap, tokens: 100 }
  const again = new RateLimiter({ tokensPerMinute: 100 }, clock)
  const start = clock.time
  const second = await serverLog([dear, dear], again, clock)
  expect(second.at(-1)!.at - start).toBeGreaterThanOrEqual(60_000)
})
