import type { Catalog } from '../catalog/catalog.js'
import type { ColumnDefinition, TableDefinition } from '../catalog/definition.js'
import { alterComputedColumn } from '../compute/columns.js'
import { altered } from '../compute/definitions.js'
import { addEmbeddingIndex } from '../compute/indexes.js'
import { recomputeRows } from '../compute/recompute.js'
import { type Stale, staleOf, withCurrentCode, withCurrentColumns } from '../compute/stale.js'
import { typeOfColumn } from '../compute/storable.js'
import type { SchemaChange } from '../engine/engine.js'
import type { Node } from '../expr/node.js'
import { typeOfNode } from '../expr/type-of.js'
import type { Session } from '../plan/session.js'
import type { Embedder, MultiEmbedder } from '../search/embedder.js'
import { dynamicType } from '../types/dynamic.js'
import { sameType } from './compare.js'
import type { Draft, StepOptions } from './draft.js'
import type { SyncStep } from './plan.js'
import { rebuilding } from './plan-view.js'

/** Plans to make again what functions of another version made, once everything else is as declared. */
export function planRecompute(draft: Draft): void {
  const session = draft.beside
  const tables = draft.declared.map((id) => draft.catalog.byId(id))
  const stale = tables.map((table) => staleOf(session, draft.catalog, table))
  if (stale.every((found) => found.length === 0)) return
  if (!draft.options.recompute) {
    draft.report(stale.flat().map((found) => ({ kind: 'recompute', ...found, needs: 'recompute' })))
    return
  }
  tables.forEach((table, i) => {
    planTableAgain(draft, session, table, stale[i]!)
  })
  draft.actions.push({ steps: [], run: (catalog) => nameCurrentCode(draft, catalog) })
}

const stepsOf = (stale: readonly Stale[]): SyncStep[] => stale.map((found) => ({ kind: 'recompute', ...found }))

function planTableAgain(draft: Draft, session: Session, table: TableDefinition, stale: readonly Stale[]): void {
  const { id } = table
  const of = (part: Stale['part']) => stale.filter((found) => found.part === part)
  const [rows, cells, vectors] = [of('view'), of('column'), of('index')]
  // Rows that an iterator makes anew bring new cells.
  const isAnew = rows.length > 0 && table.view!.iterator !== undefined
  if (rows.length > 0) {
    const steps = stepsOf(isAnew ? [...rows, ...cells] : rows)
    const run = rebuilding(draft, id, [(_, view) => withCurrentView(draft.session, view)], isAnew ? 'all' : 'members')
    draft.actions.push({ steps, run })
  }
  if (!isAnew) planColumnsAgain(draft, session, table, cells)
  for (const name of new Set(vectors.map((found) => found.name))) {
    const steps = stepsOf(vectors.filter((found) => found.name === name))
    draft.actions.push({ steps, run: (catalog, options) => embedAgain(draft, catalog, id, name, options) })
  }
}

function planColumnsAgain(draft: Draft, session: Session, table: TableDefinition, cells: readonly Stale[]): void {
  const stale = table.columns.filter(({ name }) => cells.some((found) => found.name === name))
  const retyped = stale.filter((column) => isRetyped(draft, session, table, column))
  for (const { name, computed } of retyped) {
    const steps = stepsOf(cells.filter((found) => found.name === name))
    draft.actions.push({
      steps,
      run: (catalog, options) => {
        const value = withCurrentCode(draft.session, computed!)
        return alterComputedColumn(draft.session, catalog, table, { name, value, ...options })
      },
    })
  }
  const columns = stale.filter((column) => !retyped.includes(column)).map(({ name }) => name)
  if (columns.length === 0) return
  const how = { columns, where: [], errorsOnly: false, cascade: true }
  draft.actions.push({
    steps: stepsOf(cells.filter(({ name }) => columns.includes(name))),
    run: (_, { onError, signal, meter }) => recomputeRows(draft.session, table, { ...how, onError, signal, meter }),
  })
}

/** Whether the functions that there are now declare results of another type than the column has. */
function isRetyped(draft: Draft, session: Session, table: TableDefinition, column: ColumnDefinition): boolean {
  const type = typeOfNode(withCurrentCode(session, column.computed!), typeOfColumn(draft.catalog, table))
  return type !== dynamicType && !sameType(column, { ...column, type })
}

/** A view whose definition names the code that there is now: of its rows, and of the cells that come with new rows. */
function withCurrentView(session: Session, table: TableDefinition): TableDefinition {
  const { where, iterator, ...rest } = table.view!
  const current = (node: Node) => withCurrentCode(session, node)
  if (!iterator) return { ...table, view: { ...rest, ...(where ? { where: current(where) } : {}) } }
  const { name, version } = session.code('iterator', iterator.iterator.name) ?? iterator.iterator
  return {
    ...withCurrentColumns(session, table, () => true),
    view: {
      ...rest,
      ...(where ? { where: current(where) } : {}),
      iterator: { ...iterator, iterator: { name, version }, args: iterator.args.map(current) },
    },
  }
}

/** Makes an index anew, with the model that there is now. Earlier versions keep the old vectors. */
async function embedAgain(draft: Draft, catalog: Catalog, id: number, name: string, how: StepOptions): Promise<void> {
  const { session } = draft
  const table = catalog.byId(id)
  const { column, metric, multi, method, precision, embedder } = table.indexes.find((index) => index.name === name)!
  const model = embedder && session.code<Embedder | MultiEmbedder>('embedder', embedder.name)
  const kind = { metric, multi, method, precision, embedder: model }
  await addEmbeddingIndex(session, catalog, table, { column, name, ...kind, ifExists: 'replace', ...how })
}

/** Columns that are computed when they are read name the code that there is, now that what was stored of them is new. */
async function nameCurrentCode({ session, declared }: Draft, catalog: Catalog): Promise<void> {
  const schema = declared.flatMap((id): SchemaChange[] => {
    const was = catalog.byId(id)
    const unstored = new Set(was.columns.filter((column) => column.unstored).map(({ name }) => name))
    const table = withCurrentColumns(session, was, (name) => unstored.has(name))
    return table === was ? [] : [{ kind: 'alterTable', was, table: altered(table, {}) }]
  })
  if (schema.length > 0) {
    await session.commit({ operation: 'alter definition', catalogVersion: catalog.version, schema })
  }
}
