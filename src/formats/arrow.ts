import type { DataType, Field, RecordBatch, Schema, Vector } from 'apache-arrow'
import { PixeltableError, ValidationError } from '../errors.js'
import { loadOptional } from '../optional-package.js'
import type { DecodeContext } from '../types/column-type.js'
import { type Arrow, arrowColumns, cellsOf } from './arrow-columns.js'
import { type ArrowField, arrowField } from './arrow-fields.js'
import { columnMetadata, metadataKey } from './column-metadata.js'
import type { FileReader, OutputColumn, Writer } from './format.js'
import { cellReader } from './read-cell.js'
import type { Source } from './source.js'

/** Reads an Arrow IPC stream, one record batch at a time, or an IPC file. */
export async function readArrow(source: Source, context: DecodeContext): Promise<FileReader> {
  const arrow = await loadOptional('apache-arrow')
  const opened = await openBatches(arrow, source)
  const columns = arrowColumns(arrow, opened.schema)
  return {
    columns,
    inferType: (column, values) => columns[column]!.inferType(values),
    valueOf: (_, type) => cellReader(type, 'binary', context),
    async *read() {
      try {
        for await (const batch of opened.batches) yield { rows: rowsOf(arrow, opened.schema, batch) }
      } catch (cause) {
        throw damaged(source.label, cause)
      }
    },
    close: async () => {
      await opened.batches.cancel()
    },
  }
}

async function openBatches(arrow: Arrow, source: Source) {
  try {
    const batches = await arrow.RecordBatchReader.from(source.stream())
    await batches.open()
    // An empty file has no schema.
    if (!batches.schema) throw new Error('expected a schema, got the end of the file')
    return { batches, schema: batches.schema as Schema }
  } catch (cause) {
    throw damaged(source.label, cause)
  }
}

function damaged(label: string, cause: unknown): unknown {
  if (PixeltableError.isInstance(cause) || (cause as Error).name === 'AbortError') return cause
  return new ValidationError(`${label} is no complete Arrow stream or file: ${(cause as Error).message}`, { cause })
}

function rowsOf(arrow: Arrow, { fields }: Schema, batch: RecordBatch): unknown[][] {
  const rows: unknown[][] = Array.from({ length: batch.numRows }, () => new Array(fields.length))
  for (let c = 0; c < fields.length; c++) {
    const cells = cellsOf(arrow, batch.getChildAt(c) as Vector<DataType>)
    for (let r = 0; r < rows.length; r++) rows[r]![c] = cells[r]
  }
  return rows
}

/** Rows in a record batch, at most; and numbers and pieces of text, which are what takes memory. */
const batchRows = 10_000
const batchWeight = 1_000_000

/** Length of the mark at the end of a stream. */
const endLength = 8

/** Writes an Arrow IPC stream, one record batch in memory at a time. */
export const writeArrow: Writer = async function* (columns, rows) {
  const arrow = await loadOptional('apache-arrow')
  const fields = columns.map((column) => arrowField(arrow, column))
  const schema = schemaOf(arrow, columns, fields)
  // A stream is its schema, batches, and an end mark. Each batch is written as a stream of its own, and cut out of it.
  const empty = arrow.tableToIPC(new arrow.Table(schema), 'stream')
  const head = empty.subarray(0, -endLength)
  yield head
  let cells: unknown[][] = fields.map(() => [])
  let weight = 0
  const write = (): Uint8Array => {
    const children = fields.map((field, i) => field.toData(cells[i]!))
    const data = arrow.makeData({
      type: new arrow.Struct(schema.fields),
      length: cells[0]!.length,
      nullCount: 0,
      children,
    })
    const bytes = arrow.tableToIPC(new arrow.Table(schema, [new arrow.RecordBatch(schema, data)]), 'stream')
    cells = fields.map(() => [])
    weight = 0
    return bytes.subarray(head.length, -endLength)
  }
  for await (const row of rows) {
    for (let i = 0; i < columns.length; i++) {
      const value = row[columns[i]!.name] ?? null
      cells[i]!.push(value)
      weight += weightOf(value)
    }
    if (weight >= batchWeight || cells[0]!.length >= batchRows) yield write()
  }
  if (cells[0]!.length > 0) yield write()
  yield empty.subarray(-endLength)
}

function schemaOf(arrow: Arrow, columns: readonly OutputColumn[], fields: readonly ArrowField[]): Schema {
  const types = columns.map(({ name, nullable }, i): Field => {
    const { type, extension } = fields[i]!
    const metadata = extension
      ? new Map([
          ['ARROW:extension:name', extension.name],
          ['ARROW:extension:metadata', extension.metadata],
        ])
      : null
    return new arrow.Field(name, type, nullable, metadata)
  })
  return new arrow.Schema(types, new Map([[metadataKey, columnMetadata(columns)]]))
}

function weightOf(value: unknown): number {
  if (typeof value === 'string') return 1 + value.length / 16
  if (value instanceof Uint8Array) return 1 + value.length / 16
  if (value instanceof Float32Array) return value.length
  const { data } = (value ?? {}) as { data?: unknown }
  return ArrayBuffer.isView(data) ? data.byteLength / 4 : 1
}
