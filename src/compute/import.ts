import { randomBytes } from 'node:crypto'
import { type Catalog, foldName } from '../catalog/catalog.js'
import { kindOf, type TableDefinition } from '../catalog/definition.js'
import { directoryOf } from '../catalog/names.js'
import type { SchemaChange } from '../engine/engine.js'
import { ExistsError, PixeltableError, SchemaError, ValidationError } from '../errors.js'
import { columnNames } from '../formats/column-names.js'
import type { FileReader, FileRows } from '../formats/format.js'
import type { Session } from '../plan/session.js'
import { Column, type Schema } from '../types/column.js'
import { type ColumnType, describeValue } from '../types/column-type.js'
import { isMedia } from '../types/media.js'
import type { OnError } from './change.js'
import { dropTable } from './directories.js'
import { checkNewPath, createTable } from './schema.js'
import { insertRows } from './statements.js'

/** How far an import or export has come. */
export interface Progress {
  /** Rows written so far. */
  readonly rows: number
  /** Bytes of the file read or written so far. */
  readonly bytes: number
}

/** What an import does when a table of that name exists. */
export type ImportIfExists = 'error' | 'ignore' | 'replace' | 'append'

/** Options of all imports. */
export interface ImportOptions<S extends Schema = Schema> {
  /**
   * Types of columns, by their names in the table. Columns that it leaves out have the type that the file says, or one
   * inferred from its first rows.
   */
  readonly schema?: S | undefined
  /**
   * Which columns of the file to take: an array of their names there, or an object from names there to names in the
   * table, or to `false` for those to leave out; the object's other columns are taken under their own names.
   * @default all
   */
  readonly columns?: readonly string[] | Readonly<Record<string, string | false>> | undefined
  /** Columns of the new table whose values together are different in every row. @default none */
  readonly primaryKey?: readonly string[] | undefined
  /** A note on the new table, shown by `describe`. */
  readonly comment?: string | undefined
  /**
   * `'ignore'` returns the table that is there and reads nothing, `'replace'` puts the new one in its place once all
   * rows are in, `'append'` adds the rows to it.
   * @default 'error'
   */
  readonly ifExists?: ImportIfExists | undefined
  /** Rows in one commit; at least 1. @default 1000 */
  readonly batchSize?: number | undefined
  /**
   * Rows from which types are inferred, at least 1; `Infinity` for all of them, which are held in memory then.
   * @default 1000
   */
  readonly sampleRows?: number | undefined
  /** When appending, what a cell that cannot be computed does. @default 'abort' */
  readonly onError?: OnError | undefined
  /** Stops the import: a new table is not created, and of an appended one the batches written so far stay. */
  readonly signal?: AbortSignal | undefined
  /** Called after each batch. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** One file to import. */
export interface ImportFile {
  /** How messages name it. */
  readonly label: string
  /** Opens it and reads as much as tells its columns. */
  open(): Promise<FileReader>
  /** Bytes read so far. */
  bytesRead(): number
}

const defaultBatchSize = 1000
const defaultSampleRows = 1000

/** Creates a table from a file, or appends to one, and returns it. */
export async function importFile(
  session: Session,
  name: string,
  file: ImportFile,
  options: ImportOptions,
): Promise<TableDefinition> {
  checkOptions(name, options)
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

function checkOptions(name: string, options: ImportOptions): void {
  const { batchSize = defaultBatchSize, sampleRows = defaultSampleRows, ifExists = 'error', columns } = options
  const fail = (option: string, expected: string, got: unknown): never => {
    throw new ValidationError(`import of '${name}': ${option}: expected ${expected}, got ${describeValue(got)}`)
  }
  if (!Number.isSafeInteger(batchSize) || batchSize < 1) fail('batchSize', 'a whole number of at least 1', batchSize)
  if (!(sampleRows >= 1)) fail('sampleRows', 'a number of at least 1', sampleRows)
  if (!['error', 'ignore', 'replace', 'append'].includes(ifExists)) {
    fail('ifExists', `'error', 'ignore', 'replace' or 'append'`, ifExists)
  }
  if (columns !== undefined && (typeof columns !== 'object' || columns === null)) {
    fail('columns', 'an array or object of names', columns)
  }
  for (const [column, given] of Object.entries(options.schema ?? {})) {
    if (!(given instanceof Column)) fail(`schema: column '${column}'`, 'a type such as t.string()', given)
  }
}

/** A column of the file that is imported. */
interface ChosenColumn {
  /** Its position in the file's rows. */
  readonly position: number
  /** Its name in the file. */
  readonly source: string
  /** Its name in the table. */
  readonly name: string
  /** The type that the file says, or that fits its first rows. */
  readonly found: () => ColumnType<any>
  readonly nullable: boolean
}

/** The rows of a file on their way into a table. */
class ImportedRows {
  readonly #file: ImportFile
  readonly #options: ImportOptions
  #reader!: FileReader
  #rows: AsyncGenerator<FileRows, void, undefined> | undefined
  /** Rows that were read before the table was there. */
  readonly #read: FileRows[] = []
  #chosen: readonly ChosenColumn[] = []
  #known = 0

  constructor(file: ImportFile, options: ImportOptions) {
    this.#file = file
    this.#options = options
  }

  /** Closes the file, also one that was not read to its end. */
  async close(): Promise<void> {
    await this.#rows?.return()
    await this.#reader?.close?.()
  }

  /** Reads the sample and decides on the columns. */
  async start<T>(decide: (columns: readonly ChosenColumn[]) => T): Promise<T> {
    this.#options.signal?.throwIfAborted()
    this.#reader = await this.#file.open()
    const rows = this.#reader.read()
    this.#rows = rows
    const { sampleRows = defaultSampleRows } = this.#options
    const declared = this.#reader.columns.length
    let sampled = 0
    let whole = false
    // One row more than the sample tells whether that is the whole file.
    while (!whole && sampled <= sampleRows) {
      const { value, done } = await rows.next()
      if (done) whole = true
      else {
        this.#read.push(value)
        sampled += value.rows.length
      }
    }
    // What is looked at does not depend on the pieces in which the file happens to come.
    const sample = this.#read.flatMap(({ rows }) => rows).slice(0, sampleRows)
    this.#known = Math.max(declared, ...new Set(sample.map((row) => row.length)))
    this.#chosen = this.#choose(sample, whole && sampled <= sampleRows)
    return decide(this.#chosen)
  }

  #choose(cells: readonly (readonly unknown[])[], whole: boolean): ChosenColumn[] {
    const columns = this.#reader.columns.slice(0, this.#known)
    const { label } = this.#file
    return choose(
      label,
      columns.map((column) => column.name),
      this.#options.columns,
    ).map(({ position, name }): ChosenColumn => {
      const column = columns[position]!
      const values = cells.map((row) => row[position]).filter((cell) => cell !== null && cell !== undefined)
      return {
        position,
        name,
        source: column.name,
        found: () => column.type ?? this.#reader.inferType(position, values),
        // What was not looked at may have nulls.
        nullable: column.nullable ?? (!whole || values.length < cells.length),
      }
    })
  }

  /** @param shown the name of the table in messages: a new one has a temporary name meanwhile */
  async insertInto(session: Session, table: TableDefinition, shown: string): Promise<void> {
    const { batchSize = defaultBatchSize, onError = 'abort', onProgress, signal } = this.#options
    const readers = this.#chosen.map(({ position, source, name }) => {
      const column = table.columns.find((c) => foldName(c.name) === foldName(name))!
      return { position, source, column, read: this.#reader.valueOf(position, column.type) }
    })
    const media = readers.some(({ column }) => column.type.media)
    let inserted = 0
    let read = 0
    let batch: Record<string, unknown>[] = []
    let places: Place[] = []
    const flush = async () => {
      signal?.throwIfAborted()
      if (media) await this.#checkStored(batch, places)
      try {
        await insertRows(session, table, batch, { onError, ...(signal ? { signal } : {}) })
      } catch (error) {
        throw this.#relocated(error, places, inserted, table.name, shown)
      }
      inserted += batch.length
      batch = []
      places = []
      onProgress?.({ rows: inserted, bytes: this.#file.bytesRead() })
    }
    for await (const { rows, lines } of this.#remaining()) {
      for (let i = 0; i < rows.length; i++) {
        const place: Place = { row: read++, line: lines?.[i] }
        const cells = rows[i]!
        if (cells.length > this.#known) this.#refuseNewColumns(cells, place)
        const row: Record<string, unknown> = {}
        for (const { position, source, column, read } of readers) {
          const cell = cells[position]
          if (cell === undefined) continue
          if (cell === null) {
            // An empty cell of a required column gets the column's default, if it has one.
            if (column.nullable || !column.default) row[column.name] = null
            continue
          }
          try {
            row[column.name] = read(cell)
          } catch (cause) {
            const message = cause instanceof Error ? cause.message : String(cause)
            throw new ValidationError(
              `${this.#at(place)}, column '${source}': ${message}${this.#kept(inserted, shown)}`,
              { row: place.row, column: column.name, cause },
            )
          }
        }
        batch.push(row)
        places.push(place)
        if (batch.length >= batchSize) await flush()
      }
    }
    if (batch.length > 0) await flush()
  }

  async *#remaining(): AsyncGenerator<FileRows> {
    yield* this.#read.splice(0)
    yield* this.#rows!
  }

  #refuseNewColumns(cells: readonly unknown[], place: Place): void {
    if (Array.isArray(this.#options.columns)) return
    for (let i = this.#known; i < cells.length; i++) {
      const name = this.#reader.columns[i]!.name
      const choice = (this.#options.columns as Record<string, unknown> | undefined)?.[name]
      if (cells[i] === undefined || choice === false) continue
      throw new ValidationError(
        `${this.#at(place)}: column '${name}' appears first after the rows that the columns were taken from; raise sampleRows, or leave it out with columns: { '${name}': false }`,
        { row: place.row, column: name },
      )
    }
  }

  /** A file names content by its hash: this database must have it. */
  async #checkStored(batch: readonly Record<string, unknown>[], places: readonly Place[]): Promise<void> {
    for (let i = 0; i < batch.length; i++) {
      for (const [column, value] of Object.entries(batch[i]!)) {
        if (!isMedia(value) || !value.url.startsWith('pxt:')) continue
        try {
          for await (const _ of value.stream({ start: 0, end: 1 })) break
        } catch (cause) {
          throw new ValidationError(
            `${this.#at(places[i]!)}, column '${column}': the content of ${value.url} is not in this database; export with { media: 'bytes' } to take it along`,
            { row: places[i]!.row, column, cause },
          )
        }
      }
    }
  }

  #at({ row, line }: Place): string {
    return `${this.#file.label}: row ${row + 1}${line === undefined ? '' : ` (line ${line})`}`
  }

  #kept(inserted: number, table: string): string {
    return this.#options.ifExists === 'append' && inserted > 0
      ? `; the ${inserted} rows before are in '${table}'`
      : '; nothing was written'
  }

  /** An error of the insert, told with the place in the file instead of that in the batch. */
  #relocated(error: unknown, places: readonly Place[], inserted: number, table: string, shown: string): unknown {
    if (!PixeltableError.isInstance(error)) return error
    const told = error.message.replaceAll(`'${table}'`, `'${shown}'`)
    const [, row, rest] = /^row (\d+): (.*)$/s.exec(told) ?? []
    const place = places[Number(row)]
    error.message = place
      ? `${this.#at(place)}, ${rest!.replace(/; nothing was written$/, '')}${this.#kept(inserted, shown)}`
      : told
    if (!place || !ValidationError.isInstance(error)) return error
    const { column, cause = error } = error
    return new ValidationError(error.message, { row: place.row, column, cause })
  }
}

/** Where a row is in the file. */
interface Place {
  /** Its position, from 0. */
  readonly row: number
  readonly line: number | undefined
}

/** The columns to import, under their names in the table. @throws ValidationError for one that is not there */
function choose(
  label: string,
  names: readonly string[],
  choice: ImportOptions['columns'],
): { readonly position: number; readonly name: string }[] {
  const wanted = choice === undefined ? [] : Array.isArray(choice) ? (choice as string[]) : Object.keys(choice)
  for (const name of wanted) {
    if (!names.includes(name)) {
      throw new ValidationError(`${label} has no column '${name}'. It has: ${names.join(', ') || 'none'}`)
    }
  }
  if (Array.isArray(choice)) {
    const chosen = choice as readonly string[]
    const own = columnNames(chosen)
    return chosen.map((name, i) => ({ position: names.indexOf(name), name: own[i]! }))
  }
  const renamed = (choice ?? {}) as Readonly<Record<string, string | false>>
  const positions = names.flatMap((name, i) => (renamed[name] === false ? [] : [i]))
  const own = columnNames(positions.map((i) => names[i]!))
  return positions.map((position, i) => {
    const name = names[position]!
    const given = Object.hasOwn(renamed, name) ? renamed[name] : undefined
    return { position, name: typeof given === 'string' ? given : own[i]! }
  })
}

/** The schema of a new table: what was given goes before what the file says. */
function inferSchema(label: string, columns: readonly ChosenColumn[], options: ImportOptions): Schema {
  const { schema = {}, primaryKey = [] } = options
  const result: Record<string, Column<any, any, boolean>> = { ...schema }
  const given = new Set(Object.keys(schema).map(foldName))
  for (const { name, nullable, found } of columns) {
    if (given.has(foldName(name))) continue
    result[name] = new Column(found(), nullable && !primaryKey.includes(name))
  }
  if (Object.keys(result).length === 0) {
    throw new SchemaError(`${label} has no rows to take columns from: give them with schema`)
  }
  return result
}

/** Checks the file's columns against a table that is there. @throws ValidationError */
function fitToTable(table: TableDefinition, columns: readonly ChosenColumn[]): void {
  for (const { source, name } of columns) {
    const column = table.columns.find((c) => foldName(c.name) === foldName(name))
    const advice = `leave it out, or rename it, with columns: { '${source}': … }; nothing was written`
    if (!column) {
      throw new ValidationError(
        `'${table.name}' has no column '${name}'. It has: ${table.columns.map((c) => c.name).join(', ')}; ${advice}`,
        { column: name },
      )
    }
    if (column.computed) {
      throw new ValidationError(`column '${name}' of '${table.name}' is computed: ${advice}`, { column: name })
    }
  }
}
