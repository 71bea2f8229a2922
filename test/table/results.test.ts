import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { documentSplitter, Pixeltable, t, udf } from '../../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'pixeltable-results-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let pxt: Pixeltable
const calls: unknown[] = []
beforeEach(async () => {
  calls.length = 0
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const kept = async (database = pxt) => (await database.sql<{ n: number }>`SELECT count(*) AS n FROM pxt_results`)[0]!.n

describe('an aborted statement', () => {
  let broken = true
  const paid = udf({ name: 'results_paid' }, async (n: number) => {
    calls.push(n)
    if (n === 13 && broken) throw new Error('the account is empty')
    return { n, at: calls.length }
  })
  const cheap = udf({ name: 'results_cheap' }, (n: number) => {
    calls.push(`cheap ${n}`)
    return n
  })
  const rows = Array.from({ length: 20 }, (_, n) => ({ n }))
  beforeEach(() => {
    broken = true
  })

  test('keeps what it waited for, and uses it when it is tried again', async () => {
    const table = await pxt.createTable('t', { n: t.int() })
    const one = await table.addComputedColumn('cheap', (c) => cheap(c.n))
    const two = await one.addComputedColumn('paid', (c) => paid(c.n))
    await expect(two.insert(rows)).rejects.toThrow(/the account is empty/)
    expect(await two.count()).toBe(0)
    const first = calls.filter((n) => typeof n === 'number')
    expect(await kept()).toBe(first.length - 1)
    broken = false
    calls.length = 0
    await two.insert(rows)
    expect(calls.filter((n) => typeof n === 'number')).toEqual(
      [13, ...rows.map(({ n }) => n)].filter((n, i, all) => (!first.includes(n) || n === 13) && all.indexOf(n) === i),
    )
    expect(calls.filter((n) => typeof n === 'string')).toHaveLength(20)
    expect(await two.where((c) => c.paid.isNull()).count()).toBe(0)
    // Used up.
    expect(await kept()).toBe(0)
    await two.insert([{ n: 1 }])
    expect(calls.filter((n) => n === 1)).toHaveLength(1)
  })

  test('keeps one result for each of several equal calls', async () => {
    const table = await pxt.createTable('t', { n: t.int() })
    const two = await table.addComputedColumn('paid', (c) => paid(c.n))
    await expect(two.insert([{ n: 1 }, { n: 1 }, { n: 13 }])).rejects.toThrow()
    broken = false
    await two.insert([{ n: 1 }, { n: 1 }, { n: 1 }])
    expect(calls).toEqual([1, 1, 13, 1])
    const made = (await two.collect()).map(({ paid }) => paid.at)
    expect(new Set(made).size).toBe(3)
  })

  test('in a transaction that fails later, by a signal, while a column or a view is added', async () => {
    const table = await pxt.createTable('t', { n: t.int() })
    const two = await table.addComputedColumn('paid', (c) => paid(c.n))
    const failing = pxt.transaction(async () => {
      await two.insert([{ n: 1 }])
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    await two.insert([{ n: 1 }])
    expect(calls).toEqual([1])
    await table.insert([{ n: 2 }, { n: 3 }])
    calls.length = 0
    await expect(two.addComputedColumn('more', (c) => paid(c.n.add(10)))).rejects.toThrow(/empty/)
    broken = false
    await two.addComputedColumn('more', (c) => paid(c.n.add(10)))
    expect(calls.toSorted()).toEqual([11, 12, 13, 13])
    const controller = new AbortController()
    const slow = udf({ name: 'results_slow', concurrency: 1 }, async (n: number) => {
      calls.push(`slow ${n}`)
      if (n === 3) controller.abort(new Error('enough'))
      return n
    })
    const stopped = two.addComputedColumn('slow', (c) => slow(c.n), { signal: controller.signal })
    await expect(stopped).rejects.toThrow('enough')
    calls.length = 0
    await two.addComputedColumn('slow', (c) => slow(c.n))
    expect(calls).toEqual(['slow 3'])
  })

  test('a conflict with another writer costs no second call', async () => {
    const path = join(folder, 'conflict.db')
    const a = await Pixeltable.open(path)
    const b = await Pixeltable.open(path)
    const table = await a.createTable('t', { n: t.int() }, { primaryKey: ['n'] })
    let meanwhile = async () => {}
    const slow = udf({ name: 'results_meanwhile' }, async (n: number) => {
      calls.push(n)
      await meanwhile()
      return n * 2
    })
    const two = await table.addComputedColumn('twice', (c) => slow(c.n))
    meanwhile = async () => {
      meanwhile = async () => {}
      await (await b.getTable('t')).addColumn('other', t.int().nullable())
    }
    await two.insert([{ n: 5 }])
    expect(calls).toEqual([5])
    expect(await two.collect()).toEqual([{ n: 5, other: null, twice: 10 }])
    expect(await kept(a)).toBe(0)
    a.close()
    b.close()
  })

  test('a killed process loses at most the last seconds', { timeout: 60_000 }, async () => {
    const path = join(folder, 'killed.db')
    const tsx = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url))
    const program = fileURLToPath(new URL('./paying.ts', import.meta.url))
    const run = (killAfter?: number) =>
      new Promise<number[]>((resolve, reject) => {
        const child = spawn(process.execPath, ['--import', `file://${tsx}`, program, path])
        let output = ''
        child.stderr.on('data', reject)
        child.stdout.on('data', (data) => {
          if (output === '' && killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter)
          output += data
        })
        child.on('close', () => resolve(output.split('\n').filter(Boolean).map(Number)))
      })
    const first = await run(7000)
    const second = await run()
    expect(first.length).toBeGreaterThan(50)
    expect(new Set([...first, ...second]).size).toBe(100)
    // What was on the disk is not called again: at five seconds, about 50 calls.
    expect(first.filter((n) => second.includes(n)).length).toBeLessThanOrEqual(first.length - 40)
  })
})

describe('a cache', () => {
  const shout = udf({ name: 'results_shout', cache: true }, (text: string) => {
    calls.push(text)
    return text === 'none' ? null : text.toUpperCase()
  })

  test('calls once for equal arguments, in one statement and later, also after the rows are gone', async () => {
    const table = await pxt.createTable('t', { text: t.string() })
    const loud = await table.addComputedColumn('loud', (c) => shout(c.text))
    await loud.insert([{ text: 'a' }, { text: 'b' }, { text: 'a' }, { text: 'none' }, { text: 'none' }])
    expect(calls).toEqual(['a', 'b', 'none'])
    await loud.delete().all().run()
    await loud.insert([{ text: 'b' }, { text: 'a' }, { text: 'none' }, { text: 'c' }])
    expect(calls).toEqual(['a', 'b', 'none', 'c'])
    expect((await loud.collect()).map((row) => row.loud)).toEqual(['B', 'A', null, 'C'])
    await loud.compute([{ text: 'd' }])
    await loud.compute([{ text: 'd' }])
    await loud.addComputedColumn('again', (c) => shout(c.text))
    await pxt.vacuum({ keepVersions: 1 })
    await loud.insert([{ text: 'd' }])
    expect(calls).toEqual(['a', 'b', 'none', 'c', 'd'])
  })

  test('a new version calls again; failures are not cached', async () => {
    let fails = true
    const make = (version: number) =>
      udf({ name: 'results_versioned', version, cache: true }, (text: string) => {
        calls.push(version)
        if (fails) throw new Error('not yet')
        return text
      })
    const table = await pxt.createTable('t', { text: t.string() })
    const one = await table.addComputedColumn('one', (c) => make(1)(c.text))
    await one.insert([{ text: 'a' }], { onError: 'ignore' })
    fails = false
    await one.insert([{ text: 'a' }])
    await one.insert([{ text: 'a' }])
    await one.addComputedColumn('two', (c) => make(2)(c.text))
    expect(calls).toEqual([1, 1, 2])
  })

  test.each([
    ['a bigint beyond 2^53', 2n ** 60n],
    ['a Date', new Date('2026-11-20T12:00:00Z')],
    ['bytes', Uint8Array.of(1, 2, 3)],
    ['a vector', Float32Array.of(1, 0.5)],
    ['JSON', { a: [1, null, { b: 'x' }] }],
    ['a boolean', true],
    ['a fraction', 0.1],
    ['text that looks like a number', '007'],
  ])('%s comes back as it was', async (_, value) => {
    const make = udf({ name: `results_value_${typeof value}`, cache: true }, (_n: number): any => value)
    const table = await pxt.createTable('t', { n: t.int() })
    const one = await table.addComputedColumn('made', (c) => make(c.n))
    await one.insert([{ n: 1 }])
    await one.insert([{ n: 1 }])
    const [a, b] = await one.collect()
    expect(a).toEqual({ n: 1, made: value })
    expect(b).toEqual(a)
    expect(await kept()).toBe(1)
  })

  test('tells arguments apart by type, position and length', async () => {
    const show = udf({ name: 'results_apart', cache: true }, (a: any, b: any) => `${typeof a} ${a} ${typeof b} ${b}`)
    const table = await pxt.createTable('t', { a: t.json(), b: t.json().nullable() })
    const one = await table.addComputedColumn('made', (c) => show(c.a, c.b))
    const pairs: [unknown, unknown][] = [
      ['1', 1],
      [1, '1'],
      ['a', 'bc'],
      ['ab', 'c'],
      ['a\n', 'b'],
      ['a', '\nb'],
      [true, null],
      [[1], [2]],
      [[1, 2], []],
    ]
    await one.insert(pairs.map(([a, b]) => ({ a, b })) as never)
    expect((await one.collect()).map(({ made }) => made)).toEqual(
      pairs.map(([a, b]) => `${typeof a} ${a} ${typeof b} ${b}`),
    )
  })

  test('has a bound: what was not used for the longest time goes first', async () => {
    const path = join(folder, 'bounded.db')
    const small = await Pixeltable.open(path, { cache: { maxBytes: 100_000 } })
    const long = udf({ name: 'results_long', cache: true }, (n: number) => {
      calls.push(n)
      return 'x'.repeat(1000)
    })
    const table = await small.createTable('t', { n: t.int() })
    const one = await table.addComputedColumn('long', (c) => long(c.n))
    await one.insert([{ n: 0 }])
    for (let n = 1; n < 300; n++) await one.insert([{ n }, { n: 0 }])
    expect(calls).toHaveLength(300)
    const [size] = await small.sql<{ bytes: number; counted: number }>`
      SELECT sum(size) AS bytes, (SELECT value FROM pxt_meta WHERE key = 'results_bytes') AS counted FROM pxt_results`
    expect(size!.bytes).toBeLessThanOrEqual(100_000)
    expect(size!.counted).toBe(size!.bytes)
    small.close()
    await expect(Pixeltable.open(path, { cache: { maxBytes: -1 } })).rejects.toThrow(/cache.maxBytes: expected/)
  })

  test('an identical document that comes back uses the vectors of its chunks again', async () => {
    let embedded = 0
    const embed = {
      name: 'results_embed',
      version: 1,
      cache: true,
      embed: async (texts: readonly unknown[]) => {
        embedded += texts.length
        return texts.map((text) => [String(text).length, 1])
      },
    }
    const docs = await pxt.createTable('docs', { document: t.document(), note: t.string().nullable() })
    const chunks = await pxt.createView('chunks', docs, {
      iterator: documentSplitter((c) => c.document, { separators: ['sentence'] }),
    })
    const indexed = await chunks.addEmbeddingIndex('text', { embed })
    const document = new TextEncoder().encode('One sentence is here. Another one follows. And a third.')
    await docs.insert([{ document }])
    expect(embedded).toBe(3)
    await docs.update({ note: 'metadata' }).all().run()
    expect(embedded).toBe(3)
    await docs.delete().all().run()
    await docs.insert([{ document }])
    expect(embedded).toBe(3)
    expect(await indexed.similarity('text', 'One sentence is here.').count()).toBe(3)
  })
})
