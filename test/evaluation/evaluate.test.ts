import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type RetrievalSet, readMsmarco, readScifact } from '../../scripts/mini-embed/datasets.js'
import { evaluate, miniEmbed, NotFoundError, Pixeltable, QueryError, t, ValidationError } from '../../src/index.js'

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url))

async function indexed(documents: Iterable<readonly [string, string]>) {
  const pxt = await Pixeltable.open(':memory:')
  const table = await pxt.createTable('docs', { doc: t.string(), text: t.string() })
  const matched = await table.addTextIndex('text', { language: 'en' })
  const docs = await matched.addEmbeddingIndex('text', { embed: miniEmbed() })
  await docs.insert(Array.from(documents, ([doc, text]) => ({ doc, text })))
  return { pxt, docs }
}

const small = [
  ['d1', 'How to brew green tea'],
  ['d1', 'Tea, once more'],
  ['d2', 'Changing a bicycle tyre'],
  ['d3', 'Boiling water for pasta'],
] as const
const queries = new Map([
  ['q1', 'tea'],
  ['q2', 'bicycle'],
  ['q3', 'nobody judged this'],
])
const qrels = new Map([
  ['q1', new Map([['d1', 1]])],
  ['q2', new Map([['d2', 2]])],
])

test('a search is rated as a whole and leg by leg; chunks of a document count as their best', async () => {
  const { pxt, docs } = await indexed(small)
  const { report } = await evaluate((text) => docs.hybrid('text', text), { queries, qrels, id: 'doc' })
  expect(Object.keys(report.means)).toEqual(['result', 'match', 'similarity'])
  expect(report.means.result).toMatchObject({ ndcg: 1, mrr: 1, recall: 1 })
  expect(report.queries.map(({ query }) => query)).toEqual(['q1', 'q2'])
  const filtered = await evaluate((text) => docs.match('text', text).where((c) => c.doc.ne('d1')), {
    queries,
    qrels,
    id: (c) => c.doc,
    k: 3,
  })
  expect(filtered.report.means).toMatchObject({ result: { ndcg: 0.5 } })
  expect(() => filtered.suggestWeights()).toThrow(ValidationError)
  // A judge stands in for judgements.
  const judged = await evaluate((text) => docs.match('text', text), {
    queries: new Map([['q9', 'pasta']]),
    qrels: new Map(),
    id: 'doc',
    judge: async (_, doc) => (doc === 'd3' ? 1 : 0),
  })
  expect(judged.report.means.result!.ndcg).toBe(1)
  pxt.close()
})

test('what cannot be evaluated is refused', async () => {
  const { pxt, docs } = await indexed(small)
  const options = { queries, qrels, id: 'doc' } as const
  await expect(evaluate(() => docs.where({ doc: 'd1' }), options)).rejects.toThrow(QueryError)
  await expect(evaluate((text) => docs.match('text', text), { ...options, id: 'nothing' as never })).rejects.toThrow(
    NotFoundError,
  )
  await expect(evaluate((text) => docs.match('text', text), { ...options, qrels: new Map() })).rejects.toThrow(
    ValidationError,
  )
  await expect(evaluate((text) => docs.match('text', text), { ...options, concurrency: 0 })).rejects.toThrow(
    ValidationError,
  )
  pxt.close()
})

describe.skipIf(!existsSync(data))('the library itself, on real collections', () => {
  const collections: [string, () => RetrievalSet, number, number][] = [
    ['SciFact', () => readScifact(data), 0.68, 0.01],
    ['MS MARCO 5k', () => readMsmarco(data), 0.72, 0.004],
  ]
  test.each(collections)(
    '%s: hybrid is not worse than words alone',
    { timeout: 120_000 },
    async (_, read, least, gain) => {
      const set = read()
      const { pxt, docs } = await indexed(set.documents)
      const evaluation = await evaluate((text) => docs.hybrid('text', text), {
        queries: set.queries,
        qrels: set.judgements,
        id: 'doc',
      })
      const { result, match } = evaluation.report.means
      expect(match!.ndcg).toBeGreaterThan(least)
      expect(result!.ndcg).toBeGreaterThan(match!.ndcg - 0.005)
      // Weights suggested on one half hold on the other.
      const { choices } = evaluation.suggestWeights()
      const heldBack = (name: string) => choices.find((choice) => choice.name === name)!.heldBack
      expect(heldBack('suggested weights')).toBeGreaterThan(heldBack('match alone') + gain)
      pxt.close()
    },
  )
})
