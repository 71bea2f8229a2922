import { createRequire } from 'node:module'
import { join } from 'node:path'
import { avg, count, Pixeltable, sum, t } from '../dist/index.js'
import { format, measure, randomOf } from './harness.mjs'

const require = createRequire(import.meta.url)
const size = 100_000

function makeRows() {
  const random = randomOf(7)
  return Array.from({ length: size }, (_, id) => ({
    id,
    name: `name ${Math.floor((random() + 0.5) * 50_000)}`,
    city: `city ${id % 100}`,
    price: (random() + 0.5) * 1000,
    active: id % 3 !== 0,
    at: new Date(1_700_000_000_000 + id * 1000),
  }))
}

/** Filter + sort + limit, and groups, over 100k rows; the hand-written SQL decodes what it reads too. */
export async function queryBenchmark({ folder, SQLite }) {
  const rows = makeRows()
  const path = join(folder, 'queries.db')
  const pxt = await Pixeltable.open(path)
  const items = await pxt.createTable('items', {
    id: t.int(),
    name: t.string(),
    city: t.string(),
    price: t.float(),
    active: t.bool(),
    at: t.timestamp(),
  })
  await items.insert(rows)
  const db = new SQLite(path, { readonly: true })
  const filtered = db.prepare(
    'SELECT id, name, city, price, active, at FROM items WHERE active = 1 AND price > ? ORDER BY price DESC, _rowid LIMIT ?',
  )
  const all = db.prepare('SELECT id, name, city, price, active, at FROM items WHERE price > ?')
  const grouped = db.prepare(
    'SELECT city, count(*) AS n, avg(price) AS mean, sum(id) AS total FROM items GROUP BY city',
  )
  const decode = (row) => ({ ...row, active: row.active !== 0, at: new Date(row.at) })
  const lance = await openLance(join(folder, 'items.lance'), rows)
  const pg = await openPglite(rows)
  const groups = items
    .groupBy('city')
    .select((c) => ({ city: c.city, n: count(), mean: avg(c.price), total: sum(c.id) }))
  const cases = [
    [
      'filter + order + limit 100 of 100k, ms',
      20,
      () => filtered.all(500, 100).map(decode),
      () =>
        items
          .where((c) => c.active.eq(true).and(c.price.gt(500)))
          .orderBy('price', 'desc')
          .limit(100)
          .collect(),
      undefined,
      () => pg.query('SELECT * FROM items WHERE active AND price > $1 ORDER BY price DESC, id LIMIT $2', [500, 100]),
    ],
    [
      'filter scan of 100k, 10k rows out, ms',
      10,
      () => all.all(900).map(decode),
      () => items.where((c) => c.price.gt(900)).collect(),
      () => lance.query().where('price > 900').toArray(),
      () => pg.query('SELECT * FROM items WHERE price > $1', [900]),
    ],
    [
      'group 100k by 100 keys, ms',
      10,
      () => grouped.all(),
      () => groups.collect(),
      undefined,
      () => pg.query('SELECT city, count(*) AS n, avg(price) AS mean, sum(id) AS total FROM items GROUP BY city'),
    ],
  ]
  const result = []
  for (const [what, runs, raw, ours, ofLance, ofPg] of cases) {
    const base = await measure(runs, raw)
    const row = (who, { p50, p95 }) => result.push([what, who, format(p50), format(p95), '', format(p50 / base.p50)])
    row('better-sqlite3, hand-written', base)
    row('**pixeltable**', await measure(runs, ours))
    if (ofLance) row('LanceDB', await measure(runs, ofLance))
    row('PGlite', await measure(runs, ofPg))
  }
  db.close()
  pxt.close()
  await pg.close()
  return result
}

async function openLance(path, rows) {
  const { connect } = require('@lancedb/lancedb')
  const db = await connect(path)
  // It cannot infer a column of dates; numbers are what it stores for them anyway.
  return db.createTable(
    'items',
    rows.map((row) => ({ ...row, at: row.at.getTime() })),
  )
}

async function openPglite(rows) {
  const { PGlite } = await import('@electric-sql/pglite')
  const pg = new PGlite()
  await pg.exec(
    'CREATE TABLE items (id int, name text, city text, price double precision, active boolean, at timestamptz)',
  )
  for (let start = 0; start < rows.length; start += 5000) {
    await pg.query(
      'INSERT INTO items SELECT * FROM jsonb_to_recordset($1) AS r(id int, name text, city text, price double precision, active boolean, at timestamptz)',
      [JSON.stringify(rows.slice(start, start + 5000))],
    )
  }
  return pg
}

