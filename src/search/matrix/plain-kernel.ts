import type { Kernel } from './kernel.js'

const { fround } = Math

/** Bytes before the elements of a row: scale, bias and margin as float32, and 4 that are unused. */
export const headerBytes = 16

/** The kernel where there is no WebAssembly. Its sums are in float64, so they are within the bounds of float32. */
export class PlainKernel implements Kernel {
  #buffer = new ArrayBuffer(0)
  #floats = new Float32Array(0)
  #bytes = new Int8Array(0)
  #shorts = new Int16Array(0)
  #words = new Uint32Array(0)

  get buffer(): ArrayBuffer {
    return this.#buffer
  }

  grow(bytes: number): void {
    const grown = new ArrayBuffer(Math.ceil((this.#buffer.byteLength + bytes) / headerBytes) * headerBytes)
    new Uint8Array(grown).set(new Uint8Array(this.#buffer))
    this.#buffer = grown
    this.#floats = new Float32Array(grown)
    this.#bytes = new Int8Array(grown)
    this.#shorts = new Int16Array(grown)
    this.#words = new Uint32Array(grown)
  }

  dotFloat32: Kernel['dotFloat32'] = (query, rows, stride, length, list, count, out, step, factor) => {
    const floats = this.#floats
    for (let i = 0; i < count; i++) {
      const row = this.#address(rows, stride, list, i)
      let dot = 0
      for (let q = query >> 2, r = (row + headerBytes) >> 2, end = q + (length >> 2); q < end; q++, r++) {
        dot += floats[q]! * floats[r]!
      }
      floats[(out >> 2) + i] = this.#bound(row, dot, step, factor)
    }
  }

  distanceFloat32: Kernel['distanceFloat32'] = (query, rows, stride, length, list, count, out, _step, factor) => {
    const floats = this.#floats
    for (let i = 0; i < count; i++) {
      const row = this.#address(rows, stride, list, i)
      let squares = 0
      for (let q = query >> 2, r = (row + headerBytes) >> 2, end = q + (length >> 2); q < end; q++, r++) {
        squares += (floats[q]! - floats[r]!) ** 2
      }
      floats[(out >> 2) + i] = Math.max(squares * -factor, -(2 ** 126))
    }
  }

  dotInt8: Kernel['dotInt8'] = (query, rows, stride, length, list, count, out, step, factor) => {
    for (let i = 0; i < count; i++) {
      const row = this.#address(rows, stride, list, i)
      let dot = 0
      for (let q = query >> 1, r = row + headerBytes, end = r + length; r < end; q++, r++) {
        dot += this.#shorts[q]! * this.#bytes[r]!
      }
      this.#floats[(out >> 2) + i] = this.#bound(row, dot, step, factor)
    }
  }

  dotBits: Kernel['dotBits'] = (query, rows, stride, length, list, count, out, step, factor) => {
    const words = this.#words
    for (let i = 0; i < count; i++) {
      const row = this.#address(rows, stride, list, i)
      let different = 0
      for (let q = query >> 2, r = (row + headerBytes) >> 2, end = r + (length >> 2); r < end; q += 8, r += 2) {
        for (let half = 0; half < 2; half++) {
          const word = words[r + half]!
          for (let plane = 0; plane < 4; plane++) {
            different += ones(word ^ words[q + half + 2 * plane]!) << plane
          }
        }
      }
      this.#floats[(out >> 2) + i] = this.#bound(row, length * 8 * 15 - 2 * different, step, factor)
    }
  }

  hadamard(values: number, signs: number, length: number): void {
    const floats = this.#floats
    const from = values >> 2
    for (let i = 0; i < length; i++) floats[from + i]! *= floats[(signs >> 2) + i]!
    for (let half = 1; half < length; half *= 2) {
      for (let at = from; at < from + length; at += half) {
        for (const end = at + half; at < end; at++) {
          const x = floats[at]!
          const y = floats[at + half]!
          floats[at] = x + y
          floats[at + half] = x - y
        }
      }
    }
  }

  quantise(values: number, row: number, length: number): void {
    const vector = this.#floats.subarray(values >> 2, (values >> 2) + length)
    const top = vector.reduce((top, x) => Math.max(top, Math.abs(x)), 0)
    const inverse = top > 0 ? fround(127 / top) : 1
    let squares = 0
    for (let i = 0; i < length; i++) {
      const x = fround(vector[i]! * inverse)
      const code = Math.round(x)
      squares += (x - code) ** 2
      this.#bytes[row + headerBytes + i] = code
    }
    this.#floats[row >> 2] = inverse
    this.#floats[(row >> 2) + 2] = squares
  }

  signs(values: number, row: number, length: number): void {
    const vector = this.#floats.subarray(values >> 2, (values >> 2) + length)
    const bits = row + headerBytes
    // Summed as in WebAssembly, so that estimates are the same.
    const sizes = new Float32Array(4)
    for (let i = 0; i < length; i += 8) {
      let byte = 0
      for (let j = 0; j < 8; j++) if (vector[i + j]! > 0) byte |= 1 << j
      this.#bytes[bits + (i >> 3)] = byte
      for (let j = 0; j < 4; j++) sizes[j]! += fround(Math.abs(vector[i + j]!) + Math.abs(vector[i + j + 4]!))
    }
    this.#floats[row >> 2] = fround(sizes[0]! + sizes[1]!) + fround(sizes[2]! + sizes[3]!)
  }

  #address(rows: number, stride: number, list: number, i: number): number {
    return rows + stride * (list === 0 ? i : this.#words[(list >> 2) + i]!)
  }

  /** Rounded at every step as in WebAssembly. */
  #bound(row: number, dot: number, step: number, factor: number): number {
    const floats = this.#floats
    const header = row >> 2
    const product = fround(fround(fround(dot) * fround(step)) * floats[header]!)
    return fround(fround(factor) * fround(product + floats[header + 2]!)) + floats[header + 1]!
  }
}

/** The number of bits of a 32-bit word that are 1 (Warren, "Hacker's Delight", 2013). */
function ones(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555)
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333)
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
