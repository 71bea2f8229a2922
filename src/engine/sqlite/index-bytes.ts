import type { TableDefinition } from '../../catalog/definition.js'
import type { Connection } from './connection.js'
import { keepsVectors, textTable, vectorsTable } from './names.js'

/** Tables that FTS5 keeps an index in. */
const textParts = ['data', 'idx', 'content', 'docsize', 'config']

/**
 * Bytes of the pages of each index, by its id. An index over a column of vectors has none of its own; vectors of earlier
 * versions are not counted.
 */
export function indexBytes(connection: Connection, table: TableDefinition): Map<number, number> {
  const pages = connection
    .prepare('SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = ? AND aggregate = TRUE')
    .pluck()
  const bytes = (name: string) => pages.get(name) as number
  const sum = (names: readonly string[]) => names.reduce((total, name) => total + bytes(name), 0)
  return new Map([
    ...table.indexes.map(
      (index) => [index.id, keepsVectors(index) ? bytes(vectorsTable(table.name, index.name)) : 0] as const,
    ),
    ...table.textIndexes.map(
      ({ id, name }) => [id, sum(textParts.map((part) => `${textTable(table.name, name)}_${part}`))] as const,
    ),
    ...table.keys.map(({ id, name }) => [id, bytes(`${table.name}@${name}`)] as const),
  ])
}
