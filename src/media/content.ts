import { createHash } from 'node:crypto'
import { MediaError } from '../errors.js'
import { chunkSize, type Digest, readFileSync } from './local-file.js'

/** Content to be written into the database file by the commit. */
export interface MediaContent {
  /** SHA-256 of the content, lower-case hex: its address. */
  readonly sha256: string
  /** Length in bytes. */
  readonly size: number
  /** MIME type; of a text in another encoding than UTF-8 with its charset, where that was declared. */
  readonly mime: string
  /**
   * The content in pieces of 256 KiB, the last one shorter. Synchronous, because the commit is. May be called again.
   * Pieces may be views of the caller's bytes: write each before the next is asked for.
   * @throws MediaError at the end, when what was read is not what was hashed: the file or the bytes changed meanwhile
   */
  chunks(): Iterable<Uint8Array>
}

/** Content in memory. The bytes are not copied, so a caller that changes them before the commit makes it fail. */
export function bytesContent(bytes: Uint8Array, digest: Digest, mime: string, label: string): MediaContent {
  return { ...digest, mime, chunks: () => verified(slices(bytes), digest, label) }
}

/** Content of a local file, which is never in memory as a whole. */
export function fileContent(path: string, digest: Digest, mime: string, label: string): MediaContent {
  return { ...digest, mime, chunks: () => verified(readFileSync(path, label), digest, label) }
}

/** SHA-256 and length of bytes in memory. */
export function hashBytes(bytes: Uint8Array): Digest {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
}

/** Views of 256 KiB on `bytes`. */
export function* slices(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let start = 0; start < bytes.length; start += chunkSize) yield bytes.subarray(start, start + chunkSize)
}

/** The part of some chunks from `start` to before `end`, in bytes. */
export function* partOf(chunks: Iterable<Uint8Array>, start: number, end: number): Generator<Uint8Array, void> {
  let at = 0
  for (const chunk of chunks) {
    const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at))
    at += chunk.length
    if (part.length > 0) yield part
    // What comes behind is not read. The whole is, to its end, where it is verified.
    if (at > end) return
  }
}

function* verified(chunks: Iterable<Uint8Array>, digest: Digest, label: string): Generator<Uint8Array, void> {
  const hash = createHash('sha256')
  let size = 0
  for (const chunk of chunks) {
    size += chunk.length
    if (size > digest.size) break // a file that grows for ever must not fill the database
    hash.update(chunk)
    yield chunk
  }
  if (size !== digest.size || hash.digest('hex') !== digest.sha256) {
    throw new MediaError(
      `${label} changed between being measured and being written; nothing was written. ` +
        'Insert it again when it is complete, and give a copy of bytes that are reused.',
    )
  }
}
