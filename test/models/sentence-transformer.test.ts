import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { ModelError, ValidationError } from '../../src/errors.js'
import { openOnnx } from '../../src/models/onnx.js'
import { type SentenceTransformerOptions, sentenceTransformer } from '../../src/models/sentence-transformer.js'

// -------------------------------------------------------------------------- a writer of tiny ONNX files (protobuf)

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}

/** One field of a message: a varint for a number, else length and bytes. */
function field(tag: number, value: number | string | Uint8Array): Uint8Array {
  if (typeof value === 'number') return Uint8Array.from([...varint(tag * 8), ...varint(value)])
  const bytes = Buffer.from(value as string)
  return Buffer.concat([Uint8Array.from([...varint(tag * 8 + 2), ...varint(bytes.length)]), bytes])
}

function message(...fields: Uint8Array[]): Uint8Array {
  return Buffer.concat(fields)
}

const float32 = 1
const int64 = 7

function valueInfo(name: string, type: number, axes: readonly (string | number)[]): Uint8Array {
  const shape = axes.map((axis) => field(1, field(typeof axis === 'number' ? 1 : 2, axis)))
  return message(field(1, name), field(2, field(1, message(field(1, type), field(2, message(...shape))))))
}

function tensor(name: string, dims: readonly number[], data: Float32Array): Uint8Array {
  return message(
    ...dims.map((dim) => field(1, dim)),
    field(2, float32),
    field(8, name),
    field(9, new Uint8Array(data.buffer)),
  )
}

function node(op: string, inputs: readonly string[], output: string): Uint8Array {
  return message(...inputs.map((input) => field(1, input)), field(2, output), field(4, op))
}

interface TinyModel {
  readonly inputs: Readonly<Record<string, readonly string[]>>
  readonly outputs: Readonly<Record<string, readonly (string | number)[]>>
  readonly nodes: readonly Uint8Array[]
}

/** Vectors of three numbers by token id: [id, 2 · id, 3 · id], so that a mean tells which tokens went in. */
const vocabulary = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a', 'b', 'c', 'd', 'the', 'quick', 'brown', 'fox', 'dog']
const embeddings = Float32Array.from(vocabulary.flatMap((_, id) => [id, 2 * id, 3 * id]))

function tinyModel({ inputs, outputs, nodes }: TinyModel): Uint8Array {
  const graph = message(
    ...nodes.map((each) => field(1, each)),
    field(2, 'tiny'),
    field(5, tensor('embeddings', [vocabulary.length, 3], embeddings)),
    ...Object.entries(inputs).map(([name, axes]) => field(11, valueInfo(name, int64, axes))),
    ...Object.entries(outputs).map(([name, axes]) => field(12, valueInfo(name, float32, axes))),
  )
  return message(field(1, 8), field(7, graph), field(8, message(field(1, ''), field(2, 13))))
}

const idsOnly = { input_ids: ['n', 't'] }

/** Token vectors that do not depend on the position. */
const bag = tinyModel({
  inputs: { ...idsOnly, attention_mask: ['n', 't'], token_type_ids: ['n', 't'] },
  outputs: { last_hidden_state: ['n', 't', 3] },
  nodes: [node('Gather', ['embeddings', 'input_ids'], 'last_hidden_state')],
})

/** A running sum over the tokens by way of their types, so that the order matters, as it does in a transformer. */
const ordered = (output: string) =>
  tinyModel({
    inputs: idsOnly,
    outputs: { [output]: ['n', 't', 3] },
    nodes: [
      node('Gather', ['embeddings', 'input_ids'], 'tokens'),
      node('Identity', ['positions'], 'axis'),
      node('CumSum', ['tokens', 'axis'], output),
    ],
  })

/** ModelProto with one more initializer, the axis of the running sum. */
function withAxis(model: Uint8Array): Uint8Array {
  const axis = message(field(2, int64), field(8, 'positions'), field(9, new Uint8Array(BigInt64Array.of(1n).buffer)))
  return message(model, field(7, field(5, axis))) // a repeated message field is merged with the first
}

