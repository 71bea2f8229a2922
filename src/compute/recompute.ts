import type { SchemaChange } from '../engine/engine.js'
import type { Node } from '../expr/node.js'
import { collect } from '../plan/execute.js'
import type { Session } from '../plan/session.js'
import { Change, type OnError } from './change.js'
import { recomputable } from './columns.js'
import { altered } from './definitions.js'
import { loadBatch } from './schema.js'
import { withCurrentColumns } from './stale.js'
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
  return session.attempt(async (catalog) => {
    const table = catalog.byId(target.id, target.name)
    const recompute = recomputable(catalog, table, columns)
    let rows = (await collect(session, rowQuery(table, where, []), {}, { signal })).map((row) => row._rowid as number)
    if (errorsOnly) {
      const failed = new Set((await session.engine.errors(table, columns)).map((error) => error.row))
      rows = rows.filter((row) => failed.has(row))
    }
    // When all cells are new, they are of the functions' present versions.
    const whole = where.length === 0 && !errorsOnly
    const current = whole ? withCurrentColumns(session, table, (name) => recompute.has(name)) : table
    const next = current === table ? table : altered(current, {})
    const change = new Change(session, catalog.with([next]), { operation: 'recompute', onError, signal })
    const batch = (await loadBatch(session, catalog, table, rows)).as(next)
    await change.update(batch, { changed: new Set(), recompute, cascade })
    const schema: SchemaChange[] = next === table ? [] : [{ kind: 'alterTable', was: table, table: next }]
    return finish(session, change, { updated: rows.length }, schema)
  })
}
