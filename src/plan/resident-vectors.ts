import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import type { Commit, CommitResult, Engine, StoredVectors, VectorReader } from '../engine/engine.js'
import { IndexError } from '../errors.js'
import { type Precision, type SearchResult, VectorMatrix } from '../search/matrix/vector-matrix.js'
import { type MaxSimResult, MultiVectorMatrix } from '../search/multi/multi-vector-matrix.js'
import { decodeVector } from '../types/arrays.js'
import type { MaxSimMetric } from '../types/max-sim.js'
import { rounded } from '../types/vector-precision.js'
import { Approximation, fewestRows } from './approximation.js'
import type { FilteredSearch, Filters } from './filtered-rows.js'

/** A search that may say how many rows a MaxSim compares exactly. */
export interface ResidentSearch extends FilteredSearch {
  readonly candidates?: number | undefined
}

/** What the copy of a vector in memory has: numbers of a precision, or a code. */
type Form = Precision | 'codes'

/** How an index is held in memory. */
export interface ResidentIndex {
  readonly form: Form
  readonly bytes: number
  /** Whether searches are narrowed down: by its method, or by an estimate of MaxSim. */
  readonly isApproximate: boolean
}

/** What searches of an index in memory use. */
export interface LoadedIndex {
  readonly matrix: VectorMatrix
  /** Finds the very best: the matrix itself, unless that estimates. */
  readonly exact: VectorMatrix
  readonly approximation: Approximation | undefined
  /** Reads vectors; those of rows that have none are left out. */
  readonly read: (rowids: readonly number[]) => Float32Array[]
}

/** The vectors of one index in memory. */
interface Entry {
  /** As they are named now. */
  table: TableDefinition
  index: IndexDefinition
  readonly reader: VectorReader
  readonly matrix: VectorMatrix | MultiVectorMatrix
  readonly form: Form
  /** Narrows searches down; a new one that is being made takes the place of the one there is. */
  approximation?: Approximation | undefined
  coming?: Approximation | undefined
  /** `VectorReader.state` when it was last in step with the database; undefined while it is filled. */
  state: string | undefined
  /** The version of the table that it has. */
  version: number
  /** How many rows there were when it was begun, at the most. */
  readonly rows: number
  /** Ends when it is filled, or has failed. */
  filled: Promise<void>
}

/** Vectors read at a time while memory is filled: some milliseconds. */
const pageSize = 1000
/** Of rows that have many vectors each. */
const multiPageSize = 32
/** Rows from whose vectors the meaning of codes is found, and how many times more rows there may be until it is found anew. */
const sampledRows = 256
const growth = 4
/** Up to so many rows a scan of float32 costs less than to read the best rows for comparison. */
const fewRows = 2000

/**
 * Vectors of indexes in memory, for searches of the present. The first search of an index is answered by the database,
 * and the vectors are read after it; commits keep them in step, and what other processes commit is read when it is
 * noticed. The least recently used go first when there are too many.
 */
export class ResidentVectors {
  readonly #reader: VectorReader | undefined
  readonly #limit: number
  /** By table and index; the least recently used first. */
  readonly #entries = new Map<string, Entry>()
  /** Indexes that are larger than all the memory there is, with their versions then. */
  readonly #tooLarge = new Map<string, number>()
  readonly #filters: Filters
  /** Bytes of the limit that something else takes. */
  readonly #others: () => number

  constructor(engine: Engine, filters: Filters, limit: number, others: () => number) {
    this.#reader = engine.vectors
    this.#filters = filters
    this.#limit = limit
    this.#others = others
  }

