import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { documentSplitter, IndexError, Pixeltable, query, t, udf } from '../../src/index.js'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pxt-text-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function notesIn(pxt: Pixeltable) {
  const plain = await pxt.createTable('notes', { id: t.int(), text: t.string().nullable(), year: t.int() })
  const notes = await plain.addTextIndex('text', { language: 'en' })
  await notes.insert([
    { id: 1, text: 'Green tea steeps for three minutes', year: 2024 },
    { id: 2, text: 'Bread bakes, and teas cool', year: 2025 },
    { id: 3, text: null, year: 2025 },
    { id: 4, text: 'Changing a bicycle tyre', year: 2024 },
    { id: 5, text: 'Black coffee. Green coffee. Green green tea', year: 2023 },
  ])
  return notes
}

/** Terms by row, as the index in the file has them; checked for what SQLite can tell. */
function stored(path: string, name: string): Record<number, (string | null)[]> {
  const db = new SQLite(path)
  db.prepare(`INSERT INTO "${name}" ("${name}", rank) VALUES ('integrity-check', 0)`).run()
  const rows = db.prepare(`SELECT rowid, * FROM "${name}" ORDER BY rowid`).raw().all() as [number, ...string[]][]
  db.close()
  return Object.fromEntries(rows.map(([id, ...terms]) => [id, terms]))
}

