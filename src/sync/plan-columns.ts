import type { ColumnDefinition, TableDefinition } from '../catalog/definition.js'
import {
  addColumn,
  addComputedColumn,
  alterComputedColumn,
  checkFillable,
  checkNewColumn,
  dropColumn,
  withExpression,
  withoutColumn,
} from '../compute/columns.js'
import { altered, defineColumns, defineComputed } from '../compute/definitions.js'
import { bindSchema } from '../compute/schema.js'
import { checkStorable, typeOfColumn } from '../compute/storable.js'
import { QueryError, SchemaError } from '../errors.js'
import { isExpression } from '../expr/expression.js'
import type { Node } from '../expr/node.js'
import { printNode } from '../expr/print.js'
import { typeOfNode } from '../expr/type-of.js'
import { Relation } from '../query/relation.js'
import type { Column } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import { checkSameColumn, sameDefault, sameExpression } from './compare.js'
import type { DeclarationParts } from './declaration.js'
import type { Define, Draft } from './draft.js'

/** Plans the columns beside those of the schema, in the order in which they were declared: later ones read earlier ones. */
export async function planMembers(draft: Draft, id: number, { members }: DeclarationParts): Promise<void> {
  for (const member of members) {
    const { name } = member
    if (member.kind === 'column') await planColumn(draft, id, name, member.column)
    else
      planComputed(draft, id, { name, value: expressionOf(draft, id, name, member.value), unstored: member.unstored })
  }
}

/** Plans a column of values. @throws SchemaError when the file has another one, or rows that would have no value in it */
export async function planColumn(
  draft: Draft,
  id: number,
  name: string,
  column: Column<any, any, boolean>,
): Promise<void> {
  const { session } = draft
  const table = draft.catalog.byId(id)
  const found = table.columns.find((c) => c.name === name)
  const [wanted] = defineColumns({ [name]: column }, table.nextId)
  if (!found) {
    checkNewColumn(draft.catalog, table, name)
    if (table.view || !draft.isNew(id)) await checkFillable(session, draft.catalog, table, wanted!)
    const step = { kind: 'addColumn', table: table.name, column: name, type: column.type.name } as const
    const define: Define = (_, t) => withColumn(t, { ...wanted!, id: t.nextId })
    draft.step(id, step, define, async (catalog) => {
      await addColumn(session, catalog, table, name, column)
      bindSchema(session, table, { [name]: column })
    })
    return
  }
  checkSameColumn(table, found, wanted!)
  if (sameDefault(found.default, wanted!.default)) return
  const define: Define = (_, t) => ({
    ...t,
    columns: t.columns.map((c) => {
      if (c.name !== name) return c
      const { default: _was, ...rest } = c
      return wanted!.default ? { ...rest, default: wanted!.default } : rest
    }),
  })
  draft.step(id, { kind: 'alterDefault', table: table.name, column: name }, define, async (catalog, options) => {
    // The function that made the default so far, if any, does so no longer.
    session.bindColumn(id, name, {})
    await draft.altering(id, define)(catalog, options)
    bindSchema(session, table, { [name]: column })
  })
}

/** Plans a computed column. @throws SchemaError when the file has a column of values of that name */
export function planComputed(
  draft: Draft,
  id: number,
  { name, value, unstored }: { readonly name: string; readonly value: Node; readonly unstored: boolean },
): void {
  const { session } = draft
  const table = draft.catalog.byId(id)
  const what = `column '${name}' of '${table.name}'`
  draft.bringFunctions(value)
  const found = table.columns.find((c) => c.name === name)
  if (!found) {
    checkNewColumn(draft.catalog, table, name)
    const define: Define = (catalog, t) =>
      withColumn(t, defineComputed(catalog, t, { id: t.nextId, name, value, unstored, what }))
    const type = typeOfNode(value, typeOfColumn(draft.catalog, table)).name
    const step = { kind: 'addColumn', table: table.name, column: name, type, computed: printNode(value) } as const
    draft.step(id, step, define, (catalog, options) =>
      addComputedColumn(session, catalog, table, { name, value, unstored, ...options }),
    )
    return
  }
  if (!found.computed) {
    throw new SchemaError(
      `${what} is declared as computed, and in the file it holds values of its own (${found.type.name}): drop it first, or declare it so`,
    )
  }
  checkStorable(draft.catalog, table, value, what)
  const isUnstored = found.unstored ?? false
  if (sameExpression(found.computed, value) && isUnstored === unstored) {
    // The rows of a rebuilding bring cells of the functions' present versions, which the declared expression names.
    if (draft.rebuilding) {
      const define: Define = (_, t) => ({
        ...t,
        columns: t.columns.map((c) => (c.name === name ? { ...c, computed: value } : c)),
      })
      draft.define(id, define)
      draft.rebuilding.defines.push(define)
    }
    return
  }
  const print = (node: Node, kept: boolean) => `${printNode(node)}${kept ? '' : ', not stored'}`
  const [from, to] = [print(found.computed, !isUnstored), print(value, !unstored)]
  const step = { kind: 'alterColumn', table: table.name, column: name, from, to } as const
  const define: Define = (catalog, t) => withExpression(catalog, t, { name, value, unstored }).next
  draft.step(id, step, define, (catalog, options) =>
    alterComputedColumn(session, catalog, table, { name, value, unstored, ...options }),
  )
}

/** Plans to drop the columns that the file has and the declaration has not. */
export function planLeftovers(
  draft: Draft,
  id: number,
  names: ReadonlySet<string>,
  { members }: DeclarationParts,
): void {
  const table = draft.catalog.byId(id)
  for (const { name, iterated } of table.columns) {
    if (iterated || names.has(name) || members.some((member) => member.name === name)) continue
    draft.drop({ kind: 'dropColumn', table: table.name, column: name }, () => {
      const changes = withoutColumn(draft.catalog, draft.catalog.byId(id), name)
      draft.replace(changes.map((change) => change.table))
      return (catalog) => dropColumn(draft.session, catalog, table, name)
    })
  }
}

/** The expression of a computed column, over the columns that the table has by then. */
function expressionOf(draft: Draft, id: number, name: string, value: unknown): Node {
  const table = draft.catalog.byId(id)
  const computed: unknown = typeof value === 'function' ? value(new Relation<any>(draft.beside, table).columns) : value
  if (isExpression(computed)) return computed.node
  throw new QueryError(`column '${name}' of '${table.name}': expected an expression, got ${describeValue(computed)}`)
}

const withColumn = (table: TableDefinition, column: ColumnDefinition): TableDefinition =>
  altered(table, { columns: [...table.columns, column], nextId: column.id + 1 })
