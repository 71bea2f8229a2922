/** Serve: the pipeline over HTTP. POST /ask, /search and /upload take and return JSON. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { PixeltableError } from 'pixeltable'
import { ask, type Backend } from './pipeline.js'

const maxBody = 1_000_000

class RequestError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Uint8Array>) {
    size += part.length
    if (size > maxBody) throw new RequestError(413, `the body is larger than ${maxBody} bytes`)
    parts.push(part)
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString())
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>
  } catch {}
  throw new RequestError(400, 'expected a JSON object')
}

function text(body: Record<string, unknown>, name: string): string {
  const value = body[name]
  if (typeof value !== 'string' || value === '') throw new RequestError(400, `expected text in '${name}'`)
  return value
}

const routes: Readonly<Record<string, (backend: Backend, body: Record<string, unknown>) => Promise<unknown>>> = {
  '/ask': async (backend, body) => ask(backend, text(body, 'question')),
  '/search': async ({ searchDocs }, body) => ({ results: await searchDocs({ text: text(body, 'query'), limit: 10 }) }),
  '/upload': async ({ docs, chunks }, body) => {
    // Only addresses: a path would let a client read this machine's files.
    const url = text(body, 'url')
    if (!/^https?:\/\//.test(url)) throw new RequestError(400, 'expected an http or https address')
    await docs.insert({ document: url, title: text(body, 'title'), metadata: {} })
    return { documents: await docs.count(), chunks: await chunks.count() }
  },
}

/** The server; `listen` is the caller's. */
export function createBackendServer(backend: Backend): Server {
  return createServer((request, response) => {
    const reply = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    const handle = async (): Promise<void> => {
      const route = routes[request.url ?? '']
      if (!route) throw new RequestError(404, `there are ${Object.keys(routes).join(', ')}`)
      if (request.method !== 'POST') throw new RequestError(405, 'expected POST')
      reply(200, await route(backend, await bodyOf(request)))
    }
    handle().catch((error: unknown) => {
      if (error instanceof RequestError) reply(error.status, { error: error.message })
      else if (PixeltableError.isInstance(error)) reply(422, { error: error.message, code: error.code })
      else reply(500, { error: 'internal error' })
    })
  })
}
