/** `npm run bench` in the project: measures and writes results.md. Takes some minutes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { computeBenchmark } from './compute.mjs'
import { table } from './harness.mjs'
import { insertBenchmark } from './insert.mjs'
import { processBenchmark } from './process.mjs'
import { changeBenchmark, queryBenchmark } from './queries.mjs'
import { overheadBenchmark, searchBenchmark } from './search.mjs'

// The project's own better-sqlite3, so that both sides run the same SQLite.
const require = createRequire(new URL('../package.json', import.meta.url))
const context = {
  folder: mkdtempSync(join(tmpdir(), 'pixeltable-bench-')),
  SQLite: require('better-sqlite3'),
  sqliteVec: require('sqlite-vec'),
}

const rows = []
const step = async (what, work) => {
  console.log(`… ${what}`)
  rows.push(...(await work()))
}
try {
  await step('insert', () => insertBenchmark(context))
  await step('queries', () => queryBenchmark(context))
  await step('changes', () => changeBenchmark(context))
  await step('computing', () => computeBenchmark(context))
  await step('overhead', () => overheadBenchmark(context))
  await step('search 10k', () => searchBenchmark(10_000, context))
  await step('search 100k', () => searchBenchmark(100_000, context))
  await step('processes', async () => processBenchmark())
} finally {
  rmSync(context.folder, { recursive: true, force: true })
}

const text = `# Benchmarks

One run of \`npm run bench\` on ${cpus().length} cores (${cpus()[0].model.trim()}), Node ${process.version}. Vectors are seeded random
numbers. Ratios are against the first row of their group; absolute times move with the machine, ratios hold.

${table(['what', 'who', 'median', 'p95', 'recall@10', 'ratio'], rows)}
`
writeFileSync(fileURLToPath(new URL('results.md', import.meta.url)), text)
console.log(`\n${text}`)
