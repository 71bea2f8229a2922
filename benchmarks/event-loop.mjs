/** Inserts 10,000 documents with chunks, a computed column and vectors; prints how long the event loop was held, as JSON. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { documentSplitter, miniEmbed, Pixeltable, t } from '../dist/index.js'

const documents = 10_000
const words = 'tea bread wheel river market energy cloud chip growth margin risk paper garden winter music code'.split(
  ' ',
)
const sentence = (seed) =>
  `${Array.from({ length: 12 }, (_, i) => words[(seed * 7 + i * (1 + (seed % 5))) % words.length]).join(' ')}.`
const text = (n) =>
  Array.from(
    { length: 4 },
    (_, p) => `## Part ${p}\n\n${Array.from({ length: 4 }, (_, s) => sentence(n * 31 + p * 5 + s)).join(' ')}`,
  ).join('\n\n')

const pxt = await Pixeltable.open(process.argv[2])
const docs = await pxt.createTable('docs', { file: t.document(), n: t.int() })
const view = await pxt.createView('chunks', docs, {
  iterator: documentSplitter((c) => c.file, { separators: ['heading', 'sentence', 'char_limit'], limit: 300 }),
})
const chunks = await view.addComputedColumn('size', (c) => c.text.length())
await chunks.addEmbeddingIndex('text', { embed: miniEmbed() })
const rows = Array.from({ length: documents }, (_, n) => ({
  file: new Blob([text(n)], { type: 'text/markdown' }),
  n,
}))
// The first document loads the parser and the model.
await docs.insert({ file: new Blob(['# Start'], { type: 'text/markdown' }), n: -1 })

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
const start = performance.now()
await docs.insert(process.argv[3] === 'stream' ? rows.values() : rows)
const seconds = (performance.now() - start) / 1000
// What held the loop last is counted when the loop turns.
await setTimeout(50)
delay.disable()
console.log(
  JSON.stringify({
    chunks: await chunks.count(),
    seconds,
    turns: delay.count,
    max: delay.max / 1e6,
    p99: delay.percentile(99) / 1e6,
    mean: delay.mean / 1e6,
  }),
)
pxt.close()
