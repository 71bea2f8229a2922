import { createHash } from 'node:crypto'
import { MediaError, ValidationError } from '../errors.js'
import {
  type ByteRange,
  localPath,
  type Media,
  type MediaKind,
  type MediaRecord,
  type MediaStore,
  mediaMarker,
} from '../types/media.js'
import { slices } from './content.js'
import { defaultMaxBytes, download, type FetchLimits } from './fetch.js'
import { readFileRange, statFile } from './local-file.js'
import { locate } from './location.js'
import { charsetOf, encodingByMark } from './mime.js'

/** What a `Media` reads its content with. */
export interface MediaSource {
  /** For `pxt:` URLs. */
  readonly store?: MediaStore | undefined
  /** For http: and https: URLs. */
  readonly fetch?: FetchLimits | undefined
}

/** The scheme of content inside the database file. */
export const storedScheme = 'pxt:'

/**
 * A value of a media column as it is read back. Holds no content; each read goes to the database file, the local file
 * or the server.
 *
 * @example
 * ```ts
 * const row = await photos.firstOrThrow()
 * console.log(row.image.mime, row.image.width, row.image.height)
 * const firstKilobyte = row.image.stream({ start: 0, end: 1024 })
 * ```
 */
export class StoredMedia implements Media {
  /** @internal */
  readonly [mediaMarker]: true = true
  /** What the column holds. */
  readonly kind: MediaKind
  /** MIME type; of a text with `; charset=…` where one other than UTF-8 was declared. */
  readonly mime: string
  /** Length in bytes. */
  readonly size: number
  /** SHA-256 of the content, lower-case hex. */
  readonly sha256: string
  /** `pxt:<sha256>` for content inside the database file, else the URL it is read from. */
  readonly url: string
  /** The local path, when it refers to a local file. */
  readonly path: string | undefined
  /** The original file name. */
  readonly name?: string
  /** Images: width in pixels as displayed. */
  readonly width?: number
  /** Images: height in pixels as displayed. */
  readonly height?: number
  /** Images: format, such as `jpeg`. */
  readonly format?: string
  /** @internal */
  readonly #record: MediaRecord
  readonly #source: MediaSource

  /** @internal Made by a table when a cell is read. */
  constructor(kind: MediaKind, record: MediaRecord, source: MediaSource = {}) {
    this.kind = kind
    this.mime = record.mime
    this.size = record.size
    this.sha256 = record.sha256
    this.url = record.url
    this.path = localPath(record.url)
    if (record.name !== undefined) this.name = record.name
    if (record.width !== undefined) this.width = record.width
    if (record.height !== undefined) this.height = record.height
    if (record.format !== undefined) this.format = record.format
    this.#record = record
    this.#source = source
  }

  /**
   * The whole content.
   * @throws MediaError when a referenced file or URL is missing or is no longer what was inserted
   */
  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this.stream()) chunks.push(chunk)
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  }

  /**
   * The content, or a part of it, piece by piece. Reading a reference to its end from the start verifies the hash after
   * the last piece; a part is verified by length alone. An http: reference is fetched as a whole first.
   *
   * @param range in bytes, `end` exclusive
   * @throws ValidationError at the call, for a range that is none
   * @throws MediaError while reading, as `bytes()` does
   */
  stream(range: ByteRange = {}): AsyncIterable<Uint8Array> {
    const { start = 0, end = this.size } = range
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start) {
      throw new ValidationError(`Expected integers 0 <= start <= end, got start ${start} and end ${end}`)
    }
    return this.#read(Math.min(start, this.size), Math.min(end, this.size))
  }

  /**
   * The whole content as text: UTF-16 where a byte order mark says so, else in the declared charset, else UTF-8. What an
   * HTML or XML text declares within itself is not looked at. Fails as `bytes()` does.
   */
  async text(): Promise<string> {
    const bytes = await this.bytes()
    return new TextDecoder(encodingByMark(bytes) ?? charsetOf(this.mime) ?? 'utf-8').decode(bytes)
  }

  /** The whole content as a `data:` URL in base64. Fails as `bytes()` does. */
  async toDataUrl(): Promise<string> {
    const bytes = await this.bytes()
    const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
    return `data:${this.mime};base64,${base64}`
  }

  /** The whole content as a `Blob` of its MIME type. Fails as `bytes()` does. */
  async blob(): Promise<Blob> {
    return new Blob([(await this.bytes()) as Uint8Array<ArrayBuffer>], { type: this.mime })
  }

  /** The record that is kept in the cell. */
  toJSON(): MediaRecord {
    return this.#record
  }

  /** @internal Whether its content lies in `store`, so that a cell may hold it without a copy. */
  isStoredIn(store: MediaStore | undefined): boolean {
    return store !== undefined && store === this.#source.store && this.url.startsWith(storedScheme)
  }

  async *#read(start: number, end: number): AsyncGenerator<Uint8Array, void> {
    const whole = start === 0 && end === this.size
    const hash = whole && !this.url.startsWith(storedScheme) ? createHash('sha256') : undefined
    let length = 0
    for await (const chunk of this.#open(start, end)) {
      length += chunk.length
      hash?.update(chunk)
      yield chunk
    }
    if (length !== end - start || (hash !== undefined && hash.digest('hex') !== this.sha256)) throw this.#changed()
  }

  async *#open(start: number, end: number): AsyncGenerator<Uint8Array, void> {
    if (this.url.startsWith(storedScheme)) {
      const { store } = this.#source
      if (store === undefined) throw new MediaError(`${this.#label()} has no database to be read from`)
      yield* store.read(this.sha256, { start, end })
      return
    }
    const location = locate(this.url, '')
    if (location.type === 'file') {
      const { size } = await statFile(location.path, location.label)
      if (size !== BigInt(this.size)) throw this.#changed()
      yield* readFileRange(location.path, location.label, start, end)
    } else if (location.type === 'http') {
      const { fetch = {} } = this.#source
      // What was once inserted may be read, also under a limit that is lower now.
      const maxBytes = Math.max(this.size, fetch.maxBytes ?? defaultMaxBytes)
      const { bytes } = await download(location.url, { ...fetch, maxBytes })
      if (bytes.length !== this.size) throw this.#changed()
      yield* slices(bytes.subarray(start, end))
    }
  }

  #label(): string {
    return this.url.startsWith(storedScheme) ? (this.name ?? this.url) : locate(this.url, '').label
  }

  #changed(): MediaError {
    return this.url.startsWith(storedScheme)
      ? new MediaError(`The content of ${this.#label()} is missing or incomplete in the database file`)
      : new MediaError(
          `${this.#label()} changed since insert: it no longer has the size and SHA-256 that were recorded`,
        )
  }
}
