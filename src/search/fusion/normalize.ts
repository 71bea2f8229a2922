/**
 * Scores of any scale as numbers from 0 to 1: 1 for the best, and 0 for what was not found, which is taken to lie below
 * the last by the average step from one candidate to the next. So n evenly spaced scores become 1, (n − 1)/n, … 1/n;
 * and equal ones become 1, for nothing tells them apart.
 *
 * It is min-max normalization (Lee, SIGIR 1997) with a minimum outside of the list. With the minimum inside, the last
 * candidate would count no more than a row that was not found, which matters where a search finds few. On hundreds of
 * candidates the two are alike. Normalizing by mean and three standard deviations, clipped to 0 … 1, is worse than
 * either: the scores of BM25 have a long tail, and the best of them, beyond three deviations, become equal.
 *
 * @param scores finite, best first
 */
export function normalize(scores: readonly number[]): readonly number[] {
  const [best] = scores
  const last = scores.at(-1)
  if (best === undefined || last === undefined || best === last) return scores.map(() => 1)
  // The distance of two finite numbers may be too large for one; that of their halves is not.
  const half = Number.isFinite(best - last) ? 1 : 0.5
  const range = best * half - last * half
  const steps = scores.length
  return scores.map((score) => (1 + ((score * half - last * half) / range) * (steps - 1)) / steps)
}
