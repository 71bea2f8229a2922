import type { ExportOptions, ExportResult } from '../compute/export.js'
import { type CsvExportOptions, exportAsBytes, exportAsText } from '../compute/file-formats.js'
import { NotFoundError, QueryError } from '../errors.js'
import {
  type Arg,
  type Expr,
  type Expression,
  expression,
  isExpression,
  makeRefs,
  type Order,
  type Refs,
  type TypeOf,
  toNode,
} from '../expr/expression.js'
import { collect, count, type ExecuteOptions, explain, stream, toSQL } from '../plan/execute.js'
import type { QueryNode } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import type { Simplify } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import { type Condition, toPredicate } from './predicate.js'

type Selected<S> = { [K in keyof S]: TypeOf<S[K]> }

/** @internal What a query is made of; for the parts of the library that take a query as an argument. */
export const internals: unique symbol = Symbol('pixeltable.query')

/** @internal */
export interface QueryInternals {
  readonly session: Session
  readonly node: QueryNode
}

/**
 * A query over a table or view: immutable, lazy, chainable. Every method returns a new query; the verbs at the end of
 * a chain (`collect`, `first`, `count`, `stream` …) run it. `R` is the row that callbacks see, `O` the row that comes
 * out.
 *
 * @example
 * ```ts
 * import { Pixeltable, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
 * await films.insert([{ title: 'Alien', year: 1979 }, { title: 'Heat', year: 1995 }])
 * const old = films.where((c) => c.year.lt(1990)).select('title')
 * console.log(await old.collect()) // [{ title: 'Alien' }]
 * ```
 */
export class Query<in out R, out O> implements AsyncIterable<Simplify<O>> {
  /** @internal */
  readonly [internals]: QueryInternals

  /** @internal */
  constructor(parts: QueryInternals) {
    this[internals] = parts
    Object.freeze(this)
  }

  /**
   * Keeps the rows for which the condition is true. Several `where` are joined by AND.
   * @throws QueryError when a value is `undefined`, or a predicate was built and not used
   * @throws NotFoundError for an unknown column
   */
  where(condition: Condition<R>): Query<R, O> {
    const { node } = this[internals]
    return this.#with({ where: [...node.where, toPredicate(condition, this.#refs())] })
  }

  /**
   * Chooses what comes out: columns by name, or an object of expressions.
   * @throws NotFoundError for an unknown column
   */
  select<const K extends keyof R & string>(...columns: K[]): Query<R, Pick<R, K>>
  select<S extends Record<string, Expr<any>>>(columns: (c: Refs<R>) => S): Query<R, Selected<S>>
  select(...columns: unknown[]): Query<R, any> {
    const refs = this.#refs()
    const [first] = columns
    const chosen =
      typeof first === 'function'
        ? Object.entries(first(refs) as Record<string, unknown>)
        : columns.map((name) => [name, refs[name as string]] as const)
    if (chosen.length === 0) throw new QueryError('select(): expected at least one column')
    const select = chosen.map(([name, value]) => {
      if (!isExpression(value)) {
        throw new QueryError(`select(): '${String(name)}': expected an expression, got ${describeValue(value)}`)
      }
      if (name === '__proto__') throw new QueryError("select(): '__proto__' cannot be the name of a property")
      return { name: name as string, value: value.node }
    })
    return this.#with({ select })
  }

  /**
   * Sorts, by a column or by one or more keys; later calls add keys that decide ties. Nulls come last. Rows that are
   * equal in every key keep the order in which they were inserted.
   */
  orderBy(column: keyof R & string, direction?: 'asc' | 'desc'): Query<R, O>
  orderBy(keys: (c: Refs<R>) => Order | readonly Order[]): Query<R, O>
  orderBy(by: string | ((c: Refs<R>) => Order | readonly Order[]), direction: 'asc' | 'desc' = 'asc'): Query<R, O> {
    const refs = this.#refs()
    if (direction !== 'asc' && direction !== 'desc') {
      throw new QueryError(`orderBy(): expected 'asc' or 'desc', got ${describeValue(direction)}`)
    }
    const keys = typeof by === 'function' ? [by(refs as never)].flat() : [refs[by]![direction]()]
    for (const key of keys) {
      if (key?.direction === undefined) {
        throw new QueryError('orderBy(): expected keys such as c.year.asc() or c.year.desc()')
      }
    }
    return this.#with({ orderBy: [...this[internals].node.orderBy, ...(keys as Order[])] })
  }

  /** Returns at most `n` rows, a whole number of at least 0. @throws QueryError */
  limit(n: Arg<number>): Query<R, O> {
    return this.#with({ limit: rowCount(n, 'limit') })
  }

  /** Skips the first `n` rows, a whole number of at least 0. @throws QueryError */
  offset(n: Arg<number>): Query<R, O> {
    return this.#with({ offset: rowCount(n, 'offset') })
  }

  /** Leaves out rows that equal an earlier one in everything that comes out. */
  distinct(): Query<R, O> {
    return this.#with({ distinct: true })
  }

  /** Runs the query and returns all its rows. */
  async collect(options: ExecuteOptions = {}): Promise<Simplify<O>[]> {
    const { session, node } = this[internals]
    return (await collect(session, node, {}, options)) as Simplify<O>[]
  }

  /** The first row, or undefined when there is none. */
  async first(options: ExecuteOptions = {}): Promise<Simplify<O> | undefined> {
    const { limit } = this[internals].node
    // `limit(0).first()` has no first row.
    const bounded = limit?.kind === 'literal' && limit.value === 0 ? this : this.limit(1)
    return (await bounded.collect(options))[0]
  }

