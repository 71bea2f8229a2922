import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Pixeltable, type Table, t, table } from '../../src/index.js'
import { internals } from '../../src/query/query.js'
import type { VectorMatrix } from '../../src/search/matrix/vector-matrix.js'
import { naiveSearch, normalVectors, randomNumbers } from '../search/matrix/oracle.js'

const dimensions = 16
const rows = 6000
const clusters = 40

/** Vectors around some centres, as those of texts are. */
function clustered(count: number, seed: number): Float32Array[] {
  const centres = normalVectors(clusters, dimensions, 1)
  const noise = normalVectors(count, dimensions, seed)
  const random = randomNumbers(seed)
  return Array.from({ length: count }, (_, i) => {
    const centre = Math.floor(random() * clusters) * dimensions
    return Float32Array.from({ length: dimensions }, (_, j) => centres[centre + j]! + 0.3 * noise[i * dimensions + j]!)
  })
}

const vectors = clustered(rows, 2)
const queries = clustered(20, 3)

async function itemsOf(pxt: Pixeltable): Promise<Table<any, any, any, any, any>> {
  const items = await pxt.createTable('items', { id: t.int(), n: t.int(), v: t.vector(dimensions) })
  await items.insert(vectors.map((v, i) => ({ id: i + 1, n: i % 10, v: [...v] })))
  return items as never
}

const stored = async (items: Table<any, any, any, any, any>, keep: (row: any) => boolean = () => true) =>
  new Map((await items.collect()).filter(keep).map(({ id, v }: any) => [id as number, v as Float32Array]))

/** How a search was made. */
async function searched(items: Table<any, any, any, any, any>, build: (q: any) => any, vector: Float32Array) {
  const { matrix, approximation } = await loaded(items)
  const spy = vi.spyOn(matrix as VectorMatrix, 'search')
  const near = approximation && vi.spyOn(approximation, 'near')
  const found: number[] = (await build(items.similarity('v', { vector })).select('id').collect()).map(
    ({ id }: any) => id,
  )
  const wasApproximate = near?.mock.results.some(({ value }) => value !== undefined) === true
  const inMemory = spy.mock.calls.length > 0
  vi.restoreAllMocks()
  return { found, wasApproximate, inMemory }
}

function loaded(items: Table<any, any, any, any, any>) {
  const { session } = items[internals]
  const owner = session.lastCatalog.named('items')!
  return session.residentVectors.loaded(owner, owner.indexes[0]!, undefined)
}

const overlap = (found: readonly number[], best: readonly number[]): number =>
  best.filter((id) => found.includes(id)).length / best.length

const methods = [{ method: 'ivfflat', lists: 60, nprobe: 12 }, { method: 'ivfflat' }, { method: 'hnsw' }] as const

