import { type Catalog, type ColumnKey, columnKey, computedColumns } from '../catalog/catalog.js'
import type { CheckDefinition, ColumnDefinition, IndexDefinition, TableDefinition } from '../catalog/definition.js'
import type {
  Commit,
  FileContent,
  RowKey,
  RowUpdates,
  SchemaChange,
  StoredCellError,
  TableWrite,
  VectorWrites,
} from '../engine/engine.js'
import { ComputeError, ModelError, NotFoundError, PixeltableError, ValidationError } from '../errors.js'
import { type Node, visit } from '../expr/node.js'
import type { RowIterator } from '../iterators/iterator.js'
import { type Cell, CellFailure, evaluate, type Rows } from '../plan/evaluate.js'
import type { Session } from '../plan/session.js'
import { embedValues } from '../search/vector-search.js'
import type { ColumnType, Stored } from '../types/column-type.js'
import { dynamicType, typeOfValue } from '../types/dynamic.js'
import { isMedia } from '../types/media.js'
import { makeDefault, parseCell } from './parse.js'
import { RowBatch } from './row-batch.js'

/** What happens when a cell cannot be computed: nothing is written, or the cell stays null and its error is kept. */
export type OnError = 'abort' | 'ignore'

export interface ChangeOptions {
  /** For the history. */
  readonly operation: string
  readonly onError: OnError
  readonly signal?: AbortSignal | undefined
  /** Called with each batch of new rows once its columns are computed. */
  readonly onRows?: ((batch: RowBatch) => void) | undefined
  /** Whether vectors are left out: the rows are not to be stored. @default false */
  readonly skipIndexes?: boolean | undefined
  /** The views that new rows are carried into. @default all that derive from the table */
  readonly views?: ReadonlySet<number> | undefined
}

/** How a change of stored rows spreads. */
export interface Spread {
  /** Stored columns that have new values, the table's own or its bases'. What reads them is computed again. */
  readonly changed: Set<ColumnKey>
  /** The table's own columns among them that were set, with the versions that the rows must still have. */
  readonly own?: { readonly columns: readonly string[]; readonly versions: readonly number[] }
  /** Computed columns to compute whether or not what they read has changed. */
  readonly recompute?: ReadonlySet<string>
  /** Whether computed columns, views and indexes follow. @default true */
  readonly cascade?: boolean
}

/** A cell that could not be computed, and where. */
export interface FailedCell extends StoredCellError {
  readonly table: TableDefinition
}

interface PendingWrite {
  readonly deletes: number[]
  count: number
  readonly bases: RowKey[]
  readonly inserted: Map<string, Stored[]>
  readonly updates: RowUpdates[]
  readonly clearedErrors: { column: string; rows: readonly number[] }[]
  readonly errors: StoredCellError[]
  readonly vectors: VectorWrites[]
}

/**
 * One statement's work: what becomes of the rows that it inserts, updates or deletes in a table, and of everything
 * that derives from them (computed columns, views at any depth, vectors, errors). It computes and gathers; the
 * resulting commit writes all of it, or nothing.
 */
export class Change {
  readonly #session: Session
  readonly #catalog: Catalog
  readonly #options: ChangeOptions
  readonly #writes = new Map<number, PendingWrite>()
  readonly #files = new Map<string, FileContent>()
  /** Row ids that something was computed from before the commit gives them. */
  readonly #firstRows = new Map<number, { readonly table: TableDefinition; readonly rowid: number }>()
  /** Definitions that this change completes: types and dimensions that only the first value shows. */
  readonly #definitions = new Map<number, TableDefinition>()
  readonly failures: FailedCell[] = []

  constructor(session: Session, catalog: Catalog, options: ChangeOptions) {
    this.#session = session
    this.#catalog = catalog
    this.#options = options
  }

  /** Bytes to be kept in the database. */
  addFile(file: FileContent): void {
    this.#files.set(file.sha256, file)
  }

  /** Keys for `count` more rows that this change inserts into a table. */
  newKeys(table: TableDefinition, count: number): RowKey[] {
    const start = this.#write(table).count
    const keys: RowKey[] = new Array(count)
    for (let i = 0; i < count; i++) keys[i] = -(start + i) - 1
    return keys
  }

