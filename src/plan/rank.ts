import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import type { Select } from '../engine/engine.js'
import { type Node, some } from '../expr/node.js'
import { operators } from '../expr/operators/index.js'
import type { Session } from './session.js'

/**
 * The query with the rows that its search finds, ranked by the vectors in memory; undefined where the database has to
 * rank: when vectors are not in memory, for an earlier version, and when something else than the score orders the rows.
 */
export function ranked(session: Session, select: Select): Select | undefined {
  const { from, where, groupBy, orderBy, distinct, limit, offset = 0, keys, after } = select
  if (from.kind !== 'table' || from.search?.kind !== 'vector' || from.asOf !== undefined) return undefined
  if (groupBy || distinct || orderBy?.length || limit === undefined || keys || after !== undefined) return undefined
  if (where && some(where, (node) => node.kind === 'score')) return undefined
  const { owner, index, vector } = from.search
  if (!owner.indexes.some(({ id }) => id === index.id) || !isOwn(owner, index)) return undefined
  const { search: _, ...source } = from
  const rowid: Node = { kind: 'rowid', table: owner.id }
  // A view need not have all rows of the base that has the vectors, and several of its rows may share one: those of as
  // many rows are at least as many.
  const isShared = from.line[0]!.id !== owner.id
  const filter = where || isShared ? { from: source, columns: [{ name: 'id', value: rowid }], where } : undefined
  const found = session.residentVectors.search(owner, index, vector, {
    ...(isShared ? { k: limit + offset, offset: 0 } : { k: limit, offset }),
    filter,
    isStable: !where || !some(where, isVolatile),
  })
  if (!found) return undefined
  const search = { kind: 'ranked', owner, byScore: true, ...found } as const
  const { columns } = select
  return isShared ? { ...select, from: { ...from, search } } : { columns, from: { ...from, search } }
}

/** Whether the vectors are the table's own: an index on a column of a base reads that base. */
export const isOwn = ({ columns }: TableDefinition, { embedder, column }: IndexDefinition): boolean =>
  embedder !== undefined || columns.some(({ name }) => name === column)

const isVolatile = (node: Node): boolean => node.kind === 'call' && operators[node.operator]!.volatile === true
