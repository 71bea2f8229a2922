import type { OutputColumn } from '../engine/engine.js'
import { QueryError } from '../errors.js'
import { columnNode, literal, type Node, type WindowNode } from '../expr/node.js'
import { outputsOf } from '../plan/columns.js'
import { newSourceId, type QueryNode } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import { describeValue } from '../types/column-type.js'

/** What `sample` takes: a number of rows, a number of each stratum, or a fraction of all rows or of each stratum. */
export interface SampleOptions<R> {
  /** So many rows of all; a whole number of at least 0. */
  readonly n?: number
  /** So many rows of each stratum; a whole number of at least 0. Needs `stratifyBy`. */
  readonly nPerStratum?: number
  /** Each row with this probability, from 0 to 1; with `stratifyBy` this share of each stratum, rounded up. */
  readonly fraction?: number
  /** A whole number. The same seed chooses the same rows. @default a new one each time */
  readonly seed?: number
  /** The columns whose values make the strata. */
  readonly stratifyBy?: (keyof R & string) | readonly (keyof R & string)[]
}

/** The query for a sample of a query's rows. @throws QueryError at the call */
export function sampleOf(
  session: Session,
  query: QueryNode,
  options: SampleOptions<any>,
  strata: readonly Node[],
): QueryNode {
  const { n, nPerStratum, fraction, seed = Math.floor(Math.random() * 2 ** 31) } = options
  const given = [n, nPerStratum, fraction].filter((value) => value !== undefined)
  if (given.length !== 1) throw new QueryError('sample(): expected one of { n }, { nPerStratum } and { fraction }')
  if (nPerStratum !== undefined && strata.length === 0) {
    throw new QueryError('sample(): nPerStratum needs stratifyBy, the columns that make the strata')
  }
  const size = n ?? nPerStratum
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) {
    throw new QueryError(`sample(): expected a whole number of at least 0, got ${describeValue(size)}`)
  }
  if (fraction !== undefined && !(fraction >= 0 && fraction <= 1)) {
    throw new QueryError(`sample(): fraction: expected a number from 0 to 1, got ${describeValue(fraction)}`)
  }
  if (!Number.isSafeInteger(seed))
    throw new QueryError(`sample(): seed: expected a whole number, got ${describeValue(seed)}`)
  const { from } = query
  if (
    from.kind !== 'table' ||
    query.groupBy ||
    query.distinct ||
    query.limit ||
    query.offset ||
    query.orderBy.length > 0
  ) {
    throw new QueryError('sample() chooses among the rows of a table: use it before anything but where() and select()')
  }
  const chance: Node = call('hash', { kind: 'rowid', table: from.id }, literal(seed))
  // A row's own number decides, so that it does not matter which other rows there are.
  if (fraction !== undefined && strata.length === 0) {
    return { ...query, where: [...query.where, call('lt', chance, literal(fraction))] }
  }
  const id = newSourceId()
  const outputs = outputsOf(session, query)
  const place: WindowNode = {
    kind: 'window',
    name: 'rowNumber',
    args: [...strata, chance],
    partition: strata.length,
    order: [{ direction: 'asc' }],
  }
  const all: WindowNode = { kind: 'window', name: 'count', args: [...strata], partition: strata.length, order: [] }
  const hidden: OutputColumn[] = [
    { name: '_rowid', value: { kind: 'rowid', table: from.id } },
    { name: '$place', value: place },
    { name: '$all', value: all },
  ]
  const inner: QueryNode = { ...query, select: [...outputs, ...hidden] }
  // For whole numbers, at most the share rounded up is less than one more than the share.
  const share = size === undefined ? call('mul', columnNode(id, '$all'), literal(fraction)) : literal(size)
  return {
    from: { kind: 'subquery', id, query: inner },
    where: [call('lt', call('sub', columnNode(id, '$place'), literal(1)), share)],
    select: outputs.map(({ name }) => ({ name, value: columnNode(id, name) })),
    orderBy: [],
  }
}

const call = (operator: string, ...args: Node[]): Node => Object.freeze({ kind: 'call', operator, args })
