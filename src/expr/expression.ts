import { NotFoundError, QueryError } from '../errors.js'
import { type ColumnType, describeValue } from '../types/column-type.js'
import { dynamicType } from '../types/dynamic.js'
import { isJson, jsonType } from '../types/json.js'
import { boolType, floatType, intType, stringType } from '../types/scalars.js'
import type { AnyExpr, BoolExpr, Order, OrderOptions } from './interfaces.js'
import { childrenOf, type JsonKind, type LiteralNode, literal, type Node, type SubqueryNode } from './node.js'
import { type Operand, type Operator, operandAt, operators } from './operators/index.js'
import { constantError } from './operators/operator.js'
import { typeOfConstant } from './type-of.js'

export type * from './interfaces.js'

/** What makes a query usable inside an expression of another. */
export const subquery: unique symbol = Symbol('pixeltable.subquery')

/** A query, as expressions take it. `O` is the row that it returns. */
export interface Subquery<out O> {
  /** Phantom type, for inference only. */
  readonly $out?: O
  /** @internal The query, and how many columns it returns. */
  [subquery](): { readonly query: object; readonly columns: number }
}

/** What the predicate-scope check has seen being built, while a callback that returns a predicate runs. */
let scope: Set<Node> | undefined

/** How many lambdas enclose the expression that is being built. */
let depth = 0

const json = jsonType()

/**
 * The one class behind all expression interfaces. It has every method: one for each operator, below the class. What
 * TypeScript shows are those that fit the type; `check` refuses the others at run time, where the type is known.
 */
export class Expression {
  declare readonly $type?: any
  readonly node: Node
  /** The type of its values, as far as it is known. */
  readonly #type: ColumnType
  /** The time zone whose clock its parts are read from. */
  readonly #zone: Node | undefined

  constructor(node: Node, type: ColumnType = typeOf(node), zone?: Node) {
    this.node = node
    this.#type = type
    this.#zone = zone
    // A projection has still to add its path.
    if (new.target === Expression) Object.freeze(this)
  }

  // What this library itself calls; see `install` for the rest.
  declare readonly eq: (value: unknown) => AnyExpr
  declare readonly isNull: () => AnyExpr
  declare readonly isNotNull: () => AnyExpr
  declare readonly get: (key: string | number) => AnyExpr

  asc(options?: OrderOptions): Order {
    return order(this.node, 'asc', options)
  }

  desc(options?: OrderOptions): Order {
    return order(this.node, 'desc', options)
  }

  errorType(): AnyExpr {
    return this.#cellError('type')
  }

  errorMessage(): AnyExpr {
    return this.#cellError('message')
  }

