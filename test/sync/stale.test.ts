import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ComputeError, Pixeltable, t, table, udf, view } from '../../src/index.js'
import { defineIterator, type IteratorUse } from '../../src/iterators/iterator.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

let calls = 0
beforeEach(() => {
  calls = 0
})
/** The latest definition of a name wins, as when a program is deployed anew. */
const times = (version: number) =>
  udf({ name: 'stale_times', version, returns: t.int() }, (n: number) => {
    calls++
    return n * version
  })
const over = (version: number) => udf({ name: 'stale_over', version, returns: t.bool() }, (n: number) => n > version)
const model = (version: number) => ({
  name: 'stale_model',
  version,
  embed: async (values: readonly (string | Uint8Array)[]) => values.map(() => (version === 1 ? [1, 0] : [0, 1, 0])),
})
/** As many rows as the number says, and one more with each version. */
const repeat = (version: number): IteratorUse<{ n: number }, { pos: number; word: string }> => ({
  iterator: defineIterator({
    name: 'stale_repeat',
    version,
    outputs: () => ({ pos: t.int(), word: t.string() }),
    *iterate([n]) {
      for (let i = 0; i < (n as number) + version - 1; i++) yield { word: `w${i}` }
    },
  }),
  args: (refs) => [(refs as { n: { node: never } }).n.node],
  options: {},
})

/** A program of a version. */
const program = (version: number) => {
  const [f, test] = [times(version), over(version)]
  const Numbers = table('numbers', { n: t.int(), s: t.string().default('x') })
    .computed('many', (c) => f(c.n), { stored: false })
    .computed('f', (c) => f(c.n))
    .computed('more', (c) => c.many.add(1))
    .computed('after', (c) => c.f.add(100))
    .embeddingIndex('s', { embed: model(version) })
  const Big = view(
    'big',
    Numbers.where((c) => test(c.n)),
  ).computed('g', (c) => f(c.n))
  const Words = view('words', Numbers, { iterator: repeat(version) }).computed('h', (c) => f(c.pos))
  return { numbers: Numbers, big: Big, words: Words }
}

