import { SchemaError } from '../errors.js'
import { describeValue } from '../types/column-type.js'
import { foldName } from './catalog.js'

const maxLength = 1000
/** Columns that every stored row has besides the user's. */
const systemColumns = ['_rowid', '_version', '_base', '_until']
// What no SQL name can hold, and what nobody could see in one.
const unwritable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|^\s|\s$/u

/**
 * Checks a dot path, the name of a directory or table. Its words may hold anything that can be seen but `.`, which
 * separates them, and `@`, which marks the tables that belong to a table.
 * @throws SchemaError
 */
export function checkPath(path: unknown, what: string): asserts path is string {
  if (typeof path !== 'string' || path === '') {
    throw new SchemaError(`${what} name: expected text such as 'app.docs', got ${describeValue(path)}`)
  }
  checkText(path, what)
  for (const word of path.split('.')) {
    if (word === '' || word.includes('@') || unwritable.test(word) || isReserved(word) || isSqlites(word)) {
      throw new SchemaError(
        `${what} name: expected words joined by dots, without '@', control characters or spaces at their ends, and not starting with 'pxt_' or 'sqlite_', got ${describeValue(path)}`,
      )
    }
  }
}

/**
 * Checks the name of a column or index.
 * @throws SchemaError
 */
export function checkName(name: unknown, what: string): asserts name is string {
  if (typeof name !== 'string' || name === '') {
    throw new SchemaError(`${what} name: expected text, got ${describeValue(name)}`)
  }
  checkText(name, what)
  if (name.startsWith('@') || isReserved(name) || systemColumns.includes(foldName(name))) {
    throw new SchemaError(
      `${what} name: '@' and 'pxt_' at the start, and the names ${systemColumns.join(', ')} are reserved, got ${describeValue(name)}`,
    )
  }
}

function checkText(name: string, what: string): void {
  if (name.length > maxLength) {
    throw new SchemaError(`${what} name: expected at most ${maxLength} characters, got ${name.length}`)
  }
  if (unwritable.test(name)) {
    throw new SchemaError(
      `${what} name: expected no control characters and no spaces at the ends, got ${describeValue(name)}`,
    )
  }
}

const isReserved = (name: string): boolean => foldName(name).startsWith('pxt_')
const isSqlites = (name: string): boolean => foldName(name).startsWith('sqlite_')

/** The directory of a dot path, or undefined at the top. */
export function directoryOf(path: string): string | undefined {
  const end = path.lastIndexOf('.')
  return end < 0 ? undefined : path.slice(0, end)
}

/** Whether `path` lies inside `directory`, at any depth. */
export const isInside = (path: string, directory: string): boolean =>
  foldName(path).startsWith(`${foldName(directory)}.`)
