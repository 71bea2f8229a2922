/** The victim of the crash test: inserts batches until it is killed, and prints each batch once it is committed. */
import { documentSplitter, Pixeltable, t, udf } from '../../src/index.js'

export const rowsPerBatch = 5

export const length = udf({ name: 'crash_length', version: 1 }, (text: string) => text.length)
/** Vectors without a model: what matters here is that they are there. */
export const embedder = {
  name: 'crash_embedder',
  version: 1,
  dimensions: 4,
  embed: async (texts: readonly (string | Uint8Array)[]) => texts.map((text) => [text.length, 1, 2, 3]),
}

export async function openTables(path: string) {
  const pxt = await Pixeltable.open(path, { functions: [length, embedder] })
  const docs = await pxt.createTable('docs', { batch: t.int(), doc: t.document() }, { ifExists: 'ignore' })
  const view = await pxt.createView('chunks', docs, {
    iterator: documentSplitter((c) => c.doc, { separators: ['paragraph'] }),
    ifExists: 'ignore',
  })
  if (!view.describe().columns.some((column) => column.name === 'length')) {
    await view.addComputedColumn('length', (c) => length(c.text))
  }
  await view.addEmbeddingIndex('text', { embed: embedder, name: 'meaning', ifExists: 'ignore' })
  await view.addTextIndex('text', { name: 'words', ifExists: 'ignore' })
  return { pxt, docs }
}

const path = process.argv[2]
if (path !== undefined && process.argv[1]?.endsWith('inserting.ts')) {
  const { docs } = await openTables(path)
  const [last] = await docs.tail(1)
  for (let batch = (last?.batch ?? -1) + 1; ; batch++) {
    const rows = Array.from({ length: rowsPerBatch }, (_, i) => ({
      batch,
      doc: new Blob([`Batch ${batch}, document ${i}.\n\nA second paragraph.`], { type: 'text/plain' }),
    }))
    await docs.insert(rows)
    process.stdout.write(`${batch}\n`)
  }
}
