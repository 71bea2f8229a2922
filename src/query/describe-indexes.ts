import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { coverageOf } from '../compute/coverage.js'
import type { Session } from '../plan/session.js'
import {
  describeIndex,
  describeOrderedIndex,
  describeTextIndex,
  type IndexDescription,
  type OrderedIndexDescription,
  type TextIndexDescription,
} from './describe.js'

/** The indexes of a table for users, with how much of them is there and what they take. */
export async function describeIndexes(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
): Promise<(IndexDescription | TextIndexDescription | OrderedIndexDescription)[]> {
  const sizes = await session.engine.indexBytes(table)
  const coverage = session.counts ? coverageOf(catalog, session.counts, table) : []
  const onDisk = (id: number) => ({ bytes: sizes.get(id) ?? 0, memoryBytes: 0 })
  return [
    ...table.indexes.map((index) => {
      const found = coverage.find(({ kind, name }) => kind === 'index' && name === index.name)
      const resident = session.residentVectors.of(table, index)
      const described = describeIndex(table, index, found)
      return {
        ...described,
        ...(found ? { coverage: found } : {}),
        ...onDisk(index.id),
        memoryBytes: resident?.bytes ?? 0,
        exact: resident?.isApproximate !== true,
      }
    }),
    ...table.textIndexes.map((index) => ({ ...describeTextIndex(table, index), ...onDisk(index.id) })),
    ...table.keys.map((key) => ({ ...describeOrderedIndex(table, key), ...onDisk(key.id) })),
  ]
}
