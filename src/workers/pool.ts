import type { CallContext } from '../expr/function.js'
import { maxThreads, type WorkerFunction } from './call.js'
import { Thread, type ThreadOwner } from './thread.js'

/** A thread without calls ends after this long, in milliseconds. */
const idleTime = 30_000

/** A call that waits for a thread. */
interface Waiting {
  take(thread: Thread): void
}

/**
 * The threads of the program, started when calls need them. It is our own because piscina ends the thread of every call
 * that is aborted, and does not keep what a call sends besides (reports, the reading of files) in order with its result.
 */
class WorkerPool implements ThreadOwner {
  readonly #threads = new Set<Thread>()
  /** Threads without a call, and what ends them. The last one was busy last. */
  readonly #idle = new Map<Thread, NodeJS.Timeout>()
  /** The first one gets the next thread. */
  readonly #waiting = new Set<Waiting>()

  async call(fn: WorkerFunction, rows: readonly (readonly unknown[])[], context: CallContext): Promise<unknown> {
    const thread = await this.#acquire(fn.module, context.signal)
    return thread.call(fn, rows, context)
  }

  idle(thread: Thread): void {
    const [next] = this.#waiting
    if (next) {
      next.take(thread)
      return
    }
    const timer = setTimeout(() => {
      this.#idle.delete(thread)
      thread.end()
    }, idleTime)
    this.#idle.set(thread, timer.unref())
  }

  ended(thread: Thread): void {
    this.#threads.delete(thread)
    clearTimeout(this.#idle.get(thread))
    this.#idle.delete(thread)
    const [next] = this.#waiting
    next?.take(this.#start())
  }

  #acquire(module: string, signal: AbortSignal): Thread | Promise<Thread> {
    signal.throwIfAborted()
    const idle = [...this.#idle.keys()]
    const thread = idle.findLast((one) => one.has(module)) ?? idle.at(-1)
    if (thread) {
      clearTimeout(this.#idle.get(thread))
      this.#idle.delete(thread)
      return thread
    }
    return this.#threads.size < maxThreads ? this.#start() : this.#wait(signal)
  }

  #start(): Thread {
    const thread = new Thread(this)
    this.#threads.add(thread)
    return thread
  }

  #wait(signal: AbortSignal): Promise<Thread> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiting)
        signal.removeEventListener('abort', abort)
      }
      const abort = (): void => {
        leave()
        reject(signal.reason)
      }
      const waiting: Waiting = {
        take(thread) {
          leave()
          resolve(thread)
        },
      }
      signal.addEventListener('abort', abort)
      this.#waiting.add(waiting)
    })
  }
}

export const pool = new WorkerPool()
