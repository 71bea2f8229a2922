import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { classifyError } from '../../src/scheduler/classify-error.js'
import { pauseFromHeaders } from '../../src/scheduler/rate-limit-headers.js'

const now = Date.parse('2026-11-20T12:00:00Z')
const error = (fields: object) => Object.assign(new Error('x'), fields)

test.each([
  ['429', error({ status: 429 }), 'rate-limit', true],
  ['429 of the AI SDK', error({ statusCode: 429, isRetryable: true }), 'rate-limit', true],
  ['an empty account', error({ status: 429, code: 'insufficient_quota' }), 'permanent', false],
  ['500', error({ status: 500 }), 'server', true],
  ['503 in a response', error({ response: { status: 503 } }), 'server', true],
  ['529 of Anthropic', error({ status: 529 }), 'server', true],
  ['501', error({ status: 501 }), 'permanent', false],
  ['AWS metadata', error({ $metadata: { httpStatusCode: 500 } }), 'server', true],
  ['408', error({ status: 408 }), 'timeout', true],
  ['400', error({ status: 400 }), 'permanent', false],
  ['401', error({ statusCode: 401 }), 'permanent', false],
  ['422', error({ status: 422 }), 'permanent', false],
  ['a reset connection', error({ code: 'ECONNRESET' }), 'network', true],
  [
    'a reset connection in fetch',
    new TypeError('fetch failed', { cause: error({ code: 'ECONNRESET' }) }),
    'network',
    true,
  ],
  ['a timeout', new DOMException('late', 'TimeoutError'), 'timeout', true],
  ['a socket timeout deep inside', error({ cause: error({ cause: error({ code: 'ETIMEDOUT' }) }) }), 'timeout', true],
  ['the last error of several', error({ errors: [error({ status: 400 }), error({ status: 500 })] }), 'server', true],
  ['garbled JSON', new SyntaxError('Unexpected token'), 'malformed', true],
  ['an abort', new DOMException('stop', 'AbortError'), 'permanent', false],
  ['an error that says so', error({ isRetryable: true }), 'server', true],
  ['an error that denies it', error({ retryable: false, code: 'ECONNRESET' }), 'permanent', false],
  ['any other error', new Error('no such thing'), 'permanent', false],
  ['a bug', new TypeError('x is not a function'), 'permanent', false],
  ['text', 'oops', 'permanent', false],
  ['nothing', undefined, 'permanent', false],
] as const)('%s', (_, cause, kind, retryable) => {
  expect(classifyError(cause, now)).toMatchObject({ kind, retryable })
})

test('an error whose cause is itself', () => {
  const circular = error({})
  circular.cause = circular
  expect(classifyError(circular).retryable).toBe(false)
})

test.each([
  [{ 'retry-after': '2' }, 2000],
  [{ 'Retry-After': '0.5' }, 500],
  [{ 'retry-after': 'Fri, 20 Nov 2026 12:00:30 GMT' }, 30_000],
  [{ 'retry-after': 'Fri, 20 Nov 2026 11:00:00 GMT' }, 0],
  [{ 'retry-after-ms': '120', 'retry-after': '1' }, 120],
  [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '6m0s' }, 360_000],
  [{ 'x-ratelimit-remaining-requests': '3', 'x-ratelimit-reset-requests': '6m0s' }, undefined],
  [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '120ms' }, 120],
  [
    { 'anthropic-ratelimit-requests-remaining': '0', 'anthropic-ratelimit-requests-reset': '2026-11-20T12:00:10Z' },
    10_000,
  ],
  [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 5) }, 5000],
  [{ 'ratelimit-remaining': '0', 'ratelimit-reset': '7' }, 7000],
  [{ 'retry-after': 'soon' }, undefined],
  [{}, undefined],
])('%j', (headers, pause) => {
  expect(pauseFromHeaders(headers as Record<string, string>, 429, now)).toBe(pause)
  expect(pauseFromHeaders(new Headers(headers as Record<string, string>), 429, now)).toBe(pause)
})

test('real failures of fetch', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/reset') request.socket.destroy()
    else if (request.url === '/garbled') response.end('{"a":')
    else if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setTimeout(() => request.socket.destroy(), 10)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const failureOf = (work: Promise<unknown>) => work.then(() => undefined, classifyError)
  const json = (path: string) => fetch(url + path).then((response) => response.json())
  expect(await failureOf(json('/reset'))).toMatchObject({ kind: 'network', retryable: true })
  expect(await failureOf(json('/garbled'))).toMatchObject({ kind: 'malformed', retryable: true })
  expect(await failureOf(json('/cut'))).toMatchObject({ kind: 'network', retryable: true })
  expect(await failureOf(fetch(`${url}/never`, { signal: AbortSignal.timeout(20) }))).toMatchObject({ kind: 'timeout' })
  server.closeAllConnections()
  server.close()
  expect(await failureOf(fetch(`${url}/refused`))).toMatchObject({ kind: 'network', retryable: true })
})
