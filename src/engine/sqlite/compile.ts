import type { ColumnDefinition, TableDefinition } from '../../catalog/definition.js'
import { nodeToJson } from '../../catalog/serialize.js'
import { QueryError } from '../../errors.js'
import { identityOf } from '../../expr/function.js'
import { type CallNode, type ColumnNode, childrenOf, isOpen, type Node, some } from '../../expr/node.js'
import {
  type Operand as OperandKind,
  type Operator,
  operandAt,
  operators,
  type Sorting,
} from '../../expr/operators/index.js'
import { typeOfConstant } from '../../expr/type-of.js'
import type { ColumnType } from '../../types/column-type.js'
import { dynamicType } from '../../types/dynamic.js'
import { isJson } from '../../types/json.js'
import { boolType, floatType, intType } from '../../types/scalars.js'
import type { CompiledQuery, Select, VectorSearch } from '../engine.js'
import { bridgeToLambda } from './bridge.js'
import { keepsVectors, vectorsTable } from './ddl.js'
import { bind, Fragment, join, quote, sql } from './fragment.js'
import { bridged, fromJson, operatorSql, type Operand as Typed } from './operators.js'

/** SQL of a query, with the types that decode its columns. */
export interface CompiledSelect extends CompiledQuery {
  readonly types: readonly ColumnType[]
}

/** Compiles a query. A pure function. */
export function compileSelect(select: Select): CompiledSelect {
  const compiler = new SelectCompiler(select)
  return compiler.compile()
}

/** Compiles the number of rows that a query has without its limit and offset. */
export function compileCount(select: Select): CompiledQuery {
  if (!select.distinct) return new SelectCompiler(select).compileCount()
  const { sql, params } = compileSelect({ ...select, limit: undefined, offset: undefined, orderBy: undefined })
  return { sql: `SELECT count(*) FROM (${sql})`, params }
}

class SelectCompiler {
  readonly #select: Select
  /** How far down the line of bases the query reaches. */
  #depth = 0
  /** What a score node yields at this point. */
  #score: Fragment | undefined

  constructor(select: Select) {
    this.#select = select
  }

  compile(): CompiledSelect {
    return this.#select.search ? this.#compileSearch(this.#select.search) : this.#compilePlain()
  }

  compileCount(): Fragment {
    const { search } = this.#select
    if (search) this.#score = scoreOf(search)
    const where = this.#where()
    return sql`SELECT count(*) FROM ${this.#from(search)}${where}`
  }

  #compilePlain(): CompiledSelect {
    const { orderBy = [], distinct, limit, offset } = this.#select
    const columns = this.#select.columns.map(({ value }) => this.#expression(value))
    const where = this.#where()
    const order = orderBy.map((key) => this.#order(this.#expression(key.node), key))
    // Without a tie-break, pages of equal keys could overlap.
    if (!distinct) order.push(new Fragment('t0._rowid'))
    const text = sql`SELECT ${distinct ? 'DISTINCT ' : ''}${this.#list(columns)} FROM ${this.#from()}${where}${
      order.length === 0 ? '' : sql` ORDER BY ${join(order, ', ')}`
    }${limits(limit, offset)}`
    return { sql: text.sql, params: text.params, types: columns.map((column) => column.type) }
  }

  /**
   * Ranks first, over the row id and the score alone, and fetches the columns of the rows that remain: sorting whole
   * rows would carry every text along.
   */
  #compileSearch(search: VectorSearch): CompiledSelect {
    const { orderBy = [], distinct, limit, offset } = this.#select
    const byScore = orderBy.length === 0 && !distinct
    this.#score = scoreOf(search)
    const where = this.#where()
    const unfiltered = where.sql === '' && this.#level(search.owner.id) === 0
    const source = unfiltered
      ? sql`SELECT x._rowid AS id, ${this.#score} AS score FROM ${vectorsOf(search)}`
      : sql`SELECT t0._rowid AS id, ${this.#score} AS score FROM ${this.#from(search)}${where}`
    const ranked = byScore ? sql`${source} ORDER BY score DESC, id${limits(limit, offset)}` : source
    this.#depth = 0
    this.#score = new Fragment('ranked.score')
    const columns = this.#select.columns.map(({ value }) => this.#expression(value))
    const order = orderBy.map((key) => this.#order(this.#expression(key.node), key))
    const ties = distinct ? [] : byScore ? ['ranked.score DESC', 'ranked.id'] : ['ranked.id']
    const keys = [...order, ...ties.map((key) => new Fragment(key))]
    const text = sql`SELECT ${distinct ? 'DISTINCT ' : ''}${this.#list(columns)} FROM (${ranked}) AS ranked CROSS JOIN ${this.#from()} WHERE t0._rowid = ranked.id${
      keys.length === 0 ? '' : sql` ORDER BY ${join(keys, ', ')}`
    }${byScore ? '' : limits(limit, offset)}`
    return { sql: text.sql, params: text.params, types: columns.map((column) => column.type) }
  }

