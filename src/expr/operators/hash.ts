/**
 * A number from 0 to 1 (exclusive) that looks random and depends on two whole numbers alone.
 * @see MurmurHash3's finalizer, https://github.com/aappleby/smhasher
 */
export function hash(x: number, seed: number): number {
  const low = mix(mix(seed | 0) ^ (x | 0))
  const high = mix(low ^ Math.floor(x / 2 ** 32) ^ 0x9e3779b9)
  return (high >>> 0) / 2 ** 32
}

function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
