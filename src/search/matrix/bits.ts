import type { Metric } from '../../catalog/definition.js'
import { type EncodedQuery, type Encoding, field } from './encoding.js'
import { normOf } from './metric.js'
import { headerBytes } from './plain-kernel.js'
import type { Rotation } from './rotation.js'

/** The best distance between sixteen levels, evenly spaced, for normal numbers of variance one (Max, 1960). */
const levelStep = 0.3352

const planes = 4

/**
 * Rows are the signs of centred, rotated vectors; a query has four bits an element. The key is an estimate without bias
 * of the inner product (Gao and Long, "RaBitQ", SIGMOD 2024), not a bound.
 */
export function bitEncoding(metric: Metric, centre: Float32Array, rotation: Rotation): Encoding {
  const { dimensions } = rotation
  const rowBytes = dimensions / 8
  const direction = new Float32Array(centre.length)
  const unitOf = (norm: number) => (metric === 'cosine' && norm > 0 ? norm : 1)

  /** Puts what `vector / unit` differs from the centre, at length one, into `direction`; returns how much that is. */
  function depart(vector: Float32Array, unit: number, from: Float32Array | undefined): number {
    for (let i = 0; i < vector.length; i++) direction[i] = vector[i]! / unit - (from ? from[i]! : 0)
    const distance = normOf(direction)
    if (distance > 0) for (let i = 0; i < direction.length; i++) direction[i]! /= distance
    return distance
  }

  return {
    rowBytes,
    queryBytes: planes * rowBytes,

    encode(vector, norm, { floats, bytes }, address) {
      const unit = unitOf(norm)
      const distance = depart(vector, unit, centre)
      const rotated = rotation.rotate(direction)
      const at = address + headerBytes
      bytes.fill(0, at, at + rowBytes)
      let absolute = 0
      for (let from = 0; from < dimensions; from += 8) {
        let byte = 0
        for (let i = 0; i < 8; i++) {
          const x = rotated[from + i]!
          absolute += Math.abs(x)
          if (x > 0) byte |= 1 << i
        }
        bytes[at + (from >> 3)] = byte
      }
      const header = address >> 2
      floats[header + field.scale] = absolute > 0 ? (distance * dimensions) / absolute : 0
      floats[header + field.bias] =
        metric === 'euclidean' ? (distance * distance) / -2 : metric === 'cosine' ? dot(centre, vector) / unit : 0
      floats[header + field.margin] = 0
    },

    query(vector): EncodedQuery {
      // Inner products with the centre are the same for all rows, unless the query is centred too.
      const norm = normOf(vector)
      const distance = depart(vector, unitOf(norm), metric === 'inner_product' ? undefined : centre)
      const rotated = rotation.rotate(direction)
      const elements = new Uint8Array(planes * rowBytes)
      const step = levelStep * Math.sqrt(dimensions)
      rotated.forEach((x, i) => {
        const level = Math.min(15, Math.max(0, Math.floor(x / step) + 8))
        const word = (i >> 6) * planes * 8 + ((i & 63) >> 3)
        for (let plane = 0; plane < planes; plane++) {
          elements[word + 8 * plane]! |= ((level >> plane) & 1) << (i & 7)
        }
      })
      return {
        score: (key) => key,
        key: (score) => score,
        scan: 'dotBits',
        elements,
        step: (step / 2 / dimensions) * distance,
        factor: 1,
        lower: (upper) => upper,
      }
    },
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
