import { addSketch, damped } from '../../src/models/mini-embed/sketch.js'
import type { Tokenizer } from '../../src/models/mini-embed/tokenizer.js'
import { hashOf, stemOf } from '../../src/models/mini-embed/words.js'
import { Matrices } from './gemm.js'
import type { Source } from './pairs.js'
import { Random } from './random.js'

/** What shapes a training run. */
export interface TrainerOptions {
  readonly seed: number
  readonly dimensions: number
  /** Number of pairs of a batch; a multiple of 8. */
  readonly batch: number
  readonly steps: number
  /** Step width of Adam for vectors, at the start; it falls linearly to zero. */
  readonly rate: number
  /** The same for the logarithms of weights. */
  readonly weightRate: number
  /** What cosines are divided by before the softmax. */
  readonly temperature: number
  /** Relative frequency of steps by source. Sources without a number have 0. */
  readonly mixture: Readonly<Record<string, number>>
  /** The constant of smooth inverse frequency, for the initial weights. */
  readonly sif: number
  /** Probability that an occurrence of a token is left out of a training text. */
  readonly dropout: number
  /** Share of the last steps whose parameters are averaged. */
  readonly averaged: number
  readonly onProgress?: ((step: number, loss: number, source: string) => void) | undefined
}

/** Trained parameters: a vector and a weight by token, and the weight of the sketches of unknown words. */
export interface Parameters {
  readonly dimensions: number
  readonly vectors: Float32Array
  /** Natural logarithms. */
  readonly weights: Float32Array
  unknownWeight: number
}

interface Encoded {
  readonly rows: Int32Array
  readonly counts: Float32Array
}

interface EncodedSource {
  readonly name: string
  /** Positions in the interned texts. */
  readonly a: Int32Array
  readonly b: Int32Array
  /** Pairs of one group are never negatives of each other. */
  readonly group: Int32Array
  readonly ordered: boolean
  order: number[]
  next: number
}

const blockLength = 16
const longestText = 200

/**
 * Learns vectors and weights by contrast: of a batch's texts, a pair's partner must be the nearest (InfoNCE: van den
 * Oord et al., 2018, in both directions as in CLIP), with Adam (Kingma and Ba, ICLR 2015) on the rows that a batch
 * touches. Initial weights are smooth inverse frequencies (Arora et al., ICLR 2017); initial vectors are the sketches
 * of the tokens, so that an untrained model compares words.
 */
export class Trainer {
  readonly #options: TrainerOptions
  readonly #random: Random
  readonly #texts: Encoded[] = []
  readonly #sources: EncodedSource[] = []
  readonly #vocabularySize: number
  readonly #sketches: Float32Array
  readonly parameters: Parameters

