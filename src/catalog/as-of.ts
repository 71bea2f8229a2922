import type { TableDefinition } from './definition.js'

/**
 * The definition of a table as it was at a version, with the names that its parts have in the database now: a renamed
 * column has its new name there, a dropped one the mark `@` and its id.
 */
export function asStored(then: TableDefinition, now: TableDefinition): TableDefinition {
  const stored = <T extends { readonly id: number; readonly name: string }>(
    items: readonly T[],
    current: readonly T[],
  ) => items.map((item) => ({ ...item, storedAs: current.find(({ id }) => id === item.id)?.name ?? `@${item.id}` }))
  return {
    ...then,
    storedAs: now.name,
    columns: stored(then.columns, now.columns),
    indexes: stored(then.indexes, now.indexes),
  }
}