describe('match', () => {
  test('ranks in a subquery, then fetches columns', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const notes = await notesIn(pxt)
    const found = notes.match('text', 'teas').select('id').limit(2)
    expect(found.toSQL()).toEqual({
      sql: 'SELECT t0."id" AS "id" FROM (SELECT x._rowid AS id, x.score AS score FROM (SELECT rowid AS _rowid, -rank AS score FROM "notes@text_text@text" WHERE "notes@text_text@text" MATCH ? LIMIT -1) AS x ORDER BY score DESC, id LIMIT ?) AS ranked CROSS JOIN "notes" AS t0 WHERE t0._rowid = ranked.id ORDER BY ranked.score DESC, ranked.id',
      params: ['"tea"', 2],
    })
    const how = "search: words of text by BM25, index 'text_text' on 'notes', "
    expect(await found.explain()).toContain(`${how}in SQL`)
    for (let i = 0; i < 2; i++) expect(await found.collect()).toEqual([{ id: 2 }, { id: 1 }])
    expect(await found.explain()).toContain(`${how}in memory (postings)`)
    expect(await notes.match('text', 'tea').count()).toBe(3)
    expect(notes.match('text', '"green tea" -bread +steep').toSQL().params).toEqual([
      '("steep" OR "green tea")',
      '"steep"',
      '"bread"',
    ])
  })

  test('goes with every clause, and a filter costs no hit', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const notes = await notesIn(pxt)
    const ids = async (rows: { collect(): Promise<{ id: number }[]> }) => (await rows.collect()).map(({ id }) => id)
    expect(await ids(notes.match('text', 'green tea').where({ year: 2025 }).limit(1))).toEqual([2])
    expect(
      await ids(
        notes
          .where((c) => c.year.lt(2025))
          .limit(1)
          .subquery()
          .orderBy('id'),
      ),
    ).toEqual([1])
    expect(await ids(notes.match('text', 'green tea').orderBy('id').limit(2).offset(1))).toEqual([2, 5])
    expect(await ids(notes.match('text', 'green tea').limit(1).offset(1))).toHaveLength(1)
    expect(
      await notes
        .match('text', 'green tea')
        .where((c) => c.score.gt(100))
        .collect(),
    ).toEqual([])
    expect(await notes.match('text', 'bicycle').threshold(0.1).select('id').collect()).toEqual([{ id: 4 }])
    const years = notes.match('text', 'green').groupBy('year').select('year').orderBy('year')
    expect(await years.collect()).toEqual([{ year: 2023 }, { year: 2024 }])
    const joined = notes.match('text', 'bicycle').select('id', 'score').join(notes.select('id', 'year'), 'id')
    expect(await joined.select('id', 'year').collect()).toEqual([{ id: 4, year: 2024 }])
    const streamed = []
    for await (const { id } of notes.match('text', 'green').select('id').stream()) streamed.push(id)
    expect(streamed).toEqual(await ids(notes.match('text', 'green')))
    expect(await notes.match('text', 'tyre', { as: 'bm25' }).select('id', 'bm25').first()).toMatchObject({ id: 4 })
    const short = udf({ name: 'text_short' }, (s: string) => s.length < 30)
    expect(await ids(notes.match('text', 'tea').where((c) => short(c.text.coalesce(''))))).toEqual([2])
    expect(await ids(notes.match('text', 'green coffee', { operator: 'and' }))).toEqual([5])
  })

  test('words that most rows have are tried without, and counted where they matter', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const plain = await pxt.createTable('docs', { text: t.string(), n: t.int() })
    const docs = await plain.addTextIndex('text')
    const word = (i: number) => `w${(i * 7919) % 101}`
    await docs.insert(
      Array.from({ length: 6000 }, (_, i) => ({
        text: `the ${word(i)} of ${word(i * i)} ${'a '.repeat(i % 5)}`,
        n: i,
      })),
    )
    const same = async (asked: string, limit: number) => {
      const all = await docs.match('text', asked).select('n', 'score').collect()
      const best = await docs.match('text', asked).select('n', 'score').limit(limit).collect()
      expect(best.map(({ n }) => n)).toEqual(all.slice(0, limit).map(({ n }) => n))
      best.forEach(({ score }, i) => {
        expect(score).toBeCloseTo(all[i]!.score, 4)
      })
    }
    for (const asked of ['the w3 of w5', 'the of', 'the w3', 'the nothing', '"the w3" of', '+of w3', 'of -the w3']) {
      for (const limit of [1, 10, 200, 1000]) await same(asked, limit)
    }
    // What is common changes with the rows.
    await docs
      .delete()
      .where((c) => c.n.gte(500))
      .run()
    await docs.insert(Array.from({ length: 5500 }, (_, i) => ({ text: `other ${i}`, n: 10_000 + i })))
    await same('the other', 10)
  })

  test('takes queries of any length', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const notes = await notesIn(pxt)
    const long = Array.from({ length: 5000 }, (_, i) => `w${i}`).join(' ')
    expect(await notes.match('text', `${long} tyre`).select('id').collect()).toEqual([{ id: 4 }])
    expect(await notes.match('text', `${long} +tyre "${long}" ${long.replaceAll('w', '-v')}`).count()).toBe(1)
    expect(await notes.match('text', `"${long}"*`).count()).toBe(0)
  })

  test('takes a parameter of a query function', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const notes = await notesIn(pxt)
    const search = query('search_notes', { words: t.string() }, ({ words }) => notes.match('text', words).select('id'))
    expect(await search({ words: 'tyres' })).toEqual([{ id: 4 }])
    expect(await search({ words: '"' })).toEqual([])
  })

  test('refuses what makes no sense, at the call', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const notes = await notesIn(pxt)
    const any = await pxt.getTable('notes')
    expect(() => any.match('year', 'x')).toThrow(IndexError)
    expect(() => any.match('year', 'x')).toThrow(
      /no text index on column 'year' of 'notes': call addTextIndex\('year'\)/,
    )
    expect(() => any.match('nope', 'x')).toThrow(/no column 'nope'/)
    expect(() => any.match(['text', 'year'], 'x')).toThrow(/addTextIndex\(\['text', 'year'\]\)/)
    expect(() => notes.match('text', 7 as never)).toThrow(/match\(\): expected text, got the number 7/)
    expect(() => notes.match('text', 'x', { operator: 'xor' as never })).toThrow(/'or' or 'and'/)
    expect(() => notes.match('text', 'x', { as: 'year' })).toThrow(/has a column 'year'/)
    expect(() => notes.match('text', 'x', { index: 'far' })).toThrow(/no text index 'far'.*text_text/)
    await notes.addTextIndex('text', { name: 'exact' })
    expect(() => notes.match('text', 'x')).toThrow(/several text indexes.*text_text, exact/)
    expect(await notes.match('text', 'teas', { index: 'exact' }).select('id').collect()).toEqual([{ id: 2 }])
  })
})

