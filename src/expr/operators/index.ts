import { boolType, floatType, stringType } from '../../types/scalars.js'
import { array } from './array.js'
import { casting } from './cast.js'
import { hash } from './hash.js'
import { jsonOperators, listOperators } from './json.js'
import { comparison, logic } from './logic.js'
import { marking } from './marking.js'
import { math } from './math.js'
import { media } from './media.js'
import { asJson, json, type Operator, type Operators } from './operator.js'
import { temporal } from './temporal.js'
import { sequenceOperators, textOperators } from './text.js'
import { uuid } from './uuid.js'

export { compare, compareKeys, type Sorting } from './compare.js'
export { applyOperator, type Operand, type Operator, type Operators, operandAt, unify } from './operator.js'
export { likePattern } from './regex.js'

/** What the library itself needs, and users have no name for: JSON as a scalar, the other way, and what samples go by. */
const internal: Operators = {
  'json.number': { operands: ['number'], result: () => floatType, evaluate: (x) => x },
  'json.text': { operands: ['text'], result: () => stringType, evaluate: (x) => x },
  'json.of': { operands: ['any'], result: json, evaluate: asJson },
  hash: {
    operands: ['number', 'number'],
    result: () => floatType,
    evaluate: (x, seed) => hash(Number(x), Number(seed)),
  },
  ...marking,
  'json.bool': { operands: ['bool'], result: () => boolType, evaluate: (x) => x },
}

/** Operators in groups, as documentation shows them. */
export const operatorGroups: readonly { readonly title: string; readonly operators: Operators }[] = [
  { title: 'Comparison, null and choice', operators: comparison },
  { title: 'Logic', operators: logic },
  { title: 'Conversion', operators: casting },
  { title: 'Arithmetic', operators: math },
  { title: 'Text', operators: textOperators },
  { title: 'Text and lists', operators: sequenceOperators },
  { title: 'JSON', operators: jsonOperators },
  { title: 'Lists by element', operators: listOperators },
  { title: 'Instants and calendar days', operators: temporal },
  { title: 'UUID', operators: uuid },
  { title: 'Arrays and vectors', operators: array },
  { title: 'Media', operators: media },
]

/** Operators by name. */
export const operators: Readonly<Record<string, Operator>> = Object.assign(
  {},
  internal,
  ...operatorGroups.map((group) => group.operators),
)
