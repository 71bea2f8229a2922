import { Ranking } from '../ranking.js'
import type { Bounds } from './encoding.js'

/**
 * The rows that may be among the best `wanted`, by the bounds of their keys: those whose upper bound reaches the lower
 * bound of the wanted-th best row. Ties stay in, so it does not matter in which order rows come.
 */
export class Candidates {
  readonly #bounds: Bounds
  readonly #lower: Ranking
  readonly #slots: number[] = []
  readonly #uppers: number[] = []
  #full = 4096

  /** The key that an upper bound must reach. NaN excludes nothing. */
  threshold = -Infinity

  constructor(wanted: number, bounds: Bounds) {
    this.#bounds = bounds
    this.#lower = new Ranking(wanted)
  }

  /** For a row whose upper bound is not below the threshold. */
  offer(slot: number, upper: number, lower: number): void {
    if (this.#slots.length >= this.#full) {
      this.#prune()
      this.#full = Math.max(this.#full, 2 * this.#slots.length)
    }
    this.#slots.push(slot)
    this.#uppers.push(upper)
    const score = this.#bounds.score(lower)
    const { worst } = this.#lower
    // A row that nothing is known of has NaN: it is a candidate and tells nothing of the others.
    if (!(score > worst)) return
    this.#lower.offer(score, slot)
    if (this.#lower.worst > worst) this.threshold = this.#bounds.key(this.#lower.worst)
  }

  /** Their slots and upper bounds, the highest bound first. */
  ranked(): { slots: number[]; uppers: number[] } {
    this.#prune()
    const bounded = (i: number) => (Number.isNaN(this.#uppers[i]) ? Infinity : this.#uppers[i]!)
    const order = Array.from(this.#slots.keys()).sort((a, b) => {
      const [x, y] = [bounded(a), bounded(b)]
      return x === y ? 0 : y - x
    })
    return { slots: order.map((i) => this.#slots[i]!), uppers: order.map((i) => bounded(i)) }
  }

  #prune(): void {
    let kept = 0
    for (let i = 0; i < this.#slots.length; i++) {
      if (this.#uppers[i]! < this.threshold) continue
      this.#slots[kept] = this.#slots[i]!
      this.#uppers[kept++] = this.#uppers[i]!
    }
    this.#slots.length = kept
    this.#uppers.length = kept
  }
}
