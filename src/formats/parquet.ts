import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AsyncBuffer, FileMetaData, RowGroup } from 'hyparquet'
import { PixeltableError, ValidationError } from '../errors.js'
import type { ColumnType, DecodeContext } from '../types/column-type.js'
import { uuidType } from '../types/scalars.js'
import { parseArrowSchema } from './arrow-schema.js'
import { columnMetadata, columnsOfMetadata, metadataKey } from './column-metadata.js'
import type { FileReader, FileRows, Writer } from './format.js'
import { type ColumnHint, type ParquetColumn, parquetColumns, parsers } from './parquet-columns.js'
import { elementOf, type ParquetField } from './parquet-fields.js'
import { pixeltableTypes } from './pixeltable-types.js'
import { cellReader } from './read-cell.js'
import type { SeekableFile, Source } from './source.js'

/** One Parquet file, opened. */
interface OpenFile {
  readonly label: string
  readonly file: SeekableFile
  readonly buffer: AsyncBuffer
  readonly metadata: FileMetaData
}

/**
 * Reads a Parquet file, or those of a directory one after the other, one row group at a time. The exact types come from
 * this library's metadata, or from that of Pixeltable for Python next to the files; else from Parquet's own types, the
 * Arrow schema that other writers add, and the first values.
 */
export async function readParquet(source: Source, context: DecodeContext): Promise<FileReader> {
  const sources = await source.files('.parquet')
  if (sources.length === 0)
    throw new ValidationError(`${source.label}: expected Parquet files, got a directory without`)
  const first = await openFile(sources[0]!)
  let current: OpenFile | undefined = first
  try {
    const { parquetSchema } = await import('hyparquet')
    const hints = await hintsOf(source, first.metadata)
    const columns = parquetColumns(parquetSchema(first.metadata), first.metadata, hints)
    return {
      columns,
      inferType: (column, values) => columns[column]!.inferType(values),
      valueOf: (column, type) => valueReader(columns[column]!, type, context),
      async *read() {
        for (const [i, next] of sources.entries()) {
          current = i === 0 ? first : await openFile(next)
          checkSameColumns(current, columns)
          yield* rowsOf(current)
          await current.file.close()
          current = undefined
        }
      },
      close: async () => current?.file.close(),
    }
  } catch (error) {
    await first.file.close()
    throw error
  }
}

async function openFile(source: Source): Promise<OpenFile> {
  const file = await source.seekable()
  const buffer: AsyncBuffer = {
    byteLength: file.size,
    async slice(start, end = file.size) {
      const bytes = await file.read(start, end)
      // The reader wants a buffer of its own.
      return bytes.byteLength === bytes.buffer.byteLength
        ? (bytes.buffer as ArrayBuffer)
        : (bytes.slice().buffer as ArrayBuffer)
    },
  }
  try {
    const { parquetMetadataAsync } = await import('hyparquet')
    const metadata = await parquetMetadataAsync(buffer, { geoparquet: false })
    return { label: source.label, file, buffer, metadata }
  } catch (cause) {
    await file.close()
    throw damaged(source.label, cause)
  }
}

function damaged(label: string, cause: unknown): unknown {
  // An abort, or an error of the disk, says itself what it is.
  if (PixeltableError.isInstance(cause) || (cause as Error).name === 'AbortError') return cause
  return new ValidationError(`${label} is no complete Parquet file: ${(cause as Error).message}`, { cause })
}

const keyValue = (metadata: FileMetaData, key: string): string | undefined =>
  metadata.key_value_metadata?.find((pair) => pair.key === key)?.value

/**
 * What is known of columns beyond Parquet's schema: everything from this library's metadata, else shapes and UUIDs from
 * the Arrow schema, and types from a file of Pixeltable for Python.
 */
async function hintsOf(source: Source, metadata: FileMetaData): Promise<ReadonlyMap<string, ColumnHint>> {
  const own = columnsOfMetadata(keyValue(metadata, metadataKey))
  if (own.size > 0) return own
  const hints = new Map<string, ColumnHint>()
  for (const { name, listSize, shape, extension } of parseArrowSchema(keyValue(metadata, 'ARROW:schema') ?? '') ?? []) {
    const isUuid = extension === 'arrow.uuid'
    hints.set(name, {
      shape: shape ?? (listSize === undefined ? undefined : [listSize]),
      ...(isUuid ? { type: uuidType } : {}),
    })
  }
  if (source.path === undefined) return hints
  const types = await readFile(join(source.path, '.pixeltable.column_types.json'), 'utf8').catch(() => undefined)
  for (const [name, hint] of types === undefined ? [] : pixeltableTypes(types)) {
    hints.set(name, { shape: hints.get(name)?.shape, ...hint })
  }
  return hints
}

