import { QueryError } from '../errors.js'
import type { Arg, Expr, Refs } from '../expr/expression.js'
import type { RerankFunction } from '../plan/query-node.js'
import { describeValue } from '../types/column-type.js'

/** A reranking model in the shape of the AI SDK's (`RerankingModelV3`), such as `cohere.reranking('rerank-v3.5')`. */
export interface RerankingModelLike {
  readonly modelId: string
  doRerank(options: {
    documents: { type: 'text'; values: string[] }
    query: string
    abortSignal?: AbortSignal
  }): PromiseLike<{ readonly ranking: readonly { readonly index: number; readonly relevanceScore: number }[] }>
}

/** What scores texts by how well they answer a query: a function, or a reranking model of the AI SDK. */
export type Reranker = RerankFunction | RerankingModelLike

/** Options of `rerank`. */
export interface RerankOptions<R> {
  /** The text of a row: a column, or an expression. @default the column that is searched */
  readonly text?: (keyof R & string) | ((c: Refs<R>) => Expr<string | null>)
  /** What texts are scored by. @default what the search looks for */
  readonly query?: Arg<string>
  /** Rows that are scored, the best of the search; a whole number of at least 1. @default 50 */
  readonly candidates?: number
}

/** A reranker as a function. @throws QueryError for something else */
export function rerankFunction(reranker: unknown): RerankFunction {
  if (typeof reranker === 'function') return reranker as RerankFunction
  if (typeof (reranker as RerankingModelLike | null)?.doRerank !== 'function') {
    throw new QueryError(
      `rerank(): expected a function of a query and texts, or a reranking model, got ${describeValue(reranker)}`,
    )
  }
  const model = reranker as RerankingModelLike
  return async (query, documents, { signal }) => {
    const { ranking } = await model.doRerank({
      documents: { type: 'text', values: [...documents] },
      query,
      ...(signal ? { abortSignal: signal } : {}),
    })
    // A text that the model leaves out is worse than all others.
    const scores: number[] = new Array(documents.length).fill(-Number.MAX_VALUE)
    for (const { index, relevanceScore } of ranking) scores[index] = relevanceScore
    return scores
  }
}
