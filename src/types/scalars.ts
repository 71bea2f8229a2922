import { type ColumnType, mismatch } from './column-type.js'

/** Text, stored as UTF-8. Lone surrogates, which UTF-8 cannot carry, become U+FFFD. */
export const stringType: ColumnType<string> = {
  name: 'string',
  storage: 'text',
  operators: ['order', 'text'],
  config: () => ({ name: 'string' }),
  parse(value) {
    if (typeof value !== 'string') throw mismatch('a string', value)
    return wellFormed(value)
  },
  encode: (value) => value,
  decode: (stored) => String(stored),
  jsonSchema: () => ({ type: 'string' }),
}

// String.prototype.toWellFormed is in Node 20, but not yet in the ES2023 library types.
const wellFormed = (text: string): string => (text as unknown as { toWellFormed(): string }).toWellFormed()

/** A whole number that a JavaScript number holds exactly: ±(2^53 − 1). */
export const intType: ColumnType<number> = {
  name: 'int',
  storage: 'integer',
  operators: ['order', 'number'],
  config: () => ({ name: 'int' }),
  parse(value) {
    if (!Number.isSafeInteger(value)) {
      throw mismatch('a safe integer (for larger ones declare the column t.bigint())', value)
    }
    // -0 has no integer form.
    return (value as number) + 0
  },
  encode: (value) => value,
  decode: Number,
  jsonSchema: () => ({ type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }),
}

const minInt64 = -(2n ** 63n)
const maxInt64 = 2n ** 63n - 1n

/** A 64-bit signed integer, a `bigint` in JavaScript. */
export const bigintType: ColumnType<bigint> = {
  name: 'bigint',
  storage: 'integer',
  operators: ['order', 'number'],
  wide: true,
  config: () => ({ name: 'bigint' }),
  parse(value) {
    const wide = Number.isSafeInteger(value) ? BigInt(value as number) : value
    if (typeof wide !== 'bigint' || wide < minInt64 || wide > maxInt64) {
      throw mismatch('a bigint of 64 bits or a safe integer', value)
    }
    return wide
  },
  encode: (value) => value,
  decode: (stored) => BigInt(stored as bigint),
  jsonSchema: () => ({ type: 'integer' }),
}

/** A 64-bit float. NaN, which SQL has no room for, is refused. */
export const floatType: ColumnType<number> = {
  name: 'float',
  storage: 'real',
  operators: ['order', 'number'],
  config: () => ({ name: 'float' }),
  parse(value) {
    if (typeof value !== 'number' || Number.isNaN(value)) throw mismatch('a number that is not NaN', value)
    return value
  },
  encode: (value) => value,
  decode: Number,
  jsonSchema: () => ({ type: 'number' }),
}

/** True or false, stored as 1 or 0. */
export const boolType: ColumnType<boolean> = {
  name: 'bool',
  storage: 'integer',
  operators: ['bool'],
  config: () => ({ name: 'bool' }),
  parse(value) {
    if (typeof value !== 'boolean') throw mismatch('true or false', value)
    return value
  },
  encode: (value) => (value ? 1 : 0),
  decode: (stored) => Number(stored) !== 0,
  jsonSchema: () => ({ type: 'boolean' }),
}

/** A UUID in its canonical lower-case form (RFC 9562). */
export type Uuid = `${string}-${string}-${string}-${string}-${string}`

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** A UUID, stored as its canonical lower-case text. */
export const uuidType: ColumnType<Uuid> = {
  name: 'uuid',
  storage: 'text',
  operators: ['order', 'text'],
  config: () => ({ name: 'uuid' }),
  parse(value) {
    if (typeof value !== 'string' || !uuidPattern.test(value)) {
      throw mismatch("a UUID such as 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'", value)
    }
    return value.toLowerCase() as Uuid
  },
  encode: (value) => value,
  decode: (stored) => String(stored) as Uuid,
  jsonSchema: () => ({ type: 'string', format: 'uuid' }),
}

/** Bytes. */
export const binaryType: ColumnType<Uint8Array> = {
  name: 'binary',
  storage: 'blob',
  operators: [],
  config: () => ({ name: 'binary' }),
  parse(value) {
    if (value instanceof Uint8Array) return value
    if (value instanceof ArrayBuffer) return new Uint8Array(value)
    throw mismatch('bytes (a Uint8Array or an ArrayBuffer)', value)
  },
  encode: (value) => value,
  // better-sqlite3 returns a Buffer; users are promised a plain Uint8Array.
  decode: (stored) => new Uint8Array(stored as Uint8Array),
  jsonSchema: () => ({ type: 'string', contentEncoding: 'base64' }),
}
