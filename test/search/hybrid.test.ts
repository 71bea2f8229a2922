import type { RerankingModel } from 'ai'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  highlight,
  IndexError,
  type LegScores,
  miniEmbed,
  Pixeltable,
  QueryError,
  query,
  type RerankingModelLike,
  t,
  udf,
} from '../../src/index.js'
import { fuse } from '../../src/search/fusion/fuse.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const texts = [
  'How to brew green tea',
  'Changing a bicycle tyre',
  'Brewing green tea at home, cup by cup',
  'Hot chocolate for two',
  'Tea ceremonies of Japan',
  'The history of the bicycle',
  'Boiling water for pasta',
]

async function notes() {
  const table = await pxt.createTable('notes', { text: t.string(), year: t.int(), place: t.vector(2) })
  const matched = await table.addTextIndex('text', { language: 'en' })
  const embedded = await matched.addEmbeddingIndex('text', { embed: miniEmbed() })
  const placed = await embedded.addEmbeddingIndex('place', { metric: 'euclidean' })
  await placed.insert(texts.map((text, i) => ({ text, year: 2020 + i, place: [i, -i] })))
  // The first search is the database's, which adds up in float32; later ones are made in memory.
  await placed.similarity('text', 'anything').limit(1).collect()
  await placed.similarity('place', [0, 0]).limit(1).collect()
  return placed
}

