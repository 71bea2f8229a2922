import type { ColumnType, OperatorGroup } from '../types/column-type.js'
import { jsonType } from '../types/json.js'
import { listType } from '../types/list.js'
import { floatType, intType, stringType } from '../types/scalars.js'

/** A built-in aggregate or window function: what it takes and what it gives. What it computes is the engine's. */
export interface Aggregate {
  readonly operands: readonly (OperatorGroup | 'any')[]
  /** How many arguments it has, at least and at most. */
  readonly arity: readonly [number, number]
  result(types: readonly ColumnType[]): ColumnType
  /** Whether it is of use as a window function alone. */
  readonly windowOnly?: boolean
  /** Whether the order of its input shows in the result. */
  readonly ordered?: boolean
}

const json = jsonType()
const int = (): ColumnType => intType
const float = (): ColumnType => floatType
const same = (types: readonly ColumnType[]): ColumnType => types[0]!
/** int and bigint stay what they are; anything else is a float. */
const numeric = ([type]: readonly ColumnType[]): ColumnType => (type!.name === 'int' || type!.wide ? type! : floatType)

/** Aggregates and window functions by name. */
export const aggregates: Readonly<Record<string, Aggregate>> = {
  count: { operands: ['any'], arity: [0, 1], result: int },
  sum: { operands: ['number'], arity: [1, 1], result: numeric },
  avg: { operands: ['number'], arity: [1, 1], result: float },
  stddev: { operands: ['number'], arity: [1, 1], result: float },
  min: { operands: ['order'], arity: [1, 1], result: same },
  max: { operands: ['order'], arity: [1, 1], result: same },
  first: { operands: ['any'], arity: [1, 1], result: same, ordered: true },
  last: { operands: ['any'], arity: [1, 1], result: same, ordered: true },
  arrayAgg: { operands: ['any'], arity: [1, 1], result: ([type]) => listType(type ?? json), ordered: true },
  stringAgg: { operands: ['text', 'text'], arity: [2, 2], result: () => stringType, ordered: true },
  rowNumber: { operands: [], arity: [0, 0], result: int, windowOnly: true },
  rank: { operands: [], arity: [0, 0], result: int, windowOnly: true },
  denseRank: { operands: [], arity: [0, 0], result: int, windowOnly: true },
  ntile: { operands: ['number'], arity: [1, 1], result: int, windowOnly: true },
  lag: { operands: ['any', 'number', 'any'], arity: [1, 3], result: same, windowOnly: true },
  lead: { operands: ['any', 'number', 'any'], arity: [1, 3], result: same, windowOnly: true },
  firstValue: { operands: ['any'], arity: [1, 1], result: same, windowOnly: true },
  lastValue: { operands: ['any'], arity: [1, 1], result: same, windowOnly: true },
}
