import { SchemaError } from '../errors.js'
import { type ColumnType, describeValue, mismatch } from './column-type.js'

const dtypes = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
} as const

/** The element types of arrays, in NumPy's words. */
export type Dtype = keyof typeof dtypes
/** The typed array that carries elements of a dtype. */
export type TypedArrayOf<D extends Dtype> = InstanceType<(typeof dtypes)[D]>
type AnyTypedArray = TypedArrayOf<Dtype>

/** A dense n-dimensional array in row-major order. */
export interface NdArray<D extends Dtype = Dtype> {
  readonly dtype: D
  /** The length of each dimension. */
  readonly shape: readonly number[]
  /** The elements; their number is the product of `shape`. */
  readonly data: TypedArrayOf<D>
}

/** Whether a value is an array with a dtype and a shape. */
export function isNdArray(value: unknown): value is NdArray {
  return (
    typeof value === 'object' && value !== null && 'dtype' in value && 'data' in value && ArrayBuffer.isView(value.data)
  )
}

/** Numbers nested to any depth. */
export type NestedNumbers = readonly (number | bigint | NestedNumbers)[]
/** What an array column accepts. */
export type ArrayInput<D extends Dtype> =
  | TypedArrayOf<D>
  | NestedNumbers
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number> | ArrayLike<bigint> }

/** Options of an array column. */
export interface ArrayOptions<D extends Dtype> {
  /** Element type. @default 'float32' */
  readonly dtype?: D
  /** The length of each dimension, at least 0; null where it may vary. @default [null] */
  readonly shape?: readonly (number | null)[]
}

/**
 * An n-dimensional array, stored as little-endian bytes. Where the shape leaves a dimension open, the shape comes
 * first: one uint32 a dimension.
 */
export function arrayType<D extends Dtype>(options: ArrayOptions<D> = {}): ColumnType<NdArray<D>> {
  const dtype = (options.dtype ?? 'float32') as D
  const shape = options.shape ?? [null]
  if (!(dtype in dtypes)) {
    throw new SchemaError(`array dtype: expected one of ${Object.keys(dtypes).join(', ')}, got ${describeValue(dtype)}`)
  }
  if (shape.length === 0 || shape.some((n) => n !== null && !(Number.isSafeInteger(n) && n >= 0))) {
    throw new SchemaError('array shape: expected at least one dimension, each a whole number or null')
  }
  const open = shape.includes(null)
  const words = `an array of ${dtype} with shape (${shape.map((n) => n ?? '?').join(', ')})`
  return {
    name: 'array',
    storage: 'blob',
    operators: ['array'],
    config: () => ({ name: 'array', dtype, shape }),
    parse(value) {
      const array = toNdArray(value, dtype, words)
      if (array.shape.length !== shape.length || array.shape.some((n, i) => shape[i] !== null && shape[i] !== n)) {
        throw new TypeError(`expected ${words}, got shape (${array.shape.join(', ')})`)
      }
      return array
    },
    encode({ shape: lengths, data }) {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      if (!open) return bytes
      const result = new Uint8Array(4 * lengths.length + bytes.length)
      new Uint32Array(result.buffer, 0, lengths.length).set(lengths)
      result.set(bytes, 4 * lengths.length)
      return result
    },
    decode(stored) {
      // A copy, because a typed array must start at a multiple of its element size.
      const bytes = Uint8Array.from(stored as Uint8Array)
      const rank = open ? shape.length : 0
      const data = new dtypes[dtype](bytes.slice(4 * rank).buffer) as TypedArrayOf<D>
      const lengths = open ? [...new Uint32Array(bytes.buffer, 0, rank)] : (shape as readonly number[])
      return { dtype, shape: lengths, data }
    },
    jsonSchema: () => ({ type: 'array' }),
  }
}