  /** Bytes of memory held. */
  get bytes(): number {
    let bytes = 0
    for (const entry of this.#entries.values()) bytes += bytesOf(entry)
    return bytes
  }

  /** How an index is held; undefined where it is not, or not yet. */
  of(table: TableDefinition, index: IndexDefinition): ResidentIndex | undefined {
    const entry = this.#entries.get(keyOf(table, index))
    if (entry?.state === undefined) return undefined
    const { form, matrix, approximation } = entry
    const isApproximate =
      matrix instanceof MultiVectorMatrix ? matrix.isEstimated : form === 'bit' || approximation?.isUsed === true
    return { form, bytes: bytesOf(entry), isApproximate }
  }

  /** Lets go of everything. */
  release(): void {
    for (const key of this.#entries.keys()) this.#drop(key)
    this.#tooLarge.clear()
  }

  /** The best rows; undefined where the vectors are not in memory (yet), or a transaction is open. */
  search(
    table: TableDefinition,
    index: IndexDefinition,
    query: Float32Array,
    { k, offset, filter, isStable, candidates }: ResidentSearch,
  ): SearchResult | MaxSimResult | undefined {
    const state = this.#reader?.state()
    if (state === undefined || !isFor(index, query)) return undefined
    const entry = this.#ready(table, index, state)
    if (!entry) return undefined
    const { matrix, approximation } = entry
    const allowed = filter && this.#filters.rows(filter, isStable)
    try {
      if (matrix instanceof MultiVectorMatrix)
        return matrix.search(query, { k, offset, filter: allowed?.ids, candidates })
      const near = allowed && !isStable ? undefined : approximation?.near(query, k + offset, allowed?.set)
      return matrix.search(query, { k, offset, among: near ?? (allowed && [allowed.ids]) })
    } catch (error) {
      if (this.isSince(state)) throw error
      // Another process removed rows before they were compared.
      return undefined
    }
  }

  /** Waits until the vectors of an index are in memory, or cannot be. */
  async load(table: TableDefinition, index: IndexDefinition): Promise<void> {
    const state = this.#reader?.state()
    if (state === undefined || this.#ready(table, index, state)) return
    await this.#entries.get(keyOf(table, index))?.filled
  }

  /**
   * An index of one vector a row in memory, as soon as it is there with all that makes searches of it fast.
   * @throws IndexError when it has no room in memory
   */
  async loaded(table: TableDefinition, index: IndexDefinition, signal: AbortSignal | undefined): Promise<LoadedIndex> {
    for (;;) {
      signal?.throwIfAborted()
      const key = keyOf(table, index)
      const state = this.#reader?.state()
      const entry = state === undefined ? undefined : this.#ready(table, index, state)
      if (entry?.matrix instanceof VectorMatrix && !entry.coming) {
        const { matrix, approximation } = entry
        if (!approximation || approximation.isReady || approximation.isStopped) {
          const read = (rowids: readonly number[]) => this.#reader!.rows(table, index, rowids).vectors.map(decodeVector)
          const exact = entry.form === 'bit' ? await this.#exact(entry, signal) : matrix
          return { matrix, exact, approximation, read }
        }
      }
      if (!entry && this.#tooLarge.has(key)) {
        throw new IndexError(`index '${index.name}' of '${table.name}' has no room in memory: raise memoryLimit`)
      }
      await setImmediate()
    }
  }

  /** Waits for an index whose vectors are being read: a program that only awaits searches would never let them be. */
  async read(table: TableDefinition, index: IndexDefinition, signal: AbortSignal | undefined): Promise<void> {
    const key = keyOf(table, index)
    const entry = this.#entries.get(key)
    while (entry && entry.state === undefined && this.#entries.get(key) === entry) {
      await setImmediate()
      signal?.throwIfAborted()
    }
  }

  /** Whether nothing was committed since a moment. */
  isSince(state: string | undefined): boolean {
    return state !== undefined && this.#reader?.state() === state
  }

  get state(): string | undefined {
    return this.#reader?.state()
  }

  /** Takes over what a commit has written. */
  committed(commit: Commit, { states, firstRow, version }: CommitResult): void {
    for (const [key, entry] of this.#entries) {
      if (commit.schema?.some((change) => change.kind === 'dropTable' && change.table.id === entry.table.id)) {
        this.#drop(key)
      }
      if (commit.schema?.some((change) => change.kind === 'alterTable' && drops(change.table, entry))) this.#drop(key)
      // Inside a transaction, or after somebody else's commit: it catches up when it is needed.
      if (!states || entry.state !== states.before || touches(commit, entry.table)) continue
      try {
        apply(entry, commit, firstRow)
        entry.state = states.after
        entry.version = version
      } catch {
        this.#drop(key)
      }
      if (!this.#makeRoom(key)) this.#giveUp(key, entry)
    }
  }

  /** The entry of an index, in step with the database. */
  #ready(table: TableDefinition, index: IndexDefinition, state: string): Entry | undefined {
    const key = keyOf(table, index)
    const entry = this.#entries.get(key)
    if (!entry) {
      this.#fill(key, table, index)
      return undefined
    }
    if (entry.state === undefined) return undefined
    entry.table = table
    entry.index = index
    this.#entries.delete(key)
    if (!fits(entry) || (entry.state !== state && !this.#catchUp(entry, table, state))) {
      stopApproximating(entry)
      this.#fill(key, table, index)
      return undefined
    }
    this.#entries.set(key, entry)
    approximate(entry)
    if (this.#makeRoom(key)) return entry
    this.#giveUp(key, entry)
    return undefined
  }

  #catchUp(entry: Entry, table: TableDefinition, state: string): boolean {
    const version = this.#reader!.version(table)
    if (version !== entry.version) {
      const changes = this.#reader!.changes(table, entry.index, entry.version)
      if (!changes) return false
      remove(entry, changes.gone)
      put(entry, changes.set)
    }
    entry.version = version
    entry.state = state
    return true
  }

  /** Reads the vectors of an index, page by page, while others work. */
  #fill(key: string, table: TableDefinition, index: IndexDefinition): void {
    const reader = this.#reader!
    const { dimensions } = index
    if (dimensions === undefined || this.#tooLarge.get(key) === reader.version(table)) return
    const vectors = (rowids: readonly number[]) =>
      reader.rows(entry.table, entry.index, rowids).vectors.map(decodeVector)
    const rows = reader.last(table, index)
    const form = formOf(index, rows)
    const { metric } = index
    const matrix =
      form === 'codes'
        ? new MultiVectorMatrix({ dimensions, metric: metric as MaxSimMetric, vectors })
        : new VectorMatrix({ dimensions, metric, precision: form, vectors })
    const now = { state: undefined, version: reader.version(table), rows, filled: Promise.resolve() }
    const entry: Entry = { table, index, reader, matrix, form, ...now }
    this.#entries.set(key, entry)
    entry.filled = this.#read(key, entry, reader).catch(() => {
      // The database was closed, or the table dropped: the next search tries again.
      this.#drop(key)
    })
  }

  async #read(key: string, entry: Entry, reader: VectorReader): Promise<void> {
    const { table, index, matrix } = entry
    const limit = index.multi ? multiPageSize : pageSize
    if (matrix instanceof MultiVectorMatrix) await this.#train(matrix, entry, reader)
    for (let after = 0; ; ) {
      await pause(index)
      if (this.#entries.get(key) !== entry) return
      // What a transaction has written is not committed yet.
      if (reader.state() === undefined) {
        this.#drop(key)
        return
      }
      const page = reader.page(table, index, after, limit)
      put(entry, page)
      if (!this.#makeRoom(key)) {
        this.#giveUp(key, entry)
        return
      }
      after = page.rowids.at(-1) ?? after
      if (page.rowids.length < limit) break
    }
    // In step with the version at which it began; what came since is found by that.
    entry.state = ''
  }

  /** The vectors of an index as they are now, for exact search. */
  async #exact({ table, index, reader }: Entry, signal: AbortSignal | undefined): Promise<VectorMatrix> {
    const matrix = new VectorMatrix({ dimensions: index.dimensions!, metric: index.metric })
    for (let after = 0; ; ) {
      const page = reader.page(table, index, after, pageSize)
      matrix.set(page.rowids, page.vectors)
      if (page.rowids.length < pageSize) return matrix
      after = page.rowids.at(-1)!
      await setImmediate()
      signal?.throwIfAborted()
    }
  }

  /** Finds what codes mean, from rows all over the table. */
  async #train(matrix: MultiVectorMatrix, { table, index }: Entry, reader: VectorReader): Promise<void> {
    const last = reader.last(table, index)
    const rows = new Map<number, Float32Array>()
    for (let i = 0; i < sampledRows; i++) {
      await pause(index)
      const { rowids, vectors } = reader.page(table, index, Math.floor((i * last) / sampledRows), 1)
      if (rowids.length > 0) rows.set(rowids[0]!, decodeVector(vectors[0]!))
    }
    const training = matrix.train([...rows.values()])
    while (training.next().done !== true) await pause(index)
  }

