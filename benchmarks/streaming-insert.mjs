/** Streams a million rows into a table with a function in a column; prints the memory on the way, in MB, as JSON. */
import { Pixeltable, t, udf } from '../dist/index.js'

const pxt = await Pixeltable.open(process.argv[2])
const upper = udf({ name: 'streaming_upper' }, async (s) => s.toUpperCase())
const table = await (await pxt.createTable('rows', { n: t.int(), s: t.string() })).addComputedColumn('u', (c) =>
  upper(c.s),
)
const memory = {}
function* rows() {
  for (let n = 0; n < 1_000_000; n++) {
    if (n === 100_000 || n === 500_000) memory[n] = process.memoryUsage().rss / 2 ** 20
    yield { n, s: `row number ${n}` }
  }
}
await table.insert(rows())
memory[1_000_000] = process.memoryUsage().rss / 2 ** 20
pxt.close()
console.log(JSON.stringify(memory))
