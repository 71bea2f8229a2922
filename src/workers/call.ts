import { availableParallelism } from 'node:os'
import type { FunctionCode, FunctionIdentity } from '../expr/function.js'

/** A function that runs in threads of the pool. */
export interface WorkerFunction extends FunctionIdentity {
  /** The URL of the module that defines it. */
  readonly module: string
  /** Milliseconds that a call may take from when it begins in a thread. */
  readonly timeout: number | undefined
}

/** Threads at most. A core is left to the program. */
export const maxThreads = Math.max(1, availableParallelism() - 1)

/** Calls a function in a thread of the pool. */
export const callInWorker =
  (fn: WorkerFunction): FunctionCode['call'] =>
  async (rows, context) => {
    // Loaded with the first call: importing the library stays cheap.
    const { pool } = await import('./pool.js')
    return pool.call(fn, rows, context) as Promise<unknown[]>
  }
