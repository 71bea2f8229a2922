import { ValidationError } from '../errors.js'
import { readArrow, writeArrow } from '../formats/arrow.js'
import { type CsvOptions, csvDialect, csvWriter, readCsv } from '../formats/csv.js'
import type { FileReader } from '../formats/format.js'
import { readJson, writeJson } from '../formats/json.js'
import { readJsonl, writeJsonl } from '../formats/jsonl.js'
import { readParquet, writeParquet } from '../formats/parquet.js'
import { type ImportSource, type Source, sourceOf } from '../formats/source.js'
import { textOf } from '../formats/text.js'
import type { QueryNode } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import type { Schema } from '../types/column.js'
import type { DecodeContext } from '../types/column-type.js'
import {
  type ExportFormat,
  type ExportOptions,
  type ExportResult,
  exportBytes,
  exportFile,
  exportText,
} from './export.js'
import type { ImportOptions } from './import-options.js'
import type { ImportFile } from './imported-rows.js'

/** Options of `importCsv`. */
export interface CsvImportOptions<S extends Schema = Schema> extends ImportOptions<S>, CsvOptions {
  /** A label of the Encoding Standard, such as `windows-1252`. @default 'utf-8', or UTF-16 where a byte order mark says so */
  readonly encoding?: string | undefined
}

/** Options of `toCsv`. */
export interface CsvExportOptions extends ExportOptions, CsvOptions {
  /** Text that stands for null. @default '' */
  readonly nullText?: string | undefined
}

/** The formats of files. */
export type FileFormat = 'csv' | 'jsonl' | 'json' | 'parquet' | 'arrow'

type Open = (source: Source, context: DecodeContext) => FileReader | Promise<FileReader>

/** A file in one of the formats, to be imported. @throws ValidationError for options that are not valid */
export function fileToImport(
  session: Session,
  format: FileFormat,
  input: ImportSource,
  options: ImportOptions & CsvImportOptions,
): ImportFile {
  let bytes = 0
  const source = sourceOf(input, {
    signal: options.signal,
    onBytes: (length) => {
      bytes += length
    },
  })
  const open = readerOf(format, source, options)
  return {
    label: source.label,
    open: async () => open(source, session.decode),
    bytesRead: () => bytes,
  }
}

function readerOf(format: FileFormat, source: Source, options: CsvImportOptions): Open {
  switch (format) {
    case 'csv': {
      const dialect = csvDialect(options, /\.tsv(\.gz)?$/i.test(source.path ?? source.label) ? '\t' : ',')
      const encoding = checkEncoding(options.encoding)
      return ({ label, stream }, context) => readCsv(textOf(stream(), label, encoding), label, context, dialect)
    }
    case 'jsonl':
      return ({ label, stream }, context) => readJsonl(textOf(stream(), label), label, context)
    case 'json':
      return ({ label, stream }, context) => readJson(textOf(stream(), label), label, context)
    case 'parquet':
      return readParquet
    case 'arrow':
      return readArrow
  }
}

function checkEncoding(label: string | undefined): string | undefined {
  if (label === undefined) return undefined
  try {
    return new TextDecoder(label).encoding
  } catch (cause) {
    throw new ValidationError(`csv: encoding: expected a label such as 'utf-8' or 'windows-1252', got '${label}'`, {
      cause,
    })
  }
}

/** A query to be written to a path, or to be returned where there is none. */
export interface ExportTarget {
  readonly session: Session
  readonly node: QueryNode
}

/** Writes a query in a format of text: to a path, or as a string. */
export function exportAsText(
  { session, node }: ExportTarget,
  format: 'csv' | 'jsonl' | 'json',
  to: string | URL | CsvExportOptions | undefined,
  options: CsvExportOptions | undefined,
): Promise<string | ExportResult> {
  const [path, chosen] = pathAndOptions(to, options)
  const writer =
    format === 'csv'
      ? csvWriter(csvDialect(chosen, isTsv(path) ? '\t' : ','))
      : format === 'json'
        ? writeJson
        : writeJsonl
  const what = { session, query: node, format: (): ExportFormat => ({ writer, isText: true }), options: chosen }
  return path === undefined ? exportText(what) : exportFile(what, path)
}

/** Writes a query in a format of bytes: to a path, or as bytes. */
export function exportAsBytes(
  { session, node }: ExportTarget,
  format: 'parquet' | 'arrow',
  to: string | URL | ExportOptions | undefined,
  options: ExportOptions | undefined,
): Promise<Uint8Array | ExportResult> {
  const [path, chosen] = pathAndOptions(to, options)
  const writer = format === 'parquet' ? writeParquet : writeArrow
  const what = { session, query: node, format: (): ExportFormat => ({ writer, isText: false }), options: chosen }
  return path === undefined ? exportBytes(what) : exportFile(what, path)
}

const isTsv = (path: string | URL | undefined): boolean => path !== undefined && /\.tsv$/i.test(String(path))

function pathAndOptions<O extends ExportOptions>(
  to: string | URL | O | undefined,
  options: O | undefined,
): [string | URL | undefined, O] {
  return typeof to === 'string' || to instanceof URL ? [to, (options ?? {}) as O] : [undefined, (to ?? {}) as O]
}
