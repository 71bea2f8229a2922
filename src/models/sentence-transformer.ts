import { statSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { Tokenizer } from '@huggingface/tokenizers'
import { ModelError, ValidationError } from '../errors.js'
import { define } from '../expr/function.js'
import type { Embedder } from '../search/embedder.js'
import { type OnnxInput, type OnnxModel, type OnnxOutput, openOnnx } from './onnx.js'

/** How a model is run. Each option but `threads` and `batchSize` changes the vectors and is part of the name. */
export interface SentenceTransformerOptions {
  /**
   * How token vectors become one: their mean, the first one (`cls`), or `none` for a model that gives sentence vectors.
   * @default `none` where the model gives sentence vectors, else what `1_Pooling/config.json` says, else `mean`
   */
  readonly pooling?: 'mean' | 'cls' | 'none'
  /** Scale each vector to length 1. @default true */
  readonly normalize?: boolean
  /**
   * Longest input in tokens, special ones included; the rest of a text is cut off. Minimum 1.
   * @default what the folder's configuration says, else 512
   */
  readonly maxTokens?: number
  /** Texts in one run of the model. Minimum 1. @default 32 */
  readonly batchSize?: number
  /** CPU threads. Minimum 1. @default one a physical core */
  readonly threads?: number
  /** Put before each text, such as `'passage: '`, where the model was trained so. @default '' */
  readonly prefix?: string
  /**
   * Add the special tokens that the tokenizer declares, such as `[CLS]` and `[SEP]`.
   * @default false for a static model (one whose vectors do not depend on the order of tokens), else true
   */
  readonly addSpecialTokens?: boolean
  /** Leave out tokens that the vocabulary does not have. @default true for a static model, else false */
  readonly dropUnknown?: boolean
  /** The model's file inside the folder, where there are several. @default see `sentenceTransformer` */
  readonly file?: string
  /** Stands for the folder's base name in the embedder's name. @default the base name */
  readonly name?: string
}

/**
 * An embedder that runs a sentence-transformer from a local folder: `tokenizer.json` and an ONNX model, which is
 * `model.onnx`, `model_quantized.onnx` or `model_int8.onnx` there or in `onnx/`, or the only other `.onnx` file.
 * BERT-like models, static ones (Model2Vec) and models that pool by themselves work. Nothing is loaded before the first
 * call; equal folders share one session. A text without any token gets a vector of zeros.
 *
 * A static model takes no special tokens and skips unknown words. It is recognised by running a few tokens forwards and
 * backwards once: only a model that sees no order gives equal vectors.
 *
 * @param folder path of the folder, absolute or relative to the current directory
 * @returns an embedder named `sentence-transformer:<base name>?<options that change vectors>`, without the path; its
 *   `dimensions` are undefined before the first call. Two models in folders of one base name need `name`.
 * @throws ModelError at the call when there is no such folder; on first use when it lacks a file or the model fails
 * @throws MissingPackageError on first use when onnxruntime-node is not installed
 * @throws ValidationError for an option out of range
 *
 * @example
 * ```ts
 * const embed = sentenceTransformer('./models/all-MiniLM-L6-v2', { maxTokens: 256 })
 * const [vector] = await embed.embed(['What is the outlook for cloud revenue?'])
 * await chunks.addEmbeddingIndex('text', { embed })
 * ```
 */
export function sentenceTransformer(folder: string, options: SentenceTransformerOptions = {}): Embedder {
  const { normalize = true, batchSize = 32, prefix = '' } = options
  checkOptions(options)
  const root = resolve(folder)
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ModelError(`Expected the folder of a sentence-transformer, but there is no folder '${folder}'`)
  }
  let dimensions: number | undefined
  // A file that has an index of this model finds it again by its name.
  return define('embedder', {
    name: nameOf(root, options),
    version: 1,
    kinds: ['text'],
    // A call of several runs lets texts of like length share one, which saves padding.
    batchSize: batchSize * 8,
    concurrency: 1,
    get dimensions() {
      return dimensions
    },
    async embed(values, { signal } = {}) {
      signal?.throwIfAborted()
      if (values.length === 0) return []
      const model = await openFolder(root, options)
      const rows = await tokenRows(model, values, prefix, options)
      const byLength = rows.map((_, i) => i).sort((a, b) => rows[a]!.length - rows[b]!.length)
      const vectors = new Array<Float32Array>(rows.length)
      for (let start = 0; start < byLength.length; start += batchSize) {
        signal?.throwIfAborted()
        const batch = byLength.slice(start, start + batchSize)
        const pooled = await forward(
          model,
          batch.map((i) => rows[i]!),
          options.pooling,
        )
        batch.forEach((row, i) => {
          vectors[row] = normalize ? unit(pooled[i]!) : pooled[i]!
        })
      }
      signal?.throwIfAborted()
      dimensions = vectors[0]!.length
      return vectors
    },
  })
}

