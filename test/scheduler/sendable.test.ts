import { expect, test } from 'vitest'
import { DependencyError, MediaError, PixeltableError, ValidationError } from '../../src/index.js'
import { classifyError } from '../../src/scheduler/classify-error.js'
import { fromSendable, toSendable } from '../../src/workers/sendable.js'

/** What arrives of it in another thread. */
const cross = (value: unknown): any => fromSendable(structuredClone(toSendable(value)))

test('errors of this library stay what they are', () => {
  const error = cross(new ValidationError('too long', { column: 'name', row: 3, cause: new RangeError('inner') }))
  expect(error).toBeInstanceOf(ValidationError)
  expect(PixeltableError.isInstance(error)).toBe(true)
  expect(error).toMatchObject({
    name: 'ValidationError',
    code: 'VALIDATION',
    message: 'too long',
    column: 'name',
    row: 3,
  })
  expect(error.cause).toBeInstanceOf(RangeError)
  expect(cross(new DependencyError('used', ['a', 'b'])).dependents).toEqual(['a', 'b'])
  expect(Object.keys(cross(new MediaError('gone')))).toEqual(Object.keys(new MediaError('gone')))
})

class GetterError extends Error {
  get status() {
    return 429
  }
  get headers() {
    return new Headers({ 'retry-after': '7' })
  }
}

const response = new Response('', { status: 503, headers: { 'retry-after': '2' } })
const axios = Object.assign(new Error('Request failed'), {
  name: 'AxiosError',
  response: { status: 502, headers: new Map([['retry-after', '3']]), request: { socket: new (class Socket {})() } },
  toJSON: () => ({}),
})
const circular: Error & { self?: unknown } = Object.assign(new Error('round'), { status: 500 })
circular.self = circular

test.each([
  ['a status', Object.assign(new Error('busy'), { status: 503 })],
  ['a status of AWS', Object.assign(new Error('slow down'), { $metadata: { httpStatusCode: 429 } })],
  ['getters of a class', new GetterError('busy')],
  ['an answer of fetch', Object.assign(new Error('busy'), { response })],
  ['an error of axios', axios],
  ['a broken fetch', new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) })],
  ['errors in an error', new AggregateError([Object.assign(new Error(), { code: 'ETIMEDOUT' })], 'all failed')],
  ['an empty account', Object.assign(new Error('quota'), { status: 429, error: { code: 'insufficient_quota' } })],
  ['garbled JSON', new SyntaxError('Unexpected token')],
  ['a stop', new DOMException('stopped', 'AbortError')],
  ['a timeout', new DOMException('late', 'TimeoutError')],
  ['an object that is no error', { status: 500, text: 'broken' }],
  ['a circle', circular],
  ['an ordinary error', new Error('no')],
])('%s is retried alike on the other side', (_, error) => {
  const arrived = cross(error)
  expect(classifyError(arrived, 0)).toEqual(classifyError(error, 0))
  if (error instanceof Error) {
    expect(arrived).toBeInstanceOf(Error)
    expect([arrived.name, arrived.message, arrived.stack]).toEqual([error.name, error.message, error.stack])
  }
})

test('what is no error arrives as it is', () => {
  const date = new Date(5)
  for (const value of ['text', 5n, null, undefined, [1, { a: [date] }]]) expect(cross(value)).toEqual(value)
})
