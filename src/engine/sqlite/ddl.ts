import { isDeepStrictEqual } from 'node:util'
import {
  type ColumnDefinition,
  columnsOfKey,
  type IndexDefinition,
  type KeyDefinition,
  type KeyPart,
  type TableDefinition,
  type TextIndexDefinition,
} from '../../catalog/definition.js'
import type { Storage } from '../../types/column-type.js'
import { compileIndexKey } from './compile/index.js'
import { quote } from './fragment.js'
import { errorsTable, historyTable, keepsVectors, retiredName, textTable, vectorsTable } from './names.js'

const storageClasses: Readonly<Record<Storage, string>> = {
  text: 'TEXT',
  integer: 'INTEGER',
  real: 'REAL',
  blob: 'BLOB',
  any: 'ANY',
}

/** The columns that the database holds: unstored ones are computed when they are read. */
const storedColumns = (table: TableDefinition): ColumnDefinition[] => table.columns.filter((c) => !c.unstored)

/** The statements that create a table with its companions. STRICT, so that no tool can store a value of another kind. */
export function createTable(table: TableDefinition): string[] {
  const system = ['_version INTEGER NOT NULL', ...(table.view ? ['_base INTEGER NOT NULL'] : [])]
  const columns = storedColumns(table)
  const history = ['_until INTEGER NOT NULL', '_rowid INTEGER NOT NULL', ...system, ...columns.map(looseColumn)]
  return [
    `CREATE TABLE ${quote(table.name)} (${['_rowid INTEGER PRIMARY KEY', ...system, ...columns.map(columnSql)].join(', ')}) STRICT`,
    `CREATE TABLE ${quote(historyTable(table.name))} (${history.join(', ')}) STRICT`,
    `CREATE TABLE ${quote(errorsTable(table.name))} (_until INTEGER, _rowid INTEGER NOT NULL, _version INTEGER NOT NULL, "column" TEXT NOT NULL, type TEXT NOT NULL, message TEXT NOT NULL, function TEXT, attempts INTEGER NOT NULL, PRIMARY KEY (_rowid, "column", _version)) STRICT`,
    ...indexesOf(table).map((index) => index.create),
    ...table.indexes.flatMap((index) => createVectors(table, index)),
    ...table.textIndexes.flatMap((index) => createText(quote(textTable(table.name, index.name)), index)),
  ]
}

/** The SQLite indexes of a table, with the statements that make them. */
function indexesOf(table: TableDefinition): { name: string; create: string }[] {
  const on = (suffix: string, parts: readonly KeyPart[], unique = false, of = table.name) => {
    const name = `${table.name}@${suffix}`
    const keys = parts.flatMap((part) =>
      typeof part === 'string' ? quote(part) : compileIndexKey(table, part, unique),
    )
    const create = `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${quote(name)} ON ${quote(of)} (${keys.join(', ')})`
    return { name, create }
  }
  return [
    on('until', ['_until'], false, historyTable(table.name)),
    ...(table.view ? [on('base', ['_base'])] : []),
    ...(table.primaryKey.length > 0 ? [on('pk', table.primaryKey, true)] : []),
    ...table.keys.map(({ name, parts, unique }) => on(name, parts, unique)),
  ]
}

function columnSql(column: ColumnDefinition): string {
  // A failed cell is null, so a computed column is always nullable in storage.
  const required = !column.nullable && !column.computed
  return `${looseColumn(column)}${required ? ' NOT NULL' : ''}`
}

const looseColumn = (column: ColumnDefinition): string => `${quote(column.name)} ${storageClasses[column.type.storage]}`

function createVectors(table: TableDefinition, index: IndexDefinition): string[] {
  if (!keepsVectors(index)) return []
  const vectors = vectorsTable(table.name, index.name)
  const columns = '_version INTEGER NOT NULL, vector BLOB NOT NULL'
  return [
    `CREATE TABLE ${quote(vectors)} (_rowid INTEGER PRIMARY KEY, ${columns}) STRICT`,
    `CREATE TABLE ${quote(historyTable(vectors))} (_until INTEGER NOT NULL, _rowid INTEGER NOT NULL, ${columns}) STRICT`,
  ]
}

/**
 * The statements that create a full-text index. It holds terms that are ready, with spaces between them; FTS5 takes what
 * is beyond ASCII as it is. It keeps them, because an index without them loses count of the rows that are deleted, and
 * ranks by that count.
 * @param name as SQL has it
 */
export function createText(name: string, { columns, prefix }: TextIndexDefinition, schema = 'main'): string[] {
  const options = ["tokenize='ascii'", ...(prefix.length > 0 ? [`prefix='${prefix.join(' ')}'`] : [])]
  const weights = columns.map(({ weight }) => weight).join(', ')
  return [
    `CREATE VIRTUAL TABLE ${schema}.${name} USING fts5(${[...columns.map((_, i) => `c${i}`), ...options].join(', ')})`,
    `INSERT INTO ${schema}.${name} (${name}, rank) VALUES ('rank', 'bm25(${weights})')`,
  ]
}

