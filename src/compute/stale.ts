import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { type CodeKind, type FunctionCode, type FunctionIdentity, scalarFunction } from '../expr/function.js'
import { columnNode, type Node, transform, visit } from '../expr/node.js'
import type { Session } from '../plan/session.js'

/** Something stored that another version of a function made than the one that the program has now. */
export interface Stale {
  /** The table or view. */
  readonly table: string
  /** What was made: the cells of a computed column, the vectors of an index, the rows of a view. */
  readonly part: 'column' | 'index' | 'view'
  /** Name of the column or index; of the view itself, where its rows are meant. */
  readonly name: string
  /** Name of the function, the embedding model or the iterator. */
  readonly function: string
  /** The version that the file names. */
  readonly storedVersion: number
  /** The version that the program has. */
  readonly currentVersion: number
}

/**
 * What is stale in a table, or in all of them. Columns that are computed whenever they are read are never stale, but
 * what is stored of them is. A function that the program does not have makes nothing stale.
 */
export function staleOf(session: Session, catalog: Catalog, table?: TableDefinition): Stale[] {
  return (table ? [table] : [...catalog.tables]).flatMap((t) => [
    ...staleRows(session, catalog, t),
    ...t.columns.flatMap(({ name, computed, unstored }) => {
      if (!computed || unstored) return []
      return stale(session, functionsIn(catalog, computed), { table: t.name, part: 'column', name })
    }),
    ...t.indexes.flatMap(({ id, name, column, embedder, successorOf }) => {
      // What takes its place is under way.
      if (t.indexes.some((next) => next.successorOf?.id === id)) return []
      // The vectors of a stored column follow its cells.
      const unstored = catalog.columnsOf(t).get(column)?.column.unstored
      const functions = unstored ? functionsIn(catalog, columnNode(t.id, column)) : []
      const models: Used[] = embedder ? [['embedder', embedder]] : []
      return stale(session, [...models, ...functions], {
        table: t.name,
        part: 'index',
        name: successorOf?.name ?? name,
      })
    }),
  ])
}

/** A kind of code and the identity under which a definition names it. */
type Used = readonly [CodeKind, FunctionIdentity]

function staleRows(session: Session, catalog: Catalog, { name, view }: TableDefinition): Stale[] {
  if (!view) return []
  const nodes = [...(view.where ? [view.where] : []), ...(view.iterator?.args ?? [])]
  const used: Used[] = view.iterator ? [['iterator', view.iterator.iterator]] : []
  used.push(...nodes.flatMap((node) => functionsIn(catalog, node)))
  return stale(session, used, { table: name, part: 'view', name })
}

/** The functions that an expression calls, also through columns that are computed when they are read. */
function functionsIn(catalog: Catalog, node: Node): Used[] {
  const used: Used[] = []
  visit(catalog.expand(node), (n) => {
    if (n.kind === 'function') used.push(['function', n.fn])
  })
  return used
}

function stale(session: Session, used: readonly Used[], what: Pick<Stale, 'table' | 'part' | 'name'>): Stale[] {
  const found = new Map<string, Stale>()
  for (const [kind, { name, version }] of used) {
    const current = session.code(kind, name)?.version
    if (current === undefined || current === version) continue
    found.set(`${kind}:${name}`, { ...what, function: name, storedVersion: version, currentVersion: current })
  }
  return [...found.values()]
}

/** An expression that names the versions of its functions that the program has now. */
export const withCurrentCode = (session: Session, node: Node): Node =>
  transform(node, (n) => {
    const code = n.kind === 'function' ? session.code<FunctionCode>('function', n.fn.name) : undefined
    if (n.kind !== 'function' || !code || code.version === n.fn.version) return n
    return Object.freeze({ ...n, fn: scalarFunction(code) })
  })

/** A table in which the expressions of some columns name the versions that the program has; itself if they do. */
export function withCurrentColumns(
  session: Session,
  table: TableDefinition,
  which: (name: string) => boolean,
): TableDefinition {
  const columns = table.columns.map((column) => {
    const computed = column.computed && which(column.name) ? withCurrentCode(session, column.computed) : column.computed
    return computed === column.computed ? column : { ...column, computed: computed! }
  })
  return columns.every((column, i) => column === table.columns[i]) ? table : { ...table, columns }
}
