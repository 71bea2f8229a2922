import { type Fragment, join, sql } from './fragment.js'

/** An operand in SQL. */
export interface Operand {
  readonly sql: Fragment
  /** Where it is a literal, its value. */
  readonly literal?: unknown
}

type Template = (...args: Operand[]) => Fragment

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

/** A property of the JSON in a media cell. */
const property =
  (name: string): Template =>
  (media) =>
    sql`(${media!.sql} ->> '$.${name}')`

/** The SQL of each built-in operator. What it computes is defined in `expr/operators.ts`. */
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
    return sql`(${x!.sql} IN (${join(items, ', ')}))`
  },
  isNull: (x) => sql`(${x!.sql} IS NULL)`,
  isNotNull: (x) => sql`(${x!.sql} IS NOT NULL)`,
  coalesce: call('coalesce'),
  and: infix('AND'),
  or: infix('OR'),
  not: (x) => sql`(NOT ${x!.sql})`,
  add: infix('+'),
  sub: infix('-'),
  mul: infix('*'),
  div: (a, b) => sql`(CAST(${a!.sql} AS REAL) / ${b!.sql})`,
  // The symbol % would cut both sides to integers.
  mod: (a, b) => sql`mod(${a!.sql}, ${b!.sql})`,
  neg: (x) => sql`(- ${x!.sql})`,
  hash: call('pxt_hash'),
  concat: (...args) =>
    sql`(${join(
      args.map((arg) => arg.sql),
      ' || ',
    )})`,
  upper: call('pxt_upper'),
  lower: call('pxt_lower'),
  trim: call('pxt_trim'),
  length: call('length'),
  contains: (text, part) => sql`(instr(${text!.sql}, ${part!.sql}) > 0)`,
  startsWith: (text, part) => sql`(substr(${text!.sql}, 1, length(${part!.sql})) = ${part!.sql})`,
  endsWith: (text, part) =>
    sql`(substr(${text!.sql}, -max(length(${part!.sql}), 1), length(${part!.sql})) = ${part!.sql})`,
  like: call('pxt_like'),
  'media.url': property('url'),
  'media.mime': property('mime'),
  'media.size': property('size'),
  'media.sha256': property('sha256'),
  'media.name': property('name'),
  'media.format': property('format'),
  'media.width': property('width'),
  'media.height': property('height'),
}

/** A JSON value as plain SQL, null where it is of another kind, as `conform` in `expr/operators.ts` has it. */
export const fromJson: Readonly<Record<string, (json: Fragment) => Fragment>> = {
  number: (json) => sql`(CASE WHEN json_type(${json}) IN ('integer', 'real') THEN ${json} ->> '$' END)`,
  text: (json) => sql`(CASE WHEN json_type(${json}) = 'text' THEN ${json} ->> '$' END)`,
  bool: (json) => sql`(CASE json_type(${json}) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END)`,
}
