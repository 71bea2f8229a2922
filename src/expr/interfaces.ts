import type { NdArray } from '../types/arrays.js'
import type { Column } from '../types/column.js'
import type { Media } from '../types/media.js'
import type { PlainDate } from '../types/temporal.js'
import type { Subquery } from './expression.js'
import type { Node } from './node.js'
import type { Sorting } from './operators/compare.js'

/**
 * What users see of expressions: one interface a kind of value. Nullability is a parameter of its own (`N`), so that
 * results stay null-aware without a conditional type and every interface is provably covariant.
 */

type NotNull<T> = T & {}
/** `null` when `T` admits it (or `undefined`, which a JSON property that is left out reads as), else `never`. */
export type NullOf<T> = null extends T ? null : undefined extends T ? null : never
/** A value, or an expression that yields one. */
export type Arg<T> = T | Expr<T>

/** A typed expression. `T` is the JavaScript value that it yields. */
export interface Expr<out T> {
  /** Phantom type: makes `Expr<string>` not assignable to `Expr<number>`. */
  readonly $type?: T
  /** @internal */
  readonly node: Node
  isNull(): BoolExpr
  isNotNull(): BoolExpr
  /**
   * This as another type; null where it cannot be one. Text is parsed; a float loses its fraction towards zero; a number
   * is true unless it is zero; an instant's day is that in UTC, a day's instant its midnight in UTC; anything has a form
   * as text and as JSON, except bytes.
   * @throws QueryError for a media type
   */
  cast<R>(type: Column<R, any, boolean>): ExprFor<R | null>
  /**
   * The class of the error because of which a computed cell has no value, such as `ComputeError`; null where it has one.
   * In queries alone.
   * @throws QueryError when this is not a column
   */
  errorType(): StrExpr<string, null>
  /** The message of the error because of which a computed cell has no value; null where it has one. In queries alone. */
  errorMessage(): StrExpr<string, null>
  /** Sorts by this, smallest first. */
  asc(options?: OrderOptions): Order
  /** Sorts by this, largest first. */
  desc(options?: OrderOptions): Order
}

/** How a sort key is sorted. */
export interface OrderOptions {
  /** Where rows without a value stand, whatever the direction. @default 'last' */
  readonly nulls?: 'first' | 'last'
}

/** One key of a sort order. */
export interface Order extends Sorting {
  readonly node: Node
}

/** An expression that compares with values of type `V`. */
export interface EqExpr<out T, V, out N extends null = never> extends Expr<T | N> {
  /** Equal. Null on either side gives null. */
  eq(value: Arg<V>): BoolExpr<N>
  /** Not equal. Null on either side gives null. */
  ne(value: Arg<V>): BoolExpr<N>
  /** Equal to one of the values, or to one that a query of a single column returns. */
  in(values: readonly V[] | Subquery<{ readonly [column: string]: V | null }>): BoolExpr<N>
}

/** An expression whose values have an order. */
export interface OrdExpr<out T, V, out N extends null = never> extends EqExpr<T, V, N> {
  gt(value: Arg<V>): BoolExpr<N>
  gte(value: Arg<V>): BoolExpr<N>
  lt(value: Arg<V>): BoolExpr<N>
  lte(value: Arg<V>): BoolExpr<N>
  /** From `low` to `high`, both included. */
  between(low: Arg<V>, high: Arg<V>): BoolExpr<N>
}

