import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  type Embed,
  readMsmarco,
  readScifact,
  readStsb,
  retrievalScore,
  similarityScore,
} from '../../scripts/mini-embed/datasets.js'
import { Exclusion } from '../../scripts/mini-embed/exclusion.js'
import { Matrices } from '../../scripts/mini-embed/gemm.js'
import { dot, ndcg, nearest, spearman } from '../../scripts/mini-embed/metrics.js'
import { ModelError, ValidationError } from '../../src/errors.js'
import { miniEmbed } from '../../src/models/mini-embed/mini-embed.js'
import { addSketch, damped } from '../../src/models/mini-embed/sketch.js'
import { Tokenizer } from '../../src/models/mini-embed/tokenizer.js'
import { loadWeights, modelFiles, packWeights } from '../../src/models/mini-embed/weights.js'
import { hashOf, stemOf, wordsOf } from '../../src/models/mini-embed/words.js'
import { growth, tooFast } from '../growth.js'

const assets = new URL('../../assets/mini-embed/', import.meta.url)
const data = fileURLToPath(new URL('../../../shared/data', import.meta.url))

const model = miniEmbed()
const embed = (async (texts) => (await model.embed(texts)) as readonly Float32Array[]) satisfies Embed
const vectorOf = async (text: string) => (await embed([text]))[0]!
const similarity = async (a: string, b: string) => dot(await vectorOf(a), await vectorOf(b))

describe('words', () => {
  it.each([
    ['', []],
    ['  \n\t.,;!?—', []],
    ["Don't PANIC", ['don', 't', 'panic']],
    ['Zoë’s naïve ﬁrst café', ['zoe', 's', 'naive', 'first', 'cafe']],
    ['ＦＵＬＬ width', ['full', 'width']],
    ['covid19 p53 3.14', ['covid19', 'p53', '3', '14']],
    ['東京2020', ['東', '京', '2020']],
    ['ひらカタ', ['ひ', 'ら', 'カ', 'タ']],
    ['great 🎉👍🏽!', ['great', '🎉', '👍']],
    ['a\u0000b', ['a', 'b']],
    ['lone \ud800 surrogate', ['lone', 'surrogate']],
    ['Привет, мир', ['привет', 'мир']],
  ])('of %j', (text, words) => {
    expect([...wordsOf(text)]).toEqual(words)
  })

  it.each([
    ['cats', 'cat'],
    ['queries', 'query'],
    ['horses', 'horse'],
    ['glass', 'glass'],
    ['virus', 'virus'],
    ['gas', 'gas'],
    ['toes', 'toes'],
    ['is', 'is'],
  ])('%s stems to %s', (word, stem) => {
    expect(stemOf(word)).toBe(stem)
  })

  it('hashes as FNV-1a does', () => {
    expect(hashOf('')).toBe(0x811c9dc5)
    expect(hashOf('foobar')).toBe(0xbf9cf968)
  })
})

describe('tokenizer', () => {
  const tokenizer = new Tokenizer(['cat', 'news', 'un', '##cat', '##s', 'new'])
  const tokens = (text: string) => Object.fromEntries(tokenizer.features(text).tokens)

  it('takes whole words and singulars', () => {
    expect(tokens('Cat cats')).toEqual({ 0: 2 })
    expect(tokens('news new')).toEqual({ 1: 1, 5: 1 })
    expect(tokenizer.features('cats').unknown.size).toBe(0)
  })

  it('cuts other words into the longest pieces and keeps their hash', () => {
    const { tokens, unknown } = tokenizer.features('uncat')
    expect(Object.fromEntries(tokens)).toEqual({ 2: 1, 3: 1 })
    expect(Object.fromEntries(unknown)).toEqual({ [hashOf('uncat')]: 1 })
  })

  it('keeps only the hash of a word that pieces do not cover, or of a very long one', () => {
    expect(tokenizer.features('unzip').tokens.size).toBe(0)
    expect(tokenizer.features('東').tokens.size).toBe(0)
    const long = tokenizer.features('cat'.repeat(100))
    expect([long.tokens.size, long.unknown.size]).toEqual([0, 1])
  })

  it('counts nothing in texts without words', () => {
    for (const text of ['', ' ', '!?', '\u0000']) {
      const { tokens, unknown } = tokenizer.features(text)
      expect(tokens.size + unknown.size).toBe(0)
    }
  })

  it('sketches have length one and are nearly orthogonal', () => {
    const sketch = (word: string) => {
      const vector = new Float32Array(256)
      addSketch(vector, 0, 256, hashOf(word), 1)
      return vector
    }
    expect(dot(sketch('brca1'), sketch('brca1'))).toBeCloseTo(1, 5)
    const words = Array.from({ length: 60 }, (_, i) => sketch(`word${i}`))
    const cosines = words.flatMap((a, i) => words.slice(i + 1).map((b) => Math.abs(dot(a, b))))
    expect(Math.max(...cosines)).toBeLessThan(0.3)
  })

  it('dampens repetition', () => {
    expect(damped(1)).toBe(1)
    expect(damped(100)).toBeLessThan(6)
  })
})