describe('a program with new versions of its functions', () => {
  const open = async () => {
    const { numbers } = await pxt.sync(program(1))
    await numbers.insert([{ n: 1 }, { n: 2 }, { n: 3 }])
    calls = 0
  }

  test('is told what is stale, and nothing is computed', async () => {
    await open()
    const before = await (await pxt.getTable('numbers')).history()
    const next = program(2)
    const plan = await pxt.sync(next, { dryRun: true })
    const versions = { storedVersion: 1, currentVersion: 2, needs: 'recompute' }
    const stale = (table: string, part: string, name: string, fn: string) => ({
      kind: 'recompute',
      table,
      part,
      name,
      function: fn,
      ...versions,
    })
    expect(plan.steps).toEqual([
      stale('numbers', 'column', 'f', 'stale_times'),
      stale('numbers', 'column', 'more', 'stale_times'),
      stale('numbers', 'index', 's_stale_model', 'stale_model'),
      stale('big', 'view', 'big', 'stale_over'),
      stale('big', 'column', 'g', 'stale_times'),
      stale('words', 'view', 'words', 'stale_repeat'),
      stale('words', 'column', 'h', 'stale_times'),
    ])
    expect(String(plan)).toContain(
      "recompute column 'f' of 'numbers': stale, made by stale_times@1, which is now @2 (only with { recompute: true })",
    )
    const { numbers } = await pxt.sync(next)
    expect(calls).toBe(0)
    expect(await numbers.history()).toEqual(before)
    expect((await numbers.staleColumns()).map(({ name }) => name)).toEqual(['f', 'more', 's_stale_model'])
    expect(await numbers.select('f').first()).toEqual({ f: 1 })
  })

  test('computes it again when asked to, and then nothing is stale', async () => {
    await open()
    const { numbers, big, words } = await pxt.sync(program(2), { recompute: true })
    expect(await numbers.select('n', 'f', 'more', 'after', 'many').collect()).toEqual([
      { n: 1, f: 2, more: 3, after: 102, many: 2 },
      { n: 2, f: 4, more: 5, after: 104, many: 4 },
      { n: 3, f: 6, more: 7, after: 106, many: 6 },
    ])
    expect(await big.select('n', 'g').collect()).toEqual([{ n: 3, g: 6 }])
    expect(await words.where({ n: 1 }).select('word', 'h').collect()).toEqual([
      { word: 'w0', h: 0 },
      { word: 'w1', h: 2 },
    ])
    expect(await words.count()).toBe(9)
    expect((await pxt.indexes('numbers'))[0]).toMatchObject({
      name: 's_stale_model',
      embedder: 'stale_model@2',
      dimensions: 3,
    })
    expect(
      await numbers
        .similarity('s', { vector: [0, 1, 0] })
        .threshold(0.99)
        .count(),
    ).toBe(3)
    const [last] = await numbers.history()
    expect(last!.operation).toBe('sync')
    expect(
      await numbers
        .asOf(last!.version - 1)
        .select('f')
        .first(),
    ).toEqual({ f: 1 })
    const again = await pxt.sync(program(2), { dryRun: true, recompute: true, prune: true })
    expect(again.steps).toEqual([])
    expect(await numbers.staleColumns()).toEqual([])
    await numbers.insert({ n: 4 })
    expect(await numbers.where({ n: 4 }).select('f').first()).toEqual({ f: 8 })
  })

  test('that declare another type of result', async () => {
    const declaring = (version: number, returns: any, fn: (n: number) => unknown) => {
      const f = udf({ name: 'stale_typed', version, returns }, fn)
      return table('typed', { n: t.int() })
        .computed('f', (c) => f(c.n))
        .computed('text', (c) => c.f.cast(t.string()))
    }
    const { it } = await pxt.sync({ it: declaring(1, t.int(), (n) => n) })
    await it.insert({ n: 7 })
    const { it: next } = await pxt.sync({ it: declaring(2, t.string(), (n) => `n${n}`) }, { recompute: true })
    expect(await next.collect()).toEqual([{ n: 7, f: 'n7', text: 'n7' }])
    expect(next.describe().columns[1]).toMatchObject({ name: 'f', type: 'string' })
  })

  test('one of which fails: nothing stays of the sync', async () => {
    const declaring = (version: number, fn: (n: number) => number) => {
      const f = udf({ name: 'stale_failing', version, returns: t.int() }, fn)
      return table('failing', { n: t.int() }).computed('f', (c) => f(c.n))
    }
    const { it } = await pxt.sync({ it: declaring(1, (n) => n) })
    await it.insert([{ n: 1 }, { n: 2 }])
    const history = await it.history()
    const Next = declaring(2, (n) => {
      if (n === 2) throw new Error('out of order')
      return -n
    })
    await expect(pxt.sync({ it: Next }, { recompute: true })).rejects.toThrow(ComputeError)
    expect([await it.history(), await it.select('f').collect()]).toEqual([history, [{ f: 1 }, { f: 2 }]])
    expect(await it.staleColumns()).toMatchObject([{ name: 'f', storedVersion: 1, currentVersion: 2 }])
    await pxt.sync({ it: Next }, { recompute: true, onError: 'ignore' })
    expect(await it.select('f').collect()).toEqual([{ f: -1 }, { f: null }])
    expect(await it.staleColumns()).toEqual([])
  })
})

describe('staleColumns', () => {
  test('knows of every function of an expression, and none that the program does not have', async () => {
    const [a, b] = [udf({ name: 'stale_a', version: 1 }, (n: number) => n), udf({ name: 'stale_b' }, (n: number) => n)]
    const numbers = await pxt.createTable('numbers', { n: t.int() })
    const computed = await numbers.addComputedColumn('ab', (c) => a(b(c.n)))
    expect(await computed.staleColumns()).toEqual([])
    udf({ name: 'stale_a', version: 3 }, (n: number) => n)
    udf({ name: 'stale_b', version: 0 }, (n: number) => n)
    const common = { table: 'numbers', part: 'column', name: 'ab' }
    expect(await computed.staleColumns()).toEqual([
      { ...common, function: 'stale_a', storedVersion: 1, currentVersion: 3 },
      { ...common, function: 'stale_b', storedVersion: 1, currentVersion: 0 },
    ])
  })

  test('is empty after a recompute of all rows, and not after one of some', async () => {
    const f = times(1)
    const numbers = await pxt.createTable('numbers', { n: t.int() })
    const computed = await numbers.addComputedColumn('f', (c) => f(c.n))
    await computed.insert([{ n: 1 }, { n: 2 }])
    times(5)
    await computed.recompute('f', { where: { n: 1 } })
    expect(await computed.select('f').collect()).toEqual([{ f: 5 }, { f: 2 }])
    await computed.recompute('f', { errorsOnly: true })
    expect(await computed.staleColumns()).toHaveLength(1)
    const { version } = await computed.recompute('f')
    expect(await computed.staleColumns()).toEqual([])
    expect(await computed.select('f').collect()).toEqual([{ f: 5 }, { f: 10 }])
    expect((await computed.history())[0]).toMatchObject({ version, operation: 'recompute' })
    expect((await computed.recompute('f')).version).toBe(version)
    await computed.revert()
    expect(await computed.staleColumns()).toHaveLength(1)
  })
})
