import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type AnyDeclaration,
  ComputeError,
  count,
  type Declarations,
  DependencyError,
  documentSplitter,
  ExistsError,
  Pixeltable,
  QueryError,
  query,
  SchemaError,
  type SyncStep,
  sql,
  t,
  table,
  udf,
  uuid7,
  ValidationError,
  view,
} from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

/** Counts the letters, and how often it was asked to. */
let calls = 0
const letters = udf({ name: 'sync_letters', version: 1, returns: t.int() }, (text: string) => {
  calls++
  return text.length
})
beforeEach(() => {
  calls = 0
})

/** A model of two dimensions. */
const embedder = (name: string, version = 1) => ({
  name,
  version,
  embed: async (values: readonly (string | Uint8Array)[]) => values.map((value) => [value.length, version]),
})

const markdown = (text: string) => new Blob([text], { type: 'text/markdown' })
const kinds = (steps: readonly SyncStep[]) => steps.map(({ kind }) => kind)
/** What can be seen of the whole file. */
const everything = async () => {
  const names = await pxt.listTables()
  const tables = await Promise.all(names.map((name) => pxt.getTable(name)))
  return {
    directories: await pxt.listDirs(),
    tables: await Promise.all(
      tables.map(async (each) => [
        String(each.describe()),
        each.kind === 'snapshot' ? undefined : await each.history(),
        await each.collect(),
      ]),
    ),
  }
}
/** Something that must leave the file as it was. */
async function unchanged(work: () => Promise<unknown>): Promise<void> {
  const before = await everything()
  await work()
  expect(await everything()).toEqual(before)
}
const plan = (declarations: Declarations, options = {}) => pxt.sync(declarations, { ...options, dryRun: true })

const Notes = table('app.deep.notes', { text: t.string(), stars: t.int().default(1) }, { comment: 'all of them' })
  .computed('n', (c) => letters(c.text))
  .embeddingIndex('text', { embed: embedder('two') })
  .index('stars')
const Starred = view(
  'app.starred',
  Notes.where((c) => c.stars.gt(2)),
).computed('twice', (c) => c.n.mul(2))
const Best = view('best', Starred.where({ stars: 5 }))

