import type { Engine } from '../engine/engine.js'
import { partOf } from '../media/content.js'
import type { FetchLimits } from '../media/fetch.js'
import { StoredMedia } from '../media/media.js'
import type { FileResolver } from '../plan/session.js'
import type { DecodeContext } from '../types/column-type.js'
import type { MediaInput, MediaStore } from '../types/media.js'

/** How the files of one open database are found. */
export interface FileOptions {
  /** Directory that relative paths start from. @default the working directory */
  readonly mediaDir?: string | undefined
  /** Limits of downloads. */
  readonly fetch?: FetchLimits | undefined
}

/** Reads and resolves the media of one open database. */
export function openFiles(
  engine: Engine,
  { mediaDir, fetch }: FileOptions,
): {
  decode: DecodeContext
  resolveFile: FileResolver
} {
  const store: MediaStore = { read: (sha256, range) => engine.readFile(sha256, range) }
  const decode: DecodeContext = { openMedia: (kind, record) => new StoredMedia(kind, record, { store, fetch }) }
  const resolveFile: FileResolver = async (column, value, signal) => {
    // Loaded with the first file: importing the library stays cheap.
    const { resolveMedia } = await import('../media/resolve.js')
    const { record, content } = await resolveMedia(column.kind, value as MediaInput, {
      store: column.store,
      validate: column.validate,
      mediaStore: store,
      ...(mediaDir === undefined ? {} : { baseDir: mediaDir }),
      ...(fetch === undefined ? {} : { fetch }),
      ...(signal === undefined ? {} : { signal }),
    })
    // Until the commit the bytes are where they came from, and views already read them.
    const media = content
      ? new StoredMedia(column.kind, record, {
          store: {
            read: async function* (_, { start = 0, end = content.size } = {}) {
              yield* partOf(content.chunks(), start, end)
            },
          },
          fetch,
        })
      : decode.openMedia(column.kind, record)
    if (column.kind === 'document' && column.validate) {
      const { checkDocument } = await import('../documents/parse-document.js')
      await checkDocument(await media.bytes(), record.mime)
    }
    return { media, content }
  }
  return { decode, resolveFile }
}
