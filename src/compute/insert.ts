import { type Catalog, columnKey } from '../catalog/catalog.js'
import { columnsOfKey, type TableDefinition } from '../catalog/definition.js'
import { QueryError, ValidationError } from '../errors.js'
import { visit } from '../expr/node.js'
import { type OnProgress, type ProgressMeter, withProgress } from '../plan/progress.js'
import type { Session } from '../plan/session.js'
import { mayBeAsynchronous } from '../scheduler/caller.js'
import { describeValue } from '../types/column-type.js'
import { Change, callsPerRow } from './change.js'
import { parseRows } from './parse.js'
import { wholeRow } from './pending.js'
import { RowBatch } from './row-batch.js'
import { type ChangeResult, finish, type StatementOptions, type Target, writable } from './statements.js'

/** Options of an insert. */
export interface InsertOptions extends StatementOptions {
  /**
   * Rows in one commit when the source is an iterable; at least 1. An array is one commit whatever its length.
   * @default 1000
   */
  readonly batchSize?: number
  /**
   * `'deferred'` commits the rows at once and leaves their computed columns, view rows and vectors pending: null, or not
   * there, until `pxt.drain()` computes them. @default 'now'
   */
  readonly compute?: ComputeTime
  /** Hears how far the insert has come. @default the listener that the database was opened with */
  readonly onProgress?: OnProgress
}

/** When what derives from new rows is computed. */
export type ComputeTime = 'now' | 'deferred'

const defaultBatchSize = 1000

/** Inserts rows: one object, an array (one commit) or an iterable (a commit a batch, read no faster than written). */
export async function insertRows(
  session: Session,
  table: Target,
  source: unknown,
  options: InsertOptions = {},
): Promise<ChangeResult> {
  const size = options.batchSize ?? defaultBatchSize
  if (options.compute !== undefined && options.compute !== 'now' && options.compute !== 'deferred') {
    throw new ValidationError(`compute: expected 'now' or 'deferred', got ${describeValue(options.compute)}`)
  }
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new ValidationError(`batchSize: expected a whole number of at least 1, got ${describeValue(size)}`)
  }
  if (typeof source !== 'object' || source === null) {
    throw new ValidationError(`insert(): expected a row, an array or an iterable of rows, got ${describeValue(source)}`)
  }
  return withProgress(session, options.onProgress, (meter) => {
    const isStream = !Array.isArray(source) && (Symbol.iterator in source || Symbol.asyncIterator in source)
    if (isStream) return insertStream(session, table, source as AsyncIterable<unknown>, size, options, meter)
    const rows = Array.isArray(source) ? source : [source]
    return insertBatch(session, table, rows, { ...options, meter, isWhole: true })
  })
}

/** Batches that are under way at a time: while one waits for functions, the next one keeps them busy. */
const batchesAhead = 2

async function insertStream(
  session: Session,
  table: Target,
  source: AsyncIterable<unknown>,
  size: number,
  options: InsertOptions,
  meter: ProgressMeter | undefined,
): Promise<ChangeResult> {
  const underWay: Promise<ChangeResult>[] = []
  let total: ChangeResult | undefined
  let last: Promise<unknown> = Promise.resolve()
  const finishOne = async (): Promise<void> => {
    const result = await underWay.shift()!
    total = total ? addResults(total, result) : result
  }
  try {
    for await (const rows of inBatches(source, size)) {
      const batch = insertBatch(session, table, rows, { ...options, meter, after: last })
      // Whoever comes after it fails with it, and so does this statement, below.
      batch.catch(() => {})
      last = batch
      underWay.push(batch)
      if (underWay.length >= (isPipelined(session, table) ? batchesAhead : 1)) await finishOne()
    }
    while (underWay.length > 0) await finishOne()
  } finally {
    await Promise.allSettled(underWay)
  }
  return total ?? insertBatch(session, table, [], { ...options, meter })
}

/**
 * Whether a batch can be computed while the one before it is not committed: where functions are waited for, and none of
 * them reads tables, of which it would see an earlier state.
 */
function isPipelined(session: Session, { id }: Target): boolean {
  const catalog = session.lastCatalog
  const table = catalog.find(id)
  if (!table) return false
  let waits = false
  let reads = false
  for (const owner of [table, ...catalog.descendantsOf(table)]) {
    if (owner.indexes.some((index) => index.embedder)) waits = true
    const { where, iterator } = owner.view ?? {}
    for (const node of [...owner.columns.map((column) => column.computed), where, ...(iterator?.args ?? [])]) {
      if (!node) continue
      visit(node, (n) => {
        if (n.kind !== 'function' || !n.fn.code) return
        if (n.fn.code.reads) reads = true
        if (mayBeAsynchronous(n.fn.code)) waits = true
      })
    }
  }
  return waits && !reads
}

async function* inBatches(source: AsyncIterable<unknown>, size: number): AsyncGenerator<unknown[]> {
  let batch: unknown[] = []
  for await (const row of source) {
    batch.push(row)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

interface BatchOptions extends InsertOptions {
  readonly meter: ProgressMeter | undefined
  /** Whether these are all the rows of the statement. */
  readonly isWhole?: boolean
  /** Committed before this batch. */
  readonly after?: Promise<unknown>
}

function insertBatch(
  session: Session,
  target: Target,
  rows: readonly unknown[],
  { signal, onError = 'abort', compute, meter, isWhole, after }: BatchOptions,
): Promise<ChangeResult> {
  return session.attempt(async (catalog, results) => {
    const table = writable(catalog, target, 'insert into')
    const deferred = compute === 'deferred'
    if (deferred) checkDeferrable(catalog, table)
    if (isWhole) meter?.expect(rows.length, deferred ? 0 : callsPerRow(table))
    const change = new Change(session, catalog, { results, meter, operation: 'insert', onError, signal })
    const values = await parseRows(table, rows, session, change, signal)
    const batch = new RowBatch(table, change.newKeys(table, rows.length), values)
    if (deferred) await change.insertPending(batch)
    else await change.insert(batch)
    await after
    const defers = deferred && rows.length > 0 ? [{ table, what: wholeRow }] : []
    const result = await finish(session, change, { inserted: rows.length }, { defers })
    if (deferred) session.deferred()
    meter?.committed(rows.length)
    return result
  })
}

/** @throws QueryError when the table has a rule that only computed cells can tell to be kept */
function checkDeferrable(catalog: Catalog, table: TableDefinition): void {
  const computed = new Set(table.columns.flatMap(({ name, computed }) => (computed ? columnKey(table, name) : [])))
  const check = table.checks.find(({ predicate }) => [...catalog.inputsOf(predicate)].some((key) => computed.has(key)))
  const key = table.keys.find(
    (other) => other.unique && columnsOfKey(other).some((name) => computed.has(columnKey(table, name))),
  )
  const rule = check ? `the check '${check.name}'` : key ? `the unique index '${key.name}'` : undefined
  if (!rule) return
  throw new QueryError(
    `insert into '${table.name}': ${rule} reads computed columns, so that the rows cannot be taken before they are computed: leave out compute: 'deferred'`,
  )
}

function addResults(a: ChangeResult, b: ChangeResult): ChangeResult {
  return {
    inserted: a.inserted + b.inserted,
    updated: a.updated + b.updated,
    deleted: a.deleted + b.deleted,
    errors: a.errors + b.errors,
    version: b.version,
    errorCells: [...a.errorCells, ...b.errorCells],
  }
}
