import type { Data, DataType } from 'apache-arrow'
import type { Dtype, NdArray, TypedArrayOf } from '../types/arrays.js'
import type { Media } from '../types/media.js'
import type { Arrow } from './arrow-columns.js'
import type { OutputColumn } from './format.js'
import { daysOf } from './instants.js'
import { jsonWriter } from './write-cell.js'

/** A column of an Arrow stream that is written. */
export interface ArrowField {
  readonly type: DataType
  /** The canonical extension type that says more than `type`. */
  readonly extension?: { readonly name: string; readonly metadata: string }
  /** The cells of one record batch. */
  toData(values: readonly unknown[]): Data
}

/** How each type is written; what is missing is written as JSON. */
const fields: Readonly<Record<string, (arrow: Arrow, column: OutputColumn) => ArrowField>> = {
  string: (arrow) => built(arrow, new arrow.Utf8()),
  int: (arrow) => built(arrow, new arrow.Int64(), BigInt),
  bigint: (arrow) => built(arrow, new arrow.Int64()),
  float: (arrow) => built(arrow, new arrow.Float64()),
  bool: (arrow) => built(arrow, new arrow.Bool()),
  timestamp: (arrow) => ({
    type: new arrow.TimestampMillisecond('UTC'),
    toData: (values) => timestamps(arrow, values as readonly (Date | null)[]),
  }),
  date: (arrow) => ({
    type: new arrow.DateDay(),
    toData: (values) => days(arrow, values as readonly (string | null)[]),
  }),
  uuid: (arrow) => ({
    ...built(arrow, new arrow.FixedSizeBinary(16), (uuid: string) => Buffer.from(uuid.replaceAll('-', ''), 'hex')),
    extension: { name: 'arrow.uuid', metadata: '' },
  }),
  json: (arrow) => ({
    ...built(arrow, new arrow.Utf8(), JSON.stringify),
    extension: { name: 'arrow.json', metadata: '' },
  }),
  binary: (arrow) => built(arrow, new arrow.Binary()),
  vector: (arrow, { type }) => fixedLists(arrow, 'float32', type.config().dimensions as number, (v: Float32Array) => v),
  multiVector: (arrow, { type }) =>
    arrays(arrow, { dtype: 'float32', shape: [null, type.config().dimensions as number] }),
  array: (arrow, { type }) => arrays(arrow, type.config() as unknown as ArrayConfig),
}

/** A column as Arrow has it. */
export function arrowField(arrow: Arrow, column: OutputColumn): ArrowField {
  const { type, inline } = column
  if (inline) return built(arrow, new arrow.Binary())
  if (type.media) return built(arrow, new arrow.Utf8(), (media: Media) => JSON.stringify(media))
  return fields[type.name]?.(arrow, column) ?? built(arrow, new arrow.Utf8(), jsonWriter(type))
}

/** A column that Arrow's own builder makes of values. */
function built(arrow: Arrow, type: DataType, toArrow: (value: any) => unknown = (value) => value): ArrowField {
  return {
    type,
    toData: (values) => {
      const builder = arrow.makeBuilder({ type, nullValues: [null] })
      for (const value of values) builder.append(value === null ? null : (toArrow(value) as never))
      return builder.finish().flush()
    },
  }
}

function timestamps(arrow: Arrow, values: readonly (Date | null)[]): Data {
  const data = BigInt64Array.from(values, (value) => BigInt(value?.getTime() ?? 0))
  return arrow.makeData({ type: new arrow.TimestampMillisecond('UTC'), data, ...validity(values) })
}

function days(arrow: Arrow, values: readonly (string | null)[]): Data {
  const data = Int32Array.from(values, (value) => (value === null ? 0 : daysOf(value)))
  return arrow.makeData({ type: new arrow.DateDay(), data, ...validity(values) })
}

interface ArrayConfig {
  readonly dtype: Dtype
  readonly shape: readonly (number | null)[]
}

type Elements = TypedArrayOf<Dtype> | Float32Array | Int32Array