  /**
   * The commit that writes everything gathered.
   * @param schema what changes in the schema, before any row is written
   * @param unchanged the table that was read as a whole, and its version then
   */
  toCommit(schema: readonly SchemaChange[] = [], unchanged?: Commit['unchanged']): Commit {
    const completed = new Set(this.#definitions.keys())
    const changes = schema.map((change): SchemaChange => {
      if (change.kind !== 'createTable' && change.kind !== 'alterTable') return change
      completed.delete(change.table.id)
      return { ...change, table: this.#definition(change.table) }
    })
    for (const id of completed) {
      const table = this.#definitions.get(id)!
      const was = this.#catalog.byId(id)
      changes.push({ kind: 'alterTable', was, table: { ...table, schemaVersion: table.schemaVersion + 1 } })
    }
    return {
      operation: this.#options.operation,
      catalogVersion: this.#catalog.version,
      unchanged,
      firstRows: [...this.#firstRows.values()],
      schema: changes,
      files: [...this.#files.values()],
      writes: [...this.#writes].map(([id, write]) => this.#tableWrite(id, write)),
    }
  }

  /** Inserts rows that have all columns but the computed ones. */
  async insert(batch: RowBatch, bases?: readonly RowKey[]): Promise<void> {
    const { table } = batch
    const write = this.#write(table)
    write.count += batch.length
    if (bases) write.bases.push(...bases)
    for (const column of computedColumns(table)) batch.set(column.name, await this.#compute(batch, column))
    await this.#check(batch, table.checks)
    for (const column of table.columns) {
      if (column.unstored) continue
      const stored = write.inserted.get(column.name) ?? []
      write.inserted.set(column.name, stored)
      this.#encode(batch, column, stored)
    }
    if (!this.#options.skipIndexes) for (const index of table.indexes) await this.embed(batch, index)
    this.#options.onRows?.(batch)
    const { views } = this.#options
    for (const view of this.#catalog.viewsOf(table)) {
      if (!views || views.has(view.id)) await this.deriveView(view, batch)
    }
  }

  /**
   * Inserts the rows of a view that derive from rows of its base.
   * @param rows `'matched'` when the view's condition is known to hold for them
   */
  async deriveView(view: TableDefinition, base: RowBatch, rows: 'all' | 'matched' = 'all'): Promise<void> {
    if (base.length === 0) return
    const { where, iterator } = view.view!
    const at = where && rows === 'all' ? await this.#matching(view, where, base) : base.keys.map((_, i) => i)
    if (!iterator) {
      await this.#insertDerived(view, base, at, new Map())
      return
    }
    const code = this.#session.code<RowIterator>('iterator', iterator.iterator.name)
    if (!code) {
      throw new NotFoundError(
        `the iterator '${iterator.iterator.name}' is needed to fill the view '${view.name}', but this program has not defined it`,
      )
    }
    const args = await Promise.all(iterator.args.map((arg) => this.#evaluate(arg, base)))
    const parents: number[] = []
    const outputs = new Map<string, unknown[]>(view.columns.filter((c) => c.iterated).map((c) => [c.name, []]))
    for (const i of at) {
      const values = args.map((column) => column[i])
      const failed = values.find((value) => value instanceof CellFailure)
      if (failed !== undefined || values.includes(null)) continue
      const mark = parents.length
      try {
        let position = 0
        for await (const row of code.iterate(values, iterator.options, { signal: this.#options.signal })) {
          parents.push(i)
          for (const [name, column] of outputs) column.push(name === 'pos' ? position : (row[name] ?? null))
          position++
        }
      } catch (cause) {
        this.#options.signal?.throwIfAborted()
        // A row is expanded whole or not at all.
        parents.length = mark
        for (const column of outputs.values()) column.length = mark
        this.#fail(base, i, view.name, new CellFailure(asError(cause), code.name))
      }
    }
    await this.#insertDerived(view, base, parents, outputs)
  }

  async #insertDerived(
    view: TableDefinition,
    base: RowBatch,
    at: readonly number[],
    outputs: ReadonlyMap<string, readonly unknown[]>,
  ): Promise<void> {
    if (at.length === 0) return
    const batch = new RowBatch(view, this.newKeys(view, at.length), outputs, { batch: base, at })
    for (const column of view.columns) {
      const values = outputs.get(column.name)
      if (values) batch.set(column.name, await Promise.all(values.map((value) => this.#parse(column, value))))
      else if (!column.computed) batch.set(column.name, this.#defaults(view, column, at.length))
    }
    await this.insert(
      batch,
      at.map((i) => base.keys[i]!),
    )
  }

  /**
   * Carries new values of stored rows through everything that derives from them.
   * @param batch all columns of the rows, the changed ones with their new values
   */
  async update(batch: RowBatch, { changed, own, recompute, cascade = true }: Spread): Promise<void> {
    const { table } = batch
    if (batch.length === 0) return
    const write = this.#write(table)
    const rewritten = [...(own?.columns ?? [])]
    // Rows that are set are new in any case; of the others, those in which a computed cell differs.
    const dirty: boolean[] = new Array(batch.length).fill(own !== undefined)
    for (const column of computedColumns(table)) {
      const due = recompute?.has(column.name) || (cascade && this.#readsAny(column.computed!, changed))
      if (!due) continue
      const before = batch.column(column.name)
      const after = await this.#compute(batch, column)
      const type = this.#typeOf(table, column)
      write.clearedErrors.push({ column: column.name, rows: batch.keys })
      batch.set(column.name, after)
      let differs = false
      for (let i = 0; i < after.length; i++) {
        if (!(after[i] instanceof CellFailure) && sameValue(type, before[i], after[i])) continue
        differs = true
        dirty[i] = true
      }
      if (differs) {
        changed.add(columnKey(table, column.name))
        rewritten.push(column.name)
      }
      this.#encode(batch, column, [])
    }
    await this.#check(batch, table.checks)
    const at = dirty.flatMap((isDirty, i) => (isDirty ? [i] : []))
    if (rewritten.length > 0 && at.length > 0) {
      write.updates.push({
        rows: at.map((i) => batch.keys[i]!),
        versions: own?.versions,
        columns: rewritten,
        values: rewritten.map((name) => {
          const column = table.columns.find((c) => c.name === name)!
          const type = this.#typeOf(table, column)
          const cells = batch.column(name)
          return at.map((i) => encodeCell(type, cells[i]))
        }),
      })
    }
    if (!cascade) return
    for (const index of table.indexes) {
      const indexed = this.#catalog.columnsOf(table).get(index.column)
      if (!indexed || !this.#readsAny(columnOf(table, index.column), changed)) continue
      write.clearedErrors.push({ column: index.name, rows: batch.keys })
      await this.embed(batch, index)
    }
    for (const view of this.#catalog.viewsOf(table)) await this.#updateView(view, batch, changed)
  }

  async #updateView(view: TableDefinition, base: RowBatch, changed: ReadonlySet<ColumnKey>): Promise<void> {
    if (!this.#dependsOn(view, changed)) return
    const { where, iterator } = view.view!
    const existing = await this.#viewRows(view, base.keys)
    const present = new Set(existing.map((row) => row.base))
    const refiltered = where !== undefined && this.#readsAny(where, changed)
    if (refiltered) this.#write(base.table).clearedErrors.push({ column: view.name, rows: base.keys })
    const members = refiltered
      ? new Set((await this.#matching(view, where, base)).map((i) => base.keys[i]!))
      : where === undefined
        ? new Set(base.keys)
        : present
    const rowsOf = (test: (key: RowKey) => boolean) => base.pick(base.keys.flatMap((key, i) => (test(key) ? [i] : [])))
    if (iterator?.args.some((arg) => this.#readsAny(arg, changed))) {
      if (!refiltered) this.#write(base.table).clearedErrors.push({ column: view.name, rows: base.keys })
      await this.delete(
        view,
        existing.map((row) => row.rowid),
      )
      await this.deriveView(
        view,
        rowsOf((key) => members.has(key)),
        'matched',
      )
      return
    }
    const leaving = existing.filter((row) => !members.has(row.base))
    await this.delete(
      view,
      leaving.map((row) => row.rowid),
    )
    if (refiltered) {
      await this.deriveView(
        view,
        rowsOf((key) => members.has(key) && !present.has(key)),
        'matched',
      )
    }
    if (!this.#readsInside(view, changed)) return
    const staying = existing.filter((row) => members.has(row.base))
    await this.update(await this.#loadViewBatch(view, staying, base), { changed: new Set(changed) })
  }

  /** Whether an expression reads any of these columns. */
  #readsAny(node: Node, changed: ReadonlySet<ColumnKey>): boolean {
    for (const key of this.#catalog.inputsOf(node)) if (changed.has(key)) return true
    return false
  }

  /** Whether a view's rows, or anything below it, change with these columns. */
  #dependsOn(view: TableDefinition, changed: ReadonlySet<ColumnKey>): boolean {
    const { where, iterator } = view.view!
    if (where && this.#readsAny(where, changed)) return true
    return iterator?.args.some((arg) => this.#readsAny(arg, changed)) || this.#readsInside(view, changed)
  }

  /** Whether a view's own columns or indexes, or the views below it, read any of these columns. */
  #readsInside(view: TableDefinition, changed: ReadonlySet<ColumnKey>): boolean {
    return (
      computedColumns(view).some((column) => this.#readsAny(column.computed!, changed)) ||
      view.indexes.some((index) => this.#readsAny(columnOf(view, index.column), changed)) ||
      this.#catalog.viewsOf(view).some((below) => this.#dependsOn(below, changed))
    )
  }

  /** @throws ValidationError when a row makes a predicate of its table false */
  async #check(batch: RowBatch, checks: readonly CheckDefinition[]): Promise<void> {
    for (const { name, predicate } of checks) {
      const cells = await this.#evaluate(predicate, batch)
      const row = cells.indexOf(false)
      if (row < 0) continue
      throw new ValidationError(
        `row ${row} of '${batch.table.name}' violates the check '${name}'; nothing was written`,
        {
          row,
        },
      )
    }
  }

  /** Deletes stored rows with every view row that derives from them. */
  async delete(table: TableDefinition, rows: readonly number[]): Promise<void> {
    if (rows.length === 0) return
    this.#write(table).deletes.push(...rows)
    for (const view of this.#catalog.viewsOf(table)) {
      const derived = await this.#viewRows(view, rows)
      await this.delete(
        view,
        derived.map((row) => row.rowid),
      )
    }
  }

  /** Fills one new column of stored rows: computes it, or takes its default. */
  async backfill(batch: RowBatch, column: ColumnDefinition): Promise<void> {
    const cells = column.computed
      ? await this.#compute(batch, column)
      : this.#defaults(batch.table, column, batch.length)
    const stored: Stored[] = []
    batch.set(column.name, cells)
    this.#encode(batch, column, stored)
    this.#write(batch.table).updates.push({
      backfill: true,
      rows: batch.keys,
      columns: [column.name],
      values: [stored],
    })
  }

  #defaults(table: TableDefinition, column: ColumnDefinition, count: number): Cell[] {
    const make = makeDefault(table, column, this.#session)
    return Array.from({ length: count }, () => make?.() ?? null)
  }

  /** Makes the vectors of an index for the rows of a batch. */
  async embed(batch: RowBatch, index: IndexDefinition): Promise<void> {
    if (!index.embedder) return
    const embedder = this.#session.embedder(index.embedder.name)
    if (!embedder) {
      throw new NotFoundError(
        `the embedding model '${index.embedder.name}' is needed to keep index '${index.name}' of '${batch.table.name}' in step, but this program has not made it: make it before, or pass it to Pixeltable.open(path, { functions })`,
      )
    }
    const { signal, onError } = this.#options
    const cells = batch.column(index.column)
    const vectors: (Float32Array | null)[] = new Array(batch.length).fill(null)
    const at: number[] = []
    const inputs: (string | Uint8Array)[] = []
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]
      if (cell === null || cell instanceof CellFailure) continue
      at.push(i)
      inputs.push(isMedia(cell) ? await cell.bytes() : (cell as string))
    }
    if (inputs.length > 0) {
      const known = this.#indexOf(batch.table, index.name).dimensions
      const made = await embedValues(embedder, inputs, known, { signal, failFast: onError === 'abort' })
      made.forEach((vector, j) => {
        if (vector instanceof Error) this.#fail(batch, at[j]!, index.name, new CellFailure(vector, embedder.name))
        else vectors[at[j]!] = vector
      })
      const length = vectors.find((vector) => vector !== null)?.length
      if (known === undefined && length !== undefined) {
        this.#redefine(batch.table, (table) => ({
          ...table,
          indexes: table.indexes.map((i) => (i.name === index.name ? { ...i, dimensions: length } : i)),
        }))
      }
    }
    this.#write(batch.table).vectors.push({ index: index.name, rows: batch.keys, vectors })
  }

  async #compute(batch: RowBatch, column: ColumnDefinition): Promise<Cell[]> {
    const cells = await this.#evaluate(column.computed!, batch)
    if (this.#typeOf(batch.table, column) === dynamicType) this.#resolveType(batch.table, column, cells)
    const result: Cell[] = new Array(cells.length)
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]
      if (cell instanceof CellFailure) {
        this.#refuse(batch, i, column.name, cell)
        result[i] = cell
        continue
      }
      try {
        const parsed = this.#parse(column, cell, batch.table)
        result[i] = parsed instanceof Promise ? await parsed : parsed
      } catch (cause) {
        const failure = new CellFailure(
          new ComputeError(
            `${(cause as Error).message}; if the function may return other kinds of values, declare it with returns: t.json()`,
            { cause },
          ),
        )
        this.#refuse(batch, i, column.name, failure)
        result[i] = failure
      }
    }
    return result
  }

  /** A value as its column's type has it; media are resolved. */
  #parse(column: ColumnDefinition, value: unknown, table?: TableDefinition): unknown {
    if (value === null || value === undefined) return null
    const type = table ? this.#typeOf(table, column) : column.type
    return parseCell(type, value, this.#session, this, this.#options.signal)
  }

  async #evaluate(node: Node, batch: RowBatch): Promise<readonly Cell[]> {
    const expanded = this.#catalog.expand(node)
    const tables: number[] = []
    visit(expanded, (n) => {
      if (n.kind === 'rowid') tables.push(n.table)
    })
    for (const id of tables) await this.#predictRowids(id, batch.table)
    const rows: Rows = tables.length === 0 ? batch : { length: batch.length, valuesOf: (n) => this.#values(batch, n) }
    const { signal, onError } = this.#options
    return evaluate(expanded, rows, { signal, failFast: onError === 'abort' })
  }

  /** The values of a column or row id. Row ids that the commit will give are those that were predicted. */
  #values(batch: RowBatch, node: Node): readonly Cell[] {
    const values = batch.valuesOf(node)
    if (node.kind !== 'rowid') return values
    const first = this.#firstRows.get(node.table)
    return values.map((key) => ((key as RowKey) > 0 ? key : first!.rowid - (key as RowKey) - 1))
  }

  /** The commit checks that the ids are given as predicted. */
  async #predictRowids(id: number, current: TableDefinition): Promise<void> {
    if (this.#firstRows.has(id)) return
    // A view that is being created numbers its rows from 1.
    const table = this.#catalog.find(id)
    const rowid = table ? await this.#session.engine.nextRowid(table) : 1
    this.#firstRows.set(id, { table: table ?? current, rowid })
  }

  /** Positions of the rows of a base that belong to a view. A row whose condition fails does not. */
  async #matching(view: TableDefinition, where: Node, batch: RowBatch): Promise<number[]> {
    const cells = await this.#evaluate(where, batch)
    const at: number[] = []
    cells.forEach((cell, i) => {
      if (cell instanceof CellFailure) this.#fail(batch, i, view.name, cell)
      else if (cell === true) at.push(i)
    })
    return at
  }

  /** The first value of a column decides its type. */
  #resolveType(table: TableDefinition, column: ColumnDefinition, cells: readonly Cell[]): void {
    const value = cells.find((cell) => cell !== null && cell !== undefined && !(cell instanceof CellFailure))
    if (value === undefined) return
    const type = typeOfValue(value)
    this.#redefine(table, (t) => ({
      ...t,
      columns: t.columns.map((c) => (c.name === column.name ? { ...c, type } : c)),
    }))
  }

  #encode(batch: RowBatch, column: ColumnDefinition, stored: Stored[]): void {
    const type = this.#typeOf(batch.table, column)
    const cells = batch.column(column.name)
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]
      if (cell === null) stored.push(null)
      else if (cell instanceof CellFailure) {
        this.#fail(batch, i, column.name, cell)
        stored.push(null)
      } else stored.push(type.encode(cell))
    }
  }

  /** Under `abort` a failed cell ends the statement. */
  #refuse(batch: RowBatch, row: number, column: string, failure: CellFailure): void {
    if (this.#options.onError === 'abort') throw failureOf(batch.table, column, row, failure)
  }

  #fail(batch: RowBatch, row: number, column: string, failure: CellFailure): void {
    this.#refuse(batch, row, column, failure)
    const error: StoredCellError = {
      row: batch.keys[row]!,
      column,
      type: failure.error.name,
      message: failure.error.message,
      function: failure.function,
    }
    this.#write(batch.table).errors.push(error)
    this.failures.push({ ...error, table: batch.table })
  }

  async #viewRows(view: TableDefinition, bases: readonly number[]): Promise<{ rowid: number; base: number }[]> {
    const stored = bases.filter((key) => key > 0)
    if (stored.length === 0) return []
    const rows = await this.#session.engine.select(
      {
        from: { kind: 'table', line: this.#catalog.lineOf(view) },
        columns: [
          { name: 'rowid', value: { kind: 'rowid', table: view.id } },
          { name: 'base', value: { kind: 'column', table: view.id, name: '_base' } },
        ],
        keys: { of: 'base', ids: stored },
      },
      this.#session.decode,
    )
    return rows.map(([rowid, base]) => ({ rowid: rowid as number, base: base as number }))
  }

  async #loadViewBatch(
    view: TableDefinition,
    rows: readonly { readonly rowid: number; readonly base: number }[],
    base: RowBatch,
  ): Promise<RowBatch> {
    const columns = await loadColumns(
      this.#session,
      this.#catalog,
      view,
      rows.map((row) => row.rowid),
    )
    const positions = new Map(base.keys.map((key, i) => [key, i]))
    const baseOf = new Map(rows.map((row) => [row.rowid, row.base]))
    const at = columns.keys.map((key) => positions.get(baseOf.get(key)!)!)
    return new RowBatch(view, columns.keys, columns.values, { batch: base, at })
  }

  #definition(table: TableDefinition): TableDefinition {
    return this.#definitions.get(table.id) ?? table
  }

  #redefine(table: TableDefinition, change: (table: TableDefinition) => TableDefinition): void {
    this.#definitions.set(table.id, change(this.#definition(table)))
  }

