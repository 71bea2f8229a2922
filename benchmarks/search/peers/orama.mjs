import { create, insertMultiple, search } from '@orama/orama'
import { dimensions } from '../corpus.mjs'

const idsOf = ({ hits }) => hits.map(({ document }) => document.n)

function engineOf({ schema, document }) {
  return {
    async build(corpus) {
      const db = create({ schema: { n: 'number', ...schema } })
      const texts = corpus.texts()
      for (const { first, vectors } of corpus.pages(5000)) {
        const rows = vectors.map((v, i) => ({ n: first + i, ...document(texts[first + i], v) }))
        await insertMultiple(db, rows, 5000)
      }
      const near = (vector) => ({ vector: { value: [...vector], property: 'v' }, similarity: 0, includeVectors: false })
      return {
        search: async (query, k) => idsOf(await search(db, { mode: 'vector', ...near(query), limit: k })),
        text: async (term, k) => idsOf(await search(db, { term, properties: ['text'], limit: k })),
        hybrid: async (term, vector, k) =>
          idsOf(await search(db, { mode: 'hybrid', term, properties: ['text'], ...near(vector), limit: k })),
      }
    },
  }
}

const vector = { v: `vector[${dimensions}]` }

export const engines = {
  'Orama, vectors': engineOf({ schema: vector, document: (_, v) => ({ v: [...v] }) }),
  'Orama, words': engineOf({ schema: { text: 'string' }, document: (text) => ({ text }) }),
  'Orama, words and vectors': engineOf({
    schema: { text: 'string', ...vector },
    document: (text, v) => ({ text, v: [...v] }),
  }),
}
