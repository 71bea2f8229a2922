import { setImmediate } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { Pixeltable, t, table, type VectorPrecision } from '../../src/index.js'
import { internals } from '../../src/query/query.js'
import { decodeStored, encodeVector, rounded } from '../../src/types/vector-precision.js'
import { naiveSearch, normalVectors } from '../search/matrix/oracle.js'

const dimensions = 37
const numbers = normalVectors(300, dimensions, 9)
const vectorOf = (id: number): Float32Array => numbers.slice(id * dimensions, (id + 1) * dimensions)
const embed = {
  name: 'precision_toy',
  version: 1,
  embed: async (texts: readonly (string | Uint8Array)[]) => texts.map((text) => vectorOf(Number(text))),
}
const precisions: readonly VectorPrecision[] = ['float32', 'float16', 'int8', 'bit']

describe('stored vectors', () => {
  test('float16 keeps every half, and takes the closest for what is between', () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      if (((bits >> 10) & 31) === 31) continue
      const half = decodeStored(new Uint8Array(Uint16Array.of(bits).buffer), 'float16')
      expect(new Uint16Array(encodeVector(half, 'float16').buffer)[0]).toBe(bits)
    }
    const back = (x: number) => rounded(Float32Array.of(x), 'float16')[0]
    expect([1.0004, 1.0005, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 2047.4 / 2048].map(back)).toEqual([
      1,
      1 + 2 ** -10,
      1,
      1 + 2 ** -9,
      1 - 2 ** -11,
    ])
    expect([1e6, -1e6, 65_519, 2 ** -25, 1e-30].map(back)).toEqual([65_504, -65_504, 65_504, 0, 0])
  })

  test('lose no more than is said, and take less', () => {
    const bytes = precisions.map((precision) => encodeVector(vectorOf(0), precision).length)
    expect(bytes).toEqual([4 * dimensions, 2 * dimensions, dimensions + 4, Math.ceil(dimensions / 8)])
    for (let id = 0; id < 300; id++) {
      const vector = vectorOf(id)
      const largest = Math.max(...vector.map(Math.abs))
      rounded(vector, 'float16').forEach((x, i) => {
        expect(Math.abs(x - vector[i]!)).toBeLessThanOrEqual(Math.abs(vector[i]!) / 2048)
      })
      rounded(vector, 'int8').forEach((x, i) => {
        expect(Math.abs(x - vector[i]!)).toBeLessThanOrEqual((largest / 254) * 1.0001)
      })
      expect([...rounded(vector, 'bit')]).toEqual([...vector.map((x) => (x > 0 ? 1 : -1))])
    }
    expect([...rounded(new Float32Array(3), 'int8')]).toEqual([0, 0, 0])
  })
})

describe.each(precisions)('an index of %s', (precision) => {
  test('ranks by what it stores, in the file and in memory, now and earlier', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const plain = await pxt.createTable('notes', { id: t.int(), text: t.string() })
    const notes = await plain.addEmbeddingIndex('text', { embed, precision, name: 'i' })
    await notes.insert(Array.from({ length: 200 }, (_, i) => ({ id: i + 1, text: String(i) })))
    const state = new Map(Array.from({ length: 200 }, (_, i) => [i + 1, vectorOf(i)]))
    const spy = vi.spyOn(notes[internals].session.residentVectors, 'search')
    const wasInMemory = () => spy.mock.results.at(-1)!.value !== undefined
    const check = async (inMemory: boolean, asOf?: number) => {
      const kept = new Map([...state].map(([id, vector]) => [id, rounded(vector, precision)]))
      const source = asOf === undefined ? notes : notes.asOf(asOf)
      const found = await source
        .similarity('text', { vector: [...vectorOf(299)] })
        .limit(50)
        .select('id', 'score')
        .collect()
      const exact = naiveSearch(kept, 'cosine', vectorOf(299))
      const scores = new Map(exact.map(({ rowid, score }) => [rowid, score]))
      found.forEach(({ id, score }, i) => {
        expect(score).toBeCloseTo(exact[i]!.score, 5)
        expect(score).toBeCloseTo(scores.get(id)!, 5)
      })
      if (inMemory) expect(found.map(({ id }) => id)).toEqual(exact.slice(0, 50).map(({ rowid }) => rowid))
      if (asOf === undefined) expect(wasInMemory()).toBe(inMemory)
    }
    await check(false)
    for (let i = 0; i < 50; i++) await setImmediate()
    await check(true)
    const version = (await notes.history())[0]!.version
    await notes.update({ text: '250' }).where({ id: 7 }).run()
    await notes.insert([{ id: 201, text: '251' }])
    await check(false, version)
    state.set(7, vectorOf(250)).set(201, vectorOf(251))
    await check(true)
    pxt.releaseMemory()
    await check(false)
    const [index] = await pxt.indexes('notes')
    expect(index).toMatchObject({ precision, dimensions })
    pxt.close()
  })
})

test('less precision takes less of the file', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const plain = await pxt.createTable('notes', { text: t.string() })
  await plain.insert(Array.from({ length: 300 }, (_, i) => ({ text: String(i) })))
  for (const precision of precisions) await plain.addEmbeddingIndex('text', { embed, precision, name: precision })
  const bytes = (await pxt.indexes('notes')).map((index) => index.bytes!)
  for (let i = 1; i < 4; i++) expect(bytes[i]!).toBeLessThan(bytes[i - 1]!)
  pxt.close()
})

test('sync replaces an index of another precision; what cannot be is an error', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const declared = (precision?: VectorPrecision) => ({
    notes: table('notes', { text: t.string() }).embeddingIndex('text', precision ? { embed, precision } : { embed }),
  })
  const { notes } = await pxt.sync(declared())
  await notes.insert([{ text: '1' }, { text: '2' }])
  const plan = await pxt.sync(declared('int8'))
  expect(plan).toBeDefined()
  expect((await pxt.indexes('notes'))[0]).toMatchObject({ precision: 'int8', coverage: { done: 2 } })
  expect(String(await pxt.sync(declared('int8'), { dryRun: true }))).toContain('nothing to do')
  await expect(
    notes.addEmbeddingIndex('text', { embed, name: 'j', precision: 'bit', metric: 'euclidean' }),
  ).rejects.toThrow(/'bit' keeps directions alone/)
  await expect(notes.addEmbeddingIndex('text', { embed, name: 'j', precision: 'half' as never })).rejects.toThrow(
    /precision: expected one of float32, float16, int8, bit/,
  )
  const vectors = await pxt.createTable('vectors', { v: t.vector(2) })
  await expect(vectors.addEmbeddingIndex('v', { precision: 'int8' })).rejects.toThrow(/holds its vectors as float32/)
  pxt.close()
})
