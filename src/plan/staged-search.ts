import { QueryError } from '../errors.js'
import { type FunctionCode, scalarFunction } from '../expr/function.js'
import { columnNode, literal, type Node, some, transform } from '../expr/node.js'
import { fuse } from '../search/fusion/fuse.js'
import { mmr } from '../search/fusion/mmr.js'
import { analyserOf, foundPhrases, wantedPhrases } from '../text/index.js'
import { decodeVector } from '../types/arrays.js'
import { describeValue } from '../types/column-type.js'
import { jsonType } from '../types/json.js'
import type { ResultRow } from './finish.js'
import type {
  LegNode,
  LegSearchNode,
  QueryNode,
  StagedSearchNode,
  StageNode,
  TableNode,
  VectorSearchNode,
} from './query-node.js'
import { findIndex } from './search.js'
import type { Session } from './session.js'
import { textQueryOf } from './text-search.js'

/** What one leg says of a row. */
export interface LegScores {
  /** Place in the leg's own list, from 1. */
  readonly rank: number
  /** The leg's own score. */
  readonly score: number
  /** From 0 to 1: what is weighted and added up. */
  readonly normalized: number
  /** What of the query the row's text has; of `match` alone. */
  readonly terms?: readonly string[]
}

/** What each leg says of a row; null where it has not found it. */
export type SearchScores = Readonly<Record<string, LegScores | null>>

/** The rows that a staged search found, the best first. */
export interface Ranking {
  readonly rowids: readonly number[]
  readonly scores: readonly number[]
  /** By row id; made where the query shows them. */
  readonly legs: ReadonlyMap<number, SearchScores>
}

/** Runs a lowered query. */
export type RunQuery = (query: QueryNode) => Promise<ResultRow[]>

interface Candidate {
  readonly rowid: number
  readonly score: number
}

/** Whether an expression takes the score of a search, which is known only when all stages are done. */
export const readsScore = (node: Node): boolean => some(node, (n) => n.kind === 'score')

/** Runs the legs of a lowered query's search side by side, fuses them, and takes the rows through its stages. */
export async function rankStaged(
  session: Session,
  { from, where, search, select = [], limit, offset }: QueryNode & { readonly search: StagedSearchNode },
  run: RunQuery,
  signal: AbortSignal | undefined,
): Promise<Ranking> {
  if (from.kind !== 'table') throw new QueryError('a search works on the rows of a table or view')
  const rowid: Node = { kind: 'rowid', table: from.id }
  const wanted = Number(knownValue(limit) ?? 0) + Number(knownValue(offset) ?? 0)
  const count = literal(Math.max(search.candidates, wanted))
  const filter = where.filter((test) => !readsScore(test))
  const found = await Promise.all(
    search.legs.map(async ({ name, weight, search: leg }) => {
      const columns = [
        { name: 'rowid', value: rowid },
        { name: 'score', value: { kind: 'score' } as const },
      ]
      const rows = await run({ from, where: filter, search: leg, select: columns, orderBy: [], limit: count })
      return { name, weight, candidates: rows as unknown as Candidate[] }
    }),
  )
  const fused = fuse(found, { fusion: search.fusion })
  const [only, ...others] = found
  let rows: Candidate[] = others.length === 0 ? only!.candidates : fused
  const stages = new Stages(session, from, run, signal)
  for (const stage of search.stages) rows = await stages.apply(stage, rows, search)
  const isShown = select.some(({ value }) => some(value, showsLegs))
  const kept = new Set(rows.map((row) => row.rowid))
  const terms = isShown ? await stages.termsOf(search.legs, [...kept]) : new Map()
  const legs = new Map<number, SearchScores>()
  for (const row of isShown ? fused : []) {
    if (!kept.has(row.rowid)) continue
    const scores = row.legs.map((leg, i): [string, LegScores | null] => {
      const { name } = search.legs[i]!
      return [name, leg ? { ...leg, ...(terms.get(name)?.get(row.rowid) ?? {}) } : null]
    })
    legs.set(row.rowid, Object.fromEntries(scores))
  }
  return { rowids: rows.map((row) => row.rowid), scores: rows.map((row) => row.score), legs }
}

const knownValue = (node: Node | undefined): unknown => (node?.kind === 'literal' ? node.value : undefined)

/** Whether a node is what the legs say of a row. */
export const showsLegs = (node: Node): boolean => node.kind === 'score' && node.part === 'legs'

const json = jsonType()

