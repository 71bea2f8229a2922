import type { ColumnType, OperatorGroup } from '../types/column-type.js'
import { jsonType } from '../types/json.js'
import { isMedia } from '../types/media.js'
import { boolType, floatType, intType, stringType } from '../types/scalars.js'

/** What an operator wants of an operand: a value of an operator group, or anything. */
export type Operand = OperatorGroup | 'any'

/**
 * A built-in operator: what it takes, what it gives, and how JavaScript computes it. Its SQL is in the engine; a test
 * holds the two to the same answers. Except for the operators marked `nullAware`, null in gives null out.
 */
export interface Operator {
  /** Operand kinds; the last one repeats. */
  readonly operands: readonly Operand[]
  /** The type of the result, given those of the operands. */
  result(types: readonly ColumnType[]): ColumnType
  evaluate(...args: any[]): unknown
  readonly nullAware?: boolean
}

const json = jsonType()
const bool = () => boolType
const text = () => stringType

/** int stays int; anything else is float. */
const numeric = (types: readonly ColumnType[]): ColumnType =>
  types.find((type) => type.wide) ?? (types.every((type) => type.name === 'int') ? intType : floatType)

/** Operators by name. */
export const operators: Readonly<Record<string, Operator>> = {
  eq: { operands: ['any'], result: bool, evaluate: (a, b) => compare(a, b) === 0 },
  ne: { operands: ['any'], result: bool, evaluate: (a, b) => compare(a, b) !== 0 },
  gt: { operands: ['order'], result: bool, evaluate: (a, b) => compare(a, b) > 0 },
  gte: { operands: ['order'], result: bool, evaluate: (a, b) => compare(a, b) >= 0 },
  lt: { operands: ['order'], result: bool, evaluate: (a, b) => compare(a, b) < 0 },
  lte: { operands: ['order'], result: bool, evaluate: (a, b) => compare(a, b) <= 0 },
  between: {
    operands: ['order'],
    result: bool,
    evaluate: (x, low, high) => compare(x, low) >= 0 && compare(x, high) <= 0,
  },
  in: {
    operands: ['any'],
    result: bool,
    nullAware: true,
    evaluate: (x, ...list) => (x === null ? null : list.some((item) => item !== null && compare(x, item) === 0)),
  },
  isNull: { operands: ['any'], result: bool, nullAware: true, evaluate: (x) => x === null },
  isNotNull: { operands: ['any'], result: bool, nullAware: true, evaluate: (x) => x !== null },
  coalesce: {
    operands: ['any'],
    result: (types) => types[0]!,
    nullAware: true,
    evaluate: (...values) => values.find((value) => value !== null) ?? null,
  },

  // Three-valued logic: null is "unknown".
  and: {
    operands: ['bool'],
    result: bool,
    nullAware: true,
    evaluate: (a, b) => (a === false || b === false ? false : a === null || b === null ? null : true),
  },
  or: {
    operands: ['bool'],
    result: bool,
    nullAware: true,
    evaluate: (a, b) => (a === true || b === true ? true : a === null || b === null ? null : false),
  },
  not: { operands: ['bool'], result: bool, evaluate: (a) => !a },

  add: {
    operands: ['number'],
    result: numeric,
    evaluate: (a, b) =>
      arithmetic(
        a,
        b,
        (x, y) => x + y,
        (x, y) => x + y,
      ),
  },
  sub: {
    operands: ['number'],
    result: numeric,
    evaluate: (a, b) =>
      arithmetic(
        a,
        b,
        (x, y) => x - y,
        (x, y) => x - y,
      ),
  },
  mul: {
    operands: ['number'],
    result: numeric,
    evaluate: (a, b) =>
      arithmetic(
        a,
        b,
        (x, y) => x * y,
        (x, y) => x * y,
      ),
  },
  // Always a float, as in Python 3; null by zero, as in SQL.
  div: {
    operands: ['number'],
    result: () => floatType,
    evaluate: (a, b) => (Number(b) === 0 ? null : number(Number(a) / Number(b))),
  },
  // The sign of the dividend, as in JavaScript, C and SQL.
  mod: {
    operands: ['number'],
    result: numeric,
    evaluate: (a, b) =>
      Number(b) === 0
        ? null
        : arithmetic(
            a,
            b,
            (x, y) => x % y,
            (x, y) => x % y,
          ),
  },
  neg: { operands: ['number'], result: numeric, evaluate: (a) => (typeof a === 'bigint' ? -a : 0 - a) },

  hash: { operands: ['number'], result: () => floatType, evaluate: (x, seed) => hash(Number(x), Number(seed)) },

  concat: { operands: ['text'], result: text, evaluate: (...parts: string[]) => parts.join('') },
  upper: { operands: ['text'], result: text, evaluate: (s: string) => s.toUpperCase() },
  lower: { operands: ['text'], result: text, evaluate: (s: string) => s.toLowerCase() },
  trim: { operands: ['text'], result: text, evaluate: (s: string) => s.trim() },
  // Code points, as in SQL and Python, not UTF-16 units.
  length: { operands: ['text'], result: () => intType, evaluate: (s: string) => codePoints(s) },
  contains: { operands: ['text'], result: bool, evaluate: (s: string, part: string) => s.includes(part) },
  startsWith: { operands: ['text'], result: bool, evaluate: (s: string, part: string) => s.startsWith(part) },
  endsWith: { operands: ['text'], result: bool, evaluate: (s: string, part: string) => s.endsWith(part) },
  like: { operands: ['text'], result: bool, evaluate: (s: string, pattern: string) => likePattern(pattern).test(s) },

  get: {
    operands: ['json', 'any'],
    result: () => json,
    evaluate: (value, key: string | number) => member(value, key),
  },

  'media.url': { operands: ['media'], result: text, evaluate: (m) => m.url },
  'media.mime': { operands: ['media'], result: text, evaluate: (m) => m.mime },
  'media.size': { operands: ['media'], result: () => intType, evaluate: (m) => m.size },
  'media.sha256': { operands: ['media'], result: text, evaluate: (m) => m.sha256 },
  'media.name': { operands: ['media'], result: text, evaluate: (m) => m.name ?? null },
  'media.format': { operands: ['media'], result: text, evaluate: (m) => m.format ?? null },
  'media.width': { operands: ['media'], result: () => intType, evaluate: (m) => m.width ?? null },
  'media.height': { operands: ['media'], result: () => intType, evaluate: (m) => m.height ?? null },
}

