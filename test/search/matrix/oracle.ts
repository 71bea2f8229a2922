import type { Metric } from '../../../src/catalog/definition.js'

/** The score in plain float64 arithmetic. */
export function naiveScore(metric: Metric, a: Float32Array, b: Float32Array): number {
  let dot = 0
  let squaresA = 0
  let squaresB = 0
  let distance = 0
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!
    squaresA += a[i]! * a[i]!
    squaresB += b[i]! * b[i]!
    distance += (a[i]! - b[i]!) * (a[i]! - b[i]!)
  }
  if (metric === 'inner_product') return dot
  if (metric === 'euclidean') return 1 / (1 + Math.sqrt(distance))
  return squaresA === 0 || squaresB === 0 ? 0 : dot / (Math.sqrt(squaresA) * Math.sqrt(squaresB))
}

/** All rows by score descending, then row id ascending. */
export function naiveSearch(
  rows: ReadonlyMap<number, Float32Array>,
  metric: Metric,
  query: Float32Array,
  filter?: ReadonlySet<number>,
): { rowid: number; score: number }[] {
  return [...rows]
    .filter(([rowid]) => filter?.has(rowid) ?? true)
    .map(([rowid, vector]) => ({ rowid, score: naiveScore(metric, vector, query) }))
    .sort((a, b) => b.score - a.score || a.rowid - b.rowid)
}

/** Numbers from 0 to 1 that are the same in every run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** `count` vectors of normally distributed numbers, one after the other. */
export function normalVectors(count: number, dimensions: number, seed: number): Float32Array {
  const random = randomNumbers(seed)
  return Float32Array.from(
    { length: count * dimensions },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  )
}
