import { type Catalog, type ColumnKey, columnKey, computedColumns } from '../catalog/catalog.js'
import type { CheckDefinition, ColumnDefinition, IndexDefinition, TableDefinition } from '../catalog/definition.js'
import type { Commit, FileContent, PendingRange, RowKey, SchemaChange, StoredCellError } from '../engine/engine.js'
import { ComputeError, ModelError, NotFoundError, PixeltableError, ValidationError } from '../errors.js'
import { type Node, visit } from '../expr/node.js'
import type { RowIterator } from '../iterators/iterator.js'
import { Pace } from '../pace.js'
import { type Cell, CellFailure, type EvaluateOptions, evaluate, type Rows } from '../plan/evaluate.js'
import type { ProgressMeter } from '../plan/progress.js'
import type { ResultLog } from '../plan/result-log.js'
import type { Session } from '../plan/session.js'
import type { CallRecord } from '../scheduler/caller.js'
import { settleAll } from '../scheduler/settle-all.js'
import { embedValues } from '../search/vector-search.js'
import type { ColumnType, Stored } from '../types/column-type.js'
import { dynamicType, typeOfValue } from '../types/dynamic.js'
import { isMedia } from '../types/media.js'
import { anyOf, type ChangedCells, positionsIn, type RowMask, without } from './changed-cells.js'
import { loadColumns } from './load-rows.js'
import { makeDefault, parseCell } from './parse.js'
import { PendingCells, wholeRow } from './pending.js'
import { RowBatch } from './row-batch.js'
import { WriteSet } from './write-set.js'

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
  /** What was pending and is computed by this change: all rows that it begins with are of this range. */
  readonly completes?: PendingRange | undefined
  /** Results of functions: those that are known, and where new ones are noted. */
  readonly results?: ResultLog | undefined
  /** Hears of cells as they are made. */
  readonly meter?: ProgressMeter | undefined
  /** The views that new rows are carried into. @default all that derive from the table */
  readonly views?: ReadonlySet<number> | undefined
}

/** How a change of stored rows spreads. */
export interface Spread {
  /** Stored columns that have new values, the table's own or its bases', and where. What reads them is computed again. */
  readonly changed: ChangedCells
  /** The table's own columns among them that were set, with the versions that the rows must still have. */
  readonly own?: { readonly columns: readonly string[]; readonly versions: readonly number[] }
  /** Computed columns to compute whether or not what they read has changed. */
  readonly recompute?: ReadonlySet<string>
  /** Whether these are the first values of the columns: the rows do not count as changed, but all that follows does. */
  readonly fill?: boolean
  /** Whether computed columns, views and indexes follow. @default true */
  readonly cascade?: boolean
}

/** A cell that could not be computed, and where. */
export interface FailedCell extends StoredCellError {
  readonly table: TableDefinition
}

/**
 * One statement's work: what becomes of the rows that it inserts, updates or deletes in a table, and of everything
 * that derives from them (computed columns, views at any depth, vectors, errors). It computes and gathers; the
 * resulting commit writes all of it, or nothing.
 *
 * Columns that do not read each other are computed side by side, and so are views and indexes.
 */
export class Change {
  readonly #session: Session
  readonly #catalog: Catalog
  readonly #options: ChangeOptions
  readonly #writes: WriteSet
  /** Under `abort`, the first cell that fails ends everything. */
  readonly #stop: AbortController | undefined
  #pending: Promise<readonly PendingRange[]> | undefined
  readonly #failures: FailedCell[] = []

  constructor(session: Session, catalog: Catalog, options: ChangeOptions) {
    this.#session = session
    this.#catalog = catalog
    this.#options = options
    this.#writes = new WriteSet(catalog)
    this.#stop = options.onError === 'abort' ? new AbortController() : undefined
    if (options.results) options.results.operation = options.operation
  }

  /** The cells that failed, by table and row. */
  get failures(): readonly FailedCell[] {
    const order = (key: RowKey) => (key > 0 ? key : Number.MAX_SAFE_INTEGER / 2 - key)
    return this.#failures.toSorted((a, b) => a.table.id - b.table.id || order(a.row) - order(b.row))
  }

  /** Bytes to be kept in the database. */
  addFile(file: FileContent): void {
    this.#writes.addFile(file)
  }

  /** Keys for `count` more rows that this change inserts into a table. */
  newKeys(table: TableDefinition, count: number): RowKey[] {
    const start = this.#writes.of(table).count
    const keys: RowKey[] = new Array(count)
    for (let i = 0; i < count; i++) keys[i] = -(start + i) - 1
    return keys
  }

