import type { Schema } from '../types/column.js'
import type { ColumnType } from '../types/column-type.js'

/** What a stored computed column remembers of its function. Never its source. */
export interface FunctionIdentity {
  /** Name, unique in the program. */
  readonly name: string
  /** Raised by its author when equal arguments give other results. */
  readonly version: number
}

/** What a function is told about the call. */
export interface CallContext {
  /** Aborted when the statement is. */
  readonly signal: AbortSignal | undefined
}

/** A function as the evaluator calls it: `rows` holds the arguments of each row, the result one value a row. */
export interface ScalarFunction extends FunctionIdentity {
  /** The type of its results, where it is declared. */
  readonly returns?: ColumnType | undefined
  /** Whether a row with a null argument gives null without a call. */
  readonly skipsNull: boolean
  /** How many rows one call takes at most. */
  readonly batchSize: number
  /** How many calls run at a time at most. */
  readonly concurrency: number
  /** Absent while the program has not defined the function yet. */
  readonly call?:
    | ((rows: readonly (readonly unknown[])[], context: CallContext) => unknown[] | Promise<unknown[]>)
    | undefined
  /** How tools call it; absent where it has no named parameters. */
  readonly named?: NamedCall | undefined
}

/** A call with arguments by name, as a model makes it. */
export interface NamedCall {
  readonly parameters: Schema
  /** @throws ValidationError for arguments that do not fit */
  call(given: Readonly<Record<string, unknown>>, signal: AbortSignal | undefined): Promise<unknown>
}

/** A user's aggregate, as engines call it: `step` once a row, in order. */
export interface AggregateFunction extends FunctionIdentity {
  /** The type of its result, where it is declared. */
  readonly returns?: ColumnType | undefined
  init(): unknown
  step(state: unknown, ...values: unknown[]): unknown
  finish(state: unknown): unknown
}

/** The text `name@version`. */
export const identityOf = (fn: FunctionIdentity): string => `${fn.name}@${fn.version}`

/** The functions, iterators and embedders that the program has defined so far, by kind and name. */
const definitions = new Map<string, FunctionIdentity>()

/** The kinds of code that a database file refers to by name. */
export type CodeKind = 'function' | 'aggregate' | 'iterator' | 'embedder'

/** Makes a definition known to files that refer to it by name. The latest of a name wins. */
export function define<T extends FunctionIdentity>(kind: CodeKind, definition: T): T {
  definitions.set(`${kind}:${definition.name}`, definition)
  return definition
}

/** The latest definition of that kind and name. */
export function definitionOf<T extends FunctionIdentity>(kind: CodeKind, name: string): T | undefined {
  return definitions.get(`${kind}:${name}`) as T | undefined
}
