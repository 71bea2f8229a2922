import { ValidationError } from '../errors.js'
import type { Session } from '../plan/session.js'
import { describeValue } from '../types/column-type.js'
import { Change } from './change.js'
import { parseRows } from './parse.js'
import { RowBatch } from './row-batch.js'
import { type ChangeResult, finish, type StatementOptions, type Target, writable } from './statements.js'

/** Options of an insert. */
export interface InsertOptions extends StatementOptions {
  /**
   * Rows in one commit when the source is an iterable; at least 1. An array is one commit whatever its length.
   * @default 1000
   */
  readonly batchSize?: number
  /** Called after each commit with the rows inserted so far. */
  readonly onProgress?: (progress: { readonly inserted: number }) => void
}

const defaultBatchSize = 1000

/** Inserts rows: one object, an array (one commit) or an iterable (a commit a batch, read no faster than written). */
export async function insertRows(
  session: Session,
  table: Target,
  source: unknown,
  options: InsertOptions = {},
): Promise<ChangeResult> {
  const size = options.batchSize ?? defaultBatchSize
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
  return session.attempt(async (catalog) => {
    const table = writable(catalog, target, 'insert into')
    const { signal } = options
    const change = new Change(session, catalog, { operation: 'insert', onError: options.onError ?? 'abort', signal })
    const values = await parseRows(table, rows, session, change, signal)
    await change.insert(new RowBatch(table, change.newKeys(table, rows.length), values))
    const result = await finish(session, change, { inserted: rows.length })
    options.onProgress?.({ inserted: before + rows.length })
    return result
  })
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
