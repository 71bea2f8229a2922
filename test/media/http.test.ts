import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MediaError, ValidationError } from '../../src/errors.js'
import { type FetchLimits, resolveMedia, StoredMedia } from '../../src/media/index.js'
import { contentBytes, failure, sha256 } from './support.js'

const secret = 'S3cr3tToken'
const page = '<!doctype html><title>Page</title><p>Hello'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** What the server does, by path. */
const handlers: Record<string, Handler> = {
  '/page.html': (_, response) => response.end(page),
  '/a%20b%2Fc.txt': (_, response) => response.end('named'),
  '/latin.txt': (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('x'),
  '/readme': (_, response) => response.writeHead(200, { 'content-type': 'text/markdown; charset=utf-8' }).end('# A'),
  '/greek': (_, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=ISO-8859-7' }).end(Buffer.from([0xe1, 0xe2, 0xe3])),
  '/octets': (_, response) => response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(page),
  '/redirect': (_, response) => response.writeHead(302, { location: `/page.html?token=${secret}` }).end('moved'),
  '/loop': (_, response) => response.writeHead(307, { location: `/loop?token=${secret}` }).end(),
  '/to-ftp': (_, response) => response.writeHead(301, { location: `ftp://me:${secret}@host/f?${secret}` }).end(),
  '/to-userinfo': (_, response) => response.writeHead(301, { location: `http://me:${secret}@127.0.0.1/` }).end(),
  '/to-nowhere': (_, response) => response.writeHead(302, { location: `http://[${secret}` }).end(),
  '/not-modified': (_, response) => response.writeHead(304).end(),
  '/500': (_, response) => response.writeHead(500, `Failed for ${secret}`).end('oops'),
  '/large': (_, response) => response.writeHead(200, { 'content-length': 10_000_000 }).write('x'),
  '/endless': (_, response) => {
    const more = () => {
      while (response.write('x'.repeat(16_384)));
    }
    response.on('drain', more)
    more()
  },
  '/silent': () => {},
  '/slow': (_, response) => {
    const timer = setInterval(() => response.write('x'), 20)
    response.on('close', () => clearInterval(timer))
  },
  '/reset': (_, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('half of it')
    setTimeout(() => response.destroy(), 20)
  },
  '/empty.txt': (_, response) => response.end(),
  '/headers': (request, response) => response.end(`authorization: ${request.headers.authorization}`),
  '/png-that-is-not.png': (_, response) => response.writeHead(200, { 'content-type': 'image/png' }).end(page),
  '/report.pdf': (_, response) => response.writeHead(200, { 'content-type': 'application/pdf' }).end(page),
}

const notFound: Handler = (_, response) => response.writeHead(404, 'Nothing').end('nothing here')
const server = createServer((request, response) => {
  const handler = handlers[request.url!.split('?')[0]!] ?? notFound
  handler(request, response)
})
/** Another origin, which redirects to the first one. */
const elsewhere = createServer((_, response) => response.writeHead(302, { location: `${origin}/headers` }).end())
/** Promises ten bytes and sends more, which no HTTP server library lets one do. */
const liar = createTcpServer((socket) => {
  socket.on('error', () => {})
  socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n${'x'.repeat(100_000)}`))
})

let origin = ''
let otherOrigin = ''
let liarOrigin = ''

beforeAll(async () => {
  const urls = await Promise.all(
    [server, elsewhere, liar].map(async (each) => {
      await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve))
      return `http://127.0.0.1:${(each.address() as AddressInfo).port}`
    }),
  )
  ;[origin, otherOrigin, liarOrigin] = urls as [string, string, string]
})

afterAll(() => {
  server.closeAllConnections()
  for (const each of [server, elsewhere, liar]) each.close()
})

function get(path: string, fetch: FetchLimits = {}, store: 'file' | 'reference' = 'file') {
  return resolveMedia('document', path.startsWith('http') ? path : origin + path, { store, fetch })
}

/** The error for a path whose query has the secret; nothing that can be printed of the error may show it. */
async function problem(path: string, fetch: FetchLimits = {}): Promise<string> {
  const error = await failure(MediaError, get(`${path}?token=${secret}`, fetch))
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(secret)
  return error.message.replace(origin, '')
}

