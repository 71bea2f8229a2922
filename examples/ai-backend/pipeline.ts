/** Store, build, index, query: the tables of a backend that answers questions about documents. */
import { documentSplitter, miniEmbed, type Pixeltable, query, t, udf } from 'pixeltable'
import { generateAnswer } from '../quickstart/generate-answer.js'

/** A topic by keywords; a model would do as well. */
export const classifyChunk = udf({ name: 'classify_chunk', version: 1 }, (text: string) => {
  const lower = text.toLowerCase()
  const has = (...words: string[]): boolean => words.some((word) => lower.includes(word))
  if (has('stock', 'share', 'price', 'earnings', 'revenue')) return 'financial'
  if (has('technology', ' ai ', 'cloud', 'data', 'model')) return 'technology'
  if (has('market', 'index', 'dow', 'nasdaq', 's&p')) return 'market'
  return 'other'
})

export type Backend = Awaited<ReturnType<typeof openBackend>>

/** Creates the tables, or opens them where they exist. */
export async function openBackend(pxt: Pixeltable) {
  const ifExists = 'ignore' as const
  await pxt.createDir('app', { ifExists })

  // Store
  const docs = await pxt.createTable(
    'app.docs',
    { document: t.document(), title: t.string(), metadata: t.json<Record<string, string>>() },
    { ifExists },
  )
  // Build
  const view = await pxt.createView('app.chunks', docs, {
    iterator: documentSplitter((c) => c.document, {
      separators: ['page', 'sentence', 'token_limit'],
      limit: 128,
      metadata: ['page'],
    }),
    ifExists,
  })
  const fresh = !view.describe().columns.some((column) => column.name === 'topic')
  if (fresh) await view.addComputedColumn('topic', (c) => classifyChunk(c.text))
  // Index
  const chunks = await view.addEmbeddingIndex('text', { embed: miniEmbed(), name: 'meaning', ifExists })
  // Query
  const searchDocs = query('search_docs', { text: t.string(), limit: t.int().default(5) }, (p) =>
    chunks
      .similarity('text', p.text)
      .limit(p.limit)
      .select((c) => ({ text: c.text, title: c.title, page: c.page, score: c.score })),
  )
  const rag = await pxt.createTable('app.rag', { question: t.string() }, { ifExists })
  if (fresh) {
    const retrieved = await rag.addComputedColumn('context', (c) => searchDocs.expr({ text: c.question }))
    await retrieved.addComputedColumn('answer', (c) => generateAnswer(c.question, c.context))
  }
  return { pxt, docs, chunks, searchDocs }
}

/** A question with its answer and the passages behind it: inserting the row runs the pipeline. */
export async function ask({ pxt }: Backend, question: string) {
  const rag = await pxt.getTable('app.rag')
  await rag.insert({ question })
  const [row] = await rag.tail(1)
  return row as {
    question: string
    answer: string
    context: { text: string; title: string; page: number | null; score: number }[]
  }
}
