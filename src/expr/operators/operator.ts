import { isNdArray } from '../../types/arrays.js'
import type { ColumnType, OperatorGroup } from '../../types/column-type.js'
import { dynamicType } from '../../types/dynamic.js'
import { type Json, jsonType } from '../../types/json.js'
import { isMedia } from '../../types/media.js'
import { floatType, intType } from '../../types/scalars.js'
import { isCalendarDay } from '../../types/temporal.js'
import type { Node } from '../node.js'

/**
 * What an operator wants of an operand: a value of an operator group, of one of several, a whole number, a function of
 * an element, or anything.
 */
export type Operand = OperatorGroup | 'int' | 'lambda' | 'any' | readonly OperatorGroup[]

/**
 * A built-in operator: what it takes, what it gives, and how JavaScript computes it. SQL computes it by a template of
 * the engine's, or else by calling `evaluate` itself; a test holds the two to the same answers. Except for the operators
 * marked `nullAware`, null in gives null out.
 */
export interface Operator {
  /** Operand kinds, the value that the method is called on first. */
  readonly operands: readonly Operand[]
  /** How many of the last operands may be left out. @default 0 */
  readonly optional?: number
  /** Whether the last operand may be repeated. @default false */
  readonly variadic?: boolean
  /** The type of the result, given those of the operands, and their nodes where constants matter. */
  result(types: readonly ColumnType[], args?: readonly Node[]): ColumnType
  evaluate(...args: any[]): unknown
  readonly nullAware?: boolean
  /** Whether equal operands may give different results: it is evaluated for every row, and never ahead of time. */
  readonly volatile?: boolean
  /** Whether the last operand is the time zone, which `inZone` gives and not the method's caller. */
  readonly zoned?: boolean
  /** Whether operands and result are of one type, to which constants are brought. */
  readonly unified?: boolean
  /** Turns the arguments of the method into operands, where they differ. @throws QueryError */
  accept?(...given: any[]): unknown[]
  /** Says what is wrong with constant operands; an operand that is no constant is undefined. */
  check?(...constants: any[]): string | undefined
  /** What documentation says of it. Absent for what users do not call by a name. */
  readonly docs?: OperatorDocs
}

/** One line of `docs/functions.md`. */
export interface OperatorDocs {
  /** How it is called, such as `padEnd(width, fill = ' ')`. */
  readonly call: string
  readonly does: string
  /** The functions of Pixeltable that it stands for, such as `string.ljust`. */
  readonly pixeltable?: readonly string[]
}

export type Operators = Readonly<Record<string, Operator>>

/** The kind of the operand at a position; the last one repeats. */
export const operandAt = ({ operands }: Operator, i: number): Operand => operands[Math.min(i, operands.length - 1)]!

const jsonResult = jsonType()
/** The result of operators that give JSON. */
export const json = (): ColumnType => jsonResult

/** int stays int, bigint stays bigint; anything else is float. */
export const numeric = (types: readonly ColumnType[]): ColumnType =>
  types.find((type) => type.wide) ?? (types.every((type) => type.name === 'int') ? intType : floatType)

/** The one type of operands that are alternatives: JSON swallows the others, floats the integers. */
export function unify(types: readonly ColumnType[]): ColumnType {
  const known = types.filter((type) => type !== dynamicType)
  const first = known[0]
  if (first === undefined) return dynamicType
  const swallowing = known.find((type) => type.name === 'json')
  if (swallowing) return swallowing
  return known.every((type) => type.operators.includes('number')) ? numeric(known) : first
}

/** Evaluates one operator on plain values. An operand that may be left out is left out where it is null. */
export function applyOperator(operator: Operator, args: readonly unknown[]): unknown {
  const values = args.map((arg, i) => conform(arg, operandAt(operator, i)))
  if (!operator.nullAware) {
    const required = operator.variadic ? values.length : operator.operands.length - (operator.optional ?? 0)
    for (let i = 0; i < values.length; i++) {
      if (values[i] !== null) continue
      if (i < required) return null
      values[i] = undefined
    }
  }
  const result = operator.evaluate(...values)
  return result === undefined || (typeof result === 'bigint' && !isInt64(result)) ? null : result
}

const isInt64 = (value: bigint): boolean => BigInt.asIntN(64, value) === value

/** JSON reaches operators untyped: a value of the wrong kind counts as null, as its SQL does. */
function conform(value: unknown, operand: Operand): unknown {
  if (value === undefined || value === null) return null
  if (typeof operand === 'object') return operand.some((group) => fits(value, group)) ? value : null
  switch (operand) {
    case 'any':
    case 'order':
    case 'lambda':
      return value
    case 'int':
      return wholeNumber(value)
    case 'json':
      return asJson(value)
    default:
      return fits(value, operand) ? value : null
  }
}

function fits(value: unknown, group: OperatorGroup): boolean {
  switch (group) {
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint'
    case 'text':
      return typeof value === 'string'
    case 'bool':
      return typeof value === 'boolean'
    case 'timestamp':
      return value instanceof Date
    case 'date':
      return typeof value === 'string' && isCalendarDay(value)
    case 'media':
      return isMedia(value)
    case 'array':
      return value instanceof Float32Array || isNdArray(value)
    case 'json':
      return !ArrayBuffer.isView(value) && !(value instanceof Date) && !isMedia(value) && !isNdArray(value)
    default:
      return true
  }
}

function wholeNumber(value: unknown): number | null {
  const number = typeof value === 'bigint' ? Number(value) : value
  return Number.isSafeInteger(number) ? (number as number) : null
}

/** A value in the form that JSON gives it: instants as text, files as their records, arrays as lists. */
export function asJson(value: unknown): Json {
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') return finite(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (isMedia(value)) return value.toJSON() as unknown as Json
  if (value instanceof Float32Array) return Array.from(value, finite)
  if (isNdArray(value)) return nested(value.data as ArrayLike<number | bigint>, value.shape)
  return value as Json
}

/** JSON has neither NaN nor infinities. */
const finite = (x: number): number | null => (Number.isFinite(x) ? x : null)

/** Elements in row-major order as nested lists. */
export function nested(data: ArrayLike<number | bigint>, shape: readonly number[]): Json {
  let level: Json[] = Array.from(data, (x) => finite(Number(x)))
  for (let d = shape.length - 1; d > 0; d--) {
    const length = shape[d]!
    const rows = shape.slice(0, d).reduce((a, b) => a * b, 1)
    const below = level
    level = Array.from({ length: rows }, (_, i) => below.slice(i * length, (i + 1) * length))
  }
  return level
}

/** SQL has no NaN: it is null. */
export const number = (x: number): number | null => (Number.isNaN(x) ? null : x)

const expectations: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  text: 'text',
  bool: 'true or false',
  timestamp: 'a Date',
  date: "a day such as '2026-01-31'",
  json: 'JSON',
  array: 'an array or vector',
}

/** What was expected of a constant operand, where it does not fit. Null fits everywhere. */
export function constantError(value: unknown, wanted: Operand): string | undefined {
  if (value === null) return undefined
  if (typeof value === 'number' && Number.isNaN(value)) return 'a number that is not NaN'
  if (value instanceof RegExp || value instanceof Promise) return 'a value'
  if (wanted === 'order' || wanted === 'any' || conform(value, wanted) !== null) return undefined
  return [wanted]
    .flat()
    .map((kind) => expectations[kind] ?? kind)
    .join(' or ')
}
