import { type MaxSimMetric, scalesOf, sumOf } from '../../types/max-sim.js'
import type { Kernel } from '../matrix/kernel.js'

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to

/** MaxSim of rows with one query, as `maxSim` computes it and to the last bit, in the kernel's memory. */
export class ExactScores {
  readonly #kernel: Kernel
  readonly #dimensions: number
  readonly #metric: MaxSimMetric
  readonly #queryScales: Float64Array
  readonly #queries: number
  readonly #length: number
  readonly #outAt: number
  readonly #scalesAt: number

  /** @param kernel nothing else may use its memory meanwhile */
  constructor(kernel: Kernel, query: Float32Array, dimensions: number, metric: MaxSimMetric) {
    this.#kernel = kernel
    this.#dimensions = dimensions
    this.#metric = metric
    this.#queryScales = scalesOf(query, dimensions, metric)
    this.#queries = roundUp(this.#queryScales.length, 2)
    this.#length = roundUp(dimensions, 4)
    this.#outAt = 8 * this.#queries * this.#length
    this.#scalesAt = this.#outAt + 8 * this.#queries
    this.#reserve(this.#scalesAt)
    const doubles = new Float64Array(kernel.buffer, 0, this.#queries * this.#length).fill(0)
    for (let n = 0; n < this.#queryScales.length; n++) {
      doubles.set(query.subarray(n * dimensions, (n + 1) * dimensions), n * this.#length)
    }
  }

  /** The score of a row, given its vectors one after the other. */
  of(row: Float32Array): number {
    const scales = scalesOf(row, this.#dimensions, this.#metric)
    const vectorsAt = this.#scalesAt + roundUp(8 * scales.length, 16)
    this.#reserve(vectorsAt + 4 * scales.length * this.#length)
    const { buffer } = this.#kernel
    new Float64Array(buffer, this.#scalesAt, scales.length).set(scales)
    const floats = new Float32Array(buffer, vectorsAt, scales.length * this.#length)
    if (this.#length === this.#dimensions) floats.set(row)
    else {
      floats.fill(0)
      for (let n = 0; n < scales.length; n++) {
        floats.set(row.subarray(n * this.#dimensions, (n + 1) * this.#dimensions), n * this.#length)
      }
    }
    this.#kernel.maxSimFloat64(0, this.#queries, vectorsAt, this.#scalesAt, this.#length, scales.length, this.#outAt)
    return sumOf(new Float64Array(buffer, this.#outAt, this.#queries), this.#queryScales)
  }

  #reserve(end: number): void {
    const missing = end - this.#kernel.buffer.byteLength
    if (missing > 0) this.#kernel.grow(missing)
  }
}
