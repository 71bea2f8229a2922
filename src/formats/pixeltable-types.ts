import type { ColumnType } from '../types/column-type.js'
import { jsonType } from '../types/json.js'
import { mediaType } from '../types/media.js'
import { binaryType, boolType, floatType, stringType, uuidType } from '../types/scalars.js'
import { dateType, timestampType } from '../types/temporal.js'
import type { ColumnHint } from './parquet-columns.js'

/** The types of Pixeltable for Python. Its Int has 64 bits: whether it is an int or a bigint here, the values tell. */
const types: Readonly<Record<string, ColumnType<any> | undefined>> = {
  StringType: stringType,
  FloatType: floatType,
  BoolType: boolType,
  TimestampType: timestampType,
  DateType: dateType,
  UUIDType: uuidType,
  JsonType: jsonType(),
  BinaryType: binaryType,
  ImageType: mediaType('image'),
  VideoType: mediaType('video'),
  AudioType: mediaType('audio'),
  DocumentType: mediaType('document'),
}

/** What the `.pixeltable.column_types.json` says that Pixeltable for Python writes next to its Parquet files. */
export function pixeltableTypes(text: string): ReadonlyMap<string, ColumnHint> {
  const hints = new Map<string, ColumnHint>()
  let stored: unknown
  try {
    stored = JSON.parse(text)
  } catch {
    return hints
  }
  for (const [name, described] of Object.entries(stored as Record<string, Record<string, unknown> | null>)) {
    const { _classname: kind, nullable, shape } = described ?? {}
    const type = types[String(kind)]
    hints.set(name, {
      ...(type ? { type } : {}),
      ...(typeof nullable === 'boolean' ? { nullable } : {}),
      ...(Array.isArray(shape) ? { shape: shape as (number | null)[] } : {}),
    })
  }
  return hints
}
