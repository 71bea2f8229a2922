import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { NotFoundError, QueryError } from '../errors.js'
import { identityOf } from '../expr/function.js'
import { type ColumnNode, type Node, visit } from '../expr/node.js'
import type { ColumnType } from '../types/column-type.js'

/** The type of a column in an expression over a table. */
export function typeOfColumn(catalog: Catalog, table: TableDefinition): (node: ColumnNode) => ColumnType<any> {
  return (node) => {
    const found = catalog.columnsOf(catalog.find(node.table) ?? table).get(node.name)
    if (!found) throw new NotFoundError(`'${table.name}' has no column '${node.name}'`)
    return found.column.type
  }
}

/**
 * Checks an expression that is stored with a table: it is over that table's columns, and JavaScript can evaluate it.
 * @throws QueryError
 */
export function checkStorable(catalog: Catalog, table: TableDefinition, node: Node, what: string): void {
  const line = new Set(catalog.lineOf(table).map(({ id }) => id))
  visit(node, (n) => {
    switch (n.kind) {
      case 'column':
        if (!line.has(n.table)) throw new QueryError(`${what} uses a column of another table than '${table.name}'`)
        if (!catalog.columnsOf(catalog.byId(n.table)).has(n.name)) {
          throw new NotFoundError(`${what} uses the column '${n.name}', which '${table.name}' does not have`)
        }
        return
      case 'rowid':
        if (!line.has(n.table)) throw new QueryError(`${what} uses the row id of another table than '${table.name}'`)
        return
      case 'score':
        throw new QueryError(`${what} cannot use scores`)
      case 'terms':
        throw new QueryError(`${what} cannot use highlight() or snippet(): they mark what a query found`)
      case 'cellError':
        throw new QueryError(`${what} cannot use the errors of cells: they are known in queries alone`)
      case 'parameter':
        throw new QueryError(`${what} uses the parameter '${n.name}' of a query function`)
      case 'aggregate':
      case 'window':
      case 'subquery':
        throw new QueryError(`${what} is computed row by row and can use neither aggregates, windows nor subqueries`)
      case 'fragment':
        throw new QueryError(`${what} cannot use sql\`…\`: it is computed in JavaScript`)
      case 'function':
        if (n.fn.name === '') throw new QueryError(`${what} uses a function without a name (${identityOf(n.fn)})`)
    }
  })
}
