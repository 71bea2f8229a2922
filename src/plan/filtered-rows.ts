import { LRUCache } from 'lru-cache'
import type { Engine, Select, VectorReader } from '../engine/engine.js'

/** What a search in memory wants. */
export interface FilteredSearch {
  readonly k: number
  readonly offset: number
  /** Gives the ids of the rows that may be found; all of them when undefined. */
  readonly filter: Select | undefined
  /** Whether the filter gives the same rows as long as nothing is committed. */
  readonly isStable: boolean
}

/** Rows that a filter leaves. */
export interface FilteredRows {
  readonly ids: readonly number[]
  readonly set: ReadonlySet<number>
}

/** Row ids that remembered filters may have together. */
const mostIds = 4_000_000

/** Runs filters for searches in memory, and remembers what they leave until something is written. */
export class Filters {
  readonly #reader: VectorReader | undefined
  readonly #found = new LRUCache<string, Found>({
    maxSize: mostIds,
    sizeCalculation: ({ ids }) => ids.length + 100,
  })
  #state: string | undefined

  constructor(engine: Engine) {
    this.#reader = engine.vectors
  }

  /**
   * The rows that a query gives as its only column.
   * @param isStable whether it gives the same as long as nothing is committed
   */
  rows(filter: Select, isStable: boolean): FilteredRows {
    const reader = this.#reader!
    if (!isStable) return new Found(reader.matching(filter))
    const state = reader.state()
    if (this.#state !== state) this.#found.clear()
    this.#state = state
    const key = reader.keyOf(filter)
    let found = this.#found.get(key)
    if (!found) {
      found = new Found(reader.matching(filter))
      this.#found.set(key, found)
    }
    return found
  }

  /** Forgets all of them. */
  release(): void {
    this.#found.clear()
  }
}

class Found implements FilteredRows {
  readonly ids: readonly number[]
  #set: ReadonlySet<number> | undefined

  constructor(ids: readonly number[]) {
    this.ids = ids
  }

  get set(): ReadonlySet<number> {
    this.#set ??= new Set(this.ids)
    return this.#set
  }
}
