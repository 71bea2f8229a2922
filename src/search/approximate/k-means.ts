import type { Metric } from '../../catalog/definition.js'
import type { Pace } from '../../pace.js'
import { normOf } from '../matrix/metric.js'
import { VectorMatrix } from '../matrix/vector-matrix.js'
import { seededRandom } from './seeded-random.js'

/** Rounds after which centres hardly move. */
const rounds = 6

/**
 * The centres of `count` clusters of the vectors, as row ids from 1 (Lloyd, "Least squares quantization in PCM", 1982,
 * from centres drawn among the vectors). By direction for cosine, else by distance.
 */
export async function kMeans(
  vectors: readonly Float32Array[],
  count: number,
  metric: Metric,
  pace: Pace,
): Promise<Float32Array[]> {
  const random = seededRandom(1)
  const draw = (): Float32Array => vectors[Math.floor(random() * vectors.length)]!
  const order = vectors.map((vector) => ({ vector, key: random() })).sort((a, b) => a.key - b.key)
  let centres = order.slice(0, count).map(({ vector }) => vector)
  for (let round = 0; round < rounds; round++) {
    const matrix = matrixOf(centres, closeness(metric))
    const sums = centres.map(({ length }) => new Float64Array(length))
    const sizes = new Array<number>(centres.length).fill(0)
    for (const vector of vectors) {
      const cluster = matrix.search(vector, { k: 1 }).rowids[0]! - 1
      const scale = metric === 'cosine' ? 1 / (normOf(vector) || 1) : 1
      const sum = sums[cluster]!
      for (let i = 0; i < sum.length; i++) sum[i]! += vector[i]! * scale
      sizes[cluster]!++
      if (pace.due) await pace.rest()
    }
    // A cluster that lost all its vectors begins again somewhere.
    centres = sums.map((sum, i) => (sizes[i] === 0 ? draw() : Float32Array.from(sum, (x) => x / sizes[i]!)))
  }
  return centres
}

/** What clusters are made by: inner products alone would put all into those of the longest centres. */
export const closeness = (metric: Metric): Metric => (metric === 'cosine' ? 'cosine' : 'euclidean')

/** Centres by row ids from 1. */
export function matrixOf(centres: readonly Float32Array[], metric: Metric): VectorMatrix {
  const matrix = new VectorMatrix({ dimensions: centres[0]!.length, metric })
  matrix.set(
    centres.map((_, i) => i + 1),
    centres,
  )
  return matrix
}
