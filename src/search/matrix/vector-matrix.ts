import type { Metric } from '../../catalog/definition.js'
import { IndexError, ValidationError } from '../../errors.js'
import { Ranking } from '../ranking.js'
import { bitEncoding } from './bits.js'
import { Candidates } from './candidates.js'
import type { EncodedQuery, Encoding } from './encoding.js'
import { float32Encoding } from './float32.js'
import { int8Encoding } from './int8.js'
import { createKernel, type Kernel } from './kernel.js'
import { exactScore, normOf } from './metric.js'
import { headerBytes } from './plain-kernel.js'
import { Rotation } from './rotation.js'
import { blockRows, Segment, strideOf } from './segment.js'
import { SlotIndex } from './slot-index.js'
import { SlotSet } from './slot-set.js'
import { VectorReader, type VectorSource } from './vector-reader.js'

/** What the resident copy of a vector has for each element. */
export type Precision = 'float32' | 'int8' | 'bit'

/** What a matrix holds. */
export interface VectorMatrixOptions {
  /** Length of the vectors. */
  readonly dimensions: number
  /** What the score is: see `exactScore`. */
  readonly metric: Metric
  /** @default 'float32' */
  readonly precision?: Precision | undefined
  /** Gives the vectors of rows in the matrix, as they were set. Needed unless the precision is `float32`. */
  readonly vectors?: ((rowids: readonly number[]) => readonly Float32Array[]) | undefined
}

/** What a search is for. */
export interface SearchOptions {
  /** How many results; fewer where there are not as many rows. */
  readonly k: number
  /** Results to leave out before the first. @default 0 */
  readonly offset?: number | undefined
  /** Only these rows, in any order. Ids that the matrix does not have do not count. Ascending ids are found fastest. */
  readonly filter?: ArrayLike<number> | undefined
  /** As `filter`, in several lists. */
  readonly among?: readonly ArrayLike<number>[] | undefined
}

/** Rows and their scores, the best first. */
export interface SearchResult {
  readonly rowids: number[]
  readonly scores: number[]
}

/** Bytes of rows in one memory, of which WebAssembly can address 4 GB. */
const segmentBytes = 2 ** 30

/** The centre moves when the rows are so many times as many as when it was found. */
const centreGrowth = 4

/** Rows whose vectors are fetched at a time, at least. */
const fetchedRows = 32

/** For tests: where the memory is. */
export interface MatrixMemory {
  readonly kernel?: (() => Kernel) | undefined
  readonly segmentBytes?: number | undefined
}

/**
 * Vectors in memory, by row id, and exact search over all of them. The scan bounds the score of each row; those that
 * may be among the best are compared in float64 by the vectors as they were set. So results and their order are those
 * of plain arithmetic over all rows, score descending and then row id ascending, and pages do not overlap. With precision
 * `bit` the bounds are likely and not certain: less than one in a hundred of the best rows is missed, and so pages may
 * overlap.
 *
 * @example
 * ```ts
 * const matrix = new VectorMatrix({ dimensions: 2, metric: 'cosine' })
 * matrix.set([7, 8], new Float32Array([1, 0, 0, 1]))
 * matrix.search(new Float32Array([2, 1]), { k: 1 }) // { rowids: [7], scores: [0.894…] }
 * ```
 */
export class VectorMatrix {
  readonly #dimensions: number
  readonly #metric: Metric
  readonly #precision: Precision
  readonly #fetch: VectorMatrixOptions['vectors']
  readonly #createKernel: () => Kernel
  readonly #segmentRows: number
  readonly #rotation: Rotation | undefined
  #encoding: Encoding
  #segments: Segment[] = []
  #slots = new SlotIndex()
  #rowids: number[] = []
  /** The sum of the vectors that were set, and how many they were, also when the centre was found. */
  readonly #sum: Float64Array
  #summed = 0
  #centred = 0

  constructor(options: VectorMatrixOptions, memory: MatrixMemory = {}) {
    const { dimensions, metric, precision = 'float32', vectors } = options
    if (precision !== 'float32' && !vectors) {
      throw new IndexError(`a matrix of precision '${precision}' needs \`vectors\`, to compare the best rows exactly`)
    }
    this.#dimensions = dimensions
    this.#metric = metric
    this.#precision = precision
    this.#fetch = vectors
    this.#createKernel = memory.kernel ?? createKernel
    this.#sum = new Float64Array(dimensions)
    if (precision === 'bit') this.#rotation = new Rotation(dimensions, this.#createKernel())
    this.#encoding = this.#encode()
    this.#segmentRows = Math.floor((memory.segmentBytes ?? segmentBytes) / strideOf(this.#encoding.rowBytes))
  }

