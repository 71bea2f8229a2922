import { arrayType, isNdArray, vectorType } from './arrays.js'
import type { ColumnType } from './column-type.js'
import { jsonType } from './json.js'
import { isMedia, mediaType } from './media.js'
import { bigintType, binaryType, boolType, floatType, stringType } from './scalars.js'
import { timestampType } from './temporal.js'

/**
 * The type of a computed column before its first value is known: TypeScript's types do not exist at run time, so the
 * first value that a function returns decides (see `typeOfValue`), unless the function declares `returns`.
 */
export const dynamicType: ColumnType = {
  name: 'dynamic',
  storage: 'any',
  operators: ['order', 'number', 'text', 'bool', 'timestamp', 'date', 'json', 'media', 'array', 'vector'],
  config: () => ({ name: 'dynamic' }),
  parse: (value) => value,
  encode: (value) => {
    const type = typeOfValue(value)
    return type.encode(type.parse(value))
  },
  decode: (stored) => stored,
  jsonSchema: () => ({}),
}

/** The column type that a JavaScript value belongs to. Plain objects and arrays are JSON. */
export function typeOfValue(value: unknown): ColumnType {
  switch (typeof value) {
    case 'string':
      return stringType
    case 'number':
      return floatType
    case 'bigint':
      return bigintType
    case 'boolean':
      return boolType
  }
  if (value instanceof Date) return timestampType
  if (value instanceof Float32Array && value.length > 0) return vectorType(value.length)
  if (value instanceof Uint8Array) return binaryType
  if (isMedia(value)) return mediaType(value.kind)
  if (isNdArray(value)) return arrayType({ dtype: value.dtype, shape: value.shape.map(() => null) })
  return jsonType()
}