  #list(columns: readonly Typed[]): Fragment {
    if (columns.length === 0) return new Fragment('1')
    return join(
      columns.map((column, i) => sql`${column.sql} AS ${quote(this.#select.columns[i]!.name)}`),
      ', ',
    )
  }

  #order({ sql: value, type }: Typed, { direction, nulls = 'last' }: Sorting): Fragment {
    // JSON text would put 10 before 9.
    const key = isJson(type) ? sql`(${value} ->> '$')` : value
    return sql`${key} ${direction === 'asc' ? 'ASC' : 'DESC'} NULLS ${nulls === 'first' ? 'FIRST' : 'LAST'}`
  }

  #where(): Fragment {
    const { where, keys, after } = this.#select
    const conditions: Fragment[] = []
    if (where) conditions.push(this.#operand(this.#expression(where), 'bool').sql)
    if (keys) {
      const key = keys.of === 'row' ? '_rowid' : '_base'
      conditions.push(sql`t0.${key} IN (SELECT value FROM json_each(${bind(JSON.stringify(keys.ids))}))`)
    }
    if (after !== undefined) conditions.push(sql`t0._rowid > ${bind(after)}`)
    return conditions.length === 0 ? new Fragment('') : sql` WHERE ${join(conditions, ' AND ')}`
  }

  /** The tables that the expressions compiled so far need: the view itself and as many of its bases. */
  #from(search?: VectorSearch): Fragment {
    const { line } = this.#select
    const owner = search ? this.#level(search.owner.id) : 0
    const depth = Math.max(this.#depth, owner)
    let from = new Fragment(`${quote(line[0]!.name)} AS t0`)
    for (let i = 1; i <= depth; i++) {
      from = sql`${from} JOIN ${quote(line[i]!.name)} AS ${`t${i}`} ON ${`t${i}`}._rowid = ${`t${i - 1}`}._base`
    }
    if (!search) return from
    return sql`${from} JOIN ${vectorsOf(search)} ON x._rowid = ${`t${owner}`}._rowid`
  }

  #level(tableId: number): number {
    const level = this.#select.line.findIndex((table) => table.id === tableId)
    if (level < 0) {
      throw new QueryError(
        `the query of '${this.#select.line[0]!.name}' uses a column of another table; use the columns that the callback is given`,
      )
    }
    return level
  }

  #reach(level: number): string {
    this.#depth = Math.max(this.#depth, level)
    return `t${level}`
  }

  #expression(node: Node): Typed {
    switch (node.kind) {
      case 'column':
        return this.#column(node)
      case 'rowid':
        return { sql: new Fragment(`${this.#reach(this.#level(node.table))}._rowid`), type: intType, simple: true }
      case 'score':
        if (!this.#score) throw new QueryError('the query has no score: it makes no search')
        return { sql: this.#score, type: floatType }
      case 'literal':
        return literalOf(node.value)
      case 'call':
        return this.#call(node)
      case 'fragment': {
        const args = node.args.map((arg) => this.#expression(arg).sql)
        let text = new Fragment(node.parts[0]!)
        args.forEach((arg, i) => {
          text = sql`${text}${arg}${node.parts[i + 1]!}`
        })
        return { sql: sql`(${text})`, type: dynamicType }
      }
      case 'lambda':
      case 'item':
        throw new QueryError('a function of an element has no value by itself')
      case 'parameter':
        throw new QueryError(`the parameter '${node.name}' of the query function has no value here`)
      case 'function':
        throw new QueryError(`the function ${identityOf(node.fn)} cannot run inside SQL`)
    }
  }

  #column(node: ColumnNode): Typed {
    const { line } = this.#select
    for (let level = this.#level(node.table); level < line.length; level++) {
      const column = findColumn(line[level]!, node.name)
      if (column)
        return { sql: new Fragment(`${this.#reach(level)}.${quote(node.name)}`), type: column.type, simple: true }
    }
    throw new QueryError(`the table '${line[0]!.name}' has no column '${node.name}' any more`)
  }

  #call(node: CallNode): Typed {
    if (node.operator === 'get') return this.#path(node)
    const operator = operators[node.operator]!
    if (node.args.some((arg) => arg.kind === 'lambda')) return this.#overElements(node, operator)
    const args = node.args.map((arg) => this.#expression(arg))
    const types = args.map((arg) => arg.type)
    const type = operator.result(types, node.args)
    const native = operatorSql[node.operator]?.(...this.#operands(operator, args, type))
    return { sql: native ?? bridged(node.operator, args, type), type }
  }

  /** Operands as SQL's own operators want them: of one type where they are compared, and JSON unpacked. */
  #operands(operator: Operator, args: readonly Typed[], result: ColumnType): Typed[] {
    if (operator.unified) {
      return args.map((arg, i) => {
        const condition = operator === operators.case && i % 2 === 0 && i < args.length - 1
        return condition ? this.#operand(arg, 'bool') : this.#operand(toType(arg, result), 'any')
      })
    }
    const compared = operator.operands.every((kind) => kind === 'any' || kind === 'order')
    const common = compared && args.length > 1 ? commonType(args) : undefined
    return args.map((arg, i) =>
      common ? this.#operand(alignTo(common, arg), jsonKindOf(common)) : this.#operand(arg, operandAt(operator, i)),
    )
  }

  /** An operand as plain SQL: JSON is unpacked to the kind that the operator wants. */
  #operand(arg: Typed, kind: OperandKind): Typed {
    if (!isJson(arg.type) || typeof kind !== 'string') return arg
    // The null of JSON is a value in SQL, and none here.
    if (kind === 'any' || kind === 'order') return arg.path ? { ...arg, sql: sql`nullif(${arg.sql}, 'null')` } : arg
    const unpacking = fromJson[kind]
    if (!unpacking) return arg
    const { template, operator } = unpacking
    const type = operators[operator]!.result([])
    // The template names its operand twice.
    return { sql: arg.simple ? template(arg.sql) : bridged(operator, [arg], type), type, unpacked: true }
  }

  /** A chain of `get` as one JSON path. */
  #path(node: CallNode): Typed {
    const keys: (string | number)[] = []
    let root: Node = node
    while (root.kind === 'call' && root.operator === 'get') {
      const key = root.args[1]!
      if (key.kind !== 'literal') throw new QueryError('get(): expected a key or an index')
      keys.unshift(key.value as string | number)
      root = root.args[0]!
    }
    const type = operators.get!.result([])
    let value = this.#expression(root)
    // SQLite compares keys as JSON spells them, so one that needs escapes has several spellings.
    if (keys.some((key) => typeof key === 'string' && JSON.stringify(key) !== `"${key}"`)) {
      for (const key of keys) value = { sql: bridged('get', [value, literalOf(key)], type), type }
      return value
    }
    const path = keys.map((key) => (typeof key === 'number' ? `[${key < 0 ? `#${key}` : key}]` : `."${key}"`))
    return {
      sql: sql`(${value.sql} -> ${bind(`$${path.join('')}`)})`,
      type,
      path: true,
      ...(value.simple ? { simple: true } : {}),
    }
  }

  /** A call with lambdas: what they take from the row becomes arguments of the bridge. */
  #overElements(node: CallNode, operator: Operator): Typed {
    const [list, ...rest] = node.args
    const source = this.#expression(list!)
    const captures: Typed[] = []
    const close = (part: Node): Node => {
      if (part.kind === 'literal' || part.kind === 'item') return part
      const stays = part.kind === 'lambda' || isOpen(part) || isVolatile(part)
      if (!stays) {
        captures.push(this.#expression(part))
        return { kind: 'parameter', name: String(captures.length - 1) }
      }
      return 'args' in part ? ({ ...part, args: childrenOf(part).map(close) } as Node) : part
    }
    const spec = JSON.stringify(rest.map((arg) => nodeToJson(close(arg))))
    const type = operator.result([source.type], node.args)
    const name = bridgeToLambda(
      node.operator,
      source.type,
      captures.map((capture) => capture.type),
      type,
      isVolatile(node),
    )
    const args = [source.sql, bind(spec), ...captures.map((capture) => capture.sql)]
    return { sql: sql`${name}(${join(args, ', ')})`, type }
  }
}

