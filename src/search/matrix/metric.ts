import type { Metric } from '../../catalog/definition.js'

/** The score of the vector that begins at `offset` in `values`: higher is better. */
export type ExactScore = (values: Float32Array, offset: number) => number

/**
 * The scores that searches give, in float64, summed in order.
 *
 * - `cosine`: from -1 to 1. A vector of zeros has no direction; its score is 0, as in SQL.
 * - `euclidean`: 1 / (1 + distance).
 * - `inner_product`: the inner product.
 */
export function exactScore(metric: Metric, query: Float32Array): ExactScore {
  const { length } = query
  switch (metric) {
    case 'cosine': {
      const norm = Math.sqrt(query.reduce((sum, x) => sum + x * x, 0))
      return (values, offset) => {
        let dot = 0
        let squares = 0
        for (let i = 0; i < length; i++) {
          const x = values[offset + i]!
          dot += x * query[i]!
          squares += x * x
        }
        return squares === 0 || norm === 0 ? 0 : dot / (Math.sqrt(squares) * norm) + 0
      }
    }
    case 'euclidean':
      return (values, offset) => {
        let squares = 0
        for (let i = 0; i < length; i++) squares += (values[offset + i]! - query[i]!) ** 2
        return 1 / (1 + Math.sqrt(squares))
      }
    case 'inner_product':
      return (values, offset) => {
        let dot = 0
        for (let i = 0; i < length; i++) dot += values[offset + i]! * query[i]!
        return dot + 0
      }
  }
}

/** The length of a vector. No square of a float32 leaves the range of float64. NaN or infinite where an element is. */
export function normOf(vector: Float32Array): number {
  // Four sums side by side: one would wait for its own last addition.
  const { length } = vector
  const whole = length - (length % 4)
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  for (let i = 0; i < whole; i += 4) {
    a += vector[i]! * vector[i]!
    b += vector[i + 1]! * vector[i + 1]!
    c += vector[i + 2]! * vector[i + 2]!
    d += vector[i + 3]! * vector[i + 3]!
  }
  for (let i = whole; i < length; i++) a += vector[i]! * vector[i]!
  return Math.sqrt(a + b + (c + d))
}
