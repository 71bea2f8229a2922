/**
 * The first row of each group, in the order of the rows: of chunks that are sorted best first, the best of each document.
 *
 * @param keyOf the group of a row; keys are compared as those of a Map
 * @param limit groups to return at most
 */
export function groupBest<R>(rows: Iterable<R>, keyOf: (row: R) => unknown, limit = Infinity): R[] {
  const best = new Map<unknown, R>()
  for (const row of rows) {
    if (best.size >= limit) break
    const key = keyOf(row)
    if (!best.has(key)) best.set(key, row)
  }
  return [...best.values()]
}
