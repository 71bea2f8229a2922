import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type MultiEmbedder, Pixeltable, t, table, type VectorPrecision } from '../../../src/index.js'
import { internals } from '../../../src/query/query.js'
import { maxSim } from '../../../src/types/max-sim.js'
import { encodeVector, rounded } from '../../../src/types/vector-precision.js'
import { random } from './clustered.js'

// No multiple of eight: bits of vectors end within a byte.
const dimensions = 11
const { normal, below } = random(3)
const made = Array.from({ length: 400 }, () =>
  Float32Array.from({ length: dimensions * (1 + below(5)) }, () => normal() * 10 ** below(3)),
)
const matrix = (values: Float32Array) => ({ shape: [values.length / dimensions, dimensions], data: values })

/** A text is the number of vectors that are made beforehand; those of another model are far from them. */
const model = (name: string, version: number, shift = 0): MultiEmbedder & { asked: number } => ({
  name,
  version,
  multi: true,
  asked: 0,
  async embed(texts) {
    this.asked += texts.length
    return texts.map((text) => matrix(made[(Number(text) + shift) % made.length]!))
  },
})

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
  return () => pxt.close()
})

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ n: from + i }))
const rowsOf = (from: number, to: number) => numbers(from, to).map(({ n }) => ({ n, text: String(n) }))

async function notesOf(count: number, options: object = {}, name = 'notes') {
  const plain = await pxt.createTable(name, { n: t.int(), text: t.string() })
  const notes = await plain.addMultiVectorIndex('text', { embed: model('made', 1), ...options })
  await notes.insert(rowsOf(0, count))
  return notes
}

const precisions: readonly VectorPrecision[] = ['float32', 'float16', 'int8', 'bit']

describe.each(precisions)('vectors of %s', (precision) => {
  test('take less, each by itself, and come back as one of its kind would', () => {
    const bytes = { float32: 4 * dimensions, float16: 2 * dimensions, int8: dimensions + 4, bit: 2 }[precision]
    for (const values of made.slice(0, 50)) {
      const tokens = values.length / dimensions
      expect(encodeVector(values, precision, dimensions).length).toBe(tokens * bytes)
      const back = rounded(values, precision, dimensions)
      for (let i = 0; i < values.length; i += dimensions) {
        expect(back.slice(i, i + dimensions)).toEqual(rounded(values.slice(i, i + dimensions), precision))
      }
    }
  })

  test('are ranked by what is stored, in memory and in the file, now and earlier', async () => {
    const notes = await notesOf(200, { precision })
    const query = made[399]!
    const state = new Map(Array.from({ length: 200 }, (_, i) => [i, i]))
    const check = async (asOf?: number) => {
      const score = maxSim(query, dimensions, 'cosine')
      const expected = [...state]
        .map(([n, at]) => ({ n, score: score(rounded(made[at]!, precision, dimensions)) }))
        .toSorted((a, b) => b.score - a.score || a.n - b.n)
      const source = asOf === undefined ? notes : notes.asOf(asOf)
      const search = source.maxSim('text', { vectors: matrix(query) }, { candidates: Infinity }).select('n', 'score')
      // The first is in memory; a query for all, and one of an earlier version, is the database's.
      for (const found of [await search.limit(20).collect(), await search.collect()]) {
        expect(found).toEqual(expected.slice(0, found.length))
      }
    }
    const search = vi.spyOn(notes[internals].session.residentVectors, 'search')
    await check()
    expect(search.mock.results[0]!.value).toMatchObject({ rowids: expect.any(Array) })
    const version = (await notes.history())[0]!.version
    await notes.update({ text: '300' }).where({ n: 7 }).run()
    await notes.insert([{ n: 200, text: '301' }])
    await check(version)
    state.set(7, 300).set(200, 301)
    await check()
    expect((await pxt.indexes('notes'))[0]).toMatchObject({ precision, dimensions, method: 'maxsim' })
  })
})

test('less precision takes less of the file', async () => {
  const plain = await pxt.createTable('notes', { text: t.string() })
  await plain.insert(rowsOf(0, 300).map(({ text }) => ({ text })))
  const embed = model('made', 1)
  for (const precision of precisions) await plain.addMultiVectorIndex('text', { embed, precision, name: precision })
  const bytes = (await pxt.indexes('notes')).map((index) => index.bytes!)
  for (let i = 1; i < 4; i++) expect(bytes[i]!).toBeLessThan(bytes[i - 1]!)
})