  /** Lets others go while there is too much. @returns whether there is room for one at least */
  #makeRoom(kept: string): boolean {
    const limit = this.#limit - this.#others()
    for (const key of this.#entries.keys()) {
      if (this.bytes <= limit) return true
      if (key !== kept) this.#drop(key)
    }
    const entry = this.#entries.get(kept)
    if (this.bytes > limit && entry) stopApproximating(entry)
    return this.bytes <= limit
  }

  #drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry) stopApproximating(entry)
    this.#entries.delete(key)
  }

  /** Lets an index go that is larger than all the memory there is, until its table changes. */
  #giveUp(key: string, { version }: Entry): void {
    this.#drop(key)
    this.#tooLarge.set(key, version)
  }
}

/** Does to vectors in memory what a commit does to rows. */
function apply(entry: Entry, commit: Commit, firstRow: ReadonlyMap<number, number>): void {
  const { table, index } = entry
  for (const write of commit.writes ?? []) {
    if (write.table.id !== table.id) continue
    const rowOf = (key: number) => (key > 0 ? key : firstRow.get(table.id)! - key - 1)
    remove(entry, write.deletes ?? [])
    const set = (rows: readonly number[], vectors: readonly (Uint8Array | null)[]): void => {
      const ids = rows.map(rowOf)
      remove(
        entry,
        ids.filter((_, i) => vectors[i] === null),
      )
      const there = ids.flatMap((id, i) => (vectors[i] ? [[id, vectors[i]!] as const] : []))
      put(entry, { rowids: there.map(([id]) => id), vectors: there.map(([, vector]) => vector) })
    }
    if (index.embedder) {
      for (const { index: name, rows, vectors } of write.vectors ?? []) {
        if (name === index.name && write.table.indexes.some(({ id }) => id === index.id))
          set(
            rows,
            vectors.map((vector) => vector && asBytes(rounded(vector, index.precision, index.dimensions))),
          )
      }
      continue
    }
    const { inserts, updates = [] } = write
    const inserted = inserts?.values[inserts.columns.indexOf(index.column)]
    if (inserted)
      set(
        inserted.map((_, i) => -i - 1),
        inserted as (Uint8Array | null)[],
      )
    for (const { rows, columns, values } of updates) {
      const updated = values[columns.indexOf(index.column)]
      if (updated) set(rows, updated as (Uint8Array | null)[])
    }
  }
}

