import { type ArrayInput, type ArrayOptions, arrayType, type Dtype, type NdArray, vectorType } from './arrays.js'
import { Column } from './column.js'
import { jsonType, type StandardSchema } from './json.js'
import { type Media, type MediaInput, type MediaOptions, mediaType } from './media.js'
import { type MultiVectorInput, multiVectorType } from './multi-vector.js'
import { bigintType, binaryType, boolType, floatType, intType, stringType, type Uuid, uuidType } from './scalars.js'
import { dateType, type PlainDate, timestampType } from './temporal.js'

/**
 * The column types. Each call gives a column that is required; `.nullable()` and `.default(value)` change that.
 *
 * @example
 * ```ts
 * import { t } from 'pixeltable'
 * const schema = {
 *   id: t.int(),
 *   title: t.string(),
 *   stars: t.float().nullable(),
 *   at: t.timestamp().default(() => new Date()),
 *   file: t.document(),
 * }
 * ```
 */
export const t = {
  /** Text. */
  string: (): Column<string> => new Column(stringType),
  /** A safe integer, ±(2^53 − 1). */
  int: (): Column<number> => new Column(intType),
  /** A 64-bit signed integer; a `bigint` when read. */
  bigint: (): Column<bigint, bigint | number> => new Column(bigintType),
  /** A 64-bit float; NaN is refused. */
  float: (): Column<number> => new Column(floatType),
  /** True or false. */
  bool: (): Column<boolean> => new Column(boolType),
  /** An instant. Takes a `Date` or ISO 8601 text with a zone; stored in UTC; a `Date` when read. */
  timestamp: (): Column<Date, Date | string> => new Column(timestampType),
  /** A calendar day, `YYYY-MM-DD`. */
  date: (): Column<PlainDate, string | Date> => new Column(dateType),
  /** A UUID. */
  uuid: (): Column<Uuid, string> => new Column(uuidType),
  /**
   * JSON. A Standard Schema (zod, valibot, arktype …) gives it a type and validates each value.
   * The schema is code and is not stored: a program that opens the file again passes it to `getTable`.
   */
  json: <T = unknown>(schema?: StandardSchema<T>): Column<T> => new Column(jsonType(schema)),
  /** Bytes. */
  binary: (): Column<Uint8Array, Uint8Array | ArrayBuffer> => new Column(binaryType),
  /** An n-dimensional array of numbers. */
  array: <const D extends Dtype = 'float32'>(options?: ArrayOptions<D>): Column<NdArray<D>, ArrayInput<D>> =>
    new Column(arrayType(options)),
  /** A vector of `dimensions` float32 numbers (1 to 65,535). NaN and infinities are refused. */
  vector: (dimensions: number): Column<Float32Array, ArrayLike<number>> => new Column(vectorType(dimensions)),
  /**
   * Any number of vectors, at least one, of `dimensions` float32 numbers each (1 to 65,535): one a token of a text or a
   * patch of an image, as models of late interaction make them. An array of shape (tokens, dimensions) when read. NaN
   * and infinities are refused.
   */
  multiVector: (dimensions: number): Column<NdArray<'float32'>, MultiVectorInput> =>
    new Column(multiVectorType(dimensions)),
  /** An image. */
  image: (options?: MediaOptions): Column<Media, MediaInput> => new Column(mediaType('image', options)),
  /** A video. */
  video: (options?: MediaOptions): Column<Media, MediaInput> => new Column(mediaType('video', options)),
  /** An audio recording. */
  audio: (options?: MediaOptions): Column<Media, MediaInput> => new Column(mediaType('audio', options)),
  /** A document: PDF, Markdown, HTML, plain text. */
  document: (options?: MediaOptions): Column<Media, MediaInput> => new Column(mediaType('document', options)),
}
