import { QueryError } from '../../errors.js'
import { describeValue } from '../../types/column-type.js'
import type { Json } from '../../types/json.js'
import { boolType, floatType, stringType } from '../../types/scalars.js'
import { compare, compareKeys, type Sorting } from './compare.js'
import { asJson, json, type Operator, type Operators } from './operator.js'

type JsonObject = { readonly [key: string]: Json }

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An operation on a list; null for what is no list. */
const ofList =
  (f: (list: readonly Json[], ...args: any[]) => unknown): Operator['evaluate'] =>
  (value: unknown, ...args: unknown[]) =>
    Array.isArray(value) ? f(value, ...args) : null

/** An operation on an object; null for what is none. */
const ofObject =
  (f: (object: JsonObject) => unknown): Operator['evaluate'] =>
  (value: unknown) =>
    isObject(value) ? f(value) : null

/** The numbers of a list without its nulls; undefined where something else is among them. */
function numbers(list: readonly Json[]): number[] | undefined {
  const present = list.filter((item) => item !== null)
  return present.every((item) => typeof item === 'number') ? (present as number[]) : undefined
}

/** The element that comes first; null for none, and where the elements have no order among them. */
function extreme(list: readonly Json[], sign: 1 | -1): Json {
  const [first = null, ...rest] = list.filter((item) => item !== null)
  let best = first
  if (typeof first === 'object' && first !== null) return null
  for (const item of rest) {
    const difference = compare(item, best)
    if (Number.isNaN(difference)) return null
    if (difference * sign < 0) best = item
  }
  return best
}

/** JSON. Where a list or an object is expected and the value is something else, the result is null. */
export const jsonOperators: Operators = {
  get: {
    operands: ['json', 'any'],
    result: json,
    evaluate: (value, key: string | number) => member(value, key),
    accept(key: unknown) {
      if (typeof key === 'string' || Number.isSafeInteger(key)) return [key]
      throw new QueryError(`get(): expected a key or an index, got ${describeValue(key)}`)
    },
    docs: {
      call: 'get(key)',
      does: 'The value at a key of an object, or at an index of a list (negative from the end); null where there is none.',
      pixeltable: ['json.get'],
    },
  },
  isEmpty: {
    operands: ['json'],
    result: () => boolType,
    evaluate: (value) =>
      typeof value === 'string' ? value === '' : typeof value === 'object' ? Object.keys(value).length === 0 : null,
    docs: {
      call: 'isEmpty()',
      does: 'Whether a list, an object or a text has nothing in it.',
      pixeltable: ['json.is_empty'],
    },
  },
  keys: {
    operands: ['json'],
    result: json,
    evaluate: ofObject(Object.keys),
    docs: { call: 'keys()', does: 'The keys of an object.', pixeltable: ['json.keys'] },
  },
  values: {
    operands: ['json'],
    result: json,
    evaluate: ofObject(Object.values),
    docs: { call: 'values()', does: 'The values of an object.', pixeltable: ['json.values'] },
  },
  entries: {
    operands: ['json'],
    result: json,
    evaluate: ofObject(Object.entries),
    docs: { call: 'entries()', does: 'The keys and values of an object as pairs.', pixeltable: ['json.items'] },
  },
  merge: {
    operands: ['json', 'json'],
    variadic: true,
    result: json,
    evaluate: (...objects: unknown[]) =>
      objects.every(isObject) ? Object.fromEntries(objects.flatMap(Object.entries)) : null,
    docs: {
      call: 'merge(...objects)',
      does: 'One object with the keys of all; a later one’s value wins.',
      pixeltable: ['json.merge'],
    },
  },
  stringify: {
    operands: ['json'],
    result: () => stringType,
    evaluate: (value) => JSON.stringify(value),
    docs: { call: 'stringify()', does: 'As JSON text, without spaces.', pixeltable: ['json.dumps'] },
  },
  flatten: {
    operands: ['json', 'int'],
    optional: 1,
    result: json,
    evaluate: ofList((list: readonly unknown[], depth = 1) => list.flat(depth as 1)),
    docs: {
      call: 'flatten(depth = 1)',
      does: 'With the elements of lists within the list in their place.',
      pixeltable: ['json.flatten'],
    },
  },
  join: {
    operands: ['json', 'text'],
    optional: 1,
    result: () => stringType,
    evaluate: ofList((list, separator = '') => {
      const parts = list.filter((item) => item !== null)
      return parts.some((item) => typeof item === 'object') ? null : parts.join(separator)
    }),
    docs: {
      call: 'join(separator = "")',
      does: 'The elements as one text, without nulls; null where one is a list or an object.',
      pixeltable: ['string.join'],
    },
  },
  sum: {
    operands: ['json'],
    result: () => floatType,
    evaluate: ofList((list) => numbers(list)?.reduce((a, b) => a + b, 0)),
    docs: {
      call: 'sum()',
      does: 'The sum of a list of numbers, 0 for none; nulls are left out, and other kinds give null.',
      pixeltable: ['json.sum'],
    },
  },
  mean: {
    operands: ['json'],
    result: () => floatType,
    evaluate: ofList((list) => {
      const all = numbers(list)
      return all === undefined || all.length === 0 ? null : all.reduce((a, b) => a + b, 0) / all.length
    }),
    docs: {
      call: 'mean()',
      does: 'The mean of a list of numbers; nulls are left out; null for none.',
      pixeltable: ['json.mean'],
    },
  },
  min: {
    operands: ['json'],
    result: json,
    evaluate: ofList((list) => extreme(list, 1)),
    docs: {
      call: 'min()',
      does: 'The least element of a list of numbers, or of texts; nulls are left out; null for mixed kinds.',
      pixeltable: ['json.min'],
    },
  },
  max: {
    operands: ['json'],
    result: json,
    evaluate: ofList((list) => extreme(list, -1)),
    docs: { call: 'max()', does: 'The greatest element of a list, as `min`.', pixeltable: ['json.max'] },
  },
}

