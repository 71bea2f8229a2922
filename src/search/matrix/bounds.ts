import type { Metric } from '../../catalog/definition.js'
import type { Bounds } from './encoding.js'

/** By how much two distances may differ whose scores are equal, as part of one plus the distance. */
const blur = 2 ** -48

/** The farthest distance that may still have a score. */
function farthest(score: number): number {
  const distance = 1 / score - 1
  return distance + (1 + distance) * blur
}

const euclidean = (squares: number): number => 1 / (1 + Math.sqrt(Math.max(0, squares)))

/**
 * Bounds of the keys that come from inner products `dot` with the query at length one: `dot` divided by the length of
 * the row for cosine, `dot` for the inner product, and `|query| * dot - |row|² / 2` for the euclidean distance, which
 * is (|query|² - distance²) / 2.
 */
export function dotBounds(metric: Metric, norm: number): Bounds {
  switch (metric) {
    case 'cosine':
      return { score: (key) => key, key: (score) => score }
    case 'inner_product':
      return { score: (key) => key * norm, key: (score) => score / norm }
    case 'euclidean': {
      const squares = norm * norm
      return {
        score: (key) => euclidean(squares - 2 * key),
        key: (score) => (squares - farthest(score) ** 2) / 2 - squares * 2 ** -32,
      }
    }
  }
}

/** Bounds of the keys that are negative squared distances. */
export const distanceBounds: Bounds = {
  score: (key) => euclidean(-key),
  key: (score) => -(farthest(score) ** 2),
}
