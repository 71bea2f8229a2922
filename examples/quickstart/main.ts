/** The main job: documents in; chunks, topics, an index; ranked answers with their sources out. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { documentSplitter, miniEmbed, Pixeltable, query, t, udf } from 'pixeltable'
import { generateAnswer } from './generate-answer.js'

const documents = fileURLToPath(new URL('documents/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'pixeltable-quickstart-'))
const file = join(folder, 'quickstart.db')
const started = performance.now()

const classify = udf({ name: 'classify_topic', version: 1 }, (text: string) => {
  if (/\b(revenue|sales|margin|stock|price)/i.test(text)) return 'business'
  if (/\b(bake|bread|tea|coffee|kettle|tomato)/i.test(text)) return 'kitchen'
  return 'everyday'
})

try {
  const pxt = await Pixeltable.open(file)

  // 1. Store: a table of documents, their bytes kept in the database file.
  await pxt.createDir('app')
  const docs = await pxt.createTable('app.docs', { document: t.document(), added: t.timestamp() })
  const names = readdirSync(documents).sort()
  await docs.insert(names.map((name) => ({ document: join(documents, name), added: new Date() })))
  console.log(`1. Stored ${await docs.count()} documents: ${names.join(', ')}\n`)

  // 2. Build: a view of chunks, and a column that is computed for each.
  const chunkView = await pxt.createView('app.chunks', docs, {
    iterator: documentSplitter((c) => c.document, {
      separators: ['heading', 'page', 'sentence', 'token_limit'],
      limit: 60,
      metadata: ['heading', 'page'],
    }),
  })
  const tagged = await chunkView.addComputedColumn('topic', (c) => classify(c.text))
  console.log(`2. Split them into ${await tagged.count()} chunks, each with a topic\n`)

  // 3. Index: from now on every chunk has a vector, in the same commit as its text.
  const chunks = await tagged.addEmbeddingIndex('text', { embed: miniEmbed() })
  console.log('3. Indexed the chunks with the built-in model\n')

  // 4. Query: by meaning, with any filter.
  const question = 'How did the kettle company do, and what does it expect?'
  const hits = await chunks
    .similarity('text', question)
    .where((c) => c.topic.eq('business'))
    .select((c) => ({ text: c.text, source: c.document.name, page: c.page, score: c.score }))
    .limit(3)
    .collect()
  console.log(`4. ${question} (business chunks only)`)
  for (const { text, source, page, score } of hits) {
    console.log(`   ${score.toFixed(3)}  ${source}, page ${page}: ${text}`)
  }

  // 5. Serve: a query function feeds a table whose computed columns answer each question that is inserted.
  const searchDocs = query('search_docs', { text: t.string(), limit: t.int().default(3) }, (p) =>
    chunks
      .similarity('text', p.text)
      .limit(p.limit)
      .select((c) => ({ text: c.text, source: c.document.name, heading: c.heading, page: c.page, score: c.score })),
  )
  const questions = await pxt.createTable('app.rag', { question: t.string() })
  const retrieved = await questions.addComputedColumn('context', (c) => searchDocs.expr({ text: c.question }))
  const rag = await retrieved.addComputedColumn('answer', (c) => generateAnswer(c.question, c.context))
  await rag.insert([
    { question: 'How long do I steep green tea?' },
    { question: 'How do I find the hole in a bicycle tube?' },
    { question: 'What does a late library book cost?' },
    { question: 'What should I do about a burn?' },
  ])
  console.log(
    `\n5. Answers${process.env.OPENAI_API_KEY ? '' : ' (the best passage; set OPENAI_API_KEY for written ones)'}`,
  )
  for (const { question, context, answer } of await rag.collect()) {
    console.log(`\n   ${question}\n   → ${answer}`)
    for (const { source, heading, page, score } of context) {
      const place = page === null ? Object.values(heading ?? {}).join(' › ') : `page ${page}`
      console.log(`     ${score.toFixed(3)}  ${source}${place === '' ? '' : `, ${place}`}`)
    }
  }

  pxt.close()
  const size = (statSync(file).size / 1024).toFixed(0)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`\nAll of it was in one SQLite file of ${size} KB, made in ${seconds} s.`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