  /**
   * The commit that writes everything gathered.
   * @param schema what changes in the schema, before any row is written
   * @param unchanged the table that was read as a whole, and its version then
   */
  async toCommit(schema: readonly SchemaChange[] = [], unchanged?: Commit['unchanged']): Promise<Commit> {
    const { operation, completes, results } = this.#options
    return { ...this.#writes.toCommit(operation, schema), unchanged, completes, results: await results?.toCommit() }
  }

  /** Inserts rows that have all columns but the computed ones. */
  async insert(batch: RowBatch, bases?: readonly RowKey[]): Promise<void> {
    const { table } = batch
    const write = this.#writes.of(table)
    write.count += batch.length
    if (bases) write.bases.push(...bases)
    // Rows of a table are new; those of a view may derive from rows in which something is pending.
    const pending = await this.#pendingIn(batch, table.view !== undefined)
    await this.#eachColumn(table, async (column) => {
      const blocked = pending.of(column.computed!)
      batch.set(column.name, await this.#computeExcept(batch, column, blocked))
    })
    await this.#check(batch, table.checks, pending)
    for (const column of table.columns) {
      if (column.unstored) continue
      const stored = write.inserted.get(column.name) ?? []
      write.inserted.set(column.name, stored)
      await this.#encode(batch, column, stored)
    }
    this.#options.onRows?.(batch)
    await this.#derive(batch, pending)
  }

  /**
   * Inserts rows that have all columns but the computed ones, and computes nothing of what derives from them: that is
   * pending.
   */
  async insertPending(batch: RowBatch): Promise<void> {
    const { table } = batch
    await this.#check(batch, table.checks, await this.#pendingIn(batch, false))
    const write = this.#writes.of(table)
    write.count += batch.length
    for (const column of table.columns) {
      if (column.unstored) continue
      const stored: Stored[] = []
      if (column.computed) batch.set(column.name, new Array(batch.length).fill(null))
      await this.#encode(batch, column, stored)
      write.inserted.set(column.name, stored)
    }
  }

