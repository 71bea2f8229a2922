/** How a vector of a query and one of a row are compared. */
export type MaxSimMetric = 'cosine' | 'inner_product'

/**
 * The score of late interaction: for each vector of the query its closest in the row, summed (Khattab and Zaharia,
 * "ColBERT", SIGIR 2020). In float64. With `cosine`, a vector of zeros is as far from all others as a right angle.
 *
 * @param query vectors of `dimensions` numbers, one after the other
 * @returns the score of a row, given its vectors in the same form
 */
export function maxSim(query: Float32Array, dimensions: number, metric: MaxSimMetric): (row: Float32Array) => number {
  const scales = scalesOf(query, dimensions, metric)
  const tokens = scales.length
  const exact = Float64Array.from(query)
  const vector = new Float64Array(dimensions)
  const best = new Float64Array(tokens)
  return (row) => {
    best.fill(-Infinity)
    for (let at = 0; at < row.length; at += dimensions) {
      for (let i = 0; i < dimensions; i++) vector[i] = row[at + i]!
      const scale = scaleOf(row, at, dimensions, metric)
      for (let token = 0; token < tokens; token++) {
        const similarity = dot(exact, token * dimensions, vector, dimensions) * scale
        if (similarity > best[token]!) best[token] = similarity
      }
    }
    return sumOf(best, scales)
  }
}

/** What vectors are multiplied by to be compared: one divided by their lengths for `cosine`, else 1. */
export function scalesOf(vectors: Float32Array, dimensions: number, metric: MaxSimMetric): Float64Array {
  return Float64Array.from({ length: vectors.length / dimensions }, (_, i) =>
    scaleOf(vectors, i * dimensions, dimensions, metric),
  )
}

/** The score of a row of which the closest products with each vector of the query are known. */
export function sumOf(best: Float64Array, scales: Float64Array): number {
  let sum = 0
  for (let token = 0; token < scales.length; token++) sum += best[token]! * scales[token]!
  return sum + 0
}

function scaleOf(values: Float32Array, at: number, dimensions: number, metric: MaxSimMetric): number {
  if (metric !== 'cosine') return 1
  let squares = 0
  for (let i = at; i < at + dimensions; i++) squares += values[i]! * values[i]!
  return squares > 0 ? 1 / Math.sqrt(squares) : 0
}

/** In four sums side by side, added up in pairs, as the kernel does: so both give the same number. */
function dot(query: Float64Array, at: number, vector: Float64Array, dimensions: number): number {
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  const whole = dimensions - (dimensions % 4)
  for (let i = 0; i < whole; i += 4) {
    a += query[at + i]! * vector[i]!
    b += query[at + i + 1]! * vector[i + 1]!
    c += query[at + i + 2]! * vector[i + 2]!
    d += query[at + i + 3]! * vector[i + 3]!
  }
  if (whole < dimensions) a += query[at + whole]! * vector[whole]!
  if (whole + 1 < dimensions) b += query[at + whole + 1]! * vector[whole + 1]!
  if (whole + 2 < dimensions) c += query[at + whole + 2]! * vector[whole + 2]!
  return a + c + (b + d)
}
