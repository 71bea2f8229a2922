import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, createReadStream, openSync, readSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { MediaError } from '../errors.js'

/** Length in bytes of the pieces that content is read and stored in. */
export const chunkSize = 256 * 1024

/** SHA-256 in lower-case hex, and length in bytes. */
export interface Digest {
  readonly sha256: string
  readonly size: number
}

/**
 * The state of a regular file.
 * @param label the path as messages name it
 * @throws MediaError when there is none, or it is a directory, a pipe or a device
 */
export async function statFile(path: string, label: string): Promise<BigIntStats> {
  const found = await stat(path, { bigint: true }).catch((cause: unknown) => {
    throw fileError(path, label, cause)
  })
  if (found.isDirectory()) throw new MediaError(`Expected a file, got a directory: ${label}`)
  if (!found.isFile()) throw new MediaError(`Expected a regular file, got a pipe, socket or device: ${label}`)
  return found
}

/**
 * Hashes a file piece by piece.
 * @throws MediaError when it cannot be read; the signal's reason when that fires
 */
export async function hashFile(path: string, label: string, signal?: AbortSignal): Promise<Digest> {
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: chunkSize })) {
      signal?.throwIfAborted()
      hash.update(chunk)
      size += chunk.length
    }
  } catch (cause) {
    signal?.throwIfAborted()
    throw fileError(path, label, cause)
  }
  return { sha256: hash.digest('hex'), size }
}

/** The first `length` bytes of a file, or all of a shorter one. */
export async function readHead(path: string, label: string, length: number): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r')
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0)
    return buffer.subarray(0, bytesRead)
  } catch (cause) {
    throw fileError(path, label, cause)
  }
}

/** A file's content from `start` to `end` (exclusive), in pieces of at most 256 KiB. */
export async function* readFileRange(
  path: string,
  label: string,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void> {
  if (start >= end) return
  try {
    yield* createReadStream(path, { start, end: end - 1, highWaterMark: chunkSize })
  } catch (cause) {
    throw fileError(path, label, cause)
  }
}

/** A file's whole content, read synchronously in pieces of 256 KiB. */
export function* readFileSync(path: string, label: string): Generator<Uint8Array, void> {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch (cause) {
    throw fileError(path, label, cause)
  }
  try {
    for (;;) {
      const chunk = readChunk(fd, path, label)
      if (chunk.length === 0) return
      yield chunk
    }
  } finally {
    closeSync(fd)
  }
}

/** A full piece, or a shorter one at the end of the file: a single read may return less than was asked for. */
function readChunk(fd: number, path: string, label: string): Uint8Array {
  const chunk = Buffer.allocUnsafeSlow(chunkSize)
  let filled = 0
  try {
    while (filled < chunkSize) {
      const read = readSync(fd, chunk, filled, chunkSize - filled, null)
      if (read === 0) break
      filled += read
    }
  } catch (cause) {
    throw fileError(path, label, cause)
  }
  return chunk.subarray(0, filled)
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'it is not readable by this process',
  EPERM: 'it is not readable by this process',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'its symbolic links go round in a circle',
}

/** What a failed file operation means to the user. An error that is a MediaError already stays as it is. */
export function fileError(path: string, label: string, cause: unknown): MediaError {
  if (MediaError.isInstance(cause)) return cause
  const reason = reasons[(cause as NodeJS.ErrnoException).code ?? '']
  // The system's error repeats the path unredacted and adds nothing to a reason that is known.
  if (reason === undefined) return new MediaError(`Cannot read ${label}`, { cause })
  // A label with an ellipsis hides a part of the path.
  const resolved = label === `'${path}'` || label.includes('…') ? '' : ` (looked for '${path}')`
  return new MediaError(`Cannot read ${label}: ${reason}${resolved}`)
}