/** How an element becomes the value of a lambda. */
type OfElement = (element: Json, i: number) => unknown

/** Operations that take a function of an element. */
export const listOperators: Operators = {
  map: {
    operands: ['json', 'lambda'],
    result: json,
    evaluate: ofList((list, f: OfElement) => list.map((item, i) => asJson(f(item, i)))),
    docs: {
      call: 'map((x) => value)',
      does: 'A list with a value for each element of a list.',
      pixeltable: ['globals.map'],
    },
  },
  filter: {
    operands: ['json', 'lambda'],
    result: json,
    evaluate: ofList((list, f: OfElement) => list.filter((item, i) => f(item, i) === true)),
    docs: {
      call: 'filter((x) => predicate)',
      does: 'The elements of a list for which a predicate holds.',
      pixeltable: ['globals.filter'],
    },
  },
  // A key is three operands: a function, the direction, the place of null.
  sortBy: {
    operands: ['json', 'any'],
    variadic: true,
    result: json,
    evaluate: ofList((list, ...given) => {
      const keys: { values: unknown[]; sorting: Sorting }[] = []
      for (let k = 0; k < given.length; k += 3) {
        const f = given[k] as OfElement
        keys.push({
          values: list.map((item, i) => f(item, i) ?? null),
          sorting: { direction: given[k + 1] as 'asc' | 'desc', nulls: given[k + 2] as 'first' | 'last' },
        })
      }
      const order = list.map((_, i) => i)
      order.sort((a, b) => {
        for (const { values, sorting } of keys) {
          const difference = compareKeys(values[a], values[b], sorting)
          if (difference !== 0) return difference
        }
        return a - b
      })
      return order.map((i) => list[i])
    }),
    docs: {
      call: 'sortBy((x) => key)',
      does: 'The elements of a list by a key, `key.desc()`, or a list of keys; equal ones keep their order.',
      pixeltable: ['globals.sort'],
    },
  },
}

function member(value: unknown, key: string | number): unknown {
  if (typeof key === 'number') return Array.isArray(value) ? (value.at(key) ?? null) : null
  return isObject(value) && Object.hasOwn(value, key) ? (value[key] ?? null) : null
}
