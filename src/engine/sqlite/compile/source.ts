import type { TableDefinition } from '../../../catalog/definition.js'
import { type CellErrorNode, type ColumnNode, type Node, sameCalls } from '../../../expr/node.js'
import { intType } from '../../../types/scalars.js'
import type {
  CompoundSource,
  From,
  JoinSource,
  RankedRows,
  RowsSource,
  SubquerySource,
  TableSource,
  TextSearch,
  VectorSearch,
} from '../../engine.js'
import { bind, Fragment, quote, sql } from '../fragment.js'
import { cellErrorOf, rowsOf, vectorsOf } from '../history.js'
import type { Operand as Typed } from '../operators.js'
import { hitsOf } from '../text-search.js'
import type { Compilation } from './select.js'

/** A source of a query while the query is compiled: what its columns are in SQL, and what stands after FROM. */
export interface Source {
  /** A column of the source; undefined when it is another's. */
  column(table: number, name: string): Typed | undefined
  /** The error of a cell; undefined when the column is not a table's own. */
  cellError(node: CellErrorNode): Fragment | undefined
  /** Whether an index of a table that is read is over the expression, which must be spelt as the index is then. */
  isIndexed(node: Node): boolean
  /** What follows FROM; asked for last, because the expressions decide which bases of a view are needed. */
  from(): Fragment
  /** What tells rows apart that are equal in every key of an order. */
  ties(): Fragment[]
}

/** @param prefix unique in the statement, so that an inner query can use columns of an outer one */
export function sourceOf(from: From, prefix: string, compilation: Compilation): Source {
  switch (from.kind) {
    case 'table':
      return new TableRows(from, prefix)
    case 'subquery':
    case 'compound':
    case 'rows':
      return new DerivedRows(from, prefix, compilation)
    case 'join':
      return new JoinedRows(from, prefix, compilation)
  }
}

/** A table or view with as many of its bases as the query needs. */
export class TableRows implements Source {
  readonly #from: TableSource
  readonly #prefix: string
  /** How far down the line of bases the query reaches. */
  depth = 0

  constructor(from: TableSource, prefix: string) {
    this.#from = from
    this.#prefix = prefix
  }

  column(table: number, name: string): Typed | undefined {
    const start = this.level(table)
    if (start < 0) return undefined
    if (name === '_rowid') return { sql: new Fragment(`${this.#reach(start)}._rowid`), type: intType, simple: true }
    const { line } = this.#from
    for (let level = start; level < line.length; level++) {
      const type = typeOf(line[level]!, name)
      if (type) return { sql: new Fragment(`${this.#reach(level)}.${quote(name)}`), type, simple: true }
    }
    return undefined
  }

  cellError({ table, name, part }: CellErrorNode): Fragment | undefined {
    const start = this.level(table)
    const { line, asOf } = this.#from
    const level = start < 0 ? -1 : line.findIndex((owner, i) => i >= start && typeOf(owner, name) !== undefined)
    return level < 0 ? undefined : cellErrorOf(line[level]!, name, part, `${this.#reach(level)}._rowid`, asOf)
  }

  isIndexed(node: Node): boolean {
    const { line, asOf } = this.#from
    if (asOf !== undefined) return false
    return line.some((owner) => hasIndexOver(owner, node, (column) => this.#ownerOf(column) === owner))
  }

  from(): Fragment {
    const { line, asOf, search } = this.#from
    const owner = search ? this.level(search.owner.id) : 0
    const depth = Math.max(this.depth, owner)
    let from = sql`${rowsOf(line[0]!, asOf)} AS ${this.alias(0)}`
    for (let i = 1; i <= depth; i++) {
      from = sql`${from} JOIN ${rowsOf(line[i]!, asOf)} AS ${this.alias(i)} ON ${this.alias(i)}._rowid = ${this.alias(i - 1)}._base`
    }
    if (!search) return from
    return sql`${from} JOIN ${this.searched(search)} ON x._rowid = ${this.alias(owner)}._rowid`
  }

  ties(): Fragment[] {
    return [new Fragment(`${this.alias(0)}._rowid`)]
  }

  /** What a search ranks rows by: the vectors of an index, or rows that were found, with their scores. */
  searched(search: VectorSearch | TextSearch | RankedRows): Fragment {
    if (search.kind === 'text') return sql`(${hitsOf(search)}) AS x`
    if (search.kind === 'ranked') {
      // As text, because a statement has no lists; numbers are read back as they were.
      const ranking = bind(JSON.stringify([search.rowids, search.scores]))
      return sql`(SELECT id AS _rowid, score, position FROM pxt_ranked(${ranking})) AS x`
    }
    const { line, asOf } = this.#from
    return sql`${vectorsOf(line.slice(this.level(search.owner.id)), search.index, asOf)} AS x`
  }

  level(table: number): number {
    return this.#from.line.findIndex(({ id }) => id === table)
  }

  alias(level: number): string {
    return `${this.#prefix}${level}`
  }

  #ownerOf({ table, name }: ColumnNode): TableDefinition | undefined {
    const start = this.level(table)
    return start < 0 ? undefined : this.#from.line.find((owner, i) => i >= start && typeOf(owner, name) !== undefined)
  }

  #reach(level: number): string {
    this.depth = Math.max(this.depth, level)
    return this.alias(level)
  }
}

