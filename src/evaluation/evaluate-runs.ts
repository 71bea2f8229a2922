import { ValidationError } from '../errors.js'
import { type Judge, type JudgeOptions, judgePool } from './judge.js'
import { checkCutoff, rate } from './metrics.js'
import { judgedQueries, type Qrels, type Run } from './qrels.js'
import { EvaluationReport, type QueryEvaluation } from './report.js'

/** How runs are evaluated. */
export interface EvaluateOptions extends Pick<JudgeOptions, 'concurrency' | 'signal'> {
  /** How many documents of each ranking count; a whole number of at least 1. @default 10 */
  readonly k?: number | undefined
  /** Grades what the runs found for queries without judgements, the first k of each. @default they are left out */
  readonly judge?: Judge | undefined
}

/**
 * Rates runs against judgements, all over the same queries: those with a relevant document. A run that lacks one of them
 * found nothing for it, which counts as 0 (as with `-c` of trec_eval); queries that nobody judged are left out.
 *
 * @param runs by name, such as the legs of a hybrid search and the fused list
 * @example
 * ```ts
 * import { evaluateRuns } from 'pixeltable'
 * const qrels = new Map([['q1', new Map([['a', 1]])], ['q2', new Map([['b', 1]])]])
 * const report = await evaluateRuns({
 *   text: new Map([['q1', ['x', 'a']], ['q2', ['b']]]),
 *   vector: new Map([['q1', ['a', 'x']], ['q2', ['b', 'y']]]),
 * }, qrels, { k: 10 })
 * console.log(`${report}`)
 * ```
 * @throws ValidationError (rejection) for a ranking that has a document twice, or when no query has a relevant document
 */
export async function evaluateRuns(
  runs: Readonly<Record<string, Run>>,
  qrels: Qrels,
  { k = 10, judge, ...options }: EvaluateOptions = {},
): Promise<EvaluationReport> {
  checkCutoff(k)
  const names = Object.keys(runs)
  if (names.length === 0) throw new ValidationError('runs: expected at least one, got none')
  const judgements = judge ? await judgePool(Object.values(runs), qrels, judge, { k, ...options }) : qrels
  const queries = judgedQueries(judgements).map((query): QueryEvaluation => {
    const grades = judgements.get(query)!
    const rateRun = (name: string) => {
      try {
        return rate(runs[name]!.get(query) ?? [], grades, k)
      } catch (cause) {
        throw new ValidationError(`run '${name}', query '${query}': ${(cause as Error).message}`, { cause })
      }
    }
    return {
      query,
      relevant: [...grades.values()].filter((grade) => grade > 0).length,
      scores: Object.fromEntries(names.map((name) => [name, rateRun(name)])),
    }
  })
  if (queries.length === 0) {
    throw new ValidationError(`expected a query with a relevant document, got none among ${judgements.size} judged`)
  }
  return new EvaluationReport(k, names, queries)
}
