import { Worker } from 'node:worker_threads'
import { MediaError } from '../errors.js'
import type { CallContext } from '../expr/function.js'
import { isMedia, type Media } from '../types/media.js'
import type { WorkerFunction } from './call.js'
import { cloneFailure, compact } from './cloneable.js'
import { loadable } from './loadable.js'
import type { DoneMessage, FromThread, ReadMessage, SentArgument, SentResult, ToThread } from './messages.js'
import { fromSendable, toSendable } from './sendable.js'

/** How long a function that was aborted may take to heed its signal, in milliseconds. Then its thread is ended. */
const grace = 100

/** Who hears of a thread. */
export interface ThreadOwner {
  /** It can take a call. */
  idle(thread: Thread): void
  /** It is gone. */
  ended(thread: Thread): void
}

/** A call in a thread. */
interface Task {
  readonly fn: WorkerFunction
  readonly context: CallContext
  resolve(result: unknown): void
  reject(cause: unknown): void
  /** Ends the waiting for it. */
  readonly abort: () => void
  /** Files among its arguments, by the number that the thread knows them by. */
  readonly media: ReadonlyMap<number, Media>
  /** Files that are being read. */
  readonly reads: Map<number, AsyncIterator<Uint8Array>>
  timer?: NodeJS.Timeout
}

/** A thread of the pool, as the program sees it. It makes one call at a time. */
export class Thread {
  readonly #worker = new Worker(loadable(new URL('./main.js', import.meta.url)), { name: 'pixeltable' })
  readonly #owner: ThreadOwner
  readonly #modules = new Set<string>()
  #task: Task | undefined
  #files = 0
  #uncaught: Error | undefined
  #ending = false

