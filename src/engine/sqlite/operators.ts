import type { ColumnType } from '../../types/column-type.js'
import { intType, stringType } from '../../types/scalars.js'
import { bridgeTo } from './bridge.js'
import { bind, type Fragment, join, sql } from './fragment.js'

/** An operand in SQL. */
export interface Operand {
  readonly sql: Fragment
  readonly type: ColumnType
  /** Where it is a literal, its value. */
  readonly literal?: unknown
  /** Whether it may be written twice: it is cheap, and the same each time. */
  readonly simple?: boolean
  /** Whether it is a path into JSON, so that it may be JSON's own null. */
  readonly path?: boolean
  /** Whether it was read out of JSON, as the kind that the operator wants. */
  readonly unpacked?: boolean
}

/** The SQL of an operator; undefined where SQLite's answer would not be the same for these operands. */
type Template = (...args: Operand[]) => Fragment | undefined

const infix =
  (symbol: string): Template =>
  (a, b) =>
    sql`(${a!.sql} ${symbol} ${b!.sql})`

const call =
  (name: string): Template =>
  (...args) =>
    sql`${name}(${join(
      args.map((arg) => arg.sql),
      ', ',
    )})`

/** A call of the operator's JavaScript. */
export function bridged(operator: string, args: readonly Operand[], result: ColumnType): Fragment {
  const types = args.map((arg) => arg.type)
  return call(bridgeTo(operator, types, result))(...args)!
}

/** The template where every operand, or the first ones, are text, and not JSON that may hold text. */
const ofText =
  (template: Template, count?: number): Template =>
  (...args) =>
    args.slice(0, count).every(isText) ? template(...args) : undefined

const isText = ({ type }: Operand): boolean => type.operators.includes('text') && !several(type)

/** SQLite's text functions take U+0000 for the end, so a text that has one goes over the bridge. */
const unlessNul = (operator: string, result: ColumnType, template: Template): Template =>
  ofText((text, ...rest) => {
    const native = text!.simple ? template(text!, ...rest) : undefined
    if (native === undefined) return undefined
    return sql`iif(instr(${text!.sql}, char(0)) = 0, ${native}, ${bridged(operator, [text!, ...rest], result)})`
  }, 1)

/** A property of the JSON in a media cell. */
const property =
  (name: string): Template =>
  (media) =>
    sql`(${media!.sql} ->> '$.${name}')`

/** Types whose values are of several kinds. */
const several = (type: ColumnType): boolean => type.name === 'json' || type.name === 'dynamic'

/** SQLite computes 64-bit integers beyond their range as floats, and its functions do so always. */
const narrow =
  (template: Template): Template =>
  (...args) =>
    args.some(({ type }) => type.wide || type.name === 'dynamic') ? undefined : template(...args)

const bytes = ({ sql: text }: Operand): Fragment => sql`CAST(${text} AS BLOB)`

/** A constant text that is neither empty nor has a NUL in it. */
const isPlain = ({ literal }: Operand): boolean =>
  typeof literal === 'string' && literal !== '' && !literal.includes('\0')

const bits =
  (symbol: string): Template =>
  (a, b) =>
    [a!, b!].every(({ type }) => type.storage === 'integer') ? infix(symbol)(a!, b!) : undefined

/** A part of the ISO text that instants and days are stored as. */
const part =
  (position: number, length: number): Template =>
  (x, zone) =>
    zone === undefined && (x!.type.name === 'timestamp' || x!.type.name === 'date')
      ? sql`CAST(substr(${x!.sql}, ${String(position)}, ${String(length)}) AS INTEGER)`
      : undefined

/**
 * The SQL of the operators of which SQLite gives the same result as their JavaScript, which is defined in
 * `expr/operators/`. The others are bridged; see `bridge.ts`.
 */
