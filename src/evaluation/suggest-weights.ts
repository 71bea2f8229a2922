import { ValidationError } from '../errors.js'
import { hash } from '../expr/operators/hash.js'
import { type FuseOptions, type GatheredRow, gatherRows, rankRows } from '../search/fusion/fuse.js'
import { groupBest } from '../search/fusion/group-best.js'
import { type Candidate, sharesOf } from '../search/fusion/leg.js'
import { describeValue } from '../types/column-type.js'
import { checkSeed, pairedBootstrap } from './bootstrap.js'
import { checkCutoff, mean, type RankingMetric, type RateRanking, rankingMetrics } from './metrics.js'
import { judgedQueries, type Qrels } from './qrels.js'
import { movesOf, refinement, simplexGrid, type Weights } from './simplex.js'
import { WeightSuggestion } from './weight-suggestion.js'

/** A row that a leg has found, and the document that it counts for in the judgements. */
export interface ScoredDocument extends Candidate {
  /** Several rows may have the same id, as chunks of one document do: the best of them counts. */
  readonly id: string
}

/** What one leg found for every query. */
export interface ScoredRun {
  readonly name: string
  /** Its default weight: suggestions stay near it unless the judgements speak against it. */
  readonly weight: number
  /** Candidates by query, best first. */
  readonly results: ReadonlyMap<string, readonly ScoredDocument[]>
}

/** How weights are sought. */
export interface SuggestOptions extends Pick<FuseOptions, 'fusion'> {
  /** What is to be as large as possible, on average over the queries. @default 'ndcg' */
  readonly metric?: RankingMetric | undefined
  /** How many documents of each fused list count; a whole number of at least 1. @default 10 */
  readonly k?: number | undefined
  /** Part of the queries that are kept from the search, to test its result on; above 0 and below 1. @default 0.5 */
  readonly heldBack?: number | undefined
  /** A whole number, which decides which queries those are. @default 1 */
  readonly seed?: number | undefined
}

/**
 * Suggests weights for the legs of a hybrid search, from queries with judgements. One part of the queries is searched for
 * the best weights, on a grid and then in smaller steps around its best point; the other part shows whether they hold.
 *
 * The best weights of some dozens of queries are mostly chance. So of all weights whose mean is within one standard error
 * of the best (of the paired differences, query by query), those nearest to the default weights are suggested: the
 * one-standard-error rule of Breiman et al., Classification and Regression Trees, 1984.
 *
 * @param legs at least two
 * @example
 * ```ts
 * import { suggestWeights } from 'pixeltable'
 * const queries = Array.from({ length: 40 }, (_, i) => `q${i}`)
 * const qrels = new Map(queries.map((query) => [query, new Map([['right', 1]])]))
 * const wrong = { rowid: 1, id: 'wrong', score: 2 }
 * const right = { rowid: 2, id: 'right', score: 2 }
 * const text = new Map(queries.map((query) => [query, [wrong, { ...right, score: 1 }]]))
 * const vector = new Map(queries.map((query) => [query, [right, { ...wrong, score: 1 }]]))
 * const suggestion = suggestWeights(
 *   [{ name: 'text', weight: 0.75, results: text }, { name: 'vector', weight: 0.25, results: vector }],
 *   qrels,
 * )
 * console.log(suggestion.weights.vector! > 0.5) // true
 * console.log(`${suggestion}`) // what each leg, and each choice of weights, reaches on both parts
 * ```
 * @throws ValidationError for fewer than two legs or four queries with a relevant document
 * @throws QueryError for candidates or weights that cannot be fused
 */
export function suggestWeights(
  legs: readonly ScoredRun[],
  qrels: Qrels,
  { fusion, metric = 'ndcg', k = 10, heldBack = 0.5, seed = 1 }: SuggestOptions = {},
): WeightSuggestion {
  checkLegs(legs)
  checkCutoff(k)
  checkSeed(seed)
  if (!Object.hasOwn(rankingMetrics, metric)) {
    const names = Object.keys(rankingMetrics).join(', ')
    throw new ValidationError(`metric: expected one of ${names}, got ${describeValue(metric)}`)
  }
  if (!(heldBack > 0 && heldBack < 1)) {
    throw new ValidationError(`heldBack: expected a number above 0 and below 1, got ${describeValue(heldBack)}`)
  }
  const halves = split(judgedQueries(qrels), heldBack, seed)
  const [training, rest] = halves.map(
    (queries) => new Half(legs, queries, qrels, fusion, rankingMetrics[metric], k),
  ) as [Half, Half]

  const defaults = sharesOf(legs)
  const chosen = steady(training, explore(training, defaults), defaults)
  const alone = legs.map((leg, i) => ({ name: `${leg.name} alone`, weights: legs.map((_, j) => (i === j ? 1 : 0)) }))
  const rows = [
    ...alone,
    { name: 'equal weights', weights: legs.map(() => 1 / legs.length) },
    { name: 'default weights', weights: defaults },
    { name: 'suggested weights', weights: chosen },
  ]
  const named = (weights: Weights) => Object.fromEntries(legs.map(({ name }, i) => [name, weights[i]!]))
  return new WeightSuggestion({
    ...{ metric, k },
    weights: named(chosen),
    queries: { training: training.size, heldBack: rest.size },
    choices: rows.map(({ name, weights }) => ({
      name,
      weights: named(weights),
      training: mean(training.rate(weights)),
      heldBack: mean(rest.rate(weights)),
    })),
    gain: pairedBootstrap(rest.rate(chosen), rest.rate(defaults), { seed }),
  })
}

