import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import type { TableWrite } from '../engine/engine.js'
import { collect } from '../plan/execute.js'
import type { ProgressMeter } from '../plan/progress.js'
import type { ResultLog } from '../plan/result-log.js'
import type { Session } from '../plan/session.js'
import { Change, type OnError } from './change.js'
import { altered } from './definitions.js'
import { loadBatch } from './load-rows.js'
import { rowQuery } from './statements.js'

/** How a view is rebuilt. */
export interface Rebuild {
  /**
   * `'all'`: every row is derived anew, with its columns and vectors. `'members'`: rows that the condition still keeps
   * stay as they are, others leave or join.
   */
  readonly rows: 'all' | 'members'
  readonly onError: OnError
  readonly signal?: AbortSignal | undefined
  readonly results: ResultLog
  readonly meter?: ProgressMeter | undefined
}

/**
 * Makes the rows of a view what another definition of it says, in place and in one commit: what derives from it
 * follows, and earlier versions keep the old rows.
 */
export async function rebuildView(
  session: Session,
  catalog: Catalog,
  was: TableDefinition,
  view: TableDefinition,
  { rows, ...options }: Rebuild,
): Promise<void> {
  const next = altered(view, {})
  const base = catalog.byId(next.view!.base)
  const version = await session.engine.tableVersion(base)
  const present = await rowsOf(session, catalog, was)
  const change = new Change(session, catalog.with([next]), { operation: 'rebuild view', ...options })
  const batch = await loadBatch(session, catalog, base)
  if (rows === 'all') {
    await change.delete(
      next,
      present.map(({ row }) => row),
    )
    await change.deriveView(next, batch)
  } else {
    const { where } = next.view!
    const kept = await collect(session, rowQuery(base, where ? [where] : [], []), {}, { signal: options.signal })
    const members = new Set(kept.map((row) => row._rowid as number))
    const leaving = present.filter((row) => !members.has(row.base))
    await change.delete(
      next,
      leaving.map(({ row }) => row),
    )
    const known = new Set(present.map((row) => row.base))
    const joining = batch.keys.flatMap((key, i) => (members.has(key) && !known.has(key) ? [i] : []))
    await change.deriveView(next, batch.pick(joining), 'matched')
  }
  const commit = await change.toCommit([{ kind: 'alterTable', was, table: next }], { table: base, version })
  // What the old definition failed on is recorded at the rows of the base.
  const failed = await session.engine.errors(base, [next.name])
  const cleared: TableWrite = {
    table: base,
    clearedErrors: [{ column: next.name, rows: failed.map((error) => error.row) }],
  }
  await session.commit(failed.length === 0 ? commit : { ...commit, writes: [cleared, ...commit.writes!] })
}

/** The rows of a view, with those of the base that they derive from. */
async function rowsOf(
  session: Session,
  catalog: Catalog,
  view: TableDefinition,
): Promise<{ readonly row: number; readonly base: number }[]> {
  const rows = await session.engine.select(
    {
      from: { kind: 'table', line: catalog.lineOf(view) },
      columns: [
        { name: 'row', value: { kind: 'rowid', table: view.id } },
        { name: 'base', value: { kind: 'column', table: view.id, name: '_base' } },
      ],
    },
    session.decode,
  )
  return rows.map(([row, base]) => ({ row: row as number, base: base as number }))
}