describe('hybrid', () => {
  test('is the fusion of its legs', async () => {
    const table = await notes()
    const of = async (found: { collect(): Promise<any[]> }) =>
      (await found.collect()).map(({ id, score }) => ({ rowid: id as number, score: score as number }))
    const columns = (c: any) => ({ id: c._rowid, score: c.score })
    const words = await of(table.match('text', 'brewing tea').limit(200).select(columns))
    const vectors = await of(table.similarity('text', 'brewing tea').limit(200).select(columns))
    const legs = (text: number, vector: number) => [
      { name: 'match', weight: text, candidates: words },
      { name: 'similarity', weight: vector, candidates: vectors },
    ]
    const expected = fuse(legs(0.75, 0.25)).map(({ rowid, score }) => ({ rowid, score }))
    expect(await of(table.hybrid('text', 'brewing tea').select(columns))).toEqual(expected)
    const weighted = fuse(legs(1, 3), { fusion: 'rrf' }).map(({ rowid, score }) => ({ rowid, score }))
    const options = { weights: [1, 3], fusion: 'rrf' } as const
    expect(await of(table.hybrid('text', 'brewing tea', options).select(columns))).toEqual(weighted)
    // Pages are parts of the whole.
    const pages = [0, 2, 4].map((from) => table.hybrid('text', 'brewing tea').select(columns).limit(2).offset(from))
    expect((await Promise.all(pages.map(of))).flat()).toEqual(expected.slice(0, 6))
  })

  test('takes any legs, each among the rows that a filter keeps', async () => {
    const table = await notes()
    const found = table
      .hybrid(
        [
          { match: 'text', query: 'tea', weight: 1 },
          { similarity: 'place', query: [6, -6], weight: 1, name: 'near' },
          { similarity: 'text', query: { string: 'hot drinks' }, weight: 0 },
        ],
        { as: 'relevance', candidates: 2 },
      )
      .where((c) => c.year.gt(2021))
    const rows = await found.select('year').withScores().collect()
    // One row each of tea and of closeness is first in its leg; the leg without weight brings nothing.
    expect(rows.map(({ year }) => year).toSorted()).toEqual([2022, 2024, 2025, 2026])
    for (const { scores } of rows) expect(Object.keys(scores)).toEqual(['match', 'near', 'similarity'])
    const nearest = rows.find(({ year }) => year === 2026)!
    expect(nearest.scores.near).toMatchObject({ rank: 1, score: 1, normalized: 1 } satisfies Partial<LegScores>)
    expect(nearest.scores.match).toBeNull()
    expect(await found.count()).toBe(4)
    expect(Object.keys((await found.first())!)).toEqual(['text', 'year', 'place', 'relevance'])
    // Functions of JavaScript filter the legs too.
    const even = udf({ name: 'hybrid_even' }, (year: number) => year % 2 === 0)
    const evens = await table
      .hybrid('text', 'tea')
      .where((c) => even(c.year))
      .select('year')
      .collect()
    expect(evens.map(({ year }) => year).toSorted()).toEqual([2020, 2022, 2024, 2026])
  })

  test('shows ranks, scores and terms of each leg, and marks words', async () => {
    const table = await notes()
    const [first] = await table
      .hybrid('text', 'brewed teas')
      .select((c) => ({ marked: highlight(c.text), score: c.score }))
      .limit(1)
      .withScores()
      .collect()
    expect(first!.marked).toBe('How to <mark>brew</mark> green <mark>tea</mark>')
    expect(first!.scores.match).toMatchObject({ rank: 1, normalized: 1, terms: ['brew', 'tea'] })
    expect(first!.scores.similarity!.rank).toBeGreaterThanOrEqual(1)
    expect(first!.scores.similarity).not.toHaveProperty('terms')
    const single = await table.similarity('text', 'tea').select('text').withScores().limit(2).collect()
    expect(single.map(({ scores }) => scores.similarity!.rank)).toEqual([1, 2])
  })

  test('works in query functions, subqueries and groups, and explains itself', async () => {
    const table = await notes()
    const search = query('hybrid_search', { text: t.string(), n: t.int() }, (p) =>
      table
        .hybrid('text', p.text)
        .where((c) => c.year.lt(2025))
        .limit(p.n)
        .select('text'),
    )
    expect(await search({ text: 'bicycle', n: 1 })).toEqual([{ text: 'Changing a bicycle tyre' }])
    expect(await search({ text: 'chocolate', n: 1 })).toEqual([{ text: 'Hot chocolate for two' }])
    const hits = table.hybrid('text', 'tea').limit(3).select('year').subquery()
    expect(await hits.where((c) => c.year.gt(2020)).count()).toBe(2)
    const plan = await table.hybrid('text', 'tea').mmr().explain()
    expect(plan.slice(0, 4)).toEqual([
      "search: leg 'match' over text, weight 0.75, 200 rows at least",
      "search: leg 'similarity' over text, weight 0.25, 200 rows at least",
      'search: legs fused by score',
      'search: then mmr',
    ])
    expect(() => table.hybrid('text', 'tea').toSQL()).toThrow(/known once it runs/)
    const { version } = await table.delete().where({ year: 2020 }).run()
    expect((await table.hybrid('text', 'brew green tea').first())!.year).toBe(2022)
    expect(
      (await table
        .asOf(version - 1)
        .hybrid('text', 'brew green tea')
        .first())!.year,
    ).toBe(2020)
  })

  test('refuses what does not fit, at the call', async () => {
    const table = await notes()
    const bare = await pxt.createTable('bare', { text: t.string() })
    expect(() => bare.hybrid('text' as never, 'tea')).toThrow(IndexError)
    expect(() => table.hybrid('text', 'tea', { weights: [1, -1] })).toThrow(QueryError)
    expect(() => table.hybrid('text', 'tea', { weights: [0, 0] })).toThrow(QueryError)
    expect(() => table.hybrid('text', 'tea', { weights: [1] as never })).toThrow(/expected two/)
    expect(() => table.hybrid('text', 'tea', { candidates: 0 })).toThrow(/candidates/)
    expect(() => table.hybrid('text', 'tea', { fusion: 'max' as never })).toThrow(/fusion/)
    expect(() => table.hybrid([] as never)).toThrow(/legs/)
    expect(() => table.hybrid([{ query: 'tea' } as never])).toThrow(/one of match, similarity and maxSim/)
    const two = { match: 'text', maxSim: 'text', query: 'tea' }
    expect(() => table.hybrid([two as never])).toThrow(/one of match, similarity and maxSim/)
    expect(() => table.hybrid([{ maxSim: 'text', query: 'tea' } as never])).toThrow(IndexError)
    expect(() => table.mmr()).toThrow(/makes no search/)
    expect(() => table.match('text', 'tea').mmr()).toThrow(/by vectors/)
    expect(() => table.match('text', 'tea').mmr({ lambda: 2 })).toThrow(/lambda/)
    expect(() => table.similarity('place', [1, 2]).rerank(async () => [])).toThrow(/looks for no text/)
    expect(() => table.match('text', 'tea').rerank({} as never)).toThrow(/reranking model/)
    expect(() => table.match('text', 'tea').groupByDocument()).toThrow(/has no base/)
    expect(() => table.match('text', 'tea').groupByDocument(0, 'year')).toThrow(/count/)
  })
})