  constructor(owner: ThreadOwner) {
    this.#owner = owner
    this.#worker
      .on('message', (message: FromThread) => this.#receive(message))
      .on('messageerror', (error) => this.#fail(error))
      .on('error', (error: Error) => {
        this.#uncaught = error
        this.#ending = true
      })
      .on('exit', (code) => this.#exited(code))
  }

  /** Whether it has imported a module. */
  has(module: string): boolean {
    return this.#modules.has(module)
  }

  /** Calls a function. @returns what it returns; after an abort the thread may be busy for a while longer */
  call(fn: WorkerFunction, rows: readonly (readonly unknown[])[], context: CallContext): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { signal } = context
      const media = new Map<number, Media>()
      const abort = () => this.#abort(signal.reason)
      this.#task = { fn, context, resolve, reject, abort, media, reads: new Map() }
      // The process does not end while a call is under way.
      this.#worker.ref()
      if (signal.aborted) {
        this.#fail(signal.reason)
        return
      }
      const { module, name, version } = fn
      const sent = rows.map((args) => args.map((arg) => this.#sent(arg, media)))
      try {
        this.#post({ kind: 'call', module, name, version, rows: sent, attempt: context.attempt })
      } catch (cause) {
        this.#fail(uncloneable(rows) ?? cause)
        return
      }
      signal.addEventListener('abort', abort)
      this.#modules.add(module)
    })
  }

  #sent(arg: unknown, media: Map<number, Media>): SentArgument {
    if (!isMedia(arg)) return { value: compact(arg) }
    const id = ++this.#files
    media.set(id, arg)
    return { media: id, kind: arg.kind, record: arg.toJSON() }
  }

  /** Ends it, whatever it does. */
  end(): void {
    this.#ending = true
    void this.#worker.terminate()
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message)
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case 'began':
        this.#startTimer()
        break
      case 'report':
        this.#task?.context.report(message.report)
        break
      case 'read':
        void this.#read(message)
        break
      case 'close':
        void this.#task?.reads.get(message.read)?.return?.()
        break
      case 'done':
        this.#done(message.result)
        break
      case 'failed':
        this.#fail(fromSendable(message.error))
    }
  }

  /** The time of a call counts from when its function begins: it may have waited for a thread or for its module. */
  #startTimer(): void {
    const task = this.#task
    const timeout = task?.fn.timeout
    // One that was aborted while its module was imported has a timer already.
    if (!task || task.timer || timeout === undefined) return
    task.timer = setTimeout(() => {
      this.#abort(new DOMException(`took longer than ${timeout} ms`, 'TimeoutError'))
    }, timeout)
  }

  /**
   * Ends a call. A function that heeds its signal keeps its thread and what that has loaded; synchronous code can only
   * be ended together with its thread.
   */
  #abort(reason: unknown): void {
    const task = this.#task!
    task.reject(reason)
    task.context.signal.removeEventListener('abort', task.abort)
    clearTimeout(task.timer)
    task.timer = setTimeout(() => this.end(), grace)
    this.#post({ kind: 'abort', reason: toSendable(reason) })
  }

  /** Gives the thread the next piece of a file. */
  async #read({ read, media, range }: ReadMessage): Promise<void> {
    try {
      const file = this.#task?.media.get(media)
      if (!file) throw new MediaError('the call that the file was an argument of has ended')
      const { reads } = this.#task!
      const pieces = reads.get(read) ?? file.stream(range)[Symbol.asyncIterator]()
      reads.set(read, pieces)
      const { value } = await pieces.next()
      this.#post({ kind: 'piece', read, bytes: compact(value) as Uint8Array | undefined })
    } catch (error) {
      this.#post({ kind: 'unreadable', read, error: toSendable(error) })
    }
  }

  #done(result: DoneMessage['result']): void {
    const task = this.#leave()
    if (!task) return
    try {
      const receive = (sent: SentResult) => received(sent, task.media)
      task.resolve(isList(result) ? result.map(receive) : receive(result))
    } catch (cause) {
      task.reject(cause)
    }
    this.#rest()
  }

  #fail(cause: unknown): void {
    const task = this.#leave()
    if (!task) return
    task.reject(cause)
    this.#rest()
  }

  #rest(): void {
    if (!this.#ending) this.#owner.idle(this)
  }

  #exited(code: number): void {
    const task = this.#leave()
    const cause = this.#uncaught
    if (task) task.reject(crash(code, cause))
    else if (cause) process.emitWarning(`a worker thread ended by an error that nothing caught: ${cause.message}`)
    this.#owner.ended(this)
  }

  /** The call is over, one way or another. */
  #leave(): Task | undefined {
    const task = this.#task
    this.#task = undefined
    if (!task) return undefined
    this.#worker.unref()
    clearTimeout(task.timer)
    task.context.signal.removeEventListener('abort', task.abort)
    for (const pieces of task.reads.values()) void pieces.return?.()
    return task
  }
}

const isList = (result: DoneMessage['result']): result is readonly SentResult[] => Array.isArray(result)

function received(sent: SentResult, media: ReadonlyMap<number, Media>): unknown {
  if ('value' in sent) return sent.value
  if ('url' in sent) return new URL(sent.url)
  if ('error' in sent) return fromSendable(sent.error)
  const file = media.get(sent.media)
  if (!file) throw new MediaError('the function returned a file of an earlier call; copy its bytes instead')
  return file
}

/** The error that names the argument which cannot be posted to a thread. */
function uncloneable(rows: readonly (readonly unknown[])[]): Error | undefined {
  for (const args of rows) {
    for (const [i, arg] of args.entries()) {
      const cause = isMedia(arg) ? undefined : cloneFailure(arg)
      if (cause)
        return new TypeError(`argument ${i + 1} cannot be sent to a worker thread: ${cause.message}`, { cause })
    }
  }
  return undefined
}

/** Why a call was lost with its thread. */
function crash(code: number, cause: (Error & { code?: unknown }) | undefined): Error {
  if (cause?.code === 'ERR_WORKER_OUT_OF_MEMORY') return new Error('its worker thread ran out of memory', { cause })
  if (cause) return new Error(`its worker thread ended by an error that nothing caught: ${cause.message}`, { cause })
  return new Error(`its worker thread ended during the call, with exit code ${code}`)
}
