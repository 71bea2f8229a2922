import type { IndexDefinition, TableDefinition, TextIndexDefinition } from '../../catalog/definition.js'
import type { PendingRange } from '../engine.js'
import { bind, Fragment, join, quote, sql } from './fragment.js'
import { errorsTable, historyTable, keepsVectors, vectorsTable } from './names.js'

/**
 * The rows of a table as SQL: the table itself, or, as of a version, what was current then. A row was current from the
 * version that wrote it until the one that superseded it; those superseded since are in the history.
 */
export function rowsOf(table: TableDefinition, asOf: number | undefined): Fragment {
  if (asOf === undefined) return new Fragment(quote(table.name))
  const system = ['_rowid', '_version', ...(table.view ? ['_base'] : [])]
  const columns = table.columns
    .filter((column) => !column.unstored)
    .map(({ name, storedAs = name }) => `${quote(storedAs)} AS ${quote(name)}`)
  return union(table.storedAs ?? table.name, [...system, ...columns], asOf)
}

/**
 * The vectors of an index, with the id of the row that each belongs to.
 * @param line the table that has the index, its base, the base's base, and so on
 */
export function vectorsOf(
  line: readonly TableDefinition[],
  index: IndexDefinition,
  asOf: number | undefined,
): Fragment {
  const table = line[0]!
  if (keepsVectors(index)) {
    const name = vectorsTable(table.storedAs ?? table.name, index.storedAs ?? index.name)
    const stored = asOf === undefined ? new Fragment(quote(name)) : union(name, ['_rowid', 'vector'], asOf)
    const { precision, dimensions = 0 } = index
    if (precision === undefined) return stored
    return sql`(SELECT _rowid, pxt_vector(vector, ${bind(precision)}, ${bind(dimensions)}) AS vector FROM ${stored})`
  }
  const owns = ({ columns }: TableDefinition) => columns.some(({ name }) => name === index.column)
  const depth = line.findIndex(owns)
  const { nullable, computed } = line[depth]!.columns.find(({ name }) => name === index.column)!
  // IS NOT NULL would read every vector twice; typeof reads only its header.
  const present = (column: string) => (nullable || computed ? ` WHERE typeof(${column}) = 'blob'` : '')
  const name = quote(index.column)
  if (depth === 0) return sql`(SELECT _rowid, ${name} AS vector FROM ${rowsOf(table, asOf)}${present(name)})`
  const rows = line.slice(0, depth + 1).map((owner, i) => {
    const source = sql`${rowsOf(owner, asOf)} AS ${`v${i}`}`
    return i === 0 ? source : sql`${source} ON ${`v${i}`}._rowid = ${`v${i - 1}`}._base`
  })
  const column = `v${depth}.${name}`
  return sql`(SELECT v0._rowid AS _rowid, ${column} AS vector FROM ${join(rows, ' JOIN ')}${present(column)})`
}

/**
 * What a full-text index has of each row: its id and its terms, `c0`, `c1` and so on.
 * @param line the table that has the index, its base, the base's base, and so on
 */
export function termsOf(
  line: readonly TableDefinition[],
  { columns, language, tokenizer }: TextIndexDefinition,
  asOf: number | undefined,
): Fragment {
  const owners = ownersOf(line, columns)
  const rows = line.slice(0, Math.max(...owners) + 1).map((owner, i) => {
    const source = sql`${rowsOf(owner, asOf)} AS ${`v${i}`}`
    return i === 0 ? source : sql` JOIN ${source} ON ${`v${i}`}._rowid = ${`v${i - 1}`}._base`
  })
  const terms = columns.map(
    ({ name }, i) =>
      sql`pxt_terms(${`v${owners[i]}.${quote(name)}`}, ${bind(language)}, ${bind(tokenizer)}) AS ${`c${i}`}`,
  )
  return sql`SELECT v0._rowid AS _rowid, ${join(terms, ', ')} FROM ${join(rows, '')}`
}

