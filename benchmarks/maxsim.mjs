// MaxSim over rows of 128 vectors of 128 dimensions, by a query of 32. Alone: node benchmarks/maxsim.mjs [rows]
//
// The vectors are made, not a model's, in the likeness of token vectors: a vocabulary of 8,000 directions of uneven
// frequency, each vector one of them, moved by what its row is about (0.4) and by noise (0.45); 20 rows share a subject
// and half of their words. Recall is of the ten best rows, against all rows compared exactly.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Pixeltable, t } from '../dist/index.js'
import { format, table as markdown, quantile } from './harness.mjs'

const [tokens, dimensions, queryTokens, queries] = [128, 128, 32, 12]

let state = 7
const uniform = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return state / 2 ** 32
}
const below = (n) => Math.floor(uniform() * n)
const normal = () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform())
const unit = (v) => {
  const norm = Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))
  return v.map((x) => x / norm)
}
const mirrors = [1, 2, 3].map(() => unit(Float32Array.from({ length: dimensions }, normal)))
/** Directions of uneven frequency that are not those of the axes. */
const direction = () => {
  const v = unit(Float32Array.from({ length: dimensions }, (_, i) => normal() / Math.sqrt(i + 1)))
  for (const mirror of mirrors) {
    const twice = 2 * v.reduce((sum, x, i) => sum + x * mirror[i], 0)
    for (let i = 0; i < dimensions; i++) v[i] -= twice * mirror[i]
  }
  return v
}
const words = Array.from({ length: 8000 }, direction)
const noises = Array.from({ length: 20_000 }, direction)
function vectors(count, { words: own, about }, share, context, noise) {
  const values = new Float32Array(count * dimensions)
  for (let n = 0; n < count; n++) {
    const word = words[uniform() < share ? own[below(own.length)] : Math.floor(words.length ** uniform())]
    const moved = noises[below(noises.length)]
    values.set(unit(word.map((x, i) => x + context * about[i] + noise * moved[i])), n * dimensions)
  }
  return values
}
const average = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length

/** Exact and two-stage searches of so many rows, the same queries each. */
export async function maxsimBenchmark({ folder, rows }) {
  const pxt = await Pixeltable.open(join(folder, 'maxsim.db'))
  try {
    const subjects = Array.from({ length: Math.ceil(rows / 20) }, () => ({
      words: Array.from({ length: 60 }, () => below(words.length)),
      about: direction(),
    }))
    const pages = await filled(pxt, rows, subjects)
    const wanted = Array.from({ length: queries }, () =>
      vectors(queryTokens, subjects[below(subjects.length)], 0.7, 0.3, 0.5),
    )
    const search = (query, options) => pages.maxSim('patches', { vectors: query }, options).limit(10).select('n')
    /** Reads the vectors into memory, which takes seconds. */
    const start = performance.now()
    for (const query of wanted.slice(0, 5)) await search(query).collect()
    const first = performance.now() - start
    const exact = await timed(wanted.map((query) => search(query, { candidates: Infinity })))
    const what = `MaxSim, ${rows / 1000}k × ${tokens} × ${dimensions}, ms`
    const row = (how, { times, found }, baseline) => {
      const recalls = found.map(
        (ids, i) => ids.filter((id) => exact.found[i].includes(id)).length / exact.found[i].length,
      )
      const [p50, p95] = [quantile(times, 0.5), quantile(times, 0.95)]
      const recall = baseline && average(recalls).toFixed(3)
      return [
        what,
        `**pixeltable**, ${how}`,
        format(p50),
        format(p95),
        recall ?? '',
        baseline ? format(p50 / baseline) : '',
      ]
    }
    const middle = quantile(exact.times, 0.5)
    return [
      row('every row compared', exact, middle),
      row('two stages (target ≤ 25, recall ≥ 0.95)', await timed(wanted.map((query) => search(query))), middle),
      row('two stages, 64 candidates', await timed(wanted.map((query) => search(query, { candidates: 64 }))), middle),
      row(
        'two stages, half of the rows by a filter',
        await timed(wanted.map((query) => search(query).where({ even: true }))),
      ),
      [`${what}, until they are in memory`, '**pixeltable**', format(first), '', '', ''],
    ]
  } finally {
    pxt.close()
  }
}

async function filled(pxt, rows, subjects) {
  const table = await pxt.createTable('pages', { n: t.int(), even: t.bool(), patches: t.multiVector(dimensions) })
  const pages = await table.addMultiVectorIndex('patches')
  for (let from = 0; from < rows; from += 500) {
    const count = Math.min(500, rows - from)
    await pages.insert(
      Array.from({ length: count }, (_, i) => {
        const subject = subjects[below(subjects.length)]
        const about = unit(direction().map((x, j) => 0.7 * x + subject.about[j]))
        return { n: from + i, even: i % 2 === 0, patches: vectors(tokens, { ...subject, about }, 0.5, 0.4, 0.45) }
      }),
    )
  }
  return pages
}

/** @returns times, the least first, and what was found, in the order of the queries */
async function timed(searches) {
  const [times, found] = [[], []]
  await searches[0].collect()
  for (const search of searches) {
    const start = performance.now()
    const rows = await search.collect()
    times.push(performance.now() - start)
    found.push(rows.map(({ n }) => n))
  }
  return { times: times.sort((a, b) => a - b), found }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), 'maxsim-'))
  const rows = await maxsimBenchmark({ folder, rows: Number(process.argv[2] ?? 10_000) })
  rmSync(folder, { recursive: true })
  console.log(markdown(['what', 'who', 'median', 'p95', 'recall@10', 'ratio'], rows))
}
