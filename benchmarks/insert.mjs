import { join } from 'node:path'
import { Pixeltable, t } from '../dist/index.js'
import { format, measure } from './harness.mjs'

/** Plain rows of a string, an int and a float, in one commit. */
export async function insertBenchmark({ folder, SQLite }) {
  const count = 100_000
  const rows = Array.from({ length: count }, (_, i) => ({ s: `row ${i}`, i, f: i / 3 }))
  const db = new SQLite(join(folder, 'raw.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec('CREATE TABLE plain (id INTEGER PRIMARY KEY, s TEXT NOT NULL, i INTEGER NOT NULL, f REAL NOT NULL)')
  const statement = db.prepare('INSERT INTO plain (s, i, f) VALUES (?, ?, ?)')
  const insertAll = db.transaction(() => {
    for (const row of rows) statement.run(row.s, row.i, row.f)
  })
  const pxt = await Pixeltable.open(join(folder, 'ours.db'))
  const plain = await pxt.createTable('plain', { s: t.string(), i: t.int(), f: t.float() })
  const raw = await measure(7, insertAll, 2)
  const ours = await measure(7, () => plain.insert(rows), 2)
  db.close()
  pxt.close()
  const rate = (ms) => Math.round(count / (ms / 1000)).toLocaleString('en')
  return [
    ['insert 100k rows, rows/s', 'better-sqlite3, prepared', rate(raw.p50), '', '', '1.00'],
    ['insert 100k rows, rows/s', '**pixeltable**', rate(ours.p50), '', '', format(raw.p50 / ours.p50)],
  ]
}
