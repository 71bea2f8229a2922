import { expect, test, vi } from 'vitest'
import { definitionKey, type UdfOptions } from '../../src/compute/udf.js'
import type { FunctionCode } from '../../src/expr/function.js'
import { type CallContext, udf } from '../../src/index.js'
import { type CallRecord, callRows } from '../../src/scheduler/caller.js'

let names = 0
const codeOf = (options: Omit<UdfOptions, 'name'>, fn: (this: CallContext, ...args: any[]) => unknown): FunctionCode =>
  udf({ name: `caller_${++names}`, ...options }, fn as never)[definitionKey]

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const passing = (message = 'busy') => Object.assign(new Error(message), { status: 503 })

interface Outcome {
  readonly values: unknown[]
  readonly calls: CallRecord[]
}

/** The results of calls; a failure stands as its message and attempts. */
async function call(
  code: FunctionCode,
  args: readonly unknown[],
  options: { signal?: AbortSignal; stop?: AbortController } = {},
): Promise<Outcome> {
  const values: unknown[] = []
  const calls: CallRecord[] = []
  await callRows(
    code,
    args.map((arg) => [arg]),
    {
      ...options,
      value: (row, value) => {
        values[row] = value
      },
      failed: (row, cause, attempts) => {
        values[row] = `${(cause as Error).message} ×${attempts}`
      },
      called: (record) => calls.push(record),
    },
  )
  return { values, calls }
}

test('a synchronous function is called row by row and never queued', async () => {
  const code = codeOf({}, (n: number) => {
    if (n === 2) throw new Error('two')
    return n * 10
  })
  const { values, calls } = await call(code, [1, 2, 3])
  expect(values).toEqual([10, 'two ×1', 30])
  // The first call shows what it is, the rest is one loop.
  expect(calls.map(({ rows }) => rows)).toEqual([1, 2])
  expect((await call(code, [4, 5])).calls.map(({ rows }) => rows)).toEqual([2])
})

test('a function that returns a promise late is waited for', async () => {
  const code = codeOf({}, (n: number) => (n > 2 ? Promise.resolve(-n) : n))
  expect((await call(code, [1, 2, 3, 4])).values).toEqual([1, 2, -3, -4])
})

test('concurrency holds across askers, and in a pool across functions, where the strictest counts', async () => {
  let running = 0
  let most = 0
  const work = async (n: number) => {
    most = Math.max(most, ++running)
    await sleep(5)
    running--
    return n
  }
  const alone = codeOf({ concurrency: 3 }, work)
  const range = Array.from({ length: 20 }, (_, i) => i)
  const both = await Promise.all([call(alone, range), call(alone, range)])
  expect(both.map(({ values }) => values)).toEqual([range, range])
  expect(most).toBe(3)
  most = 0
  const a = codeOf({ pool: 'shared', concurrency: 5 }, work)
  const b = codeOf({ pool: 'shared', concurrency: 2 }, work)
  await call(b, [0])
  await Promise.all([call(a, range), call(b, range)])
  expect(most).toBe(2)
})