  #cellError(part: 'type' | 'message'): AnyExpr {
    const { node } = this
    if (node.kind !== 'column') {
      throw new QueryError(`${part === 'type' ? 'errorType' : 'errorMessage'}(): only a computed column has errors`)
    }
    return expression({ kind: 'cellError', table: node.table, name: node.name, part })
  }

  in(values: readonly unknown[] | Subquery<unknown>): AnyExpr {
    return isSubquery(values) ? inSubquery(this.node, values) : this.call('in', [values])
  }

  map(value: unknown): AnyExpr {
    return this.call('map', [lambda('map()', value, (result) => toNode(result, 'map()'))])
  }

  filter(predicate: unknown): AnyExpr {
    return this.call('filter', [
      lambda('filter()', predicate, undefined, (callback, item) => predicateOf(callback, item, 'filter()')),
    ])
  }

  sortBy(key: unknown = (element: Expression) => element): AnyExpr {
    const parts: unknown[] = []
    lambda('sortBy()', key, (result) => {
      for (const by of [result].flat()) {
        const { node, direction, nulls } = isExpression(by) ? by.asc() : ((by ?? {}) as Order)
        if (direction === undefined) {
          throw new QueryError(`sortBy(): expected a key such as x.get('score').desc(), got ${describeValue(by)}`)
        }
        parts.push(lambdaOf(node, depth - 1), direction, nulls ?? 'last')
      }
      return literal(null)
    })
    return this.call('sortBy', parts)
  }

  all(): AnyExpr {
    this.#check('all()', 'json')
    return new Projection(this.node, (item) => item) as unknown as AnyExpr
  }

  inZone(zone: unknown): AnyExpr {
    const checked = this.call('inZone', [zone])
    const [, name] = childrenOf(checked.node)
    return new Expression(this.node, this.#type, name) as unknown as AnyExpr
  }

  /** `c.stars > 3` would compare objects; say so instead. */
  [Symbol.toPrimitive](): never {
    throw new QueryError('an expression is not a value: write c.stars.gt(3), not c.stars > 3, and sql`…` for SQL text')
  }

  /** @internal The operator applied to this. @throws QueryError where an argument does not fit */
  call(name: string, given: readonly unknown[]): AnyExpr {
    const operator = operators[name]!
    const where = name.includes('.') ? name.slice(name.indexOf('.') + 1) : `${name}()`
    this.#check(where, operandAt(operator, 0))
    const args = operands(operator, where, given, operator.zoned ? this.#zone : undefined)
    const result = callOperator(name, [this, ...args])
    const clock = operator.zoned && this.#zone !== undefined && result.#type === this.#type && name !== 'withoutZone'
    return (clock ? new Expression(result.node, result.#type, this.#zone) : result) as unknown as AnyExpr
  }

  #check(where: string, wanted: Operand): void {
    const type = this.#type
    if (fitsType(type, wanted)) return
    const what = this.node.kind === 'column' ? `column '${this.node.name}'` : 'expression'
    throw new QueryError(`${where} does not work on the ${type.name} ${what}`)
  }

  /** @internal */
  static typeOf(expression: Expression): ColumnType {
    return expression.#type
  }
}

/** A list of which a path is taken into every element. */
class Projection extends Expression {
  readonly #list: Node
  readonly #path: (item: AnyExpr) => AnyExpr

  constructor(list: Node, path: (item: AnyExpr) => AnyExpr) {
    const body = lambda('all()', path, (result) => toNode(result, 'all()'))
    super(callOperator('map', [new Expression(list, json), new Expression(body, json)]).node, json)
    this.#list = list
    this.#path = path
    Object.defineProperty(this, 'get', { value: (key: string | number) => this.#into(key) })
    Object.freeze(this)
  }

  #into(key: string | number): AnyExpr {
    return new Projection(this.#list, (item) => this.#path(item).get(key)) as unknown as AnyExpr
  }
}

/** Gives the class a method for each operator, and a property for what is known of media. */
function install(): void {
  const given = new Set(Object.getOwnPropertyNames(Expression.prototype))
  for (const [name, { docs }] of Object.entries(operators)) {
    if (docs === undefined || given.has(name)) continue
    const [group, property] = name.split('.')
    if (property !== undefined && group === 'media') {
      Object.defineProperty(Expression.prototype, property, {
        get(this: Expression) {
          return this.call(name, [])
        },
      })
    } else if (operators[name]!.operands.length > 0 && !name.startsWith('make')) {
      Object.defineProperty(Expression.prototype, name, {
        value(this: Expression, ...args: unknown[]) {
          return this.call(name, args)
        },
      })
    }
  }
}
install()

function order(node: Node, direction: 'asc' | 'desc', options: OrderOptions = {}): Order {
  const { nulls = 'last' } = options
  if (nulls !== 'first' && nulls !== 'last') {
    throw new QueryError(`${direction}(): nulls: expected 'first' or 'last', got ${describeValue(nulls)}`)
  }
  return Object.freeze({ node, direction, nulls })
}

/** Whether values of a type can be what an operand wants, as far as the type is known. */
function fitsType(type: ColumnType, wanted: Operand): boolean {
  if (wanted === 'any' || wanted === 'lambda') return true
  if (wanted === 'int') return type.operators.includes('number')
  return typeof wanted === 'string'
    ? type.operators.includes(wanted)
    : wanted.some((group) => type.operators.includes(group))
}

/** The operands behind the first, checked and in place. */
function operands(operator: Operator, where: string, given: readonly unknown[], zone?: Node): Expression[] {
  const { optional = 0, variadic = false, zoned = false } = operator
  const accepted = operator.accept ? operator.accept(...given) : [...given]
  const least = operator.operands.length - 1 - optional
  const most = variadic ? Number.POSITIVE_INFINITY : operator.operands.length - (zoned ? 2 : 1)
  while (accepted.length > least && accepted.at(-1) === undefined) accepted.pop()
  if (accepted.length < least || accepted.length > most) {
    const expected = least === most ? `${least}` : variadic ? `at least ${least}` : `${least} to ${most}`
    throw new QueryError(`${where}: expected ${expected} argument${expected === '1' ? '' : 's'}, got ${given.length}`)
  }
  if (zone !== undefined) {
    while (accepted.length < operator.operands.length - 2) accepted.push(null)
    accepted.push(expression(zone))
  }
  const args = accepted.map((value, i) => {
    // An optional argument in front of another may be left out too.
    if (value === undefined && i >= least && !variadic) return toExpression(null, where)
    const arg = toExpression(value, where)
    checkOperand(arg, operandAt(operator, i + 1), `${where}, argument ${i + 1}`)
    return arg
  })
  const wrong = operator.check?.(undefined, ...args.map(constantOf))
  if (wrong !== undefined) throw new QueryError(`${where}: ${wrong}`)
  return args
}

const constantOf = ({ node }: Expression): unknown => (node.kind === 'literal' ? node.value : undefined)

function checkOperand(arg: Expression, wanted: Operand, where: string): void {
  const { node } = arg
  if (node.kind === 'literal') {
    const expected = constantError(node.value, wanted)
    if (expected !== undefined) {
      throw new QueryError(`${where}: expected ${expected}, got ${describeValue(node.value)}`)
    }
    return
  }
  const type = Expression.typeOf(arg)
  if (wanted === 'order' || fitsType(type, wanted)) return
  throw new QueryError(`${where}: expected ${[wanted].flat().join(' or ')}, got an expression of type ${type.name}`)
}

/**
 * A function of an element, as a node. By default what it returns is the value; `build` may read it otherwise.
 * @throws QueryError for what is no function
 */
function lambda(
  where: string,
  callback: unknown,
  read: ((result: unknown) => Node) | undefined,
  build?: (callback: (item: never) => unknown, item: Expression) => Node,
): Node {
  if (typeof callback !== 'function') {
    throw new QueryError(`${where}: expected a function such as (x) => x.get('label'), got ${describeValue(callback)}`)
  }
  const item = new Expression(Object.freeze({ kind: 'item', depth }), json)
  depth++
  try {
    const body = build ? build(callback as (item: never) => unknown, item) : read!(callback(item))
    return lambdaOf(body, depth - 1)
  } finally {
    depth--
  }
}

const lambdaOf = (body: Node, depth: number): Node =>
  Object.freeze({ kind: 'lambda', depth, args: Object.freeze([body] as const) })

const isSubquery = (value: unknown): value is Subquery<unknown> =>
  typeof value === 'object' && value !== null && subquery in value

function inSubquery(value: Node, rows: Subquery<unknown>): AnyExpr {
  const { query, columns } = rows[subquery]()
  if (columns !== 1) {
    throw new QueryError(`in(): expected a query of one column, got one of ${columns}: select the one that is meant`)
  }
  return subqueryTest({ kind: 'subquery', test: 'in', args: Object.freeze([value]), query })
}

function subqueryTest(node: SubqueryNode): AnyExpr {
  Object.freeze(node)
  scope?.add(node)
  return new Expression(node, boolType) as unknown as AnyExpr
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
  return subqueryTest({ kind: 'subquery', test: 'exists', args: Object.freeze([]), query: rows[subquery]().query })
}

/**
 * The node of an operand of a kind.
 * @throws QueryError when its type is another
 */
export function operandNode(value: unknown, wanted: Operand, where: string): Node {
  const arg = toExpression(value, where)
  checkOperand(arg, wanted, where)
  return arg.node
}

/** The call of an operator. */
export function callOperator(operator: string, args: readonly Expression[]): Expression {
  const nodes = Object.freeze(args.map((arg) => arg.node))
  const types = args.map(Expression.typeOf)
  const type = operators[operator]!.result(types, nodes)
  const reads = type === boolType ? jsonReads(operators[operator]!, types, nodes) : undefined
  const node: Node = Object.freeze({ kind: 'call', operator, args: nodes, ...(reads ? { reads } : {}) })
  if (scope && type === boolType) scope.add(node)
  return new Expression(node, type)
}

/** See `CallNode.reads`. */
function jsonReads(
  operator: Operator,
  types: readonly ColumnType[],
  nodes: readonly Node[],
): (JsonKind | null)[] | undefined {
  const compares = operator.operands.every((kind) => kind === 'any' || kind === 'order')
  if (!compares || operator.unified || types.length < 2 || !types.some(isJson)) return undefined
  const isNull = (i: number) => nodes[i]!.kind === 'literal' && (nodes[i] as LiteralNode).value === null
  const plain = types.find((type, i) => !isJson(type) && type !== dynamicType && !isNull(i))
  if (!plain) return undefined
  const kind = plain === boolType ? 'bool' : plain.operators.includes('number') ? 'number' : 'text'
  return types.map((type) => (isJson(type) ? kind : null))
}

/** The call of an operator that no value is the first operand of. @throws QueryError where an argument does not fit */
export function callFunction<E>(name: string, given: readonly unknown[]): E {
  const operator = operators[name]!
  const args = given.map((value, i) => {
    const arg = toExpression(value ?? null, `${name}()`)
    checkOperand(arg, operandAt(operator, i), `${name}(), argument ${i + 1}`)
    return arg
  })
  const wrong = operator.check?.(...args.map(constantOf))
  if (wrong !== undefined) throw new QueryError(`${name}(): ${wrong}`)
  return callOperator(name, args) as E
}

/**
 * The node of an argument.
 * @throws QueryError for `undefined`, which in a filter would silently widen it
 */
export function toNode(value: unknown, where: string): Node {
  if (isExpression(value)) return value.node
  // A lambda.
  if (typeof value === 'object' && value !== null && (value as Node).kind === 'lambda' && 'args' in value) {
    return value as Node
  }
  if (value === undefined) {
    throw new QueryError(`${where}: got undefined. Leave the condition out, or compare with isNull()`)
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new QueryError(`${where}: expected a value or an expression, got ${describeValue(value)}`)
  }
  return literal(value)
}

/** An argument as an expression. @throws QueryError for `undefined` */
export const toExpression = (value: unknown, where: string): Expression =>
  isExpression(value) ? value : new Expression(toNode(value, where))

/** Whether a value is an expression. */
export function isExpression(value: unknown): value is Expression {
  return value instanceof Expression
}

/** The type of a node that says itself what it is. */
function typeOf(node: Node): ColumnType {
  switch (node.kind) {
    case 'literal':
      return typeOfConstant(node.value)
    case 'rowid':
      return intType
    case 'score':
      return floatType
    case 'cellError':
    case 'terms':
      return stringType
    case 'item':
    case 'lambda':
      return json
    case 'function':
      return node.fn.returns ?? dynamicType
    case 'subquery':
      return boolType
    default:
      return dynamicType
  }
}

/** Wraps a node for users. */
export function expression<E = AnyExpr>(node: Node, type?: ColumnType): E {
  return new Expression(Object.freeze(node), type) as E
}

/** Joins predicates with AND; undefined for none. */
export function conjunction(predicates: readonly Node[]): Node | undefined {
  return predicates.length === 0
    ? undefined
    : predicates.reduce((a, b) => callOperator('and', [expression(a), expression(b)]).node)
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
 * Runs a callback that returns a predicate, and checks that every predicate built in it reaches the result:
 * `c.a.gt(3) && c.b.isNotNull()` compiles, and silently drops its left side.
 */
export function predicateOf(callback: (refs: never) => unknown, refs: unknown, where = 'where()'): Node {
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
    throw new QueryError(`${where}: expected the callback to return a predicate, got ${describeValue(result)}`)
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
        `${where}: a predicate was built but is not part of the result. Combine predicates with .and(), .or() and .not(), not with &&, || and !`,
      )
    }
  }
  return result.node
}
