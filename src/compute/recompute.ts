import type { Node } from '../expr/node.js'
import { collect } from '../plan/execute.js'
import type { Session } from '../plan/session.js'
import { Change, type OnError } from './change.js'
import { ChangedCells } from './changed-cells.js'
import { recomputable } from './columns.js'
import { loadBatch } from './load-rows.js'
import { type ChangeResult, finish, rowQuery, type Target } from './statements.js'

/** How columns are computed again; see `Table.recompute`. */
export interface Recompute {
  readonly columns: readonly string[]
  readonly where: readonly Node[]
  readonly errorsOnly: boolean
  readonly cascade: boolean
  readonly onError: OnError
  readonly signal: AbortSignal | undefined
}

/** Computes columns of stored rows again, with what follows from those whose values change. */
export function recomputeRows(
  session: Session,
  target: Target,
  { columns, where, errorsOnly, cascade, onError, signal }: Recompute,
): Promise<ChangeResult> {
  return session.attempt(async (catalog, results) => {
    const table = catalog.byId(target.id, target.name)
    const recompute = recomputable(catalog, table, columns)
    let rows = (await collect(session, rowQuery(table, where, []), {}, { signal })).map((row) => row._rowid as number)
    if (errorsOnly) {
      const failed = new Set((await session.engine.errors(table, columns)).map((error) => error.row))
      rows = rows.filter((row) => failed.has(row))
    }
    const change = new Change(session, catalog, { results, operation: 'recompute', onError, signal })
    const batch = await loadBatch(session, catalog, table, rows)
    await change.update(batch, { changed: new ChangedCells(), recompute, cascade })
    return finish(session, change, { updated: rows.length })
  })
}
