import { NotFoundError, QueryError } from '../errors.js'
import { conjunction, type Expr, isExpression, predicateOf, type Refs } from '../expr/expression.js'
import type { Node } from '../expr/node.js'
import { describeValue } from '../types/column-type.js'
import { parseCondition } from './condition-parser.js'
import type { RefRecord } from './refs.js'

/**
 * What `where` takes: a callback that is given the columns, an object of values that columns must equal (null: must be
 * null), one test as an object, or a predicate.
 */
export type Condition<R> =
  | ((c: Refs<R>) => Expr<boolean | null>)
  | { readonly [K in keyof R]?: R[K] }
  | ColumnTest<R>
  | Expr<boolean | null>

/** A test of one column, as an object. */
export interface ColumnTest<R> {
  readonly column: keyof R & string
  readonly operator: '=' | '==' | '!=' | '<>' | '<' | '<=' | '>' | '>=' | 'in' | 'IN' | 'like' | 'LIKE'
  readonly value: unknown
}

/** The node of a condition. @throws QueryError, NotFoundError at the call */
export function toPredicate(condition: unknown, refs: RefRecord, params: readonly unknown[] = []): Node {
  if (typeof condition === 'string') return parseCondition(condition, params, refs)
  if (params.length > 0) throw new QueryError('where(): values for ? come with a condition that is text')
  if (typeof condition === 'function') return predicateOf(condition as (refs: never) => unknown, refs)
  if (isExpression(condition)) return condition.node
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) {
    throw new QueryError(
      `where(): expected a callback, an object of values, a predicate or text, got ${describeValue(condition)}`,
    )
  }
  if (isColumnTest(condition, refs)) return testOf(condition, refs)
  const tests = Object.entries(condition).map(([name, value]) => {
    if (!Object.hasOwn(refs, name)) {
      throw new NotFoundError(`where(): there is no column '${name}'. There are: ${Object.keys(refs).join(', ')}`)
    }
    const column = refs[name]!
    return (value === null ? column.isNull() : column.eq(value)).node
  })
  return conjunction(tests) ?? trivial
}

/** Whether an object is a test and not values of columns that happen to have these names. */
function isColumnTest(condition: object, refs: RefRecord): condition is ColumnTest<any> {
  const keys = Object.keys(condition)
  return (
    keys.length === 3 && ['column', 'operator', 'value'].every((key) => keys.includes(key) && !Object.hasOwn(refs, key))
  )
}

function testOf({ column, operator, value }: ColumnTest<any>, refs: RefRecord): Node {
  const quoted = `"${String(column).replaceAll('"', '""')}"`
  if (!/^(==?|!=|<>|[<>]=?|in|like)$/i.test(operator)) {
    throw new QueryError(
      `where(): operator: expected one of =, !=, <, <=, >, >=, in, like, got ${describeValue(operator)}`,
    )
  }
  if (value === null && /^==?$/.test(operator)) return parseCondition(`${quoted} IS NULL`, [], refs)
  if (/^in$/i.test(operator)) return parseCondition(`${quoted} IN (?)`, [value], refs)
  return parseCondition(`${quoted} ${operator} ?`, [value], refs)
}

/** The object `{}` asks for nothing. */
const trivial: Node = Object.freeze({ kind: 'literal', value: true })
