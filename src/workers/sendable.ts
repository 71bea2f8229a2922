import * as ownErrors from '../errors.js'

/**
 * What was thrown or reported, in a form that structured clone keeps whole. Left to itself it keeps an error's message
 * and drops its `status`, `code` and headers, by which calls are retried.
 */
export type Sendable = unknown

/** An error among plain values. */
interface SentError {
  readonly $error: {
    readonly type: string
    readonly name: string
    readonly message: string
    readonly stack: string | undefined
    readonly fields: Readonly<Record<string, unknown>>
  }
}

/** Errors and objects inside of errors are kept so deep. */
const maxDepth = 6

/** What is read of errors to decide on retries, and may be a getter of their class (see scheduler/classify-error.ts). */
const telling = [
  'cause',
  'code',
  'error',
  'errors',
  'headers',
  'isRetryable',
  'lastError',
  'response',
  'responseHeaders',
  'retryable',
  'status',
  'statusCode',
  '$metadata',
]

type Unknown = Readonly<Record<string, unknown>>

/** An error or a report, to be sent. What has no form to be sent in, such as a socket, is left out. */
export function toSendable(value: unknown, depth = maxDepth): Sendable {
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return undefined
  if (value instanceof Error) return { $error: sendableError(value, depth) }
  if (Array.isArray(value)) return value.map((item) => toSendable(item, depth - 1))
  if (value instanceof Date || ArrayBuffer.isView(value)) return value
  // Headers of fetch and of axios.
  if (Symbol.iterator in value && typeof (value as Unknown).get === 'function') {
    return toSendable(Object.fromEntries(value as Iterable<[string, unknown]>), depth)
  }
  const prototype = Object.getPrototypeOf(value)
  const isPlain = prototype === null || prototype === Object.prototype
  const entries = isPlain ? Object.entries(value) : tellingFields(value)
  return Object.fromEntries(entries.map(([key, field]) => [key, toSendable(field, depth - 1)]))
}

/** The fields of an answer, a request or the like. All of them would lead into sockets and buffers. */
function tellingFields(value: object): [string, unknown][] {
  return telling.filter((key) => key in value).map((key) => [key, (value as Unknown)[key]])
}

function sendableError(error: Error, depth: number): SentError['$error'] {
  const { name, message, stack } = error
  const fields: Record<string, unknown> = {}
  for (const [key, value] of [...Object.entries(error), ...tellingFields(error)]) {
    // A DOMException has a `code` of its own making.
    if (key === 'name' || key === 'message' || error instanceof DOMException) continue
    const sent = toSendable(value, depth - 1)
    if (sent !== undefined) fields[key] = sent
  }
  return { type: typeOf(error), name: String(name), message: String(message), stack, fields }
}

/** How errors are made again, by the name of their class: those of JavaScript and of this library. */
const makers = new Map<string, (message: string, name: string) => Error>([
  ['DOMException', (message, name) => new DOMException(message, name)],
  ['AggregateError', (message) => new AggregateError([], message)],
  ...[Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map(
    (type) => [type.name, (message: string): Error => new type(message)] as const,
  ),
  ...Object.values(ownErrors).map(
    // What else their constructors take are fields, which are set afterwards.
    (type) => [type.name, (message: string): Error => new type(message, {} as never)] as const,
  ),
])

/** The nearest class of an error that can be made again. */
function typeOf(error: Error): string {
  for (let at = Object.getPrototypeOf(error); at; at = Object.getPrototypeOf(at)) {
    const name = at.constructor?.name
    if (makers.has(name)) return name
  }
  return 'Error'
}

/** What another thread sent, made again. */
export function fromSendable(sent: Sendable): unknown {
  if (Array.isArray(sent)) return sent.map(fromSendable)
  if (typeof sent !== 'object' || sent === null || sent instanceof Date || ArrayBuffer.isView(sent)) return sent
  if (!('$error' in sent)) {
    return Object.fromEntries(Object.entries(sent).map(([key, value]) => [key, fromSendable(value)]))
  }
  const { type, name, message, stack, fields } = (sent as SentError).$error
  const error = makers.get(type)!(message, name)
  for (const [key, value] of Object.entries({ ...fields, message, name, stack })) {
    if (value === undefined || (error as unknown as Unknown)[key] === value) continue
    const enumerable = key in fields && key !== 'cause' && key !== 'errors'
    Object.defineProperty(error, key, { value: fromSendable(value), enumerable, writable: true, configurable: true })
  }
  return error
}