/** A number. Integers are exact to ±(2^53 − 1); larger ones are a `t.bigint()`. */
export interface NumExpr<out N extends null = never> extends OrdExpr<number, number, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<number>): NumExpr
  /** Null where this equals `value`. */
  nullIf(value: Arg<number>): NumExpr<null>
  add(value: Arg<number>): NumExpr<N>
  sub(value: Arg<number>): NumExpr<N>
  mul(value: Arg<number>): NumExpr<N>
  /** Always a float; null when `value` is zero. */
  div(value: Arg<number>): NumExpr<null>
  /** The quotient rounded down (−7 by 2 is −4); null when `value` is zero. */
  floorDiv(value: Arg<number>): NumExpr<null>
  /** The remainder with the sign of this; null when `value` is zero. */
  mod(value: Arg<number>): NumExpr<null>
  /** A float. Null for zero to a negative exponent, and for what is no real number. */
  pow(exponent: Arg<number>): NumExpr<null>
  neg(): NumExpr<N>
  abs(): NumExpr<N>
  ceil(): NumExpr<N>
  floor(): NumExpr<N>
  /**
   * Rounds the exact value to decimal digits; a half goes to the even neighbour, as in Python: 2.5 becomes 2.
   * @param digits negative for tens, hundreds … @default 0
   */
  round(digits?: Arg<number>): NumExpr<N>
  /** Null of a negative number. */
  sqrt(): NumExpr<null>
  /** e to this power. */
  exp(): NumExpr<N>
  /** The logarithm, natural without a base; null unless this is positive. */
  log(base?: Arg<number>): NumExpr<null>
  /** The logarithm to base 10; null unless this is positive. */
  log10(): NumExpr<null>
  /** Bitwise, as 64-bit two's complement; null for a fraction. */
  bitAnd(value: Arg<number>): NumExpr<null>
  bitOr(value: Arg<number>): NumExpr<null>
  bitXor(value: Arg<number>): NumExpr<null>
}

/** A 64-bit integer. What exceeds 64 bits, or meets a fraction, gives null. */
export interface BigintExpr<out N extends null = never> extends OrdExpr<bigint, bigint | number, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<bigint>): BigintExpr
  /** Null where this equals `value`. */
  nullIf(value: Arg<bigint | number>): BigintExpr<null>
  add(value: Arg<bigint | number>): BigintExpr<N>
  sub(value: Arg<bigint | number>): BigintExpr<N>
  mul(value: Arg<bigint | number>): BigintExpr<N>
  /** Always a float; null when `value` is zero. */
  div(value: Arg<bigint | number>): NumExpr<null>
  /** The quotient rounded down; null when `value` is zero. */
  floorDiv(value: Arg<bigint | number>): BigintExpr<null>
  /** The remainder with the sign of this; null when `value` is zero. */
  mod(value: Arg<bigint | number>): BigintExpr<null>
  /** Null for a negative exponent. */
  pow(exponent: Arg<bigint | number>): BigintExpr<null>
  neg(): BigintExpr<N>
  abs(): BigintExpr<N>
  bitAnd(value: Arg<bigint | number>): BigintExpr<null>
  bitOr(value: Arg<bigint | number>): BigintExpr<null>
  bitXor(value: Arg<bigint | number>): BigintExpr<null>
}

/** A regular expression in JavaScript's syntax: a `RegExp`, or text, which is read with the flag `u`. A constant. */
export type Pattern = string | RegExp

