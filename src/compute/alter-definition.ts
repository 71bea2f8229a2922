import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { ValidationError } from '../errors.js'
import { callOperator, type Expression, expression } from '../expr/expression.js'
import { literal, type Node } from '../expr/node.js'
import { collect } from '../plan/execute.js'
import type { Session } from '../plan/session.js'
import { altered } from './definitions.js'
import { rowQuery } from './statements.js'

/** Changes what a table's definition says and its rows do not show: comment, defaults, checks, versions of functions. */
export async function alterDefinition(
  session: Session,
  catalog: Catalog,
  was: TableDefinition,
  table: TableDefinition,
): Promise<void> {
  await session.commit({
    operation: 'alter definition',
    catalogVersion: catalog.version,
    schema: [{ kind: 'alterTable', was, table: altered(table, {}) }],
  })
}

/** Adds a predicate that no row may make false, in place of one of its name. @throws ValidationError when one does */
export async function addCheck(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  check: { readonly name: string; readonly predicate: Node },
): Promise<void> {
  const fails = callOperator('not', [expression<Expression>(check.predicate)]).node
  const [row] = await collect(session, { ...rowQuery(table, [fails], []), limit: literal(1) }, {}, {})
  if (row) {
    throw new ValidationError(
      `the row ${row._rowid} of '${table.name}' violates the check '${check.name}', so it was not added`,
    )
  }
  const checks = [...table.checks.filter(({ name }) => name !== check.name), check]
  await alterDefinition(session, catalog, table, { ...table, checks })
}
