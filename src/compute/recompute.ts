import type { SchemaChange } from '../engine/engine.js'
import type { Node } from '../expr/node.js'
import { collect } from '../plan/execute.js'
import type { ProgressMeter } from '../plan/progress.js'
import type { Session } from '../plan/session.js'
import { Change, callsPerRow, type OnError } from './change.js'
import { ChangedCells } from './changed-cells.js'
import { recomputable } from './columns.js'
import { altered } from './definitions.js'
import { loadBatch } from './load-rows.js'
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
  readonly meter: ProgressMeter | undefined
}

/** Computes columns of stored rows again, with what follows from those whose values change. */
export function recomputeRows(
  session: Session,
  target: Target,
  { columns, where, errorsOnly, cascade, onError, signal, meter }: Recompute,
): Promise<ChangeResult> {
  return session.attempt(async (catalog, results) => {
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
    // What a cache has is what is to be computed again.
    results.ignoreCached()
    const change = new Change(session, catalog.with([next]), {
      results,
      meter,
      operation: 'recompute',
      onError,
      signal,
    })
    const batch = (await loadBatch(session, catalog, table, rows)).as(next)
    const own = table.columns.filter(({ name }) => recompute.has(name))
    meter?.expect(batch.length, callsPerRow({ ...table, columns: own, indexes: [] }))
    await change.update(batch, { changed: new ChangedCells(), recompute, cascade })
    const schema: SchemaChange[] = next === table ? [] : [{ kind: 'alterTable', was: table, table: next }]
    const result = await finish(session, change, { updated: rows.length }, { schema })
    meter?.committed(rows.length)
    return result
  })
}
