import { join } from 'node:path'
import { Pixeltable, t } from '../dist/index.js'
import { format, measure, vectorsOf } from './harness.mjs'

const dimensions = 384
const limit = 10

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
