/** Ranks with ties averaged, from 1. */
function ranks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const result = new Float64Array(values.length)
  for (let start = 0; start < order.length; ) {
    let end = start + 1
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++
    for (let i = start; i < end; i++) result[order[i]!] = (start + end + 1) / 2
    start = end
  }
  return result
}

/** Pearson's correlation coefficient. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const n = a.length
  let meanA = 0
  let meanB = 0
  for (let i = 0; i < n; i++) {
    meanA += a[i]! / n
    meanB += b[i]! / n
  }
  let both = 0
  let squaresA = 0
  let squaresB = 0
  for (let i = 0; i < n; i++) {
    const x = a[i]! - meanA
    const y = b[i]! - meanB
    both += x * y
    squaresA += x * x
    squaresB += y * y
  }
  return both / Math.sqrt(squaresA * squaresB)
}

/** Spearman's rank correlation: Pearson's over ranks with ties averaged. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return pearson(ranks(a), ranks(b))
}

/**
 * nDCG at `k` with linear gains, as in BEIR and trec_eval (Järvelin and Kekäläinen, TOIS 2002).
 * @param ranking documents, best first
 * @param judgements gain by document; those not judged gain nothing
 */
export function ndcg(ranking: readonly string[], judgements: ReadonlyMap<string, number>, k = 10): number {
  const discounted = (gains: readonly number[]) =>
    gains.slice(0, k).reduce((sum, gain, i) => sum + gain / Math.log2(i + 2), 0)
  const ideal = discounted([...judgements.values()].filter((gain) => gain > 0).sort((a, b) => b - a))
  if (ideal === 0) return 0
  return discounted(ranking.slice(0, k).map((document) => Math.max(0, judgements.get(document) ?? 0))) / ideal
}

/** Inner product; the cosine where both vectors have length one. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

/** The `k` documents of highest inner product with a query, best first; equal scores keep the order of documents. */
export function nearest(
  query: ArrayLike<number>,
  documents: readonly ArrayLike<number>[],
  ids: readonly string[],
  k = 10,
): string[] {
  const best: { id: string; score: number }[] = []
  documents.forEach((document, i) => {
    const score = dot(query, document)
    if (best.length === k && score <= best[k - 1]!.score) return
    let at = best.length
    while (at > 0 && best[at - 1]!.score < score) at--
    best.splice(at, 0, { id: ids[i]!, score })
    if (best.length > k) best.pop()
  })
  return best.map(({ id }) => id)
}
