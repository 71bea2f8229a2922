import type PQueue from 'p-queue'
import { ComputeError, NotFoundError, PixeltableError, QueryError } from '../errors.js'
import { identityOf, type ScalarFunction } from '../expr/function.js'
import type { CallNode, FunctionNode, Node } from '../expr/node.js'
import { applyOperator, operators } from '../expr/operators/index.js'

/** A cell that could not be computed. It stands where its value would; what depends on it fails with it. */
export class CellFailure {
  readonly error: Error
  /** The function that failed, as `name@version`. */
  readonly function: string | undefined

  constructor(error: Error, fn?: string) {
    this.error = error
    this.function = fn
  }
}

/** A value of a row, or why there is none. */
export type Cell = unknown | CellFailure

/** The rows that an expression is evaluated over. */
export interface Rows {
  readonly length: number
  /** The values of a column, row id or score, one a row. */
  valuesOf(node: Node): readonly Cell[]
}

export interface EvaluateOptions {
  readonly signal?: AbortSignal | undefined
  /** Whether the first failing cell ends the work, before more calls are made (and paid for). */
  readonly failFast?: boolean | undefined
}

/** Evaluates an expression over rows, column-wise. A cell that fails is a `CellFailure` in the result. */
export async function evaluate(node: Node, rows: Rows, options: EvaluateOptions = {}): Promise<readonly Cell[]> {
  switch (node.kind) {
    case 'literal':
      return new Array(rows.length).fill(node.value)
    case 'column':
    case 'rowid':
    case 'score':
    case 'item':
      return rows.valuesOf(node)
    case 'call':
      return node.args.some((arg) => arg.kind === 'lambda')
        ? evaluateOverElements(node, rows, options)
        : evaluateCall(node, rows, options)
    case 'lambda':
      throw new QueryError('a function of an element has no value by itself')
    case 'function':
      return evaluateFunction(node, rows, options)
    case 'fragment':
      throw new QueryError('sql`…` runs in the database and cannot be used where JavaScript computes the value')
    case 'aggregate':
    case 'window':
    case 'subquery':
      throw new QueryError(
        `${node.kind === 'subquery' ? 'a subquery' : `${node.name}()`} needs more than one row and cannot be used here`,
      )
    case 'parameter':
      throw new QueryError(`the parameter '${node.name}' of the query function has no value here`)
  }
}

async function evaluateArgs(args: readonly Node[], rows: Rows, options: EvaluateOptions): Promise<(readonly Cell[])[]> {
  const columns: (readonly Cell[])[] = []
  for (const arg of args) columns.push(await evaluate(arg, rows, options))
  return columns
}

async function evaluateCall(node: CallNode, rows: Rows, options: EvaluateOptions): Promise<Cell[]> {
  const columns = await evaluateArgs(node.args, rows, options)
  const operator = operators[node.operator]!
  const result: Cell[] = new Array(rows.length)
  const args: unknown[] = new Array(columns.length)
  for (let i = 0; i < rows.length; i++) {
    result[i] = gather(columns, i, args) ?? applyOperator(operator, args)
  }
  return result
}

/** A call of `map`, `filter` or `sortBy`: its lambdas are evaluated over the elements of all rows at once. */
async function evaluateOverElements(node: CallNode, rows: Rows, options: EvaluateOptions): Promise<Cell[]> {
  const [list, ...rest] = node.args
  const lists = await evaluate(list!, rows, options)
  const elements = new Elements(rows, lists)
  const columns: (readonly Cell[])[] = []
  for (const arg of rest) {
    const over = arg.kind === 'lambda'
    columns.push(await evaluate(over ? arg.args[0] : arg, over ? elements.at(arg.depth) : rows, options))
  }
  const operator = operators[node.operator]!
  return lists.map((value, i) => {
    if (value instanceof CellFailure) return value
    const [start, end] = elements.range(i)
    const failure = columns
      .flatMap((column, c) => (rest[c]!.kind === 'lambda' ? column.slice(start, end) : [column[i]]))
      .find((cell) => cell instanceof CellFailure)
    if (failure) return failure
    const args = columns.map((column, c) =>
      rest[c]!.kind === 'lambda' ? (_: unknown, at: number) => column[start + at] : column[i],
    )
    return applyOperator(operator, [value, ...args])
  })
}

/** The elements of the lists of some rows, as rows that see those rows' columns too. */
class Elements implements Rows {
  readonly #rows: Rows
  readonly #values: Cell[] = []
  /** The row of each element. */
  readonly #owners: number[] = []
  /** Where the elements of each row begin. */
  readonly #starts: number[] = [0]
  #depth = 0

  constructor(rows: Rows, lists: readonly Cell[]) {
    this.#rows = rows
    lists.forEach((list, i) => {
      if (Array.isArray(list)) {
        for (const item of list) {
          this.#values.push(item)
          this.#owners.push(i)
        }
      }
      this.#starts.push(this.#values.length)
    })
  }

  /** The same elements as what the lambda of this depth is at. */
  at(depth: number): this {
    this.#depth = depth
    return this
  }

