import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { IndexError, miniEmbed, NotFoundError, Pixeltable, t, udf } from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const people = [
  { name: 'Ada', age: 36, city: 'London', meta: { langs: ['en', 'fr'], boss: true } },
  { name: 'Bo', age: null, city: 'Oslo', meta: { langs: [], boss: false } },
  { name: 'Cy', age: 20, city: 'London', meta: { langs: ['en'], n: 5 } },
]
const open = async () => {
  const table = await pxt.createTable('people', {
    name: t.string(),
    age: t.int().nullable(),
    city: t.string(),
    meta: t.json<{ langs: string[]; boss?: boolean; n?: number }>(),
  })
  await table.insert(people)
  return table
}

describe('SQL and rows', () => {
  test('select, where, order, limit, offset', async () => {
    const table = await open()
    const query = table
      .where((c) => c.city.eq('London').and(c.age.gt(10)))
      .orderBy((c) => c.age.asc())
      .select((c) => ({ name: c.name, next: c.age.add(1) }))
      .limit(2)
      .offset(0)
    expect(query.toSQL()).toEqual({
      sql: 'SELECT t0."name" AS "name", (t0."age" + ?) AS "next" FROM "people" AS t0 WHERE ((t0."city" = ?) AND (t0."age" > ?)) ORDER BY t0."age" ASC NULLS LAST, t0._rowid LIMIT ? OFFSET ?',
      params: [1, 'London', 10, 2, 0],
    })
    expect(await query.collect()).toEqual([
      { name: 'Cy', next: 21 },
      { name: 'Ada', next: 37 },
    ])
  })

  test('an object of values, null included', async () => {
    const table = await open()
    const query = table.where({ age: null, city: 'Oslo' }).select('name')
    expect(query.toSQL()).toEqual({
      sql: 'SELECT t0."name" AS "name" FROM "people" AS t0 WHERE ((t0."age" IS NULL) AND (t0."city" = ?)) ORDER BY t0._rowid',
      params: ['Oslo'],
    })
    expect(await query.collect()).toEqual([{ name: 'Bo' }])
  })

  test('JSON paths keep their kinds', async () => {
    const table = await open()
    const rows = await table
      .select((c) => ({
        boss: c.meta.get('boss'),
        first: c.meta.get('langs').get(0),
        last: c.meta.get('langs').get(-1),
      }))
      .collect()
    expect(rows).toEqual([
      { boss: true, first: 'en', last: 'fr' },
      { boss: false, first: null, last: null },
      { boss: null, first: 'en', last: 'en' },
    ])
    expect(
      await table
        .where((c) => c.meta.get('boss').eq(true))
        .select('name')
        .collect(),
    ).toEqual([{ name: 'Ada' }])
    expect(
      await table
        .where((c) => c.meta.get('n').eq(5))
        .select('name')
        .collect(),
    ).toEqual([{ name: 'Cy' }])
    expect(await table.where((c) => c.meta.get('n').eq('5' as never)).count()).toBe(0)
    expect(
      await table
        .where((c) => c.meta.get('langs').eq(['en']))
        .select('name')
        .collect(),
    ).toEqual([{ name: 'Cy' }])
  })

  test('a view joins its base only where it is needed', async () => {
    const table = await open()
    const view = await (
      await pxt.createView(
        'londoners',
        table.where((c) => c.city.eq('London')),
      )
    ).addComputedColumn('upper', (c) => c.name.upper())
    expect(view.select('upper').toSQL().sql).toBe(
      'SELECT t0."upper" AS "upper" FROM "londoners" AS t0 ORDER BY t0._rowid',
    )
    expect(view.select('upper', 'age').toSQL().sql).toBe(
      'SELECT t0."upper" AS "upper", t1."age" AS "age" FROM "londoners" AS t0 JOIN "people" AS t1 ON t1._rowid = t0._base ORDER BY t0._rowid',
    )
    expect(await view.select('upper', 'age').collect()).toEqual([
      { upper: 'ADA', age: 36 },
      { upper: 'CY', age: 20 },
    ])
  })

  test('functions run in JavaScript over the rows that survive', async () => {
    const table = await open()
    const seen: string[] = []
    const initial = udf({ name: 'query_initial' }, (name: string) => {
      seen.push(name)
      return name[0]!
    })
    const query = table
      .where((c) => c.city.eq('London'))
      .where((c) => initial(c.name).ne('C'))
      .select((c) => ({ initial: initial(c.name), name: c.name }))
    expect(query.toSQL().params).toEqual(['London'])
    expect(await query.collect()).toEqual([{ initial: 'A', name: 'Ada' }])
    expect(seen).toEqual(['Ada', 'Cy', 'Ada'])
    expect(await query.count()).toBe(1)
    expect((await query.explain()).join('\n')).toMatch(/JavaScript: filter by functions/)
    const sorted = await table
      .orderBy((c) => initial(c.name).desc())
      .select('name')
      .limit(2)
      .collect()
    expect(sorted.map((row) => row.name)).toEqual(['Cy', 'Bo'])
  })

  test('distinct, first, head, tail, count', async () => {
    const table = await open()
    expect(await table.select('city').distinct().orderBy('city').collect()).toEqual([
      { city: 'London' },
      { city: 'Oslo' },
    ])
    expect(await table.select('city').distinct().count()).toBe(2)
    expect((await table.head(1)).map((row) => row.name)).toEqual(['Ada'])
    expect((await table.tail(2)).map((row) => row.name)).toEqual(['Bo', 'Cy'])
    expect(await table.limit(2).offset(2).count()).toBe(1)
    expect(await table.limit(0).collect()).toEqual([])
    expect(await table.where({ name: 'X' }).first()).toBeUndefined()
    await expect(table.where({ name: 'X' }).firstOrThrow()).rejects.toThrow(NotFoundError)
    expect((await table.orderBy('age', 'desc').collect()).map((row) => row.name)).toEqual(['Ada', 'Cy', 'Bo'])
  })
})

