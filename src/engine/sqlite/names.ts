import type { IndexDefinition } from '../../catalog/definition.js'

/*
 * Names of the tables and indexes that belong to a user's table. `@` cannot occur in a user's own names.
 *
 * The tables of superseded rows and vectors begin with `_until`, the version that superseded the row, and go on with
 * the columns of the current ones in the same order, so that a row moves with `SELECT ?, *`.
 */
export const errorsTable = (table: string): string => `${table}@errors`
export const historyTable = (table: string): string => `${table}@history`
export const vectorsTable = (table: string, index: string): string => `${table}@${index}`
/** FTS5 puts `_data`, `_idx` … behind it for tables of its own, which no other name ends with. */
export const textTable = (table: string, index: string): string => `${table}@${index}@text`

/** Whether a table in the database is a full-text index. */
export const isTextTable = (name: string): boolean => /@[^@]+@text$/.test(name)

/** The name of a column or index that was dropped, for as long as an earlier version is kept. */
export const retiredName = ({ id }: { readonly id: number }): string => `@${id}`

/** Whether an index keeps vectors of its own: one over a column of vectors reads that column. */
export const keepsVectors = (index: IndexDefinition): boolean => index.embedder !== undefined

/** Whether a table in the database is a user's table or belongs to it. */
export const belongsTo = (table: string, name: string): boolean => name === table || name.startsWith(`${table}@`)
