import type { ColumnDefinition, TableDefinition } from '../catalog/definition.js'
import { NotFoundError, PixeltableError, ValidationError } from '../errors.js'
import { Pace } from '../pace.js'
import type { Cell } from '../plan/evaluate.js'
import type { Session } from '../plan/session.js'
import type { ColumnType } from '../types/column-type.js'
import type { Change } from './change.js'

/** A value as its column's type has it. A file is resolved, and its bytes join the change where they are to be kept. */
export function parseCell(
  type: ColumnType<any>,
  value: unknown,
  session: Session,
  change: Change,
  signal: AbortSignal | undefined,
): unknown {
  if (!type.media) return type.parse(value)
  return session.resolveFile(type.media, value, signal).then(({ media, content }) => {
    if (content) change.addFile(content)
    return media
  })
}

/** Rows between two looks at the clock. */
const rowsPerLook = 64
/** Files opened or fetched at a time. */
const concurrentFiles = 8

/**
 * Checks the rows of an insert and gives their values by column: parsed, defaults filled in, files resolved. All of it
 * happens before anything is computed or written.
 * @throws ValidationError that names the row and the column
 */
export async function parseRows(
  table: TableDefinition,
  rows: readonly unknown[],
  session: Session,
  change: Change,
  signal: AbortSignal | undefined,
): Promise<Map<string, Cell[]>> {
  const insertable = table.columns.filter((column) => !column.computed)
  checkShape(table, insertable, rows)
  const result = new Map<string, Cell[]>()
  for (const column of insertable) {
    const values: Cell[] = new Array(rows.length)
    result.set(column.name, values)
    await parseColumn(table, column, rows as readonly Record<string, unknown>[], values, session, change, signal)
  }
  return result
}

/** @throws ValidationError when a row is not an object */
export function checkRow(row: unknown, i: number): asserts row is Record<string, unknown> {
  if (typeof row === 'object' && row !== null && !Array.isArray(row)) return
  throw new ValidationError(
    `row ${i}: expected an object with columns as keys, got ${Array.isArray(row) ? 'an array' : String(row)}; nothing was written`,
    { row: i },
  )
}

function checkShape(table: TableDefinition, insertable: readonly ColumnDefinition[], rows: readonly unknown[]): void {
  const names = new Set(insertable.map((column) => column.name))
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]
    checkRow(row, i)
    // Unlike Object.keys, this makes no array for each row.
    for (const name in row) {
      if (names.has(name) || !Object.hasOwn(row, name)) continue
      const computed = table.columns.some((column) => column.name === name)
      throw new ValidationError(
        computed
          ? `row ${i}: column '${name}' of '${table.name}' is computed: leave it out; nothing was written`
          : `row ${i}: '${table.name}' has no column '${name}'. It has: ${[...names].join(', ')}; nothing was written`,
        { row: i, column: name },
      )
    }
  }
}

async function parseColumn(
  table: TableDefinition,
  column: ColumnDefinition,
  rows: readonly Record<string, unknown>[],
  values: Cell[],
  session: Session,
  change: Change,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { name, type } = column
  const fallback = makeDefault(table, column, session)
  const pace = new Pace(signal)
  let waiting: Promise<void>[] = []
  for (let i = 0; i < rows.length; i++) {
    if (i % rowsPerLook === 0 && pace.due) await pace.rest()
    const row = rows[i]!
    let value = Object.hasOwn(row, name) ? row[name] : undefined
    if (value === undefined && fallback) value = fallback()
    if (value === undefined || value === null) {
      if (!column.nullable) {
        throw new ValidationError(
          `row ${i}: column '${name}' of '${table.name}' is required, got ${value}; nothing was written`,
          { row: i, column: name },
        )
      }
      values[i] = null
      continue
    }
    try {
      const parsed = parseCell(type, value, session, change, signal)
      if (!(parsed instanceof Promise)) {
        values[i] = parsed
        continue
      }
      waiting.push(
        parsed.then(
          (settled) => {
            values[i] = settled
          },
          (cause: unknown) => {
            throw cellError(table, column, i, cause)
          },
        ),
      )
    } catch (cause) {
      throw cellError(table, column, i, cause)
    }
    if (waiting.length >= concurrentFiles) {
      await settleAll(waiting)
      if (pace.due) await pace.rest()
      waiting = []
    }
  }
  await settleAll(waiting)
}

/** Waits for all, so that none is left running when one has failed. */
async function settleAll(waiting: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(waiting)
  for (const result of results) if (result.status === 'rejected') throw result.reason
}

/** What fills a cell that an insert leaves out. */
export function makeDefault(
  table: TableDefinition,
  column: ColumnDefinition,
  session: Session,
): (() => unknown) | undefined {
  const fallback = column.default
  if (!fallback) return undefined
  if (fallback.kind === 'value') {
    const value = fallback.stored === null ? null : column.type.decode(fallback.stored, session.decode)
    return () => value
  }
  return () => {
    if (fallback.make) return fallback.make()
    throw new NotFoundError(
      `the default of column '${column.name}' of '${table.name}' is a function, which the file cannot hold: open the table with its schema, getTable('${table.name}', schema)`,
    )
  }
}

/** The error of a cell, with where it happened. Media errors keep their class. */
export function cellError(table: TableDefinition, column: ColumnDefinition, row: number, cause: unknown): Error {
  const where = `row ${row}: column '${column.name}' of '${table.name}'`
  if (PixeltableError.isInstance(cause) && !ValidationError.isInstance(cause)) {
    cause.message = `${where}: ${cause.message}; nothing was written`
    return cause
  }
  const message = cause instanceof Error ? cause.message : String(cause)
  return new ValidationError(`${where}: ${message}; nothing was written`, { row, column: column.name, cause })
}
