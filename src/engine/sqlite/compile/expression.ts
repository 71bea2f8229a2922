import { nodeToJson } from '../../../catalog/serialize.js'
import { QueryError } from '../../../errors.js'
import { identityOf } from '../../../expr/function.js'
import {
  type AggregateNode,
  type CallNode,
  childrenOf,
  isOpen,
  type Node,
  type SubqueryNode,
  some,
  type WindowNode,
} from '../../../expr/node.js'
import { type Operand as OperandKind, type Operator, operandAt, operators } from '../../../expr/operators/index.js'
import { typeOfConstant } from '../../../expr/type-of.js'
import type { ColumnType } from '../../../types/column-type.js'
import { dynamicType } from '../../../types/dynamic.js'
import { isJson } from '../../../types/json.js'
import { boolType, floatType, stringType } from '../../../types/scalars.js'
import type { Select } from '../../engine.js'
import { bridgeToLambda } from '../bridge.js'
import { bind, Fragment, inline, join, sql } from '../fragment.js'
import { bridged, fromJson, operatorSql, type Operand as Typed } from '../operators.js'
import { aggregateSql, sortable, windowSql } from './aggregate.js'
import type { Compilation } from './select.js'
import type { Source } from './source.js'

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
    const typed = this.#compile(node)
    // SQLite finds an index over an expression by its text, in which nothing is bound.
    return node.kind === 'call' && this.#source.isIndexed(node) ? { ...typed, sql: inline(typed.sql) } : typed
  }

  #compile(node: Node): Typed {
    switch (node.kind) {
      case 'column':
        return this.#column(node.table, node.name)
      case 'rowid':
        return this.#column(node.table, '_rowid')
      case 'score':
        if (!this.score) throw new QueryError('the query has no score: it makes no search')
        return { sql: this.score, type: floatType }
      case 'terms':
        throw new QueryError('highlight() and snippet() mark what match() found: call match() first')
      case 'cellError': {
        const found = this.#source.cellError(node)
        if (found) return { sql: found, type: stringType }
        throw new QueryError(
          `errors of cells are known of the columns of a table or view itself, not of '${node.name}' in a join or another query: select them there`,
        )
      }
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
      case 'lambda':
      case 'item':
        throw new QueryError('a function of an element has no value by itself')
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

  /** A condition that chooses rows, so that null is as good as false, with what lets an index find them. */
  filter(node: Node): Fragment {
    if (node.kind !== 'call') return this.condition(node)
    if (this.#source.isIndexed(node)) return this.#isTrue(node)
    if (node.operator === 'and' || node.operator === 'or') {
      const [left, right] = node.args.map((arg) => this.filter(arg))
      return sql`(${left!} ${node.operator.toUpperCase()} ${right!})`
    }
    const lookup = this.#lookup(node)
    const condition = this.condition(node)
    return lookup ? sql`(${lookup} AND ${condition})` : condition
  }

  /** SQLite looks up what is equal to something, and not what is true. */
  #isTrue(node: CallNode): Fragment {
    const value = this.compile(node)
    if (value.type === boolType) return sql`(${value.sql} = 1)`
    const condition = this.condition(node)
    return isJson(value.type) ? sql`(${sortable(value)} = 1 AND ${condition})` : condition
  }

  /**
   * What holds wherever a comparison with an indexed expression holds, in the form that SQLite can look up where it cannot
   * that of the comparison: JSON is read there as the kind that it is compared with, while the index has every kind; and a
   * column converts what it is compared with, which an index over a column alone allows for.
   */
  #lookup({ operator, args }: CallNode): Fragment | undefined {
    if (!lookups.has(operator)) return undefined
    const at = args.findIndex((arg) => this.#source.isIndexed(arg))
    // Of two sides, only those of an equality can change places.
    if (at < 0 || (at > 0 && operator !== 'eq')) return undefined
    const rest = args.filter((_, i) => i !== at)
    const key = this.compile(args[at]!)
    const others = rest.map((arg) => this.compile(arg))
    if (!isJson(key.type) && !rest.some((arg) => arg.kind === 'column')) return undefined
    const common = commonType([key, ...others])
    // JSON is compared with JSON by its text, which the index does not have.
    const known = common !== undefined && (others.length === 0 || !isJson(common))
    if (!known || others.some((other) => !('literal' in other) && isJson(other.type))) return undefined
    return operatorSql[operator]!(
      { sql: sortable(key), type: common },
      ...others.map((other, i) =>
        rest[i]!.kind === 'column' ? { ...other, sql: sql`+${other.sql}` } : alignTo(common, other),
      ),
    )
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
    if (node.args.some((arg) => arg.kind === 'lambda')) return this.#overElements(node, operator)
    const args = node.args.map((arg) => this.compile(arg))
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
        return condition ? operand(arg, 'bool') : operand(toType(arg, result), 'any')
      })
    }
    const compared = operator.operands.every((kind) => kind === 'any' || kind === 'order')
    const common = compared && args.length > 1 ? commonType(args) : undefined
    return args.map((arg, i) =>
      common ? operand(alignTo(common, arg), jsonKindOf(common)) : operand(arg, operandAt(operator, i)),
    )
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
    let value = this.compile(root)
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
    const source = this.compile(list!)
    const captures: Typed[] = []
    const close = (part: Node): Node => {
      if (part.kind === 'literal' || part.kind === 'item') return part
      const stays = part.kind === 'lambda' || isOpen(part) || isVolatile(part)
      if (!stays) {
        captures.push(this.compile(part))
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
    // Both sides are read as one kind: that of the side that is not JSON.
    const kind = jsonKindOf(isJson(column!.type) ? value.type : column!.type)
    const { sql: left } = operand(value, kind)
    const { sql: item } = operand({ sql: new Fragment('value'), type: column!.type, simple: true }, kind)
    // A null among the values would make every non-match unknown.
    return sql`(${left} IN (WITH found (value) AS (${text}) SELECT ${item} FROM found WHERE value IS NOT NULL))`
  }
}

/** Comparisons that an index answers. */
const lookups: ReadonlySet<string> = new Set(['eq', 'gt', 'gte', 'lt', 'lte', 'between', 'in', 'isNull'])

/** An operand as plain SQL: JSON is unpacked to the kind that the operator wants. */
export function operand(arg: Typed, kind: OperandKind): Typed {
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

const isVolatile = (node: Node): boolean =>
  some(node, (part) => part.kind === 'call' && operators[part.operator]!.volatile === true)

/** An alternative in the type of the result. */
function toType(arg: Typed, type: ColumnType): Typed {
  if ('literal' in arg) return alignTo(type, arg)
  return isJson(type) && !isJson(arg.type) && arg.type !== dynamicType
    ? { sql: bridged('json.of', [arg], type), type }
    : arg
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