describe('what is missing is made', () => {
  test('directories, tables, views of views, columns and indexes, bases first, listed or not', async () => {
    const steps = (await plan({ best: Best })).steps
    expect(kinds(steps)).toEqual([
      'createDirectory',
      'createDirectory',
      'createTable',
      'addColumn',
      'addIndex',
      'addIndex',
      'createView',
      'addColumn',
      'createView',
    ])
    expect(steps[0]).toEqual({ kind: 'createDirectory', name: 'app' })
    const { best } = await pxt.sync({ best: Best })
    expect(await pxt.listTables()).toEqual(['app.deep.notes', 'app.starred', 'best'])
    const notes = await pxt.getTable('app.deep.notes')
    await notes.insert([{ text: 'a', stars: 5 }, { text: 'bc', stars: 3 }, { text: 'def' }])
    expect(await best.collect()).toEqual([{ text: 'a', stars: 5, n: 1, twice: 2 }])
    expect(await (await pxt.getTable('app.starred')).count()).toBe(2)
    expect(String(notes.describe())).toBe(
      [
        'table app.deep.notes — all of them',
        '  text   string',
        '  stars  int',
        '  n      int        = sync_letters(text)',
        '  index text_two on text: cosine, two@1',
        '  index stars on stars: ordered',
      ].join('\n'),
    )
  })

  test('once: a second sync plans nothing and makes no version', async () => {
    await pxt.sync({ best: Best })
    await (await pxt.getTable('app.deep.notes')).insert({ text: 'a', stars: 5 })
    await unchanged(async () => {
      const again = await plan({ notes: Notes, starred: Starred, best: Best }, { prune: true, recompute: true })
      expect(again.steps).toEqual([])
      expect(again.isEmpty).toBe(true)
      expect(String(again)).toBe('nothing to do')
      await pxt.sync({ best: Best }, { prune: true, recompute: true })
    })
    expect(calls).toBe(1)
  })

  test('in one version, for the rows that are there', async () => {
    const { notes } = await pxt.sync({ notes: table('app.deep.notes', { text: t.string(), stars: t.int() }) })
    await notes.insert([{ text: 'abc', stars: 3 }])
    const Wanted = table('app.deep.notes', { text: t.string(), stars: t.int(), tag: t.string().default('none') })
      .computed('n', (c) => letters(c.text))
      .computed('m', (c) => c.n.add(1), { stored: false })
      .computed('id', uuid7())
      .embeddingIndex('text', { embed: embedder('two'), metric: 'euclidean', name: 'near' })
      .index(['tag', 'stars'], { name: 'tags', unique: true })
    const handles = await pxt.sync({
      notes: Wanted,
      big: view(
        'big',
        Wanted.where((c) => c.m.gt(3)),
      ),
    })
    expect(await handles.big.select('text', 'tag', 'n', 'm').collect()).toEqual([
      { text: 'abc', tag: 'none', n: 3, m: 4 },
    ])
    expect((await handles.notes.similarity('text', { vector: [3, 1] }).firstOrThrow()).score).toBe(1)
    const [last, before] = await handles.notes.history()
    expect([last!.version, last!.operation, before!.operation]).toEqual([before!.version + 1, 'sync', 'insert'])
    expect((await handles.big.history())[0]!.version).toBe(last!.version)
    await expect(handles.notes.insert({ text: 'x', stars: 3 })).rejects.toThrow(ValidationError)
    expect((await plan({ notes: Wanted })).steps).toEqual([])
  })

  test('later, when it is deferred', async () => {
    const Base = table('notes', { text: t.string() })
    const { notes } = await pxt.sync({ notes: Base })
    await notes.insert([{ text: 'abc' }, { text: 'de' }])
    const Wanted = Base.computed('n', (c) => letters(c.text)).embeddingIndex('text', { embed: embedder('later') })
    const it = (await pxt.sync({ it: Wanted }, { compute: 'deferred' })).it
    expect(calls).toBe(0)
    expect(await it.select('n').collect()).toEqual([{ n: null }, { n: null }])
    const progress: number[] = []
    await pxt.drain({ onProgress: ({ rows }) => progress.push(rows) })
    expect(await it.select('n').collect()).toEqual([{ n: 3 }, { n: 2 }])
    expect(
      await it
        .similarity('text', { vector: [3, 1] })
        .limit(1)
        .select('text')
        .collect(),
    ).toEqual([{ text: 'abc' }])
    expect((await plan({ it: Wanted })).isEmpty).toBe(true)
  })

  test('a sync that fails loses no result that was waited for', async () => {
    let mends = false
    const asked: string[] = []
    const ask = udf({ name: 'sync_ask', returns: t.string(), concurrency: 1 }, async (text: string) => {
      asked.push(text)
      if (text === 'c' && !mends) throw new TypeError('not yet')
      return text.toUpperCase()
    })
    const Base = table('notes', { text: t.string() })
    await (await pxt.sync({ notes: Base })).notes.insert(['a', 'b', 'c'].map((text) => ({ text })))
    const Wanted = Base.computed('answer', (c) => ask(c.text))
    await expect(pxt.sync({ notes: Wanted })).rejects.toThrow('not yet')
    mends = true
    const cells: number[] = []
    const { notes } = await pxt.sync({ notes: Wanted }, { onProgress: (progress) => cells.push(progress.cells) })
    expect(await notes.select('answer').collect()).toEqual([{ answer: 'A' }, { answer: 'B' }, { answer: 'C' }])
    expect(asked).toEqual(['a', 'b', 'c', 'c'])
    expect(cells.at(-1)).toBe(1)
  })

  test('what a builder made is taken over', async () => {
    await pxt.createDir('app')
    await pxt.createDir('app.deep')
    const notes = await pxt.createTable(
      'app.deep.notes',
      { text: t.string(), stars: t.int().default(1) },
      { comment: 'all of them' },
    )
    const counted = await notes.addComputedColumn('n', (c) => letters(c.text))
    await counted.addIndex('stars')
    const indexed = await counted.addEmbeddingIndex('text', { embed: embedder('two') })
    await pxt.createView(
      'app.starred',
      indexed.where((c) => c.stars.gt(2)),
    )
    expect(kinds((await plan({ starred: Starred })).steps)).toEqual(['addColumn'])
  })

  test('inside a transaction it is a part of it', async () => {
    await pxt.createTable('other', { x: t.int() })
    await unchanged(() =>
      expect(
        pxt.transaction(async (tx) => {
          const { notes } = await tx.sync({ notes: Notes })
          await notes.insert({ text: 'a' })
          throw new Error('changed my mind')
        }),
      ).rejects.toThrow('changed my mind'),
    )
    expect((await plan({ notes: Notes })).isEmpty).toBe(false)
  })

  test('a computed column may call a query over what was synced before', async () => {
    const Facts = table('facts', { text: t.string() })
    const { facts } = await pxt.sync({ facts: Facts })
    await facts.insert([{ text: 'tea is hot' }, { text: 'ice is cold' }])
    const search = query('sync_search', { word: t.string() }, (p) =>
      facts.where((c) => c.text.contains(p.word)).select('text'),
    )
    const Questions = table('questions', { word: t.string() }).computed('found', (c) => search.expr({ word: c.word }))
    const { questions } = await pxt.sync({ facts: Facts, questions: Questions })
    await questions.insert({ word: 'ice' })
    expect(await questions.select('found').collect()).toEqual([{ found: [{ text: 'ice is cold' }] }])
    expect((await plan({ facts: Facts, questions: Questions })).isEmpty).toBe(true)
  })

  test('literals, dates, lambdas and functions in expressions are as they were stored', async () => {
    const day = new Date('2026-01-02T03:04:05Z')
    const Wide = table('wide', { at: t.timestamp(), big: t.bigint(), tags: t.json<string[]>(), v: t.vector(2) })
      .computed('late', (c) => c.at.gt(day))
      .computed('more', (c) => c.big.add(9007199254740993n))
      .computed('few', (c) => c.tags.filter((tag) => tag.ne('x')))
      .computed('when', (c) => c.at.inZone('Europe/Berlin').addDays(1))
      .computed('like', (c) => c.tags.get(0).eq('y'))
    const Old = view('old', Wide.where((c) => c.at.lt(day).or(c.big.in([1n, 2n]))).sample({ fraction: 0.5 }))
    await pxt.sync({ wide: Wide, old: Old })
    expect((await plan({ wide: Wide, old: Old })).steps).toEqual([])
  })
})