/** An expression for what the legs of a search said of a row. */
export function legsNode(table: number, { legs }: Ranking): Node {
  const code: FunctionCode = {
    name: 'scores',
    version: 1,
    returns: json,
    batchSize: 1,
    skipsNull: false,
    asynchronous: false,
    call: (rows) => rows.map(([rowid]) => legs.get(rowid as number) ?? null),
  }
  return { kind: 'function', fn: scalarFunction(code), args: [{ kind: 'rowid', table }] }
}

class Stages {
  readonly #session: Session
  readonly #from: TableNode
  readonly #run: RunQuery
  readonly #signal: AbortSignal | undefined

  constructor(session: Session, from: TableNode, run: RunQuery, signal: AbortSignal | undefined) {
    this.#session = session
    this.#from = from
    this.#run = run
    this.#signal = signal
  }

  async apply(stage: StageNode, rows: Candidate[], search: StagedSearchNode): Promise<Candidate[]> {
    if (rows.length === 0) return rows
    switch (stage.kind) {
      case 'mmr': {
        const vectors = await this.#vectors(rows, search)
        // A row without a vector is like no other.
        const none = new Float32Array([...vectors.values()][0]?.length ?? 0)
        const candidates = rows.map((row) => ({ ...row, vector: vectors.get(row.rowid) ?? none }))
        return mmr(candidates, { lambda: stage.lambda, limit: rows.length })
      }
      case 'rerank':
        return this.#rerank(stage, rows.slice(0, stage.top))
      case 'rescore': {
        const scores = await this.#values(rows, stage.value)
        const scored = rows.map(({ rowid }) => ({ rowid, score: scores.get(rowid) }))
        return byScore(scored.map(({ rowid, score }) => ({ rowid, score: numberOf(score, 'rescore()') })))
      }
      case 'best': {
        const keys = await this.#values(rows, stage.by)
        const seen = new Map<string, number>()
        return rows.filter((row) => {
          const key = keyOf(keys.get(row.rowid))
          const before = seen.get(key) ?? 0
          seen.set(key, before + 1)
          return before < stage.count
        })
      }
    }
  }

