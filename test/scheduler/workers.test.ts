import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { definitionKey } from '../../src/compute/udf.js'
import { ComputeError, MediaError, Pixeltable, SchemaError, t, udf } from '../../src/index.js'
import { type Asker, type CallRecord, callRows } from '../../src/scheduler/caller.js'
import { maxThreads } from '../../src/workers/call.js'
import { temporaryDirectory } from '../media/support.js'
import * as functions from './worker-functions.js'
import { misplaced } from './worker-opens.js'

// Vitest's own loading of TypeScript does not reach threads.
beforeAll(() => {
  vi.stubEnv('NODE_OPTIONS', '--import tsx')
})
afterAll(() => {
  vi.unstubAllEnvs()
})

/** The result of a call for each argument, or the error that it failed with; and what was heard of the calls. */
async function call(fn: { [definitionKey]: any }, args: readonly unknown[], asker: Partial<Asker> = {}) {
  const values: any[] = []
  const attempts: number[] = []
  const calls: CallRecord[] = []
  await callRows(
    fn[definitionKey],
    args.map((arg) => [arg]),
    {
      value: (row, value) => {
        values[row] = value
      },
      failed: (row, cause, count) => {
        values[row] = cause
        attempts[row] = count
      },
      called: (record) => calls.push(record),
      ...asker,
    },
  )
  return { values, attempts, calls }
}

describe('threads', () => {
  test('the function runs in another thread, and that is kept', async () => {
    const { values } = await call(functions.whereAmI, [1])
    expect(values[0]).toEqual({ isMainThread: false, threadId: expect.any(Number) })
    expect((await call(functions.whereAmI, [2])).values).toEqual(values)
  })

  test('synchronous work does not block the event loop of the program', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    await call(functions.busy, [300, 800])
    delay.disable()
    // Blocked, it would be 800 ms; on a busy machine it is some tens.
    expect(delay.max / 1e6).toBeLessThan(400)
  })

  test('calls share as many threads as there are cores, less one', async () => {
    const { values } = await call(functions.busy, new Array(maxThreads * 4).fill(20))
    const used = new Set(values)
    expect(used.size).toBeGreaterThanOrEqual(1)
    expect(used.size).toBeLessThanOrEqual(maxThreads)
  })

  test('an idle thread ends after a while', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const before = new Set((await call(functions.busy, [0])).values)
      vi.advanceTimersByTime(29_000)
      expect(new Set((await call(functions.busy, [0])).values)).toEqual(before)
      vi.advanceTimersByTime(31_000)
      expect((await call(functions.busy, [0])).values.filter((thread) => before.has(thread))).toEqual([])
    } finally {
      vi.useRealTimers()
    }
  })

  test('a module that cannot be imported, or defines no such function, is an error that says so', async () => {
    const missing = udf({ name: 'worker_missing', worker: new URL('missing.js', import.meta.url) }, () => 1)
    expect((await call(missing, [1])).values[0].message).toMatch(/cannot import file:.*missing\.js: /)
    const elsewhere = udf(
      { name: 'worker_elsewhere', worker: new URL('worker-functions.ts', import.meta.url) },
      () => 1,
    )
    expect((await call(elsewhere, [1])).values[0].message).toMatch(/defines no function 'worker_elsewhere'/)
    expect((await call(functions.unstable, [1])).values[0].message).toMatch(/defines no function 'worker_unstable_1'/)
    expect((await call(functions.changed, [1])).values[0].message).toMatch(/it defines version 2 of 'worker_changed'/)
  })

  test('a module that opens a database when it is imported is refused', async () => {
    const { values, attempts } = await call(misplaced, [1])
    expect(values[0].message).toMatch(/opens a database when it is imported.*put those into a module of their own/)
    expect(attempts).toEqual([1])
  })

  test('a function in a thread calls others right there', async () => {
    expect((await call(functions.nested, [7])).values).toEqual([7])
  })

  test.each(['index.js', 'https://example.com/a.js', 1])('worker: %s is refused', (worker) => {
    const define = () => udf({ name: 'worker_bad', worker: worker as string }, () => 1)
    expect(define).toThrow(SchemaError)
    expect(define).toThrow(/worker_bad': worker: expected the file: URL/)
  })
})

