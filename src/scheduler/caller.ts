import { AsyncLocalStorage } from 'node:async_hooks'
import { type FunctionCode, identityOf, type Usage } from '../expr/function.js'
import { Pace } from '../pace.js'
import { Call } from './call.js'
import { classifyError } from './classify-error.js'
import { Pool, poolNamed } from './pool.js'
import type { Permit } from './rate-limit.js'
import { pauseFromHeaders } from './rate-limit-headers.js'
import { defaultRetries, defaultRetryBudget, RetryBudget, retryDelay } from './retry.js'
import { type Tracer, traced } from './tracer.js'

/** One attempt to call a function. */
export interface CallRecord {
  readonly code: FunctionCode
  /** Rows of the asker that it was for. */
  readonly rows: number
  readonly milliseconds: number
  /** Whether it repeats a call that failed. */
  readonly retry: boolean
  /** Rows without a result, which may be tried again. */
  readonly failed: number
  readonly usage: Usage
}

/** Who asks for calls, and hears what becomes of them. */
export interface Asker {
  readonly signal?: AbortSignal | undefined
  /**
   * Aborted by the first row that fails: it ends the work of all who share it, before more calls are made (and paid
   * for). Calls that are under way are waited for. Without, every row is called.
   */
  readonly stop?: AbortController | undefined
  /** The result of a row. */
  value(row: number, value: unknown): void
  /** A row that has none, after so many attempts. */
  failed(row: number, cause: unknown, attempts: number): void
  /** Each attempt. */
  called?(call: CallRecord): void
  /** Makes a span of each attempt, inside of the one that is active when calls are asked for. */
  readonly tracer?: Tracer | undefined
}

const pace = new Pace()

const callers = new WeakMap<FunctionCode, Caller>()

/**
 * Calls a function for rows of arguments: synchronous functions one after the other, asynchronous ones in their pool,
 * with its limits, in batches that are filled from everyone who asks, retried where that helps.
 */
export function callRows(code: FunctionCode, rows: readonly (readonly unknown[])[], asker: Asker): Promise<void> {
  let caller = callers.get(code)
  if (!caller) {
    caller = new Caller(code)
    callers.set(code, caller)
  }
  return caller.call(rows, asker)
}

/** Whether calls of a function may be waited for, and paid for; unknown functions may. */
export const mayBeAsynchronous = (code: FunctionCode): boolean =>
  code.asynchronous || callers.get(code)?.asynchronous !== false

/** A row of somebody's that waits for its result. */
interface Item {
  readonly args: readonly unknown[]
  readonly row: number
  readonly request: Request
  attempts: number
}

/** What one asker asked for. */
class Request {
  readonly asker: Asker
  readonly done: Promise<void>
  #aborted = false
  /** Rows without a result. */
  #open: number
  /** Rows that are under way. */
  #running = 0
  #end = (): void => {}
  /** Runs work in the asynchronous context of the asker. */
  readonly within: <T>(work: () => T) => T

  constructor(asker: Asker, rows: number) {
    this.asker = asker
    this.within = asker.tracer ? AsyncLocalStorage.snapshot() : (work) => work()
    this.#open = rows
    const { signal, stop } = asker
    this.done = new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#aborted = true
        reject(signal!.reason)
        this.#end()
      }
      this.#end = () => {
        signal?.removeEventListener('abort', abort)
        stop?.signal.removeEventListener('abort', this.#check)
        resolve()
      }
      signal?.addEventListener('abort', abort)
      stop?.signal.addEventListener('abort', this.#check)
      if (signal?.aborted) abort()
    })
    this.#check()
  }

  /** Whether rows that are not under way yet are still to be called. */
  get isWanted(): boolean {
    return !this.#aborted && !this.asker.stop?.signal.aborted
  }

  start(rows: number): void {
    this.#running += rows
  }

  /** A row is not under way any more; it may be tried again. */
  pause(): void {
    this.#running--
    this.#check()
  }

  value(item: Item, value: unknown): void {
    if (!this.#aborted) this.asker.value(item.row, value === undefined ? null : value)
    this.#close()
  }

  fail(item: Item, cause: unknown): void {
    if (!this.#aborted) {
      this.asker.failed(item.row, cause, item.attempts)
      this.asker.stop?.abort()
    }
    this.#close()
  }

  #close(): void {
    this.#running--
    this.#open--
    this.#check()
  }

  readonly #check = (): void => {
    if (this.#open === 0 || (this.#running === 0 && !this.isWanted)) this.#end()
  }
}

