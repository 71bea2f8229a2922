/** A program in plain JavaScript that uses the built package. */
import { isMainThread } from 'node:worker_threads'
import { Pixeltable, t, udf } from 'pixeltable'

const where = udf({ name: 'worker_plain', worker: import.meta.url }, (n) => `${n} ${isMainThread}`)

if (isMainThread) {
  const pxt = await Pixeltable.open(':memory:')
  const numbers = await pxt.createTable('numbers', { n: t.int() })
  const table = await numbers.addComputedColumn('result', (c) => where(c.n))
  await table.insert([{ n: 1 }, { n: 2 }])
  console.log((await table.collect()).map(({ result }) => result).join())
}
