/**
 * Judgements of relevance: for each query the grades of documents, by their ids. A grade above 0 means relevant, and
 * more is better; a document without a grade counts as not relevant, as one with 0 or less does.
 */
export type Qrels = ReadonlyMap<string, ReadonlyMap<string, number>>

/** The ids of documents that a search returned for each query, best first. */
export type Run = ReadonlyMap<string, readonly string[]>

/** The queries that can tell searches apart: those with a relevant document. */
export function judgedQueries(qrels: Qrels): string[] {
  return [...qrels].filter(([, grades]) => [...grades.values()].some((grade) => grade > 0)).map(([query]) => query)
}