describe('legs of several vectors a row', () => {
  /** A vector a letter: words are near that share letters. */
  const letters = (words: readonly string[]): number[][][] =>
    words.map((word) => Array.from(word, (c) => [Math.cos(c.charCodeAt(0)), Math.sin(c.charCodeAt(0))]))
  const turned = (...angles: number[]): number[][] => angles.map((x) => [Math.cos(x), Math.sin(x)])

  async function pages() {
    const schema = { text: t.string(), year: t.int(), patches: t.multiVector(2), place: t.vector(2) }
    const table = await pxt.createTable('pages', schema)
    const matched = await table.addTextIndex('text', { language: 'en' })
    const placed = await matched.addEmbeddingIndex('place')
    const lettered = await placed.addMultiVectorIndex('text', { embed: letters })
    const indexed = await lettered.addMultiVectorIndex('patches')
    await indexed.insert(
      texts.map((text, i) => ({ text, year: 2020 + i, patches: turned(i, 2 * i, 3 * i), place: turned(i)[0]! })),
    )
    return indexed
  }

  test('are fused with others by their scores', async () => {
    const table = await pages()
    const columns = (c: any) => ({ id: c._rowid, score: c.score })
    const of = async (found: { collect(): Promise<any[]> }) =>
      (await found.collect()).map(({ id, score }) => ({ rowid: id as number, score: score as number }))
    const query = { vectors: turned(4, 1) }
    const legs = [
      { name: 'match', weight: 1, candidates: await of(table.match('text', 'brewing tea').select(columns)) },
      { name: 'maxSim', weight: 2, candidates: await of(table.maxSim('patches', query).select(columns)) },
      { name: 'letters', weight: 0.25, candidates: await of(table.maxSim('text', 'tea').select(columns)) },
    ]
    expect(legs.map(({ candidates }) => candidates.length)).toEqual([3, 7, 7])
    const found = table.hybrid([
      { match: 'text', query: 'brewing tea', weight: 1 },
      { maxSim: 'patches', query, weight: 2 },
      { maxSim: 'text', query: { string: 'tea' }, index: 'text_letters', name: 'letters' },
    ])
    const expected = fuse(legs).map(({ rowid, score }) => ({ rowid, score }))
    expect(await of(found.select(columns))).toEqual(expected)
    expect(await of(found.select(columns).limit(2).offset(1))).toEqual(expected.slice(1, 3))
    const first = await found.select('year').withScores().first()
    expect(Object.keys(first!.scores)).toEqual(['match', 'maxSim', 'letters'])
    // A filter applies to each leg: what it leaves is ranked from 1.
    const late = await found.where({ year: 2026 }).withScores().collect()
    expect(late.map(({ year, scores }) => [year, scores.maxSim!.rank, scores.letters!.rank])).toEqual([[2026, 1, 1]])
    expect((await found.explain()).slice(1, 4)).toEqual([
      "search: leg 'maxSim' over patches, weight 2, 200 rows at least",
      "search: leg 'letters' over text, weight 0.25, 200 rows at least",
      'search: legs fused by score',
    ])
  })

  test('go with stages, query functions and earlier versions', async () => {
    const table = await pages()
    const query = { vectors: turned(5) }
    const rescored = table.maxSim('patches', query).rescore((c) => c.year.mul(-1))
    const [first] = await rescored.select('year').withScores().limit(1).collect()
    expect(first).toMatchObject({ year: 2020, scores: { maxSim: { normalized: expect.any(Number) } } })
    // Rows are compared by the leg that has one vector a row.
    const diverse = table.hybrid([
      { maxSim: 'patches', query },
      { similarity: 'place', query: [1, 0] },
    ])
    expect(await diverse.mmr({ lambda: 0.5 }).count()).toBe(7)
    expect(() => table.maxSim('patches', query).mmr()).toThrow(/one a row/)
    const search = searchOf(table)
    expect(await search({ text: 'bicycle' })).toHaveLength(2)
    const { version } = await table.delete().where({ year: 2025 }).run()
    const nearest = (rows: Pick<typeof table, 'hybrid'>) => rows.hybrid([{ maxSim: 'patches', query }]).first()
    expect((await nearest(table))!.year).not.toBe(2025)
    expect((await nearest(table.asOf(version - 1)))!.year).toBe(2025)
  })

  const searchOf = (table: Awaited<ReturnType<typeof pages>>) =>
    query('pages_search', { text: t.string() }, (p) =>
      table
        .hybrid([
          { match: 'text', query: p.text },
          { maxSim: 'text', query: p.text, weight: 0.1 },
        ])
        .limit(2)
        .select('text'),
    )

  test('are typed', async () => {
    const table = await pages()
    const bare = await pxt.createTable('bare', { patches: t.multiVector(2) })
    const neverRun = (_: () => void): void => {}
    neverRun(() => {
      // @ts-expect-error no multi-vector index on this column
      table.hybrid([{ maxSim: 'place', query: [[1, 0]] }])
      // @ts-expect-error no multi-vector index on this table
      bare.hybrid([{ maxSim: 'patches', query: [[1, 0]] }])
      // @ts-expect-error one search a leg
      table.hybrid([{ maxSim: 'patches', similarity: 'place', query: [[1, 0]] }])
      // @ts-expect-error one vector is not several
      table.hybrid([{ maxSim: 'patches', query: [1, 0] }])
      // @ts-expect-error several vectors are not one
      table.hybrid([{ similarity: 'place', query: [[1, 0]] }])
    })
    expect(() => table.hybrid([{ maxSim: 'patches', query: { string: 'a', vectors: [[1, 0]] } as never }])).toThrow(
      'expected one of string, image, vectors',
    )
  })
})

