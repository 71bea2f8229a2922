/**
 * A seeded source of random numbers (sfc32 of PractRand by Chris Doty-Humphrey), so that training repeats exactly.
 */
export class Random {
  #a: number
  #b: number
  #c = 0x9e3779b9
  #counter = 1

  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = ~seed | 0
    for (let i = 0; i < 16; i++) this.uint32()
  }

  /** The next 32 random bits. */
  uint32(): number {
    const result = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** A number in [0, 1). */
  uniform(): number {
    return this.uint32() / 4294967296
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound)
  }

  /** A draw from the standard normal distribution: the sum of twelve uniform draws, exact on every machine. */
  normal(): number {
    let sum = -6
    for (let i = 0; i < 12; i++) sum += this.uniform()
    return sum
  }

  /** Shuffles in place (Fisher and Yates). */
  shuffle<T>(values: T[]): T[] {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const held = values[i] as T
      values[i] = values[j] as T
      values[j] = held
    }
    return values
  }
}
