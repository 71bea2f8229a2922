import { QueryError } from '../errors.js'
import { literal } from '../expr/node.js'
import { collect, type ExecuteOptions, type Parameters } from './execute.js'
import type { QueryNode } from './query-node.js'
import type { Session } from './session.js'

/** A row that a search found. */
export interface RankedRow {
  readonly rowid: number
  readonly score: number
}

/**
 * The best rows of a search under the conditions of its query, best first: one leg of a search that puts several
 * together.
 */
export async function rankedRows(
  session: Session,
  { from, where, search }: Pick<QueryNode, 'from' | 'where' | 'search'>,
  limit: number,
  parameters: Parameters = {},
  options: ExecuteOptions = {},
): Promise<RankedRow[]> {
  if (from.kind !== 'table' || !search) throw new QueryError('only a search of a table ranks its rows')
  const select = [
    { name: 'rowid', value: { kind: 'rowid', table: from.id } },
    { name: 'score', value: { kind: 'score' } },
  ] as const
  const query: QueryNode = { from, where, search, select, orderBy: [], limit: literal(limit) }
  return (await collect(session, query, parameters, options)) as unknown as RankedRow[]
}