  constructor(
    tokenizer: Tokenizer,
    vocabulary: readonly string[],
    sources: readonly Source[],
    options: TrainerOptions,
  ) {
    this.#options = options
    this.#random = new Random(options.seed)
    this.#vocabularySize = vocabulary.length
    const dimensions = options.dimensions

    const interned = new Map<string, number>()
    const unknownRows = new Map<number, number>()
    const frequencies = new Float64Array(vocabulary.length)
    const encode = (text: string): number => {
      let index = interned.get(text)
      if (index !== undefined) return index
      const { tokens, unknown } = tokenizer.features(text)
      const rows: number[] = []
      const counts: number[] = []
      for (const [token, count] of tokens) {
        rows.push(token)
        counts.push(damped(count))
        frequencies[token]! += count
      }
      for (const [hash, count] of unknown) {
        let row = unknownRows.get(hash)
        if (row === undefined) {
          row = vocabulary.length + unknownRows.size
          unknownRows.set(hash, row)
        }
        rows.push(row)
        counts.push(damped(count))
      }
      index =
        this.#texts.push({
          rows: Int32Array.from(rows.slice(0, longestText)),
          counts: Float32Array.from(counts.slice(0, longestText)),
        }) - 1
      interned.set(text, index)
      return index
    }
    for (const { name, pairs, ordered } of sources) {
      if (!options.mixture[name]) continue
      const a = Int32Array.from(pairs, ([text]) => encode(text))
      const b = Int32Array.from(pairs, ([, text]) => encode(text))
      const group = name === 'intents' ? components(a, b) : Int32Array.from(a, (_, i) => -1 - i)
      this.#sources.push({ name, a, b, group, ordered, order: [], next: 0 })
    }

    const total = frequencies.reduce((sum, count) => sum + count, 0)
    const weights = Float32Array.from(frequencies, (count) =>
      Math.log(options.sif / (options.sif + (count + 1) / total)),
    )
    const vectors = new Float32Array(vocabulary.length * dimensions)
    vocabulary.forEach((token, i) => {
      const stem = stemOf(token)
      const share = stem === token ? 1 : Math.SQRT1_2
      addSketch(vectors, i * dimensions, dimensions, hashOf(stem), share)
      if (stem !== token) addSketch(vectors, i * dimensions, dimensions, hashOf(token), share)
    })
    this.parameters = { dimensions, vectors, weights, unknownWeight: 0 }
    this.#sketches = new Float32Array(unknownRows.size * dimensions)
    for (const [hash, row] of unknownRows)
      addSketch(this.#sketches, (row - vocabulary.length) * dimensions, dimensions, hash, 1)
  }

  /** Number of texts, and of words outside the vocabulary. */
  get size(): { texts: number; unknown: number } {
    return { texts: this.#texts.length, unknown: this.#sketches.length / this.#options.dimensions }
  }

  /** Runs all steps. */
  train(): Parameters {
    const { batch, steps, dimensions, mixture, temperature, rate, weightRate, dropout, averaged, onProgress } =
      this.#options
    const { vectors, weights } = this.parameters
    const size = this.#vocabularySize
    const matrices = new Matrices(batch * dimensions * 6 + batch * batch * 3 + 64)
    const sides = [0, 1].map(() => ({
      vectors: matrices.allocate(batch * dimensions),
      gradients: matrices.allocate(batch * dimensions),
      lengths: new Float32Array(batch),
      texts: new Int32Array(batch),
      rows: [] as Int32Array[],
      counts: [] as Float32Array[],
    })) as [Side, Side]
    const transposed = matrices.allocate(batch * dimensions)
    const scores = matrices.allocate(batch * batch)
    const [left, right] = sides
    const gradients = new Float32Array(size * dimensions)
    const weightGradients = new Float32Array(size)
    const firstMoments = new Float32Array(size * dimensions)
    const secondMoments = new Float32Array(size * dimensions)
    const weightFirst = new Float32Array(size + 1)
    const weightSecond = new Float32Array(size + 1)
    const touched = new Uint8Array(size)
    const sum = new Float32Array(dimensions)
    const averageFrom = Math.floor(steps * (1 - averaged))
    const averageVectors = new Float32Array(averaged > 0 ? vectors.length : 0)
    const averageWeights = new Float64Array(averaged > 0 ? size + 1 : 0)
    let averages = 0

    const shares = this.#sources.map(({ name }) => mixture[name]!)
    const totalShare = shares.reduce((a, b) => a + b, 0)
    const credits = shares.map(() => 0)
    let meanLoss = 0

    for (let step = 0; step < steps; step++) {
      // The source that is furthest behind its share.
      let chosen = 0
      shares.forEach((share, i) => {
        credits[i]! += share / totalShare
        if (credits[i]! > credits[chosen]!) chosen = i
      })
      credits[chosen]! -= 1
      const source = this.#sources[chosen]!
      const group = this.#draw(source, left.texts, right.texts)

      for (const side of sides) this.#forward(side, dropout)

      for (let i = 0; i < batch; i++)
        for (let d = 0; d < dimensions; d++) transposed[d * batch + i] = right.vectors[i * dimensions + d]!
      matrices.multiply(left.vectors, transposed, scores, batch, batch, dimensions)
      const loss = contrast(scores, batch, temperature, left.texts, right.texts, group)
      meanLoss += (loss - meanLoss) * (step === 0 ? 1 : 0.02)
      matrices.multiply(scores, right.vectors, left.gradients, batch, dimensions, batch)
      matrices.multiply(scores, left.vectors, right.gradients, batch, dimensions, batch, true)

      let unknownGradient = 0
      for (const side of sides) {
        for (let i = 0; i < batch; i++) {
          const at = i * dimensions
          const { vectors: unit, gradients: given } = side
          let radial = 0
          for (let d = 0; d < dimensions; d++) radial += unit[at + d]! * given[at + d]!
          const scale = 1 / side.lengths[i]!
          for (let d = 0; d < dimensions; d++) sum[d] = (given[at + d]! - radial * unit[at + d]!) * scale
          const rows = side.rows[i]!
          const counts = side.counts[i]!
          for (let f = 0; f < rows.length; f++) {
            const count = counts[f]!
            if (count === 0) continue
            const row = rows[f]!
            if (row >= size) {
              const from = (row - size) * dimensions
              let inner = 0
              for (let d = 0; d < dimensions; d++) inner += this.#sketches[from + d]! * sum[d]!
              unknownGradient += count * Math.exp(this.parameters.unknownWeight) * inner
              continue
            }
            const from = row * dimensions
            const factor = count * Math.exp(weights[row]!)
            let inner = 0
            for (let d = 0; d < dimensions; d++) {
              const g = sum[d]!
              inner += vectors[from + d]! * g
              gradients[from + d]! += factor * g
            }
            weightGradients[row]! += factor * inner
            touched[row] = 1
          }
        }
      }

      const warm = Math.min(1, (step + 1) / 50) * (1 - step / steps)
      const width = rate * warm
      const weightWidth = weightRate * warm
      const adam = (index: number, gradient: number): number => {
        const first = weightFirst[index]! * 0.9 + gradient * 0.1
        const second = weightSecond[index]! * 0.99 + gradient * gradient * 0.01
        weightFirst[index] = first
        weightSecond[index] = second
        return (weightWidth * first) / (Math.sqrt(second) + 1e-8)
      }
      for (let row = 0; row < size; row++) {
        if (touched[row] === 0) continue
        touched[row] = 0
        const from = row * dimensions
        for (let i = from; i < from + dimensions; i++) {
          const gradient = gradients[i]!
          const first = firstMoments[i]! * 0.9 + gradient * 0.1
          const second = secondMoments[i]! * 0.99 + gradient * gradient * 0.01
          firstMoments[i] = first
          secondMoments[i] = second
          vectors[i]! -= (width * first) / (Math.sqrt(second) + 1e-8)
          gradients[i] = 0
        }
        weights[row]! -= adam(row, weightGradients[row]!)
        weightGradients[row] = 0
      }
      if (unknownGradient !== 0) this.parameters.unknownWeight -= adam(size, unknownGradient)

      if (averaged > 0 && step >= averageFrom && (step - averageFrom) % 50 === 0) {
        averages++
        for (let i = 0; i < vectors.length; i++) averageVectors[i]! += vectors[i]!
        for (let i = 0; i < size; i++) averageWeights[i]! += weights[i]!
        averageWeights[size]! += this.parameters.unknownWeight
      }
      onProgress?.(step, meanLoss, source.name)
    }
    if (averages > 0) {
      for (let i = 0; i < vectors.length; i++) vectors[i] = averageVectors[i]! / averages
      for (let i = 0; i < size; i++) weights[i] = averageWeights[i]! / averages
      this.parameters.unknownWeight = averageWeights[size]! / averages
    }
    return this.parameters
  }

  /** Fills a batch from the next pairs of a source; answers their groups. */
  #draw(source: EncodedSource, a: Int32Array, b: Int32Array): Int32Array {
    const groups = new Int32Array(a.length)
    for (let i = 0; i < a.length; i++) {
      if (source.next >= source.order.length) {
        source.order = this.#shuffled(source)
        source.next = 0
      }
      const pair = source.order[source.next++]!
      a[i] = source.a[pair]!
      b[i] = source.b[pair]!
      groups[i] = source.group[pair]!
    }
    return groups
  }

  #shuffled({ a, ordered }: EncodedSource): number[] {
    if (!ordered) return this.#random.shuffle(Array.from(a, (_, i) => i))
    const shift = this.#random.below(blockLength)
    const blocks = Array.from({ length: Math.ceil(a.length / blockLength) + 1 }, (_, i) => i * blockLength - shift)
    return this.#random
      .shuffle(blocks)
      .flatMap((start) =>
        Array.from({ length: blockLength }, (_, i) => start + i).filter((i) => i >= 0 && i < a.length),
      )
  }

  #forward(side: Side, dropout: number): void {
    const { dimensions, vectors, weights, unknownWeight } = this.parameters
    const size = this.#vocabularySize
    const unknown = Math.exp(unknownWeight)
    side.vectors.fill(0)
    for (let i = 0; i < side.texts.length; i++) {
      const { rows, counts } = this.#texts[side.texts[i]!]!
      let used = counts
      if (dropout > 0 && rows.length > 3) {
        used = counts.slice()
        for (let f = 0; f < used.length; f++) if (this.#random.uniform() < dropout) used[f] = 0
      }
      side.rows[i] = rows
      side.counts[i] = used
      const at = i * dimensions
      const out = side.vectors
      for (let f = 0; f < rows.length; f++) {
        const count = used[f]!
        if (count === 0) continue
        const row = rows[f]!
        const known = row < size
        const factor = count * (known ? Math.exp(weights[row]!) : unknown)
        const table = known ? vectors : this.#sketches
        const from = (known ? row : row - size) * dimensions
        for (let d = 0; d < dimensions; d++) out[at + d]! += factor * table[from + d]!
      }
      let squares = 1e-12
      for (let d = 0; d < dimensions; d++) squares += out[at + d]! * out[at + d]!
      const length = Math.sqrt(squares)
      side.lengths[i] = length
      for (let d = 0; d < dimensions; d++) out[at + d]! /= length
    }
  }
}

