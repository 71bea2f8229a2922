/** The best `capacity` of what is offered: score descending, then id ascending. A binary heap with the worst on top. */
export class Ranking {
  readonly #capacity: number
  readonly #scores: number[] = []
  readonly #ids: number[] = []

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** The score that another one must reach; -Infinity until `capacity` are there. */
  get worst(): number {
    return this.#scores.length < this.#capacity ? -Infinity : this.#scores[0]!
  }

  offer(score: number, id: number): void {
    const scores = this.#scores
    if (scores.length < this.#capacity) {
      scores.push(score)
      this.#ids.push(id)
      this.#rise(scores.length - 1)
    } else if (score > scores[0]! || (score === scores[0]! && id < this.#ids[0]!)) {
      scores[0] = score
      this.#ids[0] = id
      this.#sink()
    }
  }

  /** Those from `offset` on, best first. */
  page(offset: number): { ids: number[]; scores: number[] } {
    const order = Array.from(this.#ids.keys()).sort((a, b) => (this.#isWorse(a, b) ? 1 : -1))
    const page = order.slice(offset)
    return { ids: page.map((i) => this.#ids[i]!), scores: page.map((i) => this.#scores[i]!) }
  }

  #isWorse(a: number, b: number): boolean {
    const difference = this.#scores[a]! - this.#scores[b]!
    return difference < 0 || (difference === 0 && this.#ids[a]! > this.#ids[b]!)
  }

  #swap(a: number, b: number): void {
    const scores = this.#scores
    const ids = this.#ids
    ;[scores[a], scores[b]] = [scores[b]!, scores[a]!]
    ;[ids[a], ids[b]] = [ids[b]!, ids[a]!]
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const parent = (at - 1) >> 1
      if (!this.#isWorse(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #sink(): void {
    for (let at = 0; ; ) {
      let child = 2 * at + 1
      if (child >= this.#ids.length) return
      if (child + 1 < this.#ids.length && this.#isWorse(child + 1, child)) child++
      if (!this.#isWorse(child, at)) return
      this.#swap(child, at)
      at = child
    }
  }
}
