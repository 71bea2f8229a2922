import type { TableDefinition } from '../catalog/definition.js'
import { computeRow } from '../compute/compute-rows.js'
import { makeDefault } from '../compute/parse.js'
import type { Target } from '../compute/statements.js'
import { callOf, definitionKey } from '../compute/udf.js'
import { NotFoundError, QueryError, SchemaError } from '../errors.js'
import type { Arg, ExprFor } from '../expr/expression.js'
import type { FunctionCode } from '../expr/function.js'
import type { Session } from '../plan/session.js'
import { checkNames } from '../query/query-function.js'
import { type FunctionDescription, type ToolFunction, toolFunction } from '../tools/tool.js'
import { Column, type Schema } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import { type JsonOf, jsonType, toJson } from '../types/json.js'

/** Options of `asFunction`. */
export interface TableFunctionOptions<S, C> extends FunctionDescription<S> {
  /** A column, whose value is the result; or columns, which make an object. @default all columns */
  readonly returns?: C
  /** A whole number of at least 0. Raise it when the columns compute something else. @default 1 */
  readonly version?: number
}

/**
 * A table as a function: an input row in, the row that its columns compute out, and nothing is stored. `I` is the input,
 * `O` the result, `E` the result in an expression.
 */
export interface TableFunction<I, O, E = JsonOf<O>> extends ToolFunction<I, JsonOf<O>> {
  /**
   * @throws ValidationError when the input does not fit
   * @throws ComputeError when a cell cannot be computed; its `column` says which
   */
  (input: I, options?: { readonly signal?: AbortSignal }): Promise<O>
  /**
   * The result, in a computed column: the columns are computed when the row is written. A single column has its own
   * type; several are JSON, in which what JSON has no form for (a Date, a file) becomes text or a record.
   */
  expr(input: { [K in keyof I]: Arg<I[K]> }): ExprFor<E>
  /** @internal */
  readonly [definitionKey]: FunctionCode
}

/** Calls that run at a time when one is used in a computed column. */
const concurrency = 8

/** The function that a table is. @throws SchemaError, NotFoundError, QueryError */
export function tableFunction(
  session: Session,
  target: Target,
  name: string,
  options: TableFunctionOptions<unknown, string | readonly string[]>,
): TableFunction<any, any> {
  const { version = 1, returns } = options
  if (typeof name !== 'string' || name === '') {
    throw new SchemaError(`asFunction: expected a name such as 'answer', got ${describeValue(name)}`)
  }
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new SchemaError(
      `asFunction('${name}'): version: expected a whole number of at least 0, got ${describeValue(version)}`,
    )
  }
  const table = session.lastCatalog.byId(target.id, target.name)
  const parameters = inputOf(session, table, name)
  checkReturned(session, table, name, returns)
  const run = async (given: unknown, signal?: AbortSignal): Promise<unknown> => {
    const row = await computeRow(session, target, given, signal)
    if (row === undefined || returns === undefined) return row ?? null
    if (typeof returns === 'string') return row[returns]
    return Object.fromEntries(returns.map((column) => [column, row[column]]))
  }
  const single = typeof returns === 'string'
  const names = Object.keys(parameters)
  const definition = {
    name,
    version,
    returns: single ? typeOf(session, table, returns) : jsonType(),
    skipsNull: false,
    batchSize: 1,
    asynchronous: true,
    reads: true,
    concurrency,
    call: async ([args], { signal }) => {
      const given = Object.fromEntries(names.map((key, i) => [key, args![i] ?? undefined]))
      const result = await run(given, signal)
      return [single ? result : toJson(result)]
    },
    named: { parameters, call: run },
  } satisfies FunctionCode
  // A table belongs to one open database, as a query does.
  session.bind('function', definition)
  const callable = (input: unknown, { signal }: { readonly signal?: AbortSignal } = {}) => run(input, signal)
  return Object.assign(callable, {
    expr: (given: Record<string, unknown>) => {
      checkNames(name, names, given)
      return callOf(
        definition,
        names.map((key) => given[key] ?? null),
      )
    },
    [definitionKey]: definition,
    ...toolFunction(definition, { ...(table.comment === undefined ? {} : { description: table.comment }), ...options }),
  }) as unknown as TableFunction<any, any>
}

/** The columns that an input row gives: those of the table at the bottom that are not computed. */
function inputOf(session: Session, table: TableDefinition, name: string): Schema {
  const line = session.lastCatalog.lineOf(table)
  const split = line.find(({ view }) => view?.iterator)
  if (split) {
    throw new QueryError(
      `asFunction('${name}'): the iterator of '${split.name}' makes any number of rows of one: a function gives one`,
    )
  }
  const root = line.at(-1)!
  const insertable = root.columns.filter((column) => !column.computed)
  return Object.fromEntries(
    insertable.map((column) => {
      const fallback = makeDefault(root, column, session)
      const value = column.default?.kind === 'value' ? fallback!() : fallback
      return [column.name, new Column(column.type, column.nullable, value)]
    }),
  )
}

function checkReturned(session: Session, table: TableDefinition, name: string, returns: unknown): void {
  if (returns === undefined) return
  const columns = session.lastCatalog.columnsOf(table)
  const chosen: readonly unknown[] = Array.isArray(returns) ? returns : [returns]
  if (chosen.length === 0) throw new QueryError(`asFunction('${name}'): returns: expected at least one column`)
  for (const column of chosen) {
    if (typeof column === 'string' && columns.has(column)) continue
    throw new NotFoundError(`asFunction('${name}'): '${table.name}' has no column ${describeValue(column)} to return`)
  }
}

/** The type of a column; undefined while no value has shown it. */
function typeOf(session: Session, table: TableDefinition, column: string): FunctionCode['returns'] {
  const { type } = session.lastCatalog.columnsOf(table).get(column)!.column
  return type.name === 'dynamic' ? undefined : type
}
