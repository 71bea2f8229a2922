import { QueryError } from '../../errors.js'
import type { Stored } from '../../types/column-type.js'
import type { ReadArgument } from '../engine.js'
import { type Connection, engineError } from './connection.js'
import { bind, Fragment, quote } from './fragment.js'

/** Runs a statement that only reads. What would write is refused by SQLite itself. */
export function readStatement(
  connection: Connection,
  parts: readonly string[],
  args: readonly ReadArgument[],
): Record<string, Stored>[] {
  const { sql, params } = args
    .map(fragmentOf)
    .reduce(
      (text, arg, i) => new Fragment(text.sql + arg.sql + parts[i + 1], [...text.params, ...arg.params]),
      new Fragment(parts[0]!),
    )
  const { db } = connection
  try {
    const statement = db.prepare(sql)
    if (!statement.readonly || !statement.reader) {
      throw new QueryError(
        'sql`…` reads only: write with insert(), update() and delete(), which keep views and indexes in step',
      )
    }
    // A subquery can only be a query, so that PRAGMA, EXPLAIN and the like do not pass either.
    db.prepare(`SELECT * FROM (${sql}\n)`)
    const columns = statement.columns().map(({ name }) => name)
    const rows = statement
      .raw(true)
      .safeIntegers(true)
      .all(...params.map(toBinding)) as Stored[][]
    return rows.map((row) => toObject(columns, row))
  } catch (cause) {
    throw QueryError.isInstance(cause) ? cause : toQueryError(cause)
  }
}

function fragmentOf(arg: ReadArgument): Fragment {
  switch (arg.kind) {
    case 'value':
      return bind(arg.value)
    case 'name':
      return new Fragment(quote(arg.name))
    case 'query':
      return new Fragment(`(${arg.query.sql})`, arg.query.params)
  }
}

/** better-sqlite3 binds every number as a float; `x || 5` would be 'x5.0'. */
const toBinding = (value: Stored): Stored => (Number.isSafeInteger(value) ? BigInt(value as number) : value)

function toObject(columns: readonly string[], row: readonly Stored[]): Record<string, Stored> {
  const entries = columns.map((name, i): [string, Stored] => {
    const value = row[i]!
    if (typeof value === 'bigint') return [name, Number.isSafeInteger(Number(value)) ? Number(value) : value]
    return [name, value instanceof Uint8Array ? new Uint8Array(value) : value]
  })
  return Object.fromEntries(entries)
}

function toQueryError(cause: unknown): Error {
  const { code, message } = cause as { code?: unknown; message: string }
  const wrong = code === 'SQLITE_ERROR' || (cause instanceof RangeError && /statements?$/.test(message))
  return wrong ? new QueryError(`sql\`…\`: ${message}`, { cause }) : engineError(cause, 'cannot run the statement')
}
