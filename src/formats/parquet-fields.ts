import type { ConvertedType, FieldRepetitionType, ParquetType, SchemaElement } from 'hyparquet'
import type { Dtype, NdArray } from '../types/arrays.js'
import type { Media } from '../types/media.js'
import type { OutputColumn } from './format.js'
import { daysOf } from './instants.js'
import { jsonWriter } from './write-cell.js'

/** A column of a Parquet file that is written. */
export interface ParquetField {
  readonly name: string
  /** Its part of the schema, depth first. */
  readonly elements: readonly SchemaElement[]
  /** A value, not null, as the writer takes it. */
  readonly toParquet: (value: any) => unknown
  /** Whether dictionaries are off: they would take −0 for 0. */
  readonly plain?: boolean
}

type Field = Omit<ParquetField, 'name'>

const utf8 = { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } } as const
// Without the older converted type, for which the writer would make the text itself, and lose `__proto__`.
const json = { type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } } as const
const same = (value: unknown): unknown => value

/** How each type is written; what is missing is written as JSON. */
const fields: Readonly<Record<string, (element: Base, column: OutputColumn) => Field>> = {
  string: (base) => flat({ ...base, ...utf8 }, same),
  int: (base) => flat({ ...base, type: 'INT64' }, BigInt),
  bigint: (base) => flat({ ...base, type: 'INT64' }, same),
  float: (base) => ({ ...flat({ ...base, type: 'DOUBLE' }, same), plain: true }),
  bool: (base) => flat({ ...base, type: 'BOOLEAN' }, same),
  timestamp: (base) =>
    flat(
      {
        ...base,
        type: 'INT64',
        converted_type: 'TIMESTAMP_MILLIS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
      },
      same,
    ),
  date: (base) => flat({ ...base, type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }, daysOf),
  uuid: (base) =>
    flat({ ...base, type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16, logical_type: { type: 'UUID' } }, same),
  binary: (base) => flat({ ...base, type: 'BYTE_ARRAY' }, same),
  vector: (base) => ({ elements: listOf(base, leaf('float32')), toParquet: (v: Float32Array) => [...v], plain: true }),
  multiVector: (base, { type }) =>
    arrayField(base, { dtype: 'float32', shape: [null, type.config().dimensions as number] }),
  array: (base, { type }) => arrayField(base, type.config() as unknown as ArrayConfig),
}

/** A column as Parquet has it. */
export function elementOf(column: OutputColumn): ParquetField {
  const { name, type, nullable, inline } = column
  const base: Base = { name, repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED' }
  if (inline) return { name, ...flat({ ...base, type: 'BYTE_ARRAY' }, same) }
  if (type.media) return { name, ...flat({ ...base, ...json }, (media: Media) => JSON.stringify(media)) }
  if (type.name === 'json') return { name, ...flat({ ...base, ...json }, JSON.stringify) }
  const field = fields[type.name]
  if (field) return { name, ...field(base, column) }
  const write = jsonWriter(type)
  return { name, ...flat({ ...base, ...utf8 }, write) }
}

interface Base {
  readonly name: string
  readonly repetition_type: FieldRepetitionType
}

const flat = (element: SchemaElement, toParquet: (value: any) => unknown): Field => ({ elements: [element], toParquet })

const required = 'REQUIRED' as const

/** A list of required elements. */
function listOf({ name, repetition_type }: Base, element: readonly SchemaElement[]): SchemaElement[] {
  const list = { converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 } as const
  return [
    { name, repetition_type, ...list },
    { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
    ...element,
  ]
}

const leaves: Readonly<Record<Dtype, { readonly type: ParquetType; readonly converted_type?: ConvertedType }>> = {
  float32: { type: 'FLOAT' },
  float64: { type: 'DOUBLE' },
  int8: { type: 'INT32', converted_type: 'INT_8' },
  int16: { type: 'INT32', converted_type: 'INT_16' },
  int32: { type: 'INT32', converted_type: 'INT_32' },
  int64: { type: 'INT64', converted_type: 'INT_64' },
  uint8: { type: 'INT32', converted_type: 'UINT_8' },
  uint16: { type: 'INT32', converted_type: 'UINT_16' },
  uint32: { type: 'INT32', converted_type: 'UINT_32' },
  uint64: { type: 'INT64', converted_type: 'UINT_64' },
}

const leaf = (dtype: Dtype): SchemaElement[] => [{ name: 'element', repetition_type: required, ...leaves[dtype] }]

interface ArrayConfig {
  readonly dtype: Dtype
  readonly shape: readonly (number | null)[]
}

/** Nested lists; beside their shape where that differs from row to row and lists would lose a dimension of 0. */
function arrayField(base: Base, { dtype, shape }: ArrayConfig): Field {
  if (shape.length > 1 && shape.includes(null)) {
    const elements = [
      { ...base, num_children: 2 },
      ...listOf({ name: 'shape', repetition_type: required }, leaf('int32')),
      ...listOf({ name: 'data', repetition_type: required }, leaf(dtype)),
    ]
    return {
      elements,
      plain: true,
      toParquet: ({ shape, data }: NdArray) => ({ shape, data: Array.from(data as Float32Array) }),
    }
  }
  let element = leaf(dtype)
  for (let i = 1; i < shape.length; i++) element = listOf({ name: 'element', repetition_type: required }, element)
  return { elements: listOf(base, element), plain: true, toParquet: nested }
}

/** The elements of an array as nested lists. */
function nested({ shape, data }: NdArray): unknown[] {
  const build = (dimension: number, start: number, length: number): unknown[] => {
    if (dimension === shape.length - 1) return Array.from((data as Float32Array).subarray(start, start + length))
    const count = shape[dimension]!
    const size = count === 0 ? 0 : length / count
    return Array.from({ length: count }, (_, i) => build(dimension + 1, start + i * size, size))
  }
  return build(0, 0, data.length)
}
