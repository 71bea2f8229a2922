/**
 * Adds `weight` times a pseudo-random vector of length one, made of plus and minus signs that depend on `hash` alone, to
 * the `dimensions` numbers of `sums` from `offset`. Two different words get nearly orthogonal vectors (random
 * projection: Achlioptas, "Database-friendly random projections", 2003), so a word that no table knows still matches
 * itself.
 */
export function addSketch(sums: Float32Array, offset: number, dimensions: number, hash: number, weight: number): void {
  const unit = weight / Math.sqrt(dimensions)
  let state = hash | 0
  for (let start = 0; start < dimensions; start += 32) {
    // The finaliser of MurmurHash3 (Appleby) over a Weyl sequence: 32 independent signs a round.
    state = (state + 0x9e3779b9) | 0
    let bits = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
    bits ^= bits >>> 16
    const end = Math.min(start + 32, dimensions)
    for (let i = start; i < end; i++) {
      sums[offset + i]! += (bits & 1) === 0 ? unit : -unit
      bits >>>= 1
    }
  }
}

/** How much `occurrences` of one word in a text count: growing ever slower, as in BM25 and in SMART's `ltc` weights. */
export function damped(occurrences: number): number {
  return occurrences === 1 ? 1 : 1 + Math.log(occurrences)
}
