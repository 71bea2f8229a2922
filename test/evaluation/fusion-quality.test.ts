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
import { dot } from '../../scripts/mini-embed/metrics.js'
import { evaluateRuns } from '../../src/evaluation/evaluate-runs.js'
import { type ScoredDocument, type ScoredRun, suggestWeights } from '../../src/evaluation/suggest-weights.js'
import { miniEmbed } from '../../src/models/mini-embed/mini-embed.js'
import { fuse } from '../../src/search/fusion/fuse.js'
import { hybridDefaults } from '../../src/search/fusion/leg.js'
import { fullText } from './full-text.js'

/** Collections that are shared between checkouts; not part of the repository. */
const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url))

/** What full text and the built-in model find for each query of a collection. */
async function legsOf({ documents, queries }: RetrievalSet): Promise<readonly ScoredRun[]> {
  const ids = [...documents.keys()]
  const texts = [...documents.values()]
  const find = fullText(texts, hybridDefaults.candidates)
  const vectors = await miniEmbed().embed(texts)
  const asked = await miniEmbed().embed([...queries.values()])
  const best = (scores: Iterable<readonly [number, number]>): ScoredDocument[] =>
    Array.from(scores, ([i, score]) => ({ rowid: i + 1, id: ids[i]!, score }))
      .sort((a, b) => b.score - a.score || a.rowid - b.rowid)
      .slice(0, hybridDefaults.candidates)
  const search = (find: (text: string, i: number) => Iterable<readonly [number, number]>) =>
    new Map([...queries].map(([query, text], i) => [query, best(find(text, i))]))
  const { text, vector } = hybridDefaults
  return [
    { name: 'text', weight: text, results: search(find) },
    {
      name: 'vector',
      weight: vector,
      results: search((_, query) => vectors.map((document, i) => [i, dot(asked[query]!, document)] as const)),
    },
  ]
}

async function meansOf({ queries, judgements }: RetrievalSet, legs: readonly ScoredRun[]) {
  const run = (find: (query: string) => readonly ScoredDocument[]) =>
    new Map([...queries.keys()].map((query) => [query, find(query).map(({ id }) => id)]))
  const { means } = await evaluateRuns(
    {
      text: run((query) => legs[0]!.results.get(query)!),
      fused: run((query) =>
        fuse(
          legs.map(({ name, weight, results }) => ({ name, weight, candidates: results.get(query)! })),
          { limit: 10 },
        ).map(({ candidate }) => candidate),
      ),
    },
    judgements,
  )
  return { text: means.text!.ndcg, fused: means.fused!.ndcg }
}

describe.skipIf(!existsSync(data))('on real collections', () => {
  test.each<[string, () => RetrievalSet]>([
    ['SciFact', () => readScifact(data)],
    ['MS MARCO 5k', () => readMsmarco(data)],
    ['Cranfield', () => readCranfield(data)],
    ['XQuAD', () => readXquad(data)],
  ])('the default weights are not worse than full text alone on %s', { timeout: 60_000 }, async (_, read) => {
    const collection = read()
    const { text, fused } = await meansOf(collection, await legsOf(collection))
    expect(fused).toBeGreaterThan(text - 0.005)
  })

  test.each<[string, () => RetrievalSet]>([
    ['SciFact', () => readScifact(data)],
    ['MS MARCO 5k', () => readMsmarco(data)],
  ])('suggested weights hold on queries of %s that were held back', { timeout: 60_000 }, async (_, read) => {
    const collection = read()
    const legs = await legsOf(collection)
    // One split of so few queries says little.
    const gains = Array.from({ length: 10 }, (_, seed) => {
      const { choices } = suggestWeights(legs, collection.judgements, { seed })
      const [text, , , , suggested] = choices
      return suggested!.heldBack - text!.heldBack
    })
    expect(gains.reduce((sum, gain) => sum + gain, 0) / gains.length).toBeGreaterThan(0.003)
  })
})
