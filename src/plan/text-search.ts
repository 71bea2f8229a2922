import type { Catalog } from '../catalog/catalog.js'
import type { TableDefinition, TextIndexDefinition } from '../catalog/definition.js'
import type { HeldRows, TextSearch } from '../engine/engine.js'
import { IndexError, NotFoundError, QueryError } from '../errors.js'
import { literal, type Node } from '../expr/node.js'
import { analyserOf, type Matched, parseTextQuery, type TextQuery, wantedPhrases } from '../text/index.js'
import { describeValue } from '../types/column-type.js'
import type { QueryNode, SearchNode, TableNode, TextSearchNode } from './query-node.js'
import type { Session } from './session.js'

/** The index that a text search uses, and the table that has it. */
interface FoundIndex {
  readonly owner: TableDefinition
  readonly index: TextIndexDefinition
}

/**
 * The index that a text search uses: of the table itself, else of the nearest base that has one over the columns. One
 * over just these columns goes before others.
 * @throws NotFoundError, IndexError
 */
export function findTextIndex(
  catalog: Catalog,
  table: TableDefinition,
  { columns, index: name }: { readonly columns: readonly string[]; readonly index?: string },
): FoundIndex {
  const shown = catalog.columnsOf(table)
  for (const column of columns) {
    if (shown.has(column)) continue
    throw new NotFoundError(`'${table.name}' has no column '${column}'. It has: ${[...shown.keys()].join(', ')}`)
  }
  const covers = (owner: TableDefinition, index: TextIndexDefinition) =>
    columns.every(
      (column) =>
        index.columns.some((c) => c.name === column) &&
        catalog.columnsOf(owner).get(column)?.owner === shown.get(column)!.owner,
    )
  const all = catalog
    .lineOf(table)
    .flatMap((owner) => owner.textIndexes.filter((index) => covers(owner, index)).map((index) => ({ owner, index })))
  const nearest = all.filter(({ owner }) => owner === all[0]!.owner)
  const exact = nearest.filter(({ index }) => index.columns.length === columns.length)
  const candidates =
    name === undefined ? (exact.length > 0 ? exact : nearest) : all.filter(({ index }) => index.name === name)
  if (candidates.length === 1) return candidates[0]!
  const names = all.map(({ index }) => index.name).join(', ')
  const on = `${columns.length === 1 ? `column '${columns[0]}'` : `columns ${columns.join(', ')}`} of '${table.name}'`
  if (all.length === 0) {
    const call = columns.length === 1 ? `'${columns[0]}'` : `[${columns.map((column) => `'${column}'`).join(', ')}]`
    throw new IndexError(`no text index on ${on}: call addTextIndex(${call}) first`)
  }
  if (name !== undefined) throw new IndexError(`no text index '${name}' on ${on}. It has: ${names}`)
  throw new IndexError(`${on} has several text indexes: say which with { index: … }. It has: ${names}`)
}

/** What a lowered text search looks for. */
export function textQueryOf(
  session: Session,
  from: TableNode,
  search: TextSearchNode,
): FoundIndex & { query: TextQuery } {
  const catalog = session.catalogAt(from.asOf)
  const found = findTextIndex(catalog, catalog.byId(from.id, from.name), search)
  const { query } = search
  if (query.kind !== 'literal') {
    throw new QueryError('match(): expected text or a parameter of a query function, got an expression over rows')
  }
  if (typeof query.value !== 'string') {
    throw new QueryError(`match(): expected text, got ${describeValue(query.value)}`)
  }
  return { ...found, query: parseTextQuery(query.value, analyserOf(found.index), search.operator) }
}

/** A text search as the engine runs it. @param held the index of rows as they were */
export function textSearchOf(
  session: Session,
  from: TableNode,
  search: TextSearchNode,
  held: HeldRows | undefined,
): TextSearch {
  const { columns } = search
  return { kind: 'text', columns, ...textQueryOf(session, from, search), held }
}

/** Makes the index of rows as they were that a text search of an earlier version uses. */
export async function holdPastTexts(
  session: Session,
  from: TableNode,
  search: TextSearchNode,
): Promise<HeldRows | undefined> {
  const { asOf } = from
  if (asOf === undefined) return undefined
  const catalog = session.catalogAt(asOf)
  const { owner, index } = findTextIndex(catalog, catalog.byId(from.id, from.name), search)
  return session.engine.holdTexts(catalog.lineOf(owner), index, asOf)
}

/** The text search whose words can be marked: the first, where there are several. */
const textLegOf = (search: SearchNode | undefined): TextSearchNode | undefined => {
  if (search?.kind !== 'staged') return search?.kind === 'text' ? search : undefined
  return search.legs.map((leg) => textLegOf(leg.search)).find((leg) => leg)
}

/** What `highlight` and `snippet` mark in the rows of a lowered query. @throws QueryError when it makes no text search */
export function matchedTerms(session: Session, { from, search }: QueryNode): Node {
  const leg = textLegOf(search)
  if (!leg || from.kind !== 'table') {
    throw new QueryError(
      'highlight() and snippet() mark what match() found, in select() of the same query: call match() first',
    )
  }
  const { index, query } = textQueryOf(session, from, leg)
  const { language, tokenizer } = index
  const matched: Matched = { analysis: { language, tokenizer }, phrases: wantedPhrases(query) }
  return literal(JSON.stringify(matched))
}
