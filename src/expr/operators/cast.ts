import { QueryError } from '../../errors.js'
import { Column } from '../../types/column.js'
import { type ColumnType, describeValue, type TypeConfig } from '../../types/column-type.js'
import { dynamicType } from '../../types/dynamic.js'
import { isMedia } from '../../types/media.js'
import { typeFromConfig } from '../../types/registry.js'
import type { Node } from '../node.js'
import { asJson, type Operators } from './operator.js'

const integer = /^\s*[-+]?\d+\s*$/
const decimal = /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i

/** What a value becomes in a type, before the type itself has its say; undefined where it has no form there. */
function convert(value: unknown, type: string): unknown {
  switch (type) {
    case 'string':
      return toText(value)
    case 'int':
    case 'bigint':
      return toInteger(value)
    case 'float':
      if (typeof value === 'string') return decimal.test(value) ? Number(value) : undefined
      return typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : value
    case 'bool':
      if (typeof value === 'string') return words[value.trim().toLowerCase()]
      return typeof value === 'number' || typeof value === 'bigint' ? Number(value) !== 0 : value
    case 'timestamp':
      return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) ? new Date(`${value}T00:00:00Z`) : value
    case 'date':
      return value instanceof Date ? value.toISOString().slice(0, 10) : value
    case 'json':
      return typeof value === 'string' ? JSON.parse(value) : asJson(value)
    default:
      return value
  }
}

const words: Readonly<Record<string, boolean>> = { true: true, false: false, '1': true, '0': false }

function toText(value: unknown): string | undefined {
  if (value instanceof Uint8Array) return undefined
  if (value instanceof Date) return value.toISOString()
  if (isMedia(value)) return value.url
  return typeof value === 'object' ? JSON.stringify(asJson(value)) : String(value)
}

function toInteger(value: unknown): unknown {
  if (typeof value === 'string') return integer.test(value) ? BigInt(value.trim().replace(/^\+/, '')) : undefined
  if (typeof value === 'boolean') return value ? 1n : 0n
  // A float loses its fraction, towards zero.
  if (typeof value === 'number') return Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined
  return value
}

/** A value in another type; null where it cannot be one. */
function cast(value: unknown, config: TypeConfig): unknown {
  const type = typeFromConfig(config)
  try {
    const converted = convert(value, type.name)
    if (converted === undefined || converted === null) return null
    const plain = type.name === 'int' && typeof converted === 'bigint' ? Number(converted) : converted
    return type.parse(plain)
  } catch {
    // The type refused it.
    return null
  }
}

const configOf = (node: Node | undefined): TypeConfig | undefined =>
  node?.kind === 'literal' ? (node.value as TypeConfig) : undefined

/** Conversion between types. */
export const casting: Operators = {
  cast: {
    operands: ['any', 'json'],
    result(_, args): ColumnType {
      const config = configOf(args?.[1])
      return config === undefined ? dynamicType : typeFromConfig(config)
    },
    evaluate: cast,
    accept(column: unknown) {
      if (!(column instanceof Column)) {
        throw new QueryError(`cast(): expected a type such as t.int(), got ${describeValue(column)}`)
      }
      if (column.type.media) throw new QueryError(`cast(): nothing can be cast to a file (${column.type.name})`)
      return [column.type.config()]
    },
    docs: {
      call: 'cast(type)',
      does: 'The value as another type such as `t.int()`: text is parsed, a fraction cut off, an instant’s day taken in UTC; null where that is not possible.',
      pixeltable: ['globals.cast', 'math.to_int', 'math.to_float', 'uuid.to_string'],
    },
  },
}