/** Changes: computed columns while inserting, one row of many, versions, files of many tables. */
export async function changeBenchmark({ folder, SQLite }) {
  const rows = makeRows()
  const path = join(folder, 'changes.db')
  const result = []
  const rate = (ms) => Math.round(size / (ms / 1000)).toLocaleString('en')

  const db = new SQLite(join(folder, 'raw-computed.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec('CREATE TABLE items (id INTEGER PRIMARY KEY, s TEXT, i INTEGER, f REAL, i2 INTEGER, f2 REAL, b INTEGER)')
  const statement = db.prepare('INSERT INTO items (s, i, f, i2, f2, b) VALUES (@s, @i, @f, @i + 1, @f * 2, @i > 5)')
  const plain = rows.map(({ id, name, price }) => ({ s: name, i: id, f: price }))
  const insertAll = db.transaction(() => {
    for (const row of plain) statement.run(row)
  })
  const raw = await measure(5, insertAll, 1)
  db.close()
  const pxt = await Pixeltable.open(path)
  const made = await pxt.createTable('made', { s: t.string(), i: t.int(), f: t.float() })
  const one = await made.addComputedColumn('i2', (c) => c.i.add(1))
  const two = await one.addComputedColumn('f2', (c) => c.f.mul(2))
  const three = await two.addComputedColumn('b', (c) => c.i.gt(5))
  const ours = await measure(5, () => three.insert(plain), 1)
  const what = 'insert 100k rows with 3 computed columns, rows/s'
  result.push([what, 'better-sqlite3, computed in SQL', rate(raw.p50), '', '', '1.00'])
  result.push([what, '**pixeltable**', rate(ours.p50), '', '', format(raw.p50 / ours.p50)])
  const fill = await measure(
    1,
    async () => {
      await three.addComputedColumn('late', (c) => c.f.add(c.i))
    },
    0,
  )
  const filled = await three.count()
  result.push([
    'add a computed column, rows/s',
    '**pixeltable**',
    Math.round(filled / (fill.p50 / 1000)).toLocaleString('en'),
    '',
    '',
    '',
  ])

  const items = await pxt.createTable(
    'items',
    { id: t.int(), name: t.string(), price: t.float(), v: t.vector(16) },
    { primaryKey: ['id'] },
  )
  const vector = Array.from({ length: 16 }, (_, i) => i / 16)
  await items.insert(rows.map(({ id, name, price }) => ({ id, name, price, v: vector })))
  const indexed = await items.addEmbeddingIndex('v')
  const dear = await pxt.createView(
    'dear',
    indexed.where((c) => c.price.gt(500)),
  )
  await dear.addComputedColumn('twice', (c) => c.price.mul(2))
  await pxt.createView(
    'dearest',
    dear.where((c) => c.price.gt(900)),
  )
  const update = await measure(100, (i) =>
    indexed
      .update({ price: (i * 37) % 1000 })
      .where({ id: i * 17 })
      .run(),
  )
  result.push([
    'update 1 of 100k rows, 2 views, 1 index, ms',
    '**pixeltable**',
    format(update.p50),
    format(update.p95),
    '',
    '',
  ])

  const read = () =>
    indexed
      .where((c) => c.price.gt(950))
      .orderBy('price')
      .limit(20)
      .collect()
  const before = await measure(50, read)
  for (let i = 0; i < 100; i++)
    await indexed
      .update({ name: `v${i}` })
      .where((c) => c.id.lt(1000))
      .run()
  const after = await measure(50, read)
  result.push([
    'read the present, ms',
    '**pixeltable**, few versions',
    format(before.p50),
    format(before.p95),
    '',
    '1.00',
  ])
  result.push([
    'read the present, ms',
    '**pixeltable**, 100 versions more',
    format(after.p50),
    format(after.p95),
    '',
    format(after.p50 / before.p50),
  ])
  const { version } = (await indexed.history(50))[49]
  const past = await measure(20, () =>
    indexed
      .asOf(version)
      .where((c) => c.price.gt(950))
      .orderBy('price')
      .limit(20)
      .collect(),
  )
  result.push(['read as of 50 versions ago, ms', '**pixeltable**', format(past.p50), format(past.p95), '', ''])
  pxt.close()

  const many = join(folder, 'many.db')
  const wide = await Pixeltable.open(many)
  for (let i = 0; i < 100; i++) {
    await wide.createTable(
      `t${i}`,
      { id: t.int(), a: t.string(), b: t.float(), c: t.json(), d: t.timestamp() },
      { primaryKey: ['id'] },
    )
  }
  wide.close()
  const open = await measure(20, async () => (await Pixeltable.open(many)).close())
  result.push(['open a file of 100 tables, ms', '**pixeltable**', format(open.p50), format(open.p95), '', ''])
  return result
}
