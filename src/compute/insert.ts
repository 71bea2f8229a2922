import { type Catalog, columnKey } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { QueryError, ValidationError } from '../errors.js'
import type { Session } from '../plan/session.js'
import { describeValue } from '../types/column-type.js'
import { Change } from './change.js'
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
  /** Called after each commit with the rows inserted so far. */
  readonly onProgress?: (progress: { readonly inserted: number }) => void
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
  if (Array.isArray(source)) return insertBatch(session, table, source, options, 0)
  if (typeof source !== 'object' || source === null) {
    throw new ValidationError(`insert(): expected a row, an array or an iterable of rows, got ${describeValue(source)}`)
  }
  if (!(Symbol.iterator in source) && !(Symbol.asyncIterator in source)) {
    return insertBatch(session, table, [source], options, 0)
  }
  let total: ChangeResult | undefined
  for await (const batch of inBatches(source as AsyncIterable<unknown>, size)) {
    const result = await insertBatch(session, table, batch, options, total?.inserted ?? 0)
    total = total ? addResults(total, result) : result
  }
  return total ?? insertBatch(session, table, [], options, 0)
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

function insertBatch(
  session: Session,
  target: Target,
  rows: readonly unknown[],
  options: InsertOptions,
  before: number,
): Promise<ChangeResult> {
  return session.attempt(async (catalog, results) => {
    const table = writable(catalog, target, 'insert into')
    const { signal } = options
    if (options.compute === 'deferred') checkDeferrable(catalog, table)
    const change = new Change(session, catalog, {
      results,
      operation: 'insert',
      onError: options.onError ?? 'abort',
      signal,
    })
    const values = await parseRows(table, rows, session, change, signal)
    const batch = new RowBatch(table, change.newKeys(table, rows.length), values)
    const deferred = options.compute === 'deferred'
    if (deferred) await change.insertPending(batch)
    else await change.insert(batch)
    const defers = deferred && rows.length > 0 ? [{ table, what: wholeRow }] : []
    const result = await finish(session, change, { inserted: rows.length }, { defers })
    if (deferred) session.deferred()
    options.onProgress?.({ inserted: before + rows.length })
    return result
  })
}

/** @throws QueryError when the table has a rule that only computed cells can tell to be kept */
function checkDeferrable(catalog: Catalog, table: TableDefinition): void {
  const computed = new Set(table.columns.flatMap(({ name, computed }) => (computed ? columnKey(table, name) : [])))
  const check = table.checks.find(({ predicate }) => [...catalog.inputsOf(predicate)].some((key) => computed.has(key)))
  const key = table.keys.find(
    ({ unique, columns }) => unique && columns.some((name) => computed.has(columnKey(table, name))),
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