interface Side {
  readonly vectors: Float32Array<ArrayBuffer>
  readonly gradients: Float32Array<ArrayBuffer>
  readonly lengths: Float32Array
  readonly texts: Int32Array
  readonly rows: Int32Array[]
  readonly counts: Float32Array[]
}

/** Replaces a batch's cosines by the gradient of the symmetric loss with respect to them; answers the loss. */
function contrast(
  scores: Float32Array,
  batch: number,
  temperature: number,
  a: Int32Array,
  b: Int32Array,
  group: Int32Array,
): number {
  const inverse = 1 / temperature
  const rowSums = new Float64Array(batch)
  const columnSums = new Float64Array(batch)
  const diagonal = new Float64Array(batch)
  for (let i = 0; i < batch; i++) {
    const at = i * batch
    const [ai, bi, gi] = [a[i]!, b[i]!, group[i]!]
    diagonal[i] = scores[at + i]!
    for (let j = 0; j < batch; j++) {
      if (i !== j && (ai === a[j]! || bi === b[j]! || ai === b[j]! || gi === group[j]!)) {
        scores[at + j] = 0
        continue
      }
      const e = Math.exp((scores[at + j]! - 1) * inverse)
      scores[at + j] = e
      rowSums[i]! += e
      columnSums[j]! += e
    }
  }
  let loss = 0
  const unit = inverse / (2 * batch)
  for (let i = 0; i < batch; i++) {
    const at = i * batch
    const rowShare = unit / rowSums[i]!
    loss += (Math.log(rowSums[i]!) + Math.log(columnSums[i]!)) / 2 - (diagonal[i]! - 1) * inverse
    for (let j = 0; j < batch; j++) scores[at + j]! *= rowShare + unit / columnSums[j]!
    scores[at + i]! -= 2 * unit
  }
  return loss / batch
}

/** Connected components of the pairs: texts of one intent. */
function components(a: Int32Array, b: Int32Array): Int32Array {
  const parents = new Map<number, number>()
  const find = (text: number): number => {
    let root = text
    while (parents.get(root) !== undefined && parents.get(root) !== root) root = parents.get(root)!
    parents.set(text, root)
    return root
  }
  for (let i = 0; i < a.length; i++) parents.set(find(a[i]!), find(b[i]!))
  return Int32Array.from(a, find)
}
