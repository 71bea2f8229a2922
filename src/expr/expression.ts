import { NotFoundError, QueryError } from '../errors.js'
import { type ColumnType, describeValue, type OperatorGroup } from '../types/column-type.js'
import type { Media } from '../types/media.js'
import type { PlainDate } from '../types/temporal.js'
import { childrenOf, literal, type Node } from './node.js'
import { operators } from './operators.js'

// ------------------------------------------------------------------------------------------------- what users see

type NotNull<T> = T & {}
/** `null` when `T` admits it, else `never`. */
export type NullOf<T> = null extends T ? null : never
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
  /** Sorts by this, smallest first; nulls last, or first. */
  asc(options?: OrderOptions): Order
  /** Sorts by this, largest first; nulls last, or first. */
  desc(options?: OrderOptions): Order
}

/** Options of a sort key. */
export interface OrderOptions {
  /** Where nulls come. @default 'last' */
  readonly nulls?: 'first' | 'last'
}

/** One key of a sort order. */
export interface Order {
  readonly node: Node
  readonly direction: 'asc' | 'desc'
  readonly nulls?: 'first' | 'last'
}

/**
 * An expression that compares with values of type `V`. `N` is `null` where it may be null: its own parameter, so that
 * results stay null-aware without a conditional type and every interface is provably covariant.
 */
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

/** A number. `N` is `null` where it may be null, so that results stay null-aware. */
export interface NumExpr<out N extends null = never> extends OrdExpr<number, number, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<number>): NumExpr
  add(value: Arg<number>): NumExpr<N>
  sub(value: Arg<number>): NumExpr<N>
  mul(value: Arg<number>): NumExpr<N>
  /** Always a float; null when `value` is zero. */
  div(value: Arg<number>): NumExpr<null>
  /** The remainder with the sign of this; null when `value` is zero. */
  mod(value: Arg<number>): NumExpr<null>
  neg(): NumExpr<N>
}

/** A 64-bit integer. */
export interface BigintExpr<out N extends null = never> extends OrdExpr<bigint, bigint | number, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<bigint>): BigintExpr
  add(value: Arg<bigint | number>): BigintExpr<N>
  sub(value: Arg<bigint | number>): BigintExpr<N>
  mul(value: Arg<bigint | number>): BigintExpr<N>
}

/** Text. */
export interface StrExpr<out T extends string = string, out N extends null = never> extends OrdExpr<T, string, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<string>): StrExpr
  /** SQL's LIKE: `%` is any text, `_` one character. Case-sensitive. */
  like(pattern: Arg<string>): BoolExpr<N>
  contains(part: Arg<string>): BoolExpr<N>
  startsWith(part: Arg<string>): BoolExpr<N>
  endsWith(part: Arg<string>): BoolExpr<N>
  concat(...parts: Arg<string>[]): StrExpr<string, N>
  upper(): StrExpr<string, N>
  lower(): StrExpr<string, N>
  /** Without white space at both ends. */
  trim(): StrExpr<string, N>
  /** Number of characters (code points). */
  length(): NumExpr<N>
}

/** True or false. Combine with these methods: `&&`, `||` and `!` cannot see into an expression. */
export interface BoolExpr<out N extends null = never> extends EqExpr<boolean, boolean, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<boolean>): BoolExpr
  and(other: Arg<boolean | null>): BoolExpr<null>
  or(other: Arg<boolean | null>): BoolExpr<null>
  not(): BoolExpr<N>
}

/** An instant; compares with a `Date`. */
export interface TimestampExpr<out N extends null = never> extends OrdExpr<Date, Date, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<Date>): TimestampExpr
}
/** A calendar day; compares with text `YYYY-MM-DD`. */
export interface DateExpr<out N extends null = never> extends OrdExpr<PlainDate, string, N> {
  /** This, or `value` where it is null. */
  coalesce(value: Arg<PlainDate>): DateExpr
}

