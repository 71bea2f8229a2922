import type { Catalog } from '../catalog/catalog.js'
import type { Node } from '../expr/node.js'
import { typeOfNode } from '../expr/type-of.js'
import type { ColumnType } from '../types/column-type.js'
import { dynamicType } from '../types/dynamic.js'
import type { QueryNode } from './query-node.js'

/** A column of a query's result. */
export interface ResultColumn {
  readonly name: string
  /** `dynamic` where only the values tell. */
  readonly type: ColumnType<any>
  readonly nullable: boolean
}

/** The columns that a query returns, with their types as far as they are known without running it. */
export function resultColumns(catalog: Catalog, query: QueryNode): ResultColumn[] {
  const table = catalog.byId(query.table, query.tableName)
  const find = (node: Node & { kind: 'column' }) =>
    catalog.columnsOf(catalog.find(node.table) ?? table).get(node.name)?.column
  const selected = query.select ?? [
    ...[...catalog.columnsOf(table).keys()].map((name) => ({
      name,
      value: { kind: 'column', table: table.id, name } as const,
    })),
    ...(query.search ? [{ name: query.search.as, value: { kind: 'score' } as const }] : []),
  ]
  return selected.map(({ name, value }) => {
    const column = value.kind === 'column' ? find(value) : undefined
    const known = value.kind === 'rowid' || value.kind === 'score'
    return {
      name,
      type: typeOfNode(value, (node) => find(node)?.type ?? dynamicType),
      // A computed cell that failed is null.
      nullable: column ? column.nullable || column.computed !== undefined : !known,
    }
  })
}
