/** Functions in computed columns: what a call costs, how full pools are, memory while rows stream. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pixeltable, t, udf } from '../dist/index.js'
import { measure } from './harness.mjs'

const cells = 100_000
const format = (x) => (x < 10 ? x.toFixed(2) : Math.round(x).toLocaleString('en'))

export async function computeBenchmark({ folder, SQLite }) {
  const result = []
  const rows = Array.from({ length: cells }, (_, n) => ({ n }))
  const pxt = await Pixeltable.open(join(folder, 'compute.db'))
  const plain = await pxt.createTable('plain', { n: t.int() })
  const base = await measure(5, () => plain.insert(rows), 1)
  const kinds = {
    'synchronous function': udf({ name: 'bench_sync' }, (n) => n + 1),
    'asynchronous function': udf({ name: 'bench_async', concurrency: 100 }, async (n) => n + 1),
    'batched function of 100': udf({ name: 'bench_batch', batchSize: 100 }, async (all) => all.map((n) => n + 1)),
  }
  for (const [i, [what, fn]] of Object.entries(kinds).entries()) {
    const table = await pxt.createTable(`called_${i}`, { n: t.int() })
    const called = await table.addComputedColumn('m', (c) => fn(c.n))
    const time = await measure(5, () => called.insert(rows), 1)
    const each = ((time.p50 - base.p50) * 1000) / cells
    result.push([`a cell of a trivial ${what}, µs over the plain insert`, '**pixeltable**', format(each), '', '', ''])
  }

  const wait = udf({ name: 'bench_wait', concurrency: 100 }, () => new Promise((resolve) => setTimeout(resolve, 50, 1)))
  const waiting = await (await pxt.createTable('waiting', { n: t.int() })).addComputedColumn('m', (c) => wait(c.n))
  const calls = 10_000
  const ideal = (calls / 100) * 50
  const array = await measure(1, () => waiting.insert(rows.slice(0, calls)), 0)
  const what = `${calls.toLocaleString('en')} calls of 50 ms, 100 at a time, ms`
  result.push([what, 'ideal', format(ideal), '', '', '1.00'])
  result.push([what, '**pixeltable**, an array', format(array.p50), '', '', (ideal / array.p50).toFixed(3)])
  const stream = await measure(1, () => waiting.insert(rows.slice(0, calls).values()), 0)
  result.push([what, '**pixeltable**, a stream', format(stream.p50), '', '', (ideal / stream.p50).toFixed(3)])
  const fast = udf({ name: 'bench_fast', concurrency: 100 }, () => new Promise((resolve) => setImmediate(resolve, 1)))
  const quick = await (await pxt.createTable('quick', { n: t.int() })).addComputedColumn('m', (c) => fast(c.n))
  const rate = await measure(3, () => quick.insert(rows.slice(0, 20_000)), 1)
  const perMinute = format(20_000 / (rate.p50 / 60_000))
  result.push(['calls a minute without a limit', '**pixeltable**', perMinute, '', '', ''])
  pxt.close()

  for (const [how, words] of [
    ['array', 'in one statement'],
    ['stream', 'as a stream'],
  ]) {
    const loop = run('event-loop.mjs', join(folder, `loop-${how}.db`), how)
    const what = `event loop held while 10,000 documents become ${loop.chunks.toLocaleString('en')} chunks and vectors, ms`
    result.push([
      `${what}, ${words} (${format(loop.seconds)} s)`,
      '**pixeltable**',
      format(loop.p99),
      `max ${format(loop.max)}`,
      '',
      '',
    ])
  }

  for (const [count, megabytes] of Object.entries(run('streaming-insert.mjs', join(folder, 'streamed.db')))) {
    const rows = Number(count).toLocaleString('en')
    result.push([
      `memory after ${rows} streamed rows with a function, MB`,
      '**pixeltable**',
      format(megabytes),
      '',
      '',
      '',
    ])
  }
  result.push(...(await fillBenchmark(folder, SQLite)))
  return result
}

/** A program of its own, whose output is JSON. */
function run(name, ...args) {
  const program = fileURLToPath(new URL(name, import.meta.url))
  const child = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  if (child.status !== 0) throw new Error(child.stderr)
  return JSON.parse(child.stdout)
}

/** A column that the database computes, for a million rows that are there. */
async function fillBenchmark(folder, SQLite) {
  const rows = 1_000_000
  const pxt = await Pixeltable.open(join(folder, 'fill.db'))
  const table = await pxt.createTable('rows', { n: t.int(), s: t.string() })
  await table.insert(numbered(rows))
  let number = 0
  const ours = await measure(3, () => table.addComputedColumn(`m${number++}`, (c) => c.n.mul(2).add(1)), 1)
  pxt.close()
  const db = new SQLite(join(folder, 'fill-raw.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec('CREATE TABLE rows (id INTEGER PRIMARY KEY, version INTEGER, n INTEGER, s TEXT) STRICT')
  const insert = db.prepare('INSERT INTO rows VALUES (?, 1, ?, ?)')
  db.transaction(() => {
    let id = 0
    for (const { n, s } of numbered(rows)) insert.run(++id, n, s)
  })()
  const raw = await measure(
    3,
    () => {
      db.exec(`ALTER TABLE rows ADD COLUMN m${number} INTEGER; UPDATE rows SET m${number} = n * 2 + 1`)
      number++
    },
    1,
  )
  db.close()
  const what = 'a computed column for 1,000,000 rows, rows/s'
  const rate = ({ p50 }) => format(rows / (p50 / 1000))
  return [
    [what, 'ALTER TABLE and UPDATE by hand', rate(raw), '', '', '1.00'],
    [what, '**pixeltable**', rate(ours), '', '', (raw.p50 / ours.p50).toFixed(2)],
  ]
}

function* numbered(count) {
  for (let n = 0; n < count; n++) yield { n, s: `row number ${n}` }
}
