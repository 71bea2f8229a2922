import type { OutputColumn } from '../engine/engine.js'
import { QueryError } from '../errors.js'
import { type Node, some } from '../expr/node.js'

/** Whether an expression is made of aggregates. */
export const isAggregated = (node: Node): boolean => some(node, (n) => n.kind === 'aggregate')

const isWindowed = (node: Node): boolean => some(node, (n) => n.kind === 'window')

/**
 * Checks an expression over groups: what it takes of a row must be a key, or be in an aggregate.
 * @throws QueryError
 */
export function checkGrouped(node: Node, keys: readonly OutputColumn[], where: string): void {
  const known = new Set(keys.map((key) => identity(key.value)))
  const check = (n: Node): void => {
    if (n.kind === 'aggregate' || known.has(identity(n))) return
    if (n.kind === 'column' || n.kind === 'rowid' || n.kind === 'score') {
      const name = n.kind === 'column' ? n.name : n.kind === 'rowid' ? '_rowid' : 'score'
      const shown = keys.map((key) => key.name).join(', ') || 'none'
      throw new QueryError(
        `${where}: '${name}' differs within a group: put it into an aggregate such as max(…), or among the keys of groupBy(), which are: ${shown}`,
      )
    }
    if ('args' in n) n.args.forEach(check)
  }
  check(node)
}

/** @throws QueryError when a condition on rows is made of what there is only after */
export function checkRowWise(node: Node, where: string): void {
  if (isAggregated(node)) {
    throw new QueryError(`${where} chooses rows, before there are groups: put conditions on aggregates into having()`)
  }
  if (isWindowed(node)) {
    throw new QueryError(
      `${where} chooses rows, before windows see them: select the window function, and use where() on subquery()`,
    )
  }
}

/** The same text for equal expressions. */
function identity(node: Node): string {
  return JSON.stringify(node, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : typeof value === 'function' ? undefined : value,
  )
}
