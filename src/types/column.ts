import type { ColumnType } from './column-type.js'

/** The default of a column: a value, or a function that makes one for each row. */
export type Default<T> = T | (() => T)

/**
 * A column as a schema declares it. `Read` is what a query returns, `Insert` what an insert accepts, `Optional`
 * whether an insert may leave it out.
 */
export class Column<out Read, out Insert = Read, out Optional extends boolean = false> {
  /** Phantom types, for inference only. */
  declare readonly $read?: Read
  declare readonly $insert?: Insert
  declare readonly $optional?: Optional
  /** @internal */
  readonly type: ColumnType<any>
  /** @internal */
  readonly isNullable: boolean
  /** @internal */
  readonly defaultValue: Default<unknown> | undefined

  /** @internal */
  constructor(type: ColumnType<any>, isNullable = false, defaultValue?: Default<unknown>) {
    this.type = type
    this.isNullable = isNullable
    this.defaultValue = defaultValue
    Object.freeze(this)
  }

  /**
   * The same column, in which a row may have no value (`null`).
   * @example
   * ```ts
   * import { t } from 'pixeltable'
   * const schema = { title: t.string(), note: t.string().nullable() }
   * ```
   */
  nullable(): Column<Read | null, Insert | null, true> {
    return new Column(this.type, true, this.defaultValue)
  }

  /**
   * The same column, with a value for rows that are inserted without one. A function is called for each such row; it
   * is not stored, so a program that opens the file again passes its schema to `getTable`.
   * @example
   * ```ts
   * import { t } from 'pixeltable'
   * const schema = { stars: t.int().default(0), at: t.timestamp().default(() => new Date()) }
   * ```
   */
  default(value: Default<Insert>): Column<Read, Insert, true> {
    return new Column(this.type, this.isNullable, value)
  }
}

/** The columns of a table: names to column types. */
export type Schema = Readonly<Record<string, Column<any, any, boolean>>>

/** A row of a table that was opened without its schema. */
export type AnyRow = Record<string, any>

/** Flattens an intersection, so that editors show plain properties. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {}

/** The row that a query of a table with schema `S` returns. */
export type RowOf<S extends Schema> = {
  -readonly [K in keyof S]: S[K] extends Column<infer R, any, boolean> ? R : never
}

type InsertValue<C> = C extends Column<any, infer I, boolean> ? I : never
type OptionalKeys<S extends Schema> = {
  [K in keyof S]: S[K] extends Column<any, any, infer O> ? (O extends true ? K : never) : never
}[keyof S]

/** The row that an insert into a table with schema `S` takes. */
export type InsertOf<S extends Schema> = Simplify<
  { [K in Exclude<keyof S, OptionalKeys<S>>]: InsertValue<S[K]> } & { [K in OptionalKeys<S>]?: InsertValue<S[K]> }
>