test('another model makes its vectors beside the old ones, and takes their place in one commit', async () => {
  const notes = await notesOf(60, { name: 'i' })
  const best = async () => {
    const [hit] = await notes.maxSim('text', '17').limit(1).select('n').collect()
    return hit!.n
  }
  expect(await best()).toBe(17)
  const fresh = model('fresh', 2, 100)
  await notes.addMultiVectorIndex('text', { embed: fresh, name: 'i', ifExists: 'replace', compute: 'deferred' })
  const indexOf = async () => (await pxt.indexes('notes'))[0]
  expect(await indexOf()).toMatchObject({
    embedder: 'made@1',
    status: 'pending',
    successor: { embedder: 'fresh@2', coverage: { pending: 60 } },
  })
  expect([await best(), fresh.asked]).toEqual([17, 0])
  await notes.insert(rowsOf(60, 61))
  await pxt.drain()
  expect(await indexOf()).toMatchObject({ name: 'i', embedder: 'fresh@2', status: 'ready', method: 'maxsim' })
  expect(await best()).toBe(17)
  expect(fresh.asked).toBe(62)
  // By the model that made the vectors, also where the program has another version.
  model('fresh', 3)
  expect(await best()).toBe(17)
})

test('memory is limited and can be let go; the database answers without', async () => {
  const limited = await Pixeltable.open(':memory:', { memoryLimit: 1 })
  const table = await limited.createTable('pages', { n: t.int(), patches: t.multiVector(dimensions) })
  const pages = await table.addMultiVectorIndex('patches')
  await pages.insert(numbers(0, 100).map(({ n }) => ({ n, patches: matrix(made[n]!) })))
  const search = pages
    .maxSim('patches', { vectors: matrix(made[5]!) })
    .limit(3)
    .select('n')
  expect((await search.first())!.n).toBe(5)
  expect((await limited.indexes('pages'))[0]).toMatchObject({ memoryBytes: 0, bytes: 0, exact: true })
  expect((await search.explain())[0]).toContain('in SQL')
  limited.close()

  const notes = await notesOf(100)
  const found = notes.maxSim('text', '5').limit(3).select('n')
  expect((await found.first())!.n).toBe(5)
  const [index] = await pxt.indexes('notes')
  expect(index).toMatchObject({
    type: 'vector',
    status: 'ready',
    method: 'maxsim',
    exact: false,
    coverage: { done: 100 },
  })
  expect(index!.memoryBytes).toBeGreaterThan(0)
  pxt.releaseMemory()
  expect((await pxt.indexes('notes'))[0]).toMatchObject({ memoryBytes: 0, exact: true })
  expect((await found.first())!.n).toBe(5)
})

test('a view is searched by the index of its base, the best first', async () => {
  const notes = await notesOf(100)
  const even = await pxt.createView(
    'even',
    notes.where((c) => c.n.mod(2).eq(0)),
  )
  // The index is the base's, of which the view's type does not tell.
  const view = even as unknown as typeof notes
  const all = await notes
    .maxSim('text', '8', { candidates: Infinity })
    .where((c) => c.n.mod(2).eq(0))
    .select('n')
    .collect()
  const found = view.maxSim('text', '8', { candidates: Infinity }).select('n')
  expect(await found.limit(5).collect()).toEqual(all.slice(0, 5))
  expect(await found.limit(5).offset(3).collect()).toEqual(all.slice(3, 8))
  expect((await found.limit(5).explain())[0]).toContain('in memory (codes)')
})

test('a stream of the best rows is ranked in memory; one of all rows is put aside by the database', async () => {
  const notes = await notesOf(50)
  const search = notes.maxSim('text', '8').select('n')
  const hold = vi.spyOn(notes[internals].session.engine, 'hold')
  for (const [query, held] of [
    [search.limit(7).offset(2), 0],
    [search, 1],
  ] as const) {
    const streamed: { n: number }[] = []
    for await (const row of query.stream()) streamed.push(row)
    expect(streamed).toEqual(await query.collect())
    expect(hold.mock.calls.length).toBe(held)
  }
})

