const pageSize = 256

/** Pages with low numbers are found without a hash. */
const lowPages = 2 ** 16

class Pages {
  readonly #low: (Int32Array | undefined)[] = []
  readonly #high = new Map<number, Int32Array>()
  size = 0

  get(number: number): Int32Array | undefined {
    return number < lowPages ? this.#low[number] : this.#high.get(number)
  }

  set(number: number, page: Int32Array): void {
    this.size++
    if (number >= lowPages) {
      this.#high.set(number, page)
      return
    }
    // Without holes.
    while (this.#low.length <= number) this.#low.push(undefined)
    this.#low[number] = page
  }

  delete(number: number): void {
    this.size--
    if (number >= lowPages) this.#high.delete(number)
    else this.#low[number] = undefined
  }
}

/** Where the rows are: slots by row id. Row ids are mostly dense, so it has pages of slots by row id, and no hashes. */
export class SlotIndex {
  /** Slots plus one, 0 for none; the last element counts the rows of the page. */
  readonly #pages = new Pages()
  #last = -1
  #page: Int32Array | undefined

  /** Bytes of memory. */
  get bytes(): number {
    return this.#pages.size * (pageSize + 1) * 4
  }

  /** The slot of a row; -1 where there is none. */
  get(rowid: number): number {
    const page = this.#find(Math.floor(rowid / pageSize))
    return (page?.[rowid % pageSize] ?? 0) - 1
  }

  set(rowid: number, slot: number): void {
    const number = Math.floor(rowid / pageSize)
    let page = this.#find(number)
    if (!page) {
      page = new Int32Array(pageSize + 1)
      this.#pages.set(number, page)
      this.#page = page
    }
    const at = rowid % pageSize
    if (page[at] === 0) page[pageSize]!++
    page[at] = slot + 1
  }

  delete(rowid: number): void {
    const number = Math.floor(rowid / pageSize)
    const page = this.#find(number)
    const at = rowid % pageSize
    if (!page || page[at] === 0) return
    page[at] = 0
    if (--page[pageSize]! > 0) return
    this.#pages.delete(number)
    this.#page = undefined
  }

  /** Remembers the last page: row ids come in runs. */
  #find(number: number): Int32Array | undefined {
    if (number !== this.#last) {
      this.#last = number
      this.#page = this.#pages.get(number)
    }
    return this.#page
  }
}
