import type { FunctionCode, FunctionIdentity } from '../expr/function.js'

/** A function as a thread of the pool calls it. */
export interface ThreadFunction extends FunctionIdentity {
  readonly call: FunctionCode['call']
}

/** What a thread of the pool knows of the modules that it imported. */
export interface WorkerScope {
  /** The functions that they defined, by name. */
  readonly functions: Map<string, ThreadFunction>
  /** The URL of the module that is being imported. */
  loading: string | undefined
}

/** On the global object, because a module may import another copy of this package than the one that started the thread. */
const key: unique symbol = Symbol.for('pixeltable.worker')
const globals = globalThis as { [key]?: WorkerScope }

/** Present in the threads of the pool, and only there. */
export const workerScope = (): WorkerScope | undefined => globals[key]

/** Makes this thread one of the pool. */
export function enterWorkerScope(): WorkerScope {
  globals[key] = { functions: new Map(), loading: undefined }
  return globals[key]
}
