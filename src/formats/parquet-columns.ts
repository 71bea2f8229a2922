import type { FileMetaData, ParquetParsers, SchemaElement, SchemaTree } from 'hyparquet'
import type { Dtype } from '../types/arrays.js'
import type { ColumnType } from '../types/column-type.js'
import { jsonType } from '../types/json.js'
import { bigintType, binaryType, boolType, floatType, intType, stringType, uuidType } from '../types/scalars.js'
import { dateType, timestampType } from '../types/temporal.js'
import { inferArray, typeOfShape } from './infer-array.js'
import { areUuids, inferFromJsonText } from './infer-type.js'
import { dayOf, instantOf } from './instants.js'

/** What is known of a column from elsewhere than Parquet's own schema. */
export interface ColumnHint {
  readonly type?: ColumnType<any> | undefined
  readonly nullable?: boolean | undefined
  /** The shape of its arrays. */
  readonly shape?: readonly (number | null)[] | undefined
}

/** A top-level column of a Parquet file. */
export interface ParquetColumn {
  readonly name: string
  readonly type: ColumnType<any> | undefined
  readonly nullable: boolean | undefined
  inferType(values: readonly unknown[]): ColumnType<any>
  /** What remains to be done to a cell after Parquet's own types are decoded. */
  readonly fromParquet?: ((cell: any) => unknown) | undefined
}

/** The columns of a Parquet schema. */
export function parquetColumns(
  root: SchemaTree,
  metadata: FileMetaData,
  hints: ReadonlyMap<string, ColumnHint>,
): ParquetColumn[] {
  return root.children.map((node): ParquetColumn => {
    const { name, repetition_type } = node.element
    const hint = hints.get(name)
    const { type, infer, fromParquet } = kindOf(node, metadata, hint)
    return {
      name,
      type: hint?.type ?? type,
      nullable: hint?.nullable ?? (repetition_type === 'REQUIRED' ? false : undefined),
      inferType: infer ?? (() => hint?.type ?? type ?? jsonType()),
      fromParquet,
    }
  })
}

/** A type, or how it is inferred. */
interface Kind {
  readonly type?: ColumnType<any>
  readonly infer?: (values: readonly unknown[]) => ColumnType<any>
  readonly fromParquet?: (cell: any) => unknown
}

function kindOf(node: SchemaTree, metadata: FileMetaData, hint: ColumnHint | undefined): Kind {
  if (node.children.length === 0) {
    return node.element.repetition_type === 'REPEATED' ? { type: jsonType() } : kindOfLeaf(node, metadata)
  }
  const { element, depth } = innermost(node)
  const dtype = element && dtypeOf(element)
  // Structs, maps and lists of text.
  if (!dtype) return { type: jsonType() }
  if (hint?.shape) return { type: typeOfShape(hint.shape, dtype) }
  return { infer: (values) => inferArray(values, dtype, depth) }
}

/** What nested lists have at their bottom; no element when that is no single value. */
function innermost(node: SchemaTree): { readonly element?: SchemaElement; readonly depth: number } {
  let depth = 0
  let at = node
  while (at.element.converted_type === 'LIST' && at.children.length === 1) {
    depth++
    const repeated = at.children[0]!
    at = repeated.children.length === 1 ? repeated.children[0]! : repeated
  }
  return at.children.length === 0 && depth > 0 ? { element: at.element, depth } : { depth }
}

function kindOfLeaf({ element, path }: SchemaTree, metadata: FileMetaData): Kind {
  const logical = element.logical_type?.type
  const converted = element.converted_type
  if (logical === 'TIMESTAMP' || converted?.startsWith('TIMESTAMP') || element.type === 'INT96') {
    return { type: timestampType }
  }
  if (converted === 'DATE' || logical === 'DATE') return { type: dateType }
  if (converted === 'DECIMAL' || logical === 'DECIMAL' || logical === 'FLOAT16') return { type: floatType }
  if (logical === 'UUID') return { type: uuidType }
  if (converted === 'JSON') return { type: jsonType() }
  if (logical === 'JSON') return { type: jsonType(), fromParquet: decodeText }
  switch (element.type) {
    case 'BOOLEAN':
      return { type: boolType }
    case 'INT32':
      return { type: intType }
    case 'INT64':
      return { infer: (values) => inferInteger(values, metadata, path) }
    case 'FLOAT':
    case 'DOUBLE':
      return { type: floatType }
    default:
      if (converted !== 'UTF8' && logical !== 'STRING' && converted !== 'ENUM') return { type: binaryType }
      return {
        infer: inferText,
        // Only text of the types above is decoded by the reader.
        ...(converted === 'UTF8' || logical === 'STRING' ? {} : { fromParquet: decodeText }),
      }
  }
}

/** JSON and UUIDs are often kept as plain text. */
function inferText(values: readonly unknown[]): ColumnType<any> {
  if (values.length === 0 || !values.every((value) => typeof value === 'string')) return stringType
  if (areUuids(values)) return uuidType
  return inferFromJsonText(values as readonly string[]) ?? stringType
}

/** int, unless the statistics of any row group, or the first values, have a number that it does not hold. */
function inferInteger(values: readonly unknown[], metadata: FileMetaData, path: readonly string[]): ColumnType<any> {
  const bounds = metadata.row_groups.flatMap((group) => {
    const chunk = group.columns.find((column) => column.meta_data?.path_in_schema.join('.') === path.join('.'))
    const { min, max, min_value, max_value } = chunk?.meta_data?.statistics ?? {}
    return [min_value ?? min, max_value ?? max]
  })
  const wide = [...bounds, ...values].some((n) => typeof n === 'bigint' && !Number.isSafeInteger(Number(n)))
  return wide ? bigintType : intType
}

const widths: Readonly<Record<string, Dtype>> = {
  INT_8: 'int8',
  INT_16: 'int16',
  INT_32: 'int32',
  INT_64: 'int64',
  UINT_8: 'uint8',
  UINT_16: 'uint16',
  UINT_32: 'uint32',
  UINT_64: 'uint64',
}
const physical: Readonly<Record<string, Dtype>> = {
  FLOAT: 'float32',
  DOUBLE: 'float64',
  INT32: 'int32',
  INT64: 'int64',
}

function dtypeOf({ type, converted_type, logical_type }: SchemaElement): Dtype | undefined {
  if (logical_type?.type === 'INTEGER') {
    return widths[`${logical_type.isSigned ? '' : 'U'}INT_${logical_type.bitWidth}`]
  }
  if (converted_type !== undefined) return widths[converted_type]
  return logical_type === undefined ? physical[type ?? ''] : undefined
}

// A byte order mark at the beginning of a value belongs to it.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const decodeText = (bytes: unknown): unknown => (bytes instanceof Uint8Array ? decoder.decode(bytes) : bytes)

/** How Parquet's types are decoded. */
export const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => instantOf(millis, 1n),
  timestampFromMicroseconds: (micros) => instantOf(micros, 1000n),
  timestampFromNanoseconds: (nanos) => instantOf(nanos, 1_000_000n),
  dateFromDays: (days) => dayOf(days),
  stringFromBytes: (bytes) => bytes && decoder.decode(bytes),
  jsonFromBytes: (bytes) => bytes && decoder.decode(bytes),
}
