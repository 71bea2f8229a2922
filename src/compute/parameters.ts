import { SchemaError } from '../errors.js'
import type { FunctionCode, NamedCall } from '../expr/function.js'
import { checkArguments } from '../tools/arguments.js'
import type { ToolFunction } from '../tools/tool.js'
import { Column, type InsertOf, type RowOf, type Schema } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import type { JsonOf } from '../types/json.js'
import { callFunction } from './call-function.js'

/** A type error that is a sentence: arguments and parameters are of different types. */
export interface ArgumentsDiffer {
  readonly __error: 'the types of the arguments are not those of the parameters'
}

/** What a function with the parameters `P` can do besides; nothing without parameters. */
export type WithParameters<P extends Schema, T> = [P] extends [never] ? unknown : ToolFunction<InsertOf<P>, JsonOf<T>>

/**
 * Nothing, or the error that arguments `A` cannot be the parameters `P`: that a parameter has a type which no argument
 * takes, or an argument one which no parameter has. (The order of properties is not known to types.)
 */
export type Agreeing<P extends Schema, A extends readonly unknown[]> = [P] extends [never]
  ? unknown
  : [RowOf<P>[keyof P]] extends [A[number]]
    ? false extends { [K in keyof A]: Taken<RowOf<P>[keyof P], A[K]> }[number]
      ? ArgumentsDiffer
      : unknown
    : ArgumentsDiffer

/** Whether an argument takes one of the values. */
type Taken<V, A> = true extends (V extends A ? true : never) ? true : false

/** How a function is called by the names of its arguments. @throws SchemaError when they cannot be its arguments */
export function namedCall(
  name: string,
  parameters: Schema,
  fn: (...args: any[]) => unknown,
  definition: () => FunctionCode,
): NamedCall {
  if (typeof parameters !== 'object' || parameters === null) {
    throw new SchemaError(
      `udf '${name}': parameters: expected an object such as { text: t.string() }, got ${describeValue(parameters)}`,
    )
  }
  for (const [key, column] of Object.entries(parameters)) {
    if (column instanceof Column) continue
    throw new SchemaError(
      `udf '${name}': parameters: '${key}': expected a type such as t.string(), got ${describeValue(column)}`,
    )
  }
  const count = Object.keys(parameters).length
  if (fn.length > count) {
    throw new SchemaError(`udf '${name}': parameters: expected ${fn.length}, as the function takes, got ${count}`)
  }
  return {
    parameters,
    call: async (given, signal) =>
      callFunction(definition(), Object.values(await checkArguments(name, parameters, given)), signal),
  }
}
