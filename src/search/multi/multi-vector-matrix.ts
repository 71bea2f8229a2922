import { IndexError } from '../../errors.js'
import { decodeVector } from '../../types/arrays.js'
import { type MaxSimMetric, scalesOf } from '../../types/max-sim.js'
import { createKernel, type Kernel } from '../matrix/kernel.js'
import { SlotIndex } from '../matrix/slot-index.js'
import { Ranking } from '../ranking.js'
import { ExactScores } from './exact-scores.js'
import { ProductCodes } from './product-codes.js'

/** What is held. */
export interface MultiVectorMatrixOptions {
  /** Length of each vector. */
  readonly dimensions: number
  readonly metric: MaxSimMetric
  /** Gives the vectors of rows that were set, those of a row one after the other. */
  readonly vectors: (rowids: readonly number[]) => readonly Float32Array[]
  /** For tests: where the memory is. */
  readonly kernel?: (() => Kernel) | undefined
}

/** What a search is for. */
export interface MaxSimSearch {
  /** How many results; fewer where there are not as many rows. */
  readonly k: number
  /** Results to leave out before the first. @default 0 */
  readonly offset?: number | undefined
  /** Only these rows. Ids that are not here do not count. */
  readonly filter?: ArrayLike<number> | undefined
  /** How many rows are compared exactly, at least those asked for. @default see `candidatesOf` */
  readonly candidates?: number | undefined
}

/** Rows and their scores, the best first. */
export interface MaxSimResult {
  readonly rowids: number[]
  readonly scores: number[]
  /** How many rows were compared exactly, where an estimate chose them. */
  readonly compared?: number
}

/** Products of numbers that exact scores may take: some milliseconds. Measured in `benchmarks/maxsim.mjs`. */
const productBudget = 20_000_000
/** Rows that are compared exactly whatever they take; for each result; and at most, because each has to be read. */
const fewestCandidates = 32
const candidatesPerResult = 4
const mostCandidates = 256

/**
 * How many rows are compared exactly, unless it is said: as many as the budget allows, within bounds. So all are where
 * there are few.
 * @param products what it takes to compare a row
 */
export function candidatesOf(wanted: number, products: number): number {
  const affordable = Math.min(mostCandidates, Math.max(fewestCandidates, Math.floor(productBudget / products)))
  return Math.max(affordable, candidatesPerResult * wanted)
}

/** Rows whose estimates are made in one go. */
const blockRows = 4096
/** Rows whose vectors are fetched at a time. */
const fetchedRows = 32

const outAt = 64
const recordsAt = outAt + 4 * blockRows
const codesFrom = recordsAt + 8 * blockRows

/**
 * The codes of several vectors a row in memory, by row id, and search by MaxSim in two stages: an estimate for every row
 * from its codes, a byte for each eight elements; then the exact scores of those that it puts first, by the vectors as
 * they were set. Where all rows are compared exactly there is no estimate.
 */
export class MultiVectorMatrix {
  readonly #dimensions: number
  readonly #metric: MaxSimMetric
  readonly #fetch: MultiVectorMatrixOptions['vectors']
  readonly #kernel: Kernel
  readonly #exactKernel: Kernel
  readonly #codes: ProductCodes
  #slots = new SlotIndex()
  #rowids: number[] = []
  /** Where the codes of a slot begin, and how many vectors it has. */
  #starts: number[] = []
  #counts: number[] = []
  /** The end of the codes, and how many bytes before it are nobody's. */
  #end: number
  #unused = 0
  #trained = false

  constructor({ dimensions, metric, vectors, kernel = createKernel }: MultiVectorMatrixOptions) {
    this.#dimensions = dimensions
    this.#metric = metric
    this.#fetch = vectors
    this.#kernel = kernel()
    this.#exactKernel = kernel()
    this.#codes = new ProductCodes(this.#kernel, dimensions, codesFrom)
    this.#end = this.#codes.end
  }

  /** How many rows there are. */
  get size(): number {
    return this.#rowids.length
  }

  /** Whether there are so many rows that a search may leave some of them to the estimate. */
  get isEstimated(): boolean {
    return this.size > fewestCandidates
  }

  /** How many vectors a row has on average. */
  get #meanCount(): number {
    return (this.#end - this.#codes.end - this.#unused) / this.#codes.parts / (this.size || 1)
  }

  /** Bytes of memory held. */
  get bytes(): number {
    const buffers = this.#kernel.buffer.byteLength + this.#exactKernel.buffer.byteLength
    return buffers + this.#slots.bytes + 24 * this.#rowids.length
  }

