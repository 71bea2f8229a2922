// MaxSim over 10,000 rows of 128 vectors of 128 dimensions, by a query of 32: milliseconds and recall.
//   node benchmarks/maxsim.mjs [rows]
//
// The vectors are made, not a model's, in the likeness of token vectors: a vocabulary of 8,000 directions of uneven
// frequency, each vector one of them, moved by what its row is about (0.4) and by noise (0.45); 20 rows share a subject
// and half of their words. Recall is of the ten best rows, against all rows compared exactly.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pixeltable, t } from '../dist/index.js'

const rows = Number(process.argv[2] ?? 10_000)
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
const subjects = Array.from({ length: Math.ceil(rows / 20) }, () => ({
  words: Array.from({ length: 60 }, () => below(words.length)),
  about: direction(),
}))
function vectors(count, { words: own, about }, share, context, noise) {
  const values = new Float32Array(count * dimensions)
  for (let n = 0; n < count; n++) {
    const word = words[uniform() < share ? own[below(own.length)] : Math.floor(words.length ** uniform())]
    const moved = noises[below(noises.length)]
    values.set(unit(word.map((x, i) => x + context * about[i] + noise * moved[i])), n * dimensions)
  }
  return values
}
/** The median, and the least: on a machine that does other work, that is nearer to what the search itself takes. */
const milliseconds = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b)
  return `${sorted[sorted.length >> 1].toFixed(1)} ms (least ${sorted[0].toFixed(1)})`
}

const folder = mkdtempSync(join(tmpdir(), 'maxsim-'))
const pxt = await Pixeltable.open(join(folder, 'pages.db'))
try {
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
  const wanted = Array.from({ length: queries }, () =>
    vectors(queryTokens, subjects[below(subjects.length)], 0.7, 0.3, 0.5),
  )
  const search = (query, options) => pages.maxSim('patches', { vectors: query }, options).limit(10).select('n')
  const timed = async (query) => {
    const start = performance.now()
    const found = await query.collect()
    return { found, ms: performance.now() - start }
  }
  const first = await timed(search(wanted[0]))
  console.log(`${rows} rows × ${tokens} vectors × ${dimensions} dimensions, ${queryTokens} vectors a query`)
  console.log(`first search, which reads them into memory: ${(first.ms / 1000).toFixed(1)} s`)
  for (const query of wanted.slice(0, 5)) await search(query).collect()
  const exact = []
  for (const query of wanted) exact.push(await timed(search(query, { candidates: Infinity })))
  console.log(`exact: ${milliseconds(exact.map(({ ms }) => ms))}`)
  for (const candidates of [undefined, 32, 64, 128]) {
    const options = candidates === undefined ? {} : { candidates }
    const all = []
    let hits = 0
    for (const [i, query] of wanted.entries()) {
      const result = await timed(search(query, options))
      all.push(result.ms)
      const best = new Set(exact[i].found.map(({ n }) => n))
      hits += result.found.filter(({ n }) => best.has(n)).length / best.size
    }
    const name = candidates ?? 'default'
    console.log(`candidates ${name}: ${milliseconds(all)}, recall@10 ${(hits / queries).toFixed(3)}`)
  }
  await search(wanted[0]).where({ even: true }).collect()
  const filtered = []
  for (const query of wanted) filtered.push((await timed(search(query).where({ even: true }))).ms)
  console.log(`half of the rows by a filter: ${milliseconds(filtered)}`)
  console.log((await search(wanted[0]).explain())[0])
} finally {
  pxt.close()
  rmSync(folder, { recursive: true })
}
