import type { TableDefinition } from '../catalog/definition.js'
import { addCheck } from '../compute/alter-definition.js'
import { defineChecks, defineTable, type NewTable } from '../compute/definitions.js'
import { checkNewPath, createTable } from '../compute/schema.js'
import { SchemaError } from '../errors.js'
import { sameExpression, sameOptions } from './compare.js'
import type { DeclarationParts } from './declaration.js'
import type { Define, Draft } from './draft.js'
import { planColumn, planLeftovers, planMembers } from './plan-columns.js'
import { planIndexes } from './plan-indexes.js'

/** Plans a declared table. @throws SchemaError when the file's has another primary key, or a column of another type */
export async function planTable(
  draft: Draft,
  parts: DeclarationParts & { readonly origin: { readonly kind: 'table' } },
  existing: TableDefinition | undefined,
): Promise<void> {
  const { name, origin } = parts
  const { schema, options } = origin
  const { primaryKey = [], unique, check, comment } = options
  const wanted = { name, schema, primaryKey, unique, check, comment } as NewTable
  // Made, and so checked, whether or not the table is there.
  const definition = defineTable(existing?.id ?? draft.nextTableId, wanted)
  const { id } = definition
  draft.declared.push(id)
  for (const { predicate } of definition.checks) draft.bringFunctions(predicate)
  if (!existing) {
    checkNewPath(draft.catalog, name, 'table')
    const step = { kind: 'createTable', table: name, columns: Object.keys(schema) } as const
    draft.create(step, definition, (catalog) => createTable(draft.session, catalog, wanted, []))
  } else {
    if (!sameOptions(existing.primaryKey, definition.primaryKey)) {
      const [is, was] = [definition, existing].map((table) => `(${table.primaryKey.join(', ')})`)
      throw new SchemaError(`sync(): the primary key of '${name}' is declared as ${is}, and in the file it is ${was}`)
    }
    for (const [column, type] of Object.entries(schema)) await planColumn(draft, id, column, type)
  }
  await planMembers(draft, id, parts)
  planComment(draft, id, comment)
  // What is dropped is dropped backwards: what reads a column before the column.
  planLeftovers(draft, id, new Set(Object.keys(schema)), parts)
  planChecks(draft, id, wanted.check ?? {})
  planIndexes(draft, id, parts, definition.keys)
}

/** Plans the note of a table or view. */
export function planComment(draft: Draft, id: number, comment: string | undefined): void {
  const { comment: was, name } = draft.catalog.byId(id)
  if (was === comment) return
  const define: Define = (_, { comment: _was, ...table }) => ({
    ...table,
    ...(comment === undefined ? {} : { comment }),
  })
  const from = was === undefined ? {} : { from: was }
  const to = comment === undefined ? {} : { to: comment }
  draft.alter(id, { kind: 'alterComment', table: name, ...from, ...to }, define)
}

function planChecks(draft: Draft, id: number, check: NonNullable<NewTable['check']>): void {
  const table = draft.catalog.byId(id)
  const wanted = defineChecks(table, check)
  for (const { name, predicate } of wanted) {
    const found = table.checks.find((other) => other.name === name)
    if (found && sameExpression(found.predicate, predicate)) continue
    const step = { kind: 'addCheck', table: table.name, check: name } as const
    draft.define(id, (_, t) => ({
      ...t,
      checks: [...t.checks.filter((other) => other !== found), { name, predicate }],
    }))
    draft.act(step, (catalog) => addCheck(draft.session, catalog, catalog.byId(id), { name, predicate }))
  }
  for (const { name } of table.checks.filter((found) => !wanted.some((other) => other.name === found.name))) {
    const define: Define = (_, t) => ({ ...t, checks: t.checks.filter((other) => other.name !== name) })
    draft.drop({ kind: 'dropCheck', table: table.name, check: name }, () => {
      draft.define(id, define)
      return draft.altering(id, define)
    })
  }
}