/** Text. Positions and lengths count code points, not UTF-16 units; negative positions count from the end. */
export interface StrExpr<out T extends string = string, out N extends null = never> extends OrdExpr<T, string, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<string>): StrExpr
  /** Null where this equals `value`. */
  nullIf(value: Arg<string>): StrExpr<T, null>
  /** SQL's LIKE: `%` is any text, `_` one character. Case-sensitive. */
  like(pattern: Arg<string>): BoolExpr<N>
  contains(part: Arg<string>): BoolExpr<N>
  startsWith(part: Arg<string>): BoolExpr<N>
  endsWith(part: Arg<string>): BoolExpr<N>
  concat(...parts: Arg<string>[]): StrExpr<string, N>
  upper(): StrExpr<string, N>
  lower(): StrExpr<string, N>
  /** The first character a capital, the others small. */
  capitalize(): StrExpr<string, N>
  /** Every run of letters with a capital first. */
  title(): StrExpr<string, N>
  swapCase(): StrExpr<string, N>
  /** For comparison without case: `ß` and `SS` are both `ss`. */
  caseFold(): StrExpr<string, N>
  /** Without white space, or any of the characters, at both ends. */
  trim(characters?: Arg<string>): StrExpr<string, N>
  trimStart(characters?: Arg<string>): StrExpr<string, N>
  trimEnd(characters?: Arg<string>): StrExpr<string, N>
  /** Filled at the start to a width in characters. @param fill @default ' ' */
  padStart(width: Arg<number>, fill?: Arg<string>): StrExpr<string, N>
  /** Filled at the end to a width in characters. @param fill @default ' ' */
  padEnd(width: Arg<number>, fill?: Arg<string>): StrExpr<string, N>
  /** Filled at both ends to a width in characters. @param fill @default ' ' */
  center(width: Arg<number>, fill?: Arg<string>): StrExpr<string, N>
  /** Filled with zeros to a width in characters, behind a sign. */
  zfill(width: Arg<number>): StrExpr<string, N>
  repeat(n: Arg<number>): StrExpr<string, N>
  reverse(): StrExpr<string, N>
  /** Number of characters (code points). */
  length(): NumExpr<N>
  /** How often a part occurs without overlap, or a RegExp matches. */
  count(part: Arg<string> | RegExp): NumExpr<N>
  /** The first position of a part, searched from `start` to before `end`; −1 where there is none. */
  indexOf(part: Arg<string>, start?: Arg<number>, end?: Arg<number>): NumExpr<N>
  /** The last position of a part, searched from `start` to before `end`; −1 where there is none. */
  lastIndexOf(part: Arg<string>, start?: Arg<number>, end?: Arg<number>): NumExpr<N>
  /** The characters from `start` to before `end`. @param step not 0; negative goes backwards @default 1 */
  slice(start?: Arg<number>, end?: Arg<number>, step?: Arg<number>): StrExpr<string, N>
  /** With the characters from `start` to before `end` replaced. @param by @default '' */
  sliceReplace(start?: Arg<number>, end?: Arg<number>, by?: Arg<string>): StrExpr<string, N>
  /** With every occurrence of a part, or the first `count`, replaced. */
  replaceAll(part: Arg<string>, by: Arg<string>, count?: Arg<number>): StrExpr<string, N>
  removePrefix(part: Arg<string>): StrExpr<string, N>
  removeSuffix(part: Arg<string>): StrExpr<string, N>
  /** In a Unicode normal form. @default 'NFC' */
  normalize(form?: 'NFC' | 'NFD' | 'NFKC' | 'NFKD'): StrExpr<string, N>
  /** The parts between separators, or between runs of white space. After `limit` cuts the rest stays whole. */
  split(separator?: Arg<string>, limit?: Arg<number>): ListExpr<string, N>
  /** As `split`, with the cuts counted from the end. */
  splitLast(separator?: Arg<string>, limit?: Arg<number>): ListExpr<string, N>
  /** The lines. @param keepEnds whether they keep what ends them @default false */
  splitLines(keepEnds?: Arg<boolean>): ListExpr<string, N>
  /** What stands before the first separator, the separator, and what stands behind it. @param separator @default ' ' */
  partition(separator?: Arg<string>): ListExpr<string, N>
  /** As `partition`, at the last separator. */
  partitionLast(separator?: Arg<string>): ListExpr<string, N>
  /** A paragraph as lines of at most `width` characters (at least 1). */
  wrap(width: Arg<number>): ListExpr<string, N>
  /** The lines of `wrap` as one text. */
  fill(width: Arg<number>): StrExpr<string, N>
  /**
   * This as a template in Python's format syntax, filled in: `{}`, `{0}`, `{name}`, `{:>8.2f}`. Null where it asks for a
   * value that is not given, or for a form that the value does not have.
   */
  formatWith(values: Readonly<Record<string, unknown>>): StrExpr<string, null>
  formatWith(...values: unknown[]): StrExpr<string, null>
  /** Whether a regular expression matches anywhere. */
  matches(pattern: Pattern): BoolExpr<N>
  /** Whether a regular expression matches at the start. */
  matchesStart(pattern: Pattern): BoolExpr<N>
  /** Whether a regular expression matches the whole text. */
  matchesWhole(pattern: Pattern): BoolExpr<N>
  /** Every match: its text, or its one group, or a list of its groups. */
  findAll(pattern: Pattern): ListExpr<any, N>
  /** With every match replaced; `$1` or `$<name>` in `by` is a group. */
  replaceRegex(pattern: Pattern, by: Arg<string>): StrExpr<string, N>
  /** Whether there is text and all of it is letters or digits. */
  isAlnum(): BoolExpr<N>
  /** Whether there is text and all of it is letters. */
  isAlpha(): BoolExpr<N>
  /** Whether all is ASCII; true for no text. */
  isAscii(): BoolExpr<N>
  /** Whether there is text and all of it is decimal digits. */
  isDecimal(): BoolExpr<N>
  /** As `isDecimal`, with superscripts and the like. */
  isDigit(): BoolExpr<N>
  /** Whether this could be the name of a variable. */
  isIdentifier(): BoolExpr<N>
  /** Whether there are small letters and no capitals. */
  isLower(): BoolExpr<N>
  /** As `isDigit`, with fractions, roman and ideographic numbers. */
  isNumeric(): BoolExpr<N>
  /** Whether there is text and all of it is white space. */
  isSpace(): BoolExpr<N>
  /** Whether every run of letters begins with a capital, and no other letter is one. */
  isTitle(): BoolExpr<N>
  /** Whether there are capitals and no small letters. */
  isUpper(): BoolExpr<N>
  /** A UUID as 32 hexadecimal digits. */
  hex(): StrExpr<string, N>
}

