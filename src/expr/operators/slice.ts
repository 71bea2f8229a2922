/** The code points of text, one string each. */
export const characters = (s: string): string[] => Array.from(s)

/** Number of code points. */
export function codePoints(s: string): number {
  let count = s.length
  for (let i = 0; i < s.length - 1; i++) {
    // A pair of surrogates is one code point.
    if ((s.charCodeAt(i) & 0xfc00) === 0xd800 && (s.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--
      i++
    }
  }
  return count
}

/**
 * The items from `start` to before `end` in steps, as Python slices: a negative index counts from the end, one beyond
 * an end is that end. Undefined for a step of zero.
 */
export function slice<T>(items: readonly T[], start?: number, end?: number, step = 1): T[] | undefined {
  if (step === 0) return undefined
  const length = items.length
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1]
  const clamp = (i: number): number => Math.min(Math.max(i < 0 ? i + length : i, low), high)
  const from = start === undefined ? (step > 0 ? low : high) : clamp(start)
  const to = end === undefined ? (step > 0 ? high : low) : clamp(end)
  if (step === 1) return items.slice(from, Math.max(from, to))
  const result: T[] = []
  for (let i = from; step > 0 ? i < to : i > to; i += step) result.push(items[i]!)
  return result
}

/** The bounds of a slice without steps. */
export function bounds(length: number, start = 0, end = length): [number, number] {
  const clamp = (i: number): number => Math.min(Math.max(i < 0 ? i + length : i, 0), length)
  return [clamp(start), clamp(end)]
}
