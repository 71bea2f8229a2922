/** Fills a table with many rows, or streams them and prints the most memory that took. Each is a process of its own. */
import { Pixeltable, t } from 'pixeltable'

const [, , what, path, rows] = process.argv
const total = Number(rows)
const schema = { id: t.int(), name: t.string(), price: t.float() }
const pxt = await Pixeltable.open(path)

async function fill() {
  const table = await pxt.createTable('many', schema)
  async function* source() {
    for (let id = 0; id < total; id++) yield { id, name: `row number ${id}`, price: (id * 7919) % 1000 }
  }
  await table.insert(source(), { batchSize: 10_000 })
}

async function stream() {
  const many = await pxt.getTable('many', schema)
  const start = process.memoryUsage.rss()
  let most = 0
  let count = 0
  const next = () => {
    if (count++ % 10_000 === 0) most = Math.max(most, process.memoryUsage.rss())
  }
  for await (const row of many.where((c) => c.id.gte(0))) {
    if (row.id !== count) throw new Error(`expected row ${count}, got ${row.id}`)
    next()
  }
  let last = Number.NEGATIVE_INFINITY
  for await (const row of many.orderBy('price')) {
    if (row.price < last) throw new Error('not sorted')
    last = row.price
    next()
  }
  const megabytes = (bytes) => Math.round(bytes / 2 ** 20)
  console.log(JSON.stringify({ count, start: megabytes(start), most: megabytes(most) }))
}

await (what === 'fill' ? fill() : stream())
pxt.close()
