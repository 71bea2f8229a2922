import { SchemaError } from '../errors.js'
import { maxDimensions, type NdArray, toVector } from './arrays.js'
import { type ColumnType, describeValue, mismatch } from './column-type.js'

/**
 * What a multi-vector column accepts, shape (tokens, dimensions): a vector a token, or an array of rank 2. In one
 * `Float32Array` the vectors stand one after the other; it takes a known number of dimensions.
 */
export type MultiVectorInput =
  | readonly ArrayLike<number>[]
  | Float32Array
  | { readonly shape: readonly number[]; readonly data: ArrayLike<number> }

/**
 * Any number of vectors of one length, stored one after the other as little-endian float32: their number follows from
 * how many bytes there are.
 */
export function multiVectorType(dimensions: number): ColumnType<NdArray<'float32'>> {
  if (!Number.isSafeInteger(dimensions) || dimensions < 1 || dimensions > maxDimensions) {
    throw new SchemaError(
      `t.multiVector: expected a number of dimensions from 1 to ${maxDimensions}, got ${describeValue(dimensions)}`,
    )
  }
  const matrix = (data: Float32Array): NdArray<'float32'> => ({
    dtype: 'float32',
    shape: [data.length / dimensions, dimensions],
    data: data as NdArray<'float32'>['data'],
  })
  return {
    name: 'multiVector',
    storage: 'blob',
    operators: ['array'],
    config: () => ({ name: 'multiVector', dimensions }),
    parse: (value) => matrix(toMultiVector(value, dimensions).values),
    encode: ({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    decode: (stored) => matrix(new Float32Array(Uint8Array.from(stored as Uint8Array).buffer)),
    jsonSchema: () => ({
      type: 'array',
      minItems: 1,
      items: { type: 'array', items: { type: 'number' }, minItems: dimensions, maxItems: dimensions },
    }),
  }
}

/** Vectors of one length, one after the other. */
export interface MultiVector {
  readonly values: Float32Array
  readonly dimensions: number
}

/**
 * Vectors as float32, checked.
 * @param dimensions their length, where it is known
 * @throws TypeError when there is none, one has another length, or one holds NaN or an infinity
 */
export function toMultiVector(value: unknown, dimensions: number | undefined): MultiVector {
  if (value instanceof Float32Array) {
    if (dimensions === undefined) {
      throw mismatch('vectors, each a list of numbers (in one list it is not known where a vector ends)', value)
    }
    return checked(value, dimensions, 'numbers')
  }
  if (isMatrix(value)) {
    const { shape, data } = value
    const [tokens = 0, length = 0] = shape
    if (shape.length !== 2 || (dimensions !== undefined && length !== dimensions) || tokens * length !== data.length) {
      throw new TypeError(
        `expected an array of shape (tokens, ${dimensions ?? 'dimensions'}), got shape (${shape.join(', ')}) with ${data.length} elements`,
      )
    }
    return checked(data as ArrayLike<number>, length, 'numbers')
  }
  if (!Array.isArray(value)) {
    throw mismatch(`a list of vectors${dimensions === undefined ? '' : ` of ${dimensions} numbers`}`, value)
  }
  const length = dimensions ?? (value[0] as ArrayLike<number> | undefined)?.length ?? 0
  const values = new Float32Array(value.length * length)
  value.forEach((vector, token) => {
    try {
      values.set(toVector(vector, length), token * length)
    } catch (cause) {
      throw new TypeError(`vector ${token}: ${(cause as Error).message}`)
    }
  })
  return checked(values, length, 'vectors')
}

/** Whether a value has elements and a shape. */
export const isMatrix = (value: unknown): value is { shape: readonly number[]; data: ArrayLike<number> } =>
  typeof value === 'object' && value !== null && 'data' in value && 'shape' in value && Array.isArray(value.shape)

function checked(given: ArrayLike<number>, dimensions: number, what: string): MultiVector {
  if (given.length === 0 || dimensions === 0) {
    throw new TypeError('expected at least one vector, got none (a row without vectors has null)')
  }
  if (given.length % dimensions !== 0) {
    throw new TypeError(`expected vectors of ${dimensions} numbers one after the other, got ${given.length} ${what}`)
  }
  return { values: toVector(given, given.length), dimensions }
}
