import type { HeadersLike } from '../expr/function.js'
import { pauseFromHeaders } from './rate-limit-headers.js'

/** Why a call failed, as far as it matters for trying again. */
export type FailureKind = 'rate-limit' | 'server' | 'timeout' | 'network' | 'malformed' | 'permanent'

/** What is known about a failed call. */
export interface Failure {
  readonly kind: FailureKind
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** How long the other side asks to wait, in milliseconds. */
  readonly retryAfter?: number | undefined
}

/** 4xx statuses that heal by themselves: timeout, conflict, too early, too many. All others do not. */
const healing = new Set([408, 409, 425, 429])
/** 5xx statuses that say that it will never work: not implemented, HTTP version. */
const final = new Set([501, 505])

const networkCodes = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
])
const timeoutCodes = new Set([
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])
/** Providers answer 429 to an empty account too; waiting does not fill it. */
const exhaustedAccount = new Set(['insufficient_quota', 'billing_hard_limit_reached'])

/** Errors inside errors are looked at so deep. */
const depth = 6

/**
 * Decides whether a failed call can be tried again: the one place that knows the errors of fetch, Node, and the SDKs of
 * providers. Looks at the error and its causes: an explicit `isRetryable`, an HTTP status, a system code, a name.
 *
 * @param now milliseconds since 1970, for headers that name an instant
 */
export function classifyError(cause: unknown, now = Date.now()): Failure {
  for (const error of chainOf(cause)) {
    const failure = classifyOne(error, now)
    if (failure) return failure
  }
  return { kind: 'permanent', retryable: false }
}

type Unknown = Readonly<Record<string, any>>

function* chainOf(cause: unknown): Generator<Unknown> {
  let error: unknown = cause
  for (let i = 0; i < depth && typeof error === 'object' && error !== null; i++) {
    yield error as Unknown
    const { cause, lastError, errors } = error as Unknown
    error = cause ?? lastError ?? (Array.isArray(errors) ? errors.at(-1) : undefined)
  }
}

function classifyOne(error: Unknown, now: number): Failure | undefined {
  const { name, code, message } = error
  const status = statusOf(error)
  if (status !== undefined && status >= 400) return byStatus(error, status, now)
  // A caller's own decision to stop is final.
  if (name === 'AbortError') return { kind: 'permanent', retryable: false }
  const stated = error.isRetryable ?? error.retryable
  if (stated === false) return { kind: 'permanent', retryable: false }
  if (name === 'TimeoutError' || name === 'APIConnectionTimeoutError' || timeoutCodes.has(code)) {
    return { kind: 'timeout', retryable: true }
  }
  const brokenFetch = error instanceof TypeError && (message === 'fetch failed' || message === 'terminated')
  if (brokenFetch || name === 'APIConnectionError' || networkCodes.has(code)) {
    return { kind: 'network', retryable: true }
  }
  // An answer that was cut or garbled.
  if (name === 'SyntaxError' || name === 'AI_JSONParseError') return { kind: 'malformed', retryable: true }
  if (stated === true) return { kind: 'server', retryable: true }
  return undefined
}

function byStatus(error: Unknown, status: number, now: number): Failure {
  const headers = headersOf(error)
  const exhausted = exhaustedAccount.has(error.code) || exhaustedAccount.has(error.error?.code)
  const heals = status >= 500 ? !final.has(status) : healing.has(status)
  if (!heals || exhausted || (error.isRetryable === false && status !== 429)) {
    return { kind: 'permanent', retryable: false }
  }
  const kind = status === 429 ? 'rate-limit' : status === 408 ? 'timeout' : 'server'
  return { kind, retryable: true, retryAfter: headers && pauseFromHeaders(headers, status, now) }
}

function statusOf(error: Unknown): number | undefined {
  const status = error.statusCode ?? error.status ?? error.response?.status ?? error.$metadata?.httpStatusCode
  return typeof status === 'number' ? status : undefined
}

/** The headers of the answer, where the error carries them. */
function headersOf(error: Unknown): HeadersLike | undefined {
  return error.responseHeaders ?? error.headers ?? error.response?.headers
}
