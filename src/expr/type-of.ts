import type { ColumnType } from '../types/column-type.js'
import { dynamicType, typeOfValue } from '../types/dynamic.js'
import { jsonType } from '../types/json.js'
import { boolType, floatType, intType, stringType } from '../types/scalars.js'
import { aggregates } from './aggregates.js'
import { argumentsOf, type ColumnNode, type Node } from './node.js'
import { operators } from './operators/index.js'

const json = jsonType()

/** The type of an expression's values, as far as it is known without computing one. */
export function typeOfNode(node: Node, typeOfColumn: (column: ColumnNode) => ColumnType): ColumnType {
  switch (node.kind) {
    case 'column':
      return typeOfColumn(node)
    case 'rowid':
      return intType
    case 'score':
      return node.part === 'legs' ? json : floatType
    case 'cellError':
    case 'terms':
      return stringType
    case 'literal':
      return typeOfConstant(node.value)
    case 'call':
      return operators[node.operator]!.result(
        node.args.map((arg) => typeOfNode(arg, typeOfColumn)),
        node.args,
      )
    case 'function':
      return node.fn.returns ?? dynamicType
    case 'aggregate':
    case 'window': {
      if (node.fn) return node.fn.returns ?? json
      return aggregates[node.name]!.result(argumentsOf(node).map((arg) => typeOfNode(arg, typeOfColumn)))
    }
    case 'subquery':
      return boolType
    case 'item':
    case 'lambda':
      return json
    case 'fragment':
    case 'parameter':
      return dynamicType
  }
}

/** The type of a constant: a whole number is an int, so that adding 1 to an int gives an int. */
export function typeOfConstant(value: unknown): ColumnType {
  if (value === null) return dynamicType
  return Number.isSafeInteger(value) ? intType : typeOfValue(value)
}
