/** How well text search ranks, on public collections beside the project. Skipped where they are absent. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  type RetrievalSet,
  readCranfield,
  readMsmarco,
  readScifact,
  readXquad,
} from '../../scripts/mini-embed/datasets.js'
import { ndcg } from '../../scripts/mini-embed/metrics.js'
import { Pixeltable, t } from '../../src/index.js'

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url))

/** Mean nDCG@10 over the queries that have something relevant. */
async function measure({ documents, queries, judgements }: RetrievalSet, language: string): Promise<number> {
  const pxt = await Pixeltable.open(':memory:')
  const plain = await pxt.createTable('docs', { id: t.string(), text: t.string() })
  const docs = await plain.addTextIndex('text', { language })
  await docs.insert([...documents].map(([id, text]) => ({ id, text })))
  let sum = 0
  let judged = 0
  for (const [id, query] of queries) {
    const gains = judgements.get(id)
    if (!gains || ![...gains.values()].some((gain) => gain > 0)) continue
    const found = await docs.match('text', query).limit(10).select('id').collect()
    sum += ndcg(
      found.map((row) => row.id),
      gains,
    )
    judged++
  }
  pxt.close()
  return sum / judged
}

describe.skipIf(!existsSync(`${data}retrieval`))('nDCG@10', { timeout: 120_000 }, () => {
  test.each([
    ['SciFact', () => readScifact(data), 'en', 0.68],
    ['MS MARCO 5k', () => readMsmarco(data), 'en', 0.73],
    ['Cranfield', () => readCranfield(data), 'en', 0.35],
    ['XQuAD en', () => readXquad(data, 'en'), 'en', 0.96],
    ['XQuAD de', () => readXquad(data, 'de'), 'de', 0.91],
    ['XQuAD zh', () => readXquad(data, 'zh'), 'zh', 0.96],
  ] as const)('%s', async (name, read, language, floor) => {
    const found = await measure(read(), language)
    console.info(`${name}: nDCG@10 ${found.toFixed(4)}`)
    expect(found).toBeGreaterThanOrEqual(floor)
  })
})