class Caller {
  readonly #code: FunctionCode
  readonly #pool: Pool
  readonly #budget: RetryBudget
  /** Whether the function returns promises; unknown until it is first called. */
  asynchronous: boolean | undefined
  #show = (): void => {}
  /** Resolves when that is known. */
  readonly #shown = new Promise<void>((resolve) => {
    this.#show = resolve
  })
  /** Rows that wait for a call; a head that moves instead of shifting. */
  #pending: Item[] = []
  #head = 0
  /** Tasks of this function that wait in its pool. Few, however many rows wait. */
  #queued = 0
  #gathering = false

  constructor(code: FunctionCode) {
    this.#code = code
    this.#pool = code.pool === undefined ? new Pool() : poolNamed(code.pool)
    this.#pool.join(code.name, { concurrency: code.concurrency, ...code.rateLimit })
    this.#budget = new RetryBudget(code.retryBudget ?? defaultRetryBudget)
    if (code.asynchronous || code.batchSize > 1) this.asynchronous = true
  }

  async call(rows: readonly (readonly unknown[])[], asker: Asker): Promise<void> {
    asker.signal?.throwIfAborted()
    let start = 0
    let first: Promise<void> | undefined
    if (this.asynchronous === undefined && rows.length > 0) {
      // A function shows what it is when it is first called.
      first = this.#schedule(rows, 0, 1, asker)
      await Promise.race([first, this.#shown])
      start = 1
    }
    if (!this.asynchronous) start = await this.#callInline(rows, start, asker)
    await Promise.all([first, start < rows.length ? this.#schedule(rows, start, rows.length, asker) : undefined])
  }

  /** Calls a synchronous function row by row. @returns the row at which it turned out not to be one */
  async #callInline(rows: readonly (readonly unknown[])[], start: number, asker: Asker): Promise<number> {
    const { signal, stop } = asker
    const context = new Call([signal], this.#code.signal, 1)
    const began = performance.now()
    let row = start
    let failed = 0
    try {
      for (; row < rows.length && !this.asynchronous; row++) {
        signal?.throwIfAborted()
        if (stop?.signal.aborted) return rows.length
        try {
          this.#code.signal?.throwIfAborted()
          let values = this.#code.call([rows[row]!], context)
          if (values instanceof Promise) {
            this.asynchronous = true
            values = await values
          }
          const [value] = values
          if (value instanceof Error) throw value
          asker.value(row, value === undefined ? null : value)
        } catch (cause) {
          failed++
          asker.failed(row, cause, 1)
          stop?.abort()
        }
        if (pace.due) await pace.rest()
      }
      return row
    } finally {
      context.close()
      const calls = row - start
      if (calls > 0) {
        asker.called?.({
          code: this.#code,
          rows: calls,
          milliseconds: performance.now() - began,
          retry: false,
          failed,
          usage: context.usage,
        })
      }
    }
  }

  async #schedule(rows: readonly (readonly unknown[])[], start: number, end: number, asker: Asker): Promise<void> {
    const request = new Request(asker, end - start)
    for (let row = start; row < end; row++) this.#pending.push({ args: rows[row]!, row, request, attempts: 0 })
    this.#start()
    await request.done
  }

  /** Starts calls for what waits. */
  #start(): void {
    if (this.#code.batchSize === 1) {
      this.#pump()
      return
    }
    // Rows that others ask for in the same turn of the event loop join the batch.
    if (this.#gathering) return
    this.#gathering = true
    setImmediate(() => {
      this.#gathering = false
      this.#pump()
    })
  }

  #pump(): void {
    const waiting = Math.ceil((this.#pending.length - this.#head) / this.#code.batchSize)
    const wanted = Math.min(waiting, this.#pool.concurrency)
    while (this.#queued < wanted) {
      this.#queued++
      void this.#pool.run((acquire) => {
        this.#queued--
        const call = this.#next(acquire)
        this.#pump()
        return call
      })
    }
  }

  /** Makes one call for rows that wait. Which ones is decided now, so that batches are as full as they can be. */
  async #next(acquire: (tokens: number) => Promise<Permit>): Promise<void> {
    // What returns promises may do its work before it returns them.
    if (pace.due) await pace.rest()
    let items = this.#take()
    if (items.length === 0) return
    const permit = await acquire(this.#tokensOf(items))
    items = items.filter(isWanted)
    if (items.length === 0) permit.cancel()
    else await this.#attempt(items, permit)
  }

  #take(): Item[] {
    const items: Item[] = []
    while (items.length < this.#code.batchSize && this.#head < this.#pending.length) {
      const item = this.#pending[this.#head]!
      this.#pending[this.#head++] = undefined as never
      if (isWanted(item)) items.push(item)
    }
    if (this.#head > 1000 && this.#head * 2 > this.#pending.length) {
      this.#pending = this.#pending.slice(this.#head)
      this.#head = 0
    }
    return items
  }

  #tokensOf(items: readonly Item[]): number {
    if (this.#code.rateLimit?.tokensPerMinute === undefined) return 0
    const estimate = this.#code.tokens ?? estimateTokens
    return items.reduce((sum, { args }) => sum + estimate(args), 0)
  }

  async #attempt(items: readonly Item[], permit: Permit): Promise<void> {
    const code = this.#code
    const requests = new Set(items.map((item) => item.request))
    const signals = [...requests].map(({ asker }) => asker.signal)
    const retry = items.every((item) => item.attempts > 0)
    if (!retry) this.#budget.earn()
    for (const item of items) {
      item.attempts++
      item.request.start(1)
    }
    const context = new Call(signals, code.signal, attemptOf(items))
    const began = performance.now()
    const ended = (failures: readonly Item[]): void => {
      context.close()
      const { usage, headers } = context
      const { inputTokens, outputTokens } = usage
      const known = inputTokens !== undefined || outputTokens !== undefined
      permit.settle(known ? (inputTokens ?? 0) + (outputTokens ?? 0) : undefined)
      const pause = headers && pauseFromHeaders(headers, 200, Date.now())
      if (pause) this.#pool.pause(pause)
      const milliseconds = performance.now() - began
      for (const request of requests) {
        const own = (item: Item) => item.request === request
        const rows = items.filter(own).length
        const failed = failures.filter(own).length
        request.asker.called?.({ code, rows, milliseconds, retry, failed, usage })
      }
    }
    let values: unknown
    try {
      code.signal?.throwIfAborted()
      values = await this.#traced(items, context)
      if (!Array.isArray(values) || values.length !== items.length) {
        const got = Array.isArray(values) ? values.length : typeof values
        throw new TypeError(`expected an array of ${items.length} results, one a row, got ${got}`)
      }
    } catch (cause) {
      ended(items)
      this.#failed(items, cause)
      return
    }
    const failures = new Map<unknown, Item[]>()
    items.forEach((item, i) => {
      const value: unknown = (values as unknown[])[i]
      if (value instanceof Error) failures.set(value, [...(failures.get(value) ?? []), item])
    })
    ended([...failures.values()].flat())
    items.forEach((item, i) => {
      const value: unknown = (values as unknown[])[i]
      if (!(value instanceof Error)) item.request.value(item, value)
    })
    for (const [cause, failed] of failures) this.#failed(failed, cause)
  }

  /** The call, in a span of the first who asked. */
  #traced(items: readonly Item[], context: Call): Promise<unknown> {
    const code = this.#code
    const { request } = items[0]!
    const attributes = {
      'pixeltable.function': identityOf(code),
      'pixeltable.rows': items.length,
      'pixeltable.attempt': context.attempt,
    }
    return request.within(() =>
      traced(request.asker.tracer, 'pixeltable.call', attributes, async (span) => {
        const made = code.call(
          items.map((item) => item.args),
          context,
        )
        this.asynchronous ??= made instanceof Promise
        this.#show()
        const values = made instanceof Promise ? await this.#inTime(made, context) : made
        for (const [key, value] of Object.entries(context.usage)) {
          if (value !== undefined) span?.setAttribute(`pixeltable.${key}`, value)
        }
        return values
      }),
    )
  }

  /** Ends a call that takes longer than the function's timeout, whether or not it listens to its signal. */
  async #inTime<T>(call: Promise<T>, context: Call): Promise<T> {
    const { timeout } = this.#code
    if (timeout === undefined) return call
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new DOMException(`took longer than ${timeout} ms`, 'TimeoutError')
        context.abort(error)
        reject(error)
      }, timeout)
    })
    try {
      return await Promise.race([call, late])
    } finally {
      clearTimeout(timer)
    }
  }

  #failed(items: readonly Item[], cause: unknown): void {
    const { retries = defaultRetries } = this.#code
    const failure = classifyError(cause)
    const delay = this.asynchronous ? retryDelay(failure, attemptOf(items), retries, this.#budget) : undefined
    if (delay === undefined) {
      for (const item of items) item.request.fail(item, cause)
      return
    }
    // The others would only be refused too.
    if (failure.kind === 'rate-limit') this.#pool.pause(delay)
    for (const item of items) item.request.pause()
    setTimeout(() => {
      this.#pending.push(...items)
      this.#start()
    }, delay)
  }
}

const isWanted = ({ request }: Item): boolean => request.isWanted

const attemptOf = (items: readonly Item[]): number => Math.max(...items.map((item) => item.attempts))

/** About four characters of English make a token. */
const estimateTokens = (args: readonly unknown[]): number =>
  args.reduce<number>((sum, arg) => sum + (typeof arg === 'string' ? arg.length : 100) / 4, 0)
