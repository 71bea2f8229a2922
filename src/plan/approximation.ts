import { setTimeout } from 'node:timers/promises'
import type { IndexDefinition, NarrowingMethod } from '../catalog/definition.js'
import type { StoredVectors } from '../engine/engine.js'
import { Pace } from '../pace.js'
import { createNarrowing, type Narrowing, sampleSize } from '../search/approximate/narrowing.js'
import { drawn } from '../search/approximate/seeded-random.js'
import type { VectorMatrix } from '../search/matrix/vector-matrix.js'
import { decodeVector } from '../types/arrays.js'

/** What an approximation is made over. */
export interface ApproximationSource {
  readonly matrix: VectorMatrix
  readonly index: IndexDefinition
  /** Reads vectors as they are stored; undefined while a transaction is open, which may not be committed. */
  readonly read: (rowids: readonly number[]) => StoredVectors | undefined
}

/** Fewer rows are compared sooner than narrowed down: a millisecond, at some hundred dimensions. */
export const fewestRows = 5000
/** Rows taken in at a time: a few milliseconds. */
const batchSize = { ivfflat: 64, hnsw: 8 } as const
/** Best rows by which it is tuned. */
const tunedRows = 10
/** The part of the rows that a filter must leave; fewer are compared all, which is exact, and about as fast. */
const leastSelectivity = 0.2
/** The part of the rows that may wait to be taken in, and are all compared until then. */
const mostRecent = 0.05
/** The rows are so many times as many, or as few, when it is made again. */
const growth = 2
/** Milliseconds after which it is tried again whether a transaction is over. */
const patience = 20

/**
 * Narrows searches of an index down to rows that are likely to be among the best. It is made in the background, in
 * slices. Rows that it has not taken in yet are always among those that it finds, so it never lags behind.
 */
export class Approximation {
  readonly method: NarrowingMethod
  readonly #source: ApproximationSource
  /** Rows that the narrowing does not have yet. */
  readonly #recent: Set<number>
  readonly #rows: number
  #narrowing: Narrowing | undefined
  #isTuned = false
  #isWorthwhile = true
  readonly #stop = new AbortController()
  #isRunning = false

  constructor(source: ApproximationSource, method: NarrowingMethod) {
    this.#source = source
    this.method = method
    this.#recent = new Set(source.matrix.rowids)
    this.#rows = this.#recent.size
    this.#start()
  }

  /** About the bytes of memory held. */
  get bytes(): number {
    return this.#narrowing?.bytes ?? 0
  }

  /** Whether it is ready, and searches are faster by it. */
  get isUsed(): boolean {
    return this.isReady && this.#isWorthwhile && this.#source.matrix.size >= fewestRows
  }

  /** Whether it has the rows. */
  get isReady(): boolean {
    return this.#isTuned && this.#recent.size <= mostRecent * this.#source.matrix.size
  }

  /** Whether it gave up. */
  get isStopped(): boolean {
    return this.#stop.signal.aborted
  }

  /** Whether it was made for much fewer or many more rows than there are now. */
  get isOutgrown(): boolean {
    const { size } = this.#source.matrix
    return size > growth * this.#rows || size * growth < this.#rows
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#stop.abort()
    this.#narrowing = undefined
    this.#isTuned = false
  }

  /** Rows have other vectors, or are new. */
  set(rowids: readonly number[]): void {
    this.#narrowing?.delete(rowids)
    for (const rowid of rowids) this.#recent.add(rowid)
    this.#start()
  }

  /** Rows have no vectors any more. */
  delete(rowids: readonly number[]): void {
    this.#narrowing?.delete(rowids)
    for (const rowid of rowids) this.#recent.delete(rowid)
  }

  /**
   * The rows that are worth comparing; undefined where all have to be.
   * @param wanted how many are to be found
   * @param allowed the rows that a filter leaves
   */
  near(
    query: Float32Array,
    wanted: number,
    allowed: ReadonlySet<number> | undefined,
  ): readonly (readonly number[])[] | undefined {
    const { size } = this.#source.matrix
    if (!this.isUsed) return undefined
    const selectivity = allowed ? allowed.size / size : 1
    if (selectivity < leastSelectivity) return undefined
    const found = [...this.#narrowing!.near(query, 1 / selectivity), [...this.#recent]]
    const near = allowed ? found.map((rowids) => rowids.filter((rowid) => allowed.has(rowid))) : found
    return near.reduce((sum, rowids) => sum + rowids.length, 0) < wanted ? undefined : near
  }

  #start(): void {
    if (this.#isRunning || this.isStopped) return
    this.#isRunning = true
    this.#run()
      .catch((error: Error) => {
        // Searches stay exact. The database was closed, or something that the method needs is not there.
        if (!this.isStopped)
          process.emitWarning(`index '${this.#source.index.name}' is searched exactly: ${error.message}`)
        this.stop()
      })
      .finally(() => {
        this.#isRunning = false
      })
  }

  async #run(): Promise<void> {
    const pace = new Pace(this.#stop.signal, { ref: false })
    await pace.rest()
    this.#narrowing ??= await this.#create(pace)
    const narrowing = this.#narrowing
    while (this.#recent.size > 0) {
      if (this.isStopped) return
      const rowids = this.#someRecent(batchSize[this.method.kind])
      const stored = this.#source.read(rowids)
      if (stored) {
        narrowing.add(stored.rowids, stored.vectors.map(decodeVector))
        for (const rowid of rowids) this.#recent.delete(rowid)
        if (pace.due) await pace.rest()
      } else await setTimeout(patience, undefined, { ref: false })
    }
    if (!this.#isTuned) await this.#tune(narrowing, pace)
    this.#isTuned = true
  }

  async #create(pace: Pace): Promise<Narrowing> {
    const { matrix, index } = this.#source
    const rows = this.#rows
    const size = sampleSize(this.method, rows)
    const sample = size === 0 ? [] : await this.#vectors(drawn(matrix.rowids, size, 1))
    return createNarrowing(this.method, index.metric, index.dimensions!, { rows, sample, pace })
  }

  async #tune(narrowing: Narrowing, pace: Pace): Promise<void> {
    const { matrix } = this.#source
    const queries: { vector: Float32Array; best: readonly number[] }[] = []
    for (const rowid of drawn(matrix.rowids, narrowing.tunedBy, 2)) {
      const [vector] = await this.#vectors([rowid])
      if (this.isStopped) return
      // The row itself is no task.
      if (vector) {
        const { rowids } = matrix.search(vector, { k: tunedRows + 1 })
        queries.push({ vector, best: rowids.filter((id) => id !== rowid) })
      }
      if (pace.due) await pace.rest()
    }
    if (queries.length > 0) this.#isWorthwhile = narrowing.tune(queries)
  }

  /** Vectors as soon as they can be read. */
  async #vectors(rowids: readonly number[]): Promise<Float32Array[]> {
    for (;;) {
      if (this.isStopped) return []
      const stored = this.#source.read(rowids)
      if (stored) return stored.vectors.map(decodeVector)
      await setTimeout(patience, undefined, { ref: false })
    }
  }

  #someRecent(count: number): number[] {
    const some: number[] = []
    for (const rowid of this.#recent) {
      some.push(rowid)
      if (some.length === count) break
    }
    return some
  }
}
