import { ComputeError, NotFoundError, PixeltableError, QueryError } from '../errors.js'
import { type FunctionCode, identityOf } from '../expr/function.js'
import type { CallNode, FunctionNode, JsonKind, Node } from '../expr/node.js'
import { applyOperator, operators } from '../expr/operators/index.js'
import type { Asker, CallRecord } from '../scheduler/caller.js'
import { callUnknown, type ResultMemory } from '../scheduler/remember.js'
import type { Tracer } from '../scheduler/tracer.js'

/** A cell that could not be computed. It stands where its value would; what depends on it fails with it. */
export class CellFailure {
  readonly error: Error
  /** The function that failed, as `name@version`. */
  readonly function: string | undefined
  /** How often it was called. */
  readonly attempts: number
  /** Whether it was there before the statement, which goes on then. */
  readonly isOld: boolean

  constructor(error: Error, fn?: string, attempts = 1, isOld = false) {
    this.error = error
    this.function = fn
    this.attempts = attempts
    this.isOld = isOld
  }

  /** The class of the error; of the function's own, where it is one's. */
  get type(): string {
    const { error } = this
    return ComputeError.isInstance(error) && error.cause instanceof Error ? error.cause.name : error.name
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
  /** Aborted by the first cell that fails: it ends the work of all who share it. Without, every cell is computed. */
  readonly stop?: AbortController | undefined
  /** Results of earlier calls. */
  readonly results?: ResultMemory | undefined
  /** Hears of each call of a function. */
  readonly called?: ((call: CallRecord) => void) | undefined
  readonly tracer?: Tracer | undefined
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
    case 'cellError':
      throw new QueryError('errorType() and errorMessage() are known in queries alone')
    case 'terms':
      throw new QueryError('highlight() and snippet() mark what match() found: they are known in its query alone')
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
  const { reads } = node
  const result: Cell[] = new Array(rows.length)
  const args: unknown[] = new Array(columns.length)
  for (let i = 0; i < rows.length; i++) {
    const failure = gather(columns, i, args)
    if (reads) {
      reads.forEach((kind, a) => {
        if (kind && !isOfKind(args[a], kind)) args[a] = null
      })
    }
    result[i] = failure ?? applyOperator(operator, args)
  }
  return result
}

function isOfKind(value: unknown, kind: JsonKind): boolean {
  switch (kind) {
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint'
    case 'text':
      return typeof value === 'string'
    case 'bool':
      return typeof value === 'boolean'
  }
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
  const { code } = fn
  if (!code) {
    throw new NotFoundError(
      `the function '${fn.name}' is needed to compute a column, but this program has not defined it: import the module that defines it, or pass it to Pixeltable.open(path, { functions })`,
    )
  }
  const { signal, stop, called, results, tracer } = options
  const asker: Asker = {
    signal,
    stop,
    tracer,
    value: (i, value) => {
      result[pending[i]!] = value
    },
    failed: (i, cause, attempts) => {
      result[pending[i]!] = new CellFailure(asComputeError(code, cause), identityOf(code), attempts)
    },
    ...(called ? { called } : {}),
  }
  await callUnknown(code, argsOf, asker, results)
  return result
}

/** The error of a call as the error of a cell, which names the function. */
export function asComputeError(fn: FunctionCode, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (PixeltableError.isInstance(cause)) return cause
  return new ComputeError(`${identityOf(fn)} failed: ${message}`, { function: identityOf(fn), cause })
}