describe('what is declared differently', () => {
  const sync = (declaration: AnyDeclaration, options = {}) => pxt.sync({ it: declaration }, options)

  test('an expression: the column is computed anew; a new version of a function is no other expression', async () => {
    const Base = table('notes', { text: t.string() })
    const { it } = await pxt.sync({ it: Base.computed('n', (c) => letters(c.text)).computed('m', (c) => c.n.add(1)) })
    await it.insert({ text: 'abc' })
    const Next = Base.computed('n', (c) => letters(c.text).mul(10)).computed('m', (c) => c.n.add(1))
    const steps = (await plan({ it: Next })).steps
    expect(steps).toEqual([
      {
        kind: 'alterColumn',
        table: 'notes',
        column: 'n',
        from: 'sync_letters(text)',
        to: 'sync_letters(text).mul(10)',
      },
    ])
    const { it: next } = await pxt.sync({ it: Next })
    expect(await next.collect()).toEqual([{ text: 'abc', n: 30, m: 31 }])
    const letters2 = udf({ name: 'sync_letters_v', version: 1 }, (text: string) => text.length)
    await sync(Next.computed('v', (c) => letters2(c.text)))
    const letters3 = udf({ name: 'sync_letters_v', version: 2 }, (text: string) => text.length)
    expect(kinds((await plan({ it: Next.computed('v', (c) => letters3(c.text)) })).steps)).toEqual(['recompute'])
  })

  test('a column that is kept, and then only computed when it is read', async () => {
    const Base = table('notes', { text: t.string() })
    const { it } = await pxt.sync({ it: Base.computed('n', (c) => letters(c.text)) })
    await it.insert({ text: 'abc' })
    const Unstored = Base.computed('n', (c) => letters(c.text), { stored: false })
    expect(String(await plan({ it: Unstored }))).toBe(
      "alter column 'n' of 'notes': = sync_letters(text), not stored, was sync_letters(text)",
    )
    await sync(Unstored)
    await expect(pxt.sql`SELECT n FROM ${it}`).rejects.toThrow(/no such column/)
    expect(await it.select('n').collect()).toEqual([{ n: 3 }])
    await sync(Base.computed('n', (c) => letters(c.text)))
    expect(await pxt.sql<{ n: number }>`SELECT n FROM ${it}`).toEqual([{ n: 3 }])
  })

  test('a model or metric: the index is replaced, and its column still has one', async () => {
    const Base = table('notes', { text: t.string(), other: t.string().default('') })
    const { it } = await pxt.sync({ it: Base.embeddingIndex('text', { embed: embedder('two') }) })
    await it.insert({ text: 'abc' })
    const Other = Base.embeddingIndex('text', { embed: embedder('other'), metric: 'euclidean' })
    expect((await plan({ it: Other })).steps).toEqual([
      {
        kind: 'replaceIndex',
        table: 'notes',
        index: 'text_two',
        from: 'cosine on text by two',
        to: 'euclidean on text by other',
      },
    ])
    const { it: next } = await pxt.sync({ it: Other })
    expect((await pxt.indexes('notes')).map(({ name, embedder: by, metric }) => [name, by, metric])).toEqual([
      ['text_other', 'other@1', 'euclidean'],
    ])
    expect((await next.similarity('text', 'abc').firstOrThrow()).score).toBe(1)
    const Named = Base.embeddingIndex('text', { embed: embedder('two'), name: 'text_other' }).index('text')
    expect(kinds((await plan({ it: Named })).steps)).toEqual(['addIndex', 'replaceIndex'])
    await sync(Named)
    expect(kinds((await plan({ it: Base.index('text', { name: 'text', unique: true }) })).steps)).toEqual([
      'replaceIndex',
      'dropIndex',
    ])
  })

  test('comments, defaults and checks', async () => {
    const { it } = await pxt.sync({ it: table('t', { a: t.int(), b: t.int().default(1) }, { comment: 'x' }) })
    await it.insert({ a: 1 })
    const Next = table(
      't',
      { a: t.int().default(7), b: t.int().default(() => 9) },
      { check: { small: (c) => c.a.lt(10) } },
    )
    const steps = (await plan({ it: Next })).steps
    expect(kinds(steps)).toEqual(['alterDefault', 'alterDefault', 'alterComment', 'addCheck'])
    const { it: next } = await pxt.sync({ it: Next })
    await next.insert({})
    expect(await next.collect()).toEqual([
      { a: 1, b: 1 },
      { a: 7, b: 9 },
    ])
    await expect(next.insert({ a: 11 })).rejects.toThrow(/check 'small'/)
    expect(next.describe().comment).toBeUndefined()
    expect((await plan({ it: Next })).steps).toEqual([])
    const { it: back } = await pxt.sync({ it: table('t', { a: t.int(), b: t.int().default(2) }) }, { prune: true })
    await back.insert({ a: 12 })
    expect(await back.where({ a: 12 }).collect()).toEqual([{ a: 12, b: 2 }])
    await unchanged(() =>
      expect(sync(table('t', { a: t.int(), b: t.int() }, { check: { small: (c) => c.a.lt(10) } }))).rejects.toThrow(
        /the row 3 of 't' violates the check 'small'/,
      ),
    )
  })

  test('a condition: rows leave and join with prune, the others stay as they are', async () => {
    const Base = table('notes', { text: t.string(), stars: t.int() })
    const between = (low: number, high: number) =>
      view(
        'some',
        Base.where((c) => c.stars.between(low, high)),
      )
        .computed('n', (c) => letters(c.text))
        .column('mark', t.string().nullable())
        .embeddingIndex('text', { embed: embedder('two') })
    const [Low, High] = [between(1, 2), between(2, 3)]
    const { it, notes } = await pxt.sync({ it: Low, notes: Base })
    await notes.insert([1, 2, 3, 4].map((stars) => ({ text: 'x'.repeat(stars), stars })))
    await it
      .update({ mark: 'kept' } as never)
      .where({ stars: 2 })
      .run()
    expect(calls).toBe(2)
    const Below = view('below', High)
    await pxt.sync({ below: view('below', Low) })
    await unchanged(() => expect(pxt.sync({ it: High })).rejects.toThrow(/condition of the view 'some' is declared/))
    expect((await plan({ it: High })).steps).toEqual([
      { kind: 'rebuildView', table: 'some', changed: ['condition'], needs: 'prune' },
    ])
    const { it: next, below } = await pxt.sync({ it: High, below: Below }, { prune: true })
    expect(await next.select('stars', 'n', 'mark').orderBy('stars').collect()).toEqual([
      { stars: 2, n: 2, mark: 'kept' },
      { stars: 3, n: 3, mark: null },
    ])
    expect(calls).toBe(3)
    expect(await below.count()).toBe(2)
    expect(await next.similarity('text', 'xxx').count()).toBe(2)
    await notes.insert([
      { text: 'y', stars: 3 },
      { text: 'z', stars: 1 },
    ])
    expect(await next.count()).toBe(3)
    const { version } = (await next.history())[1]!
    expect(
      (
        await next
          .asOf(version - 1)
          .select('stars')
          .collect()
      ).map(({ stars }) => stars),
    ).toEqual([1, 2])
  })

  test('an iterator: every row is made anew, with its columns and vectors, once', async () => {
    const Docs = table('docs', { file: t.document() })
    const chunks = (separators: readonly ('heading' | 'sentence')[], more: boolean) => {
      const metadata = more ? (['heading', 'page'] as const) : (['heading'] as const)
      return view('chunks', Docs, { iterator: documentSplitter((c) => c.file, { separators, metadata }) })
        .computed('n', (c) => letters(c.text))
        .embeddingIndex('text', { embed: embedder('two') })
    }
    const Before = chunks(['heading'], false)
    const Below = view(
      'long',
      Before.where((c) => c.n.gt(8)),
    )
    const { docs, it } = await pxt.sync({ docs: Docs, it: Before, below: Below })
    await docs.insert({ file: markdown('# Tea\n\nSteep it well. Drink.\n') })
    expect(await it.select('text', 'n').collect()).toEqual([{ text: 'Tea\n\nSteep it well. Drink.', n: 26 }])
    calls = 0
    const After = chunks(['heading', 'sentence'], true).computed('p', (c) => c.page.coalesce(0))
    const steps = (await plan({ it: After })).steps
    expect(steps).toEqual([
      { kind: 'rebuildView', table: 'chunks', changed: ['iterator'], needs: 'prune' },
      { kind: 'addColumn', table: 'chunks', column: 'p', type: 'int', computed: 'page.coalesce(0)' },
    ])
    await unchanged(() => expect(sync(After)).rejects.toThrow(/iterator of the view 'chunks' is declared/))
    const { it: next } = await pxt.sync({ it: After }, { prune: true })
    const made = await next.select('text', 'n', 'p', 'page').collect()
    expect(made.length).toBeGreaterThan(1)
    expect(calls).toBe(made.length)
    expect(made.every(({ text, n, p, page }) => n === text.length && p === 0 && page === null)).toBe(true)
    expect(await next.similarity('text', 'tea').count()).toBe(made.length)
    const below = await pxt.getTable('long')
    expect(await below.count()).toBe(made.filter(({ n }) => n > 8).length)
    expect((await plan({ it: After })).steps).toEqual([])
    // And back: `page` and `p` go, though p was computed from page.
    await sync(Before, { prune: true })
    expect((await pxt.getTable('chunks')).describe().columns.map(({ name }) => name)).toEqual([
      'pos',
      'text',
      'heading',
      'n',
      'file',
    ])
    expect(await below.collect()).toMatchObject([{ text: 'Tea\n\nSteep it well. Drink.', n: 26 }])
  })

  test('the columns that a projection shows and computes', async () => {
    const Base = table('notes', { text: t.string(), stars: t.int(), more: t.int().default(1) })
    const { base } = await pxt.sync({
      base: Base,
      it: view(
        'v',
        Base.select((c) => ({ text: c.text, twice: c.stars.mul(2) })),
      ),
    })
    await base.insert({ text: 'a', stars: 2 })
    const Next = view(
      'v',
      Base.select((c) => ({ stars: c.stars, twice: c.stars.mul(3), words: letters(c.text) })),
    )
    const { steps } = await plan({ it: Next })
    expect(kinds(steps)).toEqual(['alterView', 'alterColumn', 'addColumn', 'alterView'])
    expect(steps[3]).toEqual({ kind: 'alterView', table: 'v', shows: ['stars'] })
    const { it } = await pxt.sync({ it: Next })
    expect(await it.collect()).toEqual([{ stars: 2, twice: 6, words: 1 }])
    const { it: all } = await pxt.sync({ it: view('v', Base) }, { prune: true })
    expect(await all.collect()).toEqual([{ text: 'a', stars: 2, more: 1 }])
    const Loud = view('v', Base.select('text')).computed('loud', (c) => c.text.upper())
    await pxt.sync({ it: Loud })
    await unchanged(() =>
      expect(pxt.sync({ it: view('v', Base.select('stars')) })).rejects.toThrow(
        /'v' reads text, which 'v' is declared not/,
      ),
    )
    const { it: some } = await pxt.sync({ it: view('v', Base.select('stars')) }, { prune: true })
    expect(await some.collect()).toEqual([{ stars: 2 }])
  })
})

