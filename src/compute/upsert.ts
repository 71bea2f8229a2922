import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { NotFoundError, QueryError, ValidationError } from '../errors.js'
import { literal, type Node } from '../expr/node.js'
import { collect } from '../plan/execute.js'
import type { Session } from '../plan/session.js'
import { type ColumnType, describeValue } from '../types/column-type.js'
import { Change } from './change.js'
import { checkRow, parseRows } from './parse.js'
import { RowBatch } from './row-batch.js'
import { type ChangeResult, finish, rowQuery, type Target, writable } from './statements.js'
import { parseUpdate, type StoredRow, setColumns, type UpdateOptions, updatable } from './update.js'

/** Options of `upsert`. */
export interface UpsertOptions extends UpdateOptions {
  /** What becomes of a row whose key is new: it is inserted, left out, or an error. @default 'insert' */
  readonly ifNotExists?: 'insert' | 'ignore' | 'error'
}

/**
 * Updates the rows that have the primary keys of the given ones, and inserts those whose key is new, in one commit.
 */
export function upsertRows(
  session: Session,
  target: Target,
  source: readonly unknown[],
  options: UpsertOptions,
): Promise<ChangeResult> {
  return session.attempt(async (catalog, results) => {
    const table = writable(catalog, target, 'upsert into')
    const { signal, ifNotExists = 'insert' } = options
    if (table.primaryKey.length === 0) {
      throw new QueryError(`upsert(): '${table.name}' has no primary key; use update() and insert()`)
    }
    const change = new Change(session, catalog, {
      results,
      operation: 'upsert',
      onError: options.onError ?? 'abort',
      signal,
    })
    const keys = await parseKeys(table, source, session, change, signal)
    const found = await findByKey(session, table, keys, signal)
    const isNew = keys.map((key) => !found.has(key.text))
    const missing = isNew.indexOf(true)
    if (missing >= 0 && ifNotExists === 'error') {
      const { values } = keys[missing]!
      const key = table.primaryKey.map((name, i) => `${name} = ${describeValue(values[i])}`).join(', ')
      throw new NotFoundError(`row ${missing}: '${table.name}' has no row with ${key}; nothing was written`)
    }
    const updated = await updateByKey(session, catalog, change, table, source, keys, found, options)
    const fresh = ifNotExists === 'insert' ? source.filter((_, i) => isNew[i]) : []
    if (fresh.length > 0) {
      const values = await parseRows(table, fresh, session, change, signal)
      await change.insert(new RowBatch(table, change.newKeys(table, fresh.length), values))
    }
    return finish(session, change, { inserted: fresh.length, updated })
  })
}

/** A primary key of a given row. */
interface RowKeyValues {
  readonly values: readonly unknown[]
  /** The same for equal keys. */
  readonly text: string
}

async function parseKeys(
  table: TableDefinition,
  rows: readonly unknown[],
  session: Session,
  change: Change,
  signal: AbortSignal | undefined,
): Promise<RowKeyValues[]> {
  const columns = table.primaryKey.map((name) => table.columns.find((c) => c.name === name)!)
  const seen = new Map<string, number>()
  const keys: RowKeyValues[] = []
  for (const [i, row] of rows.entries()) {
    checkRow(row, i)
    const values: unknown[] = []
    for (const column of columns) {
      const value = Object.hasOwn(row, column.name) ? row[column.name] : undefined
      if (value === undefined || value === null) {
        throw new ValidationError(
          `row ${i}: upsert() needs the primary key, and column '${column.name}' of '${table.name}' is ${value}; nothing was written`,
          { row: i, column: column.name },
        )
      }
      values.push(await parseUpdate(table, column, value, i, session, change, signal))
    }
    const text = keyText(columns, values)
    const other = seen.get(text)
    if (other !== undefined) {
      throw new ValidationError(`rows ${other} and ${i} have the same primary key; nothing was written`, { row: i })
    }
    seen.set(text, i)
    keys.push({ values, text })
  }
  return keys
}

const keyText = (columns: readonly { readonly type: ColumnType<any> }[], values: readonly unknown[]): string =>
  JSON.stringify(columns.map(({ type }, i) => String(type.encode(values[i]))))

/** Keys looked up in one query. */
const keysPerQuery = 500

async function findByKey(
  session: Session,
  table: TableDefinition,
  keys: readonly RowKeyValues[],
  signal: AbortSignal | undefined,
): Promise<Map<string, StoredRow>> {
  const columns = table.primaryKey.map((name) => table.columns.find((c) => c.name === name)!)
  const found = new Map<string, StoredRow>()
  const node = (name: string): Node => ({ kind: 'column', table: table.id, name })
  for (let start = 0; start < keys.length; start += keysPerQuery) {
    const part = keys.slice(start, start + keysPerQuery)
    // Every column's values narrow the rows; the exact combinations are told apart below.
    const where = columns.map(({ name }, c): Node => {
      const values = [...new Set(part.map((key) => key.values[c]))]
      return { kind: 'call', operator: 'in', args: [node(name), ...values.map(literal)] }
    })
    const query = rowQuery(table, where, ['_version', ...table.primaryKey])
    for (const row of await collect(session, query, {}, { signal })) {
      const text = keyText(
        columns,
        columns.map(({ name }) => row[name]),
      )
      found.set(text, row as unknown as StoredRow)
    }
  }
  return found
}

/** Sets the columns that each given row has, but its key, in the stored row of that key. */
async function updateByKey(
  session: Session,
  catalog: Catalog,
  change: Change,
  table: TableDefinition,
  source: readonly unknown[],
  keys: readonly RowKeyValues[],
  found: ReadonlyMap<string, StoredRow>,
  { signal, cascade }: UpsertOptions,
): Promise<number> {
  const groups = new Map<string, { columns: string[]; rows: StoredRow[]; from: number[] }>()
  source.forEach((row, i) => {
    const stored = found.get(keys[i]!.text)
    if (!stored) return
    const columns = Object.keys(row as object).filter(
      (name) => !table.primaryKey.includes(name) && (row as Record<string, unknown>)[name] !== undefined,
    )
    const group = groups.get(columns.join('\n')) ?? { columns, rows: [], from: [] }
    groups.set(columns.join('\n'), group)
    group.rows.push(stored)
    group.from.push(i)
  })
  let updated = 0
  for (const { columns, rows, from } of groups.values()) {
    const given = new Map<string, unknown[]>()
    for (const name of columns) {
      const column = updatable(catalog, table, name)
      const cells: unknown[] = []
      for (const i of from) {
        const value = (source[i] as Record<string, unknown>)[name]
        cells.push(await parseUpdate(table, column, value, i, session, change, signal))
      }
      given.set(name, cells)
    }
    await setColumns(session, catalog, change, table, rows, given, cascade)
    updated += rows.length
  }
  return updated
}