describe('values', () => {
  const date = new Date('2026-11-21T10:00:00.123Z')
  test.each([
    ['text', 'grün 🦋', 'string'],
    ['a number', -0.5, 'number'],
    ['a bigint', 2n ** 62n, 'bigint'],
    ['a boolean', true, 'boolean'],
    ['null', null, 'null'],
    ['a date', date, 'Date'],
    ['bytes', new Uint8Array([1, 2, 255]), 'Uint8Array'],
    ['a part of bytes', new Uint8Array([1, 2, 3, 4]).subarray(1, 3), 'Uint8Array'],
    ['a vector', new Float32Array([1.5, -2]), 'Float32Array'],
    ['JSON', { a: [1, { b: null }], c: 'x' }, 'Object'],
    ['an array', { dtype: 'int64', shape: [1, 2], data: new BigInt64Array([1n, -2n]) }, 'Object'],
  ])('%s crosses both ways', async (_, value, kind) => {
    expect((await call(functions.echo, [value])).values[0] ?? null).toEqual(value)
    expect((await call(functions.kindOf, [value])).values).toEqual([kind])
  })

  test('of bytes that are a part of others, only the part crosses', async () => {
    const { values } = await call(functions.echo, [Buffer.alloc(4096).subarray(10, 20)])
    expect(values[0].buffer.byteLength).toBe(10)
  })

  test('what cannot cross is an error that names the argument', async () => {
    const { values } = await call(functions.echo, [() => 1])
    expect(values[0].message).toMatch(/^argument 1 cannot be sent to a worker thread: .*could not be cloned/)
    expect((await call(functions.fail, ['result'])).values[0].message).toMatch(
      /^the result cannot be sent out of a worker thread: .*could not be cloned/,
    )
    expect((await call(functions.echo, ['still there'])).values).toEqual(['still there'])
  })

  test('files are read in the thread, wherever they are', async () => {
    const path = join(temporaryFolder, 'note.txt')
    writeFileSync(path, 'A note in a file.')
    const stored = 'x'.repeat(600_000)
    using pxt = await Pixeltable.open(':memory:')
    const docs = await pxt.createTable('docs', {
      file: t.document(),
      linked: t.document({ store: 'reference' }).nullable(),
    })
    const full = await (
      await docs.addComputedColumn('stored', (c) => functions.describeFile(c.file))
    ).addComputedColumn('local', (c) => functions.describeFile(c.linked as never))
    const same = await full.addComputedColumn('same', (c) => functions.sameFile(c.file))
    await same.insert([{ file: new Blob([stored], { type: 'text/plain' }), linked: path }])
    const row: any = await same.firstOrThrow()
    const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
    expect(row.stored).toEqual({
      isMainThread: false,
      sha256: sha256(stored),
      part: 'xxx',
      record: row.file.toJSON(),
      kind: 'document',
    })
    expect(row.local).toMatchObject({ sha256: sha256('A note in a file.'), part: ' no', record: row.linked.toJSON() })
    expect(row.same.toJSON()).toEqual(row.file.toJSON())
    expect((await row.same.bytes()).length).toBe(600_000)
    // Errors of reading come from the program.
    const { values } = await call(functions.lookBeyond, [row.file])
    expect(values[0].message).toMatch(/Expected integers 0 <= start <= end/)
    writeFileSync(path, 'Another note.')
    expect((await call(functions.describeFile, [row.linked])).values[0]).toBeInstanceOf(MediaError)
  })

  const temporaryFolder = temporaryDirectory()
})

