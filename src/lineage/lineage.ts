import type { ColumnDefinition, TableDefinition } from '../catalog/definition.js'
import { sameValue } from '../compute/change.js'
import { wholeRow } from '../compute/pending.js'
import type { CellRecord } from '../engine/engine.js'
import { type FunctionIdentity, identityOf } from '../expr/function.js'
import { type Node, visit } from '../expr/node.js'
import { printNode } from '../expr/print.js'
import { CellFailure } from '../plan/evaluate.js'
import type { Session } from '../plan/session.js'
import { isMedia, type Media } from '../types/media.js'
import { baseRow, cellWhenMade, iterateAgain, parsed, recordOf, type StoredCell, storedValue } from './stored-cell.js'

/** Why a cell has no value. */
export interface LineageError {
  /** Class of the error. */
  readonly type: string
  readonly message: string
  /** The function that failed, as `name@version`. */
  readonly function?: string | undefined
  /** How often it was called. */
  readonly attempts?: number
}

/** A place in a file that a cell derives from. */
export interface LineageSource {
  /** The table, row and column that hold the file. */
  readonly table: string
  readonly rowid: number
  readonly column: string
  readonly media: Media
  /** Page from 1, where the format has pages. */
  readonly page: number | null
  /** Stretch of the document's text, its blocks joined by blank lines: UTF-16 units from 0, `end` behind the last. */
  readonly span: { readonly start: number; readonly end: number } | null
}

/** How a cell came about, and what it was made from. Prints as a tree. */
export class Lineage {
  /** The table or view that has the column itself. */
  readonly table: string
  readonly rowid: number
  readonly column: string
  /** Whether the value was given, computed from others, or made by the iterator of a view. */
  readonly kind: 'given' | 'computed' | 'iterated'
  /** Null also where its computation failed or is pending. */
  readonly value: unknown
  /** The version that made the value; of an unstored column, the last that made something which it reads. */
  readonly version: number
  /** When that version was made; undefined where `vacuum` removed the record. */
  readonly at: Date | undefined
  /** What was done then, such as `insert`. */
  readonly operation: string | undefined
  /** What computes it. */
  readonly expression: string | undefined
  /** The functions, or the iterator, that made the value, in the versions that they had then. */
  readonly functions: readonly FunctionIdentity[]
  readonly error: LineageError | undefined
  /** Whether it waits for `drain`. */
  readonly pending: boolean
  /** What it was made from, each as it was then. */
  readonly inputs: readonly Lineage[]
  /** The files that it derives from. */
  readonly sources: readonly LineageSource[]

  /** @internal */
  constructor(parts: Omit<Lineage, 'toString'>) {
    this.table = parts.table
    this.rowid = parts.rowid
    this.column = parts.column
    this.kind = parts.kind
    this.value = parts.value
    this.version = parts.version
    this.at = parts.at
    this.operation = parts.operation
    this.expression = parts.expression
    this.functions = parts.functions
    this.error = parts.error
    this.pending = parts.pending
    this.inputs = parts.inputs
    this.sources = parts.sources
    Object.freeze(this)
  }

  toString(): string {
    return this.#lines().join('\n')
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  #lines(): string[] {
    const { kind, expression, error } = this
    const by = this.functions.map(identityOf).join(', ')
    const made = [
      ...(this.pending ? ['pending'] : []),
      ...(kind === 'given'
        ? ['given']
        : [`${kind}${by && ` by ${by}`}${expression === undefined ? '' : `: ${expression}`}`]),
      `version ${this.version}`,
      ...(this.operation === undefined ? [] : [this.operation]),
      ...(this.at ? [this.at.toISOString()] : []),
      ...(kind === 'iterated' ? this.sources.flatMap(placeOf) : []),
    ]
    return [
      `${this.table}.${this.column}, row ${this.rowid}: ${error ? `${error.type}: ${error.message}` : printValue(this.value)}`,
      `  ${made.join(', ')}`,
      ...this.inputs.flatMap((input) => input.#lines().map((line) => `  ${line}`)),
    ]
  }
}

const placeOf = ({ page, span }: LineageSource): string[] => [
  ...(page === null ? [] : [`page ${page}`]),
  ...(span ? [`characters ${span.start} to ${span.end}`] : []),
]

/** The longest value that is printed whole. */
const shown = 60

function printValue(value: unknown): string {
  if (isMedia(value)) return value.name ?? value.url
  const text = JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)) ?? String(value)
  return text.length > shown ? `${text.slice(0, shown)}…` : text
}