/** JSON. A path that does not exist yields null. */
export interface JsonExpr<out T> extends Expr<T> {
  /** Equal in kind and value; null where the value is of another kind. */
  eq(value: Arg<unknown>): BoolExpr<null>
  ne(value: Arg<unknown>): BoolExpr<null>
  in(values: readonly unknown[] | Subquery<unknown>): BoolExpr<null>
  gt(value: Arg<unknown>): BoolExpr<null>
  gte(value: Arg<unknown>): BoolExpr<null>
  lt(value: Arg<unknown>): BoolExpr<null>
  lte(value: Arg<unknown>): BoolExpr<null>
  between(low: Arg<unknown>, high: Arg<unknown>): BoolExpr<null>
  /** The value at a key of an object or, with a number, at an index of an array (negative from the end). */
  get<K extends keyof NotNull<T> & (string | number)>(key: K): ExprFor<NotNull<T>[K] | NullOf<T>>
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
  /** Pixels; images only. */
  readonly width: NumExpr<null>
  /** Pixels; images only. */
  readonly height: NumExpr<null>
  /** The codec's own word, such as `jpeg`; images only. */
  readonly format: StrExpr<string, null>
}

/** Picks the interface for a value type: one shallow conditional a column, evaluated lazily. */
export type ExprFor<T> = 0 extends 1 & T
  ? AnyExpr
  : [T] extends [number | null]
    ? NumExpr<NullOf<T>>
    : [T] extends [PlainDate | null]
      ? DateExpr<NullOf<T>>
      : [T] extends [string | null]
        ? StrExpr<NotNull<T> & string, NullOf<T>>
        : [T] extends [boolean | null]
          ? BoolExpr<NullOf<T>>
          : [T] extends [bigint | null]
            ? BigintExpr<NullOf<T>>
            : [T] extends [Date | null]
              ? TimestampExpr<NullOf<T>>
              : [T] extends [Media | null]
                ? MediaExpr<NullOf<T>>
                : [T] extends [ArrayBufferView | null]
                  ? Expr<T>
                  : JsonExpr<T>

/** An expression of unknown type: a column of a table that was opened without its schema. Every method is there. */
export type AnyExpr = Expression & Expr<any>

/** The columns of a row as expressions, and its row id. */
export type Refs<R> = { readonly [K in keyof R]-?: ExprFor<R[K]> } & { readonly _rowid: NumExpr }

/** The JavaScript value that an expression yields. */
export type TypeOf<E> = E extends { readonly $type?: infer T | undefined } ? T : never

/** What makes a query usable inside an expression of another. */
export const subquery: unique symbol = Symbol('pixeltable.subquery')

/** A query, as expressions take it. `O` is the row that it returns. */
export interface Subquery<out O> {
  /** Phantom type, for inference only. */
  readonly $out?: O
  /** @internal The query, and how many columns it returns. */
  [subquery](): { readonly query: object; readonly columns: number }
}

// ------------------------------------------------------------------------------------------------- how it works

/** What the predicate-scope check has seen being built, while a `where` callback runs. */
let scope: Set<Node> | undefined

/**
 * The one class behind all expression interfaces. It has every method; TypeScript shows those that fit the type, and
 * `check` refuses the others at run time where the type is known.
 */
export class Expression {
  declare readonly $type?: any
  readonly node: Node
  /** The column's type, where this is a column. */
  readonly #type: ColumnType | undefined

  constructor(node: Node, type?: ColumnType) {
    this.node = node
    this.#type = type
    Object.freeze(this)
  }

  /** @internal The type, where this is a column. */
  get columnType(): ColumnType | undefined {
    return this.#type
  }

