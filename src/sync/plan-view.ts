import { foldName } from '../catalog/catalog.js'
import type { ColumnDefinition, TableDefinition, ViewDefinition } from '../catalog/definition.js'
import { rebuildView } from '../compute/rebuild-view.js'
import { checkNewPath, createView, type DerivedView, defineView } from '../compute/schema.js'
import { ExistsError, QueryError, SchemaError } from '../errors.js'
import { visit } from '../expr/node.js'
import { internals, type Query } from '../query/query.js'
import { refsOf } from '../query/refs.js'
import { Relation } from '../query/relation.js'
import { iteratorOf, plainSource, projection } from '../table/view-source.js'
import { sameExpression, sameOptions, sameType } from './compare.js'
import { type DeclarationParts, declaredQuery, sourceOf } from './declaration.js'
import type { Action, Define, Draft } from './draft.js'
import type { SyncStep } from './plan.js'
import { planComputed, planLeftovers, planMembers } from './plan-columns.js'
import { planIndexes } from './plan-indexes.js'
import { planComment } from './plan-table.js'

type ViewParts = DeclarationParts & { readonly origin: { readonly kind: 'view' } }

/** Plans a declared view. @throws SchemaError when the file's derives from another table */
export async function planView(draft: Draft, parts: ViewParts, existing: TableDefinition | undefined): Promise<void> {
  const { name } = parts
  const id = existing?.id ?? draft.nextTableId
  draft.declared.push(id)
  const wanted = newView(draft, parts)
  const definition = defineView(draft.catalog, id, wanted)
  const computed = wanted.columns ?? []
  const iterated = definition.columns.filter((column) => column.iterated)
  const names = new Set([...iterated, ...computed].map((column) => column.name))
  for (const member of parts.members) {
    const clash = [...names].find((other) => foldName(other) === foldName(member.name))
    if (clash !== undefined) throw new ExistsError(`'${name}' has a column '${clash}' already`)
  }
  if (!existing) {
    checkNewPath(draft.catalog, name, 'view')
    const step = { kind: 'createView', table: name, base: wanted.base.name } as const
    draft.create(step, definition, (catalog, options) =>
      createView(draft.session, catalog, { ...wanted, ...options }, []),
    )
  } else {
    const was = existing.view!.base
    if (was !== wanted.base.id) {
      throw new SchemaError(
        `sync(): '${name}' is declared as a view of '${wanted.base.name}', and in the file it is one of '${draft.catalog.byId(was).name}': drop it first`,
      )
    }
    planShown(draft, existing, wanted.shows)
    planRebuild(draft, existing, definition, new Set([...names, ...parts.members.map((member) => member.name)]))
    for (const column of computed) planComputed(draft, id, column)
  }
  await planMembers(draft, id, parts)
  endRebuild(draft, id)
  planComment(draft, id, wanted.comment)
  planLeftovers(draft, id, names, parts)
  planIndexes(draft, id, parts, [])
}

/** A declared view over the base that there is, or will be. */
function newView(draft: Draft, { name, origin }: ViewParts): DerivedView {
  const base = draft.catalog.named(sourceOf(origin.base).name)!
  let rows: Query<any, any, any> = new Relation<any, any>(draft.beside, base)
  for (const clause of origin.base[declaredQuery].clauses) rows = clause(rows)
  const { session, node } = rows[internals]
  const source = plainSource(node)
  if (!source) throw new QueryError(`view('${name}'): the base can have where(), select() and sample() alone`)
  const { iterator: use, comment } = origin.options
  if (use) draft.bring('iterator', use.iterator)
  const iterator = use && iteratorOf(use, refsOf(session, node))
  const { shows, columns = [] } = projection(draft.catalog, source, node)
  const expressions = [...node.where, ...(iterator?.call.args ?? []), ...columns.map(({ value }) => value)]
  for (const expression of expressions) draft.bringFunctions(expression)
  return { name, base, where: node.where, shows, columns, iterator, comment }
}

/**
 * Plans which columns of its base a view shows. It shows new ones before its own columns are planned, and hides others
 * when nothing that is declared reads them any more. No row changes with it.
 */
function planShown(draft: Draft, { id, name, view }: TableDefinition, shows: readonly string[] | undefined): void {
  const was = view!.shows
  const alter = (to: readonly string[] | undefined): void => {
    const step = { kind: 'alterView', table: name, shows: to ?? 'all' } as const
    draft.alter(id, step, (_, table) => ({ ...table, view: showing(table.view!, to) }))
  }
  const both = was && shows ? [...new Set([...was, ...shows])] : undefined
  if (both?.length !== was?.length) alter(both)
  if (both?.length === shows?.length) return
  draft.last(() => {
    alter(shows)
    checkReadable(draft, id)
  })
}

/** What a view derives from, when it shows other columns. */
function showing({ shows: _, ...view }: ViewDefinition, shows: readonly string[] | undefined): ViewDefinition {
  return shows ? { ...view, shows } : view
}

