/**
 * `node measure.mjs <engine> <size> <corpus folder> <own folder> <tasks>`: one engine at one size, in a process of its
 * own. Sends what it measured, by task.
 */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { measure, quantile } from '../harness.mjs'
import { Corpus, k } from './corpus.mjs'
import { engineNamed } from './engines.mjs'

const [name, size, corpusFolder, folder, taskList] = process.argv.slice(2)
const corpus = new Corpus(corpusFolder, Number(size))
const engine = await engineNamed(name)

/** What an approximate search has to find; of its settings, the fastest that does is measured. */
const wantedRecall = 0.95
/** Milliseconds that repetitions of a search take at most, as long as there are some. */
const patience = 4000
const [fewestRuns, mostRuns] = [10, 500]

const inserted = 10_000
const insertBatch = 1000

const average = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length

/** Every query once, which also warms up; fewer where that takes too long. */
async function recallOf(search, options) {
  const recalls = []
  const start = performance.now()
  for (const [q, query] of corpus.queryVectors.entries()) {
    recalls.push(corpus.recall(q, await search(query, k), options))
    if (q >= fewestRuns && performance.now() - start > 2 * patience) break
  }
  return average(recalls)
}

/** As often as there is time. */
async function timesOf(work) {
  const start = performance.now()
  await work(0)
  const once = performance.now() - start
  const runs = Math.max(fewestRuns, Math.min(mostRuns, Math.floor(patience / once)))
  return await measure(runs, work, Math.min(10, Math.ceil(runs / 10)))
}

const queryOf = (i) => corpus.queryVectors[i % corpus.queryVectors.length]
const wordsOf = (i) => corpus.words[i % corpus.words.length]

const tasks = {
  async search({ search, ready, efforts = [undefined], setEffort }) {
    await search(queryOf(0), k)
    await ready?.()
    let recall
    let effort
    for (effort of efforts) {
      await setEffort?.(effort)
      recall = await recallOf(search)
      if (recall >= wantedRecall) break
    }
    const times = await timesOf((i) => search(queryOf(i), k))
    globalThis.gc()
    return { ...times, recall, effort, memory: process.memoryUsage().rss / 2 ** 20 }
  },

  async filtered({ filtered }) {
    const recall = await recallOf(filtered, { filtered: true })
    return { ...(await timesOf((i) => filtered(queryOf(i), k))), recall }
  },

  /** All queries at once: until the last is answered. */
  concurrent: ({ search }) => timesOf(() => Promise.all(corpus.queryVectors.map((query) => search(query, k)))),

  text: ({ text }) => timesOf((i) => text(wordsOf(i), k)),

  hybrid: ({ hybrid }) => timesOf((i) => hybrid(wordsOf(i), queryOf(i), k)),

  /** More rows into a table that has its index, a thousand in a commit. */
  async insert({ search, ready, insert }) {
    await search(queryOf(0), k)
    await ready?.()
    const times = []
    for (const { first, vectors, flat } of corpus.pages(insertBatch, corpus.count, corpus.count + inserted)) {
      const start = performance.now()
      await insert(first, vectors, flat)
      times.push(performance.now() - start)
    }
    return { rate: inserted / (times.reduce((sum, x) => sum + x, 0) / 1000), ...quantiles(times) }
  },

  /** The last task. Files are as large as they are when they are closed. */
  async shrink(session) {
    await session.close()
    const before = bytesIn(folder)
    const opened = await engine.open(folder)
    const start = performance.now()
    await opened.shrink()
    const ms = performance.now() - start
    await opened.close()
    return { ms, share: bytesIn(folder) / before }
  },
}

const quantiles = (times) => {
  times.sort((a, b) => a - b)
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) }
}

function bytesIn(path) {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.size
  return readdirSync(path).reduce((sum, child) => sum + bytesIn(join(path, child)), 0)
}

const report = (message) => new Promise((resolve) => process.send(message, resolve))
const wanted = taskList.split(',')
if (wanted[0] === 'first') {
  const start = performance.now()
  const session = await engine.open(folder)
  await session.search(queryOf(0), k)
  await report({ task: 'first', ms: performance.now() - start })
} else {
  const start = performance.now()
  const session = await engine.build(corpus, folder)
  await report({ task: 'build', ms: performance.now() - start })
  for (const task of wanted) {
    try {
      await report({ task, ...(await tasks[task](session)) })
    } catch (error) {
      await report({ task, error: String(error.message).split('\n')[0] })
    }
  }
  if (!wanted.includes('shrink')) await session.close?.()
}
// Some engines keep threads.
process.exit()
