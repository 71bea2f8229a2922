import { SchemaError } from '../errors.js'
import { type Arg, type ExprFor, expression, toNode } from '../expr/expression.js'
import {
  type CallContext,
  type CallPolicy,
  define,
  type FunctionCode,
  type RateLimit,
  scalarFunction,
} from '../expr/function.js'
import { type FunctionDescription, toolFunction } from '../tools/tool.js'
import type { Column, Schema } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import { callInWorker, maxThreads } from '../workers/call.js'
import { workerScope } from '../workers/scope.js'
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
  /**
   * Rows that one call takes at most; at least 1. When given, the function receives an array a parameter and returns an
   * array of results, in which an `Error` is the failure of its row alone. Batches are filled from all statements that
   * run at the time.
   * @default 1
   */
  readonly batchSize?: number
  /**
   * Calls that run at a time at most, when the function is asynchronous; at least 1.
   * @default 16; as many as there are threads for a function with `worker`
   */
  readonly concurrency?: number
  /**
   * Functions of one pool, such as those that share a provider's account, share its limits: the strictest `concurrency`
   * and `rateLimit` that any of them gives. @default a pool of its own
   */
  readonly pool?: string
  /** What the provider takes in any sliding minute. What its answers say (`Retry-After` …) is followed besides. */
  readonly rateLimit?: RateLimit
  /** What a call is expected to take of `tokensPerMinute`. @default a token for four characters of text */
  readonly tokens?: (...args: any[]) => number
  /**
   * How often an asynchronous call that failed for a passing reason (429, 5xx, timeout, network, garbled JSON) is tried
   * again at most, with exponential backoff and jitter; at least 0. What cannot heal (other 4xx, your own errors) is
   * never tried again. @default 3
   */
  readonly retries?: number
  /**
   * Retries that the function may make in all: so many for each of its calls, on average; at least 0. It keeps a
   * provider that is down from being called several times as often. @default 1
   */
  readonly retryBudget?: number
  /** Milliseconds that one call may take; at least 1. Then its `this.signal` is aborted. @default no limit */
  readonly timeout?: number
  /**
   * Runs the function in a pool of worker threads, so that synchronous work (hashing, parsing, image processing) does
   * not block the program: `worker: import.meta.url` in the module that defines it.
   *
   * - Each thread imports that module, so what runs with the import runs again in each, and variables of the module are
   *   each thread's own. Put the function into a module of its own, which opens no database. Its name must be the same
   *   in each import.
   * - There are as many threads as cores, less one; each makes one call at a time. They start with the first calls and
   *   end when they are idle for 30 s, and never keep the program from ending.
   * - Arguments and results are copied by structured clone: everything that cells hold, of your own classes only the
   *   fields. A file comes as its record; its bytes are fetched when the function reads them.
   * - Starting a thread takes 100 to 200 ms, with this library, and whatever your module takes to load; a call about
   *   0.05 ms (2 µs a row with `batchSize: 500`), and 1 ms for each 2 MB.
   * - `timeout` counts from when the function begins. A call that is aborted and does not heed `this.signal` within
   *   100 ms loses its thread, as does one that calls `process.exit` or runs out of memory; its cell fails.
   * - Node imports the module: JavaScript, TypeScript that Node can strip, or anything under tsx.
   *
   * @default the function runs in the thread that calls it
   * @example
   * ```ts
   * import { isMainThread } from 'node:worker_threads'
   * import { Pixeltable, t, udf } from 'pixeltable'
   *
   * export const countPrimes = udf({ name: 'count_primes', worker: import.meta.url }, (below: number) => {
   *   let primes = 0
   *   for (let n = 2; n < below; n++) {
   *     let divisor = 2
   *     while (divisor * divisor <= n && n % divisor !== 0) divisor++
   *     if (divisor * divisor > n) primes++
   *   }
   *   return primes
   * })
   *
   * // Only needed here, where all is in one module.
   * if (isMainThread) {
   *   const pxt = await Pixeltable.open(':memory:')
   *   const numbers = await pxt.createTable('numbers', { n: t.int() })
   *   const counted = await numbers.addComputedColumn('primes', (c) => countPrimes(c.n))
   *   await counted.insert([{ n: 1_000_000 }])
   *   console.log(await counted.collect()) // [{ n: 1000000, primes: 78498 }]
   * }
   * ```
   */
  readonly worker?: string | URL
  /** Stops all calls of the function: cells fail from then on. */
  readonly signal?: AbortSignal
  /**
   * Whether results are kept in the file and used again for equal arguments, in any column and also after the rows are
   * gone. The cache is bounded; see `OpenOptions.cache`. @default false
   */
  readonly cache?: boolean
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
  readonly [definitionKey]: FunctionCode
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
  fn: ((this: CallContext, ...args: A) => readonly T[] | PromiseLike<readonly T[]>) & Agreeing<P, Items<A>>,
): Udf<Items<A>, T> & WithParameters<P, T>
export function udf<A extends readonly any[], T, P extends Schema = never>(
  options: UdfOptions<P> & { readonly onNull: 'skip' },
  fn: ((this: CallContext, ...args: A) => T | PromiseLike<T>) & Agreeing<P, Skipping<A>>,
): Udf<Skipping<A>, T | null> & WithParameters<P, T | null>
export function udf<A extends readonly any[], T, P extends Schema = never>(
  options: UdfOptions<P>,
  fn: ((this: CallContext, ...args: A) => T | PromiseLike<T>) & Agreeing<P, A>,
): Udf<A, T> & WithParameters<P, T>
export function udf(options: UdfOptions<any>, fn: (...args: any[]) => unknown): Udf<any, any> {
  const { name, version = 1, batchSize, returns, onNull = 'call', tokens, parameters } = options
  if (typeof name !== 'string' || name === '') {
    throw new SchemaError(`udf: expected a name such as { name: 'classify' }, got ${describeValue(name)}`)
  }
  if (typeof fn !== 'function') throw new SchemaError(`udf '${name}': expected a function, got ${describeValue(fn)}`)
  wholeNumber(name, 'version', version, 0)
  checkPolicy(`udf '${name}'`, options)
  if (onNull !== 'call' && onNull !== 'skip') {
    throw new SchemaError(`udf '${name}': onNull: expected 'call' or 'skip', got ${describeValue(onNull)}`)
  }
  const { concurrency, pool, rateLimit, retries, retryBudget, timeout, signal, cache } = options
  const call = batchSize === undefined ? callEach(fn) : callBatch(fn)
  const module = moduleOf(name, options.worker)
  const scope = workerScope()
  scope?.functions.set(name, { name, version, call })
  // In a thread of the pool the function runs right there.
  const inWorker = module !== undefined && !scope
  const waits = [pool, rateLimit, retries, retryBudget, timeout].some((option) => option !== undefined)
  const code: FunctionCode = define('function', {
    name,
    version,
    batchSize: batchSize ?? 1,
    returns: returns?.type,
    skipsNull: onNull === 'skip',
    asynchronous: waits || inWorker || fn.constructor.name === 'AsyncFunction',
    // More calls than threads would only wait, and batches are fuller the later they are made.
    concurrency: concurrency ?? (inWorker && pool === undefined ? maxThreads : undefined),
    pool,
    rateLimit,
    tokens: tokens && ((args) => tokens(...args)),
    retries,
    retryBudget,
    // A thread keeps the time itself: a call may have to wait for one.
    timeout: inWorker ? undefined : timeout,
    signal,
    cache,
    call: inWorker ? callInWorker({ name, version, module, timeout }) : call,
    named: parameters && namedCall(name, parameters, fn, () => code),
  })
  const wrapped = (...args: unknown[]) => callOf(code, args)
  return Object.assign(wrapped, { [definitionKey]: code }, toolFunction(code, options))
}

