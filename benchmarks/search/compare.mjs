/**
 * Compares a vector with every query, in float64: plain arithmetic over vectors of length one, so that nobody's search
 * judges another's. Queries are taken four at a time, by which it is twice as fast. Their number is a multiple of four.
 */
export function comparer(queries) {
  const dimensions = queries[0].length
  const flat = new Float64Array(queries.length * dimensions)
  for (const [q, query] of queries.entries()) flat.set(query, q * dimensions)
  const row = new Float64Array(dimensions)
  const scores = new Float64Array(queries.length)
  return (vector) => {
    row.set(vector)
    scan(flat, row, scores)
    return scores
  }
}

function scan(queries, row, scores) {
  const dimensions = row.length
  for (let q = 0, a = 0; q < scores.length; q += 4, a += 4 * dimensions) {
    const b = a + dimensions
    const c = b + dimensions
    const d = c + dimensions
    let [s0, s1, s2, s3] = [0, 0, 0, 0]
    for (let i = 0; i < dimensions; i++) {
      const x = row[i]
      s0 += x * queries[a + i]
      s1 += x * queries[b + i]
      s2 += x * queries[c + i]
      s3 += x * queries[d + i]
    }
    scores[q] = s0
    scores[q + 1] = s1
    scores[q + 2] = s2
    scores[q + 3] = s3
  }
}
