import { StoredMedia } from '../media/media.js'
import type { ByteRange, MediaKind, MediaRecord } from '../types/media.js'

/** Reads a file of the program, piece by piece. */
export type RemoteReader = (range: ByteRange | undefined) => AsyncIterable<Uint8Array>

/**
 * A file in a thread of the pool. A local file is read right there; what is in the database, or on a server that may
 * want the program's headers, is asked of the program when the function reads it.
 */
export class RemoteMedia extends StoredMedia {
  /** What the program knows the file by. */
  readonly id: number
  readonly #read: RemoteReader

  constructor(id: number, kind: MediaKind, record: MediaRecord, read: RemoteReader) {
    super(kind, record)
    this.id = id
    this.#read = read
  }

  override stream(range?: ByteRange): AsyncIterable<Uint8Array> {
    // It checks the range, and reads nothing yet.
    const local = super.stream(range)
    return this.path === undefined ? this.#read(range) : local
  }
}