describe('what is not declared', () => {
  const Wide = table('notes', { text: t.string(), old: t.int().nullable() })
    .computed('n', (c) => c.old.add(1))
    .computed('m', (c) => c.n.add(1))
    .embeddingIndex('text', { embed: embedder('two') })
    .index('n')
  const Narrow = table('notes', { text: t.string() })

  test('is reported, and dropped with prune, what is computed first; other tables are left alone', async () => {
    await pxt.createTable('other', { x: t.int() })
    const { notes } = await pxt.sync({ notes: Wide })
    await notes.insert({ text: 'a', old: 1 })
    const reported = await plan({ notes: Narrow })
    expect(reported.steps).toEqual([
      { kind: 'dropIndex', table: 'notes', index: 'text_two', needs: 'prune' },
      { kind: 'dropIndex', table: 'notes', index: 'n', needs: 'prune' },
      { kind: 'dropColumn', table: 'notes', column: 'm', needs: 'prune' },
      { kind: 'dropColumn', table: 'notes', column: 'n', needs: 'prune' },
      { kind: 'dropColumn', table: 'notes', column: 'old', needs: 'prune' },
    ])
    expect(String(reported)).toContain("drop column 'm' of 'notes' (only with { prune: true })")
    await unchanged(() => pxt.sync({ notes: Narrow }))
    const { notes: pruned } = await pxt.sync({ notes: Narrow }, { prune: true })
    expect(await pruned.collect()).toEqual([{ text: 'a' }])
    expect(await pxt.indexes()).toEqual([])
    expect(await pxt.listTables()).toEqual(['notes', 'other'])
    expect((await plan({ notes: Narrow }, { prune: true })).isEmpty).toBe(true)
  })

  test('is kept when something reads it that is not declared either', async () => {
    const { notes } = await pxt.sync({ notes: Wide })
    await pxt.createView(
      'reader',
      notes.where((c) => c.m.gt(1)),
    )
    await unchanged(() => expect(pxt.sync({ notes: Narrow }, { prune: true })).rejects.toThrow(DependencyError))
  })
})

