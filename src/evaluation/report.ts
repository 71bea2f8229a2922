import { ValidationError } from '../errors.js'
import { type BootstrapOptions, type PairedBootstrap, pairedBootstrap } from './bootstrap.js'
import { mean, type RankingMetric, type RankingScores } from './metrics.js'
import { alignedTable, printScore } from './table.js'

/** How the runs did on one query. */
export interface QueryEvaluation {
  readonly query: string
  /** Documents that were judged relevant. */
  readonly relevant: number
  /** By the name of the run. */
  readonly scores: Readonly<Record<string, RankingScores>>
}

/** How two runs of a report are compared. */
export interface CompareOptions extends BootstrapOptions {
  /** @default 'ndcg' */
  readonly metric?: RankingMetric | undefined
}

/** How well runs did. Prints as a table. */
export class EvaluationReport {
  /** How many documents of each ranking counted. */
  readonly k: number
  /** Means over the queries, by the name of the run. */
  readonly means: Readonly<Record<string, RankingScores>>
  /** The queries that have a relevant document, in the order of the judgements. */
  readonly queries: readonly QueryEvaluation[]

  /** @internal */
  constructor(k: number, names: readonly string[], queries: readonly QueryEvaluation[]) {
    this.k = k
    this.queries = queries
    this.means = Object.fromEntries(
      names.map((name) => {
        const meanOf = (metric: RankingMetric): number => mean(queries.map(({ scores }) => scores[name]![metric]))
        const means: RankingScores = {
          ndcg: meanOf('ndcg'),
          mrr: meanOf('mrr'),
          recall: meanOf('recall'),
          precision: meanOf('precision'),
          map: meanOf('map'),
        }
        return [name, means]
      }),
    )
    Object.freeze(this)
  }

  /**
   * How far one run is better than another, and how sure that is.
   * @throws ValidationError when there is no such run, or fewer than two queries
   */
  compare(run: string, other: string, { metric = 'ndcg', ...options }: CompareOptions = {}): PairedBootstrap {
    const scoresOf = (name: string): number[] => {
      if (Object.hasOwn(this.means, name)) return this.queries.map(({ scores }) => scores[name]![metric])
      throw new ValidationError(`no run '${name}'. There are: ${Object.keys(this.means).join(', ')}`)
    }
    return pairedBootstrap(scoresOf(run), scoresOf(other), options)
  }

  toString(): string {
    const { k, queries, means } = this
    const head = [`${queries.length} ${queries.length === 1 ? 'query' : 'queries'}`]
    for (const label of ['nDCG', 'MRR', 'recall', 'precision', 'MAP']) head.push(`${label}@${k}`)
    const rows = Object.entries(means).map(([name, { ndcg, mrr, recall, precision, map }]) => [
      name,
      ...[ndcg, mrr, recall, precision, map].map(printScore),
    ])
    return alignedTable([head, ...rows])
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}
