import { isNdArray } from '../../types/arrays.js'
import { isMedia } from '../../types/media.js'

/** The order of two values of one type; NaN where they have none. Text goes by code point, as in SQL. */
export function compare(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime()
  if (isNumeric(a) && isNumeric(b)) return a < b ? -1 : a > b ? 1 : 0
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  if (isMedia(a) && isMedia(b)) return compareText(a.sha256, b.sha256)
  if (isNdArray(a) && isNdArray(b)) return compare(bytesOf(a.data), bytesOf(b.data)) || compare(a.shape, b.shape)
  if (typeof a === 'object' && typeof b === 'object') return JSON.stringify(a) === JSON.stringify(b) ? 0 : Number.NaN
  return Number.NaN
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength)

const isNumeric = (x: unknown): x is number | bigint => typeof x === 'number' || typeof x === 'bigint'

function compareText(a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // UTF-16 puts surrogates (code points above U+FFFF) below U+E000; UTF-8 does not.
    const xHigh = x >= 0xd800 && x <= 0xdfff
    const yHigh = y >= 0xd800 && y <= 0xdfff
    return xHigh === yHigh ? x - y : xHigh ? 1 : -1
  }
  return a.length - b.length
}

/** How one key of a sort order is sorted. */
export interface Sorting {
  readonly direction: 'asc' | 'desc'
  /** Where null stands, whatever the direction. @default 'last' */
  readonly nulls?: 'first' | 'last' | undefined
}

/**
 * The order of two values of a sort key. JSON may hold values of several kinds there: numbers and booleans come before
 * text, and lists and objects go by their JSON text, as in SQL.
 */
export function compareKeys(a: unknown, b: unknown, { direction, nulls }: Sorting): number {
  if (a === null || b === null) {
    if (a === b) return 0
    return (a === null) === (nulls === 'first') ? -1 : 1
  }
  let difference = compare(a, b)
  if (Number.isNaN(difference)) {
    const [x, y] = [keyOf(a), keyOf(b)]
    difference = typeof x === typeof y ? compare(x, y) : typeof x === 'number' ? -1 : 1
  }
  return direction === 'asc' ? difference : -difference
}

const keyOf = (value: unknown): string | number =>
  typeof value === 'boolean'
    ? Number(value)
    : typeof value === 'number'
      ? value
      : typeof value === 'string'
        ? value
        : JSON.stringify(value)
