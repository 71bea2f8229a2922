import type { Catalog } from '../catalog/catalog.js'
import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import { type Coverage, coverageOf } from '../compute/coverage.js'
import { identityOf } from '../expr/function.js'
import type { Session } from '../plan/session.js'
import {
  describeIndex,
  describeOrderedIndex,
  describeTextIndex,
  type IndexDescription,
  type OrderedIndexDescription,
  type TextIndexDescription,
  withoutSuccessors,
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
    ...withoutSuccessors(table).map((index): IndexDescription => {
      const covered = (name: string) => coverage.find((part) => part.kind === 'index' && part.name === name)
      const found = covered(index.name)
      const resident = session.residentVectors.of(table, index)
      const next = table.indexes.find(({ successorOf }) => successorOf?.id === index.id)
      return {
        ...describeIndex(table, index, found),
        ...(found ? { coverage: found } : {}),
        ...onDisk(index.id),
        memoryBytes: resident?.bytes ?? 0,
        exact: resident?.isApproximate !== true,
        ...(next ? { status: 'pending', successor: describeSuccessor(next, covered(next.name)) } : {}),
      }
    }),
    ...table.textIndexes.map((index) => ({
      ...describeTextIndex(table, index),
      ...onDisk(index.id),
      memoryBytes: session.residentPostings.bytesOf(table, index),
    })),
    ...table.keys.map((key) => ({ ...describeOrderedIndex(table, key), ...onDisk(key.id) })),
  ]
}

const describeSuccessor = ({ embedder }: IndexDefinition, coverage: Coverage | undefined) => ({
  ...(embedder ? { embedder: identityOf(embedder) } : {}),
  ...(coverage ? { coverage } : {}),
})