describe('several things at once', () => {
  test('are summed by weight, also against something', async () => {
    const table = await pxt.createTable('points', { name: t.string(), v: t.vector(2) })
    const points = await table.addEmbeddingIndex('v')
    await points.insert([
      { name: 'right', v: [2, 0] },
      { name: 'up', v: [0, 3] },
      { name: 'both', v: [1, 1] },
    ])
    const names = async (mix: any) =>
      (await points.similarity('v', { mix }).select('name').collect()).map(({ name }) => name)
    expect(await names([{ vector: [9, 0] }, { vector: [0, 0.1] }])).toEqual(['both', 'right', 'up'])
    expect(await names([{ vector: [1, 1] }, { vector: [0, 1], weight: -1 }])).toEqual(['right', 'both', 'up'])
    const notes = await (await pxt.createTable('notes', { text: t.string() })).addEmbeddingIndex('text', {
      embed: miniEmbed(),
    })
    await notes.insert(texts.map((text) => ({ text })))
    const tea = notes.similarity('text', { mix: [{ string: 'tea' }, { string: 'Japan', weight: 0.8 }] })
    expect((await tea.first())!.text).toBe('Tea ceremonies of Japan')
    for (const mix of [[], 'tea', [{}], [{ string: 'a', vector: [1] }], [{ string: 'a', weight: Number.NaN }]]) {
      expect(() => notes.similarity('text', { mix } as never)).toThrow(QueryError)
    }
  })
})