  /** How many rows there are. */
  get size(): number {
    return this.#rowids.length
  }

  /** The ids of the rows, in no order. */
  get rowids(): readonly number[] {
    return this.#rowids
  }

  /** Bytes of memory held. */
  get bytes(): number {
    const rows = this.#segments.reduce((sum, { kernel }) => sum + kernel.buffer.byteLength, 0)
    return rows + this.#slots.bytes + 8 * this.#rowids.length
  }

  /** Whether there is such a row. */
  has(rowid: number): boolean {
    return this.#slots.get(rowid) >= 0
  }

  /**
   * Adds rows, or replaces their vectors: one after the other in one array of numbers or of bytes (little-endian
   * float32, at any address), or an array of such.
   * @throws ValidationError when a vector has another length, NaN or an infinity; then nothing is changed
   */
  set(rowids: ArrayLike<number>, vectors: VectorSource): void {
    const reader = new VectorReader(vectors, this.#dimensions, rowids.length)
    const norms = new Float64Array(rowids.length)
    for (let i = 0; i < rowids.length; i++) {
      checkRowid(rowids[i]!)
      norms[i] = normOf(reader.read(i))
      if (!Number.isFinite(norms[i])) throw new ValidationError(`vector ${i} has NaN or an infinity`, { row: i })
    }
    if (this.#rotation) this.#recentre(reader, norms)
    for (let i = 0; i < rowids.length; i++) {
      const rowid = rowids[i]!
      let slot = this.#slots.get(rowid)
      if (slot < 0) {
        slot = this.#rowids.length
        this.#reserve(slot, rowids.length - i)
        this.#rowids.push(rowid)
        this.#slots.set(rowid, slot)
      }
      this.#write(slot, reader.read(i), norms[i]!)
    }
  }

  /** Takes rows out; says how many of them there were. */
  delete(rowids: ArrayLike<number>): number {
    const before = this.size
    for (let i = 0; i < rowids.length; i++) {
      const slot = this.#slots.get(rowids[i]!)
      if (slot < 0) continue
      this.#slots.delete(rowids[i]!)
      const last = this.size - 1
      const moved = this.#rowids.pop()!
      if (slot !== last) {
        this.#rowids[slot] = moved
        this.#slots.set(moved, slot)
        this.#segmentOf(last).copy(last % this.#segmentRows, this.#segmentOf(slot), slot % this.#segmentRows)
      }
      if (last % this.#segmentRows === 0) this.#segments.pop()
    }
    return before - this.size
  }

  /**
   * The best rows.
   * @throws ValidationError when the query has another length, NaN or an infinity, or `k` or `offset` is not a count
   */
  search(query: Float32Array, { k, offset = 0, filter, among = filter && [filter] }: SearchOptions): SearchResult {
    if (query.length !== this.#dimensions) {
      throw new ValidationError(`expected a query of ${this.#dimensions} numbers, got ${query.length}`)
    }
    if (!Number.isFinite(normOf(query))) throw new ValidationError('the query has NaN or an infinity')
    checkCount('k', k)
    checkCount('offset', offset)
    const allowed = among && this.#slotsOf(among)
    const wanted = Math.min(k + offset, allowed ? allowed.size : this.size)
    const encoded = this.#encoding.query(query)
    const candidates = new Candidates(wanted, encoded)
    if (k > 0 && wanted > offset) this.#scan(encoded, candidates, allowed)
    const { ids, scores } = this.#rescore(query, encoded, candidates, wanted).page(offset)
    return { rowids: ids, scores }
  }

  /** Offers every row whose bound reaches the candidates' threshold. */
  #scan(query: EncodedQuery, candidates: Candidates, allowed: SlotSet | undefined): void {
    const list = new Uint32Array(blockRows)
    for (const [number, segment] of this.#segments.entries()) {
      const base = number * this.#segmentRows
      const end = Math.min(base + this.#segmentRows, this.size)
      for (let from = base; from < end; ) {
        let count = Math.min(blockRows, end - from)
        let next = from + count
        if (allowed) ({ count, next } = allowed.list(list, from, end, base))
        const uppers = allowed ? segment.scanList(query, list, count) : segment.scanFrom(query, from - base, count)
        let { threshold } = candidates
        for (let i = 0; i < count; i++) {
          const upper = uppers[i]!
          if (upper < threshold) continue
          const row = allowed ? list[i]! : from - base + i
          candidates.offer(base + row, upper, query.lower(upper, segment.floats, segment.address(row) >> 2))
          threshold = candidates.threshold
        }
        from = next
      }
    }
  }

  /** The best of the candidates by their exact scores. Bounds say when the rest need not be looked at. */
  #rescore(query: Float32Array, bounds: EncodedQuery, candidates: Candidates, wanted: number): Ranking {
    const score = exactScore(this.#metric, query)
    const ranking = new Ranking(wanted)
    const { slots, uppers } = candidates.ranked()
    let rows = Math.max(fetchedRows, wanted)
    for (let from = 0; from < slots.length; from += rows, rows = fetchedRows) {
      const { worst } = ranking
      if (worst > -Infinity && uppers[from]! < bounds.key(worst)) break
      const batch = slots.slice(from, from + rows)
      if (this.#precision === 'float32') {
        for (const slot of batch) {
          const segment = this.#segmentOf(slot)
          const at = (segment.address(slot % this.#segmentRows) + headerBytes) >> 2
          ranking.offer(score(segment.floats, at), this.#rowids[slot]!)
        }
      } else {
        this.#vectorsOf(batch).forEach((vector, i) => {
          ranking.offer(score(vector, 0), this.#rowids[batch[i]!]!)
        })
      }
    }
    return ranking
  }

  #slotsOf(lists: readonly ArrayLike<number>[]): SlotSet {
    const slots = new SlotSet(this.size)
    for (const rowids of lists) {
      for (let i = 0; i < rowids.length; i++) {
        const slot = this.#slots.get(rowids[i]!)
        if (slot >= 0) slots.add(slot)
      }
    }
    return slots
  }

  #vectorsOf(slots: readonly number[]): readonly Float32Array[] {
    const rowids = slots.map((slot) => this.#rowids[slot]!)
    const vectors = this.#fetch!(rowids)
    rowids.forEach((rowid, i) => {
      if (vectors[i]?.length === this.#dimensions) return
      throw new IndexError(
        `expected a vector of ${this.#dimensions} numbers for row ${rowid}, got ${vectors[i]?.length}`,
      )
    })
    return vectors
  }

  #segmentOf(slot: number): Segment {
    return this.#segments[Math.floor(slot / this.#segmentRows)]!
  }

  /** Makes room for `count` rows from `slot` on, at most to the end of the segment. */
  #reserve(slot: number, count: number): void {
    const row = slot % this.#segmentRows
    if (row === 0) this.#segments.push(new Segment(this.#createKernel(), this.#encoding))
    this.#segments.at(-1)!.reserve(Math.min(row + count, this.#segmentRows))
  }

  #write(slot: number, vector: Float32Array, norm: number): void {
    const segment = this.#segmentOf(slot)
    this.#encoding.encode(vector, norm, segment, segment.address(slot % this.#segmentRows))
  }

  #encode(): Encoding {
    if (this.#precision === 'float32') return float32Encoding(this.#metric, this.#dimensions)
    if (this.#precision === 'int8') return int8Encoding(this.#metric, this.#dimensions)
    const centre = Float32Array.from(this.#sum, (x) => x / Math.max(1, this.#summed))
    return bitEncoding(this.#metric, centre, this.#rotation!)
  }

  /** Moves the centre to the mean of all that was set, where that is much more than before. */
  #recentre(added: VectorReader, norms: Float64Array): void {
    const sum = this.#sum
    for (let i = 0; i < norms.length; i++) {
      const vector = added.read(i)
      const inverse = this.#metric === 'cosine' && norms[i]! > 0 ? 1 / norms[i]! : 1
      for (let j = 0; j < sum.length; j++) sum[j]! += vector[j]! * inverse
    }
    this.#summed += norms.length
    if (this.#summed < centreGrowth * this.#centred) return
    this.#centred = this.#summed
    this.#encoding = this.#encode()
    for (let from = 0; from < this.size; from += blockRows) {
      const slots = Array.from({ length: Math.min(blockRows, this.size - from) }, (_, i) => from + i)
      this.#vectorsOf(slots).forEach((vector, i) => {
        this.#write(from + i, vector, normOf(vector))
      })
    }
  }
}

function checkRowid(rowid: number): void {
  if (Number.isSafeInteger(rowid) && rowid > 0) return
  throw new ValidationError(`expected row ids that are positive integers, got ${rowid}`)
}

function checkCount(name: string, count: number): void {
  if (Number.isSafeInteger(count) && count >= 0) return
  throw new ValidationError(`${name}: expected an integer from 0, got ${count}`)
}
