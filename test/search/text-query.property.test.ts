/** Every text is a query, and every query gives what a naive BM25 over the same terms gives. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Pixeltable, t } from '../../src/index.js'
import { analyserOf, parseTextQuery } from '../../src/text/index.js'
import { bm25 } from './bm25.js'

const words = [
  'tea teas green greener bread baking baked the of and not don’t node.js multi-agent C++ über Über straße STRASSE',
  '東京都 東京 雨 가나다 ｶﾞ ภาษาไทย 🎬 ½ ﬁn x1 2026 a b c',
].flatMap((list) => list.split(' '))
const word = fc.constantFrom(...words)
const text = fc.oneof(
  fc.array(word, { maxLength: 12 }).map((list) => list.join(' ')),
  fc.string({ unit: 'binary', maxLength: 30 }),
)
const piece = fc
  .tuple(
    fc.constantFrom('', '', '', '+', '-'),
    fc.oneof(
      word,
      fc.array(word).map((list) => `"${list.join(' ')}"`),
    ),
    fc.constantFrom('', '', '*'),
  )
  .map((parts) => parts.join(''))
const query = fc.oneof(
  fc.array(piece, { maxLength: 6 }).map((list) => list.join(' ')),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom('"', '+', '-', '*', ' ', 't', 'e', 'a', '東', '\0', '(', ':', '^', 'AND', 'NEAR'),
    maxLength: 20,
  }),
)
const analyses = [
  { language: 'en', tokenizer: 'words' },
  { language: 'none', tokenizer: 'words' },
  { language: 'de', tokenizer: 'trigram' },
] as const

describe.each(analyses)('$tokenizer, $language', ({ language, tokenizer }) => {
  test('searches agree with the oracle', async () => {
    const analyser = analyserOf({ language, tokenizer })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(text, fc.option(text)), { minLength: 1, maxLength: 12 }),
        fc.array(fc.tuple(query, fc.constantFrom('or' as const, 'and' as const)), { minLength: 1, maxLength: 8 }),
        fc.constantFrom(1, 0.5, 4),
        async (documents, queries, weight) => {
          const pxt = await Pixeltable.open(':memory:')
          const plain = await pxt.createTable('docs', { title: t.string(), text: t.string().nullable() })
          await plain.insert(documents.map(([title, body]) => ({ title, text: body })))
          const docs = await plain.addTextIndex({ title: weight, text: 1 }, { language, tokenizer, prefix: [1, 2] })
          // What is stored is well-formed.
          const rows = await docs.collect()
          const stored = rows.map((row) => [row.title, row.text])
          for (const [asked, operator] of queries) {
            for (const columns of [['title', 'text'], ['text']] as const) {
              const found = await docs
                .match(columns as ['text'], asked, { operator })
                .select((c) => ({ id: c._rowid, score: c.score }))
                .collect()
              const searched = columns.length === 2 ? [0, 1] : [1]
              const wanted = bm25(stored, parseTextQuery(asked, analyser, operator), analyser, [weight, 1], searched)
              expect(new Set(found.map(({ id }) => id - 1)), JSON.stringify(asked)).toEqual(new Set(wanted.keys()))
              for (const { id, score } of found) expect(score).toBeCloseTo(wanted.get(id - 1)!, 9)
              expect(found).toEqual(found.toSorted((a, b) => b.score - a.score || a.id - b.id))
              // Page by page, by the database and then in memory.
              const page = (offset: number) =>
                docs
                  .match(columns as ['text'], asked, { operator })
                  .select((c) => ({ id: c._rowid, score: c.score }))
                  .limit(3)
                  .offset(offset)
                  .collect()
              for (const offset of [0, 0, 3]) expect(await page(offset)).toEqual(found.slice(offset, offset + 3))
            }
          }
          pxt.close()
        },
      ),
      { numRuns: Number(process.env.TEXT_RUNS ?? 60) },
    )
  })
})

describe('the language of queries', () => {
  const english = analyserOf({ language: 'en', tokenizer: 'words' })
  const parse = (asked: string, operator: 'or' | 'and' = 'or') => {
    const { any, all, none } = parseTextQuery(asked, english, operator)
    const shown = (list: typeof any) => list.map(({ terms, prefix }) => `${terms.join(' ')}${prefix ? '*' : ''}`)
    return { any: shown(any), all: all.map(shown), none: shown(none) }
  }

  test.each([
    ['green teas', { any: ['green', 'tea'], all: [], none: [] }],
    ['"green teas" pot', { any: ['green tea', 'pot'], all: [], none: [] }],
    ['+green -"black tea" pot', { any: ['pot'], all: [['green']], none: ['black tea'] }],
    ['multi-agent', { any: ['multi', 'agent'], all: [], none: [] }],
    ['+multi-agent', { any: [], all: [['multi agent']], none: [] }],
    ['what is the tea of it', { any: ['tea'], all: [], none: [] }],
    ['what is it', { any: ['what', 'is', 'it'], all: [], none: [] }],
    ['"to be" +the', { any: ['to be'], all: [['the']], none: [] }],
    ['gree*', { any: ['gree*'], all: [], none: [] }],
    ['+baki* the*', { any: ['the*'], all: [['baki*', 'bake']], none: [] }],
    ['tea tea "tea"', { any: ['tea'], all: [], none: [] }],
    ['"tea', { any: ['tea'], all: [], none: [] }],
    ['a"b c"d', { any: ['b c'], all: [], none: [] }],
    ['東京都 雨', { any: ['東京', '京都', '雨*'], all: [], none: [] }],
    ['"東京都"', { any: ['東京 京都'], all: [], none: [] }],
    ['- + * "" "*"', { any: [], all: [], none: [] }],
  ])('%s', (asked, wanted) => {
    expect(parse(asked)).toEqual(wanted)
  })

  test('and', () => {
    expect(parse('green the teas -pot', 'and')).toEqual({ any: [], all: [['green'], ['tea']], none: ['pot'] })
  })
})
