import type { Database } from 'better-sqlite3'
import { nodeFromJson } from '../../catalog/serialize.js'
import { operandOf } from '../../expr/interpret.js'
import type { Node } from '../../expr/node.js'
import { applyOperator, type Operand, type Operator, operandAt, operators } from '../../expr/operators/index.js'
import type { ColumnType, DecodeContext, Stored } from '../../types/column-type.js'
import { dynamicType } from '../../types/dynamic.js'
import { jsonType } from '../../types/json.js'
import { type Media, mediaMarker, mediaType } from '../../types/media.js'
import { boolType, floatType, stringType } from '../../types/scalars.js'
import { dateType, timestampType } from '../../types/temporal.js'

/**
 * Operators that SQLite has no equal of, as functions `pxt_…` of its own that call the operator's JavaScript: the two
 * agree by construction. A function decodes its arguments by their types and encodes its result by its own, so the types
 * are part of its name wherever they are not those that the operator asks for.
 */
interface Bridge {
  readonly volatile: boolean
  readonly call: (...stored: Stored[]) => Stored
}

/** Every bridge that a query has needed so far. They differ by types alone, so they are few. */
const bridges = new Map<string, Bridge>()

/** The name of the SQL function that applies an operator to operands of these types. */
export function bridgeTo(name: string, types: readonly ColumnType[], result: ColumnType): string {
  const operator = operators[name]!
  const natural = isNatural(operator, types, result)
  const suffix = natural ? '' : `__${[...types.map(classOf), result.name].join('_')}`
  // The last operands may be left out in one call and not in another.
  const typeAt = (i: number) => (natural ? naturalType(operator, i) : types[i])!
  return define(`pxt_${name.replaceAll('.', '_')}${suffix}`, operator.volatile ?? false, (stored) =>
    encode(applyOperator(operator, decodeAll(stored, typeAt)), result),
  )
}

/**
 * The name of the SQL function for an operator with lambdas. Its arguments are the list, the other operands as JSON, and
 * the values that lambdas take from outside, which have the names `0`, `1`, … there.
 */
export function bridgeToLambda(
  name: string,
  list: ColumnType,
  captures: readonly ColumnType[],
  result: ColumnType,
  volatile: boolean,
): string {
  const operator = operators[name]!
  const types = [list, ...captures]
  const suffix = `${list.name === 'json' && captures.length === 0 ? '' : `__${types.map(classOf).join('_')}`}${volatile ? '_volatile' : ''}`
  const parsed = lastOf((text: string) =>
    (JSON.parse(text) as { [key: string]: unknown }[]).map((json) => nodeFromJson(json, noFunctions)),
  )
  return define(`pxt_${name}${suffix}`, volatile, ([value, spec, ...outer]) => {
    const [items, ...values] = decodeAll([value!, ...outer], (i) => types[i]!)
    const bindings = { items: [], parameters: Object.fromEntries(values.map((x, i) => [String(i), x])) }
    const rest = parsed(spec as string).map((node: Node) => operandOf(node, bindings))
    return encode(applyOperator(operator, [items, ...rest]), result)
  })
}

const noFunctions = {
  function(): never {
    throw new TypeError('a function cannot run inside SQL')
  },
}

/** A function of text that remembers its last result: a query has one text for all rows. */
function lastOf<T>(f: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly result: T } | undefined
  return (text) => {
    if (last?.text !== text) last = { text, result: f(text) }
    return last.result
  }
}

function define(name: string, volatile: boolean, call: (stored: readonly Stored[]) => Stored): string {
  if (!bridges.has(name)) bridges.set(name, { volatile, call: (...stored) => call(stored) })
  return name
}

const registered = new WeakMap<Database, Set<string>>()

/** Makes the bridges that a statement calls known to a database. */
export function registerBridges(db: Database, sql: string): void {
  if (!sql.includes('pxt_')) return
  let known = registered.get(db)
  if (known === undefined) {
    known = new Set()
    registered.set(db, known)
  }
  for (const [, name] of sql.matchAll(/\b(pxt_\w+)\(/g)) {
    const bridge = bridges.get(name!)
    if (bridge === undefined || known.has(name!)) continue
    known.add(name!)
    db.function(name!, { deterministic: !bridge.volatile, varargs: true, safeIntegers: true }, bridge.call as never)
  }
}

/** The word for how a type is decoded. */
function classOf(type: ColumnType): string {
  if (type.media) return 'media'
  const { name, dtype, shape } = type.config() as { name: string; dtype?: string; shape?: readonly (number | null)[] }
  if (name === 'array') return `array_${dtype}_${shape!.map((n) => n ?? 'n').join('x')}`
  return classes[name] ?? name
}

const classes: Readonly<Record<string, string>> = { int: 'number', float: 'number', string: 'text', uuid: 'text' }

const naturalTypes: Readonly<Record<string, ColumnType<any>>> = {
  text: stringType,
  number: floatType,
  int: floatType,
  bool: boolType,
  timestamp: timestampType,
  date: dateType,
  json: jsonType(),
  media: mediaType('document'),
}

/** The type of the values that an operand asks for; undefined where it takes several. */
function naturalType(operator: Operator, i: number): ColumnType | undefined {
  const operand: Operand = operandAt(operator, i)
  return naturalTypes[typeof operand === 'object' ? operand[0]! : operand]
}

function isNatural(operator: Operator, types: readonly ColumnType[], result: ColumnType): boolean {
  const natural = types.map((_, i) => naturalType(operator, i))
  const fitting = natural.every((type, i) => type !== undefined && classOf(type) === classOf(types[i]!))
  return fitting && operator.result(natural as ColumnType[]).name === result.name
}

const context: DecodeContext = {
  openMedia: (kind, record) => ({ ...record, kind, [mediaMarker]: true, toJSON: () => record }) as unknown as Media,
}

function decodeAll(stored: readonly Stored[], typeAt: (i: number) => ColumnType): unknown[] {
  return stored.map((value, i) => (value === null ? null : plain(typeAt(i).decode(value, context), typeAt(i))))
}

/** Integers arrive as bigints; those of unknown type are numbers where they can be. */
function plain(value: unknown, type: ColumnType): unknown {
  if (type !== dynamicType || typeof value !== 'bigint') return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function encode(value: unknown, type: ColumnType): Stored {
  if (value === null || value === undefined) return null
  const stored = type.encode(value)
  // SQLite takes a JavaScript number for a float.
  return type.storage === 'integer' && Number.isSafeInteger(stored) ? BigInt(stored as number) : stored
}