  /** The first row. @throws NotFoundError when there is none */
  async firstOrThrow(options: ExecuteOptions = {}): Promise<Simplify<O>> {
    const row = await this.first(options)
    if (row === undefined) throw new NotFoundError(`the query of '${this[internals].node.tableName}' has no rows`)
    return row
  }

  /** How many rows the query returns. */
  async count(options: ExecuteOptions = {}): Promise<number> {
    const { session, node } = this[internals]
    return count(session, node, {}, options)
  }

  /** The rows one by one, read in pages: neither the connection nor the result is held meanwhile. */
  stream(options: ExecuteOptions = {}): AsyncGenerator<Simplify<O>, void, undefined> {
    const { session, node } = this[internals]
    return stream(session, node, {}, options) as AsyncGenerator<Simplify<O>, void, undefined>
  }

  [Symbol.asyncIterator](): AsyncGenerator<Simplify<O>, void, undefined> {
    return this.stream()
  }

  /**
   * The rows as CSV after RFC 4180: returned as text, or streamed to a file that appears when it is complete. A null is
   * an empty cell and an empty text is `""`; JSON, arrays, vectors and media are JSON, bytes are base64, timestamps
   * ISO 8601. With the same schema `importCsv` reads back the very same rows.
   *
   * @throws NotFoundError when the directory of the path does not exist
   * @example
   * ```ts
   * import { Pixeltable, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int().nullable() })
   * await films.insert([{ title: 'Alien', year: 1979 }, { title: 'Brazil, uncut', year: null }])
   * console.log(await films.orderBy('title').toCsv())
   * ```
   */
  toCsv(options?: CsvExportOptions): Promise<string>
  toCsv(path: string | URL, options?: CsvExportOptions): Promise<ExportResult>
  toCsv(to?: string | URL | CsvExportOptions, options?: CsvExportOptions): Promise<any> {
    return exportAsText(this[internals], 'csv', to, options)
  }

  /**
   * The rows as JSON Lines, one object a line: returned as text, or streamed to a file that appears when it is complete.
   * Values are as in `toCsv`; whole numbers of any size are numbers.
   * @throws NotFoundError when the directory of the path does not exist
   */
  toJsonl(options?: ExportOptions): Promise<string>
  toJsonl(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toJsonl(to?: string | URL | ExportOptions, options?: ExportOptions): Promise<any> {
    return exportAsText(this[internals], 'jsonl', to, options as CsvExportOptions)
  }

  /**
   * The rows as one JSON array of objects; otherwise as `toJsonl`.
   * @throws NotFoundError when the directory of the path does not exist
   */
  toJson(options?: ExportOptions): Promise<string>
  toJson(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toJson(to?: string | URL | ExportOptions, options?: ExportOptions): Promise<any> {
    return exportAsText(this[internals], 'json', to, options as CsvExportOptions)
  }

  /**
   * The rows as Parquet, with the column types in its metadata: returned as bytes, or streamed to a file that appears
   * when it is complete. Vectors are lists of float32, arrays are nested lists, JSON is text of the logical type JSON.
   * `importParquet` reads back the very same rows and types.
   * @throws NotFoundError when the directory of the path does not exist
   */
  toParquet(options?: ExportOptions): Promise<Uint8Array>
  toParquet(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toParquet(to?: string | URL | ExportOptions, options?: ExportOptions): Promise<any> {
    return exportAsBytes(this[internals], 'parquet', to, options)
  }

  /**
   * The rows as an Arrow IPC stream, which DuckDB, Polars, pyarrow and `tableFromIPC` of apache-arrow read: returned as
   * bytes, or streamed to a file that appears when it is complete. The column types are in its metadata.
   *
   * @throws MissingPackageError when apache-arrow is not installed
   * @throws NotFoundError when the directory of the path does not exist
   */
  toArrow(options?: ExportOptions): Promise<Uint8Array>
  toArrow(path: string | URL, options?: ExportOptions): Promise<ExportResult>
  toArrow(to?: string | URL | ExportOptions, options?: ExportOptions): Promise<any> {
    return exportAsBytes(this[internals], 'arrow', to, options)
  }

  /** What the query does, line by line: its SQL, how the database runs it, and what runs in JavaScript. */
  async explain(): Promise<readonly string[]> {
    const { session, node } = this[internals]
    return explain(session, node, {})
  }

  /**
   * The SQL that the query runs, with its parameters. A search by text shows an empty vector, because embedding the
   * text takes the model.
   */
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] } {
    const { session, node } = this[internals]
    return toSQL(session, node, {})
  }

  #with(change: Partial<QueryNode>): Query<R, any> {
    const { session, node } = this[internals]
    return new Query({ session, node: Object.freeze({ ...node, ...change }) })
  }

  #refs(): Record<string, Expression> {
    const { session, node } = this[internals]
    return refsOf(session, node.table, node.tableName, node.search?.as)
  }
}

/** A limit or offset: a whole number now, or a parameter that will be one. */
function rowCount(n: unknown, what: string) {
  if (!isExpression(n) && !(Number.isSafeInteger(n) && (n as number) >= 0)) {
    throw new QueryError(`${what}(): expected a whole number of at least 0, got ${describeValue(n)}`)
  }
  return toNode(n, `${what}()`)
}

/** The columns of a table as a callback sees them. */
export function refsOf(session: Session, table: number, name: string, score?: string): Record<string, Expression> {
  const catalog = session.lastCatalog
  const definition = catalog.byId(table, name)
  const columns: [string, Expression][] = [...catalog.columnsOf(definition)].map(
    ([
      column,
      {
        column: { type },
      },
    ]) => [column, expression<Expression>({ kind: 'column', table, name: column }, type)],
  )
  if (score !== undefined) columns.push([score, expression<Expression>({ kind: 'score' })])
  return makeRefs(columns, `'${definition.name}'`, expression<Expression>({ kind: 'rowid', table }))
}
