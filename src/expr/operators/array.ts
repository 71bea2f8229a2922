import type { NdArray } from '../../types/arrays.js'
import { asJson, json, type Operators } from './operator.js'

/** Arrays and vectors. */
export const array: Operators = {
  shape: {
    operands: ['array'],
    result: json,
    evaluate: (x: NdArray | Float32Array) => ('shape' in x ? x.shape : [x.length]),
    docs: { call: 'shape()', does: 'The length of each dimension of an array or vector.' },
  },
  toList: {
    operands: ['array'],
    result: json,
    evaluate: asJson,
    docs: { call: 'toList()', does: 'An array or vector as nested lists.', pixeltable: ['array.to_list'] },
  },
  at: {
    operands: ['array', 'int'],
    variadic: true,
    result: json,
    evaluate(x: NdArray | Float32Array, ...indices: number[]) {
      let value: unknown = asJson(x)
      for (const index of indices) value = Array.isArray(value) ? (value.at(index) ?? null) : null
      return value
    },
    docs: {
      call: 'at(...indices)',
      does: 'An element of an array or vector, or with fewer indices a part as lists; negative from the end; null outside.',
    },
  },
}
