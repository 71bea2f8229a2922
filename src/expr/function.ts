import type { Schema } from '../types/column.js'
import type { ColumnType } from '../types/column-type.js'

/** What a stored computed column remembers of its function. Never its source. */
export interface FunctionIdentity {
  /** Name, unique in the program. */
  readonly name: string
  /** Raised by its author when equal arguments give other results. */
  readonly version: number
}

/** Headers of an answer: those of fetch, or a plain object. */
export type HeadersLike = Headers | Readonly<Record<string, string | readonly string[] | undefined>>

/** What a call took, as the provider reports it. */
export interface Usage {
  readonly inputTokens?: number | undefined
  readonly outputTokens?: number | undefined
  /** In the unit that the program counts in, such as US dollars. */
  readonly cost?: number | undefined
}

/** What a function can tell of a call that it made. */
export interface CallReport extends Usage {
  /** The headers of the provider's answer. What they say of its rate limits holds for the function's pool. */
  readonly headers?: HeadersLike | undefined
}

/**
 * What a function knows of the call that it is in. A function that is declared with `function` has it as `this`:
 * `udf({ name: 'ask' }, async function (question: string) { … this.signal … })`.
 */
export interface CallContext {
  /** Aborted when the call takes longer than the function's `timeout`, or when nobody waits for it any more. */
  readonly signal: AbortSignal
  /** 1 for the first attempt, one more for each retry. */
  readonly attempt: number
  /** Tells what the call took and what the provider answered. Several reports of a call add up. */
  report(report: CallReport): void
}

/** How much a provider takes in any minute. */
export interface RateLimit {
  /** Calls in any sliding minute at most; at least 1. @default no limit */
  readonly requestsPerMinute?: number | undefined
  /** Tokens in any sliding minute at most; at least 1. What a call takes is estimated before it is made. @default no limit */
  readonly tokensPerMinute?: number | undefined
}

/** How calls of some code are scheduled. */
export interface CallPolicy {
  /** Calls that run at a time at most, when it is asynchronous. */
  readonly concurrency?: number | undefined
  /** The pool whose limits it shares. Without, it has one of its own. */
  readonly pool?: string | undefined
  readonly rateLimit?: RateLimit | undefined
  /** What a call is expected to take. */
  readonly tokens?: ((args: readonly unknown[]) => number) | undefined
  /** How often a call that failed for a passing reason is tried again at most. */
  readonly retries?: number | undefined
  /** Retries that each call earns. */
  readonly retryBudget?: number | undefined
  /** Milliseconds that a call may take. */
  readonly timeout?: number | undefined
  /** Stops all calls. */
  readonly signal?: AbortSignal | undefined
  /** Whether results are kept in the file and used again for equal arguments. */
  readonly cache?: boolean | undefined
}

/** A function as it is called: `rows` holds the arguments of each row, the result one value (or Error) a row. */
export interface FunctionCode extends FunctionIdentity, CallPolicy {
  /** The type of its results, where it is declared. */
  readonly returns?: ColumnType | undefined
  /** Whether a row with a null argument gives null without a call. */
  readonly skipsNull: boolean
  /** How many rows one call takes at most. */
  readonly batchSize: number
  /** Whether it reads tables, so that its results depend on what is committed. */
  readonly reads?: boolean | undefined
  /** Whether it is known to return promises. */
  readonly asynchronous: boolean
  /** How tools call it; absent where it has no named parameters. */
  readonly named?: NamedCall | undefined
  call(rows: readonly (readonly unknown[])[], context: CallContext): unknown[] | Promise<unknown[]>
}

/** A call with arguments by name, as a model makes it. */
export interface NamedCall {
  readonly parameters: Schema
  /** @throws ValidationError for arguments that do not fit */
  call(given: Readonly<Record<string, unknown>>, signal: AbortSignal | undefined): Promise<unknown>
}

/** A function in an expression. */
export interface ScalarFunction extends FunctionIdentity {
  readonly returns?: ColumnType | undefined
  readonly skipsNull: boolean
  /** What is called; absent while the program has not defined the function yet. */
  readonly code?: FunctionCode | undefined
}

/** A user's aggregate, as engines call it: `step` once a row, in order. */
export interface AggregateFunction extends FunctionIdentity {
  /** The type of its result, where it is declared. */
  readonly returns?: ColumnType | undefined
  init(): unknown
  step(state: unknown, ...values: unknown[]): unknown
  finish(state: unknown): unknown
}

/** A function whose code is at hand, for an expression. */
export const scalarFunction = (code: FunctionCode): ScalarFunction => ({
  name: code.name,
  version: code.version,
  returns: code.returns,
  skipsNull: code.skipsNull,
  code,
})

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
