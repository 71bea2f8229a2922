import type { DataType, Schema, Timestamp, Vector } from 'apache-arrow'
import type { Dtype } from '../types/arrays.js'
import type { ColumnType } from '../types/column-type.js'
import { jsonType } from '../types/json.js'
import { bigintType, binaryType, boolType, floatType, intType, stringType, uuidType } from '../types/scalars.js'
import { dateType, timestampType } from '../types/temporal.js'
import { columnsOfMetadata, metadataKey } from './column-metadata.js'
import { inferArray, typeOfShape } from './infer-array.js'
import { areUuids, inferFromJsonText } from './infer-type.js'
import { dayOf, instantOf } from './instants.js'

/** The package, which is loaded on first use. */
export type Arrow = typeof import('apache-arrow')

/** A column of an Arrow schema. */
export interface ArrowColumn {
  readonly name: string
  readonly type: ColumnType<any> | undefined
  readonly nullable: boolean | undefined
  inferType(values: readonly unknown[]): ColumnType<any>
}

/** The columns of an Arrow schema: exact where this library wrote it, else as Arrow's types and the values say. */
export function arrowColumns(arrow: Arrow, schema: Schema): ArrowColumn[] {
  const exact = columnsOfMetadata(schema.metadata.get(metadataKey))
  return schema.fields.map(({ name, type, nullable, metadata }): ArrowColumn => {
    const extension = metadata.get('ARROW:extension:name')
    const known = exact.get(name)?.type ?? extensionType(arrow, type, extension, metadata) ?? typeOf(arrow, type)
    return {
      name,
      type: known,
      nullable: exact.get(name)?.nullable ?? (nullable ? undefined : false),
      inferType: (values) => known ?? inferType(arrow, type, values),
    }
  })
}

function extensionType(
  arrow: Arrow,
  type: DataType,
  extension: string | undefined,
  metadata: ReadonlyMap<string, string>,
): ColumnType<any> | undefined {
  if (extension === 'arrow.uuid') return uuidType
  if (extension === 'arrow.json') return jsonType()
  if (extension !== 'arrow.fixed_shape_tensor' || !arrow.DataType.isFixedSizeList(type)) return undefined
  const dtype = dtypeOf(arrow, type.children[0]!.type)
  try {
    const { shape } = JSON.parse(metadata.get('ARROW:extension:metadata') ?? '') as { shape: number[] }
    return dtype && typeOfShape(shape, dtype)
  } catch {
    return undefined
  }
}

/** The type of a column whose Arrow type says it all. */
function typeOf(arrow: Arrow, type: DataType): ColumnType<any> | undefined {
  const { DataType } = arrow
  if (DataType.isBool(type)) return boolType
  if (DataType.isInt(type)) return type.bitWidth === 64 ? undefined : intType
  if (DataType.isFloat(type) || DataType.isDecimal(type)) return floatType
  if (DataType.isTimestamp(type)) return timestampType
  if (DataType.isDate(type)) return dateType
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isFixedSizeBinary(type)) return binaryType
  if (DataType.isDictionary(type)) return typeOf(arrow, type.dictionary)
  if (DataType.isFixedSizeList(type)) {
    const dtype = dtypeOf(arrow, type.children[0]!.type)
    return dtype && typeOfShape([type.listSize], dtype)
  }
  if (DataType.isStruct(type) || DataType.isMap(type)) return jsonType()
  return undefined
}

function inferType(arrow: Arrow, type: DataType, values: readonly unknown[]): ColumnType<any> {
  const { DataType } = arrow
  if (DataType.isInt(type) || DataType.isTime(type) || DataType.isDuration(type)) {
    return values.some((n) => !Number.isSafeInteger(Number(n))) ? bigintType : intType
  }
  if (DataType.isList(type) || DataType.isFixedSizeList(type)) {
    const { element, depth } = innermost(arrow, type)
    const dtype = dtypeOf(arrow, element)
    return dtype ? inferArray(values, dtype, depth) : jsonType()
  }
  if (values.length === 0) return stringType
  if (values.every((value) => typeof value === 'string')) {
    return areUuids(values) ? uuidType : (inferFromJsonText(values as readonly string[]) ?? stringType)
  }
  return jsonType()
}

function innermost(arrow: Arrow, type: DataType): { element: DataType; depth: number } {
  let depth = 0
  let element = type
  while (arrow.DataType.isList(element) || arrow.DataType.isFixedSizeList(element)) {
    depth++
    element = element.children[0]!.type
  }
  return { element, depth }
}

function dtypeOf(arrow: Arrow, type: DataType): Dtype | undefined {
  if (arrow.DataType.isFloat(type)) return type.precision === 2 ? 'float64' : 'float32'
  if (!arrow.DataType.isInt(type)) return undefined
  return `${type.isSigned ? '' : 'u'}int${type.bitWidth}` as Dtype
}

// A byte order mark at the beginning of a value belongs to it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
/** Units of each timestamp in a millisecond, by Arrow's number of the unit; seconds are multiplied instead. */
const unitsPerMillisecond = [undefined, 1n, 1000n, 1_000_000n] as const

/** The cells of a column of one record batch. */
export function cellsOf(arrow: Arrow, vector: Vector<DataType>): unknown[] {
  const { DataType } = arrow
  return vector.data.flatMap((data) => {
    const { type, length } = data
    const chunk = new arrow.Vector([data])
    const get = (): ((i: number) => unknown) => {
      if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) {
        const offsets = data.valueOffsets as unknown as ArrayLike<number | bigint>
        const bytes = data.values as unknown as Uint8Array
        return (i) => decoder.decode(bytes.subarray(Number(offsets[i]), Number(offsets[i + 1])))
      }
      if (DataType.isTimestamp(type)) {
        const counts = data.values as unknown as BigInt64Array
        const units = unitsPerMillisecond[(type as Timestamp).unit]
        return (i) => (units ? instantOf(counts[i]!, units) : instantOf(counts[i]! * 1000n, 1n))
      }
      if (DataType.isDate(type)) return (i) => dayOf(Math.floor(Number(chunk.get(i)) / 86_400_000))
      if (DataType.isDecimal(type)) return (i) => Number(String(chunk.get(i))) / 10 ** type.scale
      return (i) => plain(arrow, chunk.get(i))
    }
    const cell = get()
    return Array.from({ length }, (_, i) => (data.getValid(i) ? cell(i) : null))
  })
}

/** Arrow's own objects as arrays and objects of JavaScript. */
function plain(arrow: Arrow, value: unknown): unknown {
  if (value instanceof arrow.Vector) {
    const isNumeric = dtypeOf(arrow, value.type as DataType) !== undefined && value.nullCount === 0
    return isNumeric ? value.toArray() : cellsOf(arrow, value as Vector<DataType>)
  }
  if (value instanceof arrow.StructRow || value instanceof arrow.MapRow) {
    return Object.fromEntries(Object.entries(value.toJSON()).map(([key, item]) => [key, plain(arrow, item)]))
  }
  return value
}