/** Queries with what the legs found for them. */
class Half {
  readonly #queries: readonly {
    readonly rows: readonly GatheredRow<ScoredDocument>[]
    readonly grades: ReadonlyMap<string, number>
  }[]
  readonly #rated = new Map<string, readonly number[]>()
  readonly #metric: RateRanking
  readonly #k: number

  constructor(
    legs: readonly ScoredRun[],
    queries: readonly string[],
    qrels: Qrels,
    fusion: FuseOptions['fusion'],
    metric: RateRanking,
    k: number,
  ) {
    this.#metric = metric
    this.#k = k
    this.#queries = queries.map((query) => ({
      rows: gatherRows(
        legs.map(({ name, results }) => ({ name, candidates: results.get(query) ?? [] })),
        { fusion },
      ),
      grades: qrels.get(query)!,
    }))
  }

  get size(): number {
    return this.#queries.length
  }

  /** The score of each query. */
  rate(weights: Weights): readonly number[] {
    const key = weights.join()
    let scores = this.#rated.get(key)
    if (!scores) {
      scores = this.#queries.map(({ rows, grades }) => {
        const found = rankRows(rows, weights)
        const documents = groupBest(found, ({ candidate }) => candidate.id, this.#k)
        return this.#metric(
          documents.map(({ candidate }) => candidate.id),
          grades,
          this.#k,
        )
      })
      this.#rated.set(key, scores)
    }
    return scores
  }
}

/** The weights that were tried: the default ones, a grid, and smaller and smaller steps uphill from its best point. */
function explore(half: Half, defaults: Weights): Weights[] {
  const { grid, total } = simplexGrid(defaults.length)
  const weightsOf = (parts: readonly number[]): Weights => parts.map((part) => part / total)
  const scoreOf = (parts: readonly number[]): number => mean(half.rate(weightsOf(parts)))
  const best = (all: readonly (readonly number[])[]) => all.reduce((a, b) => (scoreOf(b) > scoreOf(a) ? b : a))
  const tried = [defaults, ...grid.map(weightsOf)]
  let at = best(grid)
  for (let amount = refinement / 2; amount >= 1; amount /= 2) {
    let from: readonly number[]
    do {
      from = at
      const moves = movesOf(from, amount)
      tried.push(...moves.map(weightsOf))
      at = best([from, ...moves])
    } while (at !== from)
  }
  return tried
}

/** Of the weights that are as good as the best, within one standard error, those nearest to the default ones. */
function steady(half: Half, tried: readonly Weights[], defaults: Weights): Weights {
  const scoreOf = (weights: Weights): number => mean(half.rate(weights))
  const distance = (weights: Weights): number => Math.hypot(...weights.map((weight, i) => weight - defaults[i]!))
  const best = tried.reduce((a, b) => (scoreOf(b) > scoreOf(a) ? b : a))
  const asGood = tried.filter((weights) => {
    const scores = half.rate(weights)
    const differences = half.rate(best).map((score, i) => score - scores[i]!)
    return mean(differences) <= standardError(differences)
  })
  return asGood.reduce((a, b) => (distance(b) < distance(a) ? b : a), best)
}

function standardError(numbers: readonly number[]): number {
  const n = numbers.length
  const middle = mean(numbers)
  return Math.sqrt(numbers.reduce((sum, number) => sum + (number - middle) ** 2, 0) / (n - 1) / n)
}

function checkLegs(legs: readonly ScoredRun[]): void {
  const names = legs.map(({ name }) => name)
  if (names.length < 2) throw new ValidationError(`legs: expected at least 2, got ${names.length}`)
  const twice = names.find((name, i) => names.indexOf(name) < i)
  if (twice !== undefined) throw new ValidationError(`legs: expected names of their own, got '${twice}' twice`)
}

/** Queries to learn from and queries to test on, drawn at random, whatever their order. @throws ValidationError */
function split(queries: readonly string[], heldBack: number, seed: number): [string[], string[]] {
  if (queries.length < 4) {
    throw new ValidationError(`expected at least 4 queries with a relevant document, got ${queries.length}`)
  }
  const drawn = queries
    .toSorted()
    .map((query, i) => ({ query, at: hash(i, seed) }))
    .sort((a, b) => a.at - b.at)
    .map(({ query }) => query)
  const tested = Math.min(queries.length - 2, Math.max(2, Math.round(queries.length * heldBack)))
  return [drawn.slice(tested), drawn.slice(0, tested)]
}
