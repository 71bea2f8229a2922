import type { TableDefinition } from '../catalog/definition.js'
import type { RowChange } from '../engine/engine.js'
import { columnNode, literal, type Node } from '../expr/node.js'
import { collect } from '../plan/execute.js'
import { tableQuery } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import type { Target } from './statements.js'

/** How a row differs from what it was at an earlier version. */
export interface Changed<R> {
  readonly kind: 'insert' | 'update' | 'delete'
  readonly rowid: number
  /** The version that changed it last. */
  readonly version: number
  /** The row now; undefined when it was deleted. */
  readonly row: R | undefined
  /** The row as it was; undefined when it was inserted. */
  readonly before: R | undefined
}

/** Rows read at a time. */
const pageSize = 500

/** The rows of a table or view that differ from a version: what was inserted, updated and deleted since, in order. */
export async function* changesSince(
  session: Session,
  target: Target,
  since: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Changed<Record<string, unknown>>, void, undefined> {
  const catalog = await session.catalog()
  // Before the first version there was nothing, whatever was given up since.
  if (since > 0) await session.checkVersion(since)
  const table = catalog.byId(target.id, target.name)
  const { last } = await session.engine.versionRange()
  const existed = session.catalogAt(since).find(table.id) !== undefined
  const changes = await session.engine.changes(catalog.lineOf(table), since, last)
  for (let start = 0; start < changes.length; start += pageSize) {
    signal?.throwIfAborted()
    const page = changes.slice(start, start + pageSize)
    const now = await rowsAt(
      session,
      table,
      last,
      page.filter(({ kind }) => kind !== 'delete'),
      signal,
    )
    const before = existed
      ? await rowsAt(
          session,
          table,
          since,
          page.filter(({ kind }) => kind !== 'insert'),
          signal,
        )
      : new Map<number, Record<string, unknown>>()
    for (const change of page) yield { ...change, row: now.get(change.rowid), before: before.get(change.rowid) }
  }
}

async function rowsAt(
  session: Session,
  table: TableDefinition,
  version: number,
  changes: readonly RowChange[],
  signal: AbortSignal | undefined,
): Promise<Map<number, Record<string, unknown>>> {
  if (changes.length === 0) return new Map()
  const rowid: Node = { kind: 'rowid', table: table.id }
  const catalog = session.catalogAt(version)
  const names = [...catalog.columnsOf(catalog.byId(table.id, table.name)).keys()]
  const rows = await collect(
    session,
    tableQuery(table, {
      asOf: version,
      where: [{ kind: 'call', operator: 'in', args: [rowid, ...changes.map((change) => literal(change.rowid))] }],
      select: [{ name: '_rowid', value: rowid }, ...names.map((name) => ({ name, value: columnNode(table.id, name) }))],
    }),
    {},
    { signal },
  )
  return new Map(rows.map(({ _rowid, ...row }) => [_rowid as number, row]))
}
