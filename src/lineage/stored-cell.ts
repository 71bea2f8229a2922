import type { Catalog } from '../catalog/catalog.js'
import type { ColumnDefinition, TableDefinition } from '../catalog/definition.js'
import type { CellRecord } from '../engine/engine.js'
import { NotFoundError, ValidationError } from '../errors.js'
import { columnNode, literal, type Node } from '../expr/node.js'
import type { RowIterator } from '../iterators/iterator.js'
import { type Cell, CellFailure } from '../plan/evaluate.js'
import { collect } from '../plan/execute.js'
import { tableQuery } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import { type ColumnType, describeValue } from '../types/column-type.js'

/** The version that is read; the present when undefined. */
export type AsOf = number | undefined

/** One cell, in the table that owns it. */
export interface StoredCell {
  readonly catalog: Catalog
  readonly asOf: AsOf
  /** The table or view that has the column itself. */
  readonly owner: TableDefinition
  readonly column: ColumnDefinition
  readonly rowid: number
}

/** Finds a cell through the table or a view that shows it. @throws NotFoundError, ValidationError */
export async function findCell(
  session: Session,
  { id, name, asOf }: { readonly id: number; readonly name: string; readonly asOf?: number | undefined },
  rowid: unknown,
  columnName: string,
): Promise<StoredCell> {
  await session.catalog()
  await session.checkVersion(asOf)
  const catalog = session.catalogAt(asOf)
  const table = catalog.byId(id, name)
  if (!Number.isSafeInteger(rowid) || (rowid as number) < 1) {
    throw new ValidationError(`expected a row id, a whole number of at least 1, got ${describeValue(rowid)}`)
  }
  const columns = catalog.columnsOf(table)
  const found = columns.get(columnName)
  if (!found) {
    throw new NotFoundError(`'${name}' has no column '${columnName}'. It has: ${[...columns.keys()].join(', ')}`)
  }
  const { owner, column } = found
  const [row] = await rowOf(session, { catalog, asOf, owner: table, rowid: rowid as number }, [])
  if (!row) throw new NotFoundError(`'${name}' has no row ${rowid}`)
  return {
    catalog,
    asOf,
    owner,
    column,
    rowid: await baseRow(session, catalog, asOf, table, rowid as number, owner.id),
  }
}

/** Values of expressions in a row; an empty list where there is no such row. */
async function rowOf(
  session: Session,
  { owner, rowid, asOf }: Pick<StoredCell, 'catalog' | 'owner' | 'rowid' | 'asOf'>,
  values: readonly Node[],
  signal?: AbortSignal,
): Promise<Record<string, unknown>[]> {
  const id: Node = { kind: 'rowid', table: owner.id }
  return collect(
    session,
    tableQuery(owner, {
      ...(asOf === undefined ? {} : { asOf }),
      where: [{ kind: 'call', operator: 'eq', args: [id, literal(rowid)] }],
      select: [{ name: '_rowid', value: id }, ...values.map((value, i) => ({ name: `v${i}`, value }))],
    }),
    {},
    { signal },
  )
}

/** The value of an expression in a cell's row, or why there is none. */
export async function valueIn(session: Session, cell: StoredCell, value: Node, signal?: AbortSignal): Promise<Cell> {
  try {
    const [row] = await rowOf(session, cell, [value], signal)
    return row?.v0 ?? null
  } catch (error) {
    signal?.throwIfAborted()
    return new CellFailure(error as Error)
  }
}

/** The value that is stored in a cell, or computed when it is read. */
export const storedValue = (session: Session, cell: StoredCell): Promise<Cell> =>
  valueIn(session, cell, columnNode(cell.owner.id, cell.column.name))

/** The row of a base that a row of a view derives from. */
export async function baseRow(
  session: Session,
  catalog: Catalog,
  asOf: AsOf,
  view: TableDefinition,
  rowid: number,
  base: number,
): Promise<number> {
  let [table, row] = [view, rowid]
  while (table.id !== base) {
    const [link] = await session.engine.select(
      {
        from: { kind: 'table', line: catalog.lineOf(table), asOf },
        columns: [{ name: 'base', value: columnNode(table.id, '_base') }],
        keys: { of: 'row', ids: [row] },
      },
      session.decode,
    )
    row = link![0] as number
    table = catalog.byId(table.view!.base)
  }
  return row
}

/** A value as its column's type has it; null for none. */
export async function parsed(session: Session, type: ColumnType<any>, value: unknown): Promise<Cell> {
  if (value === null || value === undefined) return null
  if (!type.media) return type.parse(value)
  return (await session.resolveFile(type.media, value, undefined)).media
}

/** How a stored cell came about. */
export const recordOf = (
  session: Session,
  { owner, column, rowid, asOf }: StoredCell,
): Promise<CellRecord | undefined> => session.engine.cellRecord(owner, column, rowid, asOf)

/** The same cell when it was made, with the definitions of then; as it is where that version was given up. */
export async function cellWhenMade(session: Session, cell: StoredCell, version: number): Promise<StoredCell> {
  if (!(await isKept(session, version))) return cell
  const catalog = session.catalogAt(version)
  const owner = catalog.find(cell.owner.id)
  const column = owner?.columns.find(({ id }) => id === cell.column.id)
  return owner && column ? { ...cell, catalog, asOf: version, owner, column } : cell
}

async function isKept(session: Session, version: number): Promise<boolean> {
  try {
    await session.checkVersion(version)
    return true
  } catch (error) {
    if (NotFoundError.isInstance(error)) return false
    throw error
  }
}

/** What the iterator of a view makes of a row's base at the row's position, now; undefined where it makes no such row. */
export async function iterateAgain(
  session: Session,
  cell: StoredCell,
  signal?: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  const { catalog, owner } = cell
  const { base, iterator } = owner.view!
  const code = session.code<RowIterator>('iterator', iterator!.iterator.name)
  if (!code) {
    throw new NotFoundError(`the iterator '${iterator!.iterator.name}' is needed, but this program has not defined it`)
  }
  const rowid = await baseRow(session, catalog, cell.asOf, owner, cell.rowid, base)
  const from = { ...cell, owner: catalog.byId(base), rowid }
  const args = await Promise.all(iterator!.args.map((arg) => valueIn(session, from, arg, signal)))
  const failed = args.find((arg) => arg instanceof CellFailure)
  if (failed instanceof CellFailure) throw failed.error
  if (args.includes(null)) return undefined
  // The rows of one base are numbered in the order in which they were made.
  const siblings = await session.engine.select(
    {
      from: { kind: 'table', line: catalog.lineOf(owner), asOf: cell.asOf },
      columns: [{ name: 'rowid', value: { kind: 'rowid', table: owner.id } }],
      keys: { of: 'base', ids: [rowid] },
    },
    session.decode,
  )
  const position = siblings
    .map(([id]) => id as number)
    .toSorted((a, b) => a - b)
    .indexOf(cell.rowid)
  let i = 0
  for await (const row of code.iterate(args, iterator!.options, { signal })) {
    if (i === position) return { ...row, pos: i }
    i++
  }
  return undefined
}