/** Lets others work. Only for the vectors that a search waits for does the program stay alive. */
const pause = ({ multi }: IndexDefinition): Promise<void> => setImmediate(undefined, { ref: multi === true })

/** Whether a query has vectors of the length of the index's: one, or several. */
const isFor = ({ dimensions, multi }: IndexDefinition, { length }: Float32Array): boolean =>
  multi ? length % (dimensions ?? 0) === 0 : length === dimensions

const keyOf = (table: TableDefinition, index: IndexDefinition): string => `${table.id}:${index.id}`

const asBytes = ({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

function put(entry: Entry, { rowids, vectors }: StoredVectors): void {
  if (rowids.length === 0) return
  entry.matrix.set(rowids, vectors)
  entry.approximation?.set(rowids)
  entry.coming?.set(rowids)
}

function remove(entry: Entry, rowids: readonly number[]): void {
  if (rowids.length === 0) return
  entry.matrix.delete(rowids)
  entry.approximation?.delete(rowids)
  entry.coming?.delete(rowids)
}

/** What an index of so many rows has in memory. */
function formOf({ multi, method }: IndexDefinition, rows: number): Form {
  if (multi) return 'codes'
  if (method?.kind === 'rabitq' && rows > fewestRows) return 'bit'
  return rows <= fewRows ? 'float32' : 'int8'
}

/** Whether what is in memory is what there should be, of an index that may have changed and grown. */
function fits({ index, form, matrix, rows }: Entry): boolean {
  if (form === 'codes') return matrix.size <= growth * Math.max(rows, sampledRows)
  const later = formOf(index, Math.max(rows, Math.floor(matrix.size / growth)))
  return form === later
}

/** Whether a table has an index no more. */
const drops = (now: TableDefinition, { table, index }: Entry): boolean =>
  now.id === table.id && !now.indexes.some(({ id }) => id === index.id)

const bytesOf = ({ matrix, approximation, coming }: Entry): number =>
  matrix.bytes + (approximation?.bytes ?? 0) + (coming?.bytes ?? 0)

/** Sees to it that searches of an index are narrowed down by its method, as it is now and for as many rows. */
function approximate(entry: Entry): void {
  const { index, matrix, reader } = entry
  const { method } = index
  // One of several vectors a row has none.
  if (!method || method.kind === 'rabitq' || matrix instanceof MultiVectorMatrix) {
    stopApproximating(entry)
    entry.approximation = undefined
    return
  }
  if (entry.coming?.isReady || entry.coming?.isStopped) {
    entry.approximation?.stop()
    entry.approximation = entry.coming
    entry.coming = undefined
  }
  const last = entry.coming ?? entry.approximation
  const isMade = last && isDeepStrictEqual(last.method, method) && (last.isStopped || !last.isOutgrown)
  if (isMade || matrix.size < fewestRows) return
  entry.coming?.stop()
  entry.coming = new Approximation(
    {
      matrix,
      index,
      read: (rowids) => (reader.state() === undefined ? undefined : reader.rows(entry.table, entry.index, rowids)),
    },
    method,
  )
}

/** Gives up what is made or being made; searches compare all rows then. */
function stopApproximating(entry: Entry): void {
  entry.coming?.stop()
  entry.approximation?.stop()
  entry.approximation = entry.coming ?? entry.approximation
  entry.coming = undefined
}

/** Whether a commit may have changed a table in another way than by rows. */
function touches({ schema = [], fills = [] }: Commit, { id }: TableDefinition): boolean {
  return (
    fills.some(({ table }) => table.id === id) ||
    schema.some((change) =>
      'table' in change ? change.table.id === id : 'tables' in change && change.tables.some((table) => table.id === id),
    )
  )
}
