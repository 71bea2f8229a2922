/** `node prepare.mjs <folder> <sizes>`: makes the corpus that every engine searches. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { miniEmbed } from '../../dist/index.js'
import { comparer } from './compare.mjs'
import { filteredParts, k } from './corpus.mjs'
import { readTexts } from './texts.mjs'

const [folder, sizeList] = process.argv.slice(2)
const sizes = sizeList.split(',').map(Number)
/** Beside the largest size, for those that insert more. */
const spare = 10_000
/** Engines of words are compared at this size at most. */
const mostTexts = 100_000

const { texts, queries, words } = readTexts()
const count = Math.min(texts.length, Math.max(...sizes) + spare)
const model = miniEmbed()
const queryVectors = (await model.embed(queries)).map((v) => Float32Array.from(v))
const compare = comparer(queryVectors)

/** The best scores so far of each query, least first: over all rows, and over those of the filter. */
const best = { all: queries.map(() => []), filtered: queries.map(() => []) }
const truth = {}

const file = openSync(join(folder, 'vectors.f32'), 'w')
const page = 1000
for (let from = 0; from < count; from += page) {
  const vectors = await model.embed(texts.slice(from, Math.min(from + page, count)))
  writeSync(
    file,
    Buffer.concat(vectors.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength))),
  )
  take(from, vectors)
}
closeSync(file)
if (sizes.includes(count)) remember(count)

const json = (name, value) => writeFileSync(join(folder, name), JSON.stringify(value))
json('texts.json', texts.slice(0, Math.min(count, mostTexts)))
json('corpus.json', { count, queries, words, queryVectors: queryVectors.map((v) => [...v]), truth })
process.send?.({ count, passages: texts.length })

function take(from, vectors) {
  for (let i = 0; i < vectors.length; i++) {
    if (sizes.includes(from + i)) remember(from + i)
    const isFiltered = (from + i) % filteredParts === 0
    const scores = compare(vectors[i])
    for (let q = 0; q < scores.length; q++) {
      offer(best.all[q], scores[q])
      if (isFiltered) offer(best.filtered[q], scores[q])
    }
  }
}

function offer(scores, score) {
  if (scores.length === k && score <= scores[0]) return
  if (scores.length === k) scores.shift()
  const at = scores.findIndex((other) => other > score)
  scores.splice(at < 0 ? scores.length : at, 0, score)
}

/** Of each query, the score that the ten best of so many rows reach. */
function remember(size) {
  truth[size] = { all: best.all.map(([least]) => least), filtered: best.filtered.map(([least]) => least) }
}
