/**
 * How the vectors of an index are stored. What is read again is what searches rank by.
 *
 * - `float32`: as the model gives them; 4 bytes an element.
 * - `float16`: half precision (IEEE 754 binary16): elements differ by at most 1/2048 of themselves, and those beyond
 *   ±65504 become that; 2 bytes an element.
 * - `int8`: multiples of 1/127 of the largest element, from which elements differ by at most 1/254 of it; 1 byte an
 *   element and 4 for each vector.
 * - `bit`: signs alone; a bit an element. Read as 1 and −1.
 */
export type VectorPrecision = 'float32' | 'float16' | 'int8' | 'bit'

export const vectorPrecisions: readonly VectorPrecision[] = ['float32', 'float16', 'int8', 'bit']

/** Vectors of `dimensions` numbers, one after the other (or one alone), as they are stored, little-endian. */
export function encodeVector(
  vector: Float32Array,
  precision: VectorPrecision = 'float32',
  dimensions = vector.length,
): Uint8Array {
  switch (precision) {
    case 'float32':
      return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
    case 'float16':
      return new Uint8Array(Uint16Array.from(vector, toHalf).buffer)
    case 'int8':
    case 'bit': {
      const size = sizeOf(precision, dimensions)
      const bytes = new Uint8Array((vector.length / dimensions) * size)
      for (let from = 0, to = 0; from < vector.length; from += dimensions, to += size) {
        const one = vector.subarray(from, from + dimensions)
        if (precision === 'int8') putInt8(one, bytes, to)
        else for (let i = 0; i < dimensions; i++) if (one[i]! > 0) bytes[to + (i >> 3)]! |= 1 << (i & 7)
      }
      return bytes
    }
  }
}

/** Bytes of a vector. */
const sizeOf = (precision: 'int8' | 'bit', dimensions: number): number =>
  precision === 'int8' ? 4 + dimensions : Math.ceil(dimensions / 8)

function putInt8(vector: Float32Array, bytes: Uint8Array, at: number): void {
  const step = vector.reduce((largest, x) => Math.max(largest, Math.abs(x)), 0) / 127
  new DataView(bytes.buffer).setFloat32(at, step, true)
  if (step > 0) for (let i = 0; i < vector.length; i++) bytes[at + 4 + i] = Math.round(vector[i]! / step)
}

/**
 * Vectors as they were stored.
 * @param dimensions their length; where it is left out, there is one
 */
export function decodeStored(
  stored: Uint8Array,
  precision: VectorPrecision = 'float32',
  dimensions = precision === 'int8' ? stored.length - 4 : stored.length * 8,
): Float32Array {
  switch (precision) {
    case 'float32':
      return new Float32Array(Uint8Array.from(stored).buffer)
    case 'float16':
      return Float32Array.from(new Uint16Array(Uint8Array.from(stored).buffer), fromHalf)
    case 'int8':
    case 'bit': {
      const size = sizeOf(precision, dimensions)
      const vectors = new Float32Array((stored.length / size) * dimensions)
      const view = new DataView(stored.buffer, stored.byteOffset)
      for (let from = 0, to = 0; from < stored.length; from += size, to += dimensions) {
        const step = precision === 'int8' ? view.getFloat32(from, true) : 0
        for (let i = 0; i < dimensions; i++) {
          vectors[to + i] =
            precision === 'int8'
              ? view.getInt8(from + 4 + i) * step
              : 2 * ((stored[from + (i >> 3)]! >> (i & 7)) & 1) - 1
        }
      }
      return vectors
    }
  }
}

/** What of vectors of `dimensions` numbers, or of one, comes back when they were stored. */
export const rounded = (
  vector: Float32Array,
  precision: VectorPrecision | undefined,
  dimensions = vector.length,
): Float32Array =>
  precision === undefined ? vector : decodeStored(encodeVector(vector, precision, dimensions), precision, dimensions)

const largestHalf = 65_504
/** The least half that is not subnormal. */
const normalHalf = 2 ** -14
const subnormalStep = 2 ** -24

/** The closest half as its bits, the even one of two. */
function toHalf(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0
  const size = Math.min(Math.abs(x), largestHalf)
  if (size < normalHalf) return sign | roundEven(size / subnormalStep)
  let exponent = Math.floor(Math.log2(size))
  if (2 ** exponent > size) exponent--
  // Rounding up to the next power of two carries into the exponent, as it should.
  return sign | (((exponent + 15) << 10) + roundEven((size / 2 ** exponent - 1) * 1024))
}

function fromHalf(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  const size = exponent === 0 ? fraction * subnormalStep : (1 + fraction / 1024) * 2 ** (exponent - 15)
  return bits & 0x8000 ? -size : size
}

function roundEven(x: number): number {
  const rounded = Math.round(x)
  return rounded - x === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded
}