/** For each column of a full-text index, how far down the line the table that holds it is. */
export const ownersOf = (line: readonly TableDefinition[], columns: TextIndexDefinition['columns']): number[] =>
  columns.map(({ name }) => line.findIndex((owner) => owner.columns.some((column) => column.name === name)))

/** The error of a cell of the row with an id, now or as of a version. */
export function cellErrorOf(
  table: TableDefinition,
  column: string,
  part: 'type' | 'message',
  rowid: string,
  asOf: number | undefined,
): Fragment {
  const errors = quote(errorsTable(table.storedAs ?? table.name))
  const stored = table.columns.find(({ name }) => name === column)?.storedAs ?? column
  const current =
    asOf === undefined
      ? new Fragment('e._until IS NULL')
      : sql`e._version <= ${bind(asOf)} AND (e._until IS NULL OR e._until > ${bind(asOf)})`
  return sql`(SELECT e.${part} FROM ${errors} AS e WHERE e._rowid = ${rowid} AND e."column" = ${bind(stored)} AND ${current})`
}

function union(name: string, columns: readonly string[], asOf: number): Fragment {
  const list = columns.join(', ')
  const version = bind(asOf)
  return sql`(SELECT ${list} FROM ${quote(name)} WHERE _version <= ${version} UNION ALL SELECT ${list} FROM ${quote(historyTable(name))} WHERE _version <= ${version} AND _until > ${version})`
}

/**
 * Rows of a table or view that differ between two versions: for each its id, the kind of change and the version that
 * made the last one. A view's row changes with the rows of its bases that it shows.
 */
export function changesSql(line: readonly TableDefinition[], since: number, until: number): Fragment {
  const state = (asOf: number): Fragment => {
    const tables = line.map((table, i) => {
      const rows = sql`${rowsOf(table, asOf)} AS t${String(i)}`
      return i === 0 ? rows : sql` JOIN ${rows} ON t${String(i)}._rowid = t${String(i - 1)}._base`
    })
    const versions = line.map((_, i) => `t${i}._version`)
    const version = versions.length === 1 ? versions[0]! : `max(${versions.join(', ')})`
    return sql`SELECT t0._rowid AS id, ${version} AS version FROM ${join(tables, '')}`
  }
  const gone = sql`SELECT _rowid, max(_until) AS version FROM ${quote(historyTable(line[0]!.storedAs ?? line[0]!.name))} WHERE _until <= ${bind(until)} GROUP BY _rowid`
  return sql`WITH was AS (${state(since)}), is_now AS (${state(until)})
    SELECT CASE WHEN was.id IS NULL THEN 'insert' ELSE 'update' END, is_now.id, is_now.version AS version FROM is_now LEFT JOIN was ON was.id = is_now.id
      WHERE is_now.version > ${bind(since)}
    UNION ALL SELECT 'delete', was.id, gone.version FROM was LEFT JOIN (${gone}) AS gone ON gone._rowid = was.id
      WHERE was.id NOT IN (SELECT id FROM is_now)
    ORDER BY 3, 2`
}

/** How many rows a table or view has: all, or those that are, or derive from, a row in one of the ranges. */
export function countRowsSql(line: readonly TableDefinition[], within: readonly PendingRange[] | undefined): Fragment {
  const depthOf = ({ table }: PendingRange) => line.findIndex(({ id }) => id === table)
  const deepest = Math.max(0, ...(within ?? []).map(depthOf))
  const from = line.slice(0, deepest + 1).map((table, i) => {
    const name = `${quote(table.name)} AS t${i}`
    return new Fragment(i === 0 ? name : ` JOIN ${name} ON t${i}._rowid = t${i - 1}._base`)
  })
  const inRange = (within ?? []).map(
    (range) => sql`t${String(depthOf(range))}._rowid BETWEEN ${bind(range.first)} AND ${bind(range.last)}`,
  )
  const where = within
    ? sql` WHERE ${inRange.length === 0 ? new Fragment('0') : join(inRange, ' OR ')}`
    : new Fragment('')
  return sql`SELECT count(*) FROM ${join(from, '')}${where}`
}
