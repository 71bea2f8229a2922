import { QueryError, SchemaError } from '../errors.js'
import type { Column } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import { aggregates } from './aggregates.js'
import {
  type Expr,
  Expression,
  type ExprFor,
  expression,
  isExpression,
  type Order,
  operandNode,
  toNode,
} from './expression.js'
import { type AggregateFunction, define } from './function.js'
import { type AggregateNode, argumentsOf, type Frame, type Node, type WindowNode } from './node.js'
import type { Sorting } from './operators/index.js'

/** The rows that a window function sees. */
export interface Window {
  /** What parts the rows; without it all rows are one part. */
  readonly partitionBy?: Expr<any> | readonly Expr<any>[]
  /** How the rows of a part follow each other. With it, an aggregate runs: it sees the rows up to the current one. */
  readonly orderBy?: Order | readonly Order[]
  /**
   * How far the function sees, in rows: `[from, to]`, negative before the current row, 0 that row, null all the way.
   * @default all rows of the part without `orderBy`, else those up to the current one and its equals
   */
  readonly rows?: readonly [from: number | null, to: number | null]
}

/** A function that is of use over a window alone. */
export interface WindowFunction<T> {
  /** The function over the rows around each row. @throws QueryError when the window is not valid */
  over(window?: Window): ExprFor<T>
}

/** An aggregate: a value for each group, or, over a window, for each row. */
export type Aggregated<T> = ExprFor<T> & WindowFunction<T>

/** Options of aggregates whose result shows the order of their input. */
export interface AggregateOrder {
  /** How the input is ordered. @default the order in which rows were inserted */
  readonly orderBy?: Order | readonly Order[]
}

/** How many rows there are; or, of an expression, how many values that are not null. */
export function count(of?: Expr<any>): Aggregated<number> {
  return aggregated('count', of === undefined ? [] : [of])
}

/** How many different values an expression has, nulls aside. */
export function countDistinct(of: Expr<any>): Aggregated<number> {
  return aggregated('count', [of], { distinct: true })
}

/** The sum of the values that are not null; null when there is none. Of integers an integer. */
export function sum(of: Expr<bigint | null>): Aggregated<bigint | null>
export function sum(of: Expr<number | null>): Aggregated<number | null>
export function sum(of: Expr<any>): Aggregated<any> {
  return aggregated('sum', [of])
}

/** The mean of the values that are not null; null when there is none. */
export function avg(of: Expr<number | bigint | null>): Aggregated<number | null> {
  return aggregated('avg', [of])
}

/** The sample standard deviation of the values that are not null; null for fewer than two. */
export function stddev(of: Expr<number | bigint | null>): Aggregated<number | null> {
  return aggregated('stddev', [of])
}

/** The smallest value; null when there is none. */
export function min<T>(of: Expr<T>): Aggregated<T | null> {
  return aggregated('min', [of])
}

/** The largest value; null when there is none. */
export function max<T>(of: Expr<T>): Aggregated<T | null> {
  return aggregated('max', [of])
}

/** The first value that is not null, in the order of the rows or the one given; null when there is none. */
export function first<T>(of: Expr<T>, options: AggregateOrder = {}): Aggregated<T | null> {
  return aggregated('first', [of], options)
}

/** The last value that is not null, in the order of the rows or the one given; null when there is none. */
export function last<T>(of: Expr<T>, options: AggregateOrder = {}): Aggregated<T | null> {
  return aggregated('last', [of], options)
}

/** All values as an array, nulls included, in the order of the rows or the one given; empty when there is none. */
export function arrayAgg<T>(of: Expr<T>, options: AggregateOrder = {}): Aggregated<T[]> {
  return aggregated('arrayAgg', [of], options)
}

/** All texts that are not null, joined; null when there is none. */
export function stringAgg(
  of: Expr<string | null>,
  separator: string,
  options: AggregateOrder = {},
): Aggregated<string | null> {
  if (typeof separator !== 'string') {
    throw new QueryError(`stringAgg(): expected a separator, got ${describeValue(separator)}`)
  }
  return aggregated('stringAgg', [of, separator], options)
}

/** The number of the row in its part, from 1. */
export const rowNumber = (): WindowFunction<number> => windowFunction('rowNumber', [])

/** The rank of the row in its part, from 1; equals have the same, and the next one is skipped. */
export const rank = (): WindowFunction<number> => windowFunction('rank', [])

/** The rank of the row in its part, from 1; equals have the same, and none is skipped. */
export const denseRank = (): WindowFunction<number> => windowFunction('denseRank', [])

/** The number, from 1, of the row's bucket when its part is cut into `buckets` of about the same size. */
export const ntile = (buckets: number): WindowFunction<number> => {
  if (!Number.isSafeInteger(buckets) || buckets < 1) {
    throw new QueryError(`ntile(): expected a whole number of at least 1, got ${describeValue(buckets)}`)
  }
  return windowFunction('ntile', [buckets])
}

/** The value in the row `offset` rows before, or `fallback` where there is none. @param offset @default 1 */
export const lag = <T>(of: Expr<T>, offset = 1, fallback: T | null = null): WindowFunction<T | null> =>
  windowFunction('lag', [of, offsetOf('lag', offset), fallback])

/** The value in the row `offset` rows after, or `fallback` where there is none. @param offset @default 1 */
export const lead = <T>(of: Expr<T>, offset = 1, fallback: T | null = null): WindowFunction<T | null> =>
  windowFunction('lead', [of, offsetOf('lead', offset), fallback])

/** The value in the first row that the window sees. */
export const firstValue = <T>(of: Expr<T>): WindowFunction<T | null> => windowFunction('firstValue', [of])