  eq(value: unknown) {
    return this.#call('eq', value)
  }
  ne(value: unknown) {
    return this.#call('ne', value)
  }
  gt(value: unknown) {
    return this.#call('gt', value)
  }
  gte(value: unknown) {
    return this.#call('gte', value)
  }
  lt(value: unknown) {
    return this.#call('lt', value)
  }
  lte(value: unknown) {
    return this.#call('lte', value)
  }
  between(low: unknown, high: unknown) {
    return this.#call('between', low, high)
  }
  isNull() {
    return this.#call('isNull')
  }
  isNotNull() {
    return this.#call('isNotNull')
  }
  coalesce(value: unknown) {
    return this.#call('coalesce', value)
  }
  and(other: unknown) {
    return this.#call('and', other)
  }
  or(other: unknown) {
    return this.#call('or', other)
  }
  not() {
    return this.#call('not')
  }
  add(value: unknown) {
    return this.#call('add', value)
  }
  sub(value: unknown) {
    return this.#call('sub', value)
  }
  mul(value: unknown) {
    return this.#call('mul', value)
  }
  div(value: unknown) {
    return this.#call('div', value)
  }
  mod(value: unknown) {
    return this.#call('mod', value)
  }
  neg() {
    return this.#call('neg')
  }
  like(pattern: unknown) {
    return this.#call('like', pattern)
  }
  contains(part: unknown) {
    return this.#call('contains', part)
  }
  startsWith(part: unknown) {
    return this.#call('startsWith', part)
  }
  endsWith(part: unknown) {
    return this.#call('endsWith', part)
  }
  concat(...parts: unknown[]) {
    return this.#call('concat', ...parts)
  }
  upper() {
    return this.#call('upper')
  }
  lower() {
    return this.#call('lower')
  }
  trim() {
    return this.#call('trim')
  }
  length() {
    return this.#call('length')
  }
  get url() {
    return this.#call('media.url')
  }
  get mime() {
    return this.#call('media.mime')
  }
  get size() {
    return this.#call('media.size')
  }
  get sha256() {
    return this.#call('media.sha256')
  }
  get name() {
    return this.#call('media.name')
  }
  get width() {
    return this.#call('media.width')
  }
  get height() {
    return this.#call('media.height')
  }
  get format() {
    return this.#call('media.format')
  }

  in(values: readonly unknown[] | Subquery<unknown>): AnyExpr {
    if (isSubquery(values)) return inSubquery(this.node, values)
    if (!Array.isArray(values)) {
      throw new QueryError(`in(): expected an array of values or a query, got ${describeValue(values)}`)
    }
    return this.#call('in', ...values)
  }

  get(key: string | number): AnyExpr {
    if (typeof key !== 'string' && !Number.isSafeInteger(key)) {
      throw new QueryError(`get(): expected a key or an index, got ${describeValue(key)}`)
    }
    return this.#call('get', key)
  }

  asc(options?: OrderOptions): Order {
    return this.#order('asc', options)
  }

  desc(options?: OrderOptions): Order {
    return this.#order('desc', options)
  }

  #order(direction: 'asc' | 'desc', { nulls }: OrderOptions = {}): Order {
    if (nulls !== undefined && nulls !== 'first' && nulls !== 'last') {
      throw new QueryError(`${direction}(): nulls: expected 'first' or 'last', got ${describeValue(nulls)}`)
    }
    return Object.freeze({ node: this.node, direction, ...(nulls === undefined ? {} : { nulls }) })
  }

  /** `c.stars > 3` would compare objects; say so instead. */
  [Symbol.toPrimitive](): never {
    throw new QueryError('an expression is not a value: write c.stars.gt(3), not c.stars > 3, and sql`…` for SQL text')
  }

  #call(name: string, ...args: unknown[]): AnyExpr {
    const operator = operators[name]!
    const group = operator.operands[0]!
    if (this.#type !== undefined && group !== 'any' && !this.#type.operators.includes(group)) {
      const column = this.node.kind === 'column' ? ` '${this.node.name}'` : ''
      throw new QueryError(`${name}() does not work on the ${this.#type.name} column${column}`)
    }
    return callOperator(name, [this.node, ...args.map((arg) => toNode(arg, `${name}()`))])
  }
}

const isSubquery = (value: unknown): value is Subquery<unknown> =>
  typeof value === 'object' && value !== null && subquery in value

function inSubquery(value: Node, rows: Subquery<unknown>): AnyExpr {
  const { query, columns } = rows[subquery]()
  if (columns !== 1)
    throw new QueryError(`in(): expected a query of one column, got one of ${columns}: select the one that is meant`)
  const node: Node = Object.freeze({ kind: 'subquery', test: 'in', args: Object.freeze([value]), query })
  scope?.add(node)
  return new Expression(node) as AnyExpr
}

/**
 * Whether a query has a row. Its conditions may use columns of the query around it.
 *
 * @throws QueryError when it is given no query
 * @example
 * ```ts
 * import { exists, Pixeltable, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const films = await pxt.createTable('films', { id: t.int(), title: t.string() })
 * const reviews = await pxt.createTable('reviews', { film: t.int(), stars: t.int() })
 * await films.insert([{ id: 1, title: 'Alien' }, { id: 2, title: 'Heat' }])
 * await reviews.insert([{ film: 2, stars: 5 }])
 * const praised = films.where((f) => exists(reviews.where((r) => r.film.eq(f.id).and(r.stars.gt(4)))))
 * console.log(await praised.select('title').collect()) // [{ title: 'Heat' }]
 * ```
 */
