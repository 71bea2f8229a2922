/**
 * The victim of the third crash test: rows whose columns, view rows and vectors are computed later, and a drain that
 * reports each call of a function. It goes on until it is killed.
 */
import { Pixeltable, t, udf } from '../../src/index.js'

export const rowsPerInsert = 60
export const batchSize = 5

/** Told of each call, as `function argument`. */
let report = (_call: string): void => {}

const shout = udf({ name: 'draining_shout', concurrency: 4 }, async (text: string) => {
  report(`shout ${text}`)
  await new Promise((resolve) => setTimeout(resolve, 2))
  return text.toUpperCase()
})
const count = udf({ name: 'draining_count', batchSize: 3 }, async (texts: string[]) => {
  for (const text of texts) report(`count ${text}`)
  await new Promise((resolve) => setTimeout(resolve, 2))
  return texts.map((text) => text.length)
})
const embed = {
  name: 'draining_embed',
  version: 1,
  batchSize: 4,
  embed: async (texts: readonly unknown[]) => {
    for (const text of texts) report(`embed ${text}`)
    return texts.map((text) => [String(text).length, 1])
  },
}

export async function open(path: string) {
  const pxt = await Pixeltable.open(path, { functions: [shout, count, embed] })
  if ((await pxt.listTables()).length === 0) {
    await pxt.transaction(async (tx) => {
      const plain = await tx.createTable('notes', { id: t.int(), text: t.string() }, { primaryKey: ['id'] })
      const one = await plain.addComputedColumn('loud', (c) => shout(c.text))
      const two = await one.addComputedColumn('length', (c) => count(c.loud))
      await two.addEmbeddingIndex('loud', { embed, name: 'by_loud' })
      await tx.createView(
        'even',
        two.where((c) => c.id.mod(2).eq(0)),
      )
    })
  }
  const notes = await pxt.getTable('notes', { id: t.int(), text: t.string() })
  const insertNext = async () => {
    const from = await notes.count()
    const rows = Array.from({ length: rowsPerInsert }, (_, i) => ({ id: from + i, text: `note ${from + i}` }))
    await notes.insert(rows, { compute: 'deferred' })
  }
  return { pxt, notes, insertNext }
}

/** Everything that can be read. */
export async function contents(pxt: Pixeltable): Promise<string[]> {
  const notes = await pxt.getTable('notes')
  const even = await pxt.getTable('even')
  const rows = [...(await notes.orderBy('id').collect()), ...(await even.orderBy('id').collect())]
  const found = await notes
    .similarity('loud' as never, 'abc')
    .orderBy('id')
    .collect()
  return [...rows, ...found].map((row) => JSON.stringify(Object.entries(row).sort()))
}

const [path] = process.argv.slice(2)
if (path !== undefined && process.argv[1]?.endsWith('draining.ts')) {
  const { pxt, notes, insertNext } = await open(path)
  report = (call) => process.stdout.write(`${call}\n`)
  for (;;) {
    await pxt.drain({ batchSize })
    // A column that is filled later, and dropped again, so that all kinds of pending work are killed.
    const added = await notes.addComputedColumn('more' as never, ((c: any) => count(c.text)) as never, {
      compute: 'deferred',
      ifExists: 'ignore',
    })
    await pxt.drain({ batchSize })
    await added.dropColumn('more' as never)
    await insertNext()
  }
}