/** True or false. Combine with these methods: `&&`, `||` and `!` cannot see into an expression. */
export interface BoolExpr<out N extends null = never> extends EqExpr<boolean, boolean, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<boolean>): BoolExpr
  /** Null where this equals `value`. */
  nullIf(value: Arg<boolean>): BoolExpr<null>
  and(other: Arg<boolean | null>): BoolExpr<null>
  or(other: Arg<boolean | null>): BoolExpr<null>
  not(): BoolExpr<N>
}

/** What the calendar says of a day. */
interface CalendarExpr<out T, V, out N extends null> extends OrdExpr<T, V, N> {
  year(): NumExpr<N>
  /** 1 to 12. */
  month(): NumExpr<N>
  /** Of the month, 1 to 31. */
  day(): NumExpr<N>
  /** 0 for Monday to 6 for Sunday. */
  weekday(): NumExpr<N>
  /** 1 for Monday to 7 for Sunday. */
  isoWeekday(): NumExpr<N>
  /** The week of ISO 8601 and the year it belongs to. */
  isoCalendar(): JsonExpr<{ year: number; week: number; weekday: number }, N>
  /** The number of the day, 1 for 1 January of the year 1. */
  toOrdinal(): NumExpr<N>
  /** As text by the codes of C's strftime, such as `%Y-%m-%d %H:%M`, in English. */
  strftime(format: Arg<string>): StrExpr<string, N>
}

/** A part of a date. */
export interface DateFields {
  readonly year?: Arg<number>
  /** 1 to 12. */
  readonly month?: Arg<number>
  /** 1 to 31. */
  readonly day?: Arg<number>
}

/** A part of a date or of a time of day. */
export interface TimeFields extends DateFields {
  /** 0 to 23. */
  readonly hour?: Arg<number>
  /** 0 to 59. */
  readonly minute?: Arg<number>
  /** 0 to 59. */
  readonly second?: Arg<number>
  /** 0 to 999,999; a `Date` keeps the thousands. */
  readonly microsecond?: Arg<number>
}

