import { expect, test } from 'vitest'
import { z } from 'zod'
import { documentSplitter, type Media, miniEmbed, Pixeltable, query, sql, t, udf } from '../../src/index.js'

/** The type check of these is `tsc`; at run time the same program must also work. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <A, B>(_: Equal<A, B>): void => {}
/** For calls that must not compile. */
const neverRun = (_: () => void): void => {}

const summarize = udf({ name: 'typed_summarize', version: 1 }, async (text: string, words: number) => ({
  summary: text.split(' ').slice(0, words).join(' '),
  words,
}))
const lengths = udf({ name: 'typed_lengths', version: 1, batchSize: 8 }, (texts: string[]) =>
  texts.map((x) => x.length),
)
const maybe = udf({ name: 'typed_maybe', version: 1, onNull: 'skip' }, (text: string) => text.length)

test('types flow from the schema through computed columns, views, searches and query functions', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const base = await pxt.createTable('docs', {
    id: t.int(),
    title: t.string(),
    note: t.string().nullable(),
    stars: t.int().default(0),
    file: t.document(),
    meta: t.json(z.object({ lang: z.string(), year: z.number().optional() })),
    at: t.timestamp(),
  })
  const file = new Blob(['Tea steeps for three minutes.'], { type: 'text/plain' })
  await base.insert({ id: 1, title: 'a b c', file, meta: { lang: 'en' }, at: new Date(0) })
  // @ts-expect-error title is missing
  await expect(base.insert({ id: 1, file, meta: { lang: 'en' }, at: new Date() })).rejects.toThrow(/'title'/)
  // @ts-expect-error a number is no title
  await expect(base.insert({ id: 1, title: 3, file, meta: { lang: 'en' }, at: new Date() })).rejects.toThrow(/'title'/)
  // @ts-expect-error there is no such column
  await expect(base.insert({ id: 1, title: 'b', file, meta: { lang: 'en' }, at: new Date(), x: 1 })).rejects.toThrow(
    /'x'/,
  )

  const withSum = await base.addComputedColumn('sum', (c) => summarize(c.title, 2))
  const docs = await withSum.addComputedColumn('words', (c) => c.sum.get('words').add(1))
  // @ts-expect-error already there
  await expect(docs.addComputedColumn('title', (c) => c.title)).rejects.toThrow(/already/)
  // @ts-expect-error unknown column
  await expect(docs.addComputedColumn('bad', (c) => c.nope)).rejects.toThrow(/no column 'nope'/)
  neverRun(() => {
    // @ts-expect-error a number is not what the function takes
    summarize(docs.columns.stars, 20)
    // @ts-expect-error a nullable column may be null
    summarize(docs.columns.note, 20)
    // @ts-expect-error text has no greatest common arithmetic
    docs.where((c) => c.title.add(1).isNull())
    // @ts-expect-error numbers are not matched by LIKE
    docs.where((c) => c.stars.like('x'))
    // @ts-expect-error JavaScript's comparison sees objects
    docs.where((c) => c.stars > 3)
    // @ts-expect-error no index yet
    docs.similarity('title', 'q')
    // @ts-expect-error computed columns are not inserted
    docs.insert({ id: 1, title: 'a', file, meta: { lang: 'en' }, at: new Date(), words: 3 })
    // @ts-expect-error there is no such column to sort by
    docs.orderBy('nope')
    // @ts-expect-error a date is no title
    docs.where({ title: new Date() })
  })

  const rows = await docs
    .where((c) => c.stars.gte(0).and(c.note.isNull()))
    .orderBy((c) => c.words.desc())
    .collect()
  is<
    typeof rows,
    {
      id: number
      title: string
      note: string | null
      stars: number
      file: Media
      meta: { lang: string; year?: number | undefined }
      at: Date
      sum: { summary: string; words: number }
      words: number
    }[]
  >(true)
  expect(rows[0]).toMatchObject({ stars: 0, note: null, sum: { summary: 'a b', words: 2 }, words: 3 })

  const picked = await docs
    .select((c) => ({
      id: c.id,
      n: c.note.length(),
      lang: c.meta.get('lang'),
      s: sql<number>`abs(${c.stars} - 5)`,
      w: c.file.width,
    }))
    .collect()
  is<typeof picked, { id: number; n: number | null; lang: string; s: number; w: number | null }[]>(true)
  expect(picked).toEqual([{ id: 1, n: null, lang: 'en', s: 5, w: null }])

  const counted = await docs.addComputedColumn('len', (c) => lengths(c.title))
  const noted = await counted.addComputedColumn('noted', (c) => maybe(c.note))
  const two = await noted.select('len', 'noted').first()
  is<typeof two, { len: number; noted: number | null } | undefined>(true)
  expect(two).toEqual({ len: 5, noted: null })

  const view = await pxt.createView('chunks', docs, {
    iterator: documentSplitter((c) => c.file, { separators: ['sentence'], metadata: ['page'] }),
  })
  neverRun(() => {
    // @ts-expect-error no index yet
    view.similarity('text', 'q')
    // @ts-expect-error rows of a view come from its base
    view.insert({ text: 'x' })
  })
  // @ts-expect-error numbers cannot be embedded
  await expect(view.addEmbeddingIndex('pos', { embed: miniEmbed() })).rejects.toThrow(/embeds text/)
  const chunks = await view.addEmbeddingIndex('text', { embed: miniEmbed() })
  neverRun(() => {
    // @ts-expect-error another column has the index
    chunks.similarity('title', 'q')
  })
  const hits = await chunks
    .similarity('text', 'tea')
    .where((c) => c.score.gt(-2))
    .select((c) => ({ text: c.text, page: c.page, score: c.score, title: c.title }))
    .collect()
  is<typeof hits, { text: string; page: number | null; score: number; title: string }[]>(true)
  expect(hits).toHaveLength(1)
  const renamed = await chunks.similarity('text', 'tea', { as: 'closeness' }).select('closeness').firstOrThrow()
  is<typeof renamed, { closeness: number }>(true)
  expect(renamed.closeness).toBeGreaterThan(0)

  const top = query('typed_top', { q: t.string(), k: t.int().default(5) }, (p) =>
    chunks.similarity('text', p.q).limit(p.k).select('text', 'score'),
  )
  const out = await top({ q: 'hello' })
  is<typeof out, { text: string; score: number }[]>(true)
  // @ts-expect-error q is required
  await expect(top({ k: 3 })).rejects.toThrow(/'q' is required/)
  const qa = await pxt.createTable('qa', { question: t.string() })
  const answered = await qa.addComputedColumn('context', (c) => top.expr({ q: c.question, k: 3 }))
  await answered.insert({ question: 'tea?' })
  const context = await answered.select('context').firstOrThrow()
  is<typeof context, { context: { text: string; score: number }[] }>(true)
  expect(context.context).toHaveLength(1)

  const untyped = await pxt.getTable('docs')
  const anything = await untyped.select('title').firstOrThrow()
  is<typeof anything.title, any>(true)
  const typed = await pxt.getTable('docs', { title: t.string(), stars: t.int() })
  const again = await typed.select('title', 'stars').firstOrThrow()
  is<typeof again, { title: string; stars: number }>(true)
  expect(again).toEqual({ title: 'a b c', stars: 0 })
  pxt.close()
})