describe('a plan', () => {
  test('changes nothing, prints, and is what is done', async () => {
    await unchanged(async () => {
      const printed = inspect(await plan({ starred: Starred }))
      expect(printed).toBe(
        [
          "create directory 'app'",
          "create directory 'app.deep'",
          "create table 'app.deep.notes' (text, stars)",
          "add column 'n' to 'app.deep.notes': = sync_letters(text)",
          "add index 'stars' to 'app.deep.notes' on stars",
          "add index 'text_two' to 'app.deep.notes' on text: two",
          "create view 'app.starred' of 'app.deep.notes'",
          "add column 'twice' to 'app.starred': = n.mul(2)",
        ].join('\n'),
      )
    })
    expect(calls).toBe(0)
  })

  test('is refused for what cannot be done, as the sync is', async () => {
    await pxt.createTable('notes', { text: t.string() })
    const Wrong = table('notes', { text: t.int() })
    await expect(plan({ notes: Wrong })).rejects.toThrow(SchemaError)
  })
})

describe('errors leave the file as it was', () => {
  const refused = async (
    declarations: Declarations,
    error: new (...args: any[]) => Error,
    message: RegExp,
    options = {},
  ) =>
    unchanged(async () => {
      await expect(pxt.sync(declarations, options)).rejects.toThrow(error)
      await expect(pxt.sync(declarations, options)).rejects.toThrow(message)
    })

  test('another type, nullability, key or base', async () => {
    await pxt.createTable('notes', { a: t.int(), v: t.vector(2).nullable(), s: t.string() }, { primaryKey: ['a'] })
    const columns = { a: t.int(), v: t.vector(2).nullable(), s: t.string() }
    const key = { primaryKey: ['a'] } as const
    await refused(
      { x: table('new', { a: t.int() }), notes: table('notes', { ...columns, a: t.string() }, key) },
      SchemaError,
      /column 'a' of 'notes' is declared as string, and in the file it is int/,
    )
    await refused(
      { notes: table('notes', { ...columns, v: t.vector(3).nullable() }, key) },
      SchemaError,
      /vector {"dimensions":3}, nullable, and in the file it is vector {"dimensions":2}, nullable/,
    )
    await refused(
      { notes: table('notes', { ...columns, s: t.string().nullable() }, key) },
      SchemaError,
      /string, nullable/,
    )
    await refused({ notes: table('notes', columns) }, SchemaError, /primary key of 'notes' is declared as \(\)/)
    await refused(
      {
        notes: table('notes', columns, key)
          .computed('b', (c) => c.a.add(1))
          .column('c', t.int().nullable()),
        bad: table('notes2', { a: t.int() }).computed('x', (() => 3) as never),
      },
      QueryError,
      /column 'x' of 'notes2': expected an expression, got the number 3/,
    )
    const A = table('a', { x: t.int() })
    const B = table('b', { x: t.int() })
    await pxt.sync({ v: view('v', A) })
    await refused({ v: view('v', B) }, SchemaError, /a view of 'b', and in the file it is one of 'a'/)
  })

  test('a column that is computed in the file and not as declared, and the other way round', async () => {
    const Base = table('notes', { a: t.int() })
    await pxt.sync({ notes: Base.computed('b', (c) => c.a.add(1)) })
    await refused(
      { notes: Base.column('b', t.int().nullable()) },
      SchemaError,
      /'b' of 'notes' is declared as int.* is computed/,
    )
    await refused({ notes: Base.computed('B', (c) => c.a) }, ExistsError, /has a column 'b' already/)
  })

  test('what the file could not name or compute again', async () => {
    const Base = table('notes', { text: t.string() })
    const nameless = [async (texts: readonly string[]) => texts.map(() => [1])][0]!
    await refused({ it: Base.embeddingIndex('text', { embed: nameless }) }, SchemaError, /needs a name/)
    await refused(
      { it: Base.computed('n', count() as never) },
      QueryError,
      /neither aggregates, windows nor subqueries/,
    )
    await refused({ it: Base.computed('n', sql<number>`1 + 1`) }, QueryError, /cannot use sql/)
  })

  test('a name that something else has', async () => {
    await pxt.createDir('dir')
    const base = await pxt.createTable('notes', { a: t.int() })
    await pxt.createView('v', base)
    await pxt.createSnapshot('snap', base)
    await refused({ it: table('dir', { a: t.int() }) }, ExistsError, /'dir' is a directory/)
    await refused({ it: table('snap', { a: t.int() }) }, ExistsError, /'snap' is a snapshot/)
    await refused({ it: table('v', { a: t.int() }) }, ExistsError, /declared as a table, and in the file it is a view/)
    await refused({ it: view('notes', table('base', { a: t.int() })) }, ExistsError, /declared as a view/)
    await refused({ it: table('notes.inner', { a: t.int() }) }, ExistsError, /'notes' is a table/)
  })

  test('a required column where there are rows, a function without a name, a failing cell, a stopped sync', async () => {
    const Base = table('notes', { a: t.int() })
    const { notes } = await pxt.sync({ notes: Base })
    await notes.insert({ a: 1 })
    await refused({ notes: Base.column('b', t.int()) }, SchemaError, /has rows, which would have no value/)
    await refused({ v: view('v', Base).column('b', t.int()) }, SchemaError, /make the column nullable/)
    const fails = udf({ name: 'sync_fails', version: 1 }, (_: number): number => {
      throw new Error('out of order')
    })
    const Failing = Base.column('b', t.int().default(1)).computed('c', (c) => fails(c.a))
    await refused({ notes: Failing, more: view('d.v', Failing) }, ComputeError, /out of order/)
    await refused({ notes: Failing }, Error, /stop/, { signal: AbortSignal.abort(new Error('stop')) })
    const { notes: kept } = await pxt.sync({ notes: Failing }, { onError: 'ignore' })
    expect(await kept.collect()).toEqual([{ a: 1, b: 1, c: null }])
  })

  test('a validator or default of a sync that failed is forgotten', async () => {
    const fails = udf({ name: 'sync_fails_too', version: 1, returns: t.int() }, (_: number): number => {
      throw new Error('out of order')
    })
    const source = await pxt.createTable('source', { a: t.int() })
    await source.insert({ a: 1 })
    const Source = table('source', { a: t.int() }).computed('c', (c) => fails(c.a))
    const First = table('first', { x: t.int().default(() => 99) })
    await expect(pxt.sync({ first: First, source: Source })).rejects.toThrow(ComputeError)
    const again = await pxt.createTable('second', { x: t.int().nullable() })
    await again.insert({})
    expect(await again.collect()).toEqual([{ x: null }])
  })
})

