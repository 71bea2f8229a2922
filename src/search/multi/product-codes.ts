import type { Kernel } from '../matrix/kernel.js'

/** Elements of a part of a vector, and centres that a part may be near to. */
const partLength = 8
const centreCount = 64
/** Floats of the centres of a part with half their squared lengths; see `encodeParts` in the kernel. */
const partFloats = (partLength + 1) * centreCount
/** Vectors of a query that the kernel takes at a time. */
export const queryBlock = 32
const rounds = 6
/** Vectors between pauses of the training: some milliseconds. */
const sliceVectors = 1024

/**
 * Product quantization (Jégou et al., "Product Quantization for Nearest Neighbor Search", TPAMI 2011): each eight elements
 * of a vector are written as the number of the nearest of 64 centres, so a vector takes a byte for each eight elements,
 * and its product with a query is a sum of looked-up numbers.
 */
export class ProductCodes {
  readonly #kernel: Kernel
  readonly #dimensions: number
  readonly #usedParts: number
  /** Bytes of a vector; a multiple of 4. */
  readonly parts: number
  readonly #centres: Float32Array
  readonly #centresAt: number
  readonly #vectorAt: number
  readonly #tableAt: number
  /** The first address behind what this uses. */
  readonly end: number

  /** @param at where in the kernel's memory it may have room; a multiple of 64. The memory grows as is needed. */
  constructor(kernel: Kernel, dimensions: number, at: number) {
    this.#kernel = kernel
    this.#dimensions = dimensions
    this.#usedParts = Math.ceil(dimensions / partLength)
    this.parts = Math.ceil(this.#usedParts / 4) * 4
    this.#centres = new Float32Array(this.parts * partFloats)
    this.#centresAt = at
    this.#vectorAt = at + 4 * this.#centres.length
    this.#tableAt = this.#vectorAt + 4 * this.parts * partLength
    this.end = this.#tableAt + this.parts * centreCount * queryBlock
    const missing = this.end - kernel.buffer.byteLength
    if (missing > 0) kernel.grow(missing)
  }

  /**
   * Finds centres by k-means (Lloyd, 1982) over a sample of vectors, one after the other. Pauses at every `yield`.
   * Equal samples give equal centres.
   */
  *train(sample: Float32Array): Generator<void, undefined> {
    const count = sample.length / this.#dimensions
    const centres = this.#centres
    const at = (part: number, centre: number, i: number) => part * partFloats + i * centreCount + centre
    for (let part = 0; part < this.parts; part++) {
      for (let centre = 0; centre < centreCount; centre++) {
        const from = Math.floor((centre * count) / centreCount) * this.#dimensions + part * partLength
        for (let i = 0; i < partLength; i++) {
          centres[at(part, centre, i)] = part * partLength + i < this.#dimensions ? (sample[from + i] ?? 0) : 0
        }
      }
    }
    this.#place()
    const codesAt = this.#tableAt
    for (let round = 0; round < rounds; round++) {
      const sums = new Float64Array(centres.length)
      const counts = new Uint32Array(this.parts * centreCount)
      for (let n = 0; n < count; n++) {
        const from = n * this.#dimensions
        this.encode(sample, from, codesAt)
        const codes = new Uint8Array(this.#kernel.buffer, codesAt, this.parts)
        for (let part = 0; part < this.#usedParts; part++) {
          const centre = codes[part]!
          counts[part * centreCount + centre]!++
          const length = Math.min(partLength, this.#dimensions - part * partLength)
          for (let i = 0; i < length; i++) sums[at(part, centre, i)]! += sample[from + part * partLength + i]!
        }
        if (n % sliceVectors === sliceVectors - 1) yield
      }
      for (let part = 0; part < this.#usedParts; part++) {
        for (let centre = 0; centre < centreCount; centre++) {
          const members = counts[part * centreCount + centre]!
          if (members === 0) continue
          for (let i = 0; i < partLength; i++) centres[at(part, centre, i)] = sums[at(part, centre, i)]! / members
        }
      }
      this.#place()
    }
  }

  /** Writes the code of the vector that begins at `from` in `values` to an address. */
  encode(values: Float32Array, from: number, address: number): void {
    const { buffer } = this.#kernel
    new Float32Array(buffer, this.#vectorAt, this.#dimensions).set(values.subarray(from, from + this.#dimensions))
    this.#kernel.encodeParts(this.#vectorAt, this.#centresAt, this.parts, address)
  }

  /**
   * Prepares the scan for a query; `scan` then takes `queryBlock` vectors of it at a time.
   * @returns for each block, the similarities of every code with its vectors, as the kernel reads them
   */
  tables(query: Float32Array): Int8Array[] {
    const count = query.length / this.#dimensions
    const products = new Float32Array(this.parts * centreCount * count)
    const tops = new Float64Array(count)
    for (let part = 0; part < this.#usedParts; part++) {
      const length = Math.min(partLength, this.#dimensions - part * partLength)
      for (let n = 0; n < count; n++) {
        const from = n * this.#dimensions + part * partLength
        let top = 0
        for (let centre = 0; centre < centreCount; centre++) {
          let product = 0
          let c = part * partFloats + centre
          for (let i = 0; i < length; i++, c += centreCount) product += query[from + i]! * this.#centres[c]!
          products[(part * centreCount + centre) * count + n] = product
          top = Math.max(top, Math.abs(product))
        }
        tops[n]! += top
      }
    }
    // No sum over the parts leaves int8, but for what rounding adds, which the kernel cuts off.
    const scale = 127 / (tops.reduce((highest, top) => Math.max(highest, top), 0) || 1)
    return Array.from({ length: Math.ceil(count / queryBlock) }, (_, block) => {
      const table = new Int8Array(this.parts * centreCount * queryBlock)
      const first = block * queryBlock
      const width = Math.min(queryBlock, count - first)
      for (let code = 0; code < this.parts * centreCount; code++) {
        for (let n = 0; n < width; n++) {
          table[code * queryBlock + n] = Math.round(products[code * count + first + n]! * scale)
        }
      }
      return table
    })
  }

  /** Sums of the best similarities of rows with the vectors of a table; see `maxSimCodes` in the kernel. */
  scan(table: Int8Array, records: number, count: number, out: number): void {
    new Int8Array(this.#kernel.buffer, this.#tableAt, table.length).set(table)
    this.#kernel.maxSimCodes(this.#tableAt, this.parts, records, count, out)
  }

  /** Puts the centres, and half their squared lengths, where the kernel reads them. */
  #place(): void {
    for (let part = 0; part < this.parts; part++) {
      for (let centre = 0; centre < centreCount; centre++) {
        let squares = 0
        for (let i = 0; i < partLength; i++)
          squares += this.#centres[part * partFloats + i * centreCount + centre]! ** 2
        this.#centres[part * partFloats + partLength * centreCount + centre] = squares / 2
      }
    }
    new Float32Array(this.#kernel.buffer, this.#centresAt, this.#centres.length).set(this.#centres)
  }
}