/** An expression that calls a function. */
export function callOf(code: FunctionCode, args: readonly unknown[]): any {
  return expression({
    kind: 'function',
    fn: scalarFunction(code),
    args: Object.freeze(args.map((arg, i) => toNode(arg, `${code.name}(), argument ${i + 1}`))),
  })
}

/** A function of one row; batches have one row then. */
function callEach(fn: (...args: any[]) => unknown): FunctionCode['call'] {
  return ([args], context) => {
    const result = fn.apply(context, args as unknown[])
    return isThenable(result) ? Promise.resolve(result).then((value) => [value]) : [result]
  }
}

/** A function of many rows, which receives one array a parameter. */
function callBatch(fn: (...args: any[]) => unknown): FunctionCode['call'] {
  return (rows, context) => {
    const columns = rows[0]!.map((_, i) => rows.map((row) => row[i]))
    const result = fn.apply(context, columns)
    return isThenable(result) ? Promise.resolve(result as PromiseLike<unknown[]>) : (result as unknown[])
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

/** @throws SchemaError for an option of scheduling that is not valid */
export function checkPolicy(what: string, options: CallPolicy & { readonly batchSize?: number | undefined }): void {
  const { pool, rateLimit, retryBudget, signal, cache, tokens } = options
  const expect = (option: string, valid: boolean, expected: string, got: unknown): void => {
    if (!valid) throw new SchemaError(`${what}: ${option}: expected ${expected}, got ${describeValue(got)}`)
  }
  const atLeast = (option: string, value: unknown, minimum: number): void => {
    const valid = value === undefined || (Number.isSafeInteger(value) && (value as number) >= minimum)
    expect(option, valid, `a whole number of at least ${minimum}`, value)
  }
  atLeast('concurrency', options.concurrency, 1)
  atLeast('batchSize', options.batchSize, 1)
  atLeast('retries', options.retries, 0)
  atLeast('timeout', options.timeout, 1)
  expect('retryBudget', retryBudget === undefined || retryBudget >= 0, 'a number of at least 0', retryBudget)
  expect('pool', pool === undefined || (typeof pool === 'string' && pool !== ''), 'a name', pool)
  const isLimit = typeof rateLimit === 'object' && rateLimit !== null
  expect('rateLimit', rateLimit === undefined || isLimit, '{ requestsPerMinute, tokensPerMinute }', rateLimit)
  atLeast('rateLimit.requestsPerMinute', rateLimit?.requestsPerMinute, 1)
  atLeast('rateLimit.tokensPerMinute', rateLimit?.tokensPerMinute, 1)
  expect('signal', signal === undefined || signal instanceof AbortSignal, 'an AbortSignal', signal)
  expect('cache', cache === undefined || typeof cache === 'boolean', 'true or false', cache)
  expect('tokens', tokens === undefined || typeof tokens === 'function', 'a function', tokens)
}

/** The URL of the module that threads import. @throws SchemaError when it is not that of a file */
function moduleOf(name: string, worker: string | URL | undefined): string | undefined {
  if (worker === undefined) return undefined
  const url = String(worker)
  if (URL.canParse(url) && new URL(url).protocol === 'file:') return url
  throw new SchemaError(
    `udf '${name}': worker: expected the file: URL of the module that defines the function, import.meta.url, got ${describeValue(worker)}`,
  )
}

function wholeNumber(name: string, option: string, value: unknown, minimum: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= minimum) return
  throw new SchemaError(
    `udf '${name}': ${option}: expected a whole number of at least ${minimum}, got ${describeValue(value)}`,
  )
}
