import type { Catalog } from '../catalog/catalog.js'
import type { NewView } from '../compute/schema.js'
import type { OutputColumn } from '../engine/engine.js'
import type { Node } from '../expr/node.js'
import type { IteratorUse } from '../iterators/iterator.js'
import type { QueryNode, TableNode } from '../plan/query-node.js'

/** The table of a query that has conditions and chosen columns alone. */
export function plainSource({
  from,
  search,
  groupBy,
  orderBy,
  limit,
  offset,
  distinct,
}: QueryNode): TableNode | undefined {
  const more = search || groupBy || orderBy.length > 0 || limit || offset || distinct
  return from.kind === 'table' && !more ? from : undefined
}

/** What a view shows of its base, and what it computes. */
export function projection(
  catalog: Catalog,
  { id: table }: TableNode,
  { select }: QueryNode,
): { shows?: string[]; columns?: { name: string; value: Node; unstored: boolean }[] } {
  if (!select) return {}
  const isShown = ({ name, value }: OutputColumn) =>
    value.kind === 'column' && value.table === table && value.name === name
  const columns = select
    .filter((column) => !isShown(column))
    // Another name for a column needs no copy of its values.
    .map(({ name, value }) => ({ name, value, unstored: value.kind === 'column' && !!catalog.resolve(value) }))
  return { shows: select.filter(isShown).map(({ name }) => name), columns }
}

/** An iterator with its arguments over the columns of a base, and the columns that it makes. */
export function iteratorOf(use: IteratorUse<never, any>, refs: unknown): NonNullable<NewView['iterator']> {
  const { iterator, options } = use
  const identity = { name: iterator.name, version: iterator.version }
  return { call: { iterator: identity, args: use.args(refs as never), options }, outputs: iterator.outputs(options) }
}
