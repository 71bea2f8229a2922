import { NotFoundError, QueryError } from '../errors.js'
import { conjunction, type Expr, type Expression, isExpression, predicateOf, type Refs } from '../expr/expression.js'
import type { Node } from '../expr/node.js'
import { describeValue } from '../types/column-type.js'

/**
 * What `where` takes: a callback that is given the columns, an object of values that columns must equal (null: must be
 * null), or a predicate.
 */
export type Condition<R> =
  | ((c: Refs<R>) => Expr<boolean | null>)
  | { readonly [K in keyof R]?: R[K] }
  | Expr<boolean | null>

/** The node of a condition. @throws QueryError, NotFoundError at the call */
export function toPredicate(condition: unknown, refs: Readonly<Record<string, Expression>>): Node {
  if (typeof condition === 'function') return predicateOf(condition as (refs: never) => unknown, refs)
  if (isExpression(condition)) return condition.node
  if (typeof condition !== 'object' || condition === null || Array.isArray(condition)) {
    throw new QueryError(
      `where(): expected a callback, an object of values or a predicate, got ${describeValue(condition)}`,
    )
  }
  const tests = Object.entries(condition).map(([name, value]) => {
    if (!Object.hasOwn(refs, name)) {
      throw new NotFoundError(`where(): there is no column '${name}'. There are: ${Object.keys(refs).join(', ')}`)
    }
    const column = refs[name]!
    return (value === null ? column.isNull() : column.eq(value)).node
  })
  return conjunction(tests) ?? trivial
}

/** The object `{}` asks for nothing. */
const trivial: Node = Object.freeze({ kind: 'literal', value: true })
