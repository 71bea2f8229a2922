import type { ColumnType } from '../types/column-type.js'
import { columnsOfQuery } from './columns.js'
import type { QueryNode } from './query-node.js'
import type { Session } from './session.js'

/** A column of a query's result. */
export interface ResultColumn {
  readonly name: string
  /** `dynamic` where only the values tell. */
  readonly type: ColumnType<any>
  readonly nullable: boolean
}

/** The columns that a query returns, with their types as far as they are known without running it. */
export function resultColumns(session: Session, query: QueryNode): ResultColumn[] {
  const { from } = query
  return columnsOfQuery(session, query).map(({ name, node, type }) => {
    const column =
      node.kind === 'column' && from.kind === 'table' ? session.catalogAt(from.asOf).resolve(node)?.column : undefined
    const known = node.kind === 'rowid' || node.kind === 'score'
    // A computed cell that failed is null.
    return { name, type, nullable: column ? column.nullable || column.computed !== undefined : !known }
  })
}