describe.each(methods)('%o', (options) => {
  let pxt: Pixeltable
  let items: Table<any, any, any, any, any>
  beforeAll(async () => {
    pxt = await Pixeltable.open(':memory:')
    items = await itemsOf(pxt)
    await items.addEmbeddingIndex('v', options)
    await items.measureRecall('v' as never)
  })
  afterAll(() => pxt.close())

  const best = async (query: Float32Array, k: number, keep?: (row: any) => boolean) =>
    naiveSearch(await stored(items, keep), 'cosine', query)
      .slice(0, k)
      .map(({ rowid }) => rowid)

  test('finds nearly all of the best, with exact scores', async () => {
    const measured = await items.measureRecall('v' as never, { sample: 100, k: 10, seed: 4 })
    expect(measured).toMatchObject({ sample: 100, k: 10 })
    expect(measured.recall).toBeGreaterThan(0.95)
    const all = await stored(items)
    let sum = 0
    for (const query of queries) {
      const exact = naiveSearch(all, 'cosine', query)
      const scores = new Map(exact.map(({ rowid, score }) => [rowid, score]))
      const found = await items.similarity('v', { vector: query }).limit(10).select('id', 'score').collect()
      for (const { id, score } of found as any[]) expect(score).toBeCloseTo(scores.get(id)!, 12)
      sum += overlap(
        (found as any[]).map(({ id }) => id),
        exact.slice(0, 10).map(({ rowid }) => rowid),
      )
    }
    expect(sum / queries.length).toBeGreaterThan(0.9)
    expect((await pxt.indexes('items'))[0]).toMatchObject({ method: options.method, exact: false })
  })

  test('pages do not overlap, and go on exactly where it finds no more', async () => {
    const [query] = queries as [Float32Array]
    const first = await searched(items, (q) => q.limit(30), query)
    expect(first.wasApproximate).toBe(true)
    const pages: number[] = []
    for (let offset = 0; offset < 30; offset += 10) {
      const page = await searched(items, (q) => q.limit(10).offset(offset), query)
      expect(page.wasApproximate).toBe(true)
      pages.push(...page.found)
    }
    expect(pages).toEqual(first.found)
    const deep = await searched(items, (q) => q.limit(10).offset(rows - 10), query)
    expect(deep.wasApproximate).toBe(false)
    expect(deep.found).toEqual((await best(query, rows)).slice(-10))
  })

  test('is exact under a filter that leaves few, and narrows down under one that leaves many', async () => {
    for (const query of queries.slice(0, 5)) {
      const few = await searched(items, (q) => q.where({ n: 3 }).limit(10), query)
      expect(few).toEqual({
        found: await best(query, 10, ({ n }) => n === 3),
        wasApproximate: false,
        inMemory: true,
      })
      const many = await searched(items, (q) => q.where((c: any) => c.n.lt(6)).limit(10), query)
      expect(many.wasApproximate).toBe(true)
      const wanted = await best(query, 10, ({ n }) => n < 6)
      expect(overlap(many.found, wanted)).toBeGreaterThanOrEqual(0.7)
    }
  })

  test('is exact in a transaction and at an earlier version', async () => {
    const [query] = queries as [Float32Array]
    const wanted = await best(query, 50)
    const version = (await items.history())[0]!.version
    await pxt.transaction(async (tx) => {
      const inside = await tx.getTable('items')
      const found: any[] = await inside
        .similarity('v' as never, { vector: [...query] })
        .limit(50)
        .collect()
      expect(found.map(({ id }) => id)).toEqual(wanted)
    })
    const past: any[] = await items.asOf(version).similarity('v', { vector: query }).limit(50).collect()
    expect(past.map(({ id }) => id)).toEqual(wanted)
  })

  test('has every change at once', async () => {
    const query = Float32Array.from({ length: dimensions }, (_, i) => (i === 0 ? 40 : 0.1 * i))
    const search = async () => (await searched(items, (q) => q.limit(2), query)).found
    await items.insert([
      { id: 7001, n: 0, v: [...query] },
      { id: 7002, n: 0, v: query.map((x, i) => x + 0.001 * i) },
    ])
    expect(await search()).toEqual([7001, 7002])
    await items
      .update({ v: [...queries[0]!] })
      .where({ id: 7001 })
      .run()
    expect((await search())[0]).toBe(7002)
    for (let i = 0; i < 20; i++) await setImmediate()
    expect((await search())[0]).toBe(7002)
    await items.delete().where({ id: 7002 }).run()
    expect(await search()).not.toContain(7002)
    await items.revert()
    expect((await search())[0]).toBe(7002)
    await items
      .delete()
      .where((c: any) => c.id.gt(7000))
      .run()
    expect((await items.measureRecall('v' as never)).recall).toBeGreaterThan(0.95)
  })
})

test('what the method is can change without its vectors being made again', async () => {
  const pxt = await Pixeltable.open(':memory:')
  let embedded = 0
  const embed = {
    name: 'approximate_toy',
    version: 1,
    embed: async (texts: readonly (string | Uint8Array)[]) => {
      embedded += texts.length
      return texts.map((text) => [String(text).length, 1])
    },
  }
  const declared = (options: object) => ({
    notes: table('notes', { text: t.string() }).embeddingIndex('text', { embed, name: 'i', ...options }),
  })
  const { notes } = await pxt.sync(declared({}))
  await notes.insert([{ text: 'a' }, { text: 'bb' }])
  const method = async () => {
    const [index] = (await pxt.indexes()) as any[]
    return { method: index.method, ...index.parameters }
  }
  expect(await method()).toEqual({ method: 'flat' })
  const plan = await pxt.sync(declared({ method: 'ivfflat', nprobe: 7 }), { dryRun: true })
  expect(String(plan)).toContain("search index 'i' of 'notes' by ivfflat (nprobe 7), was flat")
  await pxt.sync(declared({ method: 'ivfflat', nprobe: 7 }))
  expect(await method()).toEqual({ method: 'ivfflat', nprobe: 7 })
  expect(String(await pxt.sync(declared({ method: 'ivfflat', nprobe: 7 }), { dryRun: true }))).toContain(
    'nothing to do',
  )
  await notes.addEmbeddingIndex('text', { embed, name: 'i', ifExists: 'replace', method: 'hnsw', ef: 100 })
  expect(await method()).toEqual({ method: 'hnsw', m: 16, efConstruction: 128, ef: 100 })
  await pxt.sync(declared({}))
  expect(await method()).toEqual({ method: 'flat' })
  expect(embedded).toBe(2)
  const wrong = (options: object) => notes.addEmbeddingIndex('text', { embed, name: 'j', ...options })
  await expect(wrong({ method: 'tree' })).rejects.toThrow(/method: expected one of flat, ivfflat, hnsw, rabitq/)
  await expect(wrong({ lists: 4 })).rejects.toThrow(/lists: method 'flat' has no such option/)
  await expect(wrong({ method: 'ivfflat', nprobe: 0 })).rejects.toThrow(/nprobe: expected a whole number from 1/)
  await expect(notes.measureRecall({ index: 'j' })).rejects.toThrow(/no embedding index 'j'/)
  await expect(notes.measureRecall('text', { k: 0 })).rejects.toThrow(/k: expected a whole number/)
  expect((await notes.measureRecall('text', { k: 1 })).recall).toBe(1)
  pxt.close()
})
