import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plotOf, reportOf, sizeName } from './report.mjs'
import { planOf, run } from './run.mjs'

const about = `Passages of WordNet (glosses, examples), of the addresses to Congress and of Moby-Dick (windows of 15 to 60
words that overlap by half), shuffled, as vectors of the built-in model; 100 queries: 75 passages that are held back and 25
short questions, as vectors, and as few words for BM25. Each engine has a process of its own, the same vectors and the same
queries, and is warm. Recall is against all rows compared in float64. Where a search can be more thorough, its least
thorough setting of recall 0.95 is measured ("effort"). "Memory" is that of the process; usearch's exact search
holds all vectors in JavaScript besides. "Built in" is from vectors to the first search, without what is
made in the background, as hnsw of pixeltable is, also of rows that come later. Targets are those of the library, not of the machine.

![p50 by number of vectors](scaling.svg)`

/** Real texts, ours and the peers', as a section; draws the plot. */
export async function searchBenchmark({ folder, outFolder, ...choice }) {
  const own = join(folder, 'search')
  mkdirSync(own)
  const plan = planOf(choice)
  const results = await run(plan, own)
  const picture = plotOf(plan, results)
  if (picture) writeFileSync(join(outFolder, 'scaling.svg'), picture)
  const cap = choice.max < 1_000_000 ? `Sizes above ${sizeName(choice.max)} were left out of this run.\n\n` : ''
  return `${about}\n\n${cap}${reportOf(plan, results)}`
}