describe('a URL that answers', () => {
  test('is copied, and only its file name is kept', async () => {
    const { record, content } = await get(`/page.html?token=${secret}#part`)
    expect(record).toEqual({
      url: `pxt:${sha256(page)}`,
      mime: 'text/html',
      size: page.length,
      sha256: sha256(page),
      name: 'page.html',
    })
    expect(contentBytes(content).toString()).toBe(page)
  })

  test('may be a URL object, and its name is decoded to one without directories', async () => {
    const { record } = await resolveMedia('document', new URL(`${origin}/a%20b%2Fc.txt`), { store: 'file' })
    expect(record.name).toBe('c.txt')
  })

  test('is referenced with its query, and fetched again', async () => {
    const { record, content } = await get(`/page.html?version=2#${secret}`, {}, 'reference')
    expect(content).toBeUndefined()
    expect(record).toMatchObject({ url: `${origin}/page.html?version=2`, size: page.length, sha256: sha256(page) })
    const media = new StoredMedia('document', record)
    expect(await media.text()).toBe(page)
    const parts = []
    for await (const part of media.stream({ start: 22, end: 26 })) parts.push(Buffer.from(part).toString())
    expect(parts).toEqual(['Page'])
    expect(media.path).toBeUndefined()
  })

  test('is followed through a redirect, under the name that was asked for', async () => {
    const { record } = await get('/redirect')
    expect(record).toMatchObject({ sha256: sha256(page), name: 'redirect' })
  })

  test.each([
    ['/readme', 'text/markdown'],
    ['/octets', 'text/html'],
    ['/latin.txt', 'text/plain'],
  ])('has its type told by header and content: %s', async (path, mime) => {
    expect((await get(path)).record.mime).toBe(mime)
  })

  test('keeps the charset of its header, without which a text cannot be read', async () => {
    const { record } = await get('/greek', {}, 'reference')
    expect(record.mime).toBe('text/html; charset=iso-8859-7')
    expect(await new StoredMedia('document', record).text()).toBe('αβγ')
  })

  test('is sent headers, which stay at its origin', async () => {
    const headers = { authorization: secret }
    expect(contentBytes((await get('/headers', { headers })).content).toString()).toBe(`authorization: ${secret}`)
    const { content } = await get(otherOrigin, { headers })
    expect(contentBytes(content).toString()).toBe('authorization: undefined')
  })

  test('that changed since insert is not given out', async () => {
    const { record } = await get('/page.html', {}, 'reference')
    const usual = handlers['/page.html']!
    for (const changed of [page.replace('Hello', 'HELLO'), `${page} again`]) {
      handlers['/page.html'] = (_, response) => response.end(changed)
      const error = await failure(MediaError, new StoredMedia('document', record).bytes())
      expect(error.message).toMatch(/page\.html changed since insert/)
    }
    handlers['/page.html'] = notFound
    expect((await failure(MediaError, new StoredMedia('document', record).bytes())).message).toMatch(/answered 404/)
    handlers['/page.html'] = usual
  })
})

