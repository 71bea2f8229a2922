/** Functions that the tests of worker threads call. Threads import this module; so does the program. */
import { createHash } from 'node:crypto'
import { isMainThread, threadId } from 'node:worker_threads'
import { type Media, Pixeltable, t, udf } from '../../src/index.js'

const worker = import.meta.url

function block(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

export const whereAmI = udf({ name: 'worker_where', worker }, (_: unknown) => ({ isMainThread, threadId }))

export const busy = udf({ name: 'worker_busy', worker }, (ms: number) => {
  block(ms)
  return threadId
})

export const busyInTime = udf({ name: 'worker_busy_in_time', worker, timeout: 500, retries: 0 }, (ms: number) => {
  block(ms)
  return threadId
})

/** What kind of value arrived, and the value itself. */
export const echo = udf({ name: 'worker_echo', worker, returns: t.json() }, (value: any) => value)
export const kindOf = udf({ name: 'worker_kind', worker }, (value: any) =>
  value === null ? 'null' : typeof value === 'object' ? value.constructor.name : typeof value,
)

export const batch = udf({ name: 'worker_batch', worker, batchSize: 3 }, (numbers: number[]) =>
  numbers.map((n) => (n < 0 ? new RangeError(`${n} is negative`) : `${n * 2} of ${numbers.length}`)),
)
export const tooFew = udf({ name: 'worker_too_few', worker, batchSize: 2 }, () => [1])
export const noList = udf({ name: 'worker_no_list', worker, batchSize: 2 }, (() => 'text') as never)

class Busy extends TypeError {
  override name = 'Busy'
  readonly status = 503
  readonly headers = new Headers({ 'retry-after-ms': '1' })
}

export const flaky = udf({ name: 'worker_flaky', worker }, function (succeedsAt: number) {
  this.report({ inputTokens: 10, cost: 0.5, headers: new Headers({ 'x-request': 'a' }) })
  if (this.attempt < succeedsAt) throw new Busy('busy')
  return this.attempt
})

export const fail = udf({ name: 'worker_fail', worker, retries: 0 }, (kind: string) => {
  switch (kind) {
    case 'busy':
      throw new Busy('busy', { cause: new Error('inner') })
    case 'text':
      throw 'only text'
    case 'dom':
      throw new DOMException('gave up', 'AbortError')
    case 'result':
      return () => 1
    case 'exit':
      return process.exit(3)
    case 'uncaught':
      setTimeout(() => {
        throw new Error('late')
      })
      return new Promise(() => {})
  }
  return kind
})

export const heeds = udf({ name: 'worker_heeds', worker, retries: 0 }, async function (_: string) {
  await new Promise((_, reject) => this.signal.addEventListener('abort', () => reject(this.signal.reason)))
})

export const describeFile = udf({ name: 'worker_file', worker }, async (file: Media) => {
  const parts: Uint8Array[] = []
  for await (const part of file.stream({ start: 1, end: 4 })) parts.push(part)
  return {
    isMainThread,
    sha256: createHash('sha256')
      .update(await file.bytes())
      .digest('hex'),
    part: Buffer.concat(parts).toString(),
    record: file.toJSON(),
    kind: file.kind,
  }
})
export const sameFile = udf({ name: 'worker_same_file', worker, returns: t.document() }, (file: Media) => file)
export const lookBeyond = udf({ name: 'worker_beyond', worker }, async (file: Media) => {
  for await (const _ of file.stream({ start: 3, end: 1 }));
})

export const inner = udf({ name: 'worker_inner', worker }, (n: number) => n * threadId)
/** A database in the thread, whose function runs right there. */
export const nested = udf({ name: 'worker_nested', worker }, async (n: number) => {
  using pxt = await Pixeltable.open(':memory:')
  const table = await pxt.createTable('numbers', { n: t.int() })
  const full = await table.addComputedColumn('times', (c) => inner(c.n))
  await full.insert([{ n }])
  return (await full.firstOrThrow()).times! / threadId
})

let defined = 0
/** Another name in each import. */
export const unstable = udf({ name: `worker_unstable_${isMainThread ? ++defined : 'thread'}`, worker }, () => 1)
export const changed = udf({ name: 'worker_changed', version: isMainThread ? 1 : 2, worker }, () => 1)
