import { randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import { NotFoundError, ValidationError } from '../errors.js'
import { describeValue } from '../types/column-type.js'

/**
 * Where a file comes from: a path (relative to the working directory), a `file:`, `http:` or `https:` URL, bytes, a
 * `Blob`, or a stream or other iterable of bytes.
 */
export type ImportSource =
  | string
  | URL
  | Uint8Array
  | Blob
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>

/** A file that can be read from any position. */
export interface SeekableFile {
  readonly size: number
  /** @param end the byte after the last one */
  read(start: number, end: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** A file to be read. */
export interface Source {
  /** How messages name it, without secrets. */
  readonly label: string
  /** Its path, where it is a local file or directory. */
  readonly path?: string
  /** Its bytes, from the first on; those of a gzip file are unpacked. */
  stream(): AsyncIterable<Uint8Array>
  /** The file for formats that are not read from first to last. What cannot seek is copied to a temporary file. */
  seekable(): Promise<SeekableFile>
  /** The files of that extension, in order of their names, where it is a directory; else itself. */
  files(extension: string): Promise<readonly Source[]>
}

/** How a source is watched and stopped. */
export interface SourceOptions {
  readonly signal?: AbortSignal | undefined
  /** Called with the length of each piece that was read. */
  readonly onBytes?: (length: number) => void
}

/**
 * A source as the user gave it. Nothing is opened yet.
 * @throws ValidationError when it is of none of the kinds
 */
export function sourceOf(input: ImportSource, options: SourceOptions): Source {
  if (typeof input === 'string' || input instanceof URL) return locatedSource(String(input), options)
  if (input instanceof Uint8Array) return memorySource('bytes', new Blob([input as Uint8Array<ArrayBuffer>]), options)
  if (input instanceof Blob) {
    const named = 'name' in input && typeof input.name === 'string' && input.name !== ''
    return memorySource(named ? `'${String(input.name)}'` : 'Blob', input, options)
  }
  if (typeof input === 'object' && input !== null) {
    if (Symbol.asyncIterator in input || Symbol.iterator in input) {
      return streamSource('stream', () => input as AsyncIterable<Uint8Array>, options)
    }
    if ('getReader' in input) {
      return streamSource('stream', () => Readable.fromWeb(input as Parameters<typeof Readable.fromWeb>[0]), options)
    }
  }
  throw new ValidationError(
    `source: expected a path, a URL, a Uint8Array, a Blob or a stream of bytes, got ${describeValue(input)}`,
  )
}

function locatedSource(text: string, options: SourceOptions): Source {
  if (/^https?:/i.test(text)) {
    const url = new URL(text)
    // A query may hold a key.
    const label = `'${url.origin}${url.pathname}'`
    return streamSource(label, () => fetchBytes(url, label, options.signal), options)
  }
  const path = /^file:/i.test(text) ? fileURLToPath(text) : text
  const label = `'${basename(path)}'`
  const source: Source = {
    label,
    path,
    stream: () => unpacked(watched(fileBytes(path), options), label),
    seekable: () => openFile(path, options),
    async files(extension) {
      const names = await readdir(path).catch((cause: unknown) => {
        if ((cause as { code?: unknown }).code === 'ENOTDIR') return undefined
        throw notReadable(path, cause)
      })
      return (
        names
          ?.filter((name) => name.endsWith(extension) && !name.startsWith('.'))
          .sort()
          .map((name) => locatedSource(join(path, name), options)) ?? [source]
      )
    },
  }
  return source
}

async function* fileBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>
  } catch (cause) {
    throw notReadable(path, cause)
  }
}

function notReadable(path: string, cause: unknown): unknown {
  const { code } = cause as { code?: unknown }
  if (code === 'ENOENT') return new NotFoundError(`there is no file '${path}'`, { cause })
  if (code === 'EISDIR') return new ValidationError(`'${path}' is a directory; expected a file`, { cause })
  if (typeof code === 'string') return new ValidationError(`cannot read '${path}': ${code}`, { cause })
  return cause
}

async function* fetchBytes(url: URL, label: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  if (url.username !== '' || url.password !== '') {
    throw new ValidationError(
      `source: ${label}: a URL cannot carry a user name or password; fetch it and pass its body`,
    )
  }
  let response: Response
  try {
    response = await fetch(url, { signal: signal ?? null })
  } catch (cause) {
    signal?.throwIfAborted()
    throw new NotFoundError(`could not fetch ${label}: the connection failed`, { cause })
  }
  if (!response.ok) throw new NotFoundError(`could not fetch ${label}: the server answered ${response.status}`)
  yield* (response.body ?? []) as AsyncIterable<Uint8Array>
}

function memorySource(label: string, blob: Blob, options: SourceOptions): Source {
  const source: Source = {
    label,
    stream: () => unpacked(watched(blob.stream() as AsyncIterable<Uint8Array>, options), label),
    seekable: async () => ({
      size: blob.size,
      read: async (start, end) => {
        options.signal?.throwIfAborted()
        options.onBytes?.(end - start)
        return new Uint8Array(await blob.slice(start, end).arrayBuffer())
      },
      close: async () => {},
    }),
    files: async () => [source],
  }
  return source
}

function streamSource(label: string, open: () => AsyncIterable<Uint8Array>, options: SourceOptions): Source {
  const source: Source = {
    label,
    stream: () => unpacked(watched(open(), options), label),
    seekable: async () => {
      const path = join(tmpdir(), `pixeltable-import-${randomUUID()}`)
      try {
        await pipeline(Readable.from(watched(open(), options)), createWriteStream(path, { flags: 'wx' }))
        const { signal } = options
        const file = await openFile(path, { signal })
        return { ...file, close: () => file.close().finally(() => rm(path, { force: true })) }
      } catch (error) {
        await rm(path, { force: true })
        throw error
      }
    },
    files: async () => [source],
  }
  return source
}

async function openFile(path: string, { signal, onBytes }: SourceOptions): Promise<SeekableFile> {
  try {
    const { size } = await stat(path)
    const handle = await open(path, 'r')
    return {
      size,
      async read(start, end) {
        signal?.throwIfAborted()
        const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start))
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, start)
        onBytes?.(bytesRead)
        return bytes.subarray(0, bytesRead)
      },
      close: () => handle.close(),
    }
  } catch (cause) {
    throw notReadable(path, cause)
  }
}