  #typeOf(table: TableDefinition, column: ColumnDefinition): ColumnType<any> {
    return this.#definitions.get(table.id)?.columns.find((c) => c.name === column.name)?.type ?? column.type
  }

  #indexOf(table: TableDefinition, name: string): IndexDefinition {
    return this.#definition(table).indexes.find((index) => index.name === name)!
  }

  #tables = new Map<number, TableDefinition>()

  #write(table: TableDefinition): PendingWrite {
    let write = this.#writes.get(table.id)
    if (!write) {
      write = {
        deletes: [],
        count: 0,
        bases: [],
        inserted: new Map(),
        updates: [],
        clearedErrors: [],
        errors: [],
        vectors: [],
      }
      this.#writes.set(table.id, write)
      this.#tables.set(table.id, table)
    }
    return write
  }

  #tableWrite(id: number, write: PendingWrite): TableWrite {
    const table = this.#definition(this.#tables.get(id)!)
    return {
      table,
      deletes: write.deletes,
      inserts: {
        count: write.count,
        bases: table.view ? write.bases : undefined,
        columns: [...write.inserted.keys()],
        values: [...write.inserted.values()],
      },
      updates: write.updates,
      clearedErrors: write.clearedErrors,
      errors: write.errors,
      vectors: write.vectors,
    }
  }
}

