import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import type { Select, TableSource, TextSearch, VectorSearch } from '../engine/engine.js'
import { type Node, some } from '../expr/node.js'
import { operators } from '../expr/operators/index.js'
import type { FilteredSearch } from './filtered-rows.js'
import type { Session } from './session.js'

/**
 * The query with the rows that its search finds, ranked in memory; undefined where the database has to rank: when
 * vectors or postings are not in memory, for an earlier version, and when something else than the score orders the rows.
 */
export function ranked(session: Session, select: Select): Select | undefined {
  const found = rankable(select)
  if (!found) return undefined
  const { from, limit } = found
  const { where, offset = 0 } = select
  const { owner } = found.search
  const { search: _, ...source } = from
  const rowid: Node = { kind: 'rowid', table: owner.id }
  // A view need not have all rows of the base that has the index, and several of its rows may share one: those of as
  // many rows are at least as many.
  const isShared = from.line[0]!.id !== owner.id
  const filter = where || isShared ? { from: source, columns: [{ name: 'id', value: rowid }], where } : undefined
  const wanted = {
    ...(isShared ? { k: limit + offset, offset: 0 } : { k: limit, offset }),
    filter,
    isStable: !where || !some(where, isVolatile),
  }
  const result =
    found.search.kind === 'text'
      ? session.residentPostings.search(found.search, wanted)
      : rankVectors(session, found.search, wanted)
  if (!result) return undefined
  const search = { kind: 'ranked', owner, byScore: true, ...result } as const
  const { columns } = select
  return isShared ? { ...select, from: { ...from, search } } : { columns, from: { ...from, search } }
}

/** The rows of a ranked query that wants nothing but their ids and scores: the database has no more to say. */
export function rankedIds({ from, columns }: Select): unknown[][] | undefined {
  const search = from.kind === 'table' ? from.search : undefined
  if (search?.kind !== 'ranked' || from.kind !== 'table' || from.line[0]!.id !== search.owner.id) return undefined
  const values = columns.map(({ value }) => {
    if (value.kind === 'score' && !value.part) return search.scores
    return value.kind === 'rowid' && value.table === search.owner.id ? search.rowids : undefined
  })
  if (!values.every((list) => list !== undefined)) return undefined
  return search.rowids.map((_, i) => values.map((list) => list[i]))
}

const rankVectors = (session: Session, { owner, index, vector, candidates }: VectorSearch, wanted: FilteredSearch) =>
  session.residentVectors.search(owner, index, vector, { ...wanted, candidates })

/** The search of a query that can be ranked in memory. */
export function rankable(
  select: Select,
): { readonly search: VectorSearch | TextSearch; readonly from: TableSource; readonly limit: number } | undefined {
  const { from, where, groupBy, orderBy, distinct, limit, keys, after } = select
  if (from.kind !== 'table' || !from.search || from.search.kind === 'ranked' || from.asOf !== undefined)
    return undefined
  if (groupBy || distinct || orderBy?.length || limit === undefined || keys || after !== undefined) return undefined
  if (where && some(where, (node) => node.kind === 'score')) return undefined
  const { search } = from
  if (search.kind === 'text') return { search, from, limit }
  const { owner, index } = search
  return owner.indexes.some(({ id }) => id === index.id) && isOwn(owner, index) ? { search, from, limit } : undefined
}

/**
 * Waits for vectors in memory where the database would take long to rank: it compares every vector of every row with each
 * of a query, at one go.
 */
export async function loadRanked(session: Session, select: Select): Promise<void> {
  const search = multiVectorSearch(select)
  if (search) await session.residentVectors.load(search.owner, search.index)
}

/** The MaxSim of a query that can be ranked in memory. */
export function multiVectorSearch(select: Select): VectorSearch | undefined {
  const search = rankable(select)?.search
  return search?.kind === 'vector' && search.index.multi ? search : undefined
}

/** Whether the vectors are the table's own: an index on a column of a base reads that base. */
export const isOwn = ({ columns }: TableDefinition, { embedder, column }: IndexDefinition): boolean =>
  embedder !== undefined || columns.some(({ name }) => name === column)

const isVolatile = (node: Node): boolean => node.kind === 'call' && operators[node.operator]!.volatile === true
