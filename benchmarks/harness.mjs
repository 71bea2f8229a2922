/** Timing and small statistics. All times are milliseconds. */

/** Seeded pseudo-random numbers from −0.5 to 0.5 (mulberry32). */
export function randomOf(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let x = Math.imul(state ^ (state >>> 15), 1 | state)
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32 - 0.5
  }
}

export function vectorsOf(count, dimensions, seed) {
  const random = randomOf(seed)
  return Array.from({ length: count }, () => Float32Array.from({ length: dimensions }, random))
}

export const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]

/** Runs `work(i)` after a warm-up. @returns the median and 95th percentile of its times */
export async function measure(runs, work, warmUp = Math.ceil(runs / 10)) {
  for (let i = 0; i < warmUp; i++) await work(i)
  const times = []
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    await work(i)
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return { p50: quantile(times, 0.5), p95: quantile(times, 0.95) }
}

export const format = (x) => (x >= 100 ? x.toFixed(0) : x >= 1 ? x.toFixed(2) : x.toFixed(3))

/** A Markdown table. */
export function table(head, rows) {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}
