import { SchemaError } from '../errors.js'
import { describeValue } from '../types/column-type.js'
import { foldName } from './catalog.js'

const maxLength = 128
// Letters of any script, marks, digits, emoji. What SQL, paths or this library read otherwise stays out.
const word = String.raw`[\p{L}\p{Extended_Pictographic}][\p{L}\p{M}\p{N}\p{Extended_Pictographic}\u200d_-]*`
const segment = new RegExp(`^${word}$`, 'u')
const column = new RegExp(`^${word}(?: [\\p{L}\\p{M}\\p{N}\\p{Extended_Pictographic}\\u200d_-]+)*$`, 'u')

/**
 * Checks a dot path, the name of a directory or table.
 * @throws SchemaError
 */
export function checkPath(path: unknown, what: string): asserts path is string {
  if (typeof path !== 'string' || path === '') {
    throw new SchemaError(`${what} name: expected text such as 'app.docs', got ${describeValue(path)}`)
  }
  if (path.length > maxLength)
    throw new SchemaError(`${what} name: at most ${maxLength} characters, got ${path.length}`)
  for (const part of path.split('.')) {
    if (!segment.test(part) || isReserved(part)) {
      throw new SchemaError(
        `${what} name: expected words of letters, digits, '_' and '-' joined by dots, each starting with a letter and not with 'pxt_', got ${describeValue(path)}`,
      )
    }
  }
}

/**
 * Checks the name of a column or index.
 * @throws SchemaError
 */
export function checkName(name: unknown, what: string): asserts name is string {
  if (typeof name !== 'string' || name.length > maxLength || !column.test(name) || isReserved(name)) {
    throw new SchemaError(
      `${what} name: expected at most ${maxLength} letters, digits, '_', '-' and inner spaces, starting with a letter and not with 'pxt_', got ${describeValue(name)}`,
    )
  }
}

const isReserved = (name: string): boolean => foldName(name).startsWith('pxt_')

/** The directory of a dot path, or undefined at the top. */
export function directoryOf(path: string): string | undefined {
  const end = path.lastIndexOf('.')
  return end < 0 ? undefined : path.slice(0, end)
}

/** Whether `path` lies inside `directory`, at any depth. */
export const isInside = (path: string, directory: string): boolean =>
  foldName(path).startsWith(`${foldName(directory)}.`)
