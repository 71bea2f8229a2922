import type { ColumnDefinition, IndexDefinition, TableDefinition } from '../../catalog/definition.js'
import type { Storage } from '../../types/column-type.js'
import { quote } from './fragment.js'

/** Names of the tables that belong to a user's table. `@` cannot occur in a user's own names. */
export const errorsTable = (table: string): string => `${table}@errors`
export const vectorsTable = (table: string, index: string): string => `${table}@${index}`

const storageClasses: Readonly<Record<Storage, string>> = {
  text: 'TEXT',
  integer: 'INTEGER',
  real: 'REAL',
  blob: 'BLOB',
  any: 'ANY',
}

/** The statements that create a table with its companions. STRICT, so that no tool can store a value of another kind. */
export function createTable(table: TableDefinition): string[] {
  const columns = [
    '_rowid INTEGER PRIMARY KEY',
    '_version INTEGER NOT NULL',
    ...(table.view ? ['_base INTEGER NOT NULL'] : []),
    ...table.columns.map(columnSql),
  ]
  const statements = [
    `CREATE TABLE ${quote(table.name)} (${columns.join(', ')}) STRICT`,
    `CREATE TABLE ${quote(errorsTable(table.name))} (_rowid INTEGER NOT NULL, "column" TEXT NOT NULL, type TEXT NOT NULL, message TEXT NOT NULL, function TEXT, PRIMARY KEY (_rowid, "column")) STRICT, WITHOUT ROWID`,
  ]
  if (table.view) statements.push(`CREATE INDEX ${quote(`${table.name}@base`)} ON ${quote(table.name)} (_base)`)
  if (table.primaryKey.length > 0) {
    const key = table.primaryKey.map(quote).join(', ')
    statements.push(`CREATE UNIQUE INDEX ${quote(`${table.name}@pk`)} ON ${quote(table.name)} (${key})`)
  }
  return [...statements, ...table.indexes.flatMap((index) => createVectors(table, index))]
}

function columnSql(column: ColumnDefinition): string {
  // A failed cell is null, so a computed column is always nullable in storage.
  const required = !column.nullable && !column.computed
  return `${quote(column.name)} ${storageClasses[column.type.storage]}${required ? ' NOT NULL' : ''}`
}

export const addColumn = (table: TableDefinition, column: ColumnDefinition): string =>
  `ALTER TABLE ${quote(table.name)} ADD COLUMN ${columnSql({ ...column, nullable: true })}`

/** Whether an index keeps vectors of its own: one over a column of vectors reads that column. */
export const keepsVectors = (index: IndexDefinition): boolean => index.embedder !== undefined

export const createVectors = (table: TableDefinition, index: IndexDefinition): string[] =>
  keepsVectors(index)
    ? [
        `CREATE TABLE ${quote(vectorsTable(table.name, index.name))} (_rowid INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT`,
      ]
    : []

export const dropVectors = (table: TableDefinition, index: IndexDefinition): string[] =>
  keepsVectors(index) ? [`DROP TABLE ${quote(vectorsTable(table.name, index.name))}`] : []

export function dropTable(table: TableDefinition): string[] {
  return tablesOf(table).map((name) => `DROP TABLE ${quote(name)}`)
}

export function renameTable(table: TableDefinition, name: string): string[] {
  const renamed = { ...table, name }
  const to = tablesOf(renamed)
  const statements = tablesOf(table).map((from, i) => `ALTER TABLE ${quote(from)} RENAME TO ${quote(to[i]!)}`)
  // SQLite cannot rename an index.
  const indexes = createTable(renamed).filter((statement) => statement.includes('INDEX'))
  const old = [...(table.view ? ['base'] : []), ...(table.primaryKey.length > 0 ? ['pk'] : [])]
  return [...statements, ...old.map((suffix) => `DROP INDEX ${quote(`${table.name}@${suffix}`)}`), ...indexes]
}

/** The table and its companions. */
function tablesOf(table: TableDefinition): string[] {
  return [
    table.name,
    errorsTable(table.name),
    ...table.indexes.filter(keepsVectors).map((index) => vectorsTable(table.name, index.name)),
  ]
}
