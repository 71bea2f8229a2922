import { beforeEach, describe, expect, test } from 'vitest'
import { type MultiEmbedder, Pixeltable, t, table } from '../../../src/index.js'

const angles = (...degrees: number[]): number[][] =>
  degrees.map((x) => [Math.cos((x * Math.PI) / 180), Math.sin((x * Math.PI) / 180)])

/** A vector a letter: words are near that share letters. */
const letters = (texts: readonly string[]): number[][][] =>
  texts.map((text) => angles(...Array.from(text, (c) => 13 * (c.charCodeAt(0) - 97))))

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
  return () => pxt.close()
})

async function pagesOf() {
  const pages = await pxt.createTable('pages', {
    n: t.int(),
    kind: t.string().default('a'),
    patches: t.multiVector(2).nullable(),
  })
  const indexed = await pages.addMultiVectorIndex('patches')
  await indexed.insert([
    { n: 1, patches: angles(0, 90) },
    { n: 2, patches: angles(45) },
    { n: 3, patches: null },
    { n: 4, patches: angles(0, 10, 20), kind: 'b' },
    { n: 5, patches: angles(45), kind: 'b' },
  ])
  return indexed
}

describe('maxSim over a column of vectors', () => {
  test('ranks by the closest vectors, summed; ties go by row; nulls are left out', async () => {
    const pages = await pagesOf()
    const found = await pages
      .maxSim('patches', { vectors: [[2, 0], [0, 5]] }) // biome-ignore format: rows of a matrix
      .limit(10)
      .select('n', 'score')
      .collect()
    const cos45 = Math.cos(Math.PI / 4)
    expect(found.map(({ n }) => n)).toEqual([1, 2, 5, 4])
    const expected = [2, 2 * cos45, 2 * cos45, 1 + Math.sin(Math.PI / 9)]
    found.forEach(({ score }, i) => {
      expect(score).toBeCloseTo(expected[i]!, 6)
    })
  })

  test('goes with where, offset, order, groups, names for the score, and other ways to give vectors', async () => {
    const pages = await pagesOf()
    const near = pages.maxSim('patches', Float32Array.of(1, 0), { as: 'closeness' })
    expect(await near.where({ kind: 'b' }).limit(5).select('n').collect()).toEqual([{ n: 4 }, { n: 5 }])
    expect(await near.limit(2).offset(1).select('n').collect()).toEqual([{ n: 4 }, { n: 2 }])
    expect(await near.orderBy('n', 'desc').select('n').collect()).toEqual([{ n: 5 }, { n: 4 }, { n: 2 }, { n: 1 }])
    expect(await near.count()).toBe(4)
    expect(
      (
        await near
          .where((c) => c.closeness.gt(0.9))
          .select('n')
          .collect()
      ).map(({ n }) => n),
    ).toEqual([1, 4])
    const given = pages.maxSim('patches', { vectors: { shape: [1, 2], data: [1, 0] } })
    expect(await given.limit(1).select('n').first()).toEqual({ n: 1 })
    const page = await pages.where({ n: 5 }).first()
    expect((await pages.maxSim('patches', page!.patches!).limit(1).first())!.n).toBe(2)
    expect((await near.limit(2).explain()).join('\n')).toContain("MaxSim, cosine, index 'patches_multi_vector'")
  })

  test('the inner product counts lengths', async () => {
    const pages = await pagesOf()
    const other = await pages.addMultiVectorIndex('patches', { metric: 'inner_product', name: 'ip' })
    const query = { vectors: [[2, 0], [0, 5]] } // biome-ignore format: rows of a matrix
    const found = await other.maxSim('patches', query, { index: 'ip' }).limit(1).first()
    expect(found!.score).toBeCloseTo(7, 6)
    expect(() => other.maxSim('patches', query)).toThrow("column 'patches' of 'pages' has several multi-vector indexes")
    await other.dropMultiVectorIndex({ name: 'ip' })
    expect((await other.maxSim('patches', query).limit(1).first())!.score).toBeCloseTo(2, 6)
  })

  test('refuses what does not fit, in words', async () => {
    const pages = await pagesOf()
    await expect(pages.maxSim('patches', [[1, 2, 3]]).collect()).rejects.toThrow(
      "maxSim(): index 'patches_multi_vector': vector 0: expected a vector of 2 numbers, got 3",
    )
    await expect(pages.maxSim('patches', 'text').collect()).rejects.toThrow(
      'has no model that embeds the string "text": give it { vectors }',
    )
    expect(() => pages.maxSim('patches', [[1, 2]], { candidates: 0 })).toThrow('maxSim(): candidates: expected')
    expect(() => pages.maxSim('patches', { string: 'a', vectors: [[1, 2]] } as never)).toThrow(
      'maxSim(): expected one of string, image, vectors, got string and vectors',
    )
    const plain = await pxt.createTable('plain', { patches: t.multiVector(2), text: t.string() })
    // @ts-expect-error: there is no index
    expect(() => plain.maxSim('patches', [[1, 2]])).toThrow(
      "no multi-vector index on column 'patches' of 'plain': call addMultiVectorIndex('patches', …) first",
    )
    // @ts-expect-error: a column of several vectors a row takes another index
    await expect(plain.addEmbeddingIndex('patches')).rejects.toThrow('has several vectors: call addMultiVectorIndex(')
    await expect(plain.addMultiVectorIndex('text')).rejects.toThrow('expected embed, a model that turns string values')
    await expect(plain.addMultiVectorIndex('patches', { metric: 'euclidean' as never })).rejects.toThrow(
      'metric: expected one of cosine, inner_product',
    )
    await expect(plain.addMultiVectorIndex('patches', { embed: letters })).rejects.toThrow('leave out embed')
    // @ts-expect-error: this column has no such index
    expect(() => pages.maxSim('n', [[1, 2]])).toThrow('no multi-vector index')
    // @ts-expect-error: it has no embedding index
    expect(() => pages.similarity('patches', [1, 2])).toThrow('no embedding index')
  })

  test('sees earlier versions, and reverts', async () => {
    const pages = await pagesOf()
    const { version } = await pages
      .update({ patches: angles(180) })
      .where({ n: 1 })
      .run()
    const query = { vectors: angles(0, 90) }
    const first = async (of: Pick<typeof pages, 'maxSim'>) => (await of.maxSim('patches', query).limit(1).first())!.n
    expect(await first(pages)).toBe(2)
    expect(await first(pages.asOf(version - 1))).toBe(1)
    await pages.revert()
    expect(await first(pages)).toBe(1)
  })
})