function typeOf(table: TableDefinition, name: string) {
  if (name === '_version' || (name === '_base' && table.view)) return intType
  return table.columns.find((column) => column.name === name)?.type
}

/** Whether a table has an index over an expression, whose columns may be named otherwise than by the table. */
const hasIndexOver = ({ keys }: TableDefinition, node: Node, isOwn: (column: ColumnNode) => boolean): boolean =>
  keys.some(({ parts }) =>
    parts.some((part) => typeof part !== 'string' && sameCalls(part, node, (a, b) => a.name === b.name && isOwn(b))),
  )

/** The column that numbers held rows from 1. */
export const heldOrder = '@@held'

/** The rows of a query, of two queries put together, or of held rows. */
class DerivedRows implements Source {
  readonly #from: SubquerySource | CompoundSource | RowsSource
  readonly #alias: string
  readonly #rows: Fragment
  readonly #columns = new Map<string, Typed>()

  constructor(from: SubquerySource | CompoundSource | RowsSource, prefix: string, compilation: Compilation) {
    this.#from = from
    this.#alias = `${prefix}0`
    const { rows, columns } = derive(from, compilation)
    this.#rows = rows
    for (const { name, type } of columns) {
      this.#columns.set(name, { sql: new Fragment(`${this.#alias}.${quote(name)}`), type, simple: true })
    }
  }

  column(table: number, name: string): Typed | undefined {
    return table === this.#from.id ? this.#columns.get(name) : undefined
  }

  cellError(): undefined {}

  isIndexed(node: Node): boolean {
    const table = this.#from.kind === 'subquery' ? wholeTable(this.#from) : undefined
    return table !== undefined && hasIndexOver(table, node, (column) => column.table === this.#from.id)
  }

  from(): Fragment {
    return sql`${this.#rows} AS ${this.#alias}`
  }

  ties(): Fragment[] {
    if (this.#from.kind === 'rows') return [new Fragment(`${this.#alias}.${quote(heldOrder)}`)]
    const rowid = this.#columns.get('_rowid')
    return rowid ? [rowid.sql] : []
  }
}

function derive(
  from: SubquerySource | CompoundSource | RowsSource,
  compilation: Compilation,
): { rows: Fragment; columns: readonly { name: string; type: Typed['type'] }[] } {
  switch (from.kind) {
    case 'rows':
      return { rows: new Fragment(`temp.${quote(from.rows.name)}`), columns: from.rows.columns }
    case 'subquery': {
      const { select } = from
      const table = wholeTable(from)
      const { sql: text, columns } = compilation.select(select)
      return { rows: table ? rowsOf(table, undefined) : sql`(${text})`, columns }
    }
    case 'compound': {
      const left = compilation.select(from.left)
      const right = compilation.select(from.right)
      // Each side in parentheses of its own, since it may have an order and a limit.
      const both = sql`SELECT * FROM (${left.sql}) ${operators[from.operator]} SELECT * FROM (${right.sql})`
      return { rows: sql`(${both})`, columns: left.columns }
    }
  }
}

const operators = { union: 'UNION', unionAll: 'UNION ALL', intersect: 'INTERSECT', except: 'EXCEPT' } as const

/** The table, where a query only lists columns of one: SQLite joins that better than a subquery. */
function wholeTable({ select }: SubquerySource): TableDefinition | undefined {
  const { from, columns, where, keys, after, groupBy, orderBy, limit, offset, distinct } = select
  if (from.kind !== 'table' || from.line.length !== 1 || from.asOf !== undefined || from.search) return undefined
  if (where || keys || after !== undefined || groupBy || orderBy?.length || distinct) return undefined
  if (limit !== undefined || offset !== undefined) return undefined
  const [table] = from.line
  const isPlain = (name: string, value: Node) =>
    name === '_rowid'
      ? value.kind === 'rowid'
      : value.kind === 'column' && value.table === table!.id && value.name === name
  return columns.every(({ name, value }) => isPlain(name, value)) ? table : undefined
}

/** Two sources side by side. */
class JoinedRows implements Source {
  readonly #from: JoinSource
  readonly #left: Source
  readonly #right: Source
  readonly #on: Fragment

  constructor(from: JoinSource, prefix: string, compilation: Compilation) {
    this.#from = from
    this.#left = sourceOf(from.left, `${prefix}l`, compilation)
    this.#right = sourceOf(from.right, `${prefix}r`, compilation)
    this.#on = from.on ? sql` ON ${compilation.filter(from.on, this)}` : new Fragment('')
  }

  column(table: number, name: string): Typed | undefined {
    return this.#left.column(table, name) ?? this.#right.column(table, name)
  }

  cellError(node: CellErrorNode): Fragment | undefined {
    return this.#left.cellError(node) ?? this.#right.cellError(node)
  }

  isIndexed(node: Node): boolean {
    return this.#left.isIndexed(node) || this.#right.isIndexed(node)
  }

  from(): Fragment {
    const keyword = { inner: 'JOIN', left: 'LEFT JOIN', right: 'RIGHT JOIN', full: 'FULL JOIN', cross: 'CROSS JOIN' }
    const right = this.#from.right.kind === 'join' ? sql`(${this.#right.from()})` : this.#right.from()
    return sql`${this.#left.from()} ${keyword[this.#from.type]} ${right}${this.#on}`
  }

  ties(): Fragment[] {
    return [...this.#left.ties(), ...this.#right.ties()]
  }
}