/**
 * Arrays of a fixed shape are lists of fixed size, tensors where they have several dimensions; those of one open
 * dimension are lists; others are structs of their shape and their elements.
 */
function arrays(arrow: Arrow, { dtype, shape }: ArrayConfig): ArrowField {
  const elements = ({ data }: NdArray): Elements => data
  if (!shape.includes(null)) {
    const size = shape.reduce<number>((product, n) => product * n!, 1)
    // A list of size 0 has no length of its own in a batch.
    if (size === 0) return lists(arrow, dtype, elements)
    const field = fixedLists(arrow, dtype, size, elements)
    if (shape.length === 1) return field
    return { ...field, extension: { name: 'arrow.fixed_shape_tensor', metadata: JSON.stringify({ shape }) } }
  }
  if (shape.length === 1) return lists(arrow, dtype, elements)
  const shapes = fixedLists(arrow, 'int32', shape.length, (array: NdArray) => Int32Array.from(array.shape))
  const data = lists(arrow, dtype, elements)
  const children = [new arrow.Field('shape', shapes.type, true), new arrow.Field('data', data.type, true)]
  const type = new arrow.Struct(children)
  return {
    type,
    toData: (values) =>
      arrow.makeData({
        type,
        length: values.length,
        children: [shapes.toData(values), data.toData(values)],
        ...validity(values),
      }),
  }
}

function fixedLists(arrow: Arrow, dtype: Dtype, size: number, elements: (value: any) => Elements): ArrowField {
  const element = elementType(arrow, dtype)
  const type = new arrow.FixedSizeList(size, new arrow.Field('item', element, false))
  return {
    type,
    toData: (values) => {
      const data = new element.ArrayType(size * values.length) as Elements
      values.forEach((value, i) => {
        if (value !== null) data.set(elements(value) as never, i * size)
      })
      const child = arrow.makeData({ type: element, data: data as never, nullCount: 0 } as never) as Data
      return arrow.makeData({ type, length: values.length, child, ...validity(values) } as never) as Data
    },
  }
}

function lists(arrow: Arrow, dtype: Dtype, elements: (value: any) => Elements): ArrowField {
  const element = elementType(arrow, dtype)
  const type = new arrow.List(new arrow.Field('item', element, false))
  return {
    type,
    toData: (values) => {
      const valueOffsets = new Int32Array(values.length + 1)
      values.forEach((value, i) => {
        valueOffsets[i + 1] = valueOffsets[i]! + (value === null ? 0 : elements(value).length)
      })
      const data = new element.ArrayType(valueOffsets.at(-1)!) as Elements
      values.forEach((value, i) => {
        if (value !== null) data.set(elements(value) as never, valueOffsets[i]!)
      })
      const child = arrow.makeData({ type: element, data: data as never, nullCount: 0 } as never) as Data
      return arrow.makeData({ type, length: values.length, valueOffsets, child, ...validity(values) } as never) as Data
    },
  }
}

function elementType(arrow: Arrow, dtype: Dtype) {
  const types = {
    float32: arrow.Float32,
    float64: arrow.Float64,
    int8: arrow.Int8,
    int16: arrow.Int16,
    int32: arrow.Int32,
    int64: arrow.Int64,
    uint8: arrow.Uint8,
    uint16: arrow.Uint16,
    uint32: arrow.Uint32,
    uint64: arrow.Uint64,
  }
  return new types[dtype]()
}

/** Which cells are not null, one bit each. */
function validity(values: readonly unknown[]): { nullCount: number; nullBitmap?: Uint8Array } {
  const nullCount = values.reduce<number>((count, value) => count + (value === null ? 1 : 0), 0)
  if (nullCount === 0) return { nullCount }
  const nullBitmap = new Uint8Array(Math.ceil(values.length / 8))
  values.forEach((value, i) => {
    if (value !== null) nullBitmap[i >> 3]! |= 1 << (i & 7)
  })
  return { nullCount, nullBitmap }
}