describe('addTextIndex', () => {
  test('several columns with weights', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const plain = await pxt.createTable('docs', { title: t.string(), body: t.string() })
    const docs = await plain.addTextIndex({ title: 5, body: 1 })
    await docs.insert([
      { title: 'one', body: 'tea tea tea tea' },
      { title: 'tea', body: 'one two three four five' },
      ...Array.from({ length: 8 }, (_, i) => ({ title: `n${i}`, body: 'nothing' })),
    ])
    const found = async (columns: 'title' | 'body' | ['title', 'body']) =>
      (await docs.match(columns as 'title', 'tea').collect()).map((row) => row.title)
    expect(await found(['title', 'body'])).toEqual(['tea', 'one'])
    expect(await found('body')).toEqual(['one'])
    expect(await found('title')).toEqual(['tea'])
    expect(String(await docs.describe())).toContain('index title_body_text: text of title (5), body; none')
    expect(await pxt.indexes('docs')).toMatchObject([
      { name: 'title_body_text', columns: { title: 5, body: 1 }, method: 'bm25', language: 'none', tokenizer: 'words' },
    ])
  })

  test('refuses what makes no index', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const notes = await notesIn(pxt)
    const lazy = await notes.addComputedColumn('loud', (c) => c.text.upper(), { stored: false })
    const any = lazy as any
    await expect(any.addTextIndex('year')).rejects.toThrow(/expected columns of strings; 'year' is int/)
    await expect(any.addTextIndex('loud')).rejects.toThrow(/not stored/)
    await expect(any.addTextIndex('nope')).rejects.toThrow(/no column 'nope'/)
    await expect(any.addTextIndex([])).rejects.toThrow(/expected a column/)
    await expect(any.addTextIndex(['text', 'text'])).rejects.toThrow(/listed twice/)
    await expect(any.addTextIndex({ text: 0 })).rejects.toThrow(/weight above 0/)
    await expect(any.addTextIndex('text', { language: 'not a language' })).rejects.toThrow(/language: expected a tag/)
    await expect(any.addTextIndex('text', { tokenizer: 'bytes' })).rejects.toThrow(/'words' or 'trigram'/)
    await expect(any.addTextIndex('text', { prefix: [0] })).rejects.toThrow(/whole numbers from 1 to 20/)
    await expect(any.addTextIndex('text', { language: 'en' })).rejects.toThrow(/identical.*text_text/)
    await expect(any.addTextIndex('text', { name: 'text_text' })).rejects.toThrow(/already/)
    await expect(any.addTextIndex('text', { name: 'history' })).rejects.toThrow(/reserved/)
    expect((await pxt.indexes()).length).toBe(1)
  })

  test('ignores, replaces and drops', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const notes = await notesIn(pxt)
    await notes.addTextIndex('text', { ifExists: 'ignore' })
    expect(await notes.match('text', 'steeping').count()).toBe(1)
    const plain = await notes.addTextIndex('text', { ifExists: 'replace', prefix: [3, 2, 3] })
    expect(await plain.match('text', 'steeping').count()).toBe(0)
    expect(await pxt.indexes()).toMatchObject([{ name: 'text_text', language: 'none', prefix: [2, 3] }])
    await plain.dropTextIndex({ column: 'text' })
    expect(() => plain.match('text', 'tea')).toThrow(/no text index/)
    await expect(plain.dropTextIndex({ name: 'text_text' })).rejects.toThrow(/no text index 'text_text'/)
    await expect(plain.dropTextIndex({})).rejects.toThrow(/either/)
    // What was dropped is there again after a revert, and was there before.
    await plain.revert()
    expect(await plain.match('text', 'green').count()).toBe(2)
  })

  test('trigrams find any part of a text', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const plain = await pxt.createTable('files', { path: t.string() })
    const files = await plain.addTextIndex('path', { tokenizer: 'trigram' })
    await files.insert([{ path: 'src/Parser.ts' }, { path: 'src/parse-all.ts' }, { path: 'docs/日本語.md' }])
    const found = async (asked: string) => (await files.match('path', asked).collect()).map((row) => row.path).sort()
    expect(await found('arse')).toEqual(['src/Parser.ts', 'src/parse-all.ts'])
    expect(await found('c/p')).toEqual(['src/Parser.ts', 'src/parse-all.ts'])
    expect(await found('r.t')).toEqual(['src/Parser.ts'])
    expect(await found('-a')).toEqual([])
    expect(await found('"-a"')).toEqual(['src/parse-all.ts'])
    expect(await found('日')).toEqual(['docs/日本語.md'])
    expect(await found('md')).toEqual(['docs/日本語.md'])
    expect(await found('parse -all')).toEqual(['src/Parser.ts'])
  })
})