test('sync replaces an index of another precision or model, and leaves those of the other kind', async () => {
  const declared = (precision: VectorPrecision, embed = model('made', 1)) => ({
    notes: table('notes', { n: t.int(), text: t.string() })
      .multiVectorIndex('text', { embed, precision })
      .textIndex('text'),
  })
  const { notes } = await pxt.sync(declared('float32'))
  await notes.insert(rowsOf(0, 20))
  expect(String(await pxt.sync(declared('int8'), { dryRun: true }))).toContain('MaxSim, cosine on text by made, int8')
  const synced = await pxt.sync(declared('int8'))
  expect(await pxt.indexes('notes')).toMatchObject([{ method: 'maxsim', precision: 'int8' }, { type: 'text' }])
  expect(String(await pxt.sync(declared('int8'), { dryRun: true }))).toContain('nothing to do')
  expect((await synced.notes.maxSim('text', '3').limit(1).first())!.n).toBe(3)
  const newer = declared('int8', model('made', 2))
  await pxt.sync(newer, { recompute: true })
  expect((await pxt.indexes('notes'))[0]).toMatchObject({ embedder: 'made@2', method: 'maxsim', precision: 'int8' })
  const both = {
    notes: newer.notes.embeddingIndex('text', {
      embed: { name: 'single', version: 1, embed: async (texts: readonly unknown[]) => texts.map(() => [1, 2]) },
    }),
  }
  await pxt.sync(both)
  expect((await pxt.indexes('notes')).map(({ name, method }) => [name, method])).toEqual([
    ['text_made', 'maxsim'],
    ['text_single', 'flat'],
    ['text_text', 'bm25'],
  ])
  expect(String(await pxt.sync(both, { dryRun: true }))).toContain('nothing to do')
})

test('options and columns that make no sense are errors at the call', async () => {
  const notes = await notesOf(3)
  const embed = model('made', 1)
  // @ts-expect-error: a method finds single vectors
  await expect(notes.addMultiVectorIndex('text', { embed, method: 'hnsw' })).rejects.toThrow(
    "addMultiVectorIndex('text'): method: a multi-vector index has no such option",
  )
  // @ts-expect-error: so does the number of lists
  await expect(notes.addMultiVectorIndex('text', { embed, lists: 4 })).rejects.toThrow('lists: a multi-vector index')
  const declared = table('notes', { text: t.string() })
  // @ts-expect-error: in declarations too
  expect(() => declared.multiVectorIndex('text', { embed, method: 'ivfflat' })).toThrow(
    "multiVectorIndex('text'): method: a multi-vector index has no such option",
  )
  const bits = { embed, name: 'bits', precision: 'bit', metric: 'inner_product' } as const
  await expect(notes.addMultiVectorIndex('text', bits)).rejects.toThrow("'bit' keeps directions alone")
  const pages = await pxt.createTable('pages', { patches: t.multiVector(2), v: t.vector(2) })
  await expect(pages.addMultiVectorIndex('patches', { precision: 'int8' })).rejects.toThrow(
    'a multi-vector column holds its vectors as float32',
  )
  // @ts-expect-error: one vector a row
  await expect(pages.addMultiVectorIndex('v')).rejects.toThrow("has one vector: call addEmbeddingIndex('v')")
  // @ts-expect-error: several vectors a row
  await expect(pages.addEmbeddingIndex('patches', { method: 'hnsw' })).rejects.toThrow(
    "has several vectors: call addMultiVectorIndex('patches')",
  )
  await expect(notes.measureRecall({ index: 'text_made' })).rejects.toThrow('has several vectors a row')
  // An index of the other kind is none of this name, and is not replaced.
  const single = { name: 'single', version: 1, embed: async (texts: readonly unknown[]) => texts.map(() => [1, 2]) }
  for (const ifExists of ['error', 'ignore', 'replace'] as const) {
    await expect(notes.addEmbeddingIndex('text', { embed: single, name: 'text_made', ifExists })).rejects.toThrow(
      "has an index 'text_made' already",
    )
  }
  await expect(notes.dropEmbeddingIndex({ name: 'text_made' })).rejects.toThrow("has no index 'text_made'")
})