/** What a view derives from may be declared differently: its iterator, or its condition. */
function planRebuild(
  draft: Draft,
  existing: TableDefinition,
  wanted: TableDefinition,
  declared: ReadonlySet<string>,
): void {
  const [was, is] = [existing.view!, wanted.view!]
  const isSameIterator = sameIterator(existing, wanted)
  const changed = [
    ...(isSameIterator ? [] : (['iterator'] as const)),
    ...(sameExpression(was.where, is.where) ? [] : (['condition'] as const)),
  ]
  if (changed.length === 0) return
  const needs = draft.options.prune ? {} : { needs: 'prune' as const }
  const step: SyncStep = { kind: 'rebuildView', table: existing.name, changed, ...needs }
  const define: Define = (_, table) => ({
    ...(isSameIterator ? table : withIterated(table, wanted, declared)),
    // Rows that stay were made by the version of the iterator that the file names.
    view: showing(isSameIterator && was.iterator ? { ...is, iterator: was.iterator } : is, table.view!.shows),
  })
  draft.define(existing.id, define)
  // When all rows are derived anew, their columns are computed once, by the expressions that are declared.
  if (!isSameIterator) draft.rebuilding = { steps: [step], defines: [define] }
  else draft.act(step, rebuilding(draft, existing.id, [define], 'members'))
}

/** From here on columns are steps of their own again. */
function endRebuild(draft: Draft, id: number): void {
  const together = draft.rebuilding
  draft.rebuilding = undefined
  if (together) {
    draft.actions.push({ steps: together.steps, run: rebuilding(draft, id, together.defines, 'all') })
  }
}

/** Rebuilds a view by what several changes make of its definition. */
export const rebuilding =
  (draft: Draft, id: number, defines: readonly Define[], rows: 'all' | 'members'): Action['run'] =>
  async (catalog, options) => {
    const was = catalog.byId(id)
    let next = was
    for (const define of defines) next = define(catalog.with([next]), next)
    await rebuildView(draft.session, catalog, was, next, { rows, ...options })
  }

function sameIterator(a: TableDefinition, b: TableDefinition): boolean {
  const [was, is] = [a.view!.iterator, b.view!.iterator]
  const [had, has] = [a, b].map((table) => table.columns.filter((column) => column.iterated))
  return (
    was?.iterator.name === is?.iterator.name &&
    sameOptions(was?.options ?? null, is?.options ?? null) &&
    was?.args.length === is?.args.length &&
    (was?.args ?? []).every((arg, i) => sameExpression(arg, is!.args[i])) &&
    had!.length === has!.length &&
    had!.every((column) => has!.some((other) => other.name === column.name && sameType(column, other)))
  )
}

/** @throws SchemaError when a view does not show a column any more that it, or a view below, reads */
function checkReadable(draft: Draft, id: number): void {
  const { catalog } = draft
  const view = catalog.byId(id)
  for (const t of [view, ...catalog.descendantsOf(view)]) {
    const below = t === view ? [] : [...(t.view!.where ? [t.view!.where] : []), ...(t.view!.iterator?.args ?? [])]
    const nodes = [...t.columns.flatMap(({ computed }) => (computed ? [computed] : [])), ...below]
    const columns = catalog.columnsOf(t)
    const indexed = [
      ...t.indexes.map(({ column }) => column),
      ...t.textIndexes.flatMap((i) => i.columns.map((c) => c.name)),
    ]
    const missing = new Set(indexed.filter((column) => !columns.has(column)))
    for (const node of nodes) {
      visit(node, (n) => {
        if (n.kind === 'column' && !catalog.resolve(n)) missing.add(n.name)
      })
    }
    if (missing.size === 0) continue
    throw new SchemaError(
      `sync(): '${t.name}' reads ${[...missing].join(', ')}, which '${view.name}' is declared not to show: drop what reads it, or pass { prune: true }`,
    )
  }
}

/**
 * A view with the columns of another iterator. Of the columns that nobody declares any more those that were computed
 * hold nothing from now on, so that no old expression runs over the new rows; they are dropped in the end, when the
 * views below read them no longer.
 */
function withIterated(table: TableDefinition, wanted: TableDefinition, declared: ReadonlySet<string>): TableDefinition {
  let { nextId } = table
  const iterated = wanted.columns
    .filter((column) => column.iterated)
    .map((column) => {
      const same = table.columns.find((c) => c.iterated && c.name === column.name && sameType(c, column))
      return same ?? { ...column, id: nextId++ }
    })
  const own = table.columns.flatMap((column): ColumnDefinition[] => {
    const { name, type } = column
    if (iterated.some((other) => other.name === name) && !column.iterated) {
      throw new SchemaError(`the view '${table.name}': the iterator makes a column '${name}', which is there already`)
    }
    if (declared.has(name)) return column.iterated ? [] : [column]
    if (!column.iterated && !column.computed) return [column]
    // Its old values stay in earlier versions, where it may have been required.
    return [{ id: nextId++, name, type, nullable: true }]
  })
  return { ...table, columns: [...iterated, ...own], nextId }
}