test('a pool is full until the last call begins, and no call waits to learn that a function is asynchronous', async () => {
  let running = 0
  const atStart: number[] = []
  const code = codeOf({ concurrency: 10 }, (n: number) => {
    atStart.push(++running)
    return sleep(10).then(() => {
      running--
      return n
    })
  })
  const range = Array.from({ length: 100 }, (_, i) => i)
  expect((await call(code, range)).values).toEqual(range)
  expect(atStart.slice(0, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(atStart.at(-1)).toBe(10)
})

test('batches are filled from everyone who asks, and keep the order', async () => {
  const sizes: number[] = []
  const code = codeOf({ batchSize: 10, concurrency: 2 }, async (batch: number[]) => {
    sizes.push(batch.length)
    await sleep(5)
    return batch.map((n) => n + 1)
  })
  const asked = Array.from({ length: 9 }, (_, i) => [i * 3, i * 3 + 1, i * 3 + 2])
  const results = await Promise.all(asked.map((rows) => call(code, rows)))
  expect(results.map(({ values }) => values)).toEqual(asked.map((rows) => rows.map((n) => n + 1)))
  expect(sizes).toEqual([10, 10, 7])
})

test('single rows of a batch fail, and are tried again alone', async () => {
  const seen: number[][] = []
  const code = codeOf({ batchSize: 4, retries: 1 }, async (batch: number[]) => {
    seen.push(batch)
    return batch.map((n) => (n === 1 ? new Error('bad row') : n === 2 && seen.length === 1 ? passing() : n))
  })
  expect((await call(code, [0, 1, 2, 3])).values).toEqual([0, 'bad row ×1', 2, 3])
  expect(seen).toEqual([[0, 1, 2, 3], [2]])
})

test('a batch with too few results is an error of all its rows', async () => {
  const code = codeOf({ batchSize: 2 }, async () => [1])
  expect((await call(code, [0, 1])).values).toEqual([
    'expected an array of 2 results, one a row, got 1 ×1',
    'expected an array of 2 results, one a row, got 1 ×1',
  ])
})

test('what passes is tried again with growing pauses, what cannot heal is not', async () => {
  const attempts: number[] = []
  const times: number[] = []
  const code = codeOf({}, async function (kind: string) {
    if (kind === 'wrong') throw Object.assign(new Error('wrong'), { status: 400 })
    attempts.push(this.attempt)
    times.push(performance.now())
    throw passing()
  })
  const { values, calls } = await call(code, ['busy', 'wrong'])
  expect(values).toEqual(['busy ×4', 'wrong ×1'])
  expect(attempts).toEqual([1, 2, 3, 4])
  expect(calls.filter(({ retry }) => retry)).toHaveLength(3)
  const pauses = times.slice(1).map((time, i) => time - times[i]!)
  for (const [i, pause] of pauses.entries()) {
    expect(pause).toBeGreaterThanOrEqual(250 * 2 ** i - 5)
    expect(pause).toBeLessThan(500 * 2 ** i + 300)
  }
})

test('Retry-After holds the whole pool', async () => {
  const times = new Map<string, number>()
  let refused = false
  const work = async (id: string) => {
    times.set(id, performance.now())
    if (id === 'first' && !refused) {
      refused = true
      throw Object.assign(new Error('slow down'), { status: 429, headers: { 'retry-after': '0.4' } })
    }
    await sleep(20)
    return id
  }
  const a = codeOf({ pool: 'held', concurrency: 1 }, work)
  const b = codeOf({ pool: 'held' }, work)
  const start = performance.now()
  const [first, second] = await Promise.all([call(a, ['first']), call(b, ['second'])])
  expect([first.values, second.values]).toEqual([['first'], ['second']])
  expect(times.get('second')! - start).toBeGreaterThanOrEqual(395)
  expect(times.get('first')! - start).toBeGreaterThanOrEqual(395)
})

test('a limit that an answer reports as used up holds the next call', async () => {
  const times: number[] = []
  const code = codeOf({ concurrency: 1, retries: 0 }, async function () {
    times.push(performance.now())
    this.report({ headers: { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '300ms' } })
    return 1
  })
  await call(code, [1, 2])
  expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(295)
})

test('a wait of hours is a failure now', async () => {
  const code = codeOf({}, async () => {
    throw Object.assign(new Error('come back tomorrow'), { status: 429, headers: { 'retry-after': '86400' } })
  })
  expect((await call(code, [1])).values).toEqual(['come back tomorrow ×1'])
})

test('the retry budget bounds what a broken provider is sent', async () => {
  let calls = 0
  const broken = codeOf({ retries: 5, retryBudget: 0, concurrency: 100 }, async () => {
    calls++
    throw passing()
  })
  await call(broken, new Array(100).fill(0))
  // Ten retries are always there, none is earned.
  expect(calls).toBe(110)
})

test('a call that takes too long ends, and its signal says so', async () => {
  const aborted = vi.fn()
  const code = codeOf({ timeout: 30, retries: 1 }, async function (n: number) {
    this.signal.addEventListener('abort', () => aborted((this.signal.reason as Error).name))
    if (n === 1 && this.attempt === 2) return 'second time'
    await sleep(n === 0 ? 1 : 60_000)
    return n
  })
  const start = performance.now()
  expect((await call(code, [0, 1, 2])).values).toEqual([0, 'second time', 'took longer than 30 ms ×2'])
  expect(performance.now() - start).toBeLessThan(20_000)
  expect(aborted.mock.calls).toEqual([['TimeoutError'], ['TimeoutError'], ['TimeoutError']])
})

test('the first failure stops what has not begun, and what has is waited for', async () => {
  const begun: number[] = []
  const ended: number[] = []
  const code = codeOf({ concurrency: 2 }, async (n: number) => {
    begun.push(n)
    await sleep(n === 0 ? 5 : 20)
    ended.push(n)
    if (n === 0) throw new Error('no')
    return n
  })
  const { values } = await call(code, [0, 1, 2, 3, 4, 5, 6, 7], { stop: new AbortController() })
  expect(values).toEqual(['no ×1', 1])
  expect(begun).toEqual([0, 1])
  expect(ended).toEqual([0, 1])
})

test('who shares a stop stops together', async () => {
  const stop = new AbortController()
  const slow = codeOf({ concurrency: 1 }, async (n: number) => {
    await sleep(10)
    return n
  })
  const failing = codeOf({}, async () => {
    throw new Error('no')
  })
  const [a, b] = await Promise.all([call(slow, [1, 2, 3], { stop }), call(failing, [1], { stop })])
  expect([a.values, b.values]).toEqual([[1], ['no ×1']])
  expect((await call(slow, [4], { stop })).values).toEqual([])
  expect(
    (
      await call(
        codeOf({}, (n: number) => n),
        [5],
        { stop },
      )
    ).values,
  ).toEqual([])
})

test('an abort ends the wait at once; others in the same batch go on', async () => {
  const controller = new AbortController()
  const signals: AbortSignal[] = []
  const code = codeOf({ batchSize: 4 }, async function (batch: number[]) {
    signals.push(this.signal)
    await sleep(1000)
    return batch
  })
  const impatient = call(code, [1, 2], { signal: controller.signal })
  const patient = call(code, [3])
  setTimeout(() => controller.abort(new Error('enough')), 10)
  const start = performance.now()
  await expect(impatient).rejects.toThrow('enough')
  expect(performance.now() - start).toBeLessThan(900)
  expect((await patient).values).toEqual([3])
  expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  const lonely = call(code, [5], { signal: controller.signal })
  await expect(lonely).rejects.toThrow('enough')
})

test('a function is told when nobody waits for it any more', async () => {
  const controller = new AbortController()
  const told = new Promise((resolve) => {
    const code = codeOf({}, async function () {
      this.signal.addEventListener('abort', () => resolve(this.signal.reason))
      await sleep(1000)
    })
    call(code, [1], { signal: controller.signal }).catch(() => {})
  })
  setTimeout(() => controller.abort('gone'), 5)
  expect(await told).toBe('gone')
})

test("a function's own signal stops its calls", async () => {
  const controller = new AbortController()
  const code = codeOf({ signal: controller.signal }, async (n: number) => n)
  expect((await call(code, [1])).values).toEqual([1])
  controller.abort(new Error('shut down'))
  expect((await call(code, [2])).values).toEqual(['shut down ×1'])
})

test('usage adds up', async () => {
  const code = codeOf({}, async function (n: number) {
    this.report({ inputTokens: n, cost: 0.5 })
    this.report({ inputTokens: 1, outputTokens: 2 })
    return n
  })
  const { calls } = await call(code, [10])
  expect(calls[0]!.usage).toEqual({ inputTokens: 11, outputTokens: 2, cost: 0.5 })
})

test('a hundred thousand rows are queued without a task for each', async () => {
  const code = codeOf({ concurrency: 50 }, async (n: number) => n)
  const rows = Array.from({ length: 100_000 }, (_, i) => i)
  expect((await call(code, rows)).values).toEqual(rows)
})

test.each([
  [{ concurrency: 0 }, /concurrency: expected a whole number of at least 1, got the number 0/],
  [{ retries: -1 }, /retries/],
  [{ retryBudget: Number.NaN }, /retryBudget/],
  [{ timeout: 0.5 }, /timeout/],
  [{ pool: '' }, /pool: expected a name/],
  [{ rateLimit: 5 as never }, /rateLimit: expected \{ requestsPerMinute/],
  [{ rateLimit: { requestsPerMinute: 0 } }, /rateLimit.requestsPerMinute/],
  [{ signal: {} as never }, /signal: expected an AbortSignal/],
  [{ cache: 1 as never }, /cache: expected true or false/],
])('bad option %j', (options, message) => {
  expect(() => codeOf(options, async () => 1)).toThrow(message)
})
