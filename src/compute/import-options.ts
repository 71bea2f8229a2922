import { ValidationError } from '../errors.js'
import { Column, type Schema } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import type { OnError } from './change.js'

/** How far an import or export has come. */
export interface TransferProgress {
  /** Rows written so far. */
  readonly rows: number
  /** Bytes of the file read or written so far. */
  readonly bytes: number
}

/** What an import does when a table of that name exists. */
export type ImportIfExists = 'error' | 'ignore' | 'replace' | 'append'

/** Options of all imports. */
export interface ImportOptions<S extends Schema = Schema> {
  /**
   * Types of columns, by their names in the table. Columns that it leaves out have the type that the file says, or one
   * inferred from its first rows.
   */
  readonly schema?: S | undefined
  /**
   * Which columns of the file to take: an array of their names there, or an object from names there to names in the
   * table, or to `false` for those to leave out; the object's other columns are taken under their own names.
   * @default all
   */
  readonly columns?: readonly string[] | Readonly<Record<string, string | false>> | undefined
  /** Columns of the new table whose values together are different in every row. @default none */
  readonly primaryKey?: readonly string[] | undefined
  /** A note on the new table, shown by `describe`. */
  readonly comment?: string | undefined
  /**
   * `'ignore'` returns the table that is there and reads nothing, `'replace'` puts the new one in its place once all
   * rows are in, `'append'` adds the rows to it.
   * @default 'error'
   */
  readonly ifExists?: ImportIfExists | undefined
  /** Rows in one commit; at least 1. @default 1000 */
  readonly batchSize?: number | undefined
  /**
   * Rows from which types are inferred, at least 1; `Infinity` for all of them, which are held in memory then.
   * @default 1000
   */
  readonly sampleRows?: number | undefined
  /** When appending, what a cell that cannot be computed does. @default 'abort' */
  readonly onError?: OnError | undefined
  /** Stops the import: a new table is not created, and of an appended one the batches written so far stay. */
  readonly signal?: AbortSignal | undefined
  /** Called after each batch. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined
}

export const defaultBatchSize = 1000
export const defaultSampleRows = 1000

/** @throws ValidationError for an option that is not valid */
export function checkImportOptions(name: string, options: ImportOptions): void {
  const { batchSize = defaultBatchSize, sampleRows = defaultSampleRows, ifExists = 'error', columns } = options
  const fail = (option: string, expected: string, got: unknown): never => {
    throw new ValidationError(`import of '${name}': ${option}: expected ${expected}, got ${describeValue(got)}`)
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) fail('batchSize', 'a whole number of at least 1', batchSize)
  if (!(sampleRows >= 1)) fail('sampleRows', 'a number of at least 1', sampleRows)
  if (!['error', 'ignore', 'replace', 'append'].includes(ifExists)) {
    fail('ifExists', `'error', 'ignore', 'replace' or 'append'`, ifExists)
  }
  if (columns !== undefined && (typeof columns !== 'object' || columns === null)) {
    fail('columns', 'an array or object of names', columns)
  }
  for (const [column, given] of Object.entries(options.schema ?? {})) {
    if (!(given instanceof Column)) fail(`schema: column '${column}'`, 'a type such as t.string()', given)
  }
}
