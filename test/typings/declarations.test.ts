import { expect, test } from 'vitest'
import {
  documentSplitter,
  type Media,
  miniEmbed,
  Pixeltable,
  type Row,
  type SyncPlan,
  t,
  table,
  udf,
  view,
} from '../../src/index.js'

/** The type check of these is `tsc`; at run time the same program must also work. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <A, B>(_: Equal<A, B>): void => {}
/** For calls that must not compile. */
const neverRun = (_: () => void): void => {}

const topicOf = udf({ name: 'declared_topic', version: 1, returns: t.string() }, (text: string) => text.slice(0, 3))

const Docs = table(
  'app.docs',
  { file: t.document(), title: t.string(), stars: t.int().default(0), note: t.string().nullable() },
  { primaryKey: ['title'], unique: [['title', 'stars']], check: { positive: (c) => c.stars.gte(0) }, comment: 'all' },
)
  .computed('shout', (c) => c.title.upper())
  .column('rank', t.int().default(1))
  .index(['stars', 'rank'])
const Chunks = view('app.chunks', Docs, {
  iterator: documentSplitter((c) => c.file, { separators: ['sentence'], metadata: ['page'] }),
})
  .computed('topic', (c) => topicOf(c.text))
  .embeddingIndex('text', { embed: miniEmbed() })
const Good = view(
  'app.good',
  Docs.where((c) => c.stars.gt(3)),
)
const Titles = view(
  'app.titles',
  Docs.where({ stars: 5 }).select((c) => ({ title: c.title, twice: c.stars.mul(2) })),
)
const Some = view('app.some', Good.select('title').sample({ fraction: 1 }))

test('types flow from declarations to rows and handles', async () => {
  type Doc = {
    file: Media
    title: string
    stars: number
    note: string | null
    shout: string
    rank: number
  }
  is<Row<typeof Docs>, Doc>(true)
  is<Row<typeof Chunks>, Flat<Doc & { pos: number; text: string; page: number | null; topic: string }>>(true)
  is<Row<typeof Good>, Doc>(true)
  is<Row<typeof Titles>, { title: string; twice: number }>(true)
  is<Row<typeof Some>, { title: string }>(true)

  const pxt = await Pixeltable.open(':memory:')
  const { docs, chunks, titles } = await pxt.sync({ docs: Docs, chunks: Chunks, titles: Titles })
  const file = new Blob(['Tea steeps. Bread bakes.'], { type: 'text/plain' })
  await docs.insert({ file, title: 'a', stars: 5 })
  const rows = await docs.select('title', 'shout', 'rank', 'note').collect()
  is<typeof rows, { title: string; shout: string; rank: number; note: string | null }[]>(true)
  expect(rows).toEqual([{ title: 'a', shout: 'A', rank: 1, note: null }])
  const hits = await chunks
    .similarity('text', 'tea')
    .select((c) => ({ text: c.text, topic: c.topic, title: c.title, score: c.score }))
    .limit(1)
    .collect()
  is<typeof hits, { text: string; topic: string; title: string; score: number }[]>(true)
  expect(hits).toMatchObject([{ text: 'Tea steeps.', topic: 'Tea', title: 'a' }])
  const one = await titles.firstOrThrow()
  is<typeof one, { title: string; twice: number }>(true)
  expect(await titles.collect()).toEqual([{ title: 'a', twice: 10 }])
  const plan = await pxt.sync({ docs: Docs }, { dryRun: true })
  is<typeof plan, SyncPlan>(true)
  expect(plan.isEmpty).toBe(true)

  neverRun(() => {
    // @ts-expect-error title is missing
    docs.insert({ file })
    // @ts-expect-error computed columns are not inserted
    docs.insert({ file, title: 'a', shout: 'A' })
    // @ts-expect-error rows of a view come from its base
    chunks.insert({ text: 'x' })
    // @ts-expect-error another column has the index
    chunks.similarity('title', 'q')
    // @ts-expect-error no index
    docs.similarity('title', 'q')
    // @ts-expect-error no such handle
    pxt.sync({ docs: Docs }).then((handles) => handles.chunks)
    // @ts-expect-error a handle is no declaration
    pxt.sync({ docs })
    // @ts-expect-error a view is not made of a handle
    view('v', docs)
  })
  pxt.close()
})

test('what cannot be is no program', () => {
  neverRun(() => {
    // @ts-expect-error already there
    Docs.computed('title', (c) => c.title)
    // @ts-expect-error already there
    Docs.column('shout', t.int())
    // @ts-expect-error unknown column
    Docs.computed('bad', (c) => c.nope)
    // @ts-expect-error a number is not what the function takes
    Docs.computed('bad', (c) => topicOf(c.stars))
    // @ts-expect-error numbers cannot be embedded
    Docs.embeddingIndex('stars', { embed: miniEmbed() })
    // @ts-expect-error unknown column
    Docs.index('nope')
    // @ts-expect-error numbers are not matched by LIKE
    Docs.where((c) => c.stars.like('x'))
    // @ts-expect-error a date is no title
    Docs.where({ title: new Date() })
    // @ts-expect-error unknown column
    table('x', { a: t.int() }, { primaryKey: ['b'] })
    // @ts-expect-error numbers have no documents
    view('x', Docs, { iterator: documentSplitter((c) => c.stars, { separators: [] }) })
  })
  const before = Docs
  Docs.computed('another', (c) => c.title)
  expect(before).toBe(Docs)
  expect(() => Docs.computed('SHOUT', (c) => c.title)).toThrow(/column 'shout' already/)
})

type Flat<T> = { [K in keyof T]: T[K] } & {}
