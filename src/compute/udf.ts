import { SchemaError } from '../errors.js'
import { type Arg, type ExprFor, expression, toNode } from '../expr/expression.js'
import { define, type ScalarFunction } from '../expr/function.js'
import { type FunctionDescription, toolFunction } from '../tools/tool.js'
import type { Column, Schema } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import { type Agreeing, namedCall, type WithParameters } from './parameters.js'

/** Options of a function. */
export interface UdfOptions<P extends Schema = never> extends FunctionDescription<NoInfer<P>> {
  /** Unique in the program. The file remembers a computed column's function by it. */
  readonly name: string
  /** A whole number of at least 0. Raise it when equal arguments give other results. @default 1 */
  readonly version?: number
  /**
   * The type of the results. Without it the first result decides: text, number, boolean, Date, bytes, vector, or JSON.
   * Declare it when results are of several kinds (`t.json()`), or are files (`t.image()` …).
   */
  readonly returns?: Column<any, any, boolean>
  /** Calls that run at a time at most, when the function is asynchronous; at least 1. @default 16 */
  readonly concurrency?: number
  /** Rows that one call takes at most; at least 1. When given, the function receives an array a parameter. @default 1 */
  readonly batchSize?: number
  /**
   * What a null argument does: `'call'` passes it on, `'skip'` gives null without a call, and lets nullable columns be
   * passed to parameters that are not.
   * @default 'call'
   */
  readonly onNull?: 'call' | 'skip'
  /**
   * Names and types of the arguments, in their order. With them the function can be a tool of a model (`toTool`).
   * @default the function cannot be a tool
   */
  readonly parameters?: P
}

/** What makes a wrapped function recognizable to `Pixeltable.open(path, { functions })`. */
export const definitionKey: unique symbol = Symbol.for('pixeltable.function')

/** A function that is called with expressions, and yields one. */
export interface Udf<A extends readonly unknown[], T> {
  (...args: { [K in keyof A]: Arg<A[K]> }): ExprFor<T>
  /** @internal */
  readonly [definitionKey]: ScalarFunction
}

type Skipping<A extends readonly unknown[]> = { [K in keyof A]: A[K] | null }
type Items<A extends readonly unknown[]> = { [K in keyof A]: A[K] extends readonly (infer I)[] ? I : never }

/**
 * Makes a function usable in computed columns and queries. It may be asynchronous. Its name and version are stored
 * with the columns that use it, its code is not: a program that opens the file again defines it again.
 *
 * @throws SchemaError when the name or an option is not valid, or the function takes more arguments than `parameters` has
 * @example
 * ```ts
 * import { Pixeltable, t, udf } from 'pixeltable'
 * const shout = udf({ name: 'shout', version: 1 }, (text: string) => `${text.toUpperCase()}!`)
 * const pxt = await Pixeltable.open(':memory:')
 * const notes = await pxt.createTable('notes', { text: t.string() })
 * const loud = await notes.addComputedColumn('loud', (c) => shout(c.text))
 * await loud.insert([{ text: 'hello' }])
 * console.log(await loud.collect()) // [{ text: 'hello', loud: 'HELLO!' }]
 * ```
 */
export function udf<A extends readonly (readonly any[])[], T, P extends Schema = never>(
  options: UdfOptions<P> & { readonly batchSize: number },
  fn: ((...args: A) => readonly T[] | PromiseLike<readonly T[]>) & Agreeing<P, Items<A>>,
): Udf<Items<A>, T> & WithParameters<P, T>
export function udf<A extends readonly any[], T, P extends Schema = never>(
  options: UdfOptions<P> & { readonly onNull: 'skip' },
  fn: ((...args: A) => T | PromiseLike<T>) & Agreeing<P, Skipping<A>>,
): Udf<Skipping<A>, T | null> & WithParameters<P, T | null>
export function udf<A extends readonly any[], T, P extends Schema = never>(
  options: UdfOptions<P>,
  fn: ((...args: A) => T | PromiseLike<T>) & Agreeing<P, A>,
): Udf<A, T> & WithParameters<P, T>
export function udf(options: UdfOptions<any>, fn: (...args: any[]) => unknown): Udf<any, any> {
  const { name, version = 1, concurrency = 16, batchSize, returns, onNull = 'call', parameters } = options
  if (typeof name !== 'string' || name === '') {
    throw new SchemaError(`udf: expected a name such as { name: 'classify' }, got ${describeValue(name)}`)
  }
  if (typeof fn !== 'function') throw new SchemaError(`udf '${name}': expected a function, got ${describeValue(fn)}`)
  wholeNumber(name, 'version', version, 0)
  wholeNumber(name, 'concurrency', concurrency, 1)
  if (batchSize !== undefined) wholeNumber(name, 'batchSize', batchSize, 1)
  if (onNull !== 'call' && onNull !== 'skip') {
    throw new SchemaError(`udf '${name}': onNull: expected 'call' or 'skip', got ${describeValue(onNull)}`)
  }
  const definition: ScalarFunction = define('function', {
    name,
    version,
    concurrency,
    batchSize: batchSize ?? 1,
    returns: returns?.type,
    skipsNull: onNull === 'skip',
    call: batchSize === undefined ? callEach(fn) : callBatch(fn),
    named: parameters && namedCall(name, parameters, fn, () => definition),
  })
  const wrapped = (...args: unknown[]) => callOf(definition, args)
  return Object.assign(wrapped, { [definitionKey]: definition }, toolFunction(definition, options))
}

/** An expression that calls a function. */
export function callOf(fn: ScalarFunction, args: readonly unknown[]): any {
  return expression({
    kind: 'function',
    fn,
    args: Object.freeze(args.map((arg, i) => toNode(arg, `${fn.name}(), argument ${i + 1}`))),
  })
}

type Call = NonNullable<ScalarFunction['call']>

/** A function of one row; batches have one row then. */
function callEach(fn: (...args: any[]) => unknown): Call {
  return ([args]) => {
    const result = fn(...args!)
    return isThenable(result) ? Promise.resolve(result).then((value) => [value]) : [result]
  }
}

/** A function of many rows, which receives one array a parameter. */
function callBatch(fn: (...args: any[]) => unknown): Call {
  return (rows) => {
    const columns = rows[0]!.map((_, i) => rows.map((row) => row[i]))
    const result = fn(...columns)
    return isThenable(result) ? Promise.resolve(result as PromiseLike<unknown[]>) : (result as unknown[])
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

function wholeNumber(name: string, option: string, value: unknown, minimum: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= minimum) return
  throw new SchemaError(
    `udf '${name}': ${option}: expected a whole number of at least ${minimum}, got ${describeValue(value)}`,
  )
}
