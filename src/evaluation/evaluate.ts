import { QueryError, ValidationError } from '../errors.js'
import { type Expr, isExpression, type Refs } from '../expr/expression.js'
import { literal, type Node } from '../expr/node.js'
import { collect } from '../plan/execute.js'
import type { QueryNode, SearchNode } from '../plan/query-node.js'
import { readsScore } from '../plan/staged-search.js'
import { internals, type Query } from '../query/query.js'
import { refsOf } from '../query/refs.js'
import { hybridDefaults } from '../search/fusion/leg.js'
import { describeValue } from '../types/column-type.js'
import { type EvaluateOptions, evaluateRuns } from './evaluate-runs.js'
import { judgedQueries, type Qrels, type Run } from './qrels.js'
import type { EvaluationReport } from './report.js'
import { type ScoredDocument, type ScoredRun, type SuggestOptions, suggestWeights } from './suggest-weights.js'
import type { WeightSuggestion } from './weight-suggestion.js'

/** Options of `evaluate`. */
export interface EvaluateQueryOptions<R> extends EvaluateOptions {
  /** The queries by id, as text. */
  readonly queries: ReadonlyMap<string, string>
  /** What is relevant: by query and document a grade, 0 for nothing. */
  readonly qrels: Qrels
  /** What tells documents: a column or an expression, whose values as text are the ids of `qrels`. */
  readonly id: (keyof R & string) | ((c: Refs<R>) => Expr<any>)
  /** Queries that run at a time; a whole number of at least 1. @default 4 */
  readonly concurrency?: number | undefined
}

/** How good a search is, as a whole and leg by leg. */
export interface Evaluation {
  /** nDCG, MRR, recall, precision and MAP of `result` and of each leg; prints as a table. */
  readonly report: EvaluationReport
  /**
   * Weights for the legs of the search, found on one part of the queries and tested on the other.
   * @throws ValidationError when the search has fewer than two legs, or too few queries are judged
   */
  suggestWeights(options?: SuggestOptions): WeightSuggestion
}

/**
 * Runs a search for every judged query and rates what it finds, as a whole (`result`) and, of a hybrid search, leg by leg.
 * Several rows with one id, as chunks of one document are, count as their best.
 *
 * @param search makes the query for a text
 * @throws ValidationError when no query is judged; QueryError when `search` gives no query that searches
 * @example
 * ```ts
 * import { evaluate, miniEmbed, Pixeltable, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const table = await (await pxt.createTable('docs', { id: t.string(), text: t.string() })).addTextIndex('text', { language: 'en' })
 * const docs = await table.addEmbeddingIndex('text', { embed: miniEmbed() })
 * await docs.insert([{ id: 'd1', text: 'How to brew green tea' }, { id: 'd2', text: 'Changing a bicycle tyre' }])
 * const { report } = await evaluate((text) => docs.hybrid('text', text), {
 *   queries: new Map([['q1', 'hot drinks'], ['q2', 'repair a bike']]),
 *   qrels: new Map([['q1', new Map([['d1', 1]])], ['q2', new Map([['d2', 1]])]]),
 *   id: 'id',
 *   k: 10,
 * })
 * console.log(`${report}`)
 * ```
 */
export async function evaluate<R>(
  search: (text: string) => Query<R, any, any>,
  { queries, qrels, id, judge, concurrency = 4, signal, k = 10 }: EvaluateQueryOptions<R>,
): Promise<Evaluation> {
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new ValidationError(`concurrency: expected a whole number of at least 1, got ${describeValue(concurrency)}`)
  }
  const asked = judge ? [...queries.keys()] : judgedQueries(qrels).filter((query) => queries.has(query))
  if (asked.length === 0) throw new ValidationError('evaluate(): expected queries with judgements, got none')
  const result = new Map<string, string[]>()
  const legs = new Map<string, ScoredRun & { readonly results: Map<string, ScoredDocument[]> }>()
  const open = asked.values()
  const next = async (): Promise<void> => {
    for (const query of open) {
      signal?.throwIfAborted()
      const built = search(queries.get(query)!)
      const { session, node } = built[internals]
      if (!node.search)
        throw new QueryError('evaluate(): expected a query that searches, by similarity(), match() or hybrid()')
      const run = (of: QueryNode) => documents(built, of, idOf(session, node, id), signal)
      const wanted = { ...node, limit: node.limit ?? literal(Math.max(k, hybridDefaults.candidates)) }
      result.set(query, distinctIds(await run(wanted)))
      if (node.search.kind !== 'staged') continue
      const { candidates } = node.search
      for (const { name, weight, search: leg } of node.search.legs) {
        let found = legs.get(name)
        if (!found) {
          found = { name, weight, results: new Map() }
          legs.set(name, found)
        }
        found.results.set(query, await run(alone(node, leg, candidates)))
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, asked.length) }, next))
  const runs: Record<string, Run> = { result }
  for (const { name, results } of legs.values()) {
    runs[name] = new Map([...results].map(([query, found]) => [query, distinctIds(found)]))
  }
  const report = await evaluateRuns(runs, qrels, { k, judge, concurrency, signal })
  return {
    report,
    suggestWeights: (options = {}) => suggestWeights([...legs.values()], qrels, { k, ...options }),
  }
}

/** The query with one leg as its search. */
function alone(node: QueryNode, search: SearchNode, candidates: number): QueryNode {
  const { offset: _, ...rest } = node
  return { ...rest, search, where: node.where.filter((test) => !readsScore(test)), limit: literal(candidates) }
}

async function documents(
  { [internals]: { session } }: Query<any, any, any>,
  node: QueryNode,
  id: Node,
  signal: AbortSignal | undefined,
): Promise<ScoredDocument[]> {
  const { from } = node
  const rowid: Node = from.kind === 'table' ? { kind: 'rowid', table: from.id } : id
  const select = [
    { name: 'rowid', value: rowid },
    { name: 'id', value: id },
    { name: 'score', value: { kind: 'score' } as const },
  ]
  const rows = await collect(session, { ...node, select }, {}, { signal })
  return rows.map((row) => ({ rowid: row.rowid as number, id: String(row.id), score: row.score as number }))
}

const distinctIds = (found: readonly ScoredDocument[]): string[] => [...new Set(found.map(({ id }) => id))]

function idOf(session: Parameters<typeof refsOf>[0], node: QueryNode, id: unknown): Node {
  const refs = refsOf(session, node)
  const value: unknown = typeof id === 'function' ? id(refs) : refs[id as string]
  if (isExpression(value)) return value.node
  throw new QueryError(`evaluate(): id: expected a column or an expression, got ${describeValue(id)}`)
}
