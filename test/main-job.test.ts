import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { documentSplitter, miniEmbed, Pixeltable, query, t, udf } from '../src/index.js'

const markdown = (text: string): Blob => new Blob([text], { type: 'text/markdown' })

const tea = markdown(
  '# Tea\n\nSteep green tea for three minutes. The water must not boil.\n\n# Price\n\nThe stock rose.',
)
const bikes = markdown('# Bicycles\n\nChange the tyre with two levers. Pump it up to four bar.')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pixeltable-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

let calls: string[] = []
const classify = udf({ name: 'test_classify', version: 1 }, (text: string) => {
  calls.push(text)
  return text.includes('stock') ? 'financial' : 'other'
})

async function build(path: string) {
  const pxt = await Pixeltable.open(path)
  await pxt.createDir('app')
  const docs = await pxt.createTable('app.docs', {
    document: t.document(),
    title: t.string(),
    metadata: t.json<{ kind: string }>(),
  })
  await docs.insert([{ document: tea, title: 'Tea', metadata: { kind: 'drink' } }])
  const view = await pxt.createView('app.chunks', docs, {
    iterator: documentSplitter((c) => c.document, {
      separators: ['heading', 'sentence', 'token_limit'],
      limit: 40,
      metadata: ['heading'],
    }),
  })
  const tagged = await view.addComputedColumn('topic', (c) => classify(c.text))
  const chunks = await tagged.addEmbeddingIndex('text', { embed: miniEmbed() })
  return { pxt, docs, chunks }
}

describe('documents in, answers out', () => {
  test('a document becomes chunks, topics, vectors and ranked answers', async () => {
    const { pxt, docs, chunks } = await build(':memory:')
    await docs.insert([{ document: bikes, title: 'Bikes', metadata: { kind: 'transport' } }])
    expect(await chunks.select('pos', 'topic', 'heading', 'title').collect()).toEqual([
      { pos: 0, topic: 'other', heading: { h1: 'Tea' }, title: 'Tea' },
      { pos: 1, topic: 'financial', heading: { h1: 'Price' }, title: 'Tea' },
      { pos: 0, topic: 'other', heading: { h1: 'Bicycles' }, title: 'Bikes' },
    ])
    const hits = await chunks
      .similarity('text', 'how do I repair a flat bicycle wheel?')
      .select((c) => ({ title: c.title, score: c.score }))
      .limit(2)
      .collect()
    expect(hits).toHaveLength(2)
    expect(hits[0]!.title).toBe('Bikes')
    expect(hits[0]!.score).toBeGreaterThan(hits[1]!.score)
    const filtered = await chunks
      .similarity('text', 'how do I repair a flat bicycle wheel?')
      .where((c) => c.metadata.get('kind').eq('drink'))
      .collect()
    expect(filtered.map((row) => row.title)).toEqual(['Tea', 'Tea'])
    pxt.close()
  })

  test('update and delete carry through view, computed column and vectors', async () => {
    const { pxt, docs, chunks } = await build(':memory:')
    calls = []
    await docs.update({ title: 'Green tea' }).where({ title: 'Tea' }).run()
    expect(calls).toEqual([])
    expect(await chunks.select('title').distinct().collect()).toEqual([{ title: 'Green tea' }])
    await docs.update({ document: bikes }).where({ title: 'Green tea' }).run()
    expect(calls).toHaveLength(1)
    expect(await chunks.count()).toBe(1)
    expect((await chunks.similarity('text', 'tea').collect()).map((row) => row.heading)).toEqual([{ h1: 'Bicycles' }])
    await docs.delete().where({ title: 'Green tea' }).run()
    expect(await chunks.count()).toBe(0)
    expect(await chunks.similarity('text', 'tea').collect()).toEqual([])
    pxt.close()
  })

  test('a query function answers, and fills a computed column of another table', async () => {
    const { pxt, chunks } = await build(':memory:')
    const search = query('test_search', { text: t.string(), limit: t.int().default(1) }, (p) =>
      chunks.similarity('text', p.text).limit(p.limit).select('text', 'score'),
    )
    expect(await search({ text: 'brewing a hot drink', limit: 2 })).toHaveLength(2)
    const rag = await pxt.createTable('app.rag', { question: t.string() })
    const answered = await rag.addComputedColumn('context', (c) => search.expr({ text: c.question }))
    await answered.insert({ question: 'how long does green tea steep?' })
    const { context } = await answered.firstOrThrow()
    expect(context).toHaveLength(1)
    expect(context[0]!.text).toContain('three minutes')
    pxt.close()
  })

  test('the file opened again has data, views, functions and indexes', async () => {
    const path = join(folder, 'app.db')
    const { pxt } = await build(path)
    pxt.close()
    const again = await Pixeltable.open(path)
    const docs = await again.getTable('app.docs', { document: t.document(), title: t.string() })
    await docs.insert({ document: bikes, title: 'Bikes', metadata: { kind: 'transport' } } as never)
    const chunks = await again.getTable('app.chunks')
    expect(await chunks.select('topic').collect()).toHaveLength(3)
    const [best] = await chunks.similarity('text', 'flat tyre').limit(1).collect()
    expect(best!.title).toBe('Bikes')
    again.close()
  })
})

