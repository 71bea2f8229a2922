import { QueryError } from '../errors.js'
import { type ExprFor, expression, toNode } from './expression.js'

/**
 * A piece of SQL as an expression. What stands in `${…}` is bound: an expression becomes its SQL, any other value a
 * parameter. The text itself is passed on as it is, so it must come from your program and never from its users.
 *
 * @typeParam T the JavaScript value that it yields
 * @throws QueryError when a value is `undefined`
 * @example
 * ```ts
 * import { Pixeltable, sql, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const points = await pxt.createTable('points', { x: t.float() })
 * await points.insert([{ x: -2 }])
 * console.log(await points.select((c) => ({ size: sql<number>`abs(${c.x})` })).collect()) // [{ size: 2 }]
 * ```
 */
export function sql<T>(parts: TemplateStringsArray, ...values: unknown[]): ExprFor<T> {
  if (!Array.isArray(parts) || !('raw' in parts)) {
    throw new QueryError('sql is a template tag: write sql`…`, not sql(…), so that values are bound and not pasted in')
  }
  return expression({
    kind: 'fragment',
    parts: Object.freeze([...parts]),
    args: Object.freeze(values.map((value) => toNode(value, 'sql`…`'))),
  })
}
