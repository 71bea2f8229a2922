import type { Database } from 'better-sqlite3'
import { analyserOf, type TextAnalysis, termsOf } from '../../text/index.js'
import { decodeVector } from '../../types/arrays.js'
import { type MaxSimMetric, maxSim } from '../../types/max-sim.js'
import { decodeStored, type VectorPrecision } from '../../types/vector-precision.js'
import { registerAggregates } from './aggregates.js'

/** Functions of the engine's own. Those of expressions are bridges. */
export function registerFunctions(db: Database): void {
  db.function('pxt_dot', { deterministic: true }, dot())
  db.function('pxt_maxsim', { deterministic: true }, lateInteraction())
  db.function('pxt_vector', { deterministic: true }, (stored: unknown, precision: unknown, dimensions: unknown) =>
    stored instanceof Uint8Array
      ? Buffer.from(decodeStored(stored, precision as VectorPrecision, dimensions as number).buffer)
      : null,
  )
  db.function('pxt_terms', { deterministic: true }, (text: unknown, language: unknown, tokenizer: unknown) =>
    typeof text === 'string' ? termsOf(text, analyserOf({ language, tokenizer } as TextAnalysis)) : null,
  )
  db.table('pxt_ranked', {
    columns: ['id', 'score', 'position'],
    parameters: ['ranking'],
    *rows(ranking: unknown) {
      const [rowids, scores] = JSON.parse(ranking as string) as [number[], number[]]
      for (let i = 0; i < rowids.length; i++) yield [rowids[i]!, scores[i]!, i]
    },
  })
  registerAggregates(db)
}

/** The inner product, which sqlite-vec does not offer, remembering the last query vector. */
function dot(): (stored: unknown, query: unknown) => number | null {
  let last: Buffer | undefined
  let vector: Float32Array = new Float32Array()
  return (stored, query) => {
    if (!(stored instanceof Uint8Array) || !(query instanceof Uint8Array)) return null
    if (last === undefined || Buffer.compare(last, query) !== 0) {
      last = Buffer.from(query)
      vector = decodeVector(query)
    }
    const other = decodeVector(stored)
    let sum = 0
    for (let i = 0; i < vector.length; i++) sum += vector[i]! * other[i]!
    return sum
  }
}

/** MaxSim, remembering the last query. */
function lateInteraction(): (stored: unknown, query: unknown, dimensions: unknown, metric: unknown) => number | null {
  let last: Buffer | undefined
  let form: string | undefined
  let score: ReturnType<typeof maxSim> | undefined
  return (stored, query, dimensions, metric) => {
    if (!(stored instanceof Uint8Array) || !(query instanceof Uint8Array)) return null
    const wanted = `${dimensions} ${metric}`
    if (!score || !last || form !== wanted || Buffer.compare(last, query) !== 0) {
      last = Buffer.from(query)
      form = wanted
      score = maxSim(decodeVector(query), dimensions as number, metric as MaxSimMetric)
    }
    return score(decodeVector(stored))
  }
}