/** Stored rows of a table: its own columns, by name. */
export async function loadColumns(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  ids?: readonly number[],
): Promise<{ keys: number[]; values: Map<string, unknown[]> }> {
  const stored = table.columns.filter((column) => !column.unstored)
  const rows = await session.engine.select(
    {
      from: { kind: 'table', line: catalog.lineOf(table) },
      columns: [
        { name: '_rowid', value: { kind: 'rowid', table: table.id } },
        ...stored.map(({ name }) => ({ name, value: { kind: 'column', table: table.id, name } as const })),
      ],
      keys: ids && { of: 'row', ids },
    },
    session.decode,
  )
  return {
    keys: rows.map((row) => row[0] as number),
    values: new Map(stored.map(({ name }, c) => [name, rows.map((row) => row[c + 1])])),
  }
}

/** A column of a table as an expression. */
const columnOf = (table: TableDefinition, name: string): Node => ({ kind: 'column', table: table.id, name })

function encodeCell(type: ColumnType<any>, cell: Cell): Stored {
  return cell === null || cell === undefined || cell instanceof CellFailure ? null : type.encode(cell)
}

/** Whether two values of a type are stored alike. */
export function sameValue(type: ColumnType<any>, a: Cell, b: Cell): boolean {
  const x = encodeCell(type, a)
  const y = encodeCell(type, b)
  if (x instanceof Uint8Array && y instanceof Uint8Array) return Buffer.compare(x, y) === 0
  return x === y
}

/** The error of a statement that a failed cell ends. */
export function failureOf(table: TableDefinition, column: string, row: number, failure: CellFailure): ComputeError {
  const { error, function: fn } = failure
  return new ComputeError(`column '${column}' of '${table.name}', row ${row}: ${error.message}; nothing was written`, {
    column,
    row,
    function: fn,
    cause: error,
  })
}

function asError(cause: unknown): Error {
  if (PixeltableError.isInstance(cause)) return cause
  return cause instanceof Error ? cause : new ModelError(String(cause))
}