async function* watched(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { signal, onBytes }: SourceOptions,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal?.throwIfAborted()
    if (!(chunk instanceof Uint8Array)) {
      throw new ValidationError(`source: expected pieces of bytes (Uint8Array), got ${describeValue(chunk)}`)
    }
    onBytes?.(chunk.length)
    if (chunk.length > 0) yield chunk
  }
}

/** The content of a gzip file, told by its first bytes; anything else as it is. */
async function* unpacked(chunks: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<Uint8Array> {
  const all = startingWith(chunks, 2)
  const first = await all.next()
  if (first.done) return
  const [a, b] = first.value
  if (a !== 0x1f || b !== 0x8b) {
    yield first.value
    yield* all
    return
  }
  async function* packed() {
    yield first.value!
    yield* all
  }
  const gunzip = createGunzip()
  const feeding = pipeline(packed(), gunzip).catch(() => {})
  try {
    yield* gunzip as AsyncIterable<Uint8Array>
  } catch (cause) {
    if ((cause as { code?: unknown }).code?.toString().startsWith('Z_')) {
      throw new ValidationError(`${label} is a damaged or incomplete gzip file`, { cause })
    }
    throw cause
  }
  await feeding
}

/** The same bytes, with at least `length` of them in the first piece, where there are so many. */
export async function* startingWith(
  chunks: AsyncIterable<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let first: Uint8Array | undefined
  let enough = false
  for await (const chunk of chunks) {
    if (enough) {
      yield chunk
      continue
    }
    first = first ? Buffer.concat([first, chunk]) : chunk
    enough = first.length >= length
    if (enough) yield first
  }
  if (first && !enough) yield first
}
