import { type Aggregate, aggregates } from '../../../expr/aggregates.js'
import {
  type AggregateNode,
  argumentsOf,
  type Frame,
  type Node,
  orderKeysOf,
  partitionKeysOf,
  type WindowNode,
} from '../../../expr/node.js'
import type { Sorting } from '../../../expr/operators/index.js'
import type { ColumnType } from '../../../types/column-type.js'
import { isJson, jsonType } from '../../../types/json.js'
import { Fragment, join, sql } from '../fragment.js'
import type { Operand as Typed } from '../operators.js'
import { operand } from './expression.js'
import type { Compilation } from './select.js'

type Compile = (node: Node) => Typed

const names: Readonly<Record<string, string>> = {
  stddev: 'pxt_stddev',
  first: 'pxt_first',
  last: 'pxt_last',
  arrayAgg: 'json_group_array',
  stringAgg: 'group_concat',
  rowNumber: 'row_number',
  denseRank: 'dense_rank',
  firstValue: 'first_value',
  lastValue: 'last_value',
}

/** An aggregate over a group. @param ties what puts rows in the order in which they were inserted */
export function aggregateSql(
  node: AggregateNode,
  compile: Compile,
  ties: readonly Fragment[],
  compilation: Compilation,
): Typed {
  const { name, args, result } = callOf(node, compile, compilation)
  const keys = orderKeysOf(node).map((key, i) => sortKey(compile(key), node.order[i]!))
  const ordered = node.fn !== undefined || aggregates[node.name]!.ordered
  const order = ordered ? [...keys, ...ties] : []
  const input = args.length === 0 ? new Fragment(node.name === 'count' ? '*' : '') : join(args, ', ')
  const text = sql`${name}(${node.distinct ? 'DISTINCT ' : ''}${input}${order.length === 0 ? '' : sql` ORDER BY ${join(order, ', ')}`})`
  return result(text)
}

/** A function over the rows around a row. */
export function windowSql(
  node: WindowNode,
  compile: Compile,
  ties: readonly Fragment[],
  compilation: Compilation,
): Typed {
  const { name, args, result } = callOf(node, compile, compilation)
  const parts = partitionKeysOf(node).map((key) => compile(key).sql)
  const keys = orderKeysOf(node).map((key, i) => sortKey(compile(key), node.order[i]!))
  // Functions that number rows, or look at the next, would give equals in any order.
  const positional = aggregates[node.name]?.windowOnly && node.name !== 'rank' && node.name !== 'denseRank'
  const ordered = node.fn !== undefined || aggregates[node.name]?.ordered
  const byRow = positional || node.frame !== undefined || (ordered && keys.length === 0)
  const order = byRow ? [...keys, ...ties] : keys
  const frame = node.frame
    ? frameSql(node.frame)
    : byRow && keys.length === 0 && !positional
      ? new Fragment('ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING')
      : undefined
  const over = [
    ...(parts.length > 0 ? [sql`PARTITION BY ${join(parts, ', ')}`] : []),
    ...(order.length > 0 ? [sql`ORDER BY ${join(order, ', ')}`] : []),
    ...(frame ? [frame] : []),
  ]
  const input = args.length === 0 && node.name === 'count' ? new Fragment('*') : join(args, ', ')
  return result(sql`${name}(${input}) OVER (${join(over, ' ')})`)
}

/** A key of an order. */
export function sortKey(value: Typed, { direction, nulls = 'last' }: Sorting): Fragment {
  return sql`${sortable(value)} ${direction === 'asc' ? 'ASC' : 'DESC'} NULLS ${nulls === 'last' ? 'LAST' : 'FIRST'}`
}

/** What a value is sorted by: JSON's text would put 10 before 9. */
export const sortable = ({ sql: value, type }: Typed): Fragment => (isJson(type) ? sql`(${value} ->> '$')` : value)

function frameSql({ unit, from, to }: Frame): Fragment {
  const bound = (n: number | null, all: string) =>
    n === null ? `UNBOUNDED ${all}` : n === 0 ? 'CURRENT ROW' : n < 0 ? `${-n} PRECEDING` : `${n} FOLLOWING`
  return new Fragment(`${unit.toUpperCase()} BETWEEN ${bound(from, 'PRECEDING')} AND ${bound(to, 'FOLLOWING')}`)
}

/** What is called with what, and how the SQL of the call becomes a typed value. */
function callOf(
  node: AggregateNode | WindowNode,
  compile: Compile,
  compilation: Compilation,
): { name: string; args: Fragment[]; result: (text: Fragment) => Typed } {
  const typed = argumentsOf(node).map(compile)
  if (node.fn) {
    const types = typed.map(({ type }) => type)
    const type = node.fn.returns ?? jsonType()
    return {
      name: compilation.nameOf(node.fn, types, node.kind === 'window'),
      args: typed.map((arg) => arg.sql),
      result: (text) => ({ sql: text, type }),
    }
  }
  const aggregate = aggregates[node.name]!
  const type = aggregate.result(typed.map((arg) => arg.type))
  const name = node.kind === 'window' ? windowName(node.name) : (names[node.name] ?? node.name)
  if (node.name === 'arrayAgg') {
    return { name, args: [listItem(typed[0]!)], result: (text) => ({ sql: text, type }) }
  }
  const compares = (node.name === 'min' || node.name === 'max') && isJson(typed[0]!.type)
  if (compares) {
    // Compared as plain SQL, and JSON again afterwards.
    return {
      name,
      args: [sortable(typed[0]!)],
      result: (text) => ({ sql: sql`json_quote(${text})`, type }),
    }
  }
  return { name, args: unpacked(aggregate, typed), result: (text) => ({ sql: text, type }) }
}

const windowName = (name: string): string =>
  name === 'first' || name === 'last' ? `pxt_${name}_window` : (names[name] ?? name)

const unpacked = ({ operands }: Aggregate, args: readonly Typed[]): Fragment[] =>
  args.map((arg, i) => operand(arg, operands[i] ?? 'any').sql)

/** A value as an item of a JSON array; see `types/list.ts`. */
function listItem({ sql: value, type }: Typed): Fragment {
  if (isJson(type)) return sql`json(${value})`
  return needsText(type) ? sql`CASE WHEN ${value} IS NOT NULL THEN ${textOf(type, value)} END` : value
}

const needsText = (type: ColumnType<any>): boolean => type.storage === 'blob' || type.wide === true
const textOf = (type: ColumnType<any>, value: Fragment): Fragment =>
  type.storage === 'blob' ? sql`hex(${value})` : sql`CAST(${value} AS TEXT)`