function checkSameColumns({ label, metadata }: OpenFile, columns: readonly ParquetColumn[]): void {
  const names = metadata.schema.length > 0 ? topLevelNames(metadata) : []
  if (names.length !== columns.length || names.some((name, i) => name !== columns[i]!.name)) {
    throw new ValidationError(
      `${label}: expected the columns of the first file, ${columns.map(({ name }) => name).join(', ')}; got ${names.join(', ')}`,
    )
  }
}

/** The schema is a tree in depth-first order. */
function topLevelNames({ schema }: FileMetaData): string[] {
  const names: string[] = []
  const skip = (at: number): number => {
    let next = at + 1
    for (let i = 0; i < (schema[at]!.num_children ?? 0); i++) next = skip(next)
    return next
  }
  for (let at = 1; at < schema.length; at = skip(at)) names.push(schema[at]!.name)
  return names
}

/** Rows that are decoded at a time, where a row group has no nested columns, which are decoded whole. */
const sliceRows = 10_000

async function* rowsOf({ label, buffer, metadata }: OpenFile): AsyncGenerator<FileRows, void, undefined> {
  const { parquetRead } = await import('hyparquet')
  const { compressors } = await import('hyparquet-compressors')
  const isFlat = metadata.schema.every((element, i) => i === 0 || !element.num_children)
  let start = 0
  for (const group of metadata.row_groups) {
    const end = start + rowsIn(group)
    const step = isFlat ? sliceRows : Math.max(1, end - start)
    for (; start < end; start = Math.min(end, start + step)) {
      let rows: unknown[][] = []
      try {
        await parquetRead({
          file: buffer,
          metadata,
          compressors,
          parsers,
          utf8: false,
          geoparquet: false,
          useOffsetIndex: true,
          rowStart: start,
          rowEnd: Math.min(end, start + step),
          onComplete: (read) => {
            rows = read
          },
        })
      } catch (cause) {
        throw damaged(label, cause)
      }
      yield { rows: rows.map((row) => row.map((cell) => cell ?? null)) }
    }
  }
}

const rowsIn = (group: RowGroup): number => Number(group.num_rows)

function valueReader(
  { fromParquet }: ParquetColumn,
  type: ColumnType<any>,
  context: DecodeContext,
): (cell: unknown) => unknown {
  const read = cellReader(type, 'binary', context)
  return fromParquet ? (cell) => read(fromParquet(cell)) : read
}

/** Rows in a row group, at most; and numbers and pieces of text, which are what takes memory. */
const groupRows = 50_000
const groupWeight = 1_000_000

/** Writes Parquet, one row group in memory at a time. */
export const writeParquet: Writer = async function* (columns, rows) {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer')
  const fields: ParquetField[] = columns.map(elementOf)
  const bytes = new ByteWriter()
  const writer = new ParquetWriter({
    writer: bytes,
    schema: [{ name: 'schema', num_children: fields.length }, ...fields.flatMap(({ elements }) => elements)],
    kvMetadata: [{ key: metadataKey, value: columnMetadata(columns) }],
    createdBy: 'pixeltable',
  })
  const take = (): Uint8Array => {
    const piece = bytes.getBytes().slice()
    bytes.index = 0
    return piece
  }
  let group: unknown[][] = fields.map(() => [])
  let weight = 0
  const write = () => {
    // Plain where a dictionary would take −0 for 0.
    const columnData = fields.map(({ name, plain }, i) => ({
      name,
      data: group[i]!,
      ...(plain ? { encoding: 'PLAIN' as const } : {}),
    }))
    writer.write({ columnData, rowGroupSize: groupRows })
    group = fields.map(() => [])
    weight = 0
    return take()
  }
  for await (const row of rows) {
    for (let i = 0; i < fields.length; i++) {
      const { name, toParquet } = fields[i]!
      const value = row[name]
      const cell = value === null || value === undefined ? null : toParquet(value)
      group[i]!.push(cell)
      weight += weightOf(cell)
    }
    if (weight >= groupWeight || group[0]!.length >= groupRows) yield write()
  }
  if (group[0]!.length > 0) yield write()
  writer.finish()
  yield take()
}

function weightOf(cell: unknown): number {
  if (typeof cell === 'string' || cell instanceof Uint8Array) return 1 + cell.length / 16
  return Array.isArray(cell) ? cell.reduce<number>((sum, item) => sum + weightOf(item), 1) : 1
}
