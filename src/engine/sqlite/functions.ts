import type { Database } from 'better-sqlite3'
import { hash, likePattern } from '../../expr/operators.js'
import { decodeVector } from '../../types/arrays.js'
import { registerAggregates } from './aggregates.js'

/** What SQLite lacks or does for ASCII only, as functions of its own. */
export function registerFunctions(db: Database): void {
  const ofText = (f: (text: string) => unknown) => (value: unknown) => (typeof value === 'string' ? f(value) : null)
  db.function(
    'pxt_upper',
    { deterministic: true },
    ofText((text) => text.toUpperCase()),
  )
  db.function(
    'pxt_lower',
    { deterministic: true },
    ofText((text) => text.toLowerCase()),
  )
  db.function(
    'pxt_trim',
    { deterministic: true },
    ofText((text) => text.trim()),
  )
  db.function('pxt_like', { deterministic: true }, like())
  db.function('pxt_hash', { deterministic: true }, (x: unknown, seed: unknown) =>
    typeof x === 'number' && typeof seed === 'number' ? hash(x, seed) : null,
  )
  db.function('pxt_dot', { deterministic: true }, dot())
  registerAggregates(db)
}

/** LIKE with case, remembering the last pattern: a query has one for all rows. */
function like(): (text: unknown, pattern: unknown) => number | null {
  let last: string | undefined
  let expression = /(?:)/
  return (text, pattern) => {
    if (typeof text !== 'string' || typeof pattern !== 'string') return null
    if (pattern !== last) {
      last = pattern
      expression = likePattern(pattern)
    }
    return expression.test(text) ? 1 : 0
  }
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
