import { sameValue } from '../compute/change.js'
import { wholeRow } from '../compute/pending.js'
import { QueryError } from '../errors.js'
import type { FunctionIdentity } from '../expr/function.js'
import { visit } from '../expr/node.js'
import { type Cell, CellFailure } from '../plan/evaluate.js'
import type { Session } from '../plan/session.js'
import { cellWhenMade, iterateAgain, parsed, recordOf, type StoredCell, storedValue, valueIn } from './stored-cell.js'

/** What a replay gave. */
export interface Replay {
  /** The value that is stored; null where its computation failed. */
  readonly value: unknown
  /** What the same inputs give now; null where the computation fails. */
  readonly replayed: unknown
  /** Whether that is something else: another value, or an error where there was a value, or the other way round. */
  readonly differs: boolean
  /** Why there is no value, where that is so: in the table, and now. */
  readonly error?: { readonly type: string; readonly message: string }
  readonly replayedError?: { readonly type: string; readonly message: string }
  /** The functions, or the iterator, with the version that made the value and the one that was called now. */
  readonly functions: readonly ReplayedFunction[]
}

/** A function that a replay called. */
export interface ReplayedFunction {
  readonly name: string
  /** The version that made the stored value; undefined where that is not known. */
  readonly recorded: number | undefined
  /** The version that the program has; undefined where it has none. */
  readonly current: number | undefined
}

/** Options of `replay`. */
export interface ReplayOptions {
  /** Stops the replay; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** Computes a cell once more, from what it was made from, and keeps nothing of it. */
export async function replayCell(session: Session, cell: StoredCell, { signal }: ReplayOptions): Promise<Replay> {
  const { owner, column } = cell
  const what = `replay(): column '${column.name}' of '${owner.name}'`
  if (column.unstored) throw new QueryError(`${what} is computed whenever it is read: there is nothing to compare with`)
  if (!column.computed && !column.iterated) throw new QueryError(`${what} is given, not computed`)
  const record = (await recordOf(session, cell))!
  const then = await cellWhenMade(session, cell, record.version)
  const value = await storedValue(session, cell)
  const replayed = await again(session, then, signal)
  const differs =
    replayed instanceof CellFailure
      ? record.error === undefined
      : !!record.error || !sameValue(column.type, value, replayed)
  return {
    value,
    replayed: replayed instanceof CellFailure ? null : replayed,
    differs,
    ...(record.error ? { error: { type: record.error.type, message: record.error.message } } : {}),
    ...(replayed instanceof CellFailure
      ? { replayedError: { type: replayed.type, message: replayed.error.message } }
      : {}),
    functions: await functionsOf(session, then, record.version),
  }
}

async function again(session: Session, cell: StoredCell, signal: AbortSignal | undefined): Promise<Cell> {
  const { column } = cell
  try {
    const made = column.computed
      ? await valueIn(session, cell, column.computed, signal)
      : (await iterateAgain(session, cell, signal))?.[column.name]
    return made instanceof CellFailure ? made : await parsed(session, column.type, made)
  } catch (error) {
    signal?.throwIfAborted()
    return new CellFailure(error as Error)
  }
}

async function functionsOf(session: Session, cell: StoredCell, version: number): Promise<ReplayedFunction[]> {
  const { catalog, owner, column } = cell
  const recorded = await session.engine.codeAt(owner, column.iterated ? wholeRow : column.id, version)
  const of = (name: string, current: FunctionIdentity | undefined): ReplayedFunction => ({
    name,
    recorded: recorded.find((code) => code.name === name)?.version,
    current: current?.version,
  })
  if (column.iterated) {
    const { name } = owner.view!.iterator!.iterator
    return [of(name, session.code('iterator', name))]
  }
  const functions = new Map<string, ReplayedFunction>()
  visit(catalog.expand(column.computed!), (node) => {
    if (node.kind === 'function') functions.set(node.fn.name, of(node.fn.name, node.fn.code))
  })
  return [...functions.values()]
}