export function exists(rows: Subquery<unknown>): BoolExpr {
  if (!isSubquery(rows)) throw new QueryError(`exists(): expected a query, got ${describeValue(rows)}`)
  const node: Node = Object.freeze({
    kind: 'subquery',
    test: 'exists',
    args: Object.freeze([]),
    query: rows[subquery]().query,
  })
  scope?.add(node)
  return new Expression(node) as unknown as BoolExpr
}

function callOperator(operator: string, args: readonly Node[]): AnyExpr {
  const node: Node = Object.freeze({ kind: 'call', operator, args: Object.freeze(args) })
  if (scope && operators[operator]!.result([]) === operators.eq!.result([])) scope.add(node)
  return new Expression(node) as AnyExpr
}

/**
 * The node of an argument.
 * @throws QueryError for `undefined`, which in a filter would silently widen it
 */
export function toNode(value: unknown, where: string): Node {
  if (isExpression(value)) return value.node
  if (value === undefined) {
    throw new QueryError(`${where}: got undefined. Leave the condition out, or compare with isNull()`)
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new QueryError(`${where}: expected a value or an expression, got ${describeValue(value)}`)
  }
  return literal(value)
}

/**
 * The node of an operand of a kind.
 * @throws QueryError when it is a column of another type
 */
export function operandNode(value: unknown, group: OperatorGroup | 'any', where: string): Node {
  const type = value instanceof Expression ? value.columnType : undefined
  if (type !== undefined && group !== 'any' && !type.operators.includes(group)) {
    const { node } = value as Expression
    throw new QueryError(
      `${where} does not work on the ${type.name} column${node.kind === 'column' ? ` '${node.name}'` : ''}`,
    )
  }
  return toNode(value, where)
}

/** Whether a value is an expression. */
export function isExpression(value: unknown): value is Expression {
  return value instanceof Expression
}

/** Wraps a node for users. */
export function expression<E = AnyExpr>(node: Node, type?: ColumnType): E {
  return new Expression(Object.freeze(node), type) as E
}

/** Joins predicates with AND; undefined for none. */
export function conjunction(predicates: readonly Node[]): Node | undefined {
  return predicates.length === 0 ? undefined : predicates.reduce((a, b) => callOperator('and', [a, b]).node)
}

/** A callback's parameter: the columns and nothing else, so that no column name can collide with a method. */
export function makeRefs(
  columns: Iterable<readonly [string, Expression]>,
  owner: string,
  rowid: Expression | undefined,
): Record<string, Expression> {
  const refs: Record<string, Expression> = Object.create(null)
  Object.defineProperty(refs, '_rowid', {
    get: () => {
      if (rowid) return rowid
      throw new QueryError(`${owner}: only the rows of a table have row ids`)
    },
  })
  for (const [name, column] of columns) Object.defineProperty(refs, name, { get: () => column, enumerable: true })
  return new Proxy(refs, {
    get(target, key) {
      if (typeof key === 'symbol' || key in target) return target[key as string]
      throw new NotFoundError(`${owner} has no column '${key}'. It has: ${Object.keys(target).join(', ')}`)
    },
  })
}

/**
 * Runs a `where` callback and checks that every predicate built in it reaches the result:
 * `c.a.gt(3) && c.b.isNotNull()` compiles, and silently drops its left side.
 */
export function predicateOf(callback: (refs: never) => unknown, refs: unknown): Node {
  const outer = scope
  const built = new Set<Node>()
  scope = built
  let result: unknown
  try {
    result = (callback as (refs: unknown) => unknown)(refs)
  } finally {
    scope = outer
  }
  if (!isExpression(result)) {
    throw new QueryError(`where(): expected the callback to return a predicate, got ${describeValue(result)}`)
  }
  const reached = new Set<Node>()
  const walk = (node: Node): void => {
    reached.add(node)
    childrenOf(node).forEach(walk)
  }
  walk(result.node)
  for (const node of built) {
    if (!reached.has(node)) {
      throw new QueryError(
        'where(): a predicate was built but is not part of the result. Combine predicates with .and(), .or() and .not(), not with &&, || and !',
      )
    }
  }
  return result.node
}
