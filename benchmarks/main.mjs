/**
 * `npm run bench` in the project: measures and writes results.md and scaling.svg. Takes about half an hour.
 *
 *   npm run bench -- search maxsim          only these steps; results.md keeps the others
 *   BENCH_MAX=100000 npm run bench          searches of no more than so many rows
 *   BENCH_ENGINE=zvec npm run bench -- search   only engines with this in their names
 *   BENCH_LONG=1 npm run bench              with graphs of a million vectors, which take an hour to build
 *   BENCH_SCALE=0.01 BENCH_OUT=/tmp/r.md …  a hundredth of the rows, to try the benchmark itself; written elsewhere
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { computeBenchmark } from './compute.mjs'
import { table } from './harness.mjs'
import { insertBenchmark } from './insert.mjs'
import { machine } from './machine.mjs'
import { maxsimBenchmark } from './maxsim.mjs'
import { overheadBenchmark } from './overhead.mjs'
import { processBenchmark } from './process.mjs'
import { changeBenchmark, queryBenchmark } from './queries.mjs'
import { searchBenchmark } from './search/search.mjs'
import { readSections, writeSections } from './sections.mjs'

const max = Number(process.env.BENCH_MAX ?? 1_000_000)
const scale = Number(process.env.BENCH_SCALE ?? 1)
const out = process.env.BENCH_OUT ?? fileURLToPath(new URL('results.md', import.meta.url))

// The project's own better-sqlite3, so that both sides run the same SQLite.
const require = createRequire(new URL('../package.json', import.meta.url))
const context = {
  folder: mkdtempSync(join(tmpdir(), 'pixeltable-bench-')),
  SQLite: require('better-sqlite3'),
  sqliteVec: require('sqlite-vec'),
  outFolder: dirname(out),
  max,
  scale,
  only: process.env.BENCH_ENGINE,
}

const rowsOf = (work) => async (context) =>
  table(['what', 'who', 'median', 'p95', 'recall@10', 'ratio'], await work(context))

/** What a step gives is the section of its name. */
const steps = {
  search: searchBenchmark,
  maxsim: rowsOf((context) => maxsimBenchmark({ ...context, rows: Math.min(max, Math.max(200, 10_000 * scale)) })),
  overhead: rowsOf(overheadBenchmark),
  insert: rowsOf(insertBenchmark),
  queries: rowsOf(queryBenchmark),
  changes: rowsOf(changeBenchmark),
  computing: rowsOf(computeBenchmark),
  processes: rowsOf(processBenchmark),
}

const selected = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(steps)
const unknown = selected.filter((name) => !(name in steps))
if (unknown.length > 0) throw new Error(`no step ${unknown.join(', ')}; there are ${Object.keys(steps).join(', ')}`)

const head = `# Benchmarks

What \`npm run bench\` measured. Ratios are against the first row of their group; absolute times move with the machine,
ratios hold.

${machine()}
`
try {
  for (const name of selected) {
    console.log(`… ${name}`)
    const start = performance.now()
    const section = await steps[name](context)
    console.log(`${section}\n${name}: ${((performance.now() - start) / 60_000).toFixed(1)} minutes\n`)
    // After each step, so that an hour is not lost by the last.
    writeSections(out, head, Object.keys(steps), readSections(out).set(name, section))
  }
} finally {
  rmSync(context.folder, { recursive: true, force: true })
}
