import { QueryError } from '../../../errors.js'
import { identityOf } from '../../../expr/function.js'
import type { AggregateNode, CallNode, Node, SubqueryNode, WindowNode } from '../../../expr/node.js'
import { type Operand as OperandKind, operators } from '../../../expr/operators.js'
import type { ColumnType } from '../../../types/column-type.js'
import { dynamicType, typeOfValue } from '../../../types/dynamic.js'
import { isJson } from '../../../types/json.js'
import { boolType, floatType } from '../../../types/scalars.js'
import type { Select } from '../../engine.js'
import { bind, Fragment, sql } from '../fragment.js'
import { fromJson, operatorSql } from '../operators.js'
import { aggregateSql, windowSql } from './aggregate.js'
import type { Compilation } from './select.js'
import type { Source } from './source.js'
import type { Typed } from './typed.js'

/** Compiles the expressions of one query. */
export class ExpressionCompiler {
  readonly #source: Source
  readonly #compilation: Compilation
  /** The query around this one, whose columns can be used here. */
  readonly #outer: ExpressionCompiler | undefined
  /** What a score node yields. */
  score: Fragment | undefined
  /** Whether the rows are groups, which no row id tells apart. */
  grouped = false

  constructor(source: Source, compilation: Compilation, outer: ExpressionCompiler | undefined) {
    this.#source = source
    this.#compilation = compilation
    this.#outer = outer
  }

  /** The same over another source. */
  over(source: Source): ExpressionCompiler {
    return new ExpressionCompiler(source, this.#compilation, this.#outer)
  }

  compile(node: Node): Typed {
    switch (node.kind) {
      case 'column':
        return this.#column(node.table, node.name)
      case 'rowid':
        return this.#column(node.table, '_rowid')
      case 'score':
        if (!this.score) throw new QueryError('the query has no score: it makes no search')
        return { sql: this.score, type: floatType }
      case 'literal':
        return literalOf(node.value)
      case 'call':
        return this.#call(node)
      case 'aggregate':
        return this.#aggregate(node)
      case 'window':
        return this.#window(node)
      case 'subquery':
        return { sql: this.#subquery(node), type: boolType }
      case 'fragment': {
        const args = node.args.map((arg) => this.compile(arg).sql)
        let text = new Fragment(node.parts[0]!)
        args.forEach((arg, i) => {
          text = sql`${text}${arg}${node.parts[i + 1]!}`
        })
        return { sql: sql`(${text})`, type: dynamicType }
      }
      case 'function':
        throw new QueryError(`the function ${identityOf(node.fn)} cannot run in the database`)
      case 'parameter':
        throw new QueryError(`the parameter '${node.name}' of the query function has no value here`)
    }
  }

  /** A condition: JSON is read as true or false. */
  condition(node: Node): Fragment {
    return operand(this.compile(node), 'bool').sql
  }

  #column(table: number, name: string): Typed {
    for (let scope: ExpressionCompiler | undefined = this; scope; scope = scope.#outer) {
      const found = scope.#source.column(table, name)
      if (found) return found
    }
    throw new QueryError(
      `the query uses the column '${name}' of another table; use the columns that the callback is given, or join the table`,
    )
  }

  #call(node: CallNode): Typed {
    if (node.operator === 'get') return this.#path(node)
    const operator = operators[node.operator]!
    const args = node.args.map((arg) => this.compile(arg))
    const common = operator.operands[0] === 'any' || operator.operands[0] === 'order' ? commonType(args) : undefined
    const operands = args.map((arg, i) => {
      const kind = operator.operands[Math.min(i, operator.operands.length - 1)]!
      return operand(common ? alignTo(common, arg) : arg, common ? jsonKindOf(common) : kind)
    })
    return { sql: operatorSql[node.operator]!(...operands), type: operator.result(args.map((arg) => arg.type)) }
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
    const value = this.compile(root)
    const path = keys.map((key) =>
      typeof key === 'number' ? `[${key < 0 ? `#${key}` : key}]` : `.${JSON.stringify(key)}`,
    )
    return { sql: sql`(${value.sql} -> ${bind(`$${path.join('')}`)})`, type: operators.get!.result([]) }
  }

  #aggregate(node: AggregateNode): Typed {
    return aggregateSql(node, (arg) => this.compile(arg), this.#source.ties(), this.#compilation)
  }

  #window(node: WindowNode): Typed {
    const ties = this.grouped ? [] : this.#source.ties()
    return windowSql(node, (arg) => this.compile(arg), ties, this.#compilation)
  }

  #subquery({ test, args, query }: SubqueryNode): Fragment {
    const { sql: text, columns } = this.#compilation.select(query as Select, this)
    if (test === 'exists') return sql`EXISTS (${text})`
    const [column] = columns
    const value = this.compile(args[0]!)
    const { sql: left } = operand(value, jsonKindOf(column!.type))
    const item =
      isJson(column!.type) && !isJson(value.type)
        ? fromJson[jsonKindOf(value.type)]!(new Fragment('value'))
        : new Fragment('value')
    // A null among the values would make every non-match unknown.
    return sql`(${left} IN (WITH found (value) AS (${text}) SELECT ${item} FROM found WHERE value IS NOT NULL))`
  }
}

/** An operand as plain SQL: JSON is unpacked to the kind that the operator wants. */
export function operand(arg: Typed, kind: OperandKind): Typed {
  const unpack = isJson(arg.type) ? fromJson[kind] : undefined
  return unpack ? { ...arg, sql: unpack(arg.sql) } : arg
}

function literalOf(value: unknown): Typed {
  if (value === null) return { sql: bind(null), type: dynamicType, literal: null }
  const type = typeOfValue(value)
  try {
    return { sql: bind(type.encode(type.parse(value))), type, literal: value }
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
