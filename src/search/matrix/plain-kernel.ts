import type { Kernel } from './kernel.js'

const { fround } = Math

/** Bytes before the elements of a row: scale, bias and margin as float32, and 4 that are unused. */
export const headerBytes = 16

/** The kernel where there is no WebAssembly. Its sums are in float64, so they are within the bounds of float32. */
export class PlainKernel implements Kernel {
  #buffer = new ArrayBuffer(0)
  #floats = new Float32Array(0)
  #bytes = new Int8Array(0)
  #unsigned = new Uint8Array(0)
  #doubles = new Float64Array(0)
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
    this.#unsigned = new Uint8Array(grown)
    this.#doubles = new Float64Array(grown)
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
      for (let q = query >> 2, r = (row + headerBytes) >> 2, end = r + (length >> 2); r < end; q += 6, r += 2) {
        for (let half = 0; half < 2; half++) {
          const word = words[r + half]!
          for (let plane = 0; plane < 3; plane++) {
            different += ones(word ^ words[q + half + 2 * plane]!) << plane
          }
        }
      }
      this.#floats[(out >> 2) + i] = this.#bound(row, length * 8 * 7 - 2 * different, step, factor)
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

  maxSimCodes(table: number, parts: number, records: number, count: number, out: number): void {
    const bytes = this.#bytes
    const codes = this.#unsigned
    const best = new Int8Array(32)
    for (let i = 0; i < count; i++) {
      let code = this.#words[(records >> 2) + 2 * i]!
      const last = code + this.#words[(records >> 2) + 2 * i + 1]! * parts
      best.fill(-128)
      for (; code < last; code += parts) {
        for (let query = 0; query < 32; query++) {
          let sum = 0
          for (let part = 0; part < parts; part++) {
            sum += bytes[table + ((part * 64 + codes[code + part]!) << 5) + query]!
            sum = Math.min(127, Math.max(-128, sum))
          }
          best[query] = Math.max(best[query]!, sum)
        }
      }
      this.#words[(out >> 2) + i] = best.reduce((sum, x) => sum + x, 0)
    }
  }

  maxSimFloat64: Kernel['maxSimFloat64'] = (query, queries, vectors, scales, length, count, out) => {
    const floats = this.#floats
    const doubles = this.#doubles
    for (let q = 0; q < queries; q++) {
      let best = -Infinity
      for (let i = 0, at = vectors >> 2; i < count; i++) {
        let a = 0
        let b = 0
        let c = 0
        let d = 0
        for (let p = (query >> 3) + q * length, end = p + length; p < end; p += 4, at += 4) {
          a += doubles[p]! * floats[at]!
          b += doubles[p + 1]! * floats[at + 1]!
          c += doubles[p + 2]! * floats[at + 2]!
          d += doubles[p + 3]! * floats[at + 3]!
        }
        best = Math.max(best, (a + c + (b + d)) * doubles[(scales >> 3) + i]!)
      }
      doubles[(out >> 3) + q] = best
    }
  }

  encodeParts(vector: number, centres: number, parts: number, out: number): void {
    const floats = this.#floats
    for (let part = 0; part < parts; part++) {
      const first = (centres >> 2) + part * 576
      let best = -Infinity
      for (let code = 0; code < 64; code++) {
        let score = -floats[first + 512 + code]!
        for (let i = 0; i < 8; i++) score += floats[(vector >> 2) + part * 8 + i]! * floats[first + i * 64 + code]!
        if (score <= best) continue
        best = score
        this.#unsigned[out + part] = code
      }
    }
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
