import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import type { SchemaChange } from '../engine/engine.js'
import { DependencyError, SchemaError } from '../errors.js'
import type { Session } from '../plan/session.js'
import type { Target } from './statements.js'

/** What `revert` did. */
export interface RevertResult {
  /** The version that the revert made. */
  readonly version: number
  /** The version that it undid. */
  readonly reverted: number
}

/**
 * Undoes the last version of a table that is not undone yet, in all tables and views that it changed: rows, computed
 * cells, vectors and schema are what they were before, and nothing is computed again. That makes a new version.
 */
export function revert(session: Session, target: Target): Promise<RevertResult> {
  return session.attemptAlone(async (catalog) => {
    const table = catalog.byId(target.id, target.name)
    const last = await lastStanding(session, table)
    const before = last === undefined ? undefined : last - 1
    if (last === undefined || before === undefined || !session.catalogAt(before).find(table.id)) {
      throw new SchemaError(`cannot revert '${table.name}': it is as it was created; drop it instead`)
    }
    await session.checkVersion(before)
    const past = session.catalogAt(before)
    const tables = (await session.engine.tablesIn(last)).map((id) => catalog.byId(id))
    await checkUnchangedSince(session, catalog, tables, last, table)
    const restored = tables.map((t) => definitionBefore(past, t))
    const schema: SchemaChange[] = [
      ...tables.flatMap((was, i): SchemaChange[] =>
        past.byId(was.id).schemaVersion === was.schemaVersion ? [] : [{ kind: 'alterTable', was, table: restored[i]! }],
      ),
      { kind: 'restore', tables: restored, asOf: before, reverts: last },
    ]
    const { version } = await session.commit({ operation: 'revert', catalogVersion: catalog.version, schema })
    return { version, reverted: last }
  })
}

/** The last version of a table that is neither a revert nor undone by one. */
async function lastStanding(session: Session, table: TableDefinition): Promise<number | undefined> {
  const versions = await session.engine.versions(table.id)
  const undone = new Set(versions.flatMap(({ reverts }) => (reverts === undefined ? [] : [reverts])))
  return versions.find(({ version, reverts }) => reverts === undefined && !undone.has(version))?.version
}

/** @throws DependencyError when a table that the version changed, or a view below one, was changed later */
async function checkUnchangedSince(
  session: Session,
  catalog: Catalog,
  tables: readonly TableDefinition[],
  version: number,
  reverting: TableDefinition,
): Promise<void> {
  const past = session.catalogAt(version - 1)
  const family = new Set(tables.flatMap((t) => [t, ...catalog.descendantsOf(t)]))
  for (const t of family) {
    const created = !past.find(t.id)
    const last = await lastStanding(session, t)
    const changed = last !== undefined && last > version
    if (!changed && !created) continue
    const what = created ? 'did not exist before; drop' : `was changed since, in version ${last}; revert`
    throw new DependencyError(
      `cannot revert version ${version} of '${reverting.name}': '${t.name}' ${what} that first`,
      [t.name],
    )
  }
}

/** The definition that a table had, as the next one: ids that were given since are not given again. */
function definitionBefore(past: Catalog, now: TableDefinition): TableDefinition {
  const { storedAs: _, ...then } = past.byId(now.id)
  return {
    ...then,
    name: now.name,
    columns: then.columns.map(({ storedAs: _, ...column }) => column),
    indexes: then.indexes.map(({ storedAs: _, ...index }) => index),
    nextId: now.nextId,
    schemaVersion: now.schemaVersion + 1,
  }
}
