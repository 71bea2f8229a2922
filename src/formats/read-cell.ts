import type { ColumnType, DecodeContext } from '../types/column-type.js'
import { mismatch } from '../types/column-type.js'
import type { MediaKind, MediaRecord } from '../types/media.js'
import { parseJson } from './parse-json.js'

/** Turns a cell, not null, into what an insert of its column's type takes. */
export type ReadCell = (cell: any) => unknown

/**
 * What the strings of a format are: `text` where every cell is one (CSV); `json` where they are among JSON's values;
 * `binary` where numbers, dates and bytes have forms of their own (Parquet, Arrow) and text holds what has none.
 */
export type CellForm = 'text' | 'json' | 'binary'

const forms: Readonly<Record<string, (form: CellForm, type: ColumnType<any>, context: DecodeContext) => ReadCell>> = {
  string: () => (cell) => cell,
  int: () => (cell) => (typeof cell === 'string' ? integer(cell) : narrow(cell)),
  bigint: () => (cell) => (typeof cell === 'string' ? wideInteger(cell) : cell),
  float: () => (cell) => {
    const value = typeof cell === 'string' ? number(cell) : typeof cell === 'bigint' ? Number(cell) : cell
    // NaN is how other tools write that there is no number.
    return Number.isNaN(value) ? null : value
  },
  bool: () => (cell) => (typeof cell === 'string' ? truth(cell) : cell),
  timestamp: () => (cell) => (typeof cell === 'string' ? instant(cell) : cell),
  date: () => (cell) => cell,
  uuid: () => (cell) => (cell instanceof Uint8Array ? uuidOf(cell) : cell),
  json: (form) => (cell) => {
    if (form === 'json' || typeof cell !== 'string') return plainJson(cell)
    return plainJson(json(cell, 'JSON'))
  },
  binary: () => (cell) => (typeof cell === 'string' ? bytesOf(cell) : cell),
  array: (_, type) => {
    const { shape } = type.config() as unknown as { readonly shape: readonly (number | null)[] }
    return (cell) => arrayOf(typeof cell === 'string' ? json(cell, 'a list of numbers') : cell, shape)
  },
  multiVector: (_, type) => {
    const { dimensions } = type.config() as unknown as { readonly dimensions: number }
    return (cell) =>
      narrowed(arrayOf(typeof cell === 'string' ? json(cell, 'a list of vectors') : cell, [null, dimensions]))
  },
  vector: () => (cell) => narrowed(numbersIn(typeof cell === 'string' ? json(cell, 'a list of numbers') : cell)),
}

/** How cells of a format become values of a type. */
export function cellReader(type: ColumnType<any>, form: CellForm, context: DecodeContext): ReadCell {
  if (type.media) return mediaReader(type.media.kind, context)
  return forms[type.name]?.(form, type, context) ?? ((cell) => cell)
}

const integerPattern = /^[+-]?\d+$/
const numberPattern = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function integer(text: string): number {
  const trimmed = text.trim()
  const value = integerPattern.test(trimmed) ? Number(trimmed) : Number.NaN
  if (!Number.isSafeInteger(value)) {
    throw mismatch('a safe integer (for larger ones declare the column t.bigint())', text)
  }
  return value
}

/** A whole number of 64 bits as a number, where one holds it. */
function narrow(cell: unknown): unknown {
  return typeof cell === 'bigint' && Number.isSafeInteger(Number(cell)) ? Number(cell) : cell
}

function wideInteger(text: string): bigint {
  if (!integerPattern.test(text.trim())) throw mismatch('a whole number', text)
  return BigInt(text.trim().replace(/^\+/, ''))
}

const namedNumbers: Readonly<Record<string, number>> = { infinity: Infinity, inf: Infinity, nan: Number.NaN }

function number(text: string): number {
  const trimmed = text.trim()
  if (numberPattern.test(trimmed)) return Number(trimmed)
  const named = namedNumbers[trimmed.replace(/^[+-]/, '').toLowerCase()]
  if (named === undefined) throw mismatch('a number', text)
  return trimmed.startsWith('-') ? -named : named
}

function truth(text: string): boolean {
  switch (text.trim().toLowerCase()) {
    case 'true':
    case 't':
    case 'yes':
    case '1':
      return true
    case 'false':
    case 'f':
    case 'no':
    case '0':
      return false
  }
  throw mismatch('true or false', text)
}

const spacedTimestamp = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i

/** ISO 8601, also with a space in place of the T, with an offset of hours alone, and without a zone, which is UTC. */
export function instant(text: string): string {
  const match = spacedTimestamp.exec(text.trim())
  if (!match) return /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text
  const [, day, time, zone = 'Z'] = match
  return `${day}T${time}${/^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone}`
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function bytesOf(text: string): Uint8Array {
  const compact = text.replaceAll(/\s+/g, '')
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(compact)) throw mismatch('bytes in base64', text)
  return new Uint8Array(Buffer.from(compact, 'base64'))
}

function json(text: string, expected: string): unknown {
  try {
    return parseJson(text)
  } catch (cause) {
    throw mismatch(`${expected} (${(cause as Error).message})`, text)
  }
}

/** JSON of what a file's own forms hold: whole numbers of any size become numbers, dates and bytes become text. */
export function plainJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(plainJson)
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plainJson)
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plainJson(item)]))
}

/** Numbers that JSON writes as text. */
function numbersIn(value: unknown): unknown {
  if (typeof value === 'string') return number(value)
  return Array.isArray(value) && value.some((item) => typeof item !== 'number') ? value.map(numbersIn) : value
}

/** Lists of floats in which a file has whole numbers of any size. */
function narrowed(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  return Array.isArray(value) ? value.map(narrowed) : value
}

function arrayOf(cell: unknown, shape: readonly (number | null)[]): unknown {
  if (ArrayBuffer.isView(cell)) return shape.length === 1 ? cell : { shape, data: cell }
  if (typeof cell === 'object' && cell !== null && 'shape' in cell && 'data' in cell) {
    return { shape: Array.from(cell.shape as ArrayLike<number>), data: cell.data }
  }
  if (!Array.isArray(cell)) return cell
  const value = numbersIn(cell) as unknown[]
  // A file of another tool has the elements of a tensor in one list.
  const size = shape.reduce<number>((product, n) => product * (n ?? Number.NaN), 1)
  if (shape.length > 1 && value.length === size && !Array.isArray(value[0])) return { shape, data: value }
  return value
}

/** A path or URL, content, or the record of a stored file. */
function mediaReader(kind: MediaKind, context: DecodeContext): ReadCell {
  return (cell) => {
    const record = typeof cell === 'string' && cell.startsWith('{') ? json(cell, 'the record of a file') : cell
    if (typeof record !== 'object' || record === null || record instanceof Uint8Array) return record
    const { url, sha256, mime, size } = record as Partial<MediaRecord>
    if (typeof url !== 'string' || typeof sha256 !== 'string' || typeof mime !== 'string' || typeof size !== 'number') {
      throw mismatch('a path, a URL, content or the record of a file (url, sha256, mime, size)', record)
    }
    return context.openMedia(kind, record as MediaRecord)
  }
}
