import type { TableDefinition } from '../catalog/definition.js'
import { ExistsError, QueryError } from '../errors.js'
import { literal, type Node } from '../expr/node.js'
import { collect, type ResultRow, stream } from '../plan/execute.js'
import { type QueryNode, tableOf, tableQuery } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import { Column, type Schema } from '../types/column.js'
import type { OnError } from './change.js'
import { typedRows } from './export.js'
import { createFilled } from './filled-table.js'
import type { ImportIfExists, TransferProgress } from './import-options.js'
import { insertRows } from './insert.js'

/**
 * The rows that a query has now, page by page: rows that join its table meanwhile are not among them, so that a table
 * can be filled from itself.
 */
export async function* rowsOfNow(
  session: Session,
  query: QueryNode,
  signal: AbortSignal | undefined,
): AsyncGenerator<ResultRow, void, undefined> {
  yield* stream(session, await untilNow(session, query, signal), {}, { signal })
}

/** The query over the rows that its table has now. Of other sources the rows are put aside at once. */
async function untilNow(session: Session, query: QueryNode, signal: AbortSignal | undefined): Promise<QueryNode> {
  const { from } = query
  if (from.kind !== 'table') return query
  const rowid = { kind: 'rowid', table: from.id } as const
  const last = tableQuery(from, {
    select: [{ name: 'last', value: rowid }],
    orderBy: [{ node: rowid, direction: 'desc' }],
    limit: literal(1),
  })
  const [row] = await collect(session, last, {}, { signal })
  const bound: Node = { kind: 'call', operator: 'lte', args: [rowid, literal(row?.last ?? 0)] }
  return { ...query, where: [...query.where, bound] }
}

/** How a table is made of a query. */
export interface QueryTableOptions {
  /** Columns whose values together are different in every row. @default none */
  readonly primaryKey?: readonly string[] | undefined
  /** A note, shown by `describe`. */
  readonly comment?: string | undefined
  /** What an existing table does: see `importCsv`. @default 'error' */
  readonly ifExists?: Exclude<ImportIfExists, 'append'> | undefined
  /** Rows in one commit; at least 1. @default 1000 */
  readonly batchSize?: number | undefined
  /** What a file that cannot be read does. @default 'abort' */
  readonly onError?: OnError | undefined
  /** Stops the work; nothing is created then. */
  readonly signal?: AbortSignal | undefined
  /** Called after each batch with the rows so far. */
  readonly onProgress?: ((progress: Pick<TransferProgress, 'rows'>) => void) | undefined
}

/** Creates a table of the rows of a query, whose columns have the types of its expressions. */
export async function createTableOf(
  session: Session,
  name: string,
  source: { readonly session: Session; readonly node: QueryNode },
  options: QueryTableOptions,
): Promise<TableDefinition> {
  const { primaryKey = [], batchSize, onError, signal, onProgress } = options
  const existing = (await session.catalog()).named(name)
  if (existing?.view && options.ifExists === 'ignore') throw new ExistsError(`'${existing.name}' exists and is a view`)
  if (existing && options.ifExists === 'ignore') return existing
  if (
    existing &&
    options.ifExists === 'replace' &&
    source.session === session &&
    tableOf(source.node)?.id === existing.id
  ) {
    throw new QueryError(`createTable('${name}'): a table cannot replace the one that its rows come from`)
  }
  return createFilled(session, name, options, async (create) => {
    signal?.throwIfAborted()
    const query = await untilNow(source.session, source.node, signal)
    const { columns, rows } = await typedRows(source.session, query, signal)
    const schema: Schema = Object.fromEntries(
      columns.map(({ name, type, nullable }) => [name, new Column(type, nullable && !primaryKey.includes(name))]),
    )
    await insertRows(session, await create(schema), rows, {
      ...(batchSize === undefined ? {} : { batchSize }),
      ...(onError === undefined ? {} : { onError }),
      ...(signal ? { signal } : {}),
      onProgress: ({ rows, done }) => {
        if (!done) onProgress?.({ rows })
      },
    })
  })
}
