import { createRequire } from 'node:module'
import { join } from 'node:path'
import { dimensions, filteredParts } from '../corpus.mjs'

// The project's own better-sqlite3, so that both sides run the same SQLite.
const require = createRequire(new URL('../../../package.json', import.meta.url))
const SQLite = require('better-sqlite3')
const sqliteVec = require('sqlite-vec')

const bytes = (v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength)
const file = (folder) => join(folder, 'sqlite-vec.db')

function open(folder) {
  const db = new SQLite(file(folder))
  sqliteVec.load(db)
  db.pragma('journal_mode = WAL')
  db.pragma('mmap_size = 8589934592')
  return db
}

/** @param sql of the schema, an insert of (rowid, part, vector), and searches of (vector, k) */
function engineOf({
  schema,
  insert,
  search,
  filtered,
  values = (id, v) => [BigInt(id), BigInt(id % filteredParts), bytes(v)],
}) {
  const session = (folder) => {
    const db = open(folder)
    const statements = new Map()
    const all = (sql, query, k) => {
      if (!statements.has(sql)) statements.set(sql, db.prepare(sql).pluck())
      return statements.get(sql).all({ query: bytes(query), k })
    }
    const put = db.prepare(insert)
    const putAll = db.transaction((first, vectors) => {
      for (const [i, v] of vectors.entries()) put.run(...values(first + i, v))
    })
    return {
      search: (query, k) => all(search, query, k),
      ...(filtered && { filtered: (query, k) => all(filtered, query, k) }),
      insert: putAll,
      shrink() {
        db.exec('DELETE FROM items WHERE part >= 10')
        db.pragma('wal_checkpoint(TRUNCATE)')
        db.exec('VACUUM')
      },
      close: () => db.close(),
    }
  }
  return {
    build(corpus, folder) {
      const db = open(folder)
      db.exec(schema)
      db.close()
      const made = session(folder)
      for (const { first, vectors } of corpus.pages()) made.insert(first, vectors)
      return made
    },
    open: session,
  }
}

const vec0 = (columns) => `CREATE VIRTUAL TABLE items USING vec0(${columns})`
const float = `v float[${dimensions}] distance_metric=cosine`
const knn = 'SELECT rowid FROM items WHERE v MATCH @query AND k = @k'
/** As its documentation shows: more by the short vectors, the best of them by the long ones. */
const rescored = (coarse, quantize) => `
  WITH near AS (SELECT rowid AS id, v FROM items WHERE ${coarse} MATCH ${quantize} AND k = @k * 8)
  SELECT id FROM near ORDER BY vec_distance_cosine(v, @query) LIMIT @k`
const quantized = (type, quantize, query) => ({
  schema: vec0(`part integer, ${float}, coarse ${type}`),
  insert: `INSERT INTO items (rowid, part, v, coarse) VALUES (?, ?, ?, ${quantize})`,
  values: (id, v) => [BigInt(id), BigInt(id % filteredParts), bytes(v), bytes(v)],
  search: rescored('coarse', query),
})

export const engines = {
  'sqlite-vec, scalar function': engineOf({
    schema: 'CREATE TABLE items (id INTEGER PRIMARY KEY, part INTEGER, v BLOB); CREATE INDEX parts ON items (part)',
    insert: 'INSERT INTO items (id, part, v) VALUES (?, ?, ?)',
    search: 'SELECT id FROM items ORDER BY vec_distance_cosine(v, @query) LIMIT @k',
    filtered: 'SELECT id FROM items WHERE part = 0 ORDER BY vec_distance_cosine(v, @query) LIMIT @k',
  }),
  'sqlite-vec, vec0': engineOf({
    schema: vec0(`part integer, ${float}`),
    insert: 'INSERT INTO items (rowid, part, v) VALUES (?, ?, ?)',
    search: knn,
    filtered: `${knn} AND part = 0`,
  }),
  'sqlite-vec, vec0 by partitions': engineOf({
    schema: vec0(`part integer partition key, ${float}`),
    insert: 'INSERT INTO items (rowid, part, v) VALUES (?, ?, ?)',
    search: knn,
    filtered: `${knn} AND part = 0`,
  }),
  'sqlite-vec, vec0 int8 + rescore': engineOf(
    quantized(`int8[${dimensions}]`, "vec_quantize_int8(?, 'unit')", "vec_quantize_int8(@query, 'unit')"),
  ),
  'sqlite-vec, vec0 bits + rescore': engineOf(
    quantized(`bit[${dimensions}]`, 'vec_quantize_binary(?)', 'vec_quantize_binary(@query)'),
  ),
}
