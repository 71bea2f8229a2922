import { STATUS_CODES } from 'node:http'
import { MediaError, ValidationError } from '../errors.js'
import { assertFetchable, showUrl } from './location.js'

/** Limits of one download. */
export interface FetchLimits {
  /** Largest content in bytes, counted after decompression while it arrives. Minimum 1. @default 104857600 (100 MiB) */
  readonly maxBytes?: number
  /** Milliseconds for the whole transfer with its redirects. From 1 to 2147483647. @default 30000 */
  readonly timeoutMs?: number
  /** How many redirects are followed. Minimum 0. @default 5 */
  readonly maxRedirects?: number
  /** Sent with the request, and after redirects only to the origin of the first URL. Never stored. @default none */
  readonly headers?: Readonly<Record<string, string>>
}

/** 100 MiB. */
export const defaultMaxBytes = 100 * 1024 * 1024

/** What a download brought. */
export interface Download {
  readonly bytes: Uint8Array
  /** The `content-type` header as sent. */
  readonly contentType: string | undefined
}

/**
 * Fetches an http or https URL into memory.
 *
 * @throws MediaError for a status of 400 and more, too many redirects, a redirect to another protocol, content over the
 *   limit, a timeout and a broken connection; its message shows the URL without query and userinfo
 * @throws ValidationError for a limit out of range
 * @throws the signal's reason when that fires
 */
export async function download(url: URL, limits: FetchLimits = {}, signal?: AbortSignal): Promise<Download> {
  const checked = checkLimits(limits)
  signal?.throwIfAborted()
  const transfer = new AbortController()
  const stop = () => transfer.abort(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  const timer = setTimeout(() => {
    transfer.abort(new DOMException(`No complete answer within ${checked.timeoutMs} ms`, 'TimeoutError'))
  }, checked.timeoutMs)
  try {
    const response = await follow(url, checked, transfer.signal)
    const contentType = response.headers.get('content-type') ?? undefined
    return { bytes: await readBody(response, checked.maxBytes, showUrl(url)), contentType }
  } catch (cause) {
    signal?.throwIfAborted()
    if (MediaError.isInstance(cause)) throw cause
    throw new MediaError(`Could not fetch ${showUrl(url)}: ${reasonOf(cause, checked.timeoutMs)}`, { cause })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
    transfer.abort() // closes the connection of an answer that was not read to its end
  }
}

interface CheckedLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
  readonly maxRedirects: number
  readonly headers: Headers
}

function checkLimits(limits: FetchLimits): CheckedLimits {
  const { maxBytes = defaultMaxBytes, timeoutMs = 30_000, maxRedirects = 5 } = limits
  if (!(maxBytes >= 1)) throw new ValidationError(`fetch.maxBytes must be 1 or more, got ${maxBytes}`)
  if (!(timeoutMs >= 1 && timeoutMs <= 2_147_483_647)) {
    throw new ValidationError(`fetch.timeoutMs must be between 1 and 2147483647, got ${timeoutMs}`)
  }
  if (!(maxRedirects >= 0)) throw new ValidationError(`fetch.maxRedirects must be 0 or more, got ${maxRedirects}`)
  return { maxBytes, timeoutMs, maxRedirects, headers: headersOf(limits.headers) }
}

function headersOf(headers: FetchLimits['headers']): Headers {
  try {
    return new Headers(headers)
  } catch {
    // The parser's error quotes the value, which may be a key.
    throw new ValidationError('fetch.headers has a name or value that HTTP does not allow')
  }
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** The first answer that is not a redirect. Followed by hand, so that each step is checked like the first URL. */
async function follow(start: URL, limits: CheckedLimits, signal: AbortSignal): Promise<Response> {
  let url = start
  for (let hops = 0; ; hops++) {
    const headers = url.origin === start.origin ? limits.headers : {}
    const response = await fetch(url, { redirect: 'manual', headers, signal })
    const location = redirects.has(response.status) ? response.headers.get('location') : null
    if (location === null) return response
    await response.body?.cancel()
    if (hops >= limits.maxRedirects) {
      throw new MediaError(`Could not fetch ${showUrl(start)}: it redirected more than ${limits.maxRedirects} times`)
    }
    if (!URL.canParse(location, url.href)) {
      throw new MediaError(`Could not fetch ${showUrl(start)}: it redirected to a malformed URL`)
    }
    url = new URL(location, url)
    assertFetchable(url)
  }
}

async function readBody(response: Response, maxBytes: number, label: string): Promise<Uint8Array> {
  if (!response.ok) {
    // The server's own reason phrase is not quoted: it may repeat the query.
    const status = `${response.status} ${STATUS_CODES[response.status] ?? ''}`.trimEnd()
    throw new MediaError(`Could not fetch ${label}: the server answered ${status}`)
  }
  const tooLarge = () =>
    new MediaError(
      `Could not fetch ${label}: it is larger than ${maxBytes} bytes. Raise fetch.maxBytes if it should be.`,
    )
  if (Number(response.headers.get('content-length')) > maxBytes) throw tooLarge()
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > maxBytes) throw tooLarge() // whatever content-length promised
    chunks.push(chunk)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if ((error as Error).name === 'TimeoutError') return `no complete answer within ${timeoutMs} ms`
  const code = codeOf(error)
  return `the connection failed${code === undefined ? '' : ` (${code})`}`
}

/** The code at the bottom of a chain of causes: fetch's own error just says "fetch failed". */
function codeOf(error: unknown): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  const deeper = cause instanceof Error ? codeOf(cause) : undefined
  return deeper ?? (typeof code === 'string' ? code : undefined)
}
