import type { Node } from '../expr/node.js'
import { collect } from '../plan/execute.js'
import type { Session } from '../plan/session.js'
import { Change } from './change.js'
import { type ChangeResult, finish, rowQuery, type StatementOptions, type Target, writable } from './statements.js'

/** Deletes the rows for which a predicate is true; all of them without one. */
export function deleteRows(
  session: Session,
  target: Target,
  where: readonly Node[],
  options: StatementOptions,
): Promise<ChangeResult> {
  return session.attempt(async (catalog, results) => {
    const table = writable(catalog, target, 'delete from')
    const { signal } = options
    const rows = await collect(session, rowQuery(table, where, []), {}, { signal })
    const change = new Change(session, catalog, {
      results,
      operation: 'delete',
      onError: options.onError ?? 'abort',
      signal,
    })
    await change.delete(
      table,
      rows.map((row) => row._rowid as number),
    )
    return finish(session, change, { deleted: rows.length })
  })
}
