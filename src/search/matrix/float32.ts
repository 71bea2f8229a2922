import type { Metric } from '../../catalog/definition.js'
import { distanceBounds, dotBounds } from './bounds.js'
import { type EncodedQuery, type Encoding, field, roundoff, tiny, trusted } from './encoding.js'
import { normOf } from './metric.js'
import { headerBytes } from './plain-kernel.js'

/** Rows are the vectors themselves. */
export function float32Encoding(metric: Metric, dimensions: number): Encoding {
  const rowBytes = Math.ceil(dimensions / 16) * 64
  const error = roundoff(dimensions)

  /** The scale and margin of a row; a row that float32 cannot be trusted with may have any score. */
  function bound(norm: number): { scale: number; margin: number } {
    if (metric === 'cosine') {
      if (norm === 0) return { scale: 0, margin: tiny }
      if (norm < trusted.from || norm > trusted.to) return { scale: 0, margin: 1 + error }
      return { scale: 1 / norm, margin: error }
    }
    return norm > trusted.to ? { scale: 0, margin: Infinity } : { scale: 1, margin: norm * error + tiny }
  }

  return {
    rowBytes,
    workBytes: rowBytes,

    encode(vector, norm, { floats }, address) {
      const header = address >> 2
      const { scale, margin } = bound(norm)
      floats[header + field.scale] = scale
      floats[header + field.bias] = 0
      floats[header + field.margin] = margin
      floats.set(vector, header + headerBytes / 4)
      floats.fill(0, header + headerBytes / 4 + dimensions, header + (headerBytes + rowBytes) / 4)
    },

    query(vector): EncodedQuery {
      const elements = new Float32Array(rowBytes / 4)
      const bytes = new Uint8Array(elements.buffer)
      if (metric === 'euclidean') {
        elements.set(vector)
        return {
          ...distanceBounds,
          scan: 'distanceFloat32',
          elements: bytes,
          step: 1,
          factor: 1 - error,
          lower: (upper) => (upper <= -(2 ** 126) ? -Infinity : upper * (1 + 4 * error) - tiny),
        }
      }
      const norm = normOf(vector)
      if (norm > 0) elements.set(vector.map((x) => x / norm))
      return {
        ...dotBounds(metric, norm),
        scan: 'dotFloat32',
        elements: bytes,
        step: 1,
        factor: 1,
        lower: (upper, floats, header) => upper - 2 * floats[header + field.margin]!,
      }
    },
  }
}
