import { beforeEach, expect, test } from 'vitest'
import { Pixeltable, type Table, t } from '../../src/index.js'
import { internals } from '../../src/query/query.js'
import { naiveSearch, normalVectors, randomNumbers } from '../search/matrix/oracle.js'

const dimensions = 96

/** Vectors around some centres, as those of texts are. */
function clustered(count: number, seed: number): Float32Array[] {
  const centres = normalVectors(300, dimensions, 1)
  const noise = normalVectors(count, dimensions, seed)
  const random = randomNumbers(seed)
  return Array.from({ length: count }, (_, i) => {
    const centre = Math.floor(random() * 300) * dimensions
    return Float32Array.from({ length: dimensions }, (_, j) => centres[centre + j]! + noise[i * dimensions + j]!)
  })
}

const vectors = clustered(12_000, 2)
const queries = clustered(30, 3)

type Items = Table<any, any, any, any, any>

let pxt: Pixeltable
let items: Items
let rows: Map<number, Float32Array>

beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
  items = (await pxt.createTable('items', { id: t.int(), n: t.int(), v: t.vector(dimensions) })) as never
  rows = new Map()
  return () => pxt.close()
})

async function insert(from: number, to: number): Promise<void> {
  const added = vectors.slice(from, to).map((v, i) => ({ id: from + i + 1, n: (from + i) % 100, v }))
  await items.insert(added)
  for (const { id, v } of added) rows.set(id, v)
}

const bestOf = (query: Float32Array, k: number, filter?: ReadonlySet<number>): number[] =>
  naiveSearch(rows, 'cosine', query, filter)
    .slice(0, k)
    .map(({ rowid }) => rowid)

const found = async (query: Float32Array, build = (q: any) => q.limit(10)): Promise<number[]> =>
  (
    await build(items.similarity('v', { vector: query }))
      .select('id')
      .collect()
  ).map(({ id }: { id: number }) => id)

/** How many of the ten best of all queries are found. */
async function recall(): Promise<number> {
  let hits = 0
  for (const query of queries) {
    const best = bestOf(query, 10)
    hits += (await found(query)).filter((id) => best.includes(id)).length
  }
  return hits / queries.length / 10
}

/** What the index has in memory, when all of it is there. */
async function resident() {
  await items.measureRecall('v' as never, { sample: 1 })
  const { session } = items[internals]
  const owner = session.lastCatalog.named('items')!
  return session.residentVectors.of(owner, owner.indexes[0]!)!
}

test('finds nearly all of the best in a fraction of the memory, and whatever changes', async () => {
  await insert(0, 8000)
  await items.addEmbeddingIndex('v', { name: 'i' })
  const flat = await resident()
  expect([flat.form, await recall()]).toEqual(['int8', 1])

  await items.addEmbeddingIndex('v', { name: 'i', method: 'rabitq', ifExists: 'replace' })
  const bits = await resident()
  expect(bits.form).toBe('bit')
  expect(bits.bytes).toBeLessThan(flat.bytes / 2)
  expect((await pxt.indexes('items'))[0]).toMatchObject({
    method: 'rabitq',
    exact: false,
    memoryBytes: bits.bytes,
  })
  expect(await recall()).toBeGreaterThan(0.95)
  expect((await items.measureRecall('v' as never)).recall).toBeGreaterThan(0.95)

  await insert(8000, 12_000)
  await items
    .delete()
    .where((c: any) => c.n.lt(20))
    .run()
  for (const id of [...rows.keys()]) if ((id - 1) % 100 < 20) rows.delete(id)
  await items.update({ v: queries[0] }).where({ id: 777 }).run()
  rows.set(777, queries[0]!)
  expect((await found(queries[0]!))[0]).toBe(777)
  expect(await recall()).toBeGreaterThan(0.95)

  // Scores are those of the vectors that are stored.
  const exact = new Map(naiveSearch(rows, 'cosine', queries[1]!).map(({ rowid, score }) => [rowid, score]))
  const scored = await items.similarity('v', { vector: queries[1]! }).limit(10).select('id', 'score').collect()
  for (const { id, score } of scored as any[]) expect(score).toBeCloseTo(exact.get(id)!, 12)
  await items.addEmbeddingIndex('v', { name: 'i', ifExists: 'replace' })
  expect([(await resident()).form, await recall()]).toEqual(['int8', 1])
})

test('few rows are compared exactly until there are more; a filter never leaves a search short', async () => {
  await insert(0, 1000)
  await items.addEmbeddingIndex('v', { method: 'rabitq' })
  expect([(await resident()).form, await recall()]).toEqual(['float32', 1])
  // Four times as many as the method is for.
  await insert(1000, 6000)
  expect((await resident()).form).toBe('float32')
  await items.insert(Array.from({ length: 15_000 }, (_, i) => ({ id: 20_000 + i, n: 1000, v: vectors[i % 10]! })))
  await found(queries[0]!)
  expect((await resident()).form).toBe('bit')
  const few = new Set([...rows.keys()].filter((id) => (id - 1) % 100 === 7))
  let hits = 0
  for (const query of queries) {
    const best = bestOf(query, 10, few)
    const among = await found(query, (q) => q.where({ n: 7 }).limit(10))
    expect(among.length).toBe(10)
    hits += among.filter((id) => best.includes(id)).length
  }
  expect(hits).toBeGreaterThan(0.95 * 10 * queries.length)
})

test('a model of memory that is too large leaves searches exact', async () => {
  pxt.close()
  pxt = await Pixeltable.open(':memory:', { memoryLimit: 100_000 })
  items = (await pxt.createTable('items', { id: t.int(), n: t.int(), v: t.vector(dimensions) })) as never
  await insert(0, 6000)
  await items.addEmbeddingIndex('v', { method: 'rabitq' })
  expect([await recall(), (await pxt.indexes('items'))[0]]).toMatchObject([1, { memoryBytes: 0, exact: true }])
})

test('options of another method are errors', async () => {
  await expect(items.addEmbeddingIndex('v', { method: 'rabitq', ef: 3 })).rejects.toThrow(
    "ef: method 'rabitq' has no such option",
  )
})
