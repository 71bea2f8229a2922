import type { InvertedListsMethod, Metric } from '../../catalog/definition.js'
import type { Pace } from '../../pace.js'
import type { VectorMatrix } from '../matrix/vector-matrix.js'
import { closeness, kMeans, matrixOf } from './k-means.js'
import type { Narrowing } from './narrowing.js'

/** Vectors from which a centre is learnt; fewer make it worse, more hardly better. */
const perCentre = 40
/** The part of the best rows that the lists which are searched shall hold. */
const held = 0.96
const tuningQueries = 100
/** The part of the lists that may be searched: rows in lists take about three times as long as rows side by side. */
const worthwhile = 0.3
/** About the bytes of a row: its place in a list, and its list in a map. */
const rowBytes = 64

/**
 * An inverted file: each row is in the list of the centre that is closest to it, and a search goes through the lists of
 * the `nprobe` centres that are closest to the query (Sivic and Zisserman, "Video Google", 2003; Jégou, Douze and
 * Schmid, "Product quantization for nearest neighbor search", 2011).
 */
export class InvertedLists implements Narrowing {
  readonly #centres: VectorMatrix
  /** The centres as queries find them, where that is by another metric. */
  readonly #probed: VectorMatrix
  readonly #lists: number[][]
  readonly #listOf = new Map<number, number>()
  readonly tunedBy: number
  #nprobe: number

  private constructor(centres: readonly Float32Array[], metric: Metric, nprobe: number | undefined) {
    this.#centres = matrixOf(centres, closeness(metric))
    this.#probed = closeness(metric) === metric ? this.#centres : matrixOf(centres, metric)
    this.#lists = centres.map(() => [])
    this.#nprobe = Math.min(centres.length, nprobe ?? Math.ceil(centres.length / 4))
    this.tunedBy = nprobe === undefined ? tuningQueries : 0
  }

  static sampleSize({ lists }: InvertedListsMethod, rows: number): number {
    return Math.min(rows, (lists ?? defaultLists(rows)) * perCentre)
  }

  /** Lists around the centres of the sample. */
  static async train(
    { lists, nprobe }: InvertedListsMethod,
    metric: Metric,
    _dimensions: number,
    { rows, sample, pace }: { readonly rows: number; readonly sample: readonly Float32Array[]; readonly pace: Pace },
  ): Promise<InvertedLists> {
    const count = Math.max(1, Math.min(lists ?? defaultLists(rows), sample.length))
    return new InvertedLists(await kMeans(sample, count, metric, pace), metric, nprobe)
  }

  get bytes(): number {
    return this.#centres.bytes + this.#probed.bytes + rowBytes * this.#listOf.size
  }

  near(query: Float32Array): number[][] {
    return this.#closest(query, this.#nprobe).map((list) => this.#lists[list]!)
  }

  add(rowids: readonly number[], vectors: readonly Float32Array[]): void {
    rowids.forEach((rowid, i) => {
      const list = this.#centres.search(vectors[i]!, { k: 1 }).rowids[0]! - 1
      this.#lists[list]!.push(rowid)
      this.#listOf.set(rowid, list)
    })
  }

  delete(rowids: readonly number[]): void {
    for (const rowid of rowids) {
      const list = this.#listOf.get(rowid)
      if (list === undefined) continue
      this.#listOf.delete(rowid)
      const rows = this.#lists[list]!
      rows[rows.indexOf(rowid)] = rows.at(-1)!
      rows.pop()
    }
  }

  /** Takes as few lists as hold the most of what is to be found. */
  tune(queries: readonly { readonly vector: Float32Array; readonly best: readonly number[] }[]): boolean {
    const found = new Array<number>(this.#lists.length).fill(0)
    let wanted = 0
    for (const { vector, best } of queries) {
      const ranks = new Map(this.#closest(vector, this.#lists.length).map((list, rank) => [list, rank]))
      for (const rowid of best) {
        const list = this.#listOf.get(rowid)
        if (list === undefined) continue
        found[ranks.get(list)!]!++
        wanted++
      }
    }
    let nprobe = 0
    for (let sum = 0; nprobe < found.length && (nprobe === 0 || sum < held * wanted); nprobe++) sum += found[nprobe]!
    this.#nprobe = nprobe
    return nprobe <= worthwhile * this.#lists.length
  }

  /** The lists whose centres are the closest, the closest first. */
  #closest(query: Float32Array, count: number): number[] {
    return this.#probed.search(query, { k: count }).rowids.map((rowid) => rowid - 1)
  }
}

const defaultLists = (rows: number): number => Math.max(1, Math.round(Math.sqrt(rows)))