describe('stages', () => {
  test('mmr puts rows that are unlike the ones before in front, and leaves scores as they are', async () => {
    const table = await pxt.createTable('points', { name: t.string(), v: t.vector(2) })
    const points = await table.addEmbeddingIndex('v')
    await points.insert([
      { name: 'a', v: [1, 0.1] },
      { name: 'twin', v: [1, 0.11] },
      { name: 'b', v: [0.6, -0.8] },
    ])
    const search = points.similarity('v', [1, 0])
    const names = async (found: typeof search) => (await found.collect()).map(({ name }) => name)
    expect(await names(search)).toEqual(['a', 'twin', 'b'])
    expect(await names(search.mmr({ lambda: 0.3 }))).toEqual(['a', 'b', 'twin'])
    expect(await names(search.mmr({ lambda: 1 }))).toEqual(['a', 'twin', 'b'])
    const scores = new Map((await search.collect()).map(({ name, score }) => [name, score]))
    for (const { name, score } of await search.mmr({ lambda: 0.2 }).collect())
      expect(score).toBeCloseTo(scores.get(name)!)
    const some = await pxt.createView(
      'some',
      points.where((c) => c.name.ne('twin')),
    )
    // The index is the base's, of which the view's type does not tell.
    const view = some as unknown as typeof points
    expect((await view.similarity('v', [1, 0]).mmr().select('name').collect()).map(({ name }) => name)).toEqual([
      'a',
      'b',
    ])
  })

  test('rerank scores the best rows by a function, or by a model of the AI SDK', async () => {
    const table = await notes()
    const asked: unknown[] = []
    const byLength = async (question: string, documents: readonly string[]) => {
      asked.push([question, documents.length])
      return documents.map((text) => -text.length)
    }
    const found = table.match('text', 'tea').rerank(byLength, { candidates: 2 }).select('text', 'score')
    expect(await found.collect()).toEqual([
      { text: 'How to brew green tea', score: -21 },
      { text: 'Tea ceremonies of Japan', score: -23 },
    ])
    expect(asked).toEqual([['tea', 2]])
    const model: Exclude<RerankingModel, string> & RerankingModelLike = {
      specificationVersion: 'v3',
      provider: 'test',
      modelId: 'by-position',
      doRerank: async ({ documents }) => ({
        ranking: documents.values.map((_: unknown, i: number) => ({ index: i, relevanceScore: i })).slice(0, 2),
      }),
    }
    const other = table
      .hybrid('text', 'tea')
      .rerank(model, { text: (c) => c.text.upper(), query: 'else', candidates: 3 })
      .select('score')
    expect((await other.collect()).map(({ score }) => score)).toEqual([1, 0, -Number.MAX_VALUE])
    await expect(
      table
        .match('text', 'tea')
        .rerank(async () => [1])
        .collect(),
    ).rejects.toThrow(/one a document/)
    await expect(
      table
        .match('text', 'tea')
        .rerank(async (_, all) => all.map(() => Number.NaN))
        .collect(),
    ).rejects.toThrow(/expected a number/)
    const controller = new AbortController()
    const slow = table.match('text', 'tea').rerank(async (_, all, { signal }) => {
      controller.abort(new Error('enough'))
      expect(signal!.aborted).toBe(true)
      return all.map(() => 1)
    })
    await expect(slow.collect({ signal: controller.signal })).rejects.toThrow('enough')
  })

  test('rescore takes score and columns, and stages follow each other', async () => {
    const table = await notes()
    const best = table
      .match('text', 'tea')
      .rescore((c) => c.year.sub(2020).add(c.score.mul(0)))
      .rescore((c) => c.score.mul(-1))
      .threshold(-3)
      .select('year', 'score')
    expect(await best.collect()).toEqual([
      { year: 2020, score: 0 },
      { year: 2022, score: -2 },
    ])
  })

  test('groupByDocument keeps the best rows of each document', async () => {
    const docs = await pxt.createTable('docs', { title: t.string(), parts: t.json<string[]>() })
    const table = await pxt.createTable('chunks', { doc: t.string().nullable(), text: t.string() })
    const chunks = await table.addTextIndex('text')
    await chunks.insert([
      { doc: 'a', text: 'tea tea tea' },
      { doc: 'a', text: 'tea tea and bread' },
      { doc: 'b', text: 'tea with a lot of other words' },
      { doc: null, text: 'tea of nobody at all' },
      { doc: 'a', text: 'some tea' },
    ])
    const of = async (count: number) =>
      (await chunks.match('text', 'tea').groupByDocument(count, 'doc').select('doc').collect()).map(({ doc }) => doc)
    expect((await of(1)).toSorted()).toEqual(['a', 'b', null].toSorted())
    expect((await of(2)).filter((doc) => doc === 'a')).toHaveLength(2)
    expect(await of(9)).toHaveLength(5)
    expect(await docs.count()).toBe(0)
  })
})