describe('miniEmbed', () => {
  it('states what it is', () => {
    expect(model).toMatchObject({ name: 'mini-embed', version: 1, dimensions: 384, kinds: ['text'] })
  })

  it('gives one vector a text, of length one, in order', async () => {
    const texts = ['a cat', 'a dog', 'a cat']
    const vectors = await embed(texts)
    expect(vectors.map(({ length }) => length)).toEqual([384, 384, 384])
    for (const vector of vectors) {
      expect(vector).toBeInstanceOf(Float32Array)
      expect(dot(vector, vector)).toBeCloseTo(1, 5)
    }
    expect(vectors[2]).toEqual(vectors[0])
    expect(vectors[1]).not.toEqual(vectors[0])
    expect(await embed([])).toEqual([])
  })

  it('gives the same vector alone, in a batch, and from another embedder', async () => {
    const text = 'The quick brown fox jumps over the lazy dog.'
    const alone = await vectorOf(text)
    expect((await embed(['x', text, 'y']))[1]).toEqual(alone)
    expect((await miniEmbed().embed([text]))[0]).toEqual(alone)
  })

  it('gives zeros for texts without words', async () => {
    for (const vector of await embed(['', ' \n', '?!…', '\u0000', '\ud800'])) {
      expect([...vector].every((value) => value === 0)).toBe(true)
    }
  })

  it('tells words apart that it does not know, in any script', async () => {
    expect(await similarity('brontomerus mcintoshi', 'the brontomerus')).toBeGreaterThan(0.3)
    expect(await similarity('東京タワー', '東京')).toBeGreaterThan(0.4)
    expect(await similarity('東京', 'Москва')).toBeLessThan(0.3)
    expect(await similarity('🎉', '🎉')).toBeCloseTo(1, 5)
  })

  it('ignores case, accents and punctuation', async () => {
    expect(await vectorOf('A CAFÉ, please!')).toEqual(await vectorOf('a cafe please'))
  })

  it.each([
    ['A man is playing a guitar.', 'Someone plays an instrument.', 'The stock market fell on Monday.'],
    ['How do I reset my password?', 'I forgot my login and need a new password.', 'What is the weather today?'],
    ['list files in a directory', 'show the contents of a folder', 'bake a loaf of bread'],
    ['a large vehicle that carries passengers', 'bus', 'banana'],
    ['physician', 'doctor', 'airplane'],
    ['The child is happy.', 'A joyful kid', 'Interest rates rise'],
  ])('%j is closer to %j than to %j', async (text, near, far) => {
    expect(await similarity(text, near)).toBeGreaterThan((await similarity(text, far)) + 0.1)
  })

  it('takes a time that grows with the text, not with its square, also for one endless word', async () => {
    const work = async (size: number) => {
      const [long] = await embed(['The cat sat on the mat beside 42 dogs. '.repeat(size), 'x'.repeat(40 * size)])
      expect(dot(long!, long!)).toBeCloseTo(1, 4)
    }
    expect(await growth(work, 7000)).toBeLessThan(tooFast)
  })

  it('refuses what is not a string, and says which', async () => {
    await expect(model.embed(['a', new Uint8Array(3)])).rejects.toThrow(ValidationError)
    await expect(model.embed(['a', new Uint8Array(3)])).rejects.toThrow('value 1 is bytes')
    for (const value of [undefined, null, 7, {}]) {
      await expect(model.embed([value as unknown as string])).rejects.toThrow(ValidationError)
    }
  })

  it('stops when its signal says so', async () => {
    const reason = new Error('enough')
    await expect(model.embed(['a'], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})

describe('files', () => {
  it('take at most 4.5 MB together', async () => {
    const names = await readdir(assets)
    expect(names.sort()).toEqual(Object.values(modelFiles).sort())
    let bytes = 0
    for (const name of names) bytes += (await stat(new URL(name, assets))).size
    expect(bytes).toBeLessThanOrEqual(4_500_000)
  })

  it('are read at the first call, once', async () => {
    vi.resetModules()
    const reads: string[] = []
    vi.doMock('node:fs/promises', async (original) => {
      const actual = await original<typeof import('node:fs/promises')>()
      return {
        ...actual,
        readFile: (file: URL) => {
          reads.push(String(file).split('/').at(-1) ?? '')
          return actual.readFile(file)
        },
      }
    })
    const fresh = (await import('../../src/models/mini-embed/mini-embed.js')).miniEmbed()
    expect(reads).toEqual([])
    await Promise.all([fresh.embed(['a']), fresh.embed(['b'])])
    await fresh.embed(['c'])
    expect(reads.sort()).toEqual(Object.values(modelFiles).sort())
    vi.doUnmock('node:fs/promises')
    vi.resetModules()
  })

  describe('that are missing or corrupt', () => {
    let path: string
    const folder = () => pathToFileURL(`${path}/`)
    beforeAll(async () => {
      path = await mkdtemp(join(tmpdir(), 'mini-embed-'))
    })
    afterAll(() => rm(path, { recursive: true }))
    const restore = () =>
      Promise.all(Object.values(modelFiles).map((file) => copyFile(new URL(file, assets), join(path, file))))

    it.each(Object.values(modelFiles))('raise a ModelError without %s', async (file) => {
      await restore()
      await rm(join(path, file))
      await expect(loadWeights(folder())).rejects.toThrow(ModelError)
      await expect(loadWeights(folder())).rejects.toThrow(file)
    })

    it.each([modelFiles.vocabulary, modelFiles.weights])('raise a ModelError with a changed %s', async (file) => {
      await restore()
      const bytes = await readFile(join(path, file))
      bytes[1000]! ^= 1
      await writeFile(join(path, file), bytes)
      await expect(loadWeights(folder())).rejects.toThrow(ModelError)
      await writeFile(join(path, file), bytes.subarray(0, 2000))
      await expect(loadWeights(folder())).rejects.toThrow('corrupt')
    })

    it.each(['', '{', 'null', '{}', '{"name":"x"}'])('raise a ModelError with the description %j', async (text) => {
      await restore()
      await writeFile(join(path, modelFiles.description), text)
      await expect(loadWeights(folder())).rejects.toThrow(ModelError)
    })

    it('raise a ModelError where sizes disagree with the description', async () => {
      const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex')
      const write = async (tokens: number, vocabulary: string, weights: Uint8Array) => {
        const description = { name: 'x', version: 1, dimensions: 4, tokens, unknownWeight: 1 }
        const hashes = { vocabulary: sha256(vocabulary), weights: sha256(weights) }
        await writeFile(join(path, modelFiles.description), JSON.stringify({ ...description, sha256: hashes }))
        await writeFile(join(path, modelFiles.vocabulary), vocabulary)
        await writeFile(join(path, modelFiles.weights), weights)
      }
      const codes = Int8Array.of(-15, -1, 1, 15, 3, -3, 5, -5)
      const weights = packWeights(Float32Array.of(0.5, 2), codes)
      await write(2, 'a\nb\n', weights)
      const loaded = await loadWeights(folder())
      expect(loaded.codes).toEqual(codes)
      expect(loaded.scales).toEqual(Float32Array.of(0.5, 2))
      await write(2, 'a\n', weights)
      await expect(loadWeights(folder())).rejects.toThrow('1 tokens, expected 2')
      await write(2, 'a\nb\n', weights.subarray(0, 11))
      await expect(loadWeights(folder())).rejects.toThrow('11 bytes, expected 12')
    })
  })
})

describe('measures and training', () => {
  it('Spearman averages tied ranks', () => {
    expect(spearman([1, 2, 3, 4], [10, 20, 30, 40])).toBeCloseTo(1, 10)
    expect(spearman([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 10)
    expect(spearman([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(0.9486832980505138, 10)
  })

  it('nDCG discounts by the logarithm of the rank', () => {
    const judgements = new Map([
      ['a', 2],
      ['b', 1],
    ])
    expect(ndcg(['a', 'b'], judgements)).toBeCloseTo(1, 10)
    expect(ndcg(['b', 'a'], judgements)).toBeCloseTo((1 + 2 / Math.log2(3)) / (2 + 1 / Math.log2(3)), 10)
    expect(ndcg(['x', 'y'], judgements)).toBe(0)
    expect(ndcg(['a'], new Map())).toBe(0)
  })

  it('nearest keeps the best k in order', () => {
    expect(
      nearest(
        [1, 0],
        [
          [0.1, 0],
          [0.9, 0],
          [0.5, 1],
        ],
        ['x', 'y', 'z'],
        2,
      ),
    ).toEqual(['y', 'z'])
  })

  it('multiplies matrices', () => {
    const matrices = new Matrices(4 * 3 + 3 * 8 + 4 * 8 + 16)
    const [a, b, c] = [matrices.allocate(12), matrices.allocate(24), matrices.allocate(32)]
    a.set(Array.from({ length: 12 }, (_, i) => i - 5))
    b.set(Array.from({ length: 24 }, (_, i) => (i % 7) - 2))
    const expected = (at: (i: number, k: number) => number) =>
      Array.from({ length: 32 }, (_, i) => [0, 1, 2].reduce((sum, k) => sum + at(i >> 3, k) * b[k * 8 + (i & 7)]!, 0))
    matrices.multiply(a, b, c, 4, 8, 3)
    expect([...c]).toEqual(expected((i, k) => a[i * 3 + k]!))
    matrices.multiply(a, b, c, 4, 8, 3, true)
    expect([...c]).toEqual(expected((i, k) => a[k * 4 + i]!))
    expect(() => matrices.multiply(a, b, c, 3, 8, 3)).toThrow(RangeError)
  })

  it('finds training texts that repeat evaluation texts', () => {
    const exclusion = new Exclusion([
      'The Pope visited the small town of Assisi on Monday. It rained a lot there during the whole day.',
      'zinc deficiency symptoms',
    ])
    for (const text of [
      'Zinc deficiency symptoms!',
      'it rained a lot there, during the whole day',
      'Reports said the Pope visited the small town of Assisi on Monday, before he left.',
    ]) {
      expect(exclusion.has(text), text).toBe(true)
    }
    for (const text of ['zinc', 'a town', 'The Pope visited the large city of Rome last year.', '']) {
      expect(exclusion.has(text), text).toBe(false)
    }
  })
})

describe.skipIf(!existsSync(data))('quality', () => {
  it('STS-B test: Spearman', { timeout: 60_000 }, async () => {
    expect(await similarityScore(embed, readStsb(data, 'test'))).toBeGreaterThanOrEqual(0.728)
  })

  it('SciFact: nDCG@10', { timeout: 60_000 }, async () => {
    expect(await retrievalScore(embed, readScifact(data))).toBeGreaterThanOrEqual(0.5)
  })

  it('MS MARCO 5k: nDCG@10', { timeout: 60_000 }, async () => {
    expect(await retrievalScore(embed, readMsmarco(data))).toBeGreaterThanOrEqual(0.646)
  })
})
