import type { OutputColumn } from '../engine/engine.js'
import { type ColumnNode, columnNode, type Node } from '../expr/node.js'
import { typeOfNode } from '../expr/type-of.js'
import type { ColumnType } from '../types/column-type.js'
import { dynamicType } from '../types/dynamic.js'
import type { QueryNode, SourceNode } from './query-node.js'
import type { Session } from './session.js'

/** A column that the rows of a source have, as its readers name it. */
export interface SourceColumn {
  readonly name: string
  readonly node: Node
  readonly type: ColumnType<any>
}

/** The columns that a source shows. */
export function columnsOfSource(session: Session, from: SourceNode): SourceColumn[] {
  switch (from.kind) {
    case 'table': {
      const catalog = session.catalogAt(from.asOf)
      const table = catalog.byId(from.id, from.name)
      return [...catalog.columnsOf(table)].map(([name, { column }]) => ({
        name,
        node: columnNode(from.id, name),
        type: column.type,
      }))
    }
    case 'subquery':
      return columnsOfQuery(session, from.query).map(({ name, type }) => ({
        name,
        node: columnNode(from.id, name),
        type,
      }))
    case 'compound':
      return columnsOfQuery(session, from.left).map(({ name, type }) => ({
        name,
        node: columnNode(from.id, name),
        type,
      }))
    case 'join':
      return from.columns.map(({ name, value }) => ({ name, node: value, type: typeIn(session, from, value) }))
  }
}

/** The columns that a query returns. */
export function outputsOf(session: Session, query: QueryNode): readonly OutputColumn[] {
  if (query.select) return query.select
  if (query.groupBy) return query.groupBy
  const columns = columnsOfSource(session, query.from).map(({ name, node }) => ({ name, value: node }))
  return query.search ? [...columns, { name: query.search.as, value: { kind: 'score' } }] : columns
}

/** The columns that a query returns, with their types as far as they are known. */
export function columnsOfQuery(session: Session, query: QueryNode): SourceColumn[] {
  return outputsOf(session, query).map(({ name, value }) => ({
    name,
    node: value,
    type: typeIn(session, query.from, value),
  }))
}

/** The type of an expression over a source. */
export function typeIn(session: Session, from: SourceNode, node: Node): ColumnType<any> {
  return typeOfNode(node, (column) => typeOfColumn(session, from, column) ?? dynamicType)
}

function typeOfColumn(session: Session, from: SourceNode, column: ColumnNode): ColumnType<any> | undefined {
  switch (from.kind) {
    case 'table':
      return session.catalogAt(from.asOf).resolve(column)?.column.type
    case 'join':
      return typeOfColumn(session, from.left, column) ?? typeOfColumn(session, from.right, column)
    case 'subquery':
    case 'compound': {
      if (column.table !== from.id) return undefined
      const query = from.kind === 'subquery' ? from.query : from.left
      const output = outputsOf(session, query).find(({ name }) => name === column.name)
      return output && typeIn(session, query.from, output.value)
    }
  }
}