  /** Finds what codes stand for, from the vectors of some rows. Needed once, before rows are set. Pauses at `yield`. */
  *train(rows: readonly Float32Array[], sampled = 8192): Generator<void, undefined> {
    const total = rows.reduce((sum, row) => sum + row.length / this.#dimensions, 0)
    const each = Math.max(1, Math.ceil(total / sampled))
    const sample = new Float32Array(Math.ceil(total / each) * this.#dimensions)
    let number = 0
    for (const row of rows) {
      const vectors = this.#comparable(row)
      for (let at = 0; at < row.length; at += this.#dimensions) {
        if (number % each === 0) {
          sample.set(vectors.subarray(at, at + this.#dimensions), (number / each) * this.#dimensions)
        }
        number++
      }
    }
    yield* this.#codes.train(sample)
    this.#trained = true
  }

  /** Adds rows, or replaces their vectors: float32 one after the other, in little-endian bytes. */
  set(rowids: readonly number[], vectors: readonly Uint8Array[]): void {
    if (!this.#trained) throw new IndexError('the vectors of no row are known yet, so they cannot be coded')
    this.delete(rowids)
    rowids.forEach((rowid, i) => {
      const row = this.#comparable(decodeVector(vectors[i]!))
      const count = row.length / this.#dimensions
      const bytes = count * this.#codes.parts
      this.#reserve(bytes)
      for (let n = 0; n < count; n++) this.#codes.encode(row, n * this.#dimensions, this.#end + n * this.#codes.parts)
      this.#slots.set(rowid, this.size)
      this.#rowids.push(rowid)
      this.#starts.push(this.#end)
      this.#counts.push(count)
      this.#end += bytes
    })
  }

  /** Takes rows out. */
  delete(rowids: readonly number[]): void {
    for (const rowid of rowids) {
      const slot = this.#slots.get(rowid)
      if (slot < 0) continue
      this.#slots.delete(rowid)
      this.#unused += this.#counts[slot]! * this.#codes.parts
      const moved = this.#rowids.pop()!
      const start = this.#starts.pop()!
      const count = this.#counts.pop()!
      if (slot === this.size) continue
      this.#slots.set(moved, slot)
      this.#rowids[slot] = moved
      this.#starts[slot] = start
      this.#counts[slot] = count
    }
  }

  /** The best rows, by score descending, then row id ascending. */
  search(query: Float32Array, { k, offset = 0, filter, candidates }: MaxSimSearch): MaxSimResult {
    const slots = filter ? this.#slotsOf(filter) : undefined
    const rows = slots?.length ?? this.size
    const wanted = Math.min(k + offset, rows)
    const compared = Math.max(wanted, candidates ?? candidatesOf(wanted, query.length * this.#meanCount))
    if (k === 0 || wanted <= offset) return { rowids: [], scores: [] }
    const first = compared >= rows ? (slots ?? Array.from(this.#rowids.keys())) : this.#estimate(query, slots, compared)
    const scores = new ExactScores(this.#exactKernel, query, this.#dimensions, this.#metric)
    const ranking = new Ranking(wanted)
    const rowids = first.map((slot) => this.#rowids[slot]!).sort((a, b) => a - b)
    for (let from = 0; from < rowids.length; from += fetchedRows) {
      const some = rowids.slice(from, from + fetchedRows)
      const vectors = this.#fetch(some)
      some.forEach((rowid, i) => {
        ranking.offer(scores.of(vectors[i]!), rowid)
      })
    }
    const page = ranking.page(offset)
    return { rowids: page.ids, scores: page.scores, ...(compared < rows ? { compared } : {}) }
  }

  /** The slots that the estimate puts first. */
  #estimate(query: Float32Array, slots: readonly number[] | undefined, wanted: number): number[] {
    const tables = this.#codes.tables(this.#comparable(query))
    const { buffer } = this.#kernel
    const records = new Uint32Array(buffer, recordsAt, 2 * blockRows)
    const out = new Int32Array(buffer, outAt, blockRows)
    const sums = new Int32Array(slots?.length ?? this.size)
    for (let from = 0; from < sums.length; from += blockRows) {
      const count = Math.min(blockRows, sums.length - from)
      for (let i = 0; i < count; i++) {
        const slot = slots ? slots[from + i]! : from + i
        records[2 * i] = this.#starts[slot]!
        records[2 * i + 1] = this.#counts[slot]!
      }
      for (const table of tables) {
        this.#codes.scan(table, recordsAt, count, outAt)
        for (let i = 0; i < count; i++) sums[from + i]! += out[i]!
      }
    }
    const ranking = new Ranking(wanted)
    for (let i = 0; i < sums.length; i++) {
      if (sums[i]! >= ranking.worst) ranking.offer(sums[i]!, slots ? slots[i]! : i)
    }
    return ranking.page(0).ids
  }

  #slotsOf(rowids: ArrayLike<number>): number[] {
    const slots: number[] = []
    for (const rowid of new Set(Array.from(rowids))) {
      const slot = this.#slots.get(rowid)
      if (slot >= 0) slots.push(slot)
    }
    return slots
  }

  /** Vectors as inner products compare them: of length one for the cosine. */
  #comparable(vectors: Float32Array): Float32Array {
    if (this.#metric !== 'cosine') return vectors
    const scales = scalesOf(vectors, this.#dimensions, 'cosine')
    return vectors.map((x, i) => x * scales[Math.floor(i / this.#dimensions)]!)
  }

  /** Makes room for more codes; first by closing the gaps, where they are half of what there is. */
  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#kernel.buffer.byteLength) return
    if (2 * this.#unused > this.#end - this.#codes.end) this.#close()
    const missing = this.#end + bytes - this.#kernel.buffer.byteLength
    if (missing > 0) this.#kernel.grow(Math.max(missing, (this.#end - this.#codes.end) >> 2))
  }

  #close(): void {
    const memory = new Uint8Array(this.#kernel.buffer)
    let end = this.#codes.end
    const inOrder = Array.from(this.#rowids.keys()).sort((a, b) => this.#starts[a]! - this.#starts[b]!)
    for (const slot of inOrder) {
      const bytes = this.#counts[slot]! * this.#codes.parts
      memory.copyWithin(end, this.#starts[slot]!, this.#starts[slot]! + bytes)
      this.#starts[slot] = end
      end += bytes
    }
    this.#end = end
    this.#unused = 0
  }
}
