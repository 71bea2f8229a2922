import { ValidationError } from '../../errors.js'

/**
 * Vectors one after the other, as numbers or as bytes (little-endian float32, at any address), or an array with one of
 * these for each vector.
 */
export type VectorSource = Float32Array | Uint8Array | readonly (Float32Array | Uint8Array)[]

/** Reads vectors from where they are, one at a time. */
export class VectorReader {
  readonly #source: VectorSource
  readonly #floats: Float32Array
  readonly #bytes: Uint8Array

  /** @throws ValidationError when these are not `count` vectors of `dimensions` numbers */
  constructor(source: VectorSource, dimensions: number, count: number) {
    this.#source = source
    this.#floats = new Float32Array(dimensions)
    this.#bytes = new Uint8Array(this.#floats.buffer)
    const { byteLength } = this.#bytes
    if (ArrayBuffer.isView(source)) {
      if (source.byteLength === count * byteLength) return
      throw new ValidationError(
        `expected ${count} vectors of ${dimensions} numbers, ${count * byteLength} bytes, got ${source.byteLength}`,
      )
    }
    if (source.length !== count) throw new ValidationError(`expected ${count} vectors, got ${source.length}`)
    source.forEach((vector, row) => {
      if (vector.byteLength === byteLength) return
      throw new ValidationError(`expected a vector of ${dimensions} numbers, got ${vector.byteLength / 4}`, { row })
    })
  }

  /** The vector at `index`, until the next is read. */
  read(index: number): Float32Array {
    const source = this.#source
    const { length } = this.#floats
    if (!ArrayBuffer.isView(source)) {
      const vector = source[index]!
      if (vector instanceof Float32Array) return vector
      this.#bytes.set(vector)
      return this.#floats
    }
    if (source instanceof Float32Array) return source.subarray(index * length, (index + 1) * length)
    this.#bytes.set(source.subarray(index * this.#bytes.length, (index + 1) * this.#bytes.length))
    return this.#floats
  }
}
