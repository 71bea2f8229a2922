import { join } from 'node:path'
import { miniEmbed, Pixeltable, t } from '../../../dist/index.js'
import { dimensions } from '../corpus.mjs'

const file = (folder) => join(folder, 'pixeltable.db')
const open = (folder) => Pixeltable.open(file(folder), { memoryLimit: 8 * 2 ** 30 })
const idOf = ({ n }) => n

/** Vectors as they are, in a column of vectors. */
function ofVectors(index) {
  return {
    async build(corpus, folder) {
      const pxt = await open(folder)
      const table = await pxt.createTable('items', { n: t.int(), part: t.int(), v: t.vector(dimensions) })
      const items = await table.addEmbeddingIndex('v', index)
      await items.addIndex('part')
      for (const { first, vectors } of corpus.pages()) await items.insert(rowsOf(first, vectors))
      return session(pxt, items, 'v')
    },
    async open(folder) {
      const pxt = await open(folder)
      return session(pxt, await pxt.getTable('items'), 'v')
    },
  }
}

const rowsOf = (first, vectors) => vectors.map((v, i) => ({ n: first + i, part: (first + i) % 100, v }))

/** An index of texts may store less of its vectors. The texts are numbers here, and the model looks their vectors up. */
function stored(precision) {
  return {
    async build(corpus, folder) {
      const embed = async (texts) => texts.map((text) => corpus.vectors(Number(text), Number(text) + 1))
      const model = { name: 'looked-up', version: 1, dimensions, batchSize: 1000, embed }
      const pxt = await open(folder)
      const table = await pxt.createTable('items', { n: t.int(), part: t.int(), text: t.string() })
      const items = await table.addEmbeddingIndex('text', { embed: model, precision })
      for (const { first, vectors } of corpus.pages()) {
        await items.insert(vectors.map((_, i) => ({ n: first + i, part: (first + i) % 100, text: String(first + i) })))
      }
      return session(pxt, items, 'text')
    },
  }
}

/** Real texts, with words and vectors of the built-in model. */
const texts = {
  async build(corpus, folder) {
    const pxt = await open(folder)
    const table = await pxt.createTable('items', { n: t.int(), text: t.string() })
    const worded = await table.addTextIndex('text', { language: 'en' })
    const items = await worded.addEmbeddingIndex('text', { embed: miniEmbed() })
    const all = corpus.texts().slice(0, corpus.count)
    for (let from = 0; from < all.length; from += 10_000) {
      await items.insert(all.slice(from, from + 10_000).map((text, i) => ({ n: from + i, text })))
    }
    return session(pxt, items, 'text')
  },
}

function session(pxt, items, column) {
  const found = async (query, k) => (await query.limit(k).select('n', 'score').collect()).map(idOf)
  return {
    search: (query, k) => found(items.similarity(column, query), k),
    filtered: (query, k) => found(items.similarity(column, query).where({ part: 0 }), k),
    text: (words, k) => found(items.match('text', words), k),
    hybrid: (words, _vector, k) => found(items.hybrid('text', words), k),
    /** Vectors are in memory, and what the index's method needs is made. */
    ready: () => items.measureRecall(column, { sample: 1 }),
    insert: (first, vectors) => items.insert(rowsOf(first, vectors)),
    async shrink() {
      await items
        .delete()
        .where((c) => c.part.gte(10))
        .run()
      await pxt.vacuum({ keepVersions: 1 })
    },
    close: () => pxt.close(),
  }
}

export const engines = {
  '**pixeltable**': ofVectors({}),
  '**pixeltable**, hnsw (ef 128)': ofVectors({ method: 'hnsw', ef: 128 }),
  '**pixeltable**, ivfflat': ofVectors({ method: 'ivfflat' }),
  '**pixeltable**, rabitq': ofVectors({ method: 'rabitq' }),
  '**pixeltable**, stored as float16': stored('float16'),
  '**pixeltable**, stored as int8': stored('int8'),
  '**pixeltable**, stored as bits, not rescored': stored('bit'),
  '**pixeltable**, words and vectors': texts,
}
