import { foldName } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { checkName } from '../catalog/names.js'
import { ExistsError, SchemaError } from '../errors.js'

/** Names that tables which belong to a table have. */
const reservedIndexNames = ['errors', 'history', 'until', 'base', 'pk']

/** @throws SchemaError, ExistsError */
export function checkIndexName(table: TableDefinition, name: string): void {
  checkName(name, 'index')
  if (reservedIndexNames.includes(foldName(name))) throw new SchemaError(`index name '${name}' is reserved`)
  if (takenNames(table).has(foldName(name))) throw new ExistsError(`'${table.name}' has an index '${name}' already`)
}

const takenNames = (table: TableDefinition): Set<string> =>
  new Set([
    ...[...table.indexes, ...table.textIndexes, ...table.keys].map((index) => foldName(index.name)),
    ...table.indexes.flatMap(({ successorOf }) => (successorOf ? [foldName(successorOf.name)] : [])),
  ])

/** A name for a new index that no other has. */
export function freeName(table: TableDefinition, wanted: string): string {
  const name = wanted.replaceAll(/[^\p{L}\p{N}_-]/gu, '_').replace(/^[^\p{L}]/u, 'x')
  const taken = new Set([...takenNames(table), ...reservedIndexNames])
  if (!taken.has(foldName(name))) return name
  for (let i = 2; ; i++) if (!taken.has(foldName(`${name}_${i}`))) return `${name}_${i}`
}
