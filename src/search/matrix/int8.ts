import type { Metric } from '../../catalog/definition.js'
import { dotBounds } from './bounds.js'
import { type EncodedQuery, type Encoding, field, roundoff, tiny, trusted } from './encoding.js'
import { normOf } from './metric.js'

const highest = 127

/**
 * A row is `scale` times its codes, and what remains is at most as long as measured: by Cauchy-Schwarz its product with
 * a query of length one is not longer than that. The query is of int16, whose remainder is small beside it.
 */
export function int8Encoding(metric: Metric, dimensions: number): Encoding {
  const rowBytes = Math.ceil(dimensions / 32) * 32
  const rounding = roundoff(dimensions)
  // The remainder of any query: half a step in each element. See `amplitudeOf` for the two cases.
  const queryError = 1.02 * Math.max(Math.sqrt(dimensions) / 65_534, (dimensions * highest) / 2 ** 32)

  return {
    rowBytes,
    workBytes: 4 * rowBytes,

    encode(vector, norm, { kernel, floats, workAt }, address) {
      const header = address >> 2
      // The factor that makes the largest element 127 must be a float32.
      const enlarged = norm < trusted.from ? 2 ** 60 : 1
      const values = workAt >> 2
      floats.set(enlarged === 1 ? vector : vector.map((x) => x * enlarged), values)
      floats.fill(0, values + dimensions, values + rowBytes)
      kernel.quantise(workAt, address, rowBytes)
      const step = 1 / floats[header + field.scale]! / enlarged
      const remainder = step * Math.sqrt(floats[header + field.margin]!)
      const margin = (remainder + (norm + remainder) * (queryError + 2 * rounding)) * (1 + 2 ** -20)
      const unit = metric === 'cosine' && norm > 0 ? norm : 1
      const trustworthy = unit !== 1 || norm <= (metric === 'euclidean' ? Math.sqrt(trusted.to) : trusted.to)
      const bias = metric === 'euclidean' && trustworthy ? (norm * norm) / -2 : 0
      floats[header + field.scale] = trustworthy ? step / unit : 0
      floats[header + field.bias] = bias * (1 - 2 ** -20)
      floats[header + field.margin] = trustworthy ? margin / unit + tiny : Infinity
    },

    query(vector): EncodedQuery {
      const norm = normOf(vector)
      const top = largest(vector)
      const amplitude = amplitudeOf(vector, top)
      const elements = new Int16Array(rowBytes)
      if (norm > 0) elements.set(Array.from(vector, (x) => Math.round((x / top) * amplitude)))
      // A query too long for float32 makes every bound NaN, which excludes nothing.
      const length = norm > Math.sqrt(trusted.to) ? Number.NaN : norm
      const factor = metric === 'euclidean' ? length : 1
      return {
        ...dotBounds(metric, norm),
        scan: 'dotInt8',
        elements: new Uint8Array(elements.buffer),
        step: norm > 0 ? top / norm / amplitude : 0,
        factor,
        lower: (upper, floats, header) =>
          upper - 2 * factor * floats[header + field.margin]! + 2 ** -18 * floats[header + field.bias]!,
      }
    },
  }
}

/** The code of a query's largest element: as high as int16 and 32-bit sums of products with codes of rows allow. */
function amplitudeOf(vector: Float32Array, top: number): number {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += Math.abs(vector[i]!)
  const products = highest * (sum / top)
  return Math.min(32_767, Math.floor((2 ** 31 - highest * vector.length) / products) || 32_767)
}

function largest(vector: Float32Array): number {
  let largest = 0
  for (let i = 0; i < vector.length; i++) {
    const x = Math.abs(vector[i]!)
    if (x > largest) largest = x
  }
  return largest
}
