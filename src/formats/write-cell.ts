import type { NdArray } from '../types/arrays.js'
import type { ColumnType } from '../types/column-type.js'
import { typeOfValue } from '../types/dynamic.js'
import { isJson } from '../types/json.js'

/** Writes a value that is not null. */
export type WriteCell = (value: any) => string

/** Types whose values JSON has no form for, or loses a part of. */
const jsonForms: Readonly<Record<string, WriteCell>> = {
  float: (value: number) => (Number.isFinite(value) ? numberText(value) : `"${value}"`),
  bigint: String,
  binary: (value: Uint8Array | string) => (typeof value === 'string' ? JSON.stringify(value) : `"${base64(value)}"`),
  array: arrayText,
  vector: (value: Float32Array) => listText(value, 0, value.length),
  multiVector: arrayText,
  dynamic: (value: unknown) => jsonWriter(typeOfValue(value))(value),
}

/**
 * Writes values of a type as JSON. Whole numbers of any size are numbers, bytes are base64, timestamps ISO 8601, arrays
 * and vectors lists, and what no JSON number is, the texts `Infinity`, `-Infinity` and `NaN`.
 */
export function jsonWriter(type: ColumnType<any>): WriteCell {
  return jsonForms[type.name] ?? JSON.stringify
}

/** Writes values of a type as text: as in JSON, but text without its quotes. */
export function textWriter(type: ColumnType<any>): WriteCell {
  if (isJson(type)) return JSON.stringify
  const write = jsonWriter(type)
  return (value) => {
    if (typeof value === 'string') return value
    const json = write(value)
    // What is left in quotes here has no character that JSON escapes: a date, base64, Infinity.
    return json.startsWith('"') ? json.slice(1, -1) : json
  }
}

/** A number in JSON, which `JSON.stringify` writes without the sign of −0. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0.0' : String(value)
}

function elementText(value: number | bigint): string {
  if (typeof value === 'bigint') return String(value)
  return Number.isFinite(value) ? numberText(value) : `"${value}"`
}

function listText(values: ArrayLike<number | bigint>, start: number, end: number): string {
  let text = '['
  for (let i = start; i < end; i++) text += i === start ? elementText(values[i]!) : `,${elementText(values[i]!)}`
  return `${text}]`
}

/** Nested lists; an object with the shape where lists would lose it, because a dimension is 0. */
function arrayText({ shape, data }: NdArray): string {
  if (data.length === 0 && shape.length > 1) return JSON.stringify({ shape, data: [] })
  const write = (dimension: number, start: number, length: number): string => {
    if (dimension === shape.length - 1) return listText(data, start, start + length)
    const size = length / shape[dimension]!
    const parts = Array.from({ length: shape[dimension]! }, (_, i) => write(dimension + 1, start + i * size, size))
    return `[${parts.join(',')}]`
  }
  return write(0, 0, data.length)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}
