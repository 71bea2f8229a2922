import type { Media, MediaKind, MediaRecord } from './media.js'

/** The storage classes that an engine must offer. Each engine maps them to its own column types. */
export type Storage = 'text' | 'integer' | 'real' | 'blob' | 'any'

/** A value as an engine stores and returns it. */
export type Stored = string | number | bigint | Uint8Array | null

/** JSON Schema, draft 2020-12, as far as column types need it. */
export type JsonSchema = { readonly [key: string]: unknown }

/** The groups of operators that a column type supports; see `expr/operators/`. */
export type OperatorGroup =
  | 'order'
  | 'number'
  | 'text'
  | 'bool'
  | 'timestamp'
  | 'date'
  | 'json'
  | 'media'
  | 'array'
  | 'vector'

/** What decoding needs besides the stored value. */
export interface DecodeContext {
  /** Makes the value of a media cell. */
  readonly openMedia: (kind: MediaKind, record: MediaRecord) => Media
}

/** JSON that identifies a type in the catalog: its name and its parameters. */
export type TypeConfig = { readonly name: string } & { readonly [key: string]: unknown }

/**
 * A column type. Everything that differs from type to type is declared here, so that no other code switches on a
 * type's name.
 */
export interface ColumnType<Read = unknown> {
  /** The word in the catalog and in messages, such as `timestamp`. */
  readonly name: string
  readonly storage: Storage
  /** The operator groups it supports besides equality. */
  readonly operators: readonly OperatorGroup[]
  /** Whether a stored integer can exceed what a number holds, so the engine must read it as a bigint. */
  readonly wide?: boolean
  /** Whether values are files that must be resolved before they can be stored. */
  readonly media?: MediaColumn
  /** Name and parameters, from which `typeFromConfig` makes the type again. */
  config(): TypeConfig
  /**
   * Turns what a user gave into the type's own value.
   * @throws Error whose message reads "expected …, got …"; the caller adds column and row
   */
  parse(value: unknown): Read | Promise<Read>
  /** A parsed value as it is stored. */
  encode(value: Read): Stored
  /** The value of a stored cell. Never called with null. */
  decode(stored: Exclude<Stored, null>, context: DecodeContext): Read
  jsonSchema(): JsonSchema
}

/** How a media column stores its files. */
export interface MediaColumn {
  readonly kind: MediaKind
  readonly store: 'file' | 'reference'
  readonly validate: boolean
}

/** A short description of a value for an error message. Never prints more than a glimpse of it. */
export function describeValue(value: unknown): string {
  if (value === null) return 'null'
  if (value === undefined) return 'undefined'
  if (typeof value === 'string') return `the string ${glimpse(JSON.stringify(value))}`
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`
  if (typeof value === 'bigint') return `the bigint ${glimpse(String(value))}n`
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? 'an invalid Date' : `the Date ${value.toISOString()}`
  }
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object') return `an object of class ${value.constructor?.name ?? 'null'}`
  return `a ${typeof value}`
}

function glimpse(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`
}

/** The error of a value that does not fit. The caller adds where it happened. */
export function mismatch(expected: string, value: unknown): TypeError {
  return new TypeError(`expected ${expected}, got ${describeValue(value)}`)
}