describe('calls', () => {
  test('batches, with the failure of a row, and those that are none', async () => {
    const { values } = await call(functions.batch, [1, -1, 2, 3])
    expect([values[0], values[2]]).toEqual(['2 of 3', '4 of 3'])
    expect(values[1]).toBeInstanceOf(RangeError)
    expect(values[1].message).toBe('-1 is negative')
    expect(values[3]).toBe('6 of 1')
    expect((await call(functions.tooFew, [1, 2])).values.map(String)).toEqual(
      new Array(2).fill('TypeError: expected an array of 2 results, one a row, got 1'),
    )
    expect(String((await call(functions.noList, [1])).values[0])).toMatch(/expected an array of 1 results.*got string/)
  })

  test('errors keep their class, status, headers and cause', async () => {
    const { values } = await call(functions.fail, ['busy', 'text', 'dom'])
    expect(values[0]).toBeInstanceOf(TypeError)
    expect(values[0]).toMatchObject({
      name: 'Busy',
      message: 'busy',
      status: 503,
      headers: { 'retry-after-ms': '1' },
      cause: expect.objectContaining({ message: 'inner' }),
    })
    expect(values[0].stack).toMatch(/worker-functions/)
    expect(values[1]).toBe('only text')
    expect(values[2]).toBeInstanceOf(DOMException)
    expect(values[2]).toMatchObject({ name: 'AbortError', message: 'gave up' })
  })

  test('a call that failed for a passing reason is tried again, and reports arrive', async () => {
    const { values, calls } = await call(functions.flaky, [3])
    expect(values).toEqual([3])
    expect(calls.map(({ retry }) => retry)).toEqual([false, true, true])
    expect(calls.map(({ usage }) => usage)).toEqual(
      new Array(3).fill({ inputTokens: 10, outputTokens: undefined, cost: 0.5 }),
    )
  })

  test('a call that ends its thread fails; the next one gets another thread', async () => {
    const [exit] = (await call(functions.fail, ['exit'])).values
    expect(exit.message).toBe('its worker thread ended during the call, with exit code 3')
    const [uncaught] = (await call(functions.fail, ['uncaught'])).values
    expect(uncaught.message).toBe('its worker thread ended by an error that nothing caught: late')
    expect((await call(functions.fail, ['fine'])).values).toEqual(['fine'])
    using pxt = await Pixeltable.open(':memory:')
    const kinds = await (await pxt.createTable('kinds', { kind: t.string() })).addComputedColumn('result', (c) =>
      functions.fail(c.kind),
    )
    await expect(kinds.insert([{ kind: 'exit' }])).rejects.toThrow(ComputeError)
    const { errorCells } = await kinds.insert([{ kind: 'exit' }, { kind: 'fine' }], { onError: 'ignore' })
    expect(errorCells.map(({ message }) => message)).toEqual([
      'worker_fail@1 failed: its worker thread ended during the call, with exit code 3',
    ])
  })

  test('an abort ends synchronous work, waiting calls are not made', async () => {
    const [before] = (await call(functions.busy, [0])).values
    const stop = new AbortController()
    const reason = new Error('enough')
    const began = performance.now()
    const running = call(functions.busy, new Array(maxThreads + 2).fill(60_000), { signal: stop.signal })
    setTimeout(() => stop.abort(reason), 50)
    await expect(running).rejects.toBe(reason)
    const [after] = (await call(functions.busy, [0])).values
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(after).not.toBe(before)
  })

  test('a function that heeds its signal keeps its thread', async () => {
    const [before] = (await call(functions.whereAmI, [1])).values
    const stop = AbortSignal.timeout(50)
    await expect(call(functions.heeds, ['a'], { signal: stop })).rejects.toThrow(/timeout/)
    if (maxThreads === 1) expect((await call(functions.whereAmI, [1])).values).toEqual([before])
  })

  test('a timeout ends synchronous work; time in the queue does not count', async () => {
    const { values } = await call(functions.busyInTime, [60_000])
    expect(values[0]).toMatchObject({ name: 'TimeoutError', message: 'took longer than 500 ms' })
    // One after the other these take far longer than 500 ms.
    const many = new Array(maxThreads * 8).fill(150)
    expect((await call(functions.busyInTime, many)).values.every((value) => typeof value === 'number')).toBe(true)
  })
})

describe('a program of its own', () => {
  const loader = new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url).href
  const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))
  const run = async (...args: readonly string[]) => {
    const env = { ...process.env, NODE_OPTIONS: '' }
    return (await promisify(execFile)(process.execPath, args, { env, timeout: 25_000 })).stdout
  }

  test('ends by itself with idle threads', async () => {
    expect(await run('--import', loader, pathOf('worker-program.ts'), 'idle')).toBe('42 in another thread\n')
  })

  test('survives a function that takes all memory', async () => {
    const options = ['--max-old-space-size=64', '--import', loader]
    expect(await run(...options, pathOf('worker-program.ts'), 'memory')).toBe(
      'worker_fill@1 failed: its worker thread ran out of memory\n',
    )
  })

  test('in plain JavaScript, with the built package', async () => {
    expect(await run(pathOf('worker-plain.mjs'))).toBe('1 false,2 false\n')
  })
})
