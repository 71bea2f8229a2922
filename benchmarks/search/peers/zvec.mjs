import { join } from 'node:path'
import {
  ZVecCollectionSchema,
  ZVecCreateAndOpen,
  ZVecDataType,
  ZVecIndexType,
  ZVecMetricType,
  ZVecOpen,
} from '@zvec/zvec'
import { dimensions, filteredParts } from '../corpus.mjs'

const path = (folder) => join(folder, 'zvec')
/** It takes so many documents at a time. */
const batch = 1000
const idsOf = (documents) => documents.map(({ id }) => Number(id))

function engineOf({ index, efforts, withTexts = false }) {
  const session = (collection) => {
    let params
    const ask = async (query) => idsOf(await collection.query({ outputFields: [], ...query }))
    const near = (vector, topk, more) => ask({ fieldName: 'v', vector, topk, ...(params && { params }), ...more })
    return {
      search: near,
      filtered: (query, k) => near(query, k, { filter: 'part = 0' }),
      text: (words, topk) => ask({ fieldName: 'text', fts: { matchString: words }, topk }),
      hybrid: async (words, vector, topk) =>
        idsOf(
          await collection.multiQuery({
            queries: [
              { fieldName: 'v', vector },
              { fieldName: 'text', fts: { matchString: words } },
            ],
            topk,
            outputFields: [],
          }),
        ),
      insert(first, vectors, _flat, texts) {
        for (let from = 0; from < vectors.length; from += batch) {
          const statuses = collection.insertSync(
            vectors.slice(from, from + batch).map((v, i) => {
              const id = first + from + i
              const fields = { part: id % filteredParts, ...(withTexts && { text: texts?.[id] ?? '' }) }
              return { id: String(id), vectors: { v }, fields }
            }),
          )
          const failed = statuses.find(({ ok }) => !ok)
          if (failed) throw new Error(failed.message)
        }
      },
      async shrink() {
        await collection.deleteByFilter('part >= 10')
        await collection.optimize()
      },
      ...(efforts && {
        efforts,
        setEffort(ef) {
          params = { indexType: index.indexType, ef }
        },
      }),
      optimize: () => collection.optimize(),
      close: () => collection.closeSync(),
    }
  }
  return {
    async build(corpus, folder) {
      const collection = ZVecCreateAndOpen(
        path(folder),
        new ZVecCollectionSchema({
          name: 'items',
          vectors: {
            name: 'v',
            dataType: ZVecDataType.VECTOR_FP32,
            dimension: dimensions,
            indexParams: { metricType: ZVecMetricType.COSINE, ...index },
          },
          fields: [
            { name: 'part', dataType: ZVecDataType.INT32, indexParams: { indexType: ZVecIndexType.INVERT } },
            ...(withTexts
              ? [
                  {
                    name: 'text',
                    dataType: ZVecDataType.STRING,
                    indexParams: { indexType: ZVecIndexType.FTS, filters: ['lowercase', 'stemmer'] },
                  },
                ]
              : []),
          ],
        }),
      )
      const made = session(collection)
      const texts = withTexts ? corpus.texts() : undefined
      for (const { first, vectors } of corpus.pages()) made.insert(first, vectors, undefined, texts)
      await made.optimize()
      return made
    },
    open: (folder) => session(ZVecOpen(path(folder))),
  }
}

const flat = { indexType: ZVecIndexType.FLAT }

export const engines = {
  'zvec, flat': engineOf({ index: flat }),
  'zvec, hnsw': engineOf({
    index: { indexType: ZVecIndexType.HNSW, m: 16, efConstruction: 128 },
    efforts: [32, 64, 128, 256, 512],
  }),
  'zvec, words and vectors': engineOf({ index: flat, withTexts: true }),
}
