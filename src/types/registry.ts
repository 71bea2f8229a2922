import { SchemaError } from '../errors.js'
import { type ArrayOptions, arrayType, type Dtype, vectorType } from './arrays.js'
import type { ColumnType, TypeConfig } from './column-type.js'
import { dynamicType } from './dynamic.js'
import { jsonType } from './json.js'
import { type MediaKind, type MediaOptions, mediaType } from './media.js'
import { multiVectorType } from './multi-vector.js'
import { bigintType, binaryType, boolType, floatType, intType, stringType, uuidType } from './scalars.js'
import { dateType, timestampType } from './temporal.js'

const media = (kind: MediaKind) => (config: TypeConfig) => mediaType(kind, config as MediaOptions)

/** How each type is made again from what the catalog stores of it. */
const makers: Readonly<Record<string, (config: TypeConfig) => ColumnType<any>>> = {
  string: () => stringType,
  int: () => intType,
  bigint: () => bigintType,
  float: () => floatType,
  bool: () => boolType,
  timestamp: () => timestampType,
  date: () => dateType,
  uuid: () => uuidType,
  json: () => jsonType(),
  binary: () => binaryType,
  array: (config) => arrayType(config as ArrayOptions<Dtype>),
  vector: (config) => vectorType(config.dimensions as number),
  multiVector: (config) => multiVectorType(config.dimensions as number),
  image: media('image'),
  video: media('video'),
  audio: media('audio'),
  document: media('document'),
  dynamic: () => dynamicType,
}

/**
 * The column type that a stored configuration describes.
 * @throws SchemaError when a newer version of the library wrote a type that this one does not know
 */
export function typeFromConfig(config: TypeConfig): ColumnType<any> {
  const make = Object.hasOwn(makers, config.name) ? makers[config.name] : undefined
  if (make === undefined) throw new SchemaError(`the database file has a column of the unknown type '${config.name}'`)
  return make(config)
}
