import type { Metric } from '../../catalog/definition.js'
import { type EncodedQuery, type Encoding, field } from './encoding.js'
import { normOf } from './metric.js'
import type { Rotation } from './rotation.js'

/** The best distance between eight levels, evenly spaced, for normal numbers of variance one (Max, 1960). */
const levelStep = 0.586

const planes = 3

/**
 * Rows are the signs of centred, rotated vectors; a query has three bits an element. The key is an estimate without bias
 * of the inner product (Gao and Long, "RaBitQ", SIGMOD 2024), not a bound.
 */
export function bitEncoding(metric: Metric, centre: Float32Array, rotation: Rotation): Encoding {
  const { dimensions } = rotation
  const rowBytes = dimensions / 8
  const direction = new Float32Array(centre.length)
  const unitOf = (norm: number) => (metric === 'cosine' && norm > 0 ? norm : 1)

  /** Puts what `vector / unit` differs from `origin`, at length one, into `direction`; returns how much that is. */
  function depart(vector: Float32Array, unit: number, origin: Float32Array): number {
    const inverse = 1 / unit
    for (let i = 0; i < vector.length; i++) direction[i] = vector[i]! * inverse - origin[i]!
    const distance = normOf(direction)
    const factor = distance > 0 ? 1 / distance : 0
    for (let i = 0; i < direction.length; i++) direction[i]! *= factor
    return distance
  }

  return {
    rowBytes,
    workBytes: 4 * dimensions,

    encode(vector, norm, { kernel, floats, workAt }, address) {
      const unit = unitOf(norm)
      const distance = depart(vector, unit, centre)
      floats.set(rotation.rotate(direction), workAt >> 2)
      kernel.signs(workAt, address, dimensions)
      const header = address >> 2
      const sizes = floats[header + field.scale]!
      floats[header + field.scale] = sizes > 0 ? (distance * dimensions) / sizes : 0
      floats[header + field.bias] =
        metric === 'euclidean' ? (distance * distance) / -2 : metric === 'cosine' ? dot(centre, vector) / unit : 0
      floats[header + field.margin] = 0
    },

    query(vector): EncodedQuery {
      // Inner products with the centre are the same for all rows, unless the query is centred too.
      const norm = normOf(vector)
      const distance = depart(
        vector,
        unitOf(norm),
        metric === 'inner_product' ? new Float32Array(centre.length) : centre,
      )
      const rotated = rotation.rotate(direction)
      const elements = new Uint8Array(planes * rowBytes)
      const step = levelStep * Math.sqrt(dimensions)
      rotated.forEach((x, i) => {
        const level = Math.min(7, Math.max(0, Math.floor(x / step) + 4))
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