describe('failing cells', () => {
  const half = udf({ name: 'test_half' }, (n: number) => {
    if (n % 2 !== 0) throw new Error(`${n} is odd`)
    return n / 2
  })

  test('abort writes nothing', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const numbers = await pxt.createTable('numbers', { n: t.int() })
    const halves = await numbers.addComputedColumn('half', (c) => half(c.n))
    await expect(halves.insert([{ n: 2 }, { n: 3 }])).rejects.toThrow(/column 'half' of 'numbers', row 1.*3 is odd/)
    expect(await halves.count()).toBe(0)
    pxt.close()
  })

  test('ignore keeps the row, and its dependents fail with it', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const numbers = await pxt.createTable('numbers', { n: t.int() })
    const halves = await numbers.addComputedColumn('half', (c) => half(c.n))
    const more = await halves.addComputedColumn('more', (c) => c.half.add(1))
    const { inserted, errors, errorCells } = await more.insert([{ n: 2 }, { n: 3 }], { onError: 'ignore' })
    expect({ inserted, errors }).toEqual({ inserted: 2, errors: 2 })
    expect(errorCells.map(({ rowid, column }) => ({ rowid, column }))).toEqual([
      { rowid: 2, column: 'half' },
      { rowid: 2, column: 'more' },
    ])
    expect(await more.collect()).toEqual([
      { n: 2, half: 1, more: 2 },
      { n: 3, half: null, more: null },
    ])
    pxt.close()
  })
})

test('filter views follow their base', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const numbers = await pxt.createTable('numbers', { n: t.int() })
  await numbers.insert([{ n: 1 }, { n: 2 }, { n: 3 }])
  const big = await pxt.createView(
    'big',
    numbers.where((c) => c.n.gt(1)),
  )
  const doubled = await big.addComputedColumn('doubled', (c) => c.n.mul(2))
  expect(await doubled.collect()).toEqual([
    { doubled: 4, n: 2 },
    { doubled: 6, n: 3 },
  ])
  await numbers.update({ n: 0 }).where({ n: 3 }).run()
  await numbers.update({ n: 9 }).where({ n: 1 }).run()
  expect(await doubled.orderBy('n').collect()).toEqual([
    { doubled: 4, n: 2 },
    { doubled: 18, n: 9 },
  ])
  pxt.close()
})

test('an async iterable is inserted batch by batch', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const numbers = await pxt.createTable('numbers', { n: t.int() })
  const progress: number[] = []
  async function* rows() {
    for (let n = 0; n < 25; n++) yield { n }
  }
  const result = await numbers.insert(rows(), { batchSize: 10, onProgress: (p) => progress.push(p.rows) })
  expect(result.inserted).toBe(25)
  expect(progress).toEqual([10, 20, 25, 25])
  expect(await numbers.count()).toBe(25)
  pxt.close()
})
