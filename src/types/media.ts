import { fileURLToPath } from 'node:url'
import { type ColumnType, mismatch } from './column-type.js'

/** The kinds of media columns. */
export type MediaKind = 'image' | 'video' | 'audio' | 'document'

/** What is known of a media file; kept as JSON in its cell. */
export interface MediaRecord {
  /** `pxt:<sha256>` for bytes kept in the database file, else the `file:`, `http:` or `https:` URL. */
  readonly url: string
  /** Media type, such as `application/pdf`. */
  readonly mime: string
  /** Length in bytes. */
  readonly size: number
  /** SHA-256 of the bytes in lower-case hexadecimal. */
  readonly sha256: string
  /** The original file name, where there was one. */
  readonly name?: string
  /** Width in pixels as displayed; images only. */
  readonly width?: number
  /** Height in pixels as displayed; images only. */
  readonly height?: number
  /** The codec's own word, such as `jpeg`; images only. */
  readonly format?: string
}

/** A part of a file, in bytes. */
export interface ByteRange {
  /** First byte; at least 0. @default 0 */
  readonly start?: number | undefined
  /** The byte after the last one; at least `start`, and may lie behind the end. @default the size */
  readonly end?: number | undefined
}

/** Where bytes kept inside the database file are read from. */
export interface MediaStore {
  /**
   * The content of that SHA-256, or a part of it. Yields nothing for content that it does not have.
   */
  read(sha256: string, range?: ByteRange): AsyncIterable<Uint8Array>
}

const mediaMarker: unique symbol = Symbol.for('pixeltable.media')

/** A media file as it is read back from a table: what is known of it, and its bytes on demand. */
export interface Media {
  /** @internal */
  readonly [mediaMarker]: true
  readonly kind: MediaKind
  /** `pxt:<sha256>` for bytes kept in the database file, else the `file:`, `http:` or `https:` URL. */
  readonly url: string
  /** Media type, such as `application/pdf`. */
  readonly mime: string
  /** Length in bytes. */
  readonly size: number
  /** SHA-256 of the bytes in lower-case hexadecimal. */
  readonly sha256: string
  /** The original file name, where there was one. */
  readonly name?: string | undefined
  /** Width in pixels as displayed; images only. */
  readonly width?: number | undefined
  /** Height in pixels as displayed; images only. */
  readonly height?: number | undefined
  /** The codec's own word, such as `jpeg`; images only. */
  readonly format?: string | undefined
  /** The local path, where the file is a reference to one. */
  readonly path?: string | undefined
  /** The whole content. @throws MediaError when it is gone or no longer what was inserted */
  bytes(): Promise<Uint8Array>
  /** The content, or a part of it, piece by piece. */
  stream(range?: ByteRange): AsyncIterable<Uint8Array>
  /** The content as text: UTF-16 where a byte order mark says so, else UTF-8. */
  text(): Promise<string>
  /** The content as a `Blob` of its media type. */
  blob(): Promise<Blob>
  /** The content as a `data:` URL. */
  toDataUrl(): Promise<string>
  /** The record kept in the cell. */
  toJSON(): MediaRecord
}

/**
 * What a media column accepts. A string is a path (absolute, or relative to the working directory; `~` is not expanded)
 * or a file:, http:, https: or data: URL. A `Media` is one that was read from a table of this database or of another.
 */
export type MediaInput = string | URL | Uint8Array | Blob | Media

/** Whether a value is a Media, also one of another copy of this package. */
export function isMedia(value: unknown): value is Media {
  return typeof value === 'object' && value !== null && mediaMarker in value
}

/** The property that marks an object as a Media. */
export { mediaMarker }

/** Options of a media column. */
export interface MediaOptions {
  /**
   * Where the bytes live: `'file'` copies them into the database file, once per content; `'reference'` keeps only the
   * path or URL, and the file must stay where it is. Bytes and Blobs are always stored in the file.
   * @default 'file'
   */
  readonly store?: 'file' | 'reference'
  /** Whether a file is opened on insert, so that a corrupt one is refused at once. @default true */
  readonly validate?: boolean
}

/** A media file. The cell holds JSON with its address, type, size and hash; see `MediaRecord`. */
export function mediaType(kind: MediaKind, options: MediaOptions = {}): ColumnType<Media> {
  const media = { kind, store: options.store ?? 'file', validate: options.validate ?? true } as const
  return {
    name: kind,
    storage: 'text',
    operators: ['media'],
    media,
    config: () => ({ name: kind, store: media.store, validate: media.validate }),
    parse(value) {
      // Paths, URLs and bytes are resolved to a Media before they get here.
      if (!isMedia(value)) throw mismatch(`a path, a URL, bytes or a Media for a ${kind} column`, value)
      return value
    },
    encode: (value) => JSON.stringify(value.toJSON()),
    decode: (stored, context) => context.openMedia(kind, JSON.parse(String(stored)) as MediaRecord),
    jsonSchema: () => ({ type: 'string', format: 'uri' }),
  }
}

/** The path of a file: URL; undefined for another URL, and for one of another system, such as one without a drive letter on Windows. */
export function localPath(url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined
  try {
    return fileURLToPath(url)
  } catch {
    return undefined
  }
}
