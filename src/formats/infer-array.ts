import { arrayType, type Dtype, vectorType } from '../types/arrays.js'
import type { ColumnType } from '../types/column-type.js'
import { jsonType } from '../types/json.js'

/**
 * The type of a column of lists of numbers. Lists of float32 that all have one length are vectors; other lists whose
 * nesting is regular are arrays, with the dimensions left open that vary; what is ragged or has nulls is JSON.
 *
 * @param depth how deep the lists are nested
 */
export function inferArray(values: readonly unknown[], dtype: Dtype, depth: number): ColumnType<any> {
  let common: (number | null)[] | undefined
  for (const value of values) {
    const shape = shapeOf(value, depth)
    if (!shape) return jsonType()
    common = common?.map((n, i) => (n === shape[i] ? n : null)) ?? shape
  }
  return typeOfShape(common ?? new Array(depth).fill(null), dtype, values)
}

/** The type of arrays of a shape. */
export function typeOfShape(
  shape: readonly (number | null)[],
  dtype: Dtype,
  values: readonly unknown[] = [],
): ColumnType<any> {
  const [length] = shape
  if (shape.length === 1 && dtype === 'float32' && length && length <= 65_535 && values.every(areFinite)) {
    return vectorType(length)
  }
  return arrayType({ dtype, shape })
}

const areFinite = (list: unknown): boolean =>
  !Array.isArray(list) || list.every((x) => typeof x !== 'number' || Number.isFinite(x))

/** The shape of nested lists; undefined when they are irregular or have nulls. */
function shapeOf(value: unknown, depth: number): number[] | undefined {
  if (ArrayBuffer.isView(value)) return depth === 1 ? [(value as unknown as ArrayLike<number>).length] : undefined
  if (!Array.isArray(value)) return undefined
  if (depth === 1) return value.includes(null) || value.includes(undefined) ? undefined : [value.length]
  let inner: number[] | undefined
  for (const item of value) {
    const shape = shapeOf(item, depth - 1)
    if (!shape || inner?.some((n, i) => n !== shape[i])) return undefined
    inner = shape
  }
  return [value.length, ...(inner ?? new Array(depth - 1).fill(0))]
}