export const operatorSql: Readonly<Record<string, Template>> = {
  eq: infix('='),
  ne: infix('<>'),
  gt: infix('>'),
  gte: infix('>='),
  lt: infix('<'),
  lte: infix('<='),
  between: (x, low, high) => sql`(${x!.sql} BETWEEN ${low!.sql} AND ${high!.sql})`,
  // A null in the list would make every non-match unknown.
  in: (x, ...list) => {
    const items = list.filter((item) => item.literal !== null).map((item) => item.sql)
    // SQL's `NULL IN ()` is false.
    if (items.length === 0) return sql`(${x!.sql} IS NULL AND NULL)`
    return sql`(${x!.sql} IN (${join(items, ', ')}))`
  },
  isNull: (x) => sql`(${x!.sql} IS NULL)`,
  isNotNull: (x) => sql`(${x!.sql} IS NOT NULL)`,
  coalesce: call('coalesce'),
  // What was read out of JSON would no longer be JSON.
  nullIf: (a, b) =>
    a!.unpacked || several(a!.type) || several(b!.type) ? undefined : sql`nullif(${a!.sql}, ${b!.sql})`,
  case(...args) {
    const branches: Fragment[] = []
    for (let i = 0; i + 1 < args.length; i += 2) branches.push(sql`WHEN ${args[i]!.sql} THEN ${args[i + 1]!.sql}`)
    return sql`(CASE ${join(branches, ' ')} ELSE ${args.at(-1)!.sql} END)`
  },
  and: infix('AND'),
  or: infix('OR'),
  not: (x) => sql`(NOT ${x!.sql})`,
  cast(x, config) {
    const { name } = config!.literal as { name: string }
    if (name === 'float' && x!.type.name === 'int') return sql`CAST(${x!.sql} AS REAL)`
    return name === x!.type.name && (name === 'int' || name === 'float' || name === 'string') ? x!.sql : undefined
  },

  add: narrow(infix('+')),
  sub: narrow(infix('-')),
  mul: narrow(infix('*')),
  div: (a, b) => sql`(CAST(${a!.sql} AS REAL) / ${b!.sql})`,
  // The symbol % would cut both sides to integers.
  mod: narrow((a, b) => sql`mod(${a!.sql}, ${b!.sql})`),
  neg: narrow((x) => sql`(- ${x!.sql})`),
  abs: narrow(call('abs')),
  ceil: narrow(call('ceil')),
  floor: narrow(call('floor')),
  sqrt: narrow(call('sqrt')),
  bitAnd: bits('&'),
  bitOr: bits('|'),

  concat: ofText(
    (...args) =>
      sql`(${join(
        args.map((arg) => arg.sql),
        ' || ',
      )})`,
  ),
  length: unlessNul('length', intType, call('length')),
  contains: ofText((text, part) => sql`(instr(${text!.sql}, ${part!.sql}) > 0)`),
  startsWith: (text, part) =>
    isPlain(part!)
      ? sql`(substr(${text!.sql}, 1, length(${part!.sql})) = ${part!.sql})`
      : sql`(instr(${text!.sql}, ${part!.sql}) = 1)`,
  // The end of a text's bytes. The NUL in front is there because SQLite's part of an empty blob is null.
  endsWith: (text, part) =>
    isPlain(part!)
      ? sql`(substr(CAST(char(0) || ${text!.sql} AS BLOB), -length(${bytes(part!)})) = ${bytes(part!)})`
      : undefined,
  indexOf: (text, part, ...bounds) => (bounds.length === 0 ? sql`(instr(${text!.sql}, ${part!.sql}) - 1)` : undefined),
  // Nothing stands between any two characters, but SQLite does not find it there.
  replaceAll: (text, part, by, count) =>
    count === undefined && isPlain(part!) ? sql`replace(${text!.sql}, ${part!.sql}, ${by!.sql})` : undefined,
  slice: unlessNul('slice', stringType, (text, start, end, step) => {
    if (step !== undefined) return undefined
    const from = start === undefined ? 0 : start.literal
    if (typeof from !== 'number' || from < 0) return undefined
    if (end === undefined) return sql`substr(${text!.sql}, ${bind(from + 1)})`
    const to = end.literal
    if (typeof to !== 'number' || to < 0) return undefined
    return sql`substr(${text!.sql}, ${bind(from + 1)}, ${bind(Math.max(0, to - from))})`
  }),

  year: part(1, 4),
  month: part(6, 2),
  day: part(9, 2),
  hour: part(12, 2),
  minute: part(15, 2),
  second: part(18, 2),
  date: (x, zone) => (zone === undefined && x!.type.name === 'timestamp' ? sql`substr(${x!.sql}, 1, 10)` : undefined),

  'media.url': property('url'),
  'media.mime': property('mime'),
  'media.size': property('size'),
  'media.sha256': property('sha256'),
  'media.name': property('name'),
  'media.format': property('format'),
  'media.width': property('width'),
  'media.height': property('height'),
}

interface Unpacking {
  readonly template: (json: Fragment) => Fragment
  /** The operator that does the same. */
  readonly operator: string
}

const number: Unpacking = {
  template: (json) => sql`(CASE WHEN json_type(${json}) IN ('integer', 'real') THEN ${json} ->> '$' END)`,
  operator: 'json.number',
}

/** A JSON value as plain SQL, null where it is of another kind. */
export const fromJson: Readonly<Record<string, Unpacking>> = {
  number,
  int: number,
  text: {
    template: (json) => sql`(CASE WHEN json_type(${json}) = 'text' THEN ${json} ->> '$' END)`,
    operator: 'json.text',
  },
  bool: {
    template: (json) => sql`(CASE json_type(${json}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END)`,
    operator: 'json.bool',
  },
}