describe('a URL that does not', () => {
  test.each([
    ['/nothing', 'Could not fetch /nothing?…: the server answered 404 Not Found'],
    ['/500', 'Could not fetch /500?…: the server answered 500 Internal Server Error'],
    ['/not-modified', 'Could not fetch /not-modified?…: the server answered 304 Not Modified'],
    ['/loop', 'Could not fetch /loop?…: it redirected more than 5 times'],
    ['/to-nowhere', 'Could not fetch /to-nowhere?…: it redirected to a malformed URL'],
    ['/empty.txt', 'Expected content, got an empty file: /empty.txt?…'],
  ])('%s is an error without the query', async (path, message) => {
    expect(await problem(path)).toBe(message)
  })

  test('redirects to another protocol or to credentials is refused', async () => {
    expect(await problem('/to-ftp')).toMatch(/^Cannot read ftp:\/\/host\/f\?…: the protocol 'ftp:' is not supported/)
    expect(await problem('/to-userinfo')).toMatch(/^Cannot read http:\/\/127\.0\.0\.1\/: the URL carries a user name/)
  })

  test('may redirect not at all', async () => {
    expect(await problem('/redirect', { maxRedirects: 0 })).toMatch(/redirected more than 0 times/)
  })

  test.each(['/large', '/endless'])('keeps to the size limit: %s', async (path) => {
    expect(await problem(path, { maxBytes: 100_000 })).toBe(
      `Could not fetch ${path}?…: it is larger than 100000 bytes. Raise fetch.maxBytes if it should be.`,
    )
  })

  test('keeps to what it promised is either cut there or an error, never all of it', async () => {
    const outcome = await get(`${liarOrigin}/liar.txt`, { maxBytes: 1000 }).then(
      ({ record }) => record.size,
      (error: unknown) => error,
    )
    if (outcome instanceof Error) expect(outcome).toBeInstanceOf(MediaError)
    else expect(outcome).toBe(10)
  })

  test.each(['/silent', '/slow'])('is in time is given up: %s', async (path) => {
    const started = performance.now()
    const error = await failure(MediaError, get(path, { timeoutMs: 200 }))
    expect(error.message).toBe(`Could not fetch ${origin}${path}: no complete answer within 200 ms`)
    expect((error.cause as Error).name).toBe('TimeoutError')
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('finish is an error with its cause', async () => {
    const error = await failure(MediaError, get('/reset'))
    expect(error.message).toMatch(/\/reset: the connection failed \(UND_ERR_SOCKET\)$/)
    expect(error.cause).toBeInstanceOf(Error)
  })

  test('listen is an error with its cause', async () => {
    const error = await failure(MediaError, get(`http://127.0.0.1:1/x?token=${secret}`))
    expect(error.message).toBe('Could not fetch http://127.0.0.1:1/x?…: the connection failed')
    expect(inspect(error, { depth: 10 })).not.toContain(secret)
    expect(error.cause).toBeInstanceOf(Error)
  })

  test('is stopped by the signal with its reason', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 50)
    const options = { store: 'file', signal: controller.signal } as const
    await expect(resolveMedia('document', `${origin}/slow`, options)).rejects.toBe(reason)
  })

  test('has the right type is told what came', async () => {
    const input = `${origin}/png-that-is-not.png?token=${secret}`
    const error = await failure(MediaError, resolveMedia('image', input, { store: 'file' }))
    expect(error.message).toMatch(/png-that-is-not\.png\?… is text\/html\. Put it in a t\.document\(\) column\./)
    expect(error.message).not.toContain(secret)
    expect(await problem('/report.pdf')).toMatch(/report\.pdf\?… is named \.pdf but holds HTML\. Check .* error page/)
  })
})

describe('a URL that is never asked', () => {
  test.each([
    [
      `ftp://me:${secret}@host/file?${secret}`,
      /^Cannot read ftp:\/\/host\/file\?…: the protocol 'ftp:' is not supported\. .*https:/,
    ],
    [`s3://bucket/key?X-Amz-Signature=${secret}`, /^Cannot read s3:\/\/bucket\/key\?…: /],
    [`javascript:alert('${secret}')`, /^Cannot read javascript:…: the protocol 'javascript:'/],
    [`mailto:${secret}@host`, /^Cannot read mailto:…: /],
    [`pxt:${secret}`, /^Cannot read pxt:…: the protocol 'pxt:' is not supported/],
    [`https://me:${secret}@host/file`, /^Cannot read https:\/\/host\/file: the URL carries a user name or password/],
    [`https://${secret}@host/file`, /^Cannot read https:\/\/host\/file: the URL carries/],
    [` \n https:me:${secret}@host/file`, /^Cannot read https:\/\/host\/file: the URL carries/],
    [`https://me:${secret}/x@host:y/`, /^Expected a URL, got a malformed one: https:…$/],
    [`ht\ntps://me:${secret}@host/file`, /^Cannot read 'ht\ntps:\/\/…@host\/file': there is no such file$/],
    [`https//host/file?token=${secret}`, /^Cannot read 'https\/\/host\/file\?…': there is no such file$/],
    [`file:relative?${secret}`, /there is no such file$/],
    [`file://host/file?${secret}`, /^Cannot read file:\/\/host\/file\?…: a file: URL must be/],
  ])('is refused without its secret: %s', async (input, message) => {
    const error = await failure(MediaError, resolveMedia('document', input, { store: 'reference', baseDir: '/base' }))
    expect(error.message).toMatch(message)
    expect(error.message).not.toContain(secret)
  })
})

test.each<FetchLimits>([
  { maxBytes: 0 },
  { maxBytes: Number.NaN },
  { timeoutMs: 0 },
  { timeoutMs: 2 ** 31 },
  { maxRedirects: -1 },
  { headers: { authorization: `${secret}\nx: y` } },
  { headers: { 'not a name': secret } },
])('limits out of range are refused: %o', async (limits) => {
  const error = await failure(ValidationError, get('/page.html', limits))
  expect(error.message).toMatch(/^fetch\.\w+ /)
  expect(inspect(error)).not.toContain(secret)
})