describe('in step with rows', () => {
  test('inserts, updates, deletes, reverts, vacuum and another process', async () => {
    const path = join(folder, 'step.db')
    let pxt = await Pixeltable.open(path)
    let notes = await notesIn(pxt)
    const name = 'notes@text_text@text'
    const first = stored(path, name)
    expect(first).toEqual({
      1: ['green tea steep for three minut'],
      2: ['bread bake and tea cool'],
      3: [null],
      4: ['chang a bicycl tyre'],
      5: ['black coffe green coffe green green tea'],
    })
    await notes.update({ text: 'Nothing' }).where({ id: 1 }).run()
    await notes.update({ year: 1 }).where({ id: 2 }).run()
    await notes.delete().where({ id: 5 }).run()
    const second = { ...first, 1: ['noth'] }
    delete (second as Record<number, unknown>)[5]
    expect(stored(path, name)).toEqual(second)
    await expect(
      notes.insert([
        { id: 6, text: 'never', year: 1 },
        { id: 7, text: 7 as never, year: 1 },
      ]),
    ).rejects.toThrow()
    await expect(
      pxt.transaction(async (tx) => {
        await (await tx.getTable('notes')).insert({ id: 8, text: 'aborted', year: 1 })
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(stored(path, name)).toEqual(second)
    pxt.close()
    pxt = await Pixeltable.open(path)
    notes = (await pxt.getTable('notes')) as any
    for (let i = 0; i < 3; i++) await notes.revert()
    expect(stored(path, name)).toEqual(first)
    await pxt.vacuum({ keepVersions: 1 })
    expect(stored(path, name)).toEqual(first)
    pxt.close()
  })

  test('earlier versions are searched as they were, with their statistics', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const notes = await notesIn(pxt)
    const [{ version } = { version: 0 }] = await notes.history(1)
    const then = await notes.match('text', 'green tea').select('id', 'score').collect()
    await pxt.createSnapshot(
      'snap',
      notes.where((c) => c.id.gt(1)),
    )
    await notes.update({ text: 'tea' }).all().run()
    await notes.dropTextIndex({ column: 'text' })
    await notes.renameColumn('text', 'words')
    expect(await notes.asOf(version).match('text', 'green tea').select('id', 'score').collect()).toEqual(then)
    const snapshot = await pxt.getTable('snap')
    expect(await snapshot.match('text', 'green tea').select('id', 'score').collect()).toEqual(
      then.filter(({ id }) => id > 1),
    )
    expect(() => snapshot.match('text', 'tea').toSQL()).toThrow(/earlier version: its SQL is known once it runs/)
    expect(await snapshot.match('text', 'tea').explain()).toContainEqual(expect.stringContaining('temp."held_'))
  })

  test('views: own columns and those of bases', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const docs = await pxt.createTable('docs', { file: t.document(), topic: t.string() })
    const chunks = await (
      await pxt.createView('chunks', docs, { iterator: documentSplitter((c) => c.file, { separators: ['sentence'] }) })
    ).addTextIndex({ text: 2, topic: 1 }, { language: 'en' })
    const file = (text: string) => new Blob([text], { type: 'text/plain' })
    await docs.insert([
      { file: file('Tea steeps. Bread bakes.'), topic: 'kitchen' },
      { file: file('Tyres roll.'), topic: 'bicycles' },
    ])
    const found = async (asked: string) =>
      (await chunks.match(['text', 'topic'], asked).orderBy('text').collect()).map((row) => row.text.trim())
    expect(await found('kitchen')).toEqual(['Bread bakes.', 'Tea steeps.'])
    await docs.update({ topic: 'garage' }).where({ topic: 'bicycles' }).run()
    expect(await found('garage')).toEqual(['Tyres roll.'])
    expect(await found('bicycle')).toEqual([])
    await docs
      .update({ file: file('Water boils.') })
      .where({ topic: 'kitchen' })
      .run()
    expect(await found('kitchen')).toEqual(['Water boils.'])
    await docs.delete().where({ topic: 'garage' }).run()
    expect(await found('garage')).toEqual([])
    await docs.revert()
    expect(await found('garage')).toEqual(['Tyres roll.'])
    // A view below uses the index of its base.
    const wet = await pxt.createView(
      'wet',
      chunks.where((c) => c.text.contains('Water')),
    )
    const rows = await (await pxt.getTable('wet')).match('text', 'boiling tyres').select('text').collect()
    expect(rows.map((row) => String(row.text).trim())).toEqual(['Water boils.'])
    expect(wet.kind).toBe('view')
  })

  test('computed columns, also those that are computed later', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const plain = await pxt.createTable('notes', { text: t.string() })
    let suffix = 'one'
    const tag = udf({ name: 'text_tag', returns: t.string() }, (s: string) => `${s} ${suffix}`)
    const tagged = await plain.addComputedColumn('tagged', (c) => tag(c.text))
    const notes = await tagged.addTextIndex(['text', 'tagged'])
    await notes.insert([{ text: 'tea' }, { text: 'bread' }], { compute: 'deferred' })
    expect(await notes.match('text', 'tea').count()).toBe(1)
    expect(await notes.match('tagged', 'one').count()).toBe(0)
    await pxt.drain()
    expect(await notes.match('tagged', 'one').count()).toBe(2)
    suffix = 'two'
    await notes.recompute('tagged', { where: { text: 'tea' } })
    expect(await notes.match('tagged', 'two').select('text').collect()).toEqual([{ text: 'tea' }])
    await notes.alterComputedColumn('tagged', (c) => c.text.nullIf('tea').concat(' three'))
    expect(await notes.match('tagged', 'one two').count()).toBe(0)
    expect(await notes.match('tagged', 'three').select('text').collect()).toEqual([{ text: 'bread' }])
    await notes.revert()
    expect(await notes.match('tagged', 'one two').count()).toBe(2)
    await expect(notes.alterComputedColumn('tagged', (c) => c.text.length())).rejects.toThrow(
      /text index 'text_tagged_text'/,
    )
  })

  test('tables and columns that are renamed or dropped', async () => {
    const path = join(folder, 'renamed.db')
    const pxt = await Pixeltable.open(path)
    const notes = await notesIn(pxt)
    await pxt.createDir('app')
    await pxt.move('notes', 'app.notes')
    const renamed = await notes.renameColumn('text', 'words')
    await renamed.insert({ id: 6, words: 'fresh tea', year: 1 })
    expect(await renamed.match('words', 'fresh').count()).toBe(1)
    expect(stored(path, 'app.notes@text_text@text')[6]).toEqual(['fresh tea'])
    await renamed.dropColumn('words')
    expect(await pxt.indexes()).toEqual([])
    await pxt.dropTable('app.notes')
    const db = new SQLite(path, { readonly: true })
    expect(db.prepare(`SELECT name FROM sqlite_schema WHERE name LIKE '%notes%'`).all()).toEqual([])
    db.close()
    pxt.close()
  })
})