test('builders are immutable and not thenable', async () => {
  const table = await open()
  const half = table.where((c) => c.city.eq('London'))
  const before = half.toSQL()
  half.where({ name: 'Ada' }).limit(1).orderBy('age').select('name')
  expect(half.toSQL()).toEqual(before)
  expect('then' in half).toBe(false)
  expect('then' in table).toBe(false)
  expect(await half.count()).toBe(2)
})

test('a stream gives what collect gives, and writes may go on meanwhile', async () => {
  const table = await pxt.createTable('numbers', { n: t.int() })
  await table.insert(Array.from({ length: 2500 }, (_, n) => ({ n })))
  const odd = table.where((c) => c.n.mod(2).eq(1))
  const streamed: number[] = []
  for await (const { n } of odd) {
    if (streamed.length === 0) await table.delete().where({ n: 0 }).run()
    streamed.push(n)
  }
  expect(streamed).toEqual((await odd.collect()).map((row) => row.n))
  expect(streamed).toHaveLength(1250)
  const page: number[] = []
  for await (const { n } of table.limit(1200).offset(1000)) page.push(n)
  expect(page).toEqual(Array.from({ length: 1200 }, (_, i) => i + 1001))
})

describe('similarity', () => {
  const cosine = (a: readonly number[], b: readonly number[]): number => {
    const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, v, i) => sum + v * y[i]!, 0)
    const norm = Math.sqrt(dot(a, a) * dot(b, b))
    return norm === 0 ? 0 : dot(a, b) / norm
  }
  const scores = {
    cosine,
    euclidean: (a: readonly number[], b: readonly number[]) => 1 / (1 + Math.hypot(...a.map((v, i) => v - b[i]!))),
    inner_product: (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i]!, 0),
  }

  test.each(['cosine', 'euclidean', 'inner_product'] as const)('%s is exact under any filter', async (metric) => {
    const number = fc.integer({ min: -4, max: 4 })
    const vector = fc.tuple(number, number, number)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ v: vector, k: fc.integer({ min: 0, max: 3 }) }), { maxLength: 40 }),
        vector,
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 0, max: 5 }),
        async (rows, query, k, limit, offset) => {
          const table = await pxt.createTable('points', { v: t.vector(3), k: t.int() }, { ifExists: 'replace' })
          const points = await table.addEmbeddingIndex('v', { metric })
          await points.insert(rows)
          const found = await points
            .similarity('v', query)
            .where((c) => c.k.lte(k))
            .limit(limit)
            .offset(offset)
            .select((c) => ({ id: c._rowid, score: c.score }))
            .collect()
          const expected = rows
            .map((row, i) => ({ id: i + 1, k: row.k, score: scores[metric](row.v, query) }))
            .filter((row) => row.k <= k)
          // Float32 and float64 can order near ties differently: scores must agree, and each must be its row's.
          const best = expected.map((row) => row.score).sort((a, b) => b - a)
          expect(found).toHaveLength(Math.max(0, Math.min(limit, expected.length - offset)))
          found.forEach((row, i) => {
            expect(row.score).toBeCloseTo(best[offset + i]!, 5)
            expect(row.score).toBeCloseTo(expected.find((e) => e.id === row.id)!.score, 5)
          })
        },
      ),
      { numRuns: 60 },
    )
  })

  test('ranks row ids and scores first, and fetches columns of the winners', async () => {
    const table = await pxt.createTable('points', { v: t.vector(2), k: t.int() })
    const points = await table.addEmbeddingIndex('v')
    await points.insert([
      { v: [1, 0], k: 1 },
      { v: [0, 1], k: 2 },
    ])
    const query = points.similarity('v', [1, 0]).limit(1).select('k', 'score')
    expect(query.toSQL().sql).toBe(
      'SELECT t0."k" AS "k", ranked.score AS "score" FROM (SELECT x._rowid AS id, coalesce(1 - vec_distance_cosine(x.vector, ?), 0) AS score FROM (SELECT _rowid, "v" AS vector FROM "points") AS x ORDER BY score DESC, id LIMIT ?) AS ranked CROSS JOIN "points" AS t0 WHERE t0._rowid = ranked.id ORDER BY ranked.score DESC, ranked.id',
    )
    expect(await query.collect()).toEqual([{ k: 1, score: 1 }])
    expect((await query.explain())[0]).toMatch(/search: exact, cosine/)
  })

  test('rows without a value are not ranked; updates and drops are followed', async () => {
    const table = await pxt.createTable('notes', { text: t.string().nullable() })
    const notes = await table.addEmbeddingIndex('text', { embed: miniEmbed(), name: 'meaning' })
    await notes.insert([{ text: 'green tea' }, { text: null }])
    const query = notes.similarity('text', 'tea')
    expect(await query.select('text').collect()).toEqual([{ text: 'green tea' }])
    await notes.update({ text: null }).where({ text: 'green tea' }).run()
    expect(await query.count()).toBe(0)
    await notes.update({ text: 'black tea' }).all().run()
    expect(await query.count()).toBe(2)
    await notes.dropEmbeddingIndex({ name: 'meaning' })
    await expect(query.collect()).rejects.toThrow(IndexError)
    await notes.addEmbeddingIndex('text', { embed: miniEmbed(), name: 'meaning' })
    expect(await query.count()).toBe(2)
    expect(await pxt.indexes('notes')).toEqual([
      {
        table: 'notes',
        name: 'meaning',
        type: 'vector',
        precision: 'float32',
        exact: true,
        column: 'text',
        status: 'ready',
        coverage: { kind: 'index', name: 'meaning', rows: 2, done: 2, pending: 0, failed: 0 },
        bytes: 4096,
        memoryBytes: 0,
        method: 'flat',
        metric: 'cosine',
        embedder: 'mini-embed@1',
        dimensions: 384,
      },
    ])
  })

  test('only new and changed values are embedded', async () => {
    const embedded: string[] = []
    const embed = {
      name: 'counting',
      version: 1,
      embed: async (texts: readonly (string | Uint8Array)[]) => {
        embedded.push(...(texts as string[]))
        return texts.map((text) => [text.length, 1])
      },
    }
    const table = await pxt.createTable('notes', { text: t.string(), tag: t.string() })
    await table.insert([
      { text: 'a', tag: 'x' },
      { text: 'bb', tag: 'x' },
    ])
    const notes = await table.addEmbeddingIndex('text', { embed })
    await notes.insert({ text: 'ccc', tag: 'y' })
    await notes.update({ tag: 'z' }).all().run()
    await notes
      .update({ text: (c) => c.text.concat('!') })
      .where({ tag: 'z', text: 'a' })
      .run()
    expect(embedded).toEqual(['a', 'bb', 'ccc', 'a!'])
    await notes.similarity('text', 'q').collect()
    await notes.similarity('text', 'q').collect()
    expect(embedded).toEqual(['a', 'bb', 'ccc', 'a!', 'q'])
  })
})
