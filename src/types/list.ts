import { type ColumnType, mismatch, type Stored } from './column-type.js'

/**
 * A list of values of a type, as an aggregate gives it: JSON of the values as they are stored. What JSON cannot hold
 * is text in it: bytes in hexadecimal, wide integers in decimal.
 */
export function listType<T>(element: ColumnType<T>): ColumnType<(T | null)[]> {
  return {
    name: 'list',
    storage: 'text',
    operators: ['json'],
    config: () => ({ name: 'list', element: element.config() }),
    parse(value) {
      if (!Array.isArray(value)) throw mismatch('an array', value)
      return value as (T | null)[]
    },
    encode: (values) => JSON.stringify(values.map((value) => (value === null ? null : toJson(element.encode(value))))),
    decode: (stored, context) =>
      (JSON.parse(String(stored)) as unknown[]).map((item) =>
        item === null ? null : element.decode(fromJson(element, item), context),
      ),
    jsonSchema: () => ({ type: 'array', items: element.jsonSchema() }),
  }
}

function toJson(stored: Stored): unknown {
  if (stored instanceof Uint8Array) return Buffer.from(stored).toString('hex')
  return typeof stored === 'bigint' ? String(stored) : stored
}

function fromJson(element: ColumnType, item: unknown): Exclude<Stored, null> {
  if (element.storage === 'blob') return new Uint8Array(Buffer.from(String(item), 'hex'))
  if (element.wide) return BigInt(item as string)
  // JSON in JSON was parsed with the list around it.
  return element.name === 'json' ? JSON.stringify(item) : (item as Exclude<Stored, null>)
}
