import type { Metric } from '../../catalog/definition.js'
import { type Bounds, type EncodedQuery, type Encoding, field } from './encoding.js'
import { normOf } from './metric.js'
import type { Rotation } from './rotation.js'

/** The best distance between eight levels, evenly spaced, for normal numbers of variance one (Max, 1960). */
const levelStep = 0.586

const planes = 3

/** Standard deviations by which an estimate may be wrong: what the paper takes. It misses less than one row in a hundred. */
const confidence = 1.9

/**
 * Rows are the signs of centred, rotated vectors; a query has three bits an element. The inner product of the two, over
 * that of a row with its own signs, estimates the inner product without bias, and how far off that is follows from the
 * latter (Gao and Long, "RaBitQ", SIGMOD 2024, theorem 3.2). So the bounds hold with some confidence, not always.
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
      const cosine = sizes / dimensions ** 1.5
      const deviation = Math.sqrt(Math.max(0, 1 / cosine ** 2 - 1) / (dimensions - 1))
      floats[header + field.margin] = sizes > 0 ? confidence * distance * deviation : 0
    },

    query(vector): EncodedQuery {
      const unit = unitOf(normOf(vector))
      const distance = depart(vector, unit, metric === 'inner_product' ? new Float32Array(centre.length) : centre)
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
      // What is the same for all rows: inner products with the centre, and what of a distance is not the row's.
      const common = dot(centre, vector) / unit - (metric === 'cosine' ? dot(centre, centre) : 0)
      return {
        ...(metric === 'euclidean'
          ? nearnessOf(distance)
          : { score: (key) => key + common, key: (score) => score - common }),
        scan: 'dotBits',
        elements,
        step: step / 2 / dimensions,
        factor: distance,
        lower: (upper, floats, header) => upper - 2 * distance * floats[header + field.margin]!,
      }
    },
  }
}

/** Keys are half of what the query's squared distance from the centre exceeds the row's squared distance from the query. */
const nearnessOf = (distance: number): Bounds => ({
  score: (key) => 1 / (1 + Math.sqrt(Math.max(0, distance * distance - 2 * key))),
  key: (score) => (distance * distance - (1 / score - 1) ** 2) / 2,
})

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