/** Gives the first token of each text, out of texts laid end to end. */
const offsets = tinyModel({
  inputs: { input_ids: ['total'], offsets: ['n'] },
  outputs: { embeddings_out: ['n', 3] },
  nodes: [node('Gather', ['input_ids', 'offsets'], 'first'), node('Gather', ['embeddings', 'first'], 'embeddings_out')],
})

const tokenizer = {
  version: '1.0',
  added_tokens: [0, 1, 2, 3].map((id) => ({ id, content: vocabulary[id], special: true, normalized: false })),
  normalizer: { type: 'BertNormalizer', lowercase: true, clean_text: true, handle_chinese_chars: true },
  pre_tokenizer: { type: 'BertPreTokenizer' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
    },
  },
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
  },
}

const root = mkdtempSync(join(tmpdir(), 'pixeltable-models-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A folder with these files; a `tokenizer.json` too unless it is named. */
function modelFolder(name: string, files: Record<string, unknown>): string {
  const folder = join(root, name)
  mkdirSync(folder)
  for (const [file, content] of Object.entries({ 'tokenizer.json': tokenizer, ...files })) {
    if (content === undefined) continue
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    const isRaw = typeof content === 'string' || content instanceof Uint8Array
    writeFileSync(join(folder, file), isRaw ? content : JSON.stringify(content))
  }
  return folder
}

/** The first number of each vector, not normalised: the mean token id. */
async function meanIds(folder: string, texts: string[], options: SentenceTransformerOptions = {}): Promise<number[]> {
  const vectors = await sentenceTransformer(folder, { normalize: false, ...options }).embed(texts)
  return vectors.map((vector) => Number(vector[0]!.toFixed(4)))
}

describe('a model of token vectors', () => {
  const folder = modelFolder('bag', { 'model.onnx': bag })
  const transformer = modelFolder('ordered', { 'onnx/model.onnx': withAxis(ordered('last_hidden_state')) })

  test('is pooled by the mean over the tokens of each text, without the padding', async () => {
    const texts = ['a', 'a b c d', 'a b', 'd d d']
    expect(await meanIds(folder, texts)).toEqual([4, 5.5, 4.5, 7])
    expect(await meanIds(folder, texts, { batchSize: 1 })).toEqual([4, 5.5, 4.5, 7])
  })

  test('that sees no order takes neither special nor unknown tokens, unless it is told to', async () => {
    expect(await meanIds(folder, ['a zzz'])).toEqual([4])
    expect(await meanIds(folder, ['a zzz'], { dropUnknown: false })).toEqual([2.5])
    expect(await meanIds(folder, ['a b'], { addSpecialTokens: true })).toEqual([(2 + 4 + 5 + 3) / 4])
  })

  test('that sees order takes both', async () => {
    // Running sums of [CLS] a [SEP]: 2, 6, 9; of [CLS] [UNK] [SEP]: 2, 3, 6.
    expect(await meanIds(transformer, ['a', 'zzz'])).toEqual([5.6667, 3.6667])
    expect(await meanIds(transformer, ['a'], { addSpecialTokens: false })).toEqual([4])
  })

  test('may be pooled by its first token', async () => {
    expect(await meanIds(transformer, ['a', 'b'], { pooling: 'cls' })).toEqual([2, 2])
    const says = { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }
    const configured = modelFolder('cls', { 'model.onnx': bag, '1_Pooling/config.json': says })
    expect(await meanIds(configured, ['b a'], { addSpecialTokens: false })).toEqual([5])
    expect(await meanIds(configured, ['b a'], { addSpecialTokens: false, pooling: 'mean' })).toEqual([4.5])
  })

  test('that wants another pooling is refused until it is told one', async () => {
    const says = { pooling_mode_max_tokens: true, pooling_mode_mean_tokens: false }
    const configured = modelFolder('max', { 'model.onnx': bag, '1_Pooling/config.json': says })
    await expect(meanIds(configured, ['a'])).rejects.toThrow(/wants a pooling other than mean and cls/)
    // Asking whether it sees order pools by itself, so nothing is left to ask.
    const told = { pooling: 'mean', addSpecialTokens: false, dropUnknown: false } as const
    expect(await meanIds(configured, ['a b'], told)).toEqual([4.5])
  })

  test('whose output has another name is chosen by its shape', async () => {
    const named = modelFolder('named', { 'model.onnx': withAxis(ordered('hidden')) })
    expect(await meanIds(named, ['a'])).toEqual([5.6667])
  })

  test('does not give sentence vectors', async () => {
    const error = meanIds(folder, ['a'], { pooling: 'none' })
    await expect(error).rejects.toThrow(
      /Expected an output of shape \[texts, dimensions\] .*got last_hidden_state \[1, 1, 3\]/,
    )
  })

  test('is cut to the longest input inside its special tokens', async () => {
    expect(await meanIds(folder, ['a b c d'], { maxTokens: 2 })).toEqual([4.5])
    // [CLS] a [SEP]
    expect(await meanIds(transformer, ['a b c d'], { maxTokens: 3 })).toEqual([5.6667])
    const long = 'zzz '.repeat(50_000)
    expect(await meanIds(folder, [`${long}a ${long} b c`], { maxTokens: 2 })).toEqual([4.5])
  })

  test.each([
    ['sentence_bert_config.json', { max_seq_length: 2 }],
    ['tokenizer_config.json', { model_max_length: 2 }],
    ['config.json', { max_position_embeddings: 4, model_type: 'xlm-roberta' }],
  ])('takes its longest input from %s', async (file, config) => {
    const configured = modelFolder(`limit-${file}`, { 'model.onnx': bag, [file]: config })
    expect(await meanIds(configured, ['a b c d'])).toEqual([4.5])
  })

  test('gets a prefix before each text', async () => {
    expect(await meanIds(folder, ['b'], { prefix: 'd d ' })).toEqual([6.3333])
  })

  test('gives zeros for a text without tokens', async () => {
    const [empty, unknown, known] = await sentenceTransformer(folder).embed(['', 'zzz', 'a'])
    expect([empty, unknown].flatMap((vector) => Array.from(vector!))).toEqual([0, 0, 0, 0, 0, 0])
    expect(Math.hypot(...Array.from(known!))).toBeCloseTo(1, 6)
  })
})

test('a model that takes offsets gets its texts end to end', async () => {
  const folder = modelFolder('offsets', { 'model.onnx': offsets })
  expect(await meanIds(folder, ['c a', 'b', '', 'd a a'])).toEqual([6, 5, 0, 7])
})

describe('an embedder', () => {
  const folder = modelFolder('tiny', { 'model_int8.onnx': bag })

  test('is named by the folder and the options that change vectors, without the path', () => {
    const nameOf = (options: SentenceTransformerOptions) => sentenceTransformer(folder, options).name
    expect(nameOf({})).toBe('sentence-transformer:tiny')
    expect(nameOf({ normalize: true, threads: 2, batchSize: 8 })).toBe('sentence-transformer:tiny')
    expect(nameOf({ normalize: false, maxTokens: 64, prefix: 'query: ', pooling: 'cls' })).toBe(
      'sentence-transformer:tiny?pooling=cls&maxTokens=64&normalize=false&prefix=query%3A+',
    )
    expect(nameOf({ name: 'mine', dropUnknown: true })).toBe('sentence-transformer:mine?dropUnknown=true')
  })

  test('knows its dimensions after the first call, which loads the model', async () => {
    const embedder = sentenceTransformer(folder, { batchSize: 4 })
    expect(embedder).toMatchObject({ version: 1, kinds: ['text'], batchSize: 32, dimensions: undefined })
    expect(await embedder.embed([])).toEqual([])
    expect(embedder.dimensions).toBeUndefined()
    expect(await embedder.embed(['a'])).toHaveLength(1)
    expect(embedder.dimensions).toBe(3)
  })

  test('stops at the signal, also between batches', async () => {
    const embedder = sentenceTransformer(folder, { batchSize: 1 })
    const reason = new Error('enough')
    await expect(embedder.embed(['a'], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    const running = embedder.embed(new Array(5000).fill('a'), { signal: controller.signal })
    setTimeout(() => controller.abort(reason), 5)
    await expect(running).rejects.toBe(reason)
  })

  test('embeds no images', async () => {
    await expect(sentenceTransformer(folder).embed([new Uint8Array(4)])).rejects.toThrow(
      /embeds texts; got the bytes of an image/,
    )
  })

  test.each([{ batchSize: 0 }, { maxTokens: 1.5 }, { threads: -1 }])('refuses %o at the call', (options) => {
    expect(() => sentenceTransformer(folder, options)).toThrow(ValidationError)
  })
})

describe('a folder', () => {
  test('that does not exist is an error at the call', () => {
    const folder = join(root, 'nowhere')
    expect(() => sentenceTransformer(folder)).toThrow(ModelError)
    expect(() => sentenceTransformer(folder)).toThrow(`there is no folder '${folder}'`)
  })

  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      'no tokenizer',
      { 'tokenizer.json': undefined, 'model.onnx': bag },
      /There is no 'tokenizer\.json' in .*no tokenizer'$/,
    ],
    ['broken JSON', { 'tokenizer.json': '{', 'model.onnx': bag }, /Cannot read '.*tokenizer\.json'$/],
    [
      'a foreign tokenizer',
      { 'tokenizer.json': { model: { type: 'X' } }, 'model.onnx': bag },
      /Cannot use the 'tokenizer\.json'/,
    ],
    ['no model', {}, /Looked for model\.onnx, onnx\/model\.onnx, model_quantized\.onnx, .* it has no \.onnx file$/],
    [
      'two models',
      { 'a.onnx': bag, 'onnx/b.onnx': bag },
      /it has a\.onnx, onnx\/b\.onnx: choose one with the option 'file'$/,
    ],
    ['a broken model', { 'model.onnx': 'garbage' }, /Cannot load the ONNX model '.*model\.onnx'$/],
  ])('with %s is an error at first use', async (name, files, message) => {
    const embedder = sentenceTransformer(modelFolder(name, files))
    await expect(embedder.embed(['a'])).rejects.toThrow(ModelError)
    await expect(embedder.embed(['a'])).rejects.toThrow(message)
  })

  test('may be completed after an error', async () => {
    const folder = modelFolder('later', {})
    const embedder = sentenceTransformer(folder)
    await expect(embedder.embed(['a'])).rejects.toThrow(ModelError)
    writeFileSync(join(folder, 'any-name.onnx'), bag)
    expect(await embedder.embed(['a'])).toHaveLength(1)
  })

  test('with several models gives the one that is asked for', async () => {
    const folder = modelFolder('several', { 'a.onnx': bag, 'onnx/b.onnx': offsets })
    expect(await meanIds(folder, ['a b'], { file: 'onnx/b.onnx' })).toEqual([4])
    expect(await meanIds(folder, ['a b'], { file: 'a.onnx' })).toEqual([4.5])
    await expect(meanIds(folder, ['a'], { file: 'c.onnx' })).rejects.toThrow(/Looked for c\.onnx in the model folder/)
  })

  test('with a model of other inputs is refused', async () => {
    const pixels = tinyModel({
      inputs: { pixel_values: ['n', 't'] },
      outputs: { out: ['n', 't', 3] },
      nodes: [node('Gather', ['embeddings', 'pixel_values'], 'out')],
    })
    const folder = modelFolder('pixels', { 'model.onnx': pixels })
    await expect(meanIds(folder, ['a'])).rejects.toThrow(/Expected a text model .*model\.onnx' has pixel_values$/)
  })
})

describe('an ONNX model', () => {
  const path = join(modelFolder('onnx', { 'model.onnx': offsets }), 'model.onnx')

  test('is loaded once for equal options', async () => {
    expect(openOnnx(path, { threads: 1 })).toBe(openOnnx(path, { threads: 1 }))
    expect(openOnnx(path, { threads: 1 })).not.toBe(openOnnx(path))
    expect(await openOnnx(path)).toMatchObject({ inputs: ['input_ids', 'offsets'], outputs: ['embeddings_out'] })
  })

  test('runs, and says which shapes it failed on', async () => {
    const model = await openOnnx(path)
    const ids = (...values: bigint[]) =>
      ({ type: 'int64', data: BigInt64Array.from(values), dims: [values.length] }) as const
    const { embeddings_out } = await model.run({ input_ids: ids(4n, 5n), offsets: ids(1n) })
    expect(embeddings_out).toEqual({ data: Float32Array.of(5, 10, 15), dims: [1, 3] })
    const failing = model.run({ input_ids: ids(4n, 99n), offsets: ids(1n) })
    await expect(failing).rejects.toThrow(ModelError)
    await expect(failing).rejects.toThrow(/model\.onnx' failed on inputs input_ids \[2\], offsets \[1\]$/)
  })
})

// ------------------------------------------------------------------------------------------------------ a real model

const shared = new URL('../../../shared/data/', import.meta.url)
const potion = fileURLToPath(new URL('models/potion-base-2M', shared))
const stsTest = fileURLToPath(new URL('sts/stsbenchmark/sts-test.csv', shared))

/** Positions of the values in their order, ties sharing their mean. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const ranked = new Array<number>(values.length)
  for (let start = 0; start < order.length; ) {
    let end = start
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++
    for (const i of order.slice(start, end)) ranked[i] = (start + end - 1) / 2
    start = end
  }
  return ranked
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanA, meanB] = [mean(a), mean(b)]
  const sum = (term: (x: number, y: number) => number) =>
    a.reduce((total, x, i) => total + term(x - meanA, b[i]! - meanB), 0)
  return sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y))
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, x, i) => sum + x * b[i]!, 0)
}

describe.skipIf(!existsSync(potion))('potion-base-2M', () => {
  test('gives unit vectors that do not depend on what else is in the call', async () => {
    const embedder = sentenceTransformer(potion, { batchSize: 2 })
    const texts = ['A cat sits outside.', 'Stocks fell.', 'The new film is great, and it is long too.', 'cat']
    const together = await embedder.embed(texts)
    expect(embedder.dimensions).toBe(64)
    for (const [i, text] of texts.entries()) {
      const [alone] = await embedder.embed([text])
      expect(dot(alone!, alone!)).toBeCloseTo(1, 5)
      expect(dot(alone!, together[i]!)).toBeCloseTo(1, 5)
    }
  })

  test('is recognised as static: no special tokens, no unknown ones', async () => {
    const explicit = sentenceTransformer(potion, { addSpecialTokens: false, dropUnknown: true })
    const texts = ['plain words', 'with 𒀀 an unknown one']
    expect(await sentenceTransformer(potion).embed(texts)).toEqual(await explicit.embed(texts))
  })

  test.skipIf(!existsSync(stsTest))('reproduces its Spearman correlation on STS-B test', async () => {
    const rows = readFileSync(stsTest, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t'))
    expect(rows).toHaveLength(1379)
    const vectors = await sentenceTransformer(potion).embed(rows.flatMap((row) => [row[5]!, row[6]!]))
    const similarities = rows.map((_, i) => dot(vectors[2 * i]!, vectors[2 * i + 1]!))
    const spearman = correlation(ranks(similarities), ranks(rows.map((row) => Number(row[4]))))
    expect(Math.abs(spearman - 0.728)).toBeLessThan(0.01)
  })
})
