import { foldName } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { PixeltableError, ValidationError } from '../errors.js'
import type { FileReader, FileRows } from '../formats/format.js'
import type { Session } from '../plan/session.js'
import { isMedia } from '../types/media.js'
import { type ChosenColumn, chooseColumns } from './import-columns.js'
import { defaultBatchSize, defaultSampleRows, type ImportOptions } from './import-options.js'
import { insertRows } from './insert.js'

/** One file to import. */
export interface ImportFile {
  /** How messages name it. */
  readonly label: string
  /** Opens it and reads as much as tells its columns. */
  open(): Promise<FileReader>
  /** Bytes read so far. */
  bytesRead(): number
}

/** The rows of a file on their way into a table. */
export class ImportedRows {
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
    return chooseColumns(
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
        // The import reports as a whole.
        await insertRows(session, table, batch, { onError, onProgress: () => {}, ...(signal ? { signal } : {}) })
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
