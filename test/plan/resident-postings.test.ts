import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { Pixeltable, t } from '../../src/index.js'
import { internals } from '../../src/query/query.js'
import { randomNumbers } from '../search/matrix/oracle.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'postings-'))
afterAll(() => rmSync(folder, { recursive: true }))

const random = randomNumbers(1)
/** Texts of few common and many rare words. */
const textOf = () => Array.from({ length: 12 }, () => `w${Math.floor(200 ** random())}`).join(' ')
const rowsOf = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ n: from + i, title: `w${i % 7}`, text: textOf() }))
const questions = ['w1 w2 w30', 'w1', '+w2 w5 -w3', '"w1 w2" w9', 'w1*', '+w1 +w2', 'nothing w77', '']

async function docsOf(pxt: Pixeltable, count = 300) {
  const plain = await pxt.createTable('docs', { n: t.int(), title: t.string(), text: t.string() })
  const docs = await plain.addTextIndex({ title: 2, text: 1 })
  await docs.insert(rowsOf(0, count))
  return docs
}

type Docs = Awaited<ReturnType<typeof docsOf>>

const search = (docs: Docs, asked: string, build = (q: any) => q) =>
  build(docs.match(['title', 'text'], asked)).select('n', 'score')

/** How often searches were made in memory, while `work` was done. */
async function inMemory(docs: Docs, work: () => Promise<unknown>): Promise<number> {
  const spy = vi.spyOn(docs[internals].session.residentPostings, 'search')
  await work()
  const count = spy.mock.results.filter(({ value }) => value !== undefined).length
  spy.mockRestore()
  return count
}

/** Compares what is found in memory with what the database finds. */
async function expectSame(docs: Docs, build = (q: any) => q): Promise<void> {
  // Without a limit it is the database's.
  const all: unknown[][] = []
  for (const asked of questions) all.push(await search(docs, asked, build).collect())
  const found: unknown[][] = []
  const used = await inMemory(docs, async () => {
    await search(docs, 'w1', build).limit(1).collect()
    for (const [i, asked] of questions.entries()) {
      found.push(await search(docs, asked, build).limit(7).offset(i).collect())
    }
  })
  expect(used).toBeGreaterThanOrEqual(questions.length)
  expect(found).toEqual(all.map((rows, i) => rows.slice(i, i + 7)))
}

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
  return () => pxt.close()
})

test('searches in memory find what the database finds, after every change', async () => {
  const docs = await docsOf(pxt)
  await expectSame(docs)
  await expectSame(docs, (q) => q.where((c: any) => c.n.mod(3).eq(0)))
  await docs.insert(rowsOf(300, 320))
  await expectSame(docs)
  await docs.update({ text: 'w1 w2 w30' }).where({ n: 5 }).run()
  await expectSame(docs)
  // As many rows and words as before.
  await docs.update({ text: 'w1 w2 w31' }).where({ n: 5 }).run()
  await expectSame(docs)
  await docs
    .delete()
    .where((c) => c.n.lt(50))
    .run()
  await expectSame(docs)
  await docs.revert()
  await expectSame(docs)
  await pxt.vacuum({ keepVersions: 1 })
  await expectSame(docs)
})

test('the first search after a change is the database’s', async () => {
  const docs = await docsOf(pxt)
  const once = () => search(docs, 'w1 w2').limit(5).collect()
  expect(await inMemory(docs, once)).toBe(0)
  expect(await inMemory(docs, once)).toBe(1)
  const other = await pxt.createTable('log', { asked: t.string() })
  await other.insert({ asked: 'w1 w2' })
  expect(await inMemory(docs, once)).toBe(1)
  await docs.insert(rowsOf(300, 301))
  expect(await inMemory(docs, once)).toBe(0)
  expect(await inMemory(docs, once)).toBe(1)
  await pxt.transaction(async () => {
    await docs.insert(rowsOf(301, 302))
    expect(await inMemory(docs, async () => [await once(), await once()])).toBe(0)
  })
})

test('a view is searched by the index of its base', async () => {
  const docs = await docsOf(pxt)
  const even = (await pxt.createView(
    'even',
    docs.where((c) => c.n.mod(2).eq(0)),
  )) as unknown as Docs
  await expectSame(even)
  await expectSame(even, (q) => q.where((c: any) => c.n.lt(100)))
})

test('what another process commits is seen', async () => {
  const path = join(folder, 'shared.db')
  const mine = await Pixeltable.open(path)
  const docs = await docsOf(mine)
  await expectSame(docs)
  const program = `
    import { Pixeltable } from 'pixeltable'
    const pxt = await Pixeltable.open(${JSON.stringify(path)})
    const docs = await pxt.getTable('docs')
    await docs.update({ text: 'w30 w30 w30' }).where({ n: 200 }).run()
    pxt.close()`
  execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root })
  const [best] = await docs.match('text', 'w30').limit(1).collect()
  expect(best!.n).toBe(200)
  await expectSame(docs)
  mine.close()
})

test('takes no more than its part of the limit, and goes when it is told to', async () => {
  const docs = await docsOf(pxt)
  await expectSame(docs)
  const [index] = await pxt.indexes('docs')
  expect(index!.memoryBytes).toBeGreaterThan(16 * 300)
  pxt.releaseMemory()
  expect((await pxt.indexes('docs'))[0]!.memoryBytes).toBe(0)
  expect(await inMemory(docs, () => search(docs, 'w1').limit(1).collect())).toBe(0)

  const small = await Pixeltable.open(':memory:', { memoryLimit: 8 * 2000 })
  const few = await docsOf(small)
  const once = (asked: string) => search(few, asked).limit(5).collect()
  for (const asked of questions) await once(asked)
  expect((await small.indexes('docs'))[0]!.memoryBytes).toBeLessThanOrEqual(2000)
  // The list of a common word has no room.
  expect(await inMemory(few, async () => [await once('w1'), await once('w1'), await once('w1')])).toBe(0)
  expect(await once('w1 w2')).toEqual((await search(few, 'w1 w2').collect()).slice(0, 5))
  small.close()
})
