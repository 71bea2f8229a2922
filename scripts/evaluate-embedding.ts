/**
 * Measures the built-in embedding model on the evaluation sets of a data folder and prints a Markdown table, beside
 * potion-base-2M where its files and onnxruntime-node are there.
 *
 *   npx tsx scripts/evaluate-embedding.ts --data <folder> [--model assets/mini-embed]
 */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { StaticModel } from '../src/models/mini-embed/model.js'
import { loadWeights } from '../src/models/mini-embed/weights.js'
import {
  type Embed,
  readCranfield,
  readMsmarco,
  readScifact,
  readStsb,
  readXquad,
  retrievalScore,
  similarityScore,
} from './mini-embed/datasets.js'

const { values } = parseArgs({
  options: { data: { type: 'string' }, model: { type: 'string', default: 'assets/mini-embed' } },
})
const { data, model: folder } = values
if (data === undefined) {
  console.error('usage: evaluate-embedding --data <folder> [--model <folder>]')
  process.exit(2)
}

const started = performance.now()
const weights = await loadWeights(pathToFileURL(`${resolve(folder)}/`))
const model = new StaticModel(weights)
const loaded = performance.now() - started
const models = new Map<string, Embed>([
  [
    `${weights.description.name}@${weights.description.version}`,
    async (texts) => texts.map((text) => model.encode(text)),
  ],
])
const potion = await loadPotion(join(data, 'models/potion-base-2M'))
if (potion !== undefined) models.set('potion-base-2M', potion)

const rows: [string, (embed: Embed) => Promise<number>][] = [
  ...(['dev', 'test'] as const).map((split): [string, (embed: Embed) => Promise<number>] => [
    `STS-B ${split}, Spearman`,
    (embed) => similarityScore(embed, readStsb(data, split)),
  ]),
  ...[readScifact(data), readMsmarco(data), readCranfield(data)]
    .concat(['en', 'de', 'zh'].map((language) => readXquad(data, language)))
    .map((set): [string, (embed: Embed) => Promise<number>] => [
      `${set.name}, nDCG@10`,
      (embed) => retrievalScore(embed, set),
    ]),
]
const sentences = readStsb(data, 'train').pairs.flatMap(({ a, b }) => [a, b])
const table = [['', ...models.keys()]]
for (const [name, score] of rows) {
  const scores: string[] = []
  for (const embed of models.values()) scores.push((await score(embed)).toFixed(3))
  table.push([name, ...scores])
}
const speeds: string[] = []
for (const embed of models.values()) {
  await embed(sentences)
  const from = performance.now()
  await embed(sentences)
  speeds.push(Math.round(sentences.length / ((performance.now() - from) / 1000)).toLocaleString('en'))
}
table.push(['sentences of STS-B a second', ...speeds])

console.log(
  table
    .map((row) => `| ${row.join(' | ')} |`)
    .toSpliced(1, 0, `|${' --- |'.repeat(models.size + 1)}`)
    .join('\n'),
)
console.log(`\nLoading took ${Math.round(loaded)} ms.`)

/** The yardstick: a static model of others, in ONNX. */
async function loadPotion(path: string): Promise<Embed | undefined> {
  if (!existsSync(join(path, 'model_int8.onnx'))) return undefined
  try {
    const { InferenceSession, Tensor } = await import('onnxruntime-node')
    const { Tokenizer } = await import('@huggingface/tokenizers')
    const session = await InferenceSession.create(join(path, 'model_int8.onnx'), { intraOpNumThreads: 1 })
    const tokenizer = new Tokenizer(JSON.parse(readFileSync(join(path, 'tokenizer.json'), 'utf8')), {})
    return async (texts) => {
      const vectors: Float32Array[] = []
      for (let from = 0; from < texts.length; from += 64) {
        const tokens = texts
          .slice(from, from + 64)
          .map((text) => tokenizer.encode(text, { add_special_tokens: false }).ids.filter((id: number) => id !== 1))
        const longest = Math.max(1, ...tokens.map(({ length }) => length))
        const ids = new BigInt64Array(tokens.length * longest)
        const mask = new BigInt64Array(tokens.length * longest)
        tokens.forEach((list, row) => {
          list.forEach((id: number, i: number) => {
            ids[row * longest + i] = BigInt(id)
            mask[row * longest + i] = 1n
          })
        })
        const shape = [tokens.length, longest]
        const { sentence_embedding: output } = await session.run({
          input_ids: new Tensor('int64', ids, shape),
          attention_mask: new Tensor('int64', mask, shape),
        })
        const numbers = output?.data as Float32Array
        const dimensions = numbers.length / tokens.length
        for (let row = 0; row < tokens.length; row++) {
          const vector = numbers.slice(row * dimensions, (row + 1) * dimensions)
          const length = Math.hypot(...vector) || 1
          vectors.push(vector.map((value) => value / length))
        }
      }
      return vectors
    }
  } catch (error) {
    console.error(`potion-base-2M is left out: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}
