import { join } from 'node:path'
import { Pixeltable, t } from '../../src/index.js'

// Imports and exports more than its heap holds; run by memory.test.ts in a process of its own.

const [folder, format] = process.argv.slice(2) as [string, 'Csv' | 'Jsonl' | 'Parquet' | 'Arrow']
const rows = 400_000
const filler = 'x'.repeat(300)

async function* csv(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('n,at,s\n')
  for (let n = 0; n < rows; n += 1000) {
    const lines = Array.from({ length: 1000 }, (_, i) => `${n + i},2024-01-01T00:00:00Z,"${filler}, ${n + i}"\n`)
    yield Buffer.from(lines.join(''))
  }
}

let peak = 0
const watch = setInterval(() => {
  // Not the resident size, in which SQLite's cache and its mapping of the file count.
  const { heapTotal, external } = process.memoryUsage()
  peak = Math.max(peak, heapTotal + external)
}, 20)
const schema = { n: t.int(), at: t.timestamp(), s: t.string() }
const pxt = await Pixeltable.open(join(folder, 'many.db'))
const table = await pxt.importCsv('many', csv(), { schema })
const path = join(folder, `many.${format}`)
const written = await table[`to${format}`](path)
const copy = await pxt[`import${format}`]('copy', path, { schema, batchSize: 5000 })
const last = await copy.tail(1)
clearInterval(watch)
console.log(JSON.stringify({ rows: await copy.count(), bytes: written.bytes, last: last[0]!.n, peak }))
pxt.close()