  /** Computes everything that derives from stored rows of which nothing is computed yet. */
  async complete(batch: RowBatch): Promise<void> {
    const { table, versions } = batch
    const columns = computedColumns(table)
    const pending = await this.#pendingIn(batch)
    await this.#eachColumn(table, async (column) => {
      const blocked = anyOf([pending.own(column.id), pending.of(column.computed!)])
      batch.set(column.name, await this.#computeExcept(batch, column, blocked))
    })
    await this.#check(batch, table.checks, pending)
    const values: Stored[][] = []
    for (const column of columns) {
      const stored: Stored[] = []
      await this.#encode(batch, column, stored)
      values.push(stored)
    }
    const names = columns.map((column) => column.name)
    this.#writes.of(table).updates.push({ rows: batch.keys, versions, columns: names, values })
    await this.#derive(batch, pending)
  }

  /** Makes the vectors and view rows of rows that have none yet. */
  async #derive(batch: RowBatch, pending: PendingCells): Promise<void> {
    const { table } = batch
    const indexes = this.#options.skipIndexes ? [] : table.indexes
    await settleAll([
      ...indexes.map((index) => this.embed(batch, index, pending)),
      ...this.#catalog
        .viewsOf(table)
        .filter((view) => this.#options.views?.has(view.id) ?? true)
        .map((view) => this.deriveView(view, batch)),
    ])
  }

  /**
   * Inserts the rows of a view that derive from rows of its base.
   * @param rows `'matched'` when the view's condition is known to hold for them
   */
  async deriveView(view: TableDefinition, base: RowBatch, rows: 'all' | 'matched' = 'all'): Promise<void> {
    if (base.length === 0) return
    const { where, iterator } = view.view!
    const pending = await this.#pendingIn(base)
    const blocked = anyOf([pending.rows, ...[where, ...(iterator?.args ?? [])].map((node) => node && pending.of(node))])
    const ready = (i: number) => !blocked?.[i]
    const matching = where && rows === 'all' ? await this.#matching(view, where, base, blocked) : undefined
    const at = matching ?? base.keys.flatMap((_, i) => (ready(i) ? [i] : []))
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
    this.#writes.addCode(view, wholeRow, code)
    const args = await Promise.all(iterator.args.map((arg) => this.#evaluate(arg, base, view.name)))
    const parents: number[] = []
    const outputs = new Map<string, unknown[]>(view.columns.filter((c) => c.iterated).map((c) => [c.name, []]))
    const pace = new Pace(this.#options.signal)
    for (const i of at) {
      if (pace.due) await pace.rest()
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
      if (values) batch.set(column.name, await this.#parseAll(column, values))
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
  async update(batch: RowBatch, { changed, own, recompute, fill = false, cascade = true }: Spread): Promise<void> {
    const { table } = batch
    if (batch.length === 0) return
    const write = this.#writes.of(table)
    const pending = await this.#pendingIn(batch)
    const rewritten = new Set(own?.columns)
    // Rows that are set are new in any case; of the others, those in which a computed cell differs.
    const dirty = new Uint8Array(batch.length).fill(own === undefined ? 0 : 1)
    const all = new Uint8Array(batch.length).fill(1)
    await this.#eachColumn(table, async (column) => {
      const wanted = recompute?.has(column.name)
        ? all
        : cascade
          ? changed.rowsOf(this.#catalog.inputsOf(column.computed!))
          : undefined
      const blocked = anyOf([pending.own(column.id), pending.of(column.computed!)])
      const at = positionsIn(without(wanted, blocked))
      if (at.length === 0) return
      const cells = await this.#compute(batch, column, at)
      const type = this.#writes.typeOf(table, column)
      const after = [...batch.column(column.name)]
      const differs = new Uint8Array(batch.length)
      at.forEach((i, j) => {
        const cell = cells[j]
        if (cell instanceof CellFailure) this.#fail(batch, i, column.name, cell)
        else if (!fill && !(after[i] instanceof CellFailure) && sameValue(type, after[i], cell)) return
        after[i] = cell
        differs[i] = 1
        dirty[i] = 1
      })
      write.clearedErrors.push({ column: column.name, rows: at.map((i) => batch.keys[i]!) })
      batch.set(column.name, after)
      if (!differs.includes(1)) return
      changed.add(columnKey(table, column.name), differs)
      rewritten.add(column.name)
    })
    await this.#check(batch, table.checks, pending)
    const at = positionsIn(dirty)
    if (rewritten.size > 0 && at.length > 0) {
      write.updates.push({
        rows: at.map((i) => batch.keys[i]!),
        backfill: fill,
        versions: own?.versions,
        columns: [...rewritten],
        values: [...rewritten].map((name) => {
          const column = table.columns.find((c) => c.name === name)!
          const type = this.#writes.typeOf(table, column)
          const cells = batch.column(name)
          return at.map((i) => encodeCell(type, cells[i]))
        }),
      })
    }
    if (cascade) await this.#spread(batch, changed, pending)
  }

  /** Carries changed cells into vectors and views. */
  async #spread(batch: RowBatch, changed: ChangedCells, pending: PendingCells): Promise<void> {
    const { table } = batch
    await settleAll([
      ...table.indexes.map(async (index) => {
        const blocked = anyOf([pending.own(index.id), pending.of(columnOf(table, index.column))])
        const at = positionsIn(without(this.#dirty(columnOf(table, index.column), changed), blocked))
        if (at.length === 0 || !this.#catalog.columnsOf(table).has(index.column)) return
        const rows = batch.pick(at)
        this.#writes.of(table).clearedErrors.push({ column: index.name, rows: rows.keys })
        await this.embed(rows, index)
      }),
      ...this.#catalog.viewsOf(table).map((view) => this.#updateView(view, batch, changed, pending)),
    ])
  }

  async #updateView(
    view: TableDefinition,
    all: RowBatch,
    changedInAll: ChangedCells,
    pending: PendingCells,
  ): Promise<void> {
    const { where, iterator } = view.view!
    const nodes = [where, ...(iterator?.args ?? [])].filter((node) => node !== undefined)
    const blocked = anyOf([pending.rows, ...nodes.map((node) => pending.of(node))])
    const affected = positionsIn(without(this.#dirtyBelow(view, changedInAll), blocked))
    if (affected.length === 0) return
    const base = all.pick(affected)
    const changed = changedInAll.at(affected)
    const refiltered = where && this.#dirty(where, changed)
    const expanded = anyOf((iterator?.args ?? []).map((arg) => this.#dirty(arg, changed)))
    const renewed = anyOf([refiltered, expanded])
    const existing = await this.#viewRows(view, base.keys)
    const present = new Set(existing.map((row) => row.base))
    if (renewed) {
      const rows = positionsIn(renewed).map((i) => base.keys[i]!)
      this.#writes.of(base.table).clearedErrors.push({ column: view.name, rows })
    }
    const matching = refiltered ? new Set(await this.#matching(view, where, base, inverse(refiltered))) : undefined
    const isMember = (i: number): boolean => {
      if (refiltered?.[i]) return matching!.has(i)
      return where === undefined || present.has(base.keys[i]!)
    }
    const positions = new Map(base.keys.map((key, i) => [key, i]))
    const stays = ({ base: key }: { readonly base: number }): boolean => {
      const i = positions.get(key)!
      return isMember(i) && !expanded?.[i]
    }
    const enters = (i: number): boolean => {
      if (!renewed?.[i] || !isMember(i)) return false
      return expanded?.[i] === 1 || !present.has(base.keys[i]!)
    }
    await this.delete(
      view,
      existing.filter((row) => !stays(row)).map((row) => row.rowid),
    )
    await this.deriveView(view, base.pick(base.keys.flatMap((_, i) => (enters(i) ? [i] : []))), 'matched')
    const inside = this.#dirtyInside(view, changed)
    const staying = existing.filter((row) => stays(row) && inside?.[positions.get(row.base)!])
    if (staying.length === 0) return
    const batch = await this.#loadViewBatch(view, staying, base)
    const at = batch.keysOf(base.table.id).map((key) => positions.get(key)!)
    await this.update(batch, { changed: changed.at(at) })
  }

  /** The rows in which something that an expression reads has changed. */
  #dirty(node: Node, changed: ChangedCells): RowMask {
    return changed.isEmpty ? undefined : changed.rowsOf(this.#catalog.inputsOf(node))
  }

  /** The rows of a base whose rows in a view, or in what is below it, change. */
  #dirtyBelow(view: TableDefinition, changed: ChangedCells): RowMask {
    const { where, iterator } = view.view!
    return anyOf([
      where && this.#dirty(where, changed),
      ...(iterator?.args ?? []).map((arg) => this.#dirty(arg, changed)),
      this.#dirtyInside(view, changed),
    ])
  }

  /** The rows of a base for which a view's own columns or indexes, or the views below it, change. */
  #dirtyInside(view: TableDefinition, changed: ChangedCells): RowMask {
    return anyOf([
      ...computedColumns(view).map((column) => this.#dirty(column.computed!, changed)),
      ...view.indexes.map((index) => this.#dirty(columnOf(view, index.column), changed)),
      ...this.#catalog.viewsOf(view).map((below) => this.#dirtyBelow(below, changed)),
    ])
  }

  /** @throws ValidationError when a row makes a predicate of its table false */
  async #check(batch: RowBatch, checks: readonly CheckDefinition[], pending: PendingCells): Promise<void> {
    for (const { name, predicate } of checks) {
      const blocked = pending.of(predicate)
      const cells = await this.#evaluate(predicate, batch, name)
      const row = cells.findIndex((cell, i) => cell === false && !blocked?.[i])
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
    this.#writes.of(table).deletes.push(...rows)
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
    const { computed } = column
    const blocked = computed && (await this.#pendingIn(batch)).of(computed)
    const cells = computed
      ? await this.#computeExcept(batch, column, blocked)
      : this.#defaults(batch.table, column, batch.length)
    const stored: Stored[] = []
    batch.set(column.name, cells)
    await this.#encode(batch, column, stored)
    this.#writes.of(batch.table).updates.push({
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
  async embed(batch: RowBatch, index: IndexDefinition, pending?: PendingCells): Promise<void> {
    if (!index.embedder) return
    const embedder = this.#session.embedder(index.embedder)
    if (!embedder) {
      throw new NotFoundError(
        `the embedding model '${index.embedder.name}' is needed to keep index '${index.name}' of '${batch.table.name}' in step, but this program has not made it: make it before, or pass it to Pixeltable.open(path, { functions })`,
      )
    }
    const there = pending ?? (await this.#pendingIn(batch))
    const blocked = anyOf([there.own(index.id), there.of(columnOf(batch.table, index.column))])
    const cells = batch.column(index.column)
    const vectors: (Float32Array | null)[] = new Array(batch.length).fill(null)
    const at: number[] = []
    const inputs: (string | Uint8Array)[] = []
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[i]
      if (cell === null || cell instanceof CellFailure || blocked?.[i]) continue
      at.push(i)
      inputs.push(isMedia(cell) ? await cell.bytes() : (cell as string))
    }
    if (inputs.length > 0) {
      const known = this.#writes.indexOf(batch.table, index.name).dimensions
      this.#writes.addCode(batch.table, index.id, embedder)
      const made = await embedValues(embedder, inputs, known, this.#calls(batch.table, index.name))
      made.vectors.forEach((vector, j) => {
        if (vector instanceof Error) this.#fail(batch, at[j]!, index.name, new CellFailure(vector, embedder.name))
        else vectors[at[j]!] = vector
      })
      const { dimensions } = made
      if (known === undefined && dimensions !== undefined) {
        this.#writes.setDimensions(batch.table, index.name, dimensions)
      }
    }
    this.#writes.of(batch.table).vectors.push({ index: index.name, rows: batch.keys, vectors })
  }

  /** Does something for each computed column of a table, once it is done for those that the column reads. */
  async #eachColumn(table: TableDefinition, work: (column: ColumnDefinition) => Promise<void>): Promise<void> {
    const tasks = new Map<ColumnKey, Promise<void>>()
    for (const column of computedColumns(table)) {
      const inputs = [...this.#catalog.inputsOf(column.computed!)].flatMap((key) => tasks.get(key) ?? [])
      const task = Promise.all(inputs).then(() => work(column))
      tasks.set(columnKey(table, column.name), task)
    }
    await settleAll(tasks.values())
  }

  /** A column's cells; null where it is pending. */
  async #computeExcept(batch: RowBatch, column: ColumnDefinition, blocked: RowMask): Promise<Cell[]> {
    if (!blocked?.includes(1)) return this.#compute(batch, column)
    const at = positionsIn(inverse(blocked))
    const cells = await this.#compute(batch, column, at)
    const result: Cell[] = new Array(batch.length).fill(null)
    at.forEach((i, j) => {
      result[i] = cells[j]
    })
    return result
  }

  /** @param at positions of the rows; all of them when undefined */
  async #compute(batch: RowBatch, column: ColumnDefinition, at?: readonly number[]): Promise<Cell[]> {
    const rowOf = (i: number) => at?.[i] ?? i
    this.#noteCode(batch.table, column.id, column.computed!)
    const cells = await this.#evaluate(column.computed!, batch, column.name, at)
    if (this.#writes.typeOf(batch.table, column) === dynamicType) this.#resolveType(batch.table, column, cells)
    const result: Cell[] = new Array(cells.length)
    const pace = new Pace(this.#options.signal)
    for (let i = 0; i < cells.length; i++) {
      if (i % rowsPerLook === 0 && pace.due) await pace.rest()
      const cell = cells[i]
      if (cell instanceof CellFailure) {
        this.#refuse(batch, rowOf(i), column.name, cell)
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
        this.#refuse(batch, rowOf(i), column.name, failure)
        result[i] = failure
      }
    }
    return result
  }

  async #parseAll(column: ColumnDefinition, values: readonly unknown[]): Promise<Cell[]> {
    const pace = new Pace(this.#options.signal)
    const cells: Cell[] = new Array(values.length)
    for (let i = 0; i < values.length; i++) {
      if (i % rowsPerLook === 0 && pace.due) await pace.rest()
      const parsed = this.#parse(column, values[i])
      cells[i] = parsed instanceof Promise ? await parsed : parsed
    }
    return cells
  }

  /** A value as its column's type has it; media are resolved. */
  #parse(column: ColumnDefinition, value: unknown, table?: TableDefinition): unknown {
    if (value === null || value === undefined) return null
    const type = table ? this.#writes.typeOf(table, column) : column.type
    return parseCell(type, value, this.#session, this, this.#options.signal)
  }

  /** @param what the column that the expression computes, or the view or check that it belongs to */
  async #evaluate(node: Node, batch: RowBatch, what: string, at?: readonly number[]): Promise<readonly Cell[]> {
    const expanded = this.#catalog.expand(node)
    const tables: number[] = []
    visit(expanded, (n) => {
      if (n.kind === 'rowid') tables.push(n.table)
    })
    for (const id of tables) await this.#predictRowids(id, batch.table)
    const valuesOf = (n: Node): readonly Cell[] => {
      const values = tables.length === 0 ? batch.valuesOf(n) : this.#values(batch, n)
      return at ? at.map((i) => values[i]) : values
    }
    const rows: Rows = { length: at?.length ?? batch.length, valuesOf }
    return evaluate(expanded, rows, this.#calls(batch.table, what))
  }

  /** The functions that an expression calls go on record. */
  #noteCode(table: TableDefinition, what: number, node: Node): void {
    visit(this.#catalog.expand(node), (n) => {
      if (n.kind === 'function' && n.fn.code) this.#writes.addCode(table, what, n.fn.code)
    })
  }

  /** How functions are called for a column, an index or the condition of a view. */
  #calls(table: TableDefinition, column: string): EvaluateOptions {
    const { signal, results, meter } = this.#options
    const { stats, tracer } = this.#session
    const called = (call: CallRecord): void => {
      stats.add(table.name, column, call)
      meter?.calculated(call.rows - call.failed)
    }
    return { signal, stop: this.#stop, results, tracer, called }
  }

  /** The values of a column or row id. Row ids that the commit will give are those that were predicted. */
  #values(batch: RowBatch, node: Node): readonly Cell[] {
    const values = batch.valuesOf(node)
    if (node.kind !== 'rowid') return values
    const first = this.#writes.firstRow(node.table)
    return values.map((key) => ((key as RowKey) > 0 ? key : first! - (key as RowKey) - 1))
  }

  async #predictRowids(id: number, current: TableDefinition): Promise<void> {
    if (this.#writes.firstRow(id) !== undefined) return
    // A view that is being created numbers its rows from 1.
    const table = this.#catalog.find(id)
    const rowid = table ? await this.#session.engine.nextRowid(table) : 1
    this.#writes.predictFirstRow(id, table ?? current, rowid)
  }

  /**
   * Positions of the rows of a base that belong to a view. A row whose condition fails does not.
   * @param except rows that are not asked for
   */
  async #matching(view: TableDefinition, where: Node, batch: RowBatch, except: RowMask): Promise<number[]> {
    const asked = except ? positionsIn(inverse(except)) : undefined
    const cells = await this.#evaluate(where, batch, view.name, asked)
    const at: number[] = []
    cells.forEach((cell, j) => {
      const i = asked?.[j] ?? j
      if (cell instanceof CellFailure) this.#fail(batch, i, view.name, cell)
      else if (cell === true) at.push(i)
    })
    return at
  }

  /** The first value of a column decides its type. */
  #resolveType(table: TableDefinition, column: ColumnDefinition, cells: readonly Cell[]): void {
    const value = cells.find((cell) => cell !== null && cell !== undefined && !(cell instanceof CellFailure))
    if (value !== undefined) this.#writes.setType(table, column, typeOfValue(value))
  }

  async #encode(batch: RowBatch, column: ColumnDefinition, stored: Stored[]): Promise<void> {
    const type = this.#writes.typeOf(batch.table, column)
    const cells = batch.column(column.name)
    const pace = new Pace(this.#options.signal)
    for (let i = 0; i < cells.length; i++) {
      if (i % rowsPerLook === 0 && pace.due) await pace.rest()
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
    if (!this.#stop || failure.isOld) return
    this.#stop.abort()
    throw failureOf(batch.table, column, row, failure)
  }

  #fail(batch: RowBatch, row: number, column: string, failure: CellFailure): void {
    this.#refuse(batch, row, column, failure)
    const error: StoredCellError = {
      row: batch.keys[row]!,
      column,
      type: failure.type,
      message: failure.error.message,
      function: failure.function,
      attempts: failure.attempts,
    }
    this.#writes.of(batch.table).errors.push(error)
    this.#failures.push({ ...error, table: batch.table })
    if (!failure.isOld) this.#options.meter?.failed()
  }

  /** What is pending among some rows. New rows of tables are not asked about: nothing of them can be. */
  async #pendingIn(batch: RowBatch, ask = true): Promise<PendingCells> {
    if (!ask) return new PendingCells(this.#catalog, batch, [])
    this.#pending ??= this.#session.engine.pending()
    const { completes } = this.#options
    const ranges = (await this.#pending).filter(
      ({ table, what }) => table !== completes?.table || what !== completes.what,
    )
    return new PendingCells(this.#catalog, batch, ranges)
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
    return new RowBatch(view, columns.keys, columns.values, { batch: base, at }, columns.versions)
  }
}

/** Results of functions and models that a new row of a table takes, without those for its views. */
export function callsPerRow(table: TableDefinition): number {
  let calls = table.indexes.filter((index) => index.embedder).length
  for (const column of computedColumns(table)) {
    visit(column.computed!, (node) => {
      if (node.kind === 'function') calls++
    })
  }
  return calls
}

/** Rows between two looks at the clock. */
const rowsPerLook = 64

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

/** The rows that a mask does not mean. */
const inverse = (mask: Uint8Array): Uint8Array => mask.map((is) => 1 - is)

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
