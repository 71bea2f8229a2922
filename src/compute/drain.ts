import { AsyncLocalStorage } from 'node:async_hooks'
import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import type { PendingRange } from '../engine/engine.js'
import { ValidationError } from '../errors.js'
import type { Node } from '../expr/node.js'
import { type OnProgress, type ProgressMeter, withProgress } from '../plan/progress.js'
import type { Session } from '../plan/session.js'
import { settleAll } from '../scheduler/settle-all.js'
import { describeValue } from '../types/column-type.js'
import { Change, type OnError } from './change.js'
import { ChangedCells } from './changed-cells.js'
import { promoteSuccessors } from './indexes.js'
import { loadBatch, rowsRead } from './load-rows.js'
import { wholeRow } from './pending.js'
import { type ChangeResult, type ErrorCell, finish } from './statements.js'

/** Options of `drain`. */
export interface DrainOptions {
  /** Rows that are computed and committed together; at least 1. A crash loses at most two such batches. @default 100 */
  readonly batchSize?: number
  /** What a cell that cannot be computed does: is null with its error kept, or ends the drain. @default 'ignore' */
  readonly onError?: OnError
  /** Stops the drain; what is committed by then stays, the rest stays pending. */
  readonly signal?: AbortSignal
  /** Hears how far the drain has come. @default the listener that the database was opened with */
  readonly onProgress?: OnProgress
}

/** What a drain did. */
export interface DrainResult {
  /** Rows of which something was computed. */
  readonly rows: number
  /** Cells that could not be computed. */
  readonly errors: number
  readonly errorCells: readonly ErrorCell[]
}

const defaultBatchSize = 100
/** Batches that are computed at a time, so that the end of one does not leave functions idle. */
const lanes = 2

/** Computes everything that is pending, in batches that commit as they finish. */
export async function drain(session: Session, options: DrainOptions = {}): Promise<DrainResult> {
  const { batchSize = defaultBatchSize } = options
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) {
    throw new ValidationError(
      `drain(): batchSize: expected a whole number of at least 1, got ${describeValue(batchSize)}`,
    )
  }
  return withProgress(session, options.onProgress, (meter) => drainAll(session, batchSize, { ...options, meter }))
}

async function drainAll(
  session: Session,
  batchSize: number,
  options: DrainOptions & { readonly meter: ProgressMeter | undefined },
): Promise<DrainResult> {
  const { signal, meter } = options
  const errorCells: ErrorCell[] = []
  let rows = 0
  let expected = 0
  for (;;) {
    signal?.throwIfAborted()
    const ranges = await session.engine.pending()
    const [first] = ranges
    if (!first) {
      await promoteSuccessors(session)
      return { rows, errors: errorCells.length, errorCells }
    }
    // What the rest may derive from goes first, to its end.
    const group = ranges.filter(({ table, what }) => table === first.table && what === first.what)
    const left = ranges.reduce((sum, range) => sum + range.last - range.first + 1, 0)
    meter?.expect(rows + left - expected, 0)
    expected = rows + left
    const chunks = chunksOf(group, batchSize)
    const stop = new AbortController()
    const lane = async (): Promise<void> => {
      try {
        for (let chunk = chunks.next(); !chunk.done && !stop.signal.aborted; chunk = chunks.next()) {
          signal?.throwIfAborted()
          const done = await computePending(session, chunk.value, options)
          rows += done.updated
          meter?.committed(done.updated)
          errorCells.push(...done.errorCells)
        }
      } catch (error) {
        stop.abort()
        throw error
      }
    }
    await settleAll(Array.from({ length: lanes }, lane))
    await promoteSuccessors(session)
  }
}

/** Drains whenever there is something, one drain at a time. */
export class BackgroundDrain {
  readonly #session: Session
  readonly #stop = new AbortController()
  /** Work that is started inside a statement would count as a part of it. */
  readonly #outside = AsyncLocalStorage.snapshot()
  #running = false
  #again = false

  constructor(session: Session) {
    this.#session = session
    session.onDeferred = () => this.#start()
    this.#start()
  }

  /** Gives up what is under way; it stays pending. */
  stop(): void {
    this.#stop.abort()
  }

  #start(): void {
    this.#again = true
    if (this.#running) return
    this.#running = true
    this.#outside(() => setImmediate(() => this.#run()))
  }

  async #run(): Promise<void> {
    try {
      while (this.#again && !this.#stop.signal.aborted) {
        this.#again = false
        await drain(this.#session, { signal: this.#stop.signal })
      }
    } catch (error) {
      // It stays pending, and drain() throws the same.
      if (!this.#stop.signal.aborted) process.emitWarning(`background drain: ${(error as Error).message}`)
    } finally {
      this.#running = false
    }
  }
}

function* chunksOf(ranges: readonly PendingRange[], size: number): Generator<PendingRange, undefined> {
  for (const range of ranges) {
    for (let first = range.first; first <= range.last; first += size) {
      yield { ...range, first, last: Math.min(range.last, first + size - 1) }
    }
  }
}

const nothing: Pick<ChangeResult, 'updated' | 'errorCells'> = { updated: 0, errorCells: [] }

/** Computes what is pending in some rows, unless somebody else has. */
function computePending(
  session: Session,
  chunk: PendingRange,
  { onError = 'ignore', signal, meter }: DrainOptions & { readonly meter: ProgressMeter | undefined },
): Promise<Pick<ChangeResult, 'updated' | 'errorCells'>> {
  return session.attempt(async (catalog, results) => {
    const table = catalog.find(chunk.table)
    const open = (await session.engine.pending()).some((range) => contains(range, chunk))
    if (!table || !open) return nothing
    const change = new Change(session, catalog, {
      results,
      meter,
      operation: 'compute',
      onError,
      signal,
      completes: chunk,
    })
    const batch = await loadBatch(session, catalog, table, await idsIn(session, catalog, table, chunk))
    if (batch.length > 0) {
      const column = table.columns.find(({ id }) => id === chunk.what)
      const index = table.indexes.find(({ id }) => id === chunk.what)
      if (chunk.what === wholeRow) await change.complete(batch)
      else if (column) {
        await change.update(batch, { changed: new ChangedCells(), recompute: new Set([column.name]), fill: true })
      } else if (index) await change.embed(batch, index)
    }
    return finish(session, change, { updated: batch.length }, { read: rowsRead(batch) })
  })
}

const contains = (range: PendingRange, { table, what, first, last }: PendingRange): boolean =>
  range.table === table && range.what === what && range.first <= first && range.last >= last

async function idsIn(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  { first, last }: PendingRange,
): Promise<number[]> {
  const rowid: Node = { kind: 'rowid', table: table.id }
  const rows = await session.engine.select(
    {
      from: { kind: 'table', line: catalog.lineOf(table) },
      columns: [{ name: 'id', value: rowid }],
      where: {
        kind: 'call',
        operator: 'between',
        args: [rowid, { kind: 'literal', value: first }, { kind: 'literal', value: last }],
      },
    },
    session.decode,
  )
  return rows.map(([id]) => id as number)
}
