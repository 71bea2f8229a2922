import type { EncodedQuery, Encoding, Views } from './encoding.js'
import type { Kernel } from './kernel.js'
import { headerBytes } from './plain-kernel.js'

/** Rows that are scanned in one go: about a fifth of a millisecond of float32. */
export const blockRows = 4096

// Not 0, which stands for no list.
const listAt = 64
const outAt = listAt + 4 * blockRows
const workAt = outAt + 4 * blockRows

/** Bytes from one row to the next: the loops over float32 are faster where rows begin at a multiple of 16. */
export const strideOf = (rowBytes: number): number => headerBytes + Math.ceil(rowBytes / 16) * 16

/** What one memory holds of a matrix: a list of rows to scan, the results, the query, then the rows. */
export class Segment implements Views {
  readonly kernel: Kernel
  readonly workAt = workAt
  readonly stride: number
  readonly #length: number
  readonly #rowsAt: number
  floats: Float32Array = new Float32Array(0)
  bytes: Uint8Array = new Uint8Array(0)
  #list: Uint32Array = new Uint32Array(0)
  #out: Float32Array = new Float32Array(0)

  constructor(kernel: Kernel, { rowBytes, workBytes }: Encoding) {
    this.kernel = kernel
    this.stride = strideOf(rowBytes)
    this.#length = rowBytes
    this.#rowsAt = workAt + Math.ceil(workBytes / 64) * 64
    this.reserve(1)
  }

  /** Makes room for `rows`, and for some more where it has to grow. */
  reserve(rows: number): void {
    const { buffer } = this.kernel
    const needed = this.address(rows) - buffer.byteLength
    if (needed > 0) this.kernel.grow(Math.max(needed, (buffer.byteLength - this.#rowsAt) >> 2))
    else if (this.bytes.length > 0) return
    this.floats = new Float32Array(this.kernel.buffer)
    this.bytes = new Uint8Array(this.kernel.buffer)
    this.#list = new Uint32Array(this.kernel.buffer, listAt, blockRows)
    this.#out = new Float32Array(this.kernel.buffer, outAt, blockRows)
  }

  address(row: number): number {
    return this.#rowsAt + row * this.stride
  }

  /** Copies a row to another segment, or within this one. */
  copy(row: number, target: Segment, to: number): void {
    const from = this.address(row)
    target.bytes.set(this.bytes.subarray(from, from + this.stride), target.address(to))
  }

  /** The upper bounds of `count` rows from `row` on, until the next scan. */
  scanFrom(query: EncodedQuery, row: number, count: number): Float32Array {
    return this.#scan(query, this.address(row), 0, count)
  }

  /** The upper bounds of the rows in `list`, until the next scan. */
  scanList(query: EncodedQuery, list: Uint32Array, count: number): Float32Array {
    this.#list.set(list.subarray(0, count))
    return this.#scan(query, this.address(0), listAt, count)
  }

  #scan(query: EncodedQuery, rows: number, list: number, count: number): Float32Array {
    this.bytes.set(query.elements, workAt)
    const { scan, step, factor } = query
    this.kernel[scan](workAt, rows, this.stride, this.#length, list, count, outAt, step, factor)
    return this.#out
  }
}
