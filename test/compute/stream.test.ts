import { afterEach, beforeEach, expect, test } from 'vitest'
import { count, Pixeltable, query, t, udf } from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))
const size = 5

test('the next batch keeps functions busy while one is computed; they commit in order, and no more is read', async () => {
  let running = 0
  let most = 0
  const slow = udf({ name: 'stream_slow', concurrency: 100 }, async (n: number) => {
    most = Math.max(most, ++running)
    await sleep(n % size === 0 ? 15 : 5)
    running--
    return n
  })
  const table = await pxt.createTable('t', { n: t.int() })
  const one = await table.addComputedColumn('slow', (c) => slow(c.n))
  const ahead: number[] = []
  async function* rows() {
    for (let n = 0; n < 40; n++) {
      ahead.push(n - (await one.count()))
      yield { n }
    }
  }
  const { inserted } = await one.insert(rows(), { batchSize: size })
  expect(inserted).toBe(40)
  expect((await one.collect()).map(({ slow }) => slow)).toEqual(Array.from({ length: 40 }, (_, n) => n))
  expect(most).toBeGreaterThan(size)
  expect(most).toBeLessThanOrEqual(2 * size)
  expect(Math.max(...ahead)).toBeLessThan(3 * size)
  expect((await one.history()).filter(({ operation }) => operation === 'insert').map((v) => v.inserted)).toEqual(
    new Array(8).fill(size),
  )
})

test('a batch that fails ends the insert; those before it stay, those after it do not come', async () => {
  const picky = udf({ name: 'stream_picky' }, async (n: number) => {
    await sleep(n < 10 ? 10 : 0)
    if (n === 12) throw new Error('twelve')
    return n
  })
  const table = await pxt.createTable('t', { n: t.int() })
  const one = await table.addComputedColumn('picky', (c) => picky(c.n))
  async function* rows() {
    for (let n = 0; ; n++) yield { n }
  }
  await expect(one.insert(rows(), { batchSize: size })).rejects.toThrow('twelve')
  await sleep(30)
  expect((await one.collect()).map(({ n }) => n)).toEqual(Array.from({ length: 10 }, (_, n) => n))
  async function* broken() {
    yield* Array.from({ length: 7 }, (_, n) => ({ n }))
    throw new Error('the source broke')
  }
  await expect(one.insert(broken(), { batchSize: size })).rejects.toThrow('the source broke')
  await sleep(30)
  expect(await one.count()).toBe(15)
})

test('a function that reads tables sees the batches before', async () => {
  const table = await pxt.createTable('t', { n: t.int() })
  const before = query('stream_before', {}, () => table.select(() => ({ rows: count() })))
  const one = await table.addComputedColumn('before', () => before.expr({}).get(0).get('rows'))
  await one.insert(
    (function* () {
      for (let n = 0; n < 15; n++) yield { n }
    })(),
    { batchSize: size },
  )
  expect((await one.collect()).map(({ before }) => before)).toEqual([
    ...Array(5).fill(0),
    ...Array(5).fill(5),
    ...Array(5).fill(10),
  ])
})

test('an aborted stream stops at once', async () => {
  const controller = new AbortController()
  const slow = udf({ name: 'stream_abort' }, async (n: number) => {
    if (n === 7) controller.abort(new Error('enough'))
    await sleep(2)
    return n
  })
  const table = await pxt.createTable('t', { n: t.int() })
  const one = await table.addComputedColumn('slow', (c) => slow(c.n))
  async function* rows() {
    for (let n = 0; ; n++) yield { n }
  }
  await expect(one.insert(rows(), { batchSize: size, signal: controller.signal })).rejects.toThrow('enough')
  expect((await one.count()) % size).toBe(0)
})
