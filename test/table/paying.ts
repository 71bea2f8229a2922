/** The victim of a test: one statement of ten seconds, whose calls are reported as they are made. */
import { Pixeltable, t, udf } from '../../src/index.js'

const pay = udf({ name: 'paying_pay', concurrency: 1 }, async (n: number) => {
  process.stdout.write(`${n}\n`)
  await new Promise((resolve) => setTimeout(resolve, 100))
  return n
})
const pxt = await Pixeltable.open(process.argv[2]!)
const table = await pxt.createTable('t', { n: t.int() }, { ifExists: 'ignore' })
const paid = await table.addComputedColumn('paid', (c) => pay(c.n), { ifExists: 'ignore' })
await paid.insert(Array.from({ length: 100 }, (_, n) => ({ n })))
pxt.close()