const isVolatile = (node: Node): boolean =>
  some(node, (part) => part.kind === 'call' && operators[part.operator]!.volatile === true)

/** An alternative in the type of the result. */
function toType(arg: Typed, type: ColumnType): Typed {
  if ('literal' in arg) return alignTo(type, arg)
  return isJson(type) && !isJson(arg.type) && arg.type !== dynamicType
    ? { sql: bridged('json.of', [arg], type), type }
    : arg
}

function findColumn(table: TableDefinition, name: string): Pick<ColumnDefinition, 'type'> | undefined {
  if (name === '_version' || name === '_base') return { type: intType }
  return table.columns.find((column) => column.name === name)
}

function literalOf(value: unknown): Typed {
  const type = typeOfConstant(value)
  if (value === null) return { sql: bind(null), type, literal: null, simple: true }
  try {
    return { sql: bind(type.encode(type.parse(value))), type, literal: value, simple: true }
  } catch (cause) {
    throw new QueryError(`a value in the query: ${(cause as Error).message}`, { cause })
  }
}

/** The type that operands of a comparison are compared in: that of the first that is not a literal. */
function commonType(args: readonly Typed[]): ColumnType | undefined {
  const typed = args.filter((arg) => !('literal' in arg))
  const plain = typed.find((arg) => !isJson(arg.type)) ?? typed[0]
  if (!plain || plain.type === dynamicType) return undefined
  if (!isJson(plain.type)) return plain.type
  // JSON against a literal: the literal's kind decides what the JSON is read as.
  return args.find((arg) => 'literal' in arg && arg.literal !== null)?.type ?? plain.type
}

