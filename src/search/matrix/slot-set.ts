/** A set of slots, as a bitmap. */
export class SlotSet {
  readonly #words: Uint32Array
  #size = 0

  constructor(slots: number) {
    this.#words = new Uint32Array(Math.ceil(slots / 32))
  }

  get size(): number {
    return this.#size
  }

  add(slot: number): void {
    const word = slot >>> 5
    const bit = 1 << (slot & 31)
    if ((this.#words[word]! & bit) !== 0) return
    this.#words[word]! |= bit
    this.#size++
  }

  /**
   * Writes the slots from `from` on, ascending and less `base`, into `list` until it is full or `to` is reached. Returns
   * how many they are and where to go on.
   */
  list(list: Uint32Array, from: number, to: number, base: number): { count: number; next: number } {
    let count = 0
    let at = from
    while (at < to) {
      let word = this.#words[at >>> 5]! >>> (at & 31)
      if (word === 0) {
        at = (at | 31) + 1
        continue
      }
      for (; word !== 0 && at < to; word >>>= 1, at++) {
        if ((word & 1) === 0) continue
        if (count === list.length) return { count, next: at }
        list[count++] = at - base
      }
    }
    return { count, next: to }
  }
}