interface ClockExpr<out N extends null> extends CalendarExpr<Date, Date, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<Date>): TimestampExpr
  /** Null where this equals `value`. */
  nullIf(value: Arg<Date>): TimestampExpr<null>
  hour(): NumExpr<N>
  minute(): NumExpr<N>
  second(): NumExpr<N>
  /** The microseconds of the second, of which a `Date` holds the thousands. */
  microsecond(): NumExpr<N>
  /** The calendar day. */
  date(): DateExpr<N>
  /** Seconds since 1970 in UTC. */
  posixTimestamp(): NumExpr<N>
  /**
   * As ISO 8601 text with the offset of the zone.
   * @param separator between date and time @default 'T'
   * @param precision what ends it; `auto` is seconds, or microseconds where there is a fraction @default 'auto'
   */
  isoFormat(
    separator?: Arg<string>,
    precision?: 'auto' | 'hours' | 'minutes' | 'seconds' | 'milliseconds' | 'microseconds',
  ): StrExpr<string, N>
  /** What the clock shows, as an instant of UTC. */
  withoutZone(): TimestampExpr<null>
  /**
   * The same instant on the clock of an IANA time zone.
   * @throws QueryError for a constant that is no zone; one of a row gives null
   */
  inZone(zone: Arg<string>): ZonedExpr<N>
}

/** An instant; compares with a `Date`. Its parts are those in UTC: `inZone` chooses another clock. */
export interface TimestampExpr<out N extends null = never> extends ClockExpr<N> {
  /** So many days later; null beyond the year 9999. */
  addDays(days: Arg<number>): TimestampExpr<null>
  /** With some parts changed; null where there is no such time, as on 31 February. */
  replace(fields: TimeFields): TimestampExpr<null>
}

/** An instant on the clock of a time zone. It still is that instant; its parts and its text are the clock's. */
export interface ZonedExpr<out N extends null = never> extends ClockExpr<N> {
  /** So many days later at the same time on the clock; null beyond the year 9999. */
  addDays(days: Arg<number>): ZonedExpr<null>
  /**
   * With some parts changed; null where there is no such time. An hour that comes twice is the first of them, one that is
   * left out is read with the offset before the change.
   */
  replace(fields: TimeFields): ZonedExpr<null>
}

/** A calendar day; compares with text `YYYY-MM-DD`. */
export interface DateExpr<out N extends null = never> extends CalendarExpr<PlainDate, string, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<PlainDate>): DateExpr
  /** Null where this equals `value`. */
  nullIf(value: Arg<PlainDate>): DateExpr<null>
  /** The text `YYYY-MM-DD`. */
  isoFormat(): StrExpr<string, N>
  /** So many days later; null beyond the year 9999. */
  addDays(days: Arg<number>): DateExpr<null>
  /** With some parts changed; null where there is no such day, as 31 February. */
  replace(fields: DateFields): DateExpr<null>
}

/** What all JSON has. Where a value is not of the kind that a method works on, the result is null. */
interface JsonMethods<out T, out N extends null> extends Expr<T | N> {
  /** Equal in kind and value; null where the value is of another kind. */
  eq(value: Arg<unknown>): BoolExpr<null>
  ne(value: Arg<unknown>): BoolExpr<null>
  in(values: readonly unknown[] | Subquery<unknown>): BoolExpr<null>
  gt(value: Arg<unknown>): BoolExpr<null>
  gte(value: Arg<unknown>): BoolExpr<null>
  lt(value: Arg<unknown>): BoolExpr<null>
  lte(value: Arg<unknown>): BoolExpr<null>
  between(low: Arg<unknown>, high: Arg<unknown>): BoolExpr<null>
  /** This, or `value` where it is null. */
  coalesce<U>(value: Arg<U>): ExprFor<T | U>
  /** Null where this equals `value`. */
  nullIf<U = T>(value: Arg<unknown>): ExprFor<NoInfer<U> | null>
  /** Elements of a list, keys of an object, characters of a text. */
  length(): NumExpr<null>
  /** Whether a list, an object or a text has nothing in it. */
  isEmpty(): BoolExpr<null>
  /** As JSON text, without spaces. */
  stringify(): StrExpr<string, N>
}

