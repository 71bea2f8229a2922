import type { Catalog } from '../catalog/catalog.js'
import type { ColumnDefinition, TableDefinition } from '../catalog/definition.js'
import { type FunctionIdentity, scalarFunction } from '../expr/function.js'
import { type Node, transform, visit } from '../expr/node.js'
import type { Session } from '../plan/session.js'

/** Something that was computed by another version of its function than the program has. */
export interface Stale {
  /** The table or view. */
  readonly table: string
  /** A computed column, an embedding index by its model, or a view by its iterator. */
  readonly kind: 'column' | 'index' | 'view'
  /** The column or index; the view itself. */
  readonly name: string
  /** The function, model or iterator. */
  readonly function: string
  /** The version that the file names. */
  readonly stored: number
  /** The version that the program has. */
  readonly current: number
}

/** What of a table or view is stale. What reads a stale column is not listed: it follows when that is computed again. */
export function staleOf(session: Session, catalog: Catalog, { id, name: tableName }: TableDefinition): Stale[] {
  const table = catalog.byId(id)
  const stale: Stale[] = []
  const compare = (kind: Stale['kind'], name: string, stored: FunctionIdentity, code: FunctionIdentity | undefined) => {
    if (!code || code.version === stored.version) return
    const versions = { stored: stored.version, current: code.version }
    const known = stale.some((s) => s.kind === kind && s.name === name && s.function === stored.name)
    if (!known) stale.push({ table: tableName, kind, name, function: stored.name, ...versions })
  }
  for (const { name, computed, unstored } of table.columns) {
    if (!computed || unstored) continue
    visit(computed, (node) => {
      if (node.kind === 'function') compare('column', name, node.fn, node.fn.code)
    })
  }
  for (const { name, embedder } of table.indexes) {
    if (embedder) compare('index', name, embedder, session.embedder(embedder.name))
  }
  const iterator = table.view?.iterator?.iterator
  if (iterator) compare('view', tableName, iterator, session.code('iterator', iterator.name))
  return stale
}

/** The definition of a column whose cells were all computed by the functions that the program has. */
export function upToDate(column: ColumnDefinition): ColumnDefinition {
  if (!column.computed) return column
  const computed = transform(column.computed, (node): Node => {
    if (node.kind !== 'function' || !node.fn.code || node.fn.code.version === node.fn.version) return node
    return Object.freeze({ ...node, fn: scalarFunction(node.fn.code) })
  })
  return computed === column.computed ? column : { ...column, computed }
}
