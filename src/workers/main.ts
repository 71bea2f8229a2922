/** What runs in a thread of the pool: it imports the modules of functions, and calls those. */
import { parentPort } from 'node:worker_threads'
import type { CallContext, CallReport } from '../expr/function.js'
import type { ByteRange } from '../types/media.js'
import { cloneFailure, compact } from './cloneable.js'
import type { CallMessage, FromThread, SentArgument, SentResult, ToThread } from './messages.js'
import { RemoteMedia } from './remote-media.js'
import { enterWorkerScope, type ThreadFunction } from './scope.js'
import { fromSendable, toSendable } from './sendable.js'

const port = parentPort!
const scope = enterWorkerScope()
const imported = new Set<string>()
/** Ends the current call. */
let controller = new AbortController()
/** What waits for the next piece of a file, by the number of the read. */
const waiting = new Map<number, { resolve(bytes: Uint8Array | undefined): void; reject(error: unknown): void }>()
let reads = 0

const post = (message: FromThread): void => port.postMessage(message)

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'call':
      void answer(message)
      break
    case 'abort':
      controller.abort(fromSendable(message.reason))
      break
    case 'piece':
      waiting.get(message.read)?.resolve(message.bytes)
      break
    case 'unreadable':
      waiting.get(message.read)?.reject(fromSendable(message.error))
  }
})

async function answer(message: CallMessage): Promise<void> {
  controller = new AbortController()
  const context: CallContext = {
    signal: controller.signal,
    attempt: message.attempt,
    report: (report) => post({ kind: 'report', report: toSendable(report) as CallReport }),
  }
  try {
    const fn = await functionOf(message)
    post({ kind: 'began' })
    const result: unknown = await fn.call(
      message.rows.map((args) => args.map(receive)),
      context,
    )
    // What is no list is refused by who called.
    const send = (sent: (value: unknown) => SentResult) =>
      post({ kind: 'done', result: Array.isArray(result) ? result.map(sent) : sent(result) })
    try {
      send(sentResult)
    } catch {
      send(sentIfCloneable)
    }
  } catch (error) {
    post({ kind: 'failed', error: toSendable(error) })
  }
}

async function functionOf({ module, name, version }: CallMessage): Promise<ThreadFunction> {
  if (!imported.has(module)) {
    scope.loading = module
    try {
      await import(module)
      imported.add(module)
    } catch (cause) {
      throw final(`a worker thread cannot import ${module}: ${cause instanceof Error ? cause.message : cause}`, cause)
    } finally {
      scope.loading = undefined
    }
  }
  const fn = scope.functions.get(name)
  if (!fn) {
    throw final(
      `${module}, imported in a worker thread, defines no function '${name}': call udf() there where it runs with the import, and not in another function`,
    )
  }
  if (fn.version !== version) {
    throw final(`${module} has changed since the program began: it defines version ${fn.version} of '${name}' now`)
  }
  return fn
}

/** An error that no retry heals, whatever caused it. */
const final = (message: string, cause?: unknown): Error =>
  Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { isRetryable: false })

const receive = (sent: SentArgument): unknown =>
  'media' in sent
    ? new RemoteMedia(sent.media, sent.kind, sent.record, (range) => readRemote(sent.media, range))
    : sent.value

async function* readRemote(media: number, range: ByteRange | undefined): AsyncGenerator<Uint8Array> {
  const read = ++reads
  try {
    for (;;) {
      const bytes = await new Promise<Uint8Array | undefined>((resolve, reject) => {
        waiting.set(read, { resolve, reject })
        post({ kind: 'read', read, media, range })
      })
      if (!bytes) return
      yield bytes
    }
  } finally {
    waiting.delete(read)
    post({ kind: 'close', read })
  }
}

function sentResult(value: unknown): SentResult {
  if (value instanceof Error) return { error: toSendable(value) }
  if (value instanceof RemoteMedia) return { media: value.id }
  // Structured clone would make an empty object of it.
  if (value instanceof URL) return { url: value.href }
  return { value: compact(value) }
}

function sentIfCloneable(value: unknown): SentResult {
  const sent = sentResult(value)
  const cause = cloneFailure(sent)
  if (!cause) return sent
  return { error: toSendable(new TypeError(`the result cannot be sent out of a worker thread: ${cause.message}`)) }
}
