import { QueryError } from '../../errors.js'
import { describeValue } from '../../types/column-type.js'
import { boolType } from '../../types/scalars.js'
import { compare } from './compare.js'
import { type Operators, unify } from './operator.js'

const bool = () => boolType

/** Comparison, null and choice. */
export const comparison: Operators = {
  eq: {
    operands: ['any', 'any'],
    result: bool,
    evaluate: (a, b) => compare(a, b) === 0,
    docs: { call: 'eq(value)', does: 'Whether both are equal.' },
  },
  ne: {
    operands: ['any', 'any'],
    result: bool,
    evaluate: (a, b) => compare(a, b) !== 0,
    docs: { call: 'ne(value)', does: 'Whether the two differ.' },
  },
  gt: {
    operands: ['order', 'order'],
    result: bool,
    evaluate: (a, b) => compare(a, b) > 0,
    docs: { call: 'gt(value)', does: 'Whether this is greater.' },
  },
  gte: {
    operands: ['order', 'order'],
    result: bool,
    evaluate: (a, b) => compare(a, b) >= 0,
    docs: { call: 'gte(value)', does: 'Whether this is greater or equal.' },
  },
  lt: {
    operands: ['order', 'order'],
    result: bool,
    evaluate: (a, b) => compare(a, b) < 0,
    docs: { call: 'lt(value)', does: 'Whether this is less.' },
  },
  lte: {
    operands: ['order', 'order'],
    result: bool,
    evaluate: (a, b) => compare(a, b) <= 0,
    docs: { call: 'lte(value)', does: 'Whether this is less or equal.' },
  },
  between: {
    operands: ['order', 'order', 'order'],
    result: bool,
    evaluate: (x, low, high) => compare(x, low) >= 0 && compare(x, high) <= 0,
    docs: { call: 'between(low, high)', does: 'Whether this lies from `low` to `high`, both included.' },
  },
  in: {
    operands: ['any', 'any'],
    optional: 1,
    variadic: true,
    result: bool,
    nullAware: true,
    evaluate: (x, ...list) => (x === null ? null : list.some((item) => item !== null && compare(x, item) === 0)),
    accept(values: unknown) {
      if (Array.isArray(values)) return values
      throw new QueryError(`in(): expected an array of values, got ${describeValue(values)}`)
    },
    docs: { call: 'in(values)', does: 'Whether this equals one of the values.' },
  },
  isNull: {
    operands: ['any'],
    result: bool,
    nullAware: true,
    evaluate: (x) => x === null,
    docs: { call: 'isNull()', does: 'Whether there is no value.' },
  },
  isNotNull: {
    operands: ['any'],
    result: bool,
    nullAware: true,
    evaluate: (x) => x !== null,
    docs: { call: 'isNotNull()', does: 'Whether there is a value.' },
  },
  coalesce: {
    operands: ['any', 'any'],
    result: unify,
    unified: true,
    nullAware: true,
    evaluate: (...values) => values.find((value) => value !== null) ?? null,
    docs: { call: 'coalesce(value)', does: 'This, or `value` where it is null.' },
  },
  nullIf: {
    operands: ['any', 'any'],
    result: (types) => types[0]!,
    nullAware: true,
    evaluate: (a, b) => (a !== null && b !== null && compare(a, b) === 0 ? null : a),
    docs: { call: 'nullIf(value)', does: 'Null where this equals `value`, else this.' },
  },
  // Conditions and values in turn, the value of all other rows last.
  case: {
    operands: ['any'],
    variadic: true,
    result: (types) => unify(types.filter((_, i) => i % 2 === 1 || i === types.length - 1)),
    unified: true,
    nullAware: true,
    evaluate(...args) {
      for (let i = 0; i + 1 < args.length; i += 2) if (args[i] === true) return args[i + 1]
      return args.at(-1)
    },
  },
}

/** Three-valued logic: null is "unknown". */
export const logic: Operators = {
  and: {
    operands: ['bool', 'bool'],
    result: bool,
    nullAware: true,
    evaluate: (a, b) => (a === false || b === false ? false : a === null || b === null ? null : true),
    docs: { call: 'and(other)', does: 'Whether both hold; false where one is false, though the other be null.' },
  },
  or: {
    operands: ['bool', 'bool'],
    result: bool,
    nullAware: true,
    evaluate: (a, b) => (a === true || b === true ? true : a === null || b === null ? null : false),
    docs: { call: 'or(other)', does: 'Whether one of them holds; true where one is true, though the other be null.' },
  },
  not: {
    operands: ['bool'],
    result: bool,
    evaluate: (a) => !a,
    docs: { call: 'not()', does: 'The opposite.' },
  },
}
