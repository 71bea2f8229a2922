import { pathToFileURL } from 'node:url'
import { MediaError } from '../errors.js'
import {
  isMedia,
  type Media,
  type MediaInput,
  type MediaKind,
  type MediaRecord,
  type MediaStore,
} from '../types/media.js'
import { bytesContent, fileContent, hashBytes, type MediaContent } from './content.js'
import { download, type FetchLimits } from './fetch.js'
import { type ImageSize, measureImage, validateImage } from './image.js'
import { assertKind } from './kind.js'
import { type Digest, hashFile, statFile } from './local-file.js'
import { type Location, locate, nameOfUrl, plainName } from './location.js'
import { StoredMedia, storedScheme } from './media.js'
import { detectMime, essence, withCharset } from './mime.js'

/** How the value of a media cell is resolved. */
export interface ResolveOptions {
  /**
   * `file` copies the content into the database file and keeps nothing of where it came from but the file name.
   * `reference` keeps the path or URL and reads from there; the whole URL is stored then, with its query, which is
   * needed to fetch it again. Bytes, Blobs and data: URLs are always copied.
   */
  readonly store: 'file' | 'reference'
  /** Directory that relative paths start from. @default process.cwd() */
  readonly baseDir?: string
  /** Limits of downloads. */
  readonly fetch?: FetchLimits
  /** Stops the work; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Decode images to see that they are whole. Without, what cannot be measured has no width and height. @default true */
  readonly validate?: boolean
  /** The database that the value goes to: a `Media` that lies in it already is not copied. */
  readonly mediaStore?: MediaStore
}

/** What is written for a media cell. */
export interface ResolvedMedia {
  /** The JSON of the cell. */
  readonly record: MediaRecord
  /** The content to write; absent for references and for what the database has already. */
  readonly content?: MediaContent
}

/**
 * Opens, fetches, measures and checks the value of a media cell. Local files are hashed as a stream and read again by
 * `content.chunks()`; everything else is held in memory until the commit.
 *
 * @param kind what the column holds
 * @param input the value as the user gave it
 * @throws MediaError when it cannot be found, fetched or read, is empty, damaged or of another kind
 * @throws MissingPackageError for an image when sharp is not installed and `validate` is not false
 *
 * @example
 * ```ts
 * const { record, content } = await resolveMedia('document', 'notes.md', { store: 'file' })
 * console.log(record.mime, record.size) // text/markdown 1234
 * for (const chunk of content?.chunks() ?? []) write(chunk)
 * ```
 */
export async function resolveMedia(
  kind: MediaKind,
  input: MediaInput,
  options: ResolveOptions,
): Promise<ResolvedMedia> {
  const { store, signal, validate = true } = options
  signal?.throwIfAborted()
  if (input instanceof StoredMedia && input.isStoredIn(options.mediaStore)) {
    assertKind(kind, essence(input.mime), input.name ?? input.url, input.name)
    return { record: input.toJSON() }
  }
  const source = await open(input, options)
  const { content, label, name, reference } = source
  const before = typeof content === 'string' ? await statFile(content, label) : undefined
  const digest = typeof content === 'string' ? await hashFile(content, label, signal) : hashBytes(content)
  if (digest.size === 0) throw new MediaError(`Expected content, got an empty file: ${label}`)
  if (source.sha256 !== undefined && source.sha256 !== digest.sha256) {
    throw new MediaError(`${label} changed since insert: it no longer has the SHA-256 that was recorded`)
  }
  const type = await detectMime(content, label, source)
  assertKind(kind, type, label, name)
  let size: ImageSize | undefined
  if (kind === 'image') size = await (validate ? validateImage(content, type, label) : measureImage(content))
  // The hash, the type and the size come from separate reads: they must have seen one and the same file.
  if (typeof content === 'string' && (await statFile(content, label)).mtimeNs !== before?.mtimeNs) {
    throw new MediaError(`${label} changed while it was being read. Insert it again when it is complete.`)
  }
  signal?.throwIfAborted()
  const mime = withCharset(type, source.contentType)
  const stored = store === 'file' || reference === undefined
  const record: MediaRecord = {
    url: stored ? storedScheme + digest.sha256 : reference,
    mime,
    ...digest,
    ...(name !== undefined && { name }),
    ...size,
  }
  return stored ? { record, content: contentOf(content, digest, mime, label) } : { record }
}

