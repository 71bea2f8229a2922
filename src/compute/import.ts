import type { TableDefinition } from '../catalog/definition.js'
import { ExistsError } from '../errors.js'
import type { Session } from '../plan/session.js'
import { createFilled } from './filled-table.js'
import { fitToTable, inferSchema } from './import-columns.js'
import { checkImportOptions, type ImportOptions } from './import-options.js'
import { ImportedRows, type ImportFile } from './imported-rows.js'

/** Creates a table from a file, or appends to one, and returns it. */
export async function importFile(
  session: Session,
  name: string,
  file: ImportFile,
  options: ImportOptions,
): Promise<TableDefinition> {
  checkImportOptions(name, options)
  const { ifExists = 'error' } = options
  const catalog = await session.catalog()
  const existing = catalog.named(name)
  if (existing && ifExists === 'ignore') {
    if (existing.view) throw new ExistsError(`'${existing.name}' exists and is a view`)
    return existing
  }
  if (existing && ifExists === 'append') {
    await readInto(file, options, async (rows) => {
      await rows.start((columns) => fitToTable(existing, columns))
      await rows.insertInto(session, existing, existing.name)
    })
    return existing
  }
  return createFilled(session, name, options, async (create) => {
    await readInto(file, options, async (rows) => {
      const schema = await rows.start((columns) => inferSchema(file.label, columns, options))
      await rows.insertInto(session, await create(schema), name)
    })
  })
}

/** Runs an import over a file, which is closed at the end. */
async function readInto(
  file: ImportFile,
  options: ImportOptions,
  work: (rows: ImportedRows) => Promise<void>,
): Promise<void> {
  const rows = new ImportedRows(file, options)
  try {
    await work(rows)
  } catch (error) {
    // A reader may take the end of its input for damage.
    options.signal?.throwIfAborted()
    throw error
  } finally {
    await rows.close()
  }
}
