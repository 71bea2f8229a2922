import { openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'

export const dimensions = 384
/** Results of a search. */
export const k = 10
/** Row i belongs to part i % 100; the filter of one per cent is "part is 0". */
export const filteredParts = 100

const rowBytes = 4 * dimensions
/** Two scores in float32 that differ by less are the same. */
const rounding = 1e-6

/** The first rows of what `prepare.mjs` made: row i has the i-th text. */
export class Corpus {
  count
  /** Texts that are searched for by their vectors. */
  queries
  queryVectors
  /** The same queries as few words. */
  words
  #folder
  #file
  #truth

  constructor(folder, count) {
    const { queries, words, queryVectors, truth } = JSON.parse(readFileSync(join(folder, 'corpus.json'), 'utf8'))
    this.count = count
    this.queries = queries
    this.words = words
    this.queryVectors = queryVectors.map((v) => Float32Array.from(v))
    this.#truth = truth[count]
    this.#folder = folder
    this.#file = openSync(join(folder, 'vectors.f32'))
  }

  texts() {
    return JSON.parse(readFileSync(join(this.#folder, 'texts.json'), 'utf8'))
  }

  /** Vectors of rows, one after the other in one array. */
  vectors(from = 0, to = this.count) {
    const vectors = new Float32Array((to - from) * dimensions)
    readSync(this.#file, vectors, 0, vectors.byteLength, from * rowBytes)
    return vectors
  }

  /** All rows, some at a time: their first id, and their vectors as views of one array. */
  *pages(size = 10_000, from = 0, to = this.count) {
    for (let first = from; first < to; first += size) {
      const flat = this.vectors(first, Math.min(first + size, to))
      const vectors = Array.from({ length: flat.length / dimensions }, (_, i) =>
        flat.subarray(i * dimensions, (i + 1) * dimensions),
      )
      yield { first, flat, vectors }
    }
  }

  /** The part of the ten best rows that was found; of rows that are as good as the tenth, each counts. */
  recall(query, ids, { filtered = false } = {}) {
    const least = this.#truth[filtered ? 'filtered' : 'all'][query] - rounding
    const allowed = (id) => id < this.count && (!filtered || id % filteredParts === 0)
    const found = [...new Set(ids)].filter((id) => allowed(id) && this.#score(query, id) >= least)
    const there = filtered ? Math.ceil(this.count / filteredParts) : this.count
    return Math.min(1, found.length / Math.min(k, there))
  }

  #score(query, id) {
    const vector = this.vectors(id, id + 1)
    return this.queryVectors[query].reduce((sum, x, i) => sum + x * vector[i], 0)
  }
}