  get length(): number {
    return this.#values.length
  }

  range(row: number): [number, number] {
    return [this.#starts[row]!, this.#starts[row + 1]!]
  }

  valuesOf(node: Node): readonly Cell[] {
    if (node.kind === 'item' && node.depth === this.#depth) return this.#values
    const values = this.#rows.valuesOf(node)
    return this.#owners.map((row) => values[row])
  }
}

/** Fills `args` with the values of row `i`; the failure, where one of them failed. */
function gather(columns: readonly (readonly Cell[])[], i: number, args: unknown[]): CellFailure | undefined {
  for (let c = 0; c < columns.length; c++) {
    const value = columns[c]![i]
    if (value instanceof CellFailure) return value
    args[c] = value
  }
  return undefined
}

/** One queue a function, so that its `concurrency` holds across statements. */
const queues = new WeakMap<ScalarFunction, PQueue>()

async function queueOf(fn: ScalarFunction): Promise<PQueue> {
  // Loaded on first use: importing the library stays cheap.
  const { default: Queue } = await import('p-queue')
  let queue = queues.get(fn)
  if (!queue) {
    queue = new Queue({ concurrency: fn.concurrency })
    queues.set(fn, queue)
  }
  return queue
}

/** Synchronous work yields to the event loop after this long, in milliseconds. */
const timeSlice = 15

async function evaluateFunction(node: FunctionNode, rows: Rows, options: EvaluateOptions): Promise<Cell[]> {
  const { fn } = node
  const columns = await evaluateArgs(node.args, rows, options)
  const result: Cell[] = new Array(rows.length)
  const pending: number[] = []
  const argsOf: unknown[][] = []
  for (let i = 0; i < rows.length; i++) {
    const args: unknown[] = new Array(columns.length)
    const failure = gather(columns, i, args)
    if (failure) result[i] = failure
    else if (fn.skipsNull && args.includes(null)) result[i] = null
    else {
      pending.push(i)
      argsOf.push(args)
    }
  }
  if (pending.length === 0) return result
  if (!fn.call) {
    throw new NotFoundError(
      `the function '${fn.name}' is needed to compute a column, but this program has not defined it: import the module that defines it, or pass it to Pixeltable.open(path, { functions })`,
    )
  }
  await callInBatches(fn, argsOf, options, (i, cell) => {
    result[pending[i]!] = cell
  })
  return result
}

async function callInBatches(
  fn: ScalarFunction,
  args: readonly unknown[][],
  { signal, failFast }: EvaluateOptions,
  set: (i: number, cell: Cell) => void,
): Promise<void> {
  const call = fn.call!
  const context = { signal }
  const running: Promise<void>[] = []
  let stopped = false
  let queue: PQueue | undefined
  let sliceEnd = performance.now() + timeSlice

  const settle = (start: number, count: number, values: unknown): void => {
    if (!Array.isArray(values) || values.length !== count) {
      fail(start, count, new TypeError(`expected an array of ${count} results, one a row, got ${describe(values)}`))
      return
    }
    for (let i = 0; i < count; i++) {
      const value: unknown = values[i]
      if (value instanceof Error) fail(start + i, 1, value)
      else set(start + i, value === undefined ? null : value)
    }
  }
  const fail = (start: number, count: number, cause: unknown): void => {
    if (failFast) stopped = true
    const failure = new CellFailure(asComputeError(fn, cause), identityOf(fn))
    for (let i = 0; i < count; i++) set(start + i, failure)
  }

  for (let start = 0; start < args.length && !stopped; start += fn.batchSize) {
    signal?.throwIfAborted()
    const batch = args.slice(start, start + fn.batchSize)
    const run = async (): Promise<void> => {
      if (stopped) return
      try {
        settle(start, batch.length, await call(batch, context))
      } catch (cause) {
        fail(start, batch.length, cause)
      }
    }
    if (queue) {
      running.push(queue.add(run))
      continue
    }
    // A function shows whether it is asynchronous when it is first called; a synchronous one needs no queue.
    try {
      const values = call(batch, context)
      if (values instanceof Promise) {
        const first = values.then(
          (resolved) => settle(start, batch.length, resolved),
          (cause: unknown) => fail(start, batch.length, cause),
        )
        queue = await queueOf(fn)
        running.push(queue.add(() => first))
      } else {
        settle(start, batch.length, values)
      }
    } catch (cause) {
      fail(start, batch.length, cause)
    }
    if (performance.now() > sliceEnd) {
      await new Promise((resolve) => setImmediate(resolve))
      sliceEnd = performance.now() + timeSlice
    }
  }
  await Promise.all(running)
  signal?.throwIfAborted()
}

function asComputeError(fn: ScalarFunction, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (PixeltableError.isInstance(cause)) return cause
  return new ComputeError(`${identityOf(fn)} failed: ${message}`, { function: identityOf(fn), cause })
}

const describe = (value: unknown): string => (Array.isArray(value) ? `${value.length}` : typeof value)