function toNdArray<D extends Dtype>(value: unknown, dtype: D, expected: string): NdArray<D> {
  if (ArrayBuffer.isView(value) && 'length' in value) {
    return { dtype, shape: [value.length as number], data: toTyped(value as AnyTypedArray, dtype, expected) }
  }
  if (Array.isArray(value)) {
    const shape: number[] = []
    for (let level: unknown = value; Array.isArray(level); level = level[0]) shape.push(level.length)
    const flat: (number | bigint)[] = []
    flatten(value, shape, 0, flat, expected)
    return { dtype, shape, data: toTyped(flat, dtype, expected) }
  }
  if (
    typeof value === 'object' &&
    value !== null &&
    'data' in value &&
    'shape' in value &&
    Array.isArray(value.shape)
  ) {
    const data = toTyped(value.data as ArrayLike<number | bigint>, dtype, expected)
    const size = value.shape.reduce((product: number, n) => product * Number(n), 1)
    if (size !== data.length) {
      throw new TypeError(`expected ${expected}, got shape (${value.shape.join(', ')}) with ${data.length} elements`)
    }
    return { dtype, shape: value.shape.map(Number), data }
  }
  throw mismatch(expected, value)
}

function flatten(level: unknown, shape: readonly number[], depth: number, out: (number | bigint)[], expected: string) {
  if (depth === shape.length) {
    out.push(level as number | bigint)
    return
  }
  if (!Array.isArray(level) || level.length !== shape[depth]) {
    throw new TypeError(`expected ${expected}, got nested arrays of unequal length`)
  }
  for (const item of level) flatten(item, shape, depth + 1, out, expected)
}

function toTyped<D extends Dtype>(values: ArrayLike<number | bigint>, dtype: D, expected: string): TypedArrayOf<D> {
  const TypedArray = dtypes[dtype]
  if (values instanceof TypedArray) return values as TypedArrayOf<D>
  const wide = TypedArray === BigInt64Array || TypedArray === BigUint64Array
  const result = new TypedArray(values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value !== 'number' && typeof value !== 'bigint') throw mismatch(`${expected}, element ${i}`, value)
    if (wide && typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw mismatch(`${expected}, element ${i}`, value)
    }
    result[i] = (wide ? BigInt(value) : Number(value)) as never
    // An integer dtype would wrap 300 to 44 and cut 1.5 to 1.
    const exact = dtype === 'float32' || dtype === 'float64' || BigInt(result[i]!) === exactInteger(value)
    if (!exact) throw mismatch(`${expected}, element ${i} within its range`, value)
  }
  return result as TypedArrayOf<D>
}

/** The integer that a value is; undefined where it has a fraction. */
const exactInteger = (value: number | bigint): bigint | undefined =>
  typeof value === 'bigint' || Number.isInteger(value) ? BigInt(value) : undefined

/** The largest vector that an index can hold, in dimensions. */
export const maxDimensions = 65_535

/** A vector of fixed length, stored as little-endian float32. */
export function vectorType(dimensions: number): ColumnType<Float32Array> {
  if (!Number.isSafeInteger(dimensions) || dimensions < 1 || dimensions > maxDimensions) {
    throw new SchemaError(
      `t.vector: expected a number of dimensions from 1 to ${maxDimensions}, got ${describeValue(dimensions)}`,
    )
  }
  return {
    name: 'vector',
    storage: 'blob',
    operators: ['vector', 'array'],
    config: () => ({ name: 'vector', dimensions }),
    parse: (value) => toVector(value, dimensions),
    encode: (value) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
    decode: (stored) => decodeVector(stored as Uint8Array),
    jsonSchema: () => ({ type: 'array', items: { type: 'number' }, minItems: dimensions, maxItems: dimensions }),
  }
}

/**
 * A vector as float32, checked.
 * @throws TypeError when it is not numbers, has another length than `dimensions`, or holds NaN or an infinity
 */
export function toVector(value: unknown, dimensions: number | undefined): Float32Array {
  const list = value as ArrayLike<number>
  if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && 'length' in value)) {
    throw mismatch(`a vector${dimensions === undefined ? '' : ` of ${dimensions} numbers`}`, value)
  }
  if (dimensions !== undefined && list.length !== dimensions) {
    throw new TypeError(`expected a vector of ${dimensions} numbers, got ${list.length}`)
  }
  const vector = new Float32Array(list.length)
  for (let i = 0; i < list.length; i++) {
    const x = list[i]
    vector[i] = x as number
    if (typeof x !== 'number' || !Number.isFinite(vector[i])) {
      throw mismatch(`a vector of finite numbers; element ${i} is not one`, x)
    }
  }
  return vector
}

/** A stored vector. A copy, because a Float32Array must start at a multiple of four bytes. */
export function decodeVector(stored: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(stored).buffer)
}