/** Content that is within reach, with what is known of it. */
interface Source {
  /** The bytes, or the path of the local file that has them. */
  readonly content: Uint8Array | string
  /** How messages name it, without secrets. */
  readonly label: string
  readonly name: string | undefined
  readonly contentType: string | undefined
  /** The URL to keep for a reference; undefined when it has none. */
  readonly reference: string | undefined
  /** What it must hash to, where that is known. */
  readonly sha256?: string
}

async function open(input: MediaInput, options: ResolveOptions): Promise<Source> {
  if (typeof input === 'string' || input instanceof URL) {
    return openLocation(locate(input, options.baseDir ?? process.cwd()), options)
  }
  if (input instanceof Uint8Array) {
    return { content: input, label: 'Uint8Array', name: undefined, contentType: undefined, reference: undefined }
  }
  if (input instanceof Blob) return openBlob(input)
  if (isMedia(input)) return openMedia(input, options)
  throw new MediaError(
    `Expected a path, URL, Uint8Array, Blob or Media, got ${input === null ? 'null' : typeof input}` +
      ((input as unknown) instanceof ArrayBuffer ? '. Wrap an ArrayBuffer: new Uint8Array(buffer)' : ''),
  )
}

async function openLocation(location: Location, { fetch, signal }: ResolveOptions): Promise<Source> {
  const { label } = location
  switch (location.type) {
    case 'file': {
      const { path } = location
      const reference = pathToFileURL(path).href
      return { content: path, label, name: plainName(path), contentType: undefined, reference }
    }
    case 'http': {
      const { bytes, contentType } = await download(location.url, fetch, signal)
      return { content: bytes, label, name: nameOfUrl(location.url), contentType, reference: location.url.href }
    }
    case 'data':
      return { ...(await decodeDataUrl(location.url, label)), label, name: undefined, reference: undefined }
  }
}

/** A Media that is not in the target: from its file or URL if it is a reference, else out of its own database. */
async function openMedia(media: Media, options: ResolveOptions): Promise<Source> {
  const { name, sha256 } = media
  if (!media.url.startsWith(storedScheme)) {
    return { ...(await openLocation(locate(media.url, ''), options)), name, sha256 }
  }
  const label = name ?? media.url
  return { content: await media.bytes(), label, name, contentType: media.mime, reference: undefined, sha256 }
}

async function openBlob(blob: Blob): Promise<Source> {
  const name = 'name' in blob && typeof blob.name === 'string' ? plainName(blob.name) : undefined
  const label = name === undefined ? 'Blob' : `File '${name}'`
  const content = await blob.arrayBuffer().catch((cause: unknown) => {
    throw new MediaError(`Cannot read ${label}`, { cause })
  })
  return { content: new Uint8Array(content), label, name, contentType: blob.type || undefined, reference: undefined }
}

/** Node's fetch decodes data: URLs as the standard says. Its error quotes the URL, hence no cause. */
async function decodeDataUrl(url: string, label: string): Promise<Pick<Source, 'content' | 'contentType'>> {
  try {
    const response = await fetch(url)
    const contentType = response.headers.get('content-type') ?? undefined
    return { content: new Uint8Array(await response.arrayBuffer()), contentType }
  } catch {
    throw new MediaError(
      `Cannot decode ${label}: expected data:<type>;base64,<base64> or data:<type>,<percent-encoded>`,
    )
  }
}

function contentOf(content: Uint8Array | string, digest: Digest, mime: string, label: string): MediaContent {
  return typeof content === 'string'
    ? fileContent(content, digest, mime, label)
    : bytesContent(content, digest, mime, label)
}