/** A literal beside a column is encoded as the column is: a Date as text, a boolean as 0 or 1. */
function alignTo(type: ColumnType, arg: Typed): Typed {
  if (!('literal' in arg) || arg.literal === null || type.media) return arg
  // An int column may be compared with 2.5.
  const numbers = type.operators.includes('number') && arg.type.operators.includes('number')
  if (numbers && !isJson(type) && !isJson(arg.type)) return arg
  try {
    return { ...arg, sql: bind(type.encode(type.parse(arg.literal))), type }
  } catch (cause) {
    throw new QueryError(`a comparison with a ${type.name} column: ${(cause as Error).message}`, { cause })
  }
}

/** What JSON is read as to be compared in a type. */
function jsonKindOf(type: ColumnType): OperandKind {
  if (isJson(type)) return 'any'
  if (type === boolType) return 'bool'
  return type.operators.includes('number') ? 'number' : 'text'
}

function vectorsOf({ owner, index }: VectorSearch): string {
  if (keepsVectors(index)) return `${quote(vectorsTable(owner.name, index.name))} AS x`
  const column = quote(index.column)
  const { nullable, computed } = owner.columns.find(({ name }) => name === index.column)!
  // IS NOT NULL would read every vector twice; typeof reads only its header.
  const present = nullable || computed ? ` WHERE typeof(${column}) = 'blob'` : ''
  return `(SELECT _rowid, ${column} AS vector FROM ${quote(owner.name)}${present}) AS x`
}

/** The score of a search; higher is better whatever the metric. */
function scoreOf({ index, vector }: VectorSearch): Fragment {
  const query = bind(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength))
  switch (index.metric) {
    case 'cosine':
      // A vector of zeros has no direction, hence no distance.
      return sql`coalesce(1 - vec_distance_cosine(x.vector, ${query}), 0)`
    case 'euclidean':
      return sql`(1 / (1 + vec_distance_L2(x.vector, ${query})))`
    case 'inner_product':
      return sql`pxt_dot(x.vector, ${query})`
  }
}

function limits(limit: number | undefined, offset: number | undefined): Fragment {
  if (limit === undefined && offset === undefined) return new Fragment('')
  // SQLite has no OFFSET without a LIMIT; −1 is none.
  return sql` LIMIT ${bind(limit ?? -1)}${offset === undefined ? '' : sql` OFFSET ${bind(offset)}`}`
}