/** JSON that is an object, or not known to be a list. A path that does not exist yields null. */
export interface JsonExpr<out T, out N extends null = never> extends JsonMethods<T, N> {
  /** The value at a key of an object or, with a number, at an index of an array (negative from the end). */
  get<K extends keyof NotNull<T> & (string | number), M extends null = N>(key: K): ExprFor<NotNull<T>[K] | NoInfer<M>>
  /** Whether an object has a key. */
  contains(key: Arg<string>): BoolExpr<null>
  keys(): ListExpr<string, N>
  values(): ListExpr<any, N>
  /** Keys and values as pairs. */
  entries(): ListExpr<[string, any], N>
  /** One object with the keys of all; a later one's value wins. */
  merge<U>(...objects: Arg<U>[]): JsonExpr<T & U, null>
}

interface ListMethods<out E, out N extends null> extends JsonMethods<E[], N> {
  length(): NumExpr<N>
  isEmpty(): BoolExpr<N>
  /** Whether an element equals `value`. */
  contains(value: Arg<unknown>): BoolExpr<N>
  /** The elements from `start` to before `end`; negative positions count from the end. @param step @default 1 */
  slice(start?: Arg<number>, end?: Arg<number>, step?: Arg<number>): ListExpr<E, N>
  reverse(): ListExpr<E, N>
  /** The elements of this and of other lists. */
  concat<F = E>(...lists: Arg<readonly F[]>[]): ListExpr<E | F, N>
  /** With the elements of lists within the list in their place. @param depth how deep @default 1 */
  flatten(depth?: Arg<number>): ListExpr<any, N>
  /** The elements as one text, without nulls; null where one is a list or an object. @param separator @default '' */
  join(separator?: Arg<string>): StrExpr<string, null>
  /** The elements that are not null. */
  count(): NumExpr<N>
  /** Of a list of numbers, 0 for none. Nulls are left out. */
  sum(): NumExpr<null>
  /** Of a list of numbers, null for none. Nulls are left out. */
  mean(): NumExpr<null>
  /** The least number or text; null for none, and for mixed kinds. */
  min<V = E>(): ExprFor<NoInfer<V> | null>
  /** The greatest number or text; null for none, and for mixed kinds. */
  max<V = E>(): ExprFor<NoInfer<V> | null>
  /** A value for each element. The function may use the row's columns, and take lists of elements apart in turn. */
  map<U, V = E>(value: (element: ExprFor<NoInfer<V>>) => Arg<U>): ListExpr<U, N>
  /** The elements for which a predicate holds. */
  filter<V = E>(predicate: (element: ExprFor<NoInfer<V>>) => Expr<boolean | null>): ListExpr<E, N>
  /** The elements by a key or several (by themselves without one); equal ones keep their order, nulls come last. */
  sortBy<V = E>(
    key?: (element: ExprFor<NoInfer<V>>) => Expr<any> | Order | readonly (Expr<any> | Order)[],
  ): ListExpr<E, N>
  /** Each element: `c.boxes.all().get('label')` is a list with the label of every box, null where there is none. */
  all(): ProjectionExpr<E, N>
}

/** A JSON array. (Type parameters `V` are `E`, and `M` are `N`; they are there so that covariance can be proved.) */
export interface ListExpr<out E, out N extends null = never> extends ListMethods<E, N> {
  /** The element at an index, negative from the end; null where there is none. */
  get<V = E>(index: number): ExprFor<NoInfer<V> | null>
}

/** A JSON array of which a path is taken into every element. */
export interface ProjectionExpr<out E, out N extends null = never> extends ListMethods<E, N> {
  /** The list of what every element has at a key or index. */
  get<K extends keyof NotNull<E> & (string | number)>(key: K): ProjectionExpr<NotNull<E>[K] | NullOf<E>, N>
}

