import type { Parameters } from './trainer.js'

/** Ends of the range of codes, in units of a row's largest value, that are tried for each row. */
const ranges = Array.from({ length: 16 }, (_, i) => 0.5 + i / 30)

/**
 * Folds weights into vectors and rounds every row to sixteen evenly spaced levels, symmetric about zero, with the range
 * of least squared error for that row (uniform quantisation with clipping: Banner et al., NeurIPS 2019).
 */
export function quantise({ vectors, weights, dimensions }: Parameters): { scales: Float32Array; codes: Int8Array } {
  const scales = new Float32Array(weights.length)
  const codes = new Int8Array(vectors.length)
  for (let row = 0; row < weights.length; row++) {
    const vector = vectors.subarray(row * dimensions, (row + 1) * dimensions)
    let largest = 1e-12
    for (const value of vector) largest = Math.max(largest, Math.abs(value))
    let scale = 0
    let least = Number.POSITIVE_INFINITY
    for (const range of ranges) {
      const step = Math.fround((largest * range) / 15)
      let error = 0
      for (const value of vector) error += (value - step * codeOf(value, step)) ** 2
      if (error < least) {
        least = error
        scale = step
      }
    }
    for (let i = 0; i < dimensions; i++) codes[row * dimensions + i] = codeOf(vector[i]!, scale)
    scales[row] = scale * Math.exp(weights[row]!)
  }
  return { scales, codes }
}

/** The nearest odd number from -15 to 15. */
function codeOf(value: number, step: number): number {
  return Math.max(-15, Math.min(15, 2 * Math.floor(value / step / 2) + 1))
}
