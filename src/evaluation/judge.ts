import { ValidationError } from '../errors.js'
import { describeValue } from '../types/column-type.js'
import type { Qrels, Run } from './qrels.js'

/**
 * Grades a document for a query, both by their ids: 0 for not relevant, more for better. A person, or a language model
 * that is given both texts.
 */
export type Judge = (query: string, document: string) => number | PromiseLike<number>

/** How queries without judgements are judged. */
export interface JudgeOptions {
  /** Documents of each run that are judged for a query; a whole number of at least 1. */
  readonly k: number
  /** Calls that run at a time at most; a whole number of at least 1. @default 4 */
  readonly concurrency?: number | undefined
  /** Stops the work: no further call is made, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Judges the queries of runs that have no judgements: of each, what is among the first k of any run, once. That is the
 * pooling of TREC (Spärck Jones & van Rijsbergen, 1975): what no run found counts as not relevant, so that recall is
 * relative to the pool, while the runs can be compared fairly.
 *
 * @returns the given judgements and the new ones
 * @throws ValidationError (rejection) when a grade is no finite number
 * @throws whatever the judge throws (rejection); no further call is made
 */
export async function judgePool(
  runs: readonly Run[],
  qrels: Qrels,
  judge: Judge,
  { k, concurrency = 4, signal }: JudgeOptions,
): Promise<Qrels> {
  if (!(Number.isSafeInteger(concurrency) && concurrency >= 1)) {
    throw new ValidationError(`concurrency: expected a whole number of at least 1, got ${describeValue(concurrency)}`)
  }
  const judged = new Map(qrels)
  const pool: { query: string; document: string; grades: Map<string, number> }[] = []
  for (const query of new Set(runs.flatMap((run) => [...run.keys()]))) {
    if (qrels.has(query)) continue
    const grades = new Map<string, number>()
    judged.set(query, grades)
    const documents = new Set(runs.flatMap((run) => run.get(query)?.slice(0, k) ?? []))
    for (const document of documents) pool.push({ query, document, grades })
  }
  // All tasks take from one generator. The first that fails closes it, and leaves nothing for the others.
  const open = (function* () {
    yield* pool
  })()
  const work = async (): Promise<void> => {
    for (const { query, document, grades } of open) {
      signal?.throwIfAborted()
      const grade = await judge(query, document)
      if (!Number.isFinite(grade)) {
        throw new ValidationError(
          `judge: expected a finite number for document '${document}' and query '${query}', got ${describeValue(grade)}`,
        )
      }
      grades.set(document, grade)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, pool.length) }, work))
  signal?.throwIfAborted()
  return judged
}