/** The statements that bring a table from one definition to another. A dropped column or index is only renamed. */
export function alterTable(was: TableDefinition, table: TableDefinition): string[] {
  const columns = diff(storedColumns(was), storedColumns(table))
  const indexes = diff(was.indexes.filter(keepsVectors), table.indexes.filter(keepsVectors))
  const both = [quote(table.name), quote(historyTable(table.name))]
  const renameColumn = (from: string, to: string) =>
    both.map((name) => `ALTER TABLE ${name} RENAME COLUMN ${quote(from)} TO ${quote(to)}`)
  const renameIndex = (from: string, to: string) => {
    const [a, b] = [vectorsTable(table.name, from), vectorsTable(table.name, to)]
    return [renameTo(a, b), renameTo(historyTable(a), historyTable(b))]
  }
  // Errors are recorded under the names that columns and indexes have in the database.
  const renameErrors = (from: string, to: string) =>
    `UPDATE ${quote(errorsTable(table.name))} SET "column" = ${text(to)} WHERE "column" = ${text(from)}`
  const isNew = ({ id }: { id: number }) => id >= was.nextId
  const texts = diff(was.textIndexes, table.textIndexes)
  const keys = diff(was.keys, table.keys)
  // The index of a column that was replaced would follow the old one, which is only renamed; and the functions that an
  // index calls may be others for another type.
  const moved = table.keys.filter((key) => {
    const old = was.keys.find(({ id }) => id === key.id)
    return old !== undefined && !isDeepStrictEqual(readBy(was, old), readBy(table, key))
  })
  const madeKeys = [...keys.made, ...moved].map((key) => `${table.name}@${key.name}`)
  return [
    ...[...keys.gone, ...moved].map((key) => `DROP INDEX ${quote(`${table.name}@${key.name}`)}`),
    // What they hold follows from the rows, those of earlier versions too.
    ...texts.gone.map((index) => `DROP TABLE ${quote(textTable(table.name, index.name))}`),
    ...texts.made.flatMap((index) => createText(quote(textTable(table.name, index.name)), index)),
    ...columns.gone.flatMap((column) => [
      `ALTER TABLE ${both[0]} ALTER COLUMN ${quote(column.name)} DROP NOT NULL`,
      ...renameColumn(column.name, retiredName(column)),
      renameErrors(column.name, retiredName(column)),
    ]),
    // Through a name of its own, so that two columns can swap theirs.
    ...columns.renamed.flatMap(([{ name, id }]) => [...renameColumn(name, `@@${id}`), renameErrors(name, `@@${id}`)]),
    ...columns.renamed.flatMap(([{ id }, to]) => [
      ...renameColumn(`@@${id}`, to.name),
      renameErrors(`@@${id}`, to.name),
    ]),
    ...columns.made.flatMap((column) =>
      isNew(column)
        ? both.map((name) => `ALTER TABLE ${name} ADD COLUMN ${looseColumn(column)}`)
        : [...renameColumn(retiredName(column), column.name), renameErrors(retiredName(column), column.name)],
    ),
    ...indexes.gone.flatMap((index) => [
      ...renameIndex(index.name, retiredName(index)),
      renameErrors(index.name, retiredName(index)),
    ]),
    ...indexes.renamed.flatMap(([{ name, id }]) => [...renameIndex(name, `@@${id}`), renameErrors(name, `@@${id}`)]),
    ...indexes.renamed.flatMap(([{ id }, to]) => [
      ...renameIndex(`@@${id}`, to.name),
      renameErrors(`@@${id}`, to.name),
    ]),
    ...indexes.made.flatMap((index) =>
      isNew(index)
        ? createVectors(table, index)
        : [...renameIndex(retiredName(index), index.name), renameErrors(retiredName(index), index.name)],
    ),
    ...indexesOf(table).flatMap(({ name, create }) => (madeKeys.includes(name) ? [create] : [])),
  ]
}

/** The columns that an ordered index reads, whatever their names. */
const readBy = ({ columns }: TableDefinition, key: KeyDefinition): unknown[] =>
  columnsOfKey(key).map((name) => {
    const column = columns.find((c) => c.name === name)
    return [column?.id, column?.type.config()]
  })

/** Which definitions appear, disappear and change their name from one list to another, by id. */
function diff<T extends { readonly id: number; readonly name: string }>(
  was: readonly T[],
  is: readonly T[],
): { gone: T[]; made: T[]; renamed: [T, T][] } {
  const before = new Map(was.map((item) => [item.id, item]))
  const after = new Set(is.map((item) => item.id))
  return {
    gone: was.filter((item) => !after.has(item.id)),
    made: is.filter((item) => !before.has(item.id)),
    renamed: is.flatMap((item): [T, T][] => {
      const old = before.get(item.id)
      return old && old.name !== item.name ? [[old, item]] : []
    }),
  }
}

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

const renameTo = (from: string, to: string): string => `ALTER TABLE ${quote(from)} RENAME TO ${quote(to)}`

/** @param companions the names of all tables in the database that belong to it; see `companionsOf` */
export const dropTable = (companions: readonly string[]): string[] =>
  companions.map((name) => `DROP TABLE ${quote(name)}`)

export function renameTable(table: TableDefinition, name: string, companions: readonly string[]): string[] {
  const renamed = companions.map((from) => renameTo(from, name + from.slice(table.name.length)))
  // SQLite cannot rename an index.
  const indexes = indexesOf(table).map((index) => `DROP INDEX ${quote(index.name)}`)
  return [...renamed, ...indexes, ...indexesOf({ ...table, name }).map((index) => index.create)]
}
