import { randomBytes } from 'node:crypto'
import type { Catalog } from '../catalog/catalog.js'
import { kindOf, type TableDefinition } from '../catalog/definition.js'
import { directoryOf } from '../catalog/names.js'
import type { SchemaChange } from '../engine/engine.js'
import { ExistsError } from '../errors.js'
import type { Session } from '../plan/session.js'
import type { Schema } from '../types/column.js'
import { dropTable } from './directories.js'
import type { ImportIfExists } from './import-options.js'
import { checkNewPath, createTable } from './schema.js'

/** How a table that is created with its rows is made. */
export interface FilledTable {
  readonly primaryKey?: readonly string[] | undefined
  readonly comment?: string | undefined
  readonly ifExists?: ImportIfExists | undefined
}

/**
 * Creates a table and fills it under a temporary name. It takes its own name, and the place of the one that it replaces,
 * in the last commit: there is the whole table or none.
 */
export async function createFilled(
  session: Session,
  name: string,
  { primaryKey = [], comment, ifExists = 'error' }: FilledTable,
  fill: (create: (schema: Schema) => Promise<TableDefinition>) => Promise<void>,
): Promise<TableDefinition> {
  // What would fail at the end fails before anything is read.
  const catalog = await session.catalog()
  replacing(catalog, name, ifExists)
  checkNewPath(catalog, name, 'table')
  const directory = directoryOf(name)
  const temporary = `${directory === undefined ? '' : `${directory}.`}import-${randomBytes(6).toString('hex')}`
  let created: TableDefinition | undefined
  try {
    await fill(async (schema) => {
      created = await session.attemptAlone((catalog) =>
        createTable(session, catalog, { name: temporary, schema, primaryKey, comment }, []),
      )
      return created
    })
    const { id } = created!
    await session.attemptAlone(async (catalog) => {
      const replaced = replacing(catalog, name, ifExists)
      checkNewPath(catalog, name, 'table')
      const schema: SchemaChange[] = [...replaced, { kind: 'renameTable', table: catalog.byId(id), name }]
      await session.commit({ operation: 'import', catalogVersion: catalog.version, schema })
    })
    return session.lastCatalog.byId(id)
  } catch (error) {
    // What went wrong first is told, also where the database cannot be written any more.
    if (created) await dropUnfinished(session, created).catch(() => {})
    throw error
  }
}

function dropUnfinished(session: Session, { id }: TableDefinition): Promise<void> {
  return session.attemptAlone(async (catalog) => {
    const table = catalog.find(id)
    if (!table) return
    const schema = dropTable(catalog, table, true)
    await session.commit({ operation: 'drop table', catalogVersion: catalog.version, schema })
  })
}

/** What makes room for a new table. @throws ExistsError, DependencyError */
function replacing(catalog: Catalog, name: string, ifExists: ImportIfExists): SchemaChange[] {
  const existing = catalog.named(name)
  if (!existing) return []
  if (ifExists !== 'replace') throw new ExistsError(`the ${kindOf(existing)} '${existing.name}' exists already`)
  if (existing.view) throw new ExistsError(`'${existing.name}' exists and is a view`)
  return dropTable(catalog, existing, false)
}
