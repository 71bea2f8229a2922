import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { documentSplitter, Pixeltable, t, udf } from '../../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'pixeltable-stale-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const calls: string[] = []
const mark = (version: number, cache = false) =>
  udf({ name: 'stale_mark', version, cache }, (text: string) => {
    calls.push(`${version} ${text}`)
    return text + version
  })
const length = udf({ name: 'stale_length' }, (text: string) => {
  calls.push(`length ${text}`)
  return text.length
})
const embedder = (version: number) => ({
  name: 'stale_embed',
  version,
  embed: async (texts: readonly unknown[]) => texts.map(() => [1, version]),
})

test('a new version of a function makes its columns stale, until they are computed again', async () => {
  const path = join(folder, 'stale.db')
  const first = await Pixeltable.open(path)
  const notes = await first.createTable('notes', { text: t.string() })
  const one = await notes.addComputedColumn('mark', (c) => mark(1)(c.text))
  const two = await one.addComputedColumn('length', (c) => length(c.mark))
  const view = await first.createView('long', two)
  const three = await view.addComputedColumn('again', (c) => mark(1)(c.text.upper()))
  await three.addEmbeddingIndex('text', { embed: embedder(1), name: 'by_text' })
  await two.insert([{ text: 'a' }, { text: 'b' }])
  expect(await two.staleColumns()).toEqual([])
  first.close()

  const second = await Pixeltable.open(path, { functions: [mark(12), length, embedder(2)] })
  const table = await second.getTable('notes')
  const long = await second.getTable('long')
  expect(await table.staleColumns()).toEqual([
    { table: 'notes', part: 'column', name: 'mark', function: 'stale_mark', storedVersion: 1, currentVersion: 12 },
  ])
  expect(await long.staleColumns()).toEqual([
    { table: 'long', part: 'column', name: 'again', function: 'stale_mark', storedVersion: 1, currentVersion: 12 },
    { table: 'long', part: 'index', name: 'by_text', function: 'stale_embed', storedVersion: 1, currentVersion: 2 },
  ])
  // Nothing is computed by itself; new rows are by what there is.
  calls.length = 0
  await table.insert([{ text: 'c' }])
  expect(calls.toSorted()).toEqual(['12 C', '12 c', 'length c12'])
  expect((await table.collect()).map((row) => row.mark)).toEqual(['a1', 'b1', 'c12'])
  expect(await table.staleColumns()).toHaveLength(1)
  // A part is not all.
  await table.recompute('mark', { where: (c: any) => c.text.eq('a') })
  expect(await table.staleColumns()).toHaveLength(1)
  calls.length = 0
  await table.recompute('mark')
  expect(calls).toEqual(['12 a', '12 b', '12 c', 'length b12'])
  expect(await table.staleColumns()).toEqual([])
  expect(await long.staleColumns()).toHaveLength(2)
  await long.recompute('again')
  await long.addEmbeddingIndex('text' as never, { embed: embedder(2), name: 'by_text', ifExists: 'replace' })
  expect(await long.staleColumns()).toEqual([])
  second.close()

  const third = await Pixeltable.open(path, { functions: [mark(12), length, embedder(2)] })
  expect(await (await third.getTable('notes')).staleColumns()).toEqual([])
  expect(String((await third.getTable('notes')).describe())).toContain('stale_mark(text)')
  third.close()
})

test('a view by its iterator', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const docs = await pxt.createTable('docs', { document: t.document() })
  const view = await pxt.createView('chunks', docs, {
    iterator: documentSplitter((c) => c.document, { separators: ['sentence'] }),
  })
  expect(await view.staleColumns()).toEqual([])
  pxt.close()
})

test('recompute does not take what the cache has', async () => {
  const pxt = await Pixeltable.open(':memory:')
  let now = 1
  const clock = udf({ name: 'stale_clock', cache: true }, (text: string) => text + now)
  const notes = await pxt.createTable('notes', { text: t.string() })
  const one = await notes.addComputedColumn('clock', (c) => clock(c.text))
  await one.insert([{ text: 'a' }])
  now = 2
  await one.insert([{ text: 'a' }])
  expect((await one.collect()).map((row) => row.clock)).toEqual(['a1', 'a1'])
  await one.recompute('clock')
  now = 3
  await one.insert([{ text: 'a' }])
  expect((await one.collect()).map((row) => row.clock)).toEqual(['a2', 'a2', 'a2'])
  pxt.close()
})