  /** The terms that each text leg found in rows, by leg and row id. */
  async termsOf(
    legs: readonly LegNode[],
    rowids: readonly number[],
  ): Promise<Map<string, Map<number, { terms: readonly string[] }>>> {
    const found = new Map<string, Map<number, { terms: readonly string[] }>>()
    const catalog = this.#session.catalogAt(this.#from.asOf)
    for (const { name, search } of legs) {
      if (search.kind !== 'text') continue
      const { index, query } = textQueryOf(this.#session, this.#from, search)
      const phrases = wantedPhrases(query)
      const rows = await this.#rows(
        rowids,
        search.columns.map((column) => catalog.expand(columnNode(this.#from.id, column))),
      )
      const terms = [...rows].map(([rowid, texts]) => {
        const inRow = texts.flatMap((text) =>
          typeof text === 'string' ? foundPhrases(text, phrases, analyserOf(index)) : [],
        )
        return [rowid, { terms: [...new Set(inRow)] }] as const
      })
      found.set(name, new Map(terms))
    }
    return found
  }

  async #rerank(
    { reranker, text, query }: StageNode & { readonly kind: 'rerank' },
    rows: readonly Candidate[],
  ): Promise<Candidate[]> {
    const texts = await this.#values(rows, text)
    const documents = rows.map(({ rowid }) => String(texts.get(rowid) ?? ''))
    const question = knownValue(query)
    if (typeof question !== 'string') {
      throw new QueryError(`rerank(): query: expected text, got ${describeValue(question)}`)
    }
    const scores = await reranker(question, documents, { signal: this.#signal })
    this.#signal?.throwIfAborted()
    if (scores.length !== rows.length) {
      throw new QueryError(`rerank(): expected ${rows.length} scores, one a document, got ${scores.length}`)
    }
    return byScore(rows.map(({ rowid }, i) => ({ rowid, score: numberOf(scores[i], 'rerank()') })))
  }

  /** The value of an expression in each row, with the score that it has by now. */
  async #values(rows: readonly Candidate[], value: Node): Promise<Map<number, unknown>> {
    const scores = new Map(rows.map(({ rowid, score }) => [rowid, score]))
    const code: FunctionCode = {
      name: 'score',
      version: 1,
      batchSize: 1,
      skipsNull: false,
      asynchronous: false,
      call: (args) => args.map(([rowid]) => scores.get(rowid as number)),
    }
    const score: Node = { kind: 'function', fn: scalarFunction(code), args: [{ kind: 'rowid', table: this.#from.id }] }
    const bound = transform(value, (node) => (node.kind === 'score' ? score : node))
    const found = await this.#rows([...scores.keys()], [bound])
    return new Map([...found].map(([rowid, [cell]]) => [rowid, cell]))
  }

  async #rows(rowids: readonly number[], values: readonly Node[]): Promise<Map<number, unknown[]>> {
    const rowid: Node = { kind: 'rowid', table: this.#from.id }
    const rows = await this.#run({
      from: this.#from,
      where: [{ kind: 'call', operator: 'in', args: [rowid, ...rowids.map(literal)] }],
      select: [{ name: 'rowid', value: rowid }, ...values.map((value, i) => ({ name: `v${i}`, value }))],
      orderBy: [],
    })
    return new Map(rows.map((row) => [row.rowid as number, values.map((_, i) => row[`v${i}`])]))
  }

  /** The vectors of rows in the index of the first leg that has one vector a row. */
  async #vectors(rows: readonly Candidate[], { legs }: StagedSearchNode): Promise<Map<number, Float32Array>> {
    const session = this.#session
    const leg = legs.find(({ search }) => hasVector(search))?.search
    const { vectors: reader } = session.engine
    if (!leg || !hasVector(leg) || !reader) {
      throw new QueryError('mmr(): compares rows by the vectors of an embedding index: search one with similarity()')
    }
    const { asOf, id, name } = this.#from
    if (asOf !== undefined) throw new QueryError('mmr(): compares rows as they are now, and cannot do so for a version')
    const catalog = session.catalogAt(undefined)
    const { owner, index } = findIndex(catalog, catalog.byId(id, name), leg)
    // An index of a base has one vector for all rows that derive from a row of it.
    const owners = await this.#rows(
      rows.map((row) => row.rowid),
      [{ kind: 'rowid', table: owner.id }],
    )
    const ids = [...owners].map(([row, [of]]) => [row, of as number] as const)
    const stored = reader.rows(owner, index, [...new Set(ids.map(([, of]) => of))])
    const byOwner = new Map(stored.rowids.map((of, i) => [of, decodeVector(stored.vectors[i]!)]))
    return new Map(ids.flatMap(([row, of]) => (byOwner.has(of) ? [[row, byOwner.get(of)!] as const] : [])))
  }
}

const byScore = (rows: readonly Candidate[]): Candidate[] =>
  rows.toSorted((a, b) => b.score - a.score || a.rowid - b.rowid)

/** A score that cannot be told is the lowest. */
function numberOf(value: unknown, what: string): number {
  if (value === null || value === undefined) return -Number.MAX_VALUE
  if (typeof value === 'number' && !Number.isNaN(value)) return value
  throw new QueryError(`${what}: expected a number as score, got ${describeValue(value)}`)
}

const keyOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : `${typeof value} ${String(value)}`

/** The search of a query as a staged one. */
export function staged({ search }: QueryNode, where: string): StagedSearchNode {
  if (!search) throw new QueryError(`${where}: the query makes no search: call similarity(), match() or hybrid() first`)
  if (search.kind === 'staged') return search
  const { as } = search
  const name = search.kind === 'text' ? 'match' : search.multi ? 'maxSim' : 'similarity'
  const legs = [{ name, weight: 1, search }]
  return { kind: 'staged', legs, fusion: 'score', candidates: singleCandidates, stages: [], as }
}

/** Whether a search has a vector for each row, by which rows can be compared. */
export const hasVector = (search: LegSearchNode): search is VectorSearchNode =>
  search.kind === 'vector' && !search.multi

/** Rows that a search brings to its stages. */
const singleCandidates = 100

/** What a staged search does, line by line. */
export function describeStages({ legs, fusion, candidates, stages }: StagedSearchNode): string[] {
  const legsInWords = legs.map(({ name, weight, search }) => {
    const columns = search.kind === 'text' ? search.columns.join(', ') : search.column
    return `search: leg '${name}' over ${columns}, weight ${weight}, ${candidates} rows at least`
  })
  const fused = legs.length > 1 ? [`search: legs fused by ${fusion}`] : []
  return [...legsInWords, ...fused, ...stages.map(({ kind }) => `search: then ${kind}`)]
}

/** The text that a search looks for, where one of its legs looks for text. */
export function soughtText({ legs }: StagedSearchNode): Node | undefined {
  const isText = ({ query }: { readonly query: Node }) =>
    query.kind === 'parameter' || (query.kind === 'literal' && typeof query.value === 'string')
  return legs.find(({ search }) => isText(search))?.search.query
}

/** The first column that a search reads. */
export function soughtColumn({ legs: [leg] }: StagedSearchNode): string {
  const { search } = leg!
  return search.kind === 'text' ? search.columns[0]! : search.column
}
