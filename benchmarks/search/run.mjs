import { fork } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { quantile } from '../harness.mjs'
import { scaling, works } from './works.mjs'

const program = (name) => fileURLToPath(new URL(name, import.meta.url))
/** An engine that takes longer at one size is left out there. */
const patience = (process.env.BENCH_LONG ? 60 : 8) * 60_000
/** Processes that open a file and search once. */
const openings = 5

/**
 * The rows and the points of the plot that fit below a size.
 * @param scale makes all smaller, to try the benchmark itself
 * @param only a part of the names of the engines that are measured
 */
export function planOf({ max, scale, only = '' }) {
  const sizeOf = (size) => Math.max(100, Math.round(size * scale))
  const isWanted = (engine) => engine.includes(only)
  const rows = works
    .filter(({ size }) => size <= max)
    .map((work) => ({ ...work, size: sizeOf(work.size), engines: work.engines.filter(isWanted) }))
    .filter(({ engines }) => engines.length > 0)
  const all = Object.entries(scaling.engines).filter(([engine]) => isWanted(engine))
  const points = all.flatMap(([engine, most]) =>
    scaling.sizes
      .filter((size) => size <= Math.min(most, max))
      .map((size) => ({ engine, size: sizeOf(size), task: 'search' })),
  )
  return { rows, points }
}

/** Measures all that a plan wants, one engine and size after the other. @returns what was measured, by `keyOf` */
export async function run({ rows, points }, folder) {
  const wanted = [...points, ...rows.flatMap(({ engines, ...row }) => engines.map((engine) => ({ engine, ...row })))]
  const jobs = new Map()
  for (const { engine, size, task } of wanted) {
    const key = JSON.stringify([size, engine])
    if (!jobs.has(key)) jobs.set(key, new Set())
    jobs.get(key).add(task)
  }
  const sizes = [...new Set(wanted.map(({ size }) => size))].sort((a, b) => a - b)
  const corpusFolder = join(folder, 'corpus')
  mkdirSync(corpusFolder)
  const corpus = await child('prepare.mjs', [corpusFolder, sizes.join()])
  if (corpus.error) throw new Error(corpus.error)
  const results = new Map()
  for (const size of sizes) {
    for (const [key, tasks] of jobs) {
      const [of, engine] = JSON.parse(key)
      if (of !== size) continue
      const own = join(folder, 'engine')
      mkdirSync(own)
      for (const [task, result] of await job(engine, size, corpusFolder, own, [...tasks])) {
        results.set(keyOf(engine, size, task), result)
      }
      rmSync(own, { recursive: true, force: true })
    }
  }
  return results
}

export const keyOf = (engine, size, task) => JSON.stringify([engine, size, task])

/** @returns results by task */
async function job(engine, size, corpusFolder, own, tasks) {
  const results = new Map()
  const start = performance.now()
  const measure = async (some) => {
    if (some.length === 0) return undefined
    const { messages, error } = await child('measure.mjs', [engine, size, corpusFolder, own, some.join()])
    for (const task of some) results.set(task, messages.find((message) => message.task === task) ?? { error })
    return messages.find(({ task }) => task === 'build')
  }
  // What changes the rows comes last; where something opens the file as it was, in another process after that.
  const changes = tasks.filter((task) => task === 'insert' || task === 'shrink')
  const others = tasks.filter((task) => task !== 'first' && !changes.includes(task))
  const isOpened = tasks.includes('first')
  const build = await measure(isOpened ? others : [...others, ...changes])
  if (isOpened) {
    results.set('first', await firstSearches(engine, size, corpusFolder, own))
    rmSync(own, { recursive: true, force: true })
    mkdirSync(own)
    await measure(changes)
  }
  if (build && results.has('search')) results.get('search').build = build.ms
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  const p50 = results.get('search')?.p50
  console.log(
    `  ${size} ${engine.replaceAll('*', '')}: ${tasks.join(', ')}; ${p50 ? `p50 ${p50.toFixed(2)} ms; ` : ''}${seconds} s`,
  )
  for (const [task, { error }] of results) if (error) console.log(`    ${task}: ${error}`)
  return results
}

async function firstSearches(engine, size, corpusFolder, own) {
  const times = []
  for (let i = 0; i < openings; i++) {
    const { messages, error } = await child('measure.mjs', [engine, size, corpusFolder, own, 'first'])
    if (error) return { error }
    times.push(messages[0].ms)
  }
  times.sort((a, b) => a - b)
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) }
}

/** A process of its own, so that no engine has the memory, the caches or the threads of another. */
function child(name, args) {
  return new Promise((resolve) => {
    const messages = []
    const started = fork(program(name), args.map(String), {
      execArgv: ['--expose-gc', '--max-old-space-size=8192'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // LanceDB would warn at each search.
      env: { ...process.env, LANCE_LOG: 'error', RUST_LOG: 'error' },
    })
    let errors = ''
    started.stderr.on('data', (data) => {
      errors = (errors + data).slice(-10_000)
    })
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      started.kill('SIGKILL')
    }, patience)
    started.on('message', (message) => messages.push(message))
    started.on('close', (code, signal) => {
      clearTimeout(timer)
      const line = errors.split('\n').find((text) => /error/i.test(text)) ?? `ended by ${signal ?? code}`
      const error = isLate ? `takes more than ${patience / 60_000} minutes` : code === 0 ? undefined : line.trim()
      resolve({ messages, error })
    })
  })
}
