/**
 * Trains the built-in embedding model from a folder of pair files and writes its three files.
 *
 *   npx tsx scripts/train-mini-embed.ts --pairs <folder> --out assets/mini-embed [--exclude <data folder>] [--seed 1]
 *
 * The same folder, seed and options give the same bytes.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Tokenizer } from '../src/models/mini-embed/tokenizer.js'
import { type Description, modelFiles, packWeights } from '../src/models/mini-embed/weights.js'
import { evaluationTexts } from './mini-embed/datasets.js'
import { Exclusion } from './mini-embed/exclusion.js'
import { deriveSources, overlappingFiles, readPairs } from './mini-embed/pairs.js'
import { quantise } from './mini-embed/quantise.js'
import { recipe } from './mini-embed/recipe.js'
import { Trainer } from './mini-embed/trainer.js'
import { trainVocabulary } from './mini-embed/vocabulary.js'

const { values } = parseArgs({
  options: {
    pairs: { type: 'string' },
    out: { type: 'string' },
    exclude: { type: 'string' },
    seed: { type: 'string', default: '1' },
    steps: { type: 'string', default: String(recipe.steps) },
  },
})
const { pairs, out, exclude } = values
const seed = Number(values.seed)
const steps = Number(values.steps)
if (pairs === undefined || out === undefined || !Number.isInteger(seed) || !(Number.isInteger(steps) && steps > 0)) {
  console.error(
    'usage: train-mini-embed --pairs <folder> --out <folder> [--exclude <data folder>] [--seed 1] [--steps n]',
  )
  process.exit(2)
}

const started = performance.now()
const log = (message: string) =>
  console.log(`${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s  ${message}`)

const exclusion = exclude === undefined ? undefined : new Exclusion(evaluationTexts(exclude))
if (exclusion === undefined) log('no --exclude: texts of the evaluation sets, if any, are trained on')
const { files, report } = readPairs(pairs, exclusion)
for (const { file, read, overlapping, malformed } of report) {
  log(`${file}: ${read} pairs, dropped ${overlapping} that overlap evaluation sets and ${malformed} malformed`)
}
log(`left out by name: ${overlappingFiles.join(', ')}`)

const vocabulary = trainVocabulary(
  [...files.values()].map((list) => list.flat()),
  recipe.vocabulary,
)
const tokenizer = new Tokenizer(vocabulary)
log(`${vocabulary.length} tokens`)

const { sources, dropped } = deriveSources(files, seed, exclusion)
for (const { name, pairs: list } of sources) log(`${name}: ${list.length} pairs, share ${recipe.mixture[name] ?? 0}`)
log(`dropped ${dropped} derived pairs that overlap evaluation sets`)

const trainer = new Trainer(tokenizer, vocabulary, sources, {
  ...recipe,
  steps,
  seed,
  onProgress: (step, loss) => {
    if ((step + 1) % 250 === 0) log(`step ${step + 1} of ${steps}, loss ${loss.toFixed(3)}`)
  },
})
log(`${trainer.size.texts} texts, ${trainer.size.unknown} words outside the vocabulary`)
const parameters = trainer.train()

const { scales, codes } = quantise(parameters)
const vocabularyText = `${vocabulary.join('\n')}\n`
const weights = packWeights(scales, codes)
const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex')
const description: Description & Record<string, unknown> = {
  name: 'mini-embed',
  version: 1,
  dimensions: recipe.dimensions,
  tokens: vocabulary.length,
  unknownWeight: Math.exp(parameters.unknownWeight),
  sha256: { vocabulary: sha256(vocabularyText), weights: sha256(weights) },
  recipe: { seed, ...recipe, steps },
  data: report,
}
mkdirSync(out, { recursive: true })
writeFileSync(join(out, modelFiles.vocabulary), vocabularyText)
writeFileSync(join(out, modelFiles.weights), weights)
writeFileSync(join(out, modelFiles.description), `${JSON.stringify(description, null, 2)}\n`)
log(`wrote ${weights.length + vocabularyText.length} bytes of weights and vocabulary`)
