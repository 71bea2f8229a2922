import type { Kernel } from './kernel.js'

const rounds = 2

/**
 * An orthogonal map that spreads what a vector has over all of its elements: random signs and a Walsh-Hadamard
 * transform, twice (Ailon and Chazelle, "The fast Johnson-Lindenstrauss transform", 2009). The signs are the same in
 * every process.
 */
export class Rotation {
  /** Length of rotated vectors: a power of two, at least 64. */
  readonly dimensions: number
  readonly #kernel: Kernel
  readonly #values: Float32Array

  constructor(dimensions: number, kernel: Kernel) {
    this.dimensions = 2 ** Math.max(6, Math.ceil(Math.log2(dimensions)))
    this.#kernel = kernel
    kernel.grow((1 + rounds) * 4 * this.dimensions)
    this.#values = new Float32Array(kernel.buffer, 0, this.dimensions)
    const signs = new Float32Array(kernel.buffer, 4 * this.dimensions, rounds * this.dimensions)
    const random = randomBits()
    for (let i = 0; i < signs.length; i++) signs[i] = random() ? 1 : -1
  }

  /** Rotates, and makes it `dimensions` times as long. The result is good until the next call. */
  rotate(vector: Float32Array): Float32Array {
    this.#values.set(vector)
    this.#values.fill(0, vector.length)
    const bytes = 4 * this.dimensions
    for (let round = 1; round <= rounds; round++) this.#kernel.hadamard(0, round * bytes, this.dimensions)
    return this.#values
  }
}

/** Xorshift (Marsaglia, 2003). */
function randomBits(): () => boolean {
  let state = 0x9e3779b9
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state < 0
  }
}
