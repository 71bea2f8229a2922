import { join } from 'node:path'
import { connect, Index, rerankers } from '@lancedb/lancedb'
import { Field, FixedSizeList, Float32, makeData, Table, Utf8, Vector, vectorFromArray } from 'apache-arrow'
import { dimensions, filteredParts } from '../corpus.mjs'

const path = (folder) => join(folder, 'lance')
const listType = new FixedSizeList(dimensions, new Field('item', new Float32(), true))

/** Arrow over the numbers as they are: nothing is copied row by row. */
function arrow(first, flat, texts) {
  const length = flat.length / dimensions
  const child = makeData({ type: new Float32(), length: flat.length, data: flat })
  const columns = {
    id: vectorFromArray(Int32Array.from({ length }, (_, i) => first + i)),
    part: vectorFromArray(Int32Array.from({ length }, (_, i) => (first + i) % filteredParts)),
    vector: new Vector([makeData({ type: listType, length, child })]),
    ...(texts && { text: vectorFromArray(texts, new Utf8()) }),
  }
  return new Table(columns)
}

async function build(corpus, folder, texts) {
  const db = await connect(path(folder))
  let table
  for (const { first, flat } of corpus.pages(100_000)) {
    const data = arrow(first, flat, texts?.slice(first, first + flat.length / dimensions))
    if (table) await table.add(data)
    else table = await db.createTable('items', data)
  }
  await table.createIndex('part', { config: Index.btree() })
  return table
}

/** @param refine sets what makes an approximate search better, by one number */
function session(table, { refine = (query) => query, efforts } = {}) {
  let effort = efforts?.[0]
  const idsOf = (rows) => rows.map(({ id }) => id)
  const vectorQuery = (query, k) =>
    refine(table.query().nearestTo(query).distanceType('cosine'), effort).limit(k).select(['id', '_distance'])
  let fuse
  return {
    search: async (query, k) => idsOf(await vectorQuery(query, k).toArray()),
    filtered: async (query, k) => idsOf(await vectorQuery(query, k).where('part = 0').toArray()),
    text: async (words, k) =>
      idsOf(
        await table
          .query()
          .fullTextSearch(words, { columns: ['text'] })
          .limit(k)
          .select(['id', '_score'])
          .toArray(),
      ),
    async hybrid(words, vector, k) {
      fuse ??= await rerankers.RRFReranker.create()
      const query = table
        .query()
        .nearestTo(vector)
        .distanceType('cosine')
        .fullTextSearch(words, { columns: ['text'] })
      return idsOf(await query.rerank(fuse).limit(k).select(['id']).toArray())
    },
    insert: (first, _vectors, flat) => table.add(arrow(first, flat)),
    async shrink() {
      await table.delete('part >= 10')
      await table.optimize({ cleanupOlderThan: new Date(), deleteUnverified: true })
    },
    ...(efforts && {
      efforts,
      setEffort(value) {
        effort = value
      },
    }),
    close: () => table.close(),
  }
}

const flat = {
  build: async (corpus, folder) => session(await build(corpus, folder)),
  async open(folder) {
    const db = await connect(path(folder))
    return session(await db.openTable('items'))
  },
}

function indexed(config, options) {
  return {
    async build(corpus, folder) {
      const table = await build(corpus, folder)
      await table.createIndex('vector', { config: config(corpus.count) })
      return session(table, options)
    },
  }
}

const words = {
  async build(corpus, folder) {
    const table = await build(corpus, folder, corpus.texts())
    await table.createIndex('text', { config: Index.fts({ stem: true, removeStopWords: true }) })
    return session(table)
  },
}

/** Its default, IVF_PQ, takes six minutes for 100,000 on two cores; these take seconds. */
const quick = { distanceType: 'cosine', maxIterations: 10 }
const probes = [16, 32, 64, 128, 256, 512]
const partitions = (count) => Math.round(Math.sqrt(count))

export const engines = {
  'LanceDB, flat': flat,
  'LanceDB, IVF_FLAT': indexed((count) => Index.ivfFlat({ ...quick, numPartitions: partitions(count) }), {
    refine: (query, n) => query.nprobes(n),
    efforts: probes,
  }),
  'LanceDB, IVF_RQ + refine': indexed((count) => Index.ivfRq({ ...quick, numPartitions: partitions(count) }), {
    refine: (query, n) => query.nprobes(n).refineFactor(10),
    efforts: probes,
  }),
  'LanceDB, IVF_HNSW_SQ + refine': indexed(() => Index.hnswSq({ distanceType: 'cosine', numPartitions: 1 }), {
    refine: (query, n) => query.ef(n).refineFactor(3),
    efforts: [32, 64, 128, 256, 512],
  }),
  'LanceDB, words and vectors': words,
}