describe('declarations of one name', () => {
  const Base = table('notes', { text: t.string() })
  const Wider = Base.computed('n', (c) => letters(c.text))

  test('the one that adds to the other stands for both', async () => {
    const { v, notes } = await pxt.sync({ v: view('v', Base), notes: Wider })
    await notes.insert({ text: 'abc' })
    expect(await v.collect()).toEqual([{ text: 'abc', n: 3 }])
    await pxt.sync({
      w: view(
        'w',
        Wider.where((c) => c.n.gt(1)),
      ),
      v: view('v', Base),
    })
    expect((await plan({ a: Base, b: Wider }, { prune: true })).isEmpty).toBe(true)
  })

  test('two that have nothing to do with each other are an error', async () => {
    const Other = table('NOTES', { text: t.string() })
    await unchanged(async () => {
      await expect(pxt.sync({ a: Base, b: Other })).rejects.toThrow(/'notes' is declared in 2 ways/)
      await expect(pxt.sync({ v: view('v', Base), b: Other })).rejects.toThrow(SchemaError)
      await expect(pxt.sync({ a: Wider, b: Base.computed('k', (c) => c.text.upper()) })).rejects.toThrow(SchemaError)
      await expect(pxt.sync({ v: view('notes', Base) })).rejects.toThrow(SchemaError)
    })
  })

  test('and other things are none', async () => {
    await expect(pxt.sync({ a: 3 as never })).rejects.toThrow(/'a': expected what table\(\) or view\(\) returned/)
    await expect(pxt.sync(null as never)).rejects.toThrow(ValidationError)
    expect(() => table('x', null as never)).toThrow(SchemaError)
    expect(() => view('x', Pixeltable as never)).toThrow(SchemaError)
    expect(() => Base.column('x', 3 as never)).toThrow(SchemaError)
  })
})