/** An array or vector of numbers. */
export interface ArrayExpr<out T, out N extends null = never> extends Expr<T | N> {
  /** The length of the first dimension. */
  length(): NumExpr<N>
  /** The length of each dimension. */
  shape(): ListExpr<number, N>
  /** Nested lists of numbers. */
  toList(): ListExpr<any, N>
  /** An element, or with fewer indices than dimensions a part as lists; negative from the end; null outside. */
  at(...indices: Arg<number>[]): AnyExpr
}

/** A media file and what is known of it. */
export interface MediaExpr<out N extends null = never> extends Expr<Media | N> {
  readonly url: StrExpr<string, N>
  readonly mime: StrExpr<string, N>
  /** Bytes. */
  readonly size: NumExpr<N>
  readonly sha256: StrExpr<string, N>
  /** Original file name. */
  readonly name: StrExpr<string, null>
  /** The local path, where the file is a reference to one. */
  readonly path: StrExpr<string, null>
  /** Pixels; images only. */
  readonly width: NumExpr<null>
  /** Pixels; images only. */
  readonly height: NumExpr<null>
  /** The codec's own word, such as `jpeg`; images only. */
  readonly format: StrExpr<string, null>
}

type PropertyName = Exclude<keyof MediaExpr, keyof Expr<any>>
type MethodName = Exclude<
  | keyof NumExpr
  | keyof BigintExpr
  | keyof StrExpr
  | keyof BoolExpr
  | keyof TimestampExpr
  | keyof DateExpr
  | keyof JsonExpr<any>
  | keyof ListExpr<any>
  | keyof ArrayExpr<any>,
  keyof Expr<any>
>
type AnyMethods = { [K in MethodName]: (...args: any[]) => AnyExpr }
type AnyProperties = { readonly [K in PropertyName]: AnyExpr }

/** An expression of unknown type: a column of a table that was opened without its schema. Every method is there. */
export interface AnyExpr extends Expr<any>, AnyMethods, AnyProperties {}

/** JSON without a schema. Every method is there; the value is `unknown`. */
export interface UnknownExpr extends Expr<unknown>, AnyMethods, AnyProperties {}

type Nothing = null | undefined

/** Picks the interface for a value type: one shallow conditional a column, evaluated lazily. */
export type ExprFor<T> = 0 extends 1 & T
  ? AnyExpr
  : unknown extends T
    ? UnknownExpr
    : [T] extends [number | Nothing]
      ? NumExpr<NullOf<T>>
      : [T] extends [PlainDate | Nothing]
        ? DateExpr<NullOf<T>>
        : [T] extends [string | Nothing]
          ? StrExpr<NotNull<T> & string, NullOf<T>>
          : [T] extends [boolean | Nothing]
            ? BoolExpr<NullOf<T>>
            : [T] extends [bigint | Nothing]
              ? BigintExpr<NullOf<T>>
              : [T] extends [Date | Nothing]
                ? TimestampExpr<NullOf<T>>
                : [T] extends [Media | Nothing]
                  ? MediaExpr<NullOf<T>>
                  : [T] extends [NdArray | Float32Array | Nothing]
                    ? ArrayExpr<NotNull<T>, NullOf<T>>
                    : [T] extends [ArrayBufferView | Nothing]
                      ? Expr<T>
                      : [T] extends [readonly (infer E)[] | Nothing]
                        ? ListExpr<E, NullOf<T>>
                        : JsonExpr<NotNull<T>, NullOf<T>>

/** The columns of a row as expressions, and its row id. */
export type Refs<R> = { readonly [K in keyof R]-?: ExprFor<R[K]> } & { readonly _rowid: NumExpr }

/** The JavaScript value that an expression yields. */
export type TypeOf<E> = E extends { readonly $type?: infer T | undefined } ? T : never
