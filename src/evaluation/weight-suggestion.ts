import type { PairedBootstrap } from './bootstrap.js'
import type { RankingMetric } from './metrics.js'
import { alignedTable, printDifference, printScore } from './table.js'

/** What some weights reach. */
export interface WeightChoice {
  /** Such as `text alone`, `equal weights`, `default weights` or `suggested weights`. */
  readonly name: string
  /** By the name of the leg; they add up to 1. */
  readonly weights: Readonly<Record<string, number>>
  /** Mean over the queries that weights were sought on. */
  readonly training: number
  /** Mean over the queries that were held back. Where it is much lower than others', weights fit the training only. */
  readonly heldBack: number
}

/** Weights for the legs of a search, and how far to trust them. Prints as a table. */
export class WeightSuggestion {
  readonly metric: RankingMetric
  readonly k: number
  /** The suggested weights, by the name of the leg; they add up to 1. */
  readonly weights: Readonly<Record<string, number>>
  /** How many queries there are of each kind. */
  readonly queries: { readonly training: number; readonly heldBack: number }
  /** Each leg alone, equal weights, the default ones and the suggested ones, in this order. */
  readonly choices: readonly WeightChoice[]
  /** The suggested weights against the default ones, on the queries that were held back. */
  readonly gain: PairedBootstrap

  /** @internal */
  constructor(parts: Pick<WeightSuggestion, 'metric' | 'k' | 'weights' | 'queries' | 'choices' | 'gain'>) {
    this.metric = parts.metric
    this.k = parts.k
    this.weights = parts.weights
    this.queries = parts.queries
    this.choices = parts.choices
    this.gain = parts.gain
    Object.freeze(this)
  }

  toString(): string {
    const { metric, k, queries, weights, choices, gain } = this
    const legs = Object.keys(weights)
    const head = [`${metric}@${k}`, ...legs, `training (${queries.training})`, `held back (${queries.heldBack})`]
    const rows = choices.map(({ name, weights, training, heldBack }) => [
      name,
      ...legs.map((leg) => printScore(weights[leg]!)),
      printScore(training),
      printScore(heldBack),
    ])
    const [low, high] = gain.interval.map(printDifference)
    const difference = `${printDifference(gain.difference)}, 95% within ${low} … ${high}, p = ${printScore(gain.p)}`
    return `${alignedTable([head, ...rows])}\nsuggested against default weights, held back: ${difference}`
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}