/** Follows a cell to what it was made from. */
export function lineageOf(session: Session, cell: StoredCell): Promise<Lineage> {
  return new Walk(session).follow(cell)
}

class Walk {
  readonly #session: Session
  /** What several cells derive from is followed once. */
  readonly #known = new Map<string, Promise<Lineage>>()

  constructor(session: Session) {
    this.#session = session
  }

  follow(cell: StoredCell): Promise<Lineage> {
    const key = `${cell.owner.id}:${cell.column.id}:${cell.rowid}:${cell.asOf}`
    let followed = this.#known.get(key)
    if (!followed) {
      followed = cell.column.unstored ? this.#unstored(cell) : this.#stored(cell)
      this.#known.set(key, followed)
    }
    return followed
  }

  async #stored(cell: StoredCell): Promise<Lineage> {
    const session = this.#session
    const { owner, column, rowid } = cell
    const { version } = await this.#made(cell)
    const then = await cellWhenMade(session, cell, version)
    const inputs = await this.#inputs(then)
    const value = await storedValue(session, cell)
    const record = await recordOf(session, cell)
    const kind = column.iterated ? 'iterated' : column.computed ? 'computed' : 'given'
    return this.#lineage(cell, {
      kind,
      value,
      version,
      expression: column.computed && printNode(column.computed),
      functions:
        kind === 'given' ? [] : await session.engine.codeAt(owner, column.iterated ? wholeRow : column.id, version),
      error: record?.error,
      inputs,
      sources: column.iterated ? await this.#places(then, inputs) : filesIn(cell, value, inputs),
      pending: column.computed !== undefined && (await this.#isPending(owner, column, rowid)),
    })
  }

  /** A column that is computed when it is read. */
  async #unstored(cell: StoredCell): Promise<Lineage> {
    const inputs = await this.#inputs(cell)
    const functions: FunctionIdentity[] = []
    visit(cell.column.computed!, (node) => {
      if (node.kind === 'function') functions.push({ name: node.fn.name, version: (node.fn.code ?? node.fn).version })
    })
    const value = await storedValue(this.#session, cell)
    // What reads nothing is as old as the row, whose id never changes.
    const id = { ...cell.column, name: '_rowid', storedAs: '_rowid' }
    const own = inputs.length === 0 ? await recordOf(this.#session, { ...cell, column: id }) : undefined
    return this.#lineage(cell, {
      kind: 'computed',
      value,
      version: Math.max(own?.version ?? 0, ...inputs.map(({ version }) => version)),
      expression: printNode(cell.column.computed!),
      functions,
      error: undefined,
      inputs,
      sources: filesIn(cell, value, inputs),
      pending: false,
    })
  }

  async #lineage(
    { owner, column, rowid }: StoredCell,
    parts: Omit<Lineage, 'toString' | 'table' | 'rowid' | 'column' | 'at' | 'operation'>,
  ): Promise<Lineage> {
    const { value } = parts
    const failed = value instanceof CellFailure ? value : undefined
    const made = await this.#session.engine.versionRecord(parts.version)
    return new Lineage({
      ...parts,
      table: owner.name,
      rowid,
      column: column.name,
      at: made?.at,
      operation: made?.operation,
      value: failed ? null : value,
      error: parts.error ?? (failed && { type: failed.type, message: failed.error.message }),
    })
  }

  /**
   * The version that made a cell's value, and the one that filled the cell, or one that it reads, in a row that was
   * there: a drain makes no version of the rows that it fills.
   */
  async #made(cell: StoredCell): Promise<Pick<CellRecord, 'version' | 'filled'>> {
    const record = cell.column.unstored ? undefined : await recordOf(this.#session, cell)
    const inputs = cell.column.computed ? await this.#inputCells(cell) : []
    const made = await Promise.all(inputs.map((input) => this.#made(input)))
    const filled = Math.max(0, ...made.map((input) => input.filled))
    return {
      version: Math.max(record?.version ?? 0, filled),
      filled: Math.max(record?.filled ?? 0, filled),
    }
  }

  /** The cells that a cell was made from, in the order in which its expression names them. */
  async #inputs(cell: StoredCell): Promise<Lineage[]> {
    return Promise.all((await this.#inputCells(cell)).map((input) => this.follow(input)))
  }

  async #inputCells(cell: StoredCell): Promise<StoredCell[]> {
    const { catalog, owner, column } = cell
    const nodes = column.iterated ? owner.view!.iterator!.args : column.computed ? [column.computed] : []
    const inputs = new Map<string, StoredCell>()
    for (const node of nodes.flatMap(columnsIn)) {
      const found = catalog.resolve(node)
      if (!found) continue
      const key = `${found.owner.id}:${found.column.id}`
      if (inputs.has(key)) continue
      const rowid = await baseRow(this.#session, catalog, cell.asOf, owner, cell.rowid, found.owner.id)
      inputs.set(key, { ...cell, ...found, rowid })
    }
    return [...inputs.values()]
  }

  /** Where in the files the row of an iterator is: it is run again, because its columns need not tell. */
  async #places(cell: StoredCell, inputs: readonly Lineage[]): Promise<readonly LineageSource[]> {
    const sources = inputs.flatMap((input) => input.sources)
    if (sources.length === 0) return sources
    const row = await this.#rowAgain(cell)
    const { page, start, end } = row ?? {}
    const span = typeof start === 'number' && typeof end === 'number' ? { start, end } : null
    return sources.map((source) => ({ ...source, page: typeof page === 'number' ? page : null, span }))
  }

  /** What the iterator makes of the row now, if that is still what is stored. */
  async #rowAgain(cell: StoredCell): Promise<Record<string, unknown> | undefined> {
    try {
      const row = await iterateAgain(this.#session, cell)
      const made = row && (await parsed(this.#session, cell.column.type, row[cell.column.name]))
      return row && sameValue(cell.column.type, made, await storedValue(this.#session, cell)) ? row : undefined
    } catch {
      // A file that is gone, or an iterator of another program: the place is not known any more.
      return undefined
    }
  }

  async #isPending(owner: TableDefinition, column: ColumnDefinition, rowid: number): Promise<boolean> {
    const ranges = await this.#session.engine.pending()
    return ranges.some(
      ({ table, what, first, last }) =>
        table === owner.id && (what === wholeRow || what === column.id) && first <= rowid && rowid <= last,
    )
  }
}

/** The file in a given cell, or those behind what a cell was made from. */
function filesIn(
  { owner, column, rowid }: StoredCell,
  value: unknown,
  inputs: readonly Lineage[],
): readonly LineageSource[] {
  if (inputs.length > 0) return [...new Set(inputs.flatMap((input) => input.sources))]
  if (!isMedia(value)) return []
  return [{ table: owner.name, rowid, column: column.name, media: value, page: null, span: null }]
}

function columnsIn(node: Node): (Node & { readonly kind: 'column' })[] {
  const columns: (Node & { readonly kind: 'column' })[] = []
  visit(node, (n) => {
    if (n.kind === 'column') columns.push(n)
  })
  return columns
}