function checkOptions({ maxTokens, batchSize, threads }: SentenceTransformerOptions): void {
  for (const [name, value] of Object.entries({ maxTokens, batchSize, threads })) {
    if (value !== undefined && !(Number.isInteger(value) && value >= 1)) {
      throw new ValidationError(`${name} must be an integer of 1 or more, got ${value}`)
    }
  }
}

function nameOf(root: string, options: SentenceTransformerOptions): string {
  const { pooling, normalize, maxTokens, prefix, addSpecialTokens, dropUnknown, file } = options
  const settings = new URLSearchParams()
  for (const [key, value] of Object.entries({ pooling, maxTokens, addSpecialTokens, dropUnknown, file })) {
    if (value !== undefined) settings.set(key, String(value))
  }
  if (normalize === false) settings.set('normalize', 'false')
  if (prefix) settings.set('prefix', prefix)
  return `sentence-transformer:${options.name ?? basename(root)}${settings.size === 0 ? '' : `?${settings}`}`
}

// ------------------------------------------------------------------------------------------------------- the folder

/** What a folder holds, loaded. */
interface SentenceModel {
  readonly folder: string
  readonly onnx: OnnxModel
  readonly tokenizer: Tokenizer
  /** Token ids that the tokenizer puts before and after a text. */
  readonly special: { readonly before: readonly number[]; readonly after: readonly number[] }
  readonly unknownId: number | undefined
  readonly padId: number
  /** Longest input in tokens. */
  readonly maxTokens: number
  /** What to do with token vectors; undefined when the folder asks for something else than mean and cls. */
  readonly pooling: 'mean' | 'cls' | undefined
  /** Whether its vectors do not depend on the order of the tokens. Asked once. */
  isStatic?: Promise<boolean>
}

const folders = new Map<string, Promise<SentenceModel>>()

function openFolder(folder: string, { file, threads }: SentenceTransformerOptions): Promise<SentenceModel> {
  const key = JSON.stringify([folder, file, threads])
  let model = folders.get(key)
  if (model === undefined) {
    model = loadFolder(folder, file, threads)
    folders.set(key, model)
    model.catch(() => folders.delete(key)) // a folder that is completed later works then
  }
  return model
}

async function loadFolder(
  folder: string,
  file: string | undefined,
  threads: number | undefined,
): Promise<SentenceModel> {
  const read = (name: string) => readJson(join(folder, name))
  const tokenizerJson = await read('tokenizer.json')
  if (tokenizerJson === undefined) throw new ModelError(`There is no 'tokenizer.json' in the model folder '${folder}'`)
  const tokenizerConfig = (await read('tokenizer_config.json')) ?? {}
  const config = (await read('config.json')) ?? {}
  const sentenceConfig = (await read('sentence_bert_config.json')) ?? {}
  const path = await findModel(folder, file)
  const tokenizer = await openTokenizer(folder, tokenizerJson, tokenizerConfig)
  const onnx = await openOnnx(path, { threads })
  assertInputs(onnx, path)
  return {
    folder,
    onnx,
    tokenizer,
    special: specialTokens(tokenizer),
    unknownId: tokenizerJson.model.unk_id ?? tokenizer.token_to_id(tokenizerJson.model.unk_token ?? ''),
    // RoBERTa-like models count positions by comparing with it, so the mask alone is not enough.
    padId: config.pad_token_id ?? tokenizer.token_to_id(textOf(tokenizerConfig.pad_token)) ?? 0,
    maxTokens: sentenceConfig.max_seq_length ?? longestInput(tokenizerConfig, config),
    pooling: poolingOf(await read('1_Pooling/config.json')),
  }
}

/** Configuration files have no schema that holds for all models. */
type Json = Record<string, any>

/** Undefined when there is no such file. */
async function readJson(path: string): Promise<Json | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ModelError(`Cannot read '${path}'`, { cause })
  }
}

const modelFiles = ['model.onnx', 'model_quantized.onnx', 'model_int8.onnx'].flatMap((name) => [name, `onnx/${name}`])

