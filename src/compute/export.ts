import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { NotFoundError, ValidationError } from '../errors.js'
import type { OutputColumn, Writer } from '../formats/format.js'
import { type ResultRow, stream } from '../plan/execute.js'
import { type ResultColumn, resultColumns } from '../plan/output-columns.js'
import type { QueryNode } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import { describeValue } from '../types/column-type.js'
import { typeOfValue } from '../types/dynamic.js'
import type { Media } from '../types/media.js'
import { stringType } from '../types/scalars.js'
import type { TransferProgress } from './import-options.js'

/** Options of all exports. */
export interface ExportOptions {
  /**
   * What a media cell becomes: `'reference'` writes its record (address, type, size, SHA-256), which the same database
   * reads back without a copy; `'bytes'` writes the content, as a `data:` URL in formats of text.
   * @default 'reference'
   */
  readonly media?: 'reference' | 'bytes' | undefined
  /** Stops the export; no file is left. */
  readonly signal?: AbortSignal | undefined
  /** Called with each piece that is written. */
  readonly onProgress?: ((progress: TransferProgress) => void) | undefined
}

/** A file that was written. */
export interface ExportResult extends TransferProgress {
  /** The path. */
  readonly path: string
}

/** A format as an export uses it. */
export interface ExportFormat {
  readonly writer: Writer
  /** Whether its bytes are text. */
  readonly isText: boolean
}

/** The rows of a query in a format. */
export interface Export {
  readonly session: Session
  readonly query: QueryNode
  readonly format: () => ExportFormat | Promise<ExportFormat>
  readonly options: ExportOptions
}

/** The whole of an export as text. */
export async function exportText(what: Export): Promise<string> {
  const pieces: string[] = []
  for await (const piece of piecesOf(what)) pieces.push(piece.toString())
  return pieces.join('')
}

/** The whole of an export as bytes. */
export async function exportBytes(what: Export): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of piecesOf(what)) pieces.push(piece as Uint8Array)
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let end = 0
  for (const piece of pieces) {
    bytes.set(piece, end)
    end += piece.length
  }
  return bytes
}

/** Writes an export next to its path and moves it there when it is complete: a reader never sees a part of it. */
export async function exportFile(what: Export, to: string | URL): Promise<ExportResult> {
  const path = to instanceof URL ? fileURLToPath(to) : to
  if (typeof path !== 'string' || path === '') {
    throw new ValidationError(`export: expected a path, got ${describeValue(path)}`)
  }
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = await open(temporary, 'wx').catch((cause: unknown) => {
    if ((cause as { code?: unknown }).code !== 'ENOENT') throw cause
    throw new NotFoundError(`cannot write '${path}': its directory does not exist`, { cause })
  })
  let last: TransferProgress = { rows: 0, bytes: 0 }
  try {
    const { onProgress } = what.options
    const noted = (progress: TransferProgress) => {
      last = progress
      onProgress?.(progress)
    }
    for await (const piece of piecesOf({ ...what, options: { ...what.options, onProgress: noted } })) {
      await file.writeFile(piece)
    }
    // On the disk before it has its name: else a power failure could leave an empty file.
    await file.sync()
    await file.close()
    await rename(temporary, path)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(temporary, { force: true })
    throw error
  }
  return { ...last, path }
}

async function* piecesOf({ session, query, format, options }: Export): AsyncGenerator<string | Uint8Array> {
  const { signal, onProgress, media = 'reference' } = options
  if (media !== 'reference' && media !== 'bytes') {
    throw new ValidationError(`export: media: expected 'reference' or 'bytes', got ${describeValue(media)}`)
  }
  signal?.throwIfAborted()
  const { writer, isText } = await format()
  const { columns, rows } = await typedRows(session, query, signal)
  const output = columns.map(
    (column): OutputColumn => (column.type.media && media === 'bytes' ? { ...column, inline: true } : column),
  )
  let written = 0
  async function* counted() {
    for await (const row of rows) {
      signal?.throwIfAborted()
      yield await withContent(row, output, isText)
      written++
    }
  }
  let bytes = 0
  for await (const piece of writer(output, counted())) {
    bytes += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length
    yield piece
    onProgress?.({ rows: written, bytes })
  }
}

/** The row with the content of its files in their place, where that is wanted. */
async function withContent(row: ResultRow, columns: readonly OutputColumn[], isText: boolean): Promise<ResultRow> {
  const inline = columns.filter(({ name, inline }) => inline && row[name])
  if (inline.length === 0) return row
  const result = { ...row }
  for (const { name } of inline) {
    const media = row[name] as Media
    result[name] = isText ? await media.toDataUrl() : await media.bytes()
  }
  return result
}

/** Rows that decide on the types that no expression tells. */
const sampleRows = 1000

/** The rows of a query, and its columns with the types of their first values where nothing else tells. */
export async function typedRows(
  session: Session,
  query: QueryNode,
  signal: AbortSignal | undefined,
): Promise<{ readonly columns: ResultColumn[]; readonly rows: AsyncGenerator<ResultRow> }> {
  await session.catalog()
  const columns = resultColumns(session, query)
  const rows = stream(session, query, {}, { signal })
  const unknown = columns.some(({ type }) => type.name === 'dynamic')
  const sample: ResultRow[] = []
  while (unknown && sample.length < sampleRows) {
    const { value, done } = await rows.next()
    if (done) break
    sample.push(value)
  }
  const typed = columns.map((column) => {
    if (column.type.name !== 'dynamic') return column
    const first = sample.find((row) => row[column.name] !== null && row[column.name] !== undefined)
    return { ...column, type: first ? typeOfValue(first[column.name]) : stringType }
  })
  async function* all() {
    yield* sample.splice(0)
    yield* rows
  }
  return { columns: typed, rows: all() }
}
