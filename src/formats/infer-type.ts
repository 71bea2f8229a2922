import { vectorType } from '../types/arrays.js'
import type { ColumnType } from '../types/column-type.js'
import { jsonType } from '../types/json.js'
import { bigintType, boolType, floatType, intType, stringType, uuidType } from '../types/scalars.js'
import { dateType, timestampType } from '../types/temporal.js'

/**
 * The narrowest type that holds all values of a CSV column. Text stays text where another type would lose a part of it:
 * leading zeros, a plus sign, a timestamp without a zone, whole numbers of more than 64 bits.
 */
export function inferFromText(values: readonly string[]): ColumnType<any> {
  if (values.length === 0) return stringType
  if (values.every((text) => /^(true|false)$/i.test(text))) return boolType
  if (values.every((text) => /^(0|-?[1-9]\d*)$/.test(text))) return inferInteger(values.map(BigInt))
  if (values.every((text) => /^(-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?|-?Infinity)$/i.test(text))) return floatType
  const type = inferFromStrings(values)
  if (type !== stringType) return type
  return inferFromJsonText(values) ?? stringType
}

/** The type of texts that all are the JSON of an object or a list; undefined when one is not. */
export function inferFromJsonText(values: readonly string[]): ColumnType<any> | undefined {
  if (!values.every((text) => /^\s*[[{]/.test(text))) return undefined
  try {
    return inferVector(values.map((text) => JSON.parse(text) as unknown)) ?? jsonType()
  } catch {
    return undefined
  }
}

/** The narrowest type that holds all values of a column of JSON. */
export function inferFromJson(values: readonly unknown[]): ColumnType<any> {
  if (values.length === 0) return stringType
  if (values.every((value) => typeof value === 'boolean')) return boolType
  if (values.every((value) => typeof value === 'bigint' || isWhole(value))) {
    return inferInteger(values.map((value) => BigInt(value as number)))
  }
  if (values.every((value) => typeof value === 'number' || typeof value === 'bigint')) return floatType
  if (values.every((value) => typeof value === 'string')) return inferFromStrings(values)
  return inferVector(values) ?? jsonType()
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && !Object.is(value, -0)

function inferInteger(values: readonly bigint[]): ColumnType<any> {
  if (values.every((value) => Number.isSafeInteger(Number(value)))) return intType
  return values.every((value) => BigInt.asIntN(64, value) === value) ? bigintType : stringType
}

const zonedTimestamp = /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}(:?\d{2})?)$/i

/** Text, or what texts of one form are. */
function inferFromStrings(values: readonly string[]): ColumnType<any> {
  if (values.every((text) => fits(uuidType, text))) return uuidType
  if (values.every((text) => fits(dateType, text))) return dateType
  if (values.every((text) => zonedTimestamp.test(text))) return timestampType
  return stringType
}

/** Whether all texts are UUIDs in lower case, which are the same text when they are read back. */
export const areUuids = (values: readonly unknown[]): boolean =>
  values.every((value) => typeof value === 'string' && fits(uuidType, value))

function fits(type: ColumnType<any>, text: string): boolean {
  try {
    return type.parse(text) === text
  } catch {
    return false
  }
}

/**
 * A vector type for lists of one length whose numbers float32 holds exactly, as exported embeddings are. Lists of whole
 * numbers, and lists that would lose precision, stay JSON.
 */
function inferVector(values: readonly unknown[]): ColumnType<any> | undefined {
  const [first] = values
  if (!Array.isArray(first) || first.length < 2) return undefined
  let fractions = false
  for (const list of values) {
    if (!Array.isArray(list) || list.length !== first.length) return undefined
    for (const x of list) {
      if (typeof x !== 'number' || !Number.isFinite(x) || Math.fround(x) !== x) return undefined
      fractions ||= !Number.isInteger(x)
    }
  }
  return fractions && first.length <= 65_535 ? vectorType(first.length) : undefined
}