/** The value in the last row that the window sees. */
export const lastValue = <T>(of: Expr<T>): WindowFunction<T | null> => windowFunction('lastValue', [of])

/** What `aggregate` defines. */
export interface AggregateOptions<S, A extends readonly unknown[], T> {
  /** Unique in the program. */
  readonly name: string
  /** A whole number of at least 0. @default 1 */
  readonly version?: number
  /** The type of the result. @default JSON */
  readonly returns?: Column<any, any, boolean>
  /** Makes the state that a group starts with. */
  readonly init: () => S
  /** Takes in a row: gives the next state (or the same, changed). Nulls are passed on. */
  readonly step: (state: S, ...values: A) => S
  /** The result of a state. @default the state itself */
  readonly finish?: (state: S) => T
}

/**
 * Defines an aggregate of your own, for `groupBy` and for windows.
 *
 * @throws SchemaError when the name is missing, or `init` or `step` is no function
 * @example
 * ```ts
 * import { aggregate, Pixeltable, t } from 'pixeltable'
 * const product = aggregate({ name: 'product', returns: t.float(), init: () => 1, step: (p: number, x: number) => p * x })
 * const pxt = await Pixeltable.open(':memory:')
 * const dice = await pxt.createTable('dice', { who: t.string(), n: t.int() })
 * await dice.insert([{ who: 'a', n: 2 }, { who: 'a', n: 3 }, { who: 'b', n: 6 }])
 * console.log(await dice.groupBy('who').select((c) => ({ who: c.who, p: product(c.n) })).collect())
 * ```
 */
export function aggregate<S, A extends readonly unknown[], T = S>(
  options: AggregateOptions<S, A, T>,
): (...args: { [K in keyof A]: Expr<A[K]> }) => Aggregated<T> {
  const { name, version = 1, returns, init, step, finish = (state: S) => state as unknown as T } = options
  if (typeof name !== 'string' || name === '') {
    throw new SchemaError(`aggregate: expected a name such as { name: 'median' }, got ${describeValue(name)}`)
  }
  if (typeof init !== 'function' || typeof step !== 'function' || typeof finish !== 'function') {
    throw new SchemaError(`aggregate '${name}': expected functions init, step and finish`)
  }
  const fn = define('aggregate', {
    name,
    version,
    returns: returns?.type,
    init,
    step,
    finish,
  } as unknown as AggregateFunction)
  return (...args) => aggregated(name, args, { fn })
}

interface AggregateParts extends AggregateOrder {
  readonly distinct?: boolean
  readonly fn?: AggregateFunction
}

function aggregated(name: string, args: readonly unknown[], { orderBy, distinct, fn }: AggregateParts = {}): any {
  const keys = orderBy === undefined ? [] : [orderBy].flat()
  const operands = aggregates[name]?.operands ?? []
  const values = args.map((arg, i) => operandNode(arg, (!fn && operands[i]) || 'any', `${name}()`))
  const node: AggregateNode = Object.freeze({
    kind: 'aggregate',
    name,
    ...(fn ? { fn } : {}),
    args: Object.freeze([...values, ...keys.map((key) => checkKey(name, key).node)]),
    order: keys.map(sortingOf),
    ...(distinct ? { distinct } : {}),
  })
  return new AggregateExpression(node)
}

/** An aggregate as an expression, which can also be computed over a window. */
class AggregateExpression extends Expression {
  over(window?: Window): any {
    const { name, fn } = this.node as AggregateNode
    return overOf(name, argumentsOf(this.node as AggregateNode), fn)(window)
  }
}

const windowFunction = (name: string, args: readonly unknown[]): WindowFunction<any> => ({
  over: overOf(
    name,
    args.map((arg) => toNode(arg, `${name}()`)),
  ),
})

function overOf(name: string, values: readonly Node[], fn?: AggregateFunction) {
  return ({ partitionBy = [], orderBy = [], rows }: Window = {}): any => {
    const parts = [partitionBy].flat()
    const keys = [orderBy].flat()
    for (const part of parts) {
      if (!isExpression(part))
        throw new QueryError(`${name}().over(): partitionBy: expected expressions, got ${describeValue(part)}`)
    }
    const node: WindowNode = Object.freeze({
      kind: 'window',
      name,
      ...(fn ? { fn } : {}),
      args: Object.freeze([
        ...values,
        ...parts.map((part) => part.node),
        ...keys.map((key) => checkKey(name, key).node),
      ]),
      partition: parts.length,
      order: keys.map(sortingOf),
      ...(rows === undefined ? {} : { frame: frameOf(name, rows) }),
    })
    return expression(node)
  }
}

function checkKey(name: string, key: Order): Order {
  if (key?.direction !== undefined) return key
  throw new QueryError(`${name}(): orderBy: expected keys such as c.year.asc(), got ${describeValue(key)}`)
}

const sortingOf = ({ direction, nulls }: Order): Sorting => ({ direction, ...(nulls ? { nulls } : {}) })

function frameOf(name: string, rows: readonly [number | null, number | null]): Frame {
  const [from, to] = Array.isArray(rows) ? rows : [undefined, undefined]
  const isBound = (x: unknown) => x === null || Number.isSafeInteger(x)
  if (!isBound(from) || !isBound(to) || (from !== null && to !== null && from! > to!)) {
    throw new QueryError(
      `${name}().over(): rows: expected [from, to] with whole numbers or null, got ${JSON.stringify(rows)}`,
    )
  }
  return { unit: 'rows', from: from!, to: to! }
}

function offsetOf(name: string, offset: number): number {
  if (Number.isSafeInteger(offset) && offset >= 0) return offset
  throw new QueryError(`${name}(): expected a whole number of at least 0, got ${describeValue(offset)}`)
}