async function findModel(folder: string, file: string | undefined): Promise<string> {
  const found: string[] = []
  for (const sub of ['', 'onnx']) {
    const names = await readdir(join(folder, sub)).catch(() => [])
    found.push(...names.filter((name) => name.endsWith('.onnx')).map((name) => (sub === '' ? name : `${sub}/${name}`)))
  }
  const chosen = file ?? modelFiles.find((name) => found.includes(name)) ?? (found.length === 1 ? found[0] : undefined)
  if (chosen !== undefined && (found.includes(chosen) || isFile(join(folder, chosen)))) return join(folder, chosen)
  const has =
    found.length === 0 ? 'it has no .onnx file' : `it has ${found.join(', ')}: choose one with the option 'file'`
  throw new ModelError(`Looked for ${file ?? modelFiles.join(', ')} in the model folder '${folder}', but ${has}`)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

async function openTokenizer(folder: string, json: Json, config: Json): Promise<Tokenizer> {
  const { Tokenizer } = await import('@huggingface/tokenizers')
  try {
    return new Tokenizer(json, config)
  } catch (cause) {
    throw new ModelError(`Cannot use the 'tokenizer.json' in the model folder '${folder}'`, { cause })
  }
}

const knownInputs: ReadonlySet<string> = new Set(['input_ids', 'attention_mask', 'token_type_ids', 'offsets'])

function assertInputs({ inputs }: OnnxModel, path: string): void {
  const unknown = inputs.filter((name) => !knownInputs.has(name))
  if (unknown.length > 0 || !inputs.includes('input_ids')) {
    throw new ModelError(
      `Expected a text model with the inputs ${[...knownInputs].join(', ')} or some of them; '${path}' has ${inputs.join(', ')}`,
    )
  }
}

/** What the tokenizer adds around a text, found on a short one, so that a long text can be cut inside them. */
function specialTokens(tokenizer: Tokenizer): SentenceModel['special'] {
  const bare = tokenizer.encode('a', { add_special_tokens: false }).ids
  const full = tokenizer.encode('a').ids
  const at = full.indexOf(bare[0]!)
  return { before: full.slice(0, at), after: full.slice(at + bare.length) }
}

/** A token in `tokenizer_config.json` is a string or an object with its content. */
function textOf(token: { content?: string } | string | undefined): string {
  return typeof token === 'string' ? token : (token?.content ?? '')
}

function longestInput(tokenizerConfig: Json, config: Json): number {
  // These number their positions from the padding id + 1, so two of them are never used.
  const unused = /roberta|mpnet|camembert/.test(config.model_type ?? '') ? 2 : 0
  const limits = [tokenizerConfig.model_max_length, config.max_position_embeddings - unused]
  const known = limits.filter((limit) => limit > 0 && limit < 1e9) // 1e30 stands for "not known" in such files
  return known.length === 0 ? 512 : Math.min(...known)
}

function poolingOf(config: Json | undefined): SentenceModel['pooling'] {
  if (config === undefined || config.pooling_mode_mean_tokens) return 'mean'
  return config.pooling_mode_cls_token ? 'cls' : undefined
}

// ----------------------------------------------------------------------------------------------------------- tokens

/** The token ids of each text, cut to the longest input. */
async function tokenRows(
  model: SentenceModel,
  values: readonly (string | Uint8Array)[],
  prefix: string,
  options: SentenceTransformerOptions,
): Promise<number[][]> {
  const addSpecialTokens = options.addSpecialTokens ?? !(await isStatic(model))
  const dropUnknown = options.dropUnknown ?? (await isStatic(model))
  const { before, after } = addSpecialTokens ? model.special : { before: [], after: [] }
  const limit = Math.max(1, (options.maxTokens ?? model.maxTokens) - before.length - after.length)
  return values.map((value) => {
    if (typeof value !== 'string')
      throw new ModelError('A sentence-transformer embeds texts; got the bytes of an image')
    return [...before, ...contentIds(model, prefix + value, limit, dropUnknown), ...after]
  })
}

/**
 * At most `limit` token ids of a text. A long text is tokenised only as far as needed, cut before a space, where no
 * token is torn: a megabyte takes a second otherwise.
 */
function contentIds(model: SentenceModel, text: string, limit: number, dropUnknown: boolean): number[] {
  for (let length = limit * 16; ; length *= 4) {
    const space = length < text.length ? text.lastIndexOf(' ', length) : -1
    const part = space > 0 ? text.slice(0, space) : text
    const all = model.tokenizer.encode(part, { add_special_tokens: false }).ids
    const ids = dropUnknown ? all.filter((id: number) => id !== model.unknownId) : all
    if (ids.length >= limit || part.length === text.length) return ids.slice(0, limit)
  }
}

function isStatic(model: SentenceModel): Promise<boolean> {
  model.isStatic ??= seesNoOrder(model)
  return model.isStatic
}

/** Whether a sentence forwards and backwards gives one vector, up to rounding. */
async function seesNoOrder(model: SentenceModel): Promise<boolean> {
  if (model.onnx.inputs.includes('offsets')) return true // the input of a bag of embeddings
  const { ids } = model.tokenizer.encode('the quick brown fox jumps over the lazy dog', { add_special_tokens: false })
  if (new Set(ids).size < 2) return false
  const [forwards, backwards] = await forward(model, [ids, ids.toReversed()], undefined)
  const rounding = 1e-4 * Math.max(...forwards!.map(Math.abs))
  return forwards!.every((x, i) => Math.abs(x - backwards![i]!) <= rounding)
}

// --------------------------------------------------------------------------------------------------------- the model

/** One vector a row of token ids, not normalised. */
async function forward(
  model: SentenceModel,
  rows: readonly (readonly number[])[],
  pooling: SentenceTransformerOptions['pooling'],
): Promise<Float32Array[]> {
  // A model may not take a row without tokens, so it gets a padding token; its vector is not used.
  const filled = rows.map((row) => (row.length === 0 ? [model.padId] : row))
  const outputs = await model.onnx.run(feedsOf(model, filled), wantedOutputs(model.onnx.outputs, pooling))
  const output = chooseOutput(model, outputs, pooling)
  const dimensions = output.dims.at(-1)!
  return rows.map((row, i) => {
    if (row.length === 0) return new Float32Array(dimensions)
    if (output.dims.length === 2) return output.data.slice(i * dimensions, (i + 1) * dimensions)
    const tokens = output.data.subarray(i * output.dims[1]! * dimensions)
    return meanOf(tokens, (pooling ?? model.pooling) === 'cls' ? 1 : row.length, dimensions)
  })
}

/** Rows padded to the longest one, or laid end to end for a model that takes offsets. All tensors are int64. */
function feedsOf({ onnx, padId }: SentenceModel, rows: readonly (readonly number[])[]): Record<string, OnnxInput> {
  if (onnx.inputs.includes('offsets')) {
    const starts: number[] = []
    let total = 0
    for (const row of rows) {
      starts.push(total)
      total += row.length
    }
    return { input_ids: int64(rows.flat(), [total]), offsets: int64(starts, [rows.length]) }
  }
  const width = Math.max(...rows.map((row) => row.length))
  const dims = [rows.length, width]
  const padded = (fill: number, at: (row: readonly number[], i: number) => number) =>
    int64(
      rows.flatMap((row) => Array.from({ length: width }, (_, i) => (i < row.length ? at(row, i) : fill))),
      dims,
    )
  const all: Record<string, () => OnnxInput> = {
    input_ids: () => padded(padId, (row, i) => row[i]!),
    attention_mask: () => padded(0, () => 1),
    token_type_ids: () => padded(0, () => 0),
  }
  return Object.fromEntries(onnx.inputs.map((name) => [name, all[name]!()]))
}

function int64(values: readonly number[], dims: readonly number[]): OnnxInput {
  return { type: 'int64', data: BigInt64Array.from(values, BigInt), dims }
}

const sentenceOutputs = ['sentence_embedding']
const tokenOutputs = ['last_hidden_state', 'token_embeddings']

/** The one output that is needed, where its name tells it; else all of them, to be chosen from by shape. */
function wantedOutputs(outputs: readonly string[], pooling: SentenceTransformerOptions['pooling']): readonly string[] {
  const names = pooling === 'none' ? sentenceOutputs : pooling ? tokenOutputs : [...sentenceOutputs, ...tokenOutputs]
  const name = names.find((candidate) => outputs.includes(candidate))
  return name === undefined ? outputs : [name]
}

function chooseOutput(
  model: SentenceModel,
  outputs: Record<string, OnnxOutput>,
  pooling: SentenceTransformerOptions['pooling'],
): OnnxOutput {
  const ofRank = (rank: number) => Object.values(outputs).find(({ dims }) => dims.length === rank)
  const chosen = pooling === 'none' ? ofRank(2) : pooling ? ofRank(3) : (ofRank(3) ?? ofRank(2))
  if (chosen === undefined) {
    const given = Object.entries(outputs).map(([name, { dims }]) => `${name} [${dims.join(', ')}]`)
    const wanted = pooling === 'none' ? '[texts, dimensions]' : '[texts, tokens, dimensions]'
    throw new ModelError(
      `Expected an output of shape ${wanted} from the model in '${model.folder}', got ${given.join(', ')}`,
    )
  }
  if (chosen.dims.length === 3 && pooling === undefined && model.pooling === undefined) {
    throw new ModelError(
      `The model in '${model.folder}' wants a pooling other than mean and cls, which are what there is: see its '1_Pooling/config.json'`,
    )
  }
  return chosen
}

/** The mean of the first `count` vectors in `tokens`. Padding comes after them. */
function meanOf(tokens: Float32Array, count: number, dimensions: number): Float32Array {
  const mean = new Float32Array(dimensions)
  for (let token = 0; token < count; token++) {
    for (let i = 0; i < dimensions; i++) mean[i]! += tokens[token * dimensions + i]! / count
  }
  return mean
}

/** `vector` scaled to length 1; one of zeros stays as it is. */
function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0))
  return length === 0 ? vector : vector.map((x) => x / length)
}
