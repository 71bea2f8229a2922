import { LRUCache } from 'lru-cache'
import type { TableDefinition, TextIndexDefinition } from '../catalog/definition.js'
import type { Engine, TextSearch } from '../engine/engine.js'
import { type Postings, rankPostings } from '../search/postings/rank-postings.js'
import { type Phrase, wantedPhrases } from '../text/index.js'
import type { FilteredSearch, Filters } from './filtered-rows.js'

/** The part of the memory that postings may take. */
const share = 8

/**
 * Postings of full-text indexes in memory: of each phrase that was searched for, its rows and what it adds to their
 * scores, as the database ranks them for that phrase alone. Sums of these are what it gives for several, and are made in a
 * fraction of the time. They are forgotten when the index changes; the first search after that is the database's, so
 * that a program which writes between its searches does not read them in vain.
 */
export class ResidentPostings {
  readonly #engine: Engine
  readonly #filters: Filters
  /** By index, columns and phrase. */
  readonly #postings: LRUCache<string, Postings>
  /** What each index was when it was last searched. */
  readonly #states = new Map<string, string>()
  /** Indexes with postings for which there is no room. */
  readonly #tooLarge = new Set<string>()

  constructor(engine: Engine, filters: Filters, memoryLimit: number) {
    this.#engine = engine
    this.#filters = filters
    this.#postings = new LRUCache({
      maxSize: Math.max(1, Math.floor(memoryLimit / share)),
      sizeCalculation: ({ rowids, scores }) => rowids.byteLength + scores.byteLength + 200,
    })
  }

  /** Bytes of memory held. */
  get bytes(): number {
    return this.#postings.calculatedSize
  }

  /** Bytes of memory held for one index. */
  bytesOf(table: TableDefinition, index: TextIndexDefinition): number {
    const prefix = keyOf(table, index)
    let bytes = 0
    for (const [key, { rowids, scores }] of this.#postings.entries()) {
      if (key.startsWith(prefix)) bytes += rowids.byteLength + scores.byteLength
    }
    return bytes
  }

  /** Lets go of everything. */
  release(): void {
    this.#postings.clear()
    this.#states.clear()
    this.#tooLarge.clear()
  }

  /** The best rows; undefined where the database has to rank them. */
  search(
    search: TextSearch,
    { k, offset, filter, isStable }: FilteredSearch,
  ): { rowids: number[]; scores: number[] } | undefined {
    const { owner, index, query } = search
    const reader = this.#engine.texts
    // Nobody knows whether what a transaction has written will stay.
    if (!reader || this.#engine.vectors?.state() === undefined) return undefined
    const state = reader.state(owner, index)
    const key = keyOf(owner, index)
    if (this.#states.get(key) !== state) {
      this.#forget(key)
      this.#states.set(key, state)
      return undefined
    }
    if (this.#tooLarge.has(key)) return undefined
    const postingsOf = (phrases: readonly Phrase[]) => phrases.map((phrase) => this.#postingsOf(search, phrase))
    const allowed = filter && this.#filters.rows(filter, isStable).set
    const wanted = postingsOf(wantedPhrases(query))
    const required = query.all.map(postingsOf)
    return rankPostings({ wanted, required, excluded: postingsOf(query.none), allowed }, { k, offset })
  }

  #postingsOf(search: TextSearch, phrase: Phrase): Postings {
    const { owner, index, columns } = search
    const key = keyOf(owner, index) + JSON.stringify([columns, phrase])
    let postings = this.#postings.get(key)
    if (!postings) {
      const hits = this.#engine.texts!.hits({ ...search, query: { any: [phrase], all: [], none: [] } })
      postings = {
        rowids: Float64Array.from(hits, ([rowid]) => rowid),
        scores: Float64Array.from(hits, ([, score]) => score),
      }
      this.#postings.set(key, postings)
      if (!this.#postings.has(key)) this.#tooLarge.add(keyOf(owner, index))
    }
    return postings
  }

  #forget(prefix: string): void {
    this.#tooLarge.delete(prefix)
    for (const key of this.#postings.keys()) if (key.startsWith(prefix)) this.#postings.delete(key)
  }
}

const keyOf = (table: TableDefinition, index: TextIndexDefinition): string => `${table.id}:${index.id}:`
