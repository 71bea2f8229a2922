import { callOf, definitionKey } from '../compute/udf.js'
import { QueryError, SchemaError } from '../errors.js'
import { type Arg, expression, type ListExpr, type Refs } from '../expr/expression.js'
import type { FunctionCode } from '../expr/function.js'
import { collect } from '../plan/execute.js'
import { checkArguments } from '../tools/arguments.js'
import { type FunctionDescription, type ToolFunction, toolFunction } from '../tools/tool.js'
import type { InsertOf, RowOf, Schema, Simplify } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import { type JsonOf, jsonType, toJson } from '../types/json.js'
import { internals, Query } from './query.js'

/** Options of a query function. */
export interface QueryFunctionOptions<S = unknown> extends FunctionDescription<NoInfer<S>> {
  /** Raise it when the query changes. @default 1 */
  readonly version?: number
}

/**
 * A query with parameters: call it for its rows, use `expr` in a computed column of another table, or make it a tool of
 * a model with `toTool`.
 */
export interface QueryFunction<P, O> extends ToolFunction<P, JsonOf<Simplify<O>>[]> {
  (parameters: P): Promise<Simplify<O>[]>
  /**
   * The rows as JSON, in a computed column: the query runs when the row is written. What JSON has no form for (a Date,
   * a file) becomes text or a record.
   */
  expr(parameters: { [K in keyof P]: Arg<P[K]> }): ListExpr<Simplify<O>>
  /** @internal */
  readonly [definitionKey]: FunctionCode
}

/** Queries that run at a time when one is used in a computed column. */
const concurrency = 8

/**
 * Defines a query with parameters, over the tables of one open database.
 *
 * @param name unique in the program; a computed column remembers the query by it
 * @param parameters the parameters and their types
 * @param build makes the query; it is called once, with a placeholder a parameter
 * @throws SchemaError when the name is not valid
 * @throws QueryError when `build` does not return a query
 * @example
 * ```ts
 * import { Pixeltable, query, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
 * await films.insert([{ title: 'Alien', year: 1979 }, { title: 'Heat', year: 1995 }])
 * const since = query('films_since', { year: t.int() }, (p) => films.where((c) => c.year.gte(p.year)).select('title'))
 * console.log(await since({ year: 1990 })) // [{ title: 'Heat' }]
 * ```
 */
export function query<S extends Schema, O>(
  name: string,
  parameters: S,
  build: (p: Refs<RowOf<S>>) => Query<any, O>,
  options: QueryFunctionOptions<S> = {},
): QueryFunction<InsertOf<S>, O> {
  if (typeof name !== 'string' || name === '') {
    throw new SchemaError(`query: expected a name such as 'search_docs', got ${describeValue(name)}`)
  }
  const { version = 1 } = options
  const names = Object.keys(parameters)
  const placeholders = Object.fromEntries(
    names.map((key) => [key, expression({ kind: 'parameter', name: key }, parameters[key]!.type)]),
  )
  const built = build(placeholders as never)
  if (!(built instanceof Query)) {
    throw new QueryError(`query '${name}': expected the callback to return a query, got ${describeValue(built)}`)
  }
  const { session, node } = built[internals]
  const run = async (given: Readonly<Record<string, unknown>>, signal?: AbortSignal) =>
    collect(session, node, await checkArguments(name, parameters, given), { signal })
  const definition = {
    name,
    version,
    returns: jsonType(),
    skipsNull: false,
    batchSize: 1,
    asynchronous: true,
    reads: true,
    concurrency,
    call: async ([args], { signal }) => {
      const given = Object.fromEntries(names.map((key, i) => [key, args![i] ?? undefined]))
      return [toJson(await run(given, signal))]
    },
    named: { parameters, call: run },
  } satisfies FunctionCode
  // A query belongs to one open database, unlike a function, so only that one gets to know it.
  session.bind('function', definition)
  const callable = (given: InsertOf<S>) => run(given)
  return Object.assign(callable, {
    expr: (given: Record<string, unknown>) => {
      checkNames(name, names, given)
      return callOf(
        definition,
        names.map((key) => given[key] ?? null),
      )
    },
    [definitionKey]: definition,
    ...toolFunction(definition, options),
  }) as unknown as QueryFunction<InsertOf<S>, O>
}

/** @throws QueryError when an argument of `expr` is of no parameter */
export function checkNames(name: string, names: readonly string[], given: Readonly<Record<string, unknown>>): void {
  for (const key of Object.keys(given)) {
    if (!names.includes(key)) {
      throw new QueryError(`${name}.expr(): there is no parameter '${key}'. It has: ${names.join(', ')}`)
    }
  }
}