/** Evaluates one operator on plain values. */
export function applyOperator(operator: Operator, args: readonly unknown[]): unknown {
  const values = args.map((arg, i) => conform(arg, operator.operands[Math.min(i, operator.operands.length - 1)]!))
  if (!operator.nullAware && values.includes(null)) return null
  return operator.evaluate(...values)
}

/** JSON reaches operators untyped: a value of the wrong kind counts as null, as its SQL does. */
function conform(value: unknown, operand: Operand): unknown {
  if (value === undefined || value === null) return null
  switch (operand) {
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' ? value : null
    case 'text':
      return typeof value === 'string' ? value : null
    case 'bool':
      return typeof value === 'boolean' ? value : null
    case 'media':
      return isMedia(value) ? value : null
    default:
      return value
  }
}

/** The order of two values of one type; NaN where they have none. Text goes by code point, as in SQL. */
export function compare(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b)
  if (a instanceof Date && b instanceof Date) return a.getTime() - b.getTime()
  if (isNumeric(a) && isNumeric(b)) return a < b ? -1 : a > b ? 1 : 0
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  if (isMedia(a) && isMedia(b)) return compareText(a.sha256, b.sha256)
  if (typeof a === 'object' && typeof b === 'object') return JSON.stringify(a) === JSON.stringify(b) ? 0 : Number.NaN
  return Number.NaN
}

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

function arithmetic(
  a: number | bigint,
  b: number | bigint,
  ofNumbers: (x: number, y: number) => number,
  ofBigints: (x: bigint, y: bigint) => bigint,
): number | bigint | null {
  if (typeof a === 'bigint' && typeof b === 'bigint') return ofBigints(a, b)
  if (typeof a === 'bigint' && Number.isSafeInteger(b)) return ofBigints(a, BigInt(b))
  if (typeof b === 'bigint' && Number.isSafeInteger(a)) return ofBigints(BigInt(a), b)
  return number(ofNumbers(Number(a), Number(b)))
}

/** SQL has no NaN: it is null. */
const number = (x: number): number | null => (Number.isNaN(x) ? null : x)

/** A number from 0 to 1 (exclusive) that looks random and depends on two whole numbers alone: MurmurHash3's finalizer. */
export function hash(x: number, seed: number): number {
  const mix = (h: number): number => {
    let m = h
    m = Math.imul(m ^ (m >>> 16), 0x85ebca6b)
    m = Math.imul(m ^ (m >>> 13), 0xc2b2ae35)
    return m ^ (m >>> 16)
  }
  const low = mix(mix(seed | 0) ^ (x | 0))
  const high = mix(low ^ Math.floor(x / 2 ** 32) ^ 0x9e3779b9)
  return (high >>> 0) / 2 ** 32
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

/** SQL's LIKE as a regular expression: `%` any text, `_` one character, case-sensitive. */
export function likePattern(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    .replace(/%/g, '.*')
    .replace(/_/g, '.')
  return new RegExp(`^${source}$`, 'su')
}

function member(value: unknown, key: string | number): unknown {
  if (typeof key === 'number') return Array.isArray(value) ? (value.at(key) ?? null) : null
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return Object.hasOwn(value, key) ? ((value as Record<string, unknown>)[key] ?? null) : null
}
