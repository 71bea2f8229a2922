import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Pixeltable, t } from '../dist/index.js'
import { format, measure, nearest, recall, vectorsOf } from './harness.mjs'

const dimensions = 384
const limit = 10

/** Exact cosine search, ten of `count`, each engine after the other over the same vectors and queries. */
export async function searchBenchmark(count, { folder, SQLite, sqliteVec }) {
  const vectors = vectorsOf(count, dimensions, 1)
  const queries = vectorsOf(20, dimensions, 2)
  const truth = queries.map((query) => nearest(vectors, query, limit))
  const runs = count > 50_000 ? 40 : 200
  const rows = []
  let baseline

  async function run(name, search) {
    try {
      const recalls = []
      for (let q = 0; q < queries.length; q++) recalls.push(recall(await search(queries[q]), truth[q]))
      const { p50, p95 } = await measure(runs, (i) => search(queries[i % queries.length]))
      baseline ??= p50
      const mean = recalls.reduce((a, b) => a + b, 0) / recalls.length
      rows.push([
        `search ${count / 1000}k × ${dimensions}, ms`,
        name,
        format(p50),
        format(p95),
        mean.toFixed(3),
        format(p50 / baseline),
      ])
    } catch (error) {
      rows.push([
        `search ${count / 1000}k × ${dimensions}, ms`,
        name,
        `not run: ${error.message.split('\n')[0].slice(0, 80)}`,
        '',
        '',
        '',
      ])
    }
  }

  const pxt = await Pixeltable.open(join(folder, `search-${count}.db`))
  const items = await (await pxt.createTable('items', { v: t.vector(dimensions) })).addEmbeddingIndex('v')
  for (let i = 0; i < count; i += 10_000) await items.insert(vectors.slice(i, i + 10_000).map((v) => ({ v })))
  const ours = async (query) => {
    const found = await items
      .similarity('v', query)
      .limit(limit)
      .select((c) => ({ id: c._rowid, score: c.score }))
      .collect()
    return found.map((row) => row.id - 1)
  }

  // The same SQL by hand, over the same file.
  const db = new SQLite(join(folder, `search-${count}.db`), { readonly: true })
  db.loadExtension(sqliteVec.getLoadablePath())
  db.pragma('mmap_size = 268435456')
  db.pragma('cache_size = -65536')
  const statement = db
    .prepare('SELECT _rowid, vec_distance_cosine(v, ?) AS d FROM items ORDER BY d, _rowid LIMIT ?')
    .raw(true)
  const bytes = (v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength)
  await run('bare SQL: sqlite-vec scalar function', (query) => statement.all(bytes(query), limit).map(([id]) => id - 1))
  await run('**pixeltable**, exact, in memory', ours)

  db.close()
  pxt.close()

  const memory = new SQLite(':memory:')
  memory.loadExtension(sqliteVec.getLoadablePath())
  memory.exec(`CREATE VIRTUAL TABLE v USING vec0(v float[${dimensions}] distance_metric=cosine)`)
  const put = memory.prepare('INSERT INTO v (rowid, v) VALUES (?, ?)')
  memory.transaction(() => {
    for (const [i, v] of vectors.entries()) put.run(BigInt(i), bytes(v))
  })()
  const knn = memory.prepare('SELECT rowid FROM v WHERE v MATCH ? AND k = ?').pluck()
  await run('sqlite-vec vec0', (query) => knn.all(bytes(query), limit))
  memory.close()

  const usearch = createRequire(import.meta.url)('usearch')
  const flat = new Float32Array(count * dimensions)
  for (const [i, v] of vectors.entries()) flat.set(v, i * dimensions)
  await run('usearch, exact', (query) =>
    [...usearch.exactSearch(flat, query, dimensions, limit, usearch.MetricKind.Cos).keys].map(Number),
  )

  const lancedb = await import('@lancedb/lancedb')
  const lance = await lancedb.connect(join(folder, `lance-${count}`))
  const lanceTable = await lance.createTable(
    'items',
    vectors.map((v, id) => ({ id, vector: Array.from(v) })),
  )
  await run('LanceDB, flat', async (query) => {
    const found = await lanceTable
      .vectorSearch(query)
      .distanceType('cosine')
      .limit(limit)
      .select(['id', '_distance'])
      .toArray()
    return found.map((row) => row.id)
  })

  if (count <= 10_000) {
    const { LocalIndex } = await import('vectra')
    const index = new LocalIndex(join(folder, 'vectra'))
    await index.createIndex()
    await index.beginUpdate()
    for (let id = 0; id < count; id++) await index.insertItem({ vector: Array.from(vectors[id]), metadata: { id } })
    await index.endUpdate()
    await run('vectra', async (query) =>
      (await index.queryItems(Array.from(query), '', limit)).map(({ item }) => item.metadata.id),
    )
  }
  return rows
}

/** What the library adds to a search: over ten rows, where the scan itself costs next to nothing. */
export async function overheadBenchmark({ folder, SQLite, sqliteVec }) {
  const path = join(folder, 'overhead.db')
  const pxt = await Pixeltable.open(path)
  const items = await (await pxt.createTable('items', { v: t.vector(dimensions) })).addEmbeddingIndex('v')
  await items.insert(vectorsOf(10, dimensions, 1).map((v) => ({ v })))
  const db = new SQLite(path, { readonly: true })
  db.loadExtension(sqliteVec.getLoadablePath())
  const statement = db
    .prepare('SELECT _rowid, vec_distance_cosine(v, ?) AS d FROM items ORDER BY d, _rowid LIMIT ?')
    .raw(true)
  const queries = vectorsOf(20, dimensions, 2)
  const bare = await measure(2000, (i) => statement.all(new Uint8Array(queries[i % 20].buffer), limit))
  const ours = await measure(2000, (i) =>
    items
      .similarity('v', queries[i % 20])
      .limit(limit)
      .select((c) => ({ id: c._rowid, score: c.score }))
      .collect(),
  )
  db.close()
  pxt.close()
  return [
    ['search of 10 vectors, ms', 'bare SQL: sqlite-vec scalar function', format(bare.p50), format(bare.p95), '', ''],
    ['search of 10 vectors, ms', '**pixeltable**', format(ours.p50), format(ours.p95), '', ''],
    ['overhead of a search over the bare SQL, ms', '**pixeltable**', format(ours.p50 - bare.p50), '', '', ''],
  ]
}
