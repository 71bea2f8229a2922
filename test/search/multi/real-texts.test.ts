import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readBeir } from '../../../src/evaluation/read-beir.js'
import { type MultiEmbedder, Pixeltable, sentenceTransformer, t } from '../../../src/index.js'

/** A model and a collection that are shared between checkouts; not part of the repository. */
const data = fileURLToPath(new URL('../../../../shared/data/', import.meta.url))

/** A vector a word, each mixed with those of its neighbours: late interaction over a small real model. */
function wordByWord(folder: string): MultiEmbedder {
  const model = sentenceTransformer(folder)
  const known = new Map<string, ArrayLike<number>>()
  return {
    name: 'word-by-word',
    version: 1,
    multi: true,
    async embed(texts) {
      const words = texts.map(
        (text) =>
          String(text)
            .toLowerCase()
            .match(/[\p{L}\p{N}]+/gu) ?? ['empty'],
      )
      const unknown = [...new Set(words.flat())].filter((word) => !known.has(word))
      if (unknown.length > 0) {
        const vectors = await model.embed(unknown)
        unknown.forEach((word, i) => {
          known.set(word, vectors[i]!)
        })
      }
      return words.map((list) =>
        list.map((word, i) => {
          const around = [list[i - 1], list[i + 1]].map((other) => other && known.get(other)!)
          return Array.from(known.get(word)!, (x, j) =>
            around.reduce<number>((sum, v) => sum + 0.2 * (v ? +v[j]! : 0), x),
          )
        }),
      )
    },
  }
}

test.skipIf(!existsSync(data))(
  'two stages find what exact MaxSim finds in real passages',
  { timeout: 180_000 },
  async () => {
    const collection = await readBeir(`${data}retrieval/msmarco-5k/`)
    const passages: { id: string; text: string }[] = []
    for await (const { id, text } of collection.documents()) passages.push({ id, text })
    const pxt = await Pixeltable.open(':memory:')
    const table = await pxt.createTable('passages', { id: t.string(), text: t.string() })
    await table.insert(passages)
    const indexed = await table.addMultiVectorIndex('text', { embed: wordByWord(`${data}models/potion-base-2M/`) })
    let [found, wanted, hits] = [0, 0, 0]
    const queries = [...collection.queries].slice(0, 12)
    for (const [id, text] of queries) {
      const near = (options: object) => indexed.maxSim('text', text, options).limit(10).select('id', 'score').collect()
      const exact = await near({ candidates: Infinity })
      const both = await near({})
      found += both.filter((row) => exact.some((other) => other.id === row.id)).length
      wanted += exact.length
      if (both.some((row) => collection.qrels.get(id)?.has(row.id))) hits++
    }
    console.log(
      `recall@10 of two stages: ${(found / wanted).toFixed(3)}; a judged passage in ten for ${hits} of ${queries.length}`,
    )
    expect(found / wanted).toBeGreaterThanOrEqual(0.95)
    expect(hits / queries.length).toBeGreaterThan(0.6)
    pxt.close()
  },
)