describe('maxSim over what a model makes', () => {
  test('keeps the vectors in step with rows', async () => {
    const words = await pxt.createTable('words', { word: t.string().nullable() })
    await words.insert([{ word: 'silent' }, { word: 'zoo' }])
    const indexed = await words.addMultiVectorIndex('word', { embed: letters })
    const find = async (query: string) =>
      (await indexed.maxSim('word', query).limit(3).collect()).map(({ word }) => word)
    expect(await find('listen')).toEqual(['silent', 'zoo'])
    await indexed.insert([{ word: 'tinsel!' }, { word: null }, { word: '' }], { onError: 'ignore' })
    expect(await find('zzz')).toEqual(['zoo', 'tinsel!', 'silent'])
    await indexed.update({ word: 'zzz' }).where({ word: 'silent' }).run()
    expect((await find('z')).slice(0, 2)).toEqual(['zzz', 'zoo'])
    await indexed.delete().where({ word: 'zzz' }).run()
    expect((await find('z'))[0]).toBe('zoo')
    const [description] = (await pxt.indexes('words')) as { method: string; dimensions?: number }[]
    expect(description).toMatchObject({ name: 'word_letters', method: 'maxsim', metric: 'cosine', dimensions: 2 })
    expect(indexed.coverage()).toMatchObject([{ name: 'word_letters', kind: 'index', failed: 1 }])
    await pxt.vacuum({ keepVersions: 1 })
    expect((await find('z'))[0]).toBe('zoo')
  })

  test('embeds queries their own way, and drains what was deferred', async () => {
    const asked: string[][] = []
    const model: MultiEmbedder = {
      name: 'colletters',
      version: 1,
      multi: true,
      embed: async (values) => letters(values as string[]),
      embedQuery: async (values) => {
        asked.push([...(values as string[])])
        return letters((values as string[]).map((value) => value.toLowerCase()))
      },
    }
    const words = await pxt.createTable('words', { word: t.string() })
    await words.insert([{ word: 'silent' }, { word: 'zoo' }])
    const indexed = await words.addMultiVectorIndex('word', { embed: model, compute: 'deferred' })
    expect(await indexed.maxSim('word', 'ZOO').limit(1).collect()).toEqual([])
    await pxt.drain()
    expect((await indexed.maxSim('word', { string: 'ZOO' }).limit(1).first())!.word).toBe('zoo')
    expect(asked).toEqual([['ZOO']])
    // @ts-expect-error: it makes several vectors
    await expect(words.addEmbeddingIndex('word', { embed: model })).rejects.toThrow('addMultiVectorIndex()')
    const single = { name: 'single', version: 1, embed: async () => [[1]] }
    await expect(words.addMultiVectorIndex('word', { embed: single as never })).rejects.toThrow('`multi: true`')
  })

  test('is declared', async () => {
    const Words = table('words', { word: t.string() }).multiVectorIndex('word', { embed: letters })
    const { words } = await pxt.sync({ words: Words })
    await words.insert([{ word: 'silent' }, { word: 'zoo' }])
    expect((await words.maxSim('word', 'listen').limit(1).first())!.word).toBe('silent')
    expect((await pxt.sync({ words: Words }, { dryRun: true })).isEmpty).toBe(true)
    const Other = table('words', { word: t.string() }).multiVectorIndex('word', {
      embed: letters,
      metric: 'inner_product',
    })
    expect(String(await pxt.sync({ words: Other }, { dryRun: true }))).toContain('MaxSim, cosine on word')
    await pxt.sync({ words: table('words', { word: t.string() }) }, { allowDrops: true } as never)
  })
})
