import type { ColumnType } from '../types/column-type.js'
import { dynamicType, typeOfValue } from '../types/dynamic.js'
import { jsonType } from '../types/json.js'
import { boolType, floatType, intType } from '../types/scalars.js'
import { aggregates } from './aggregates.js'
import { argumentsOf, type ColumnNode, type Node } from './node.js'
import { operators } from './operators.js'

/** The type of an expression's values, as far as it is known without computing one. */
export function typeOfNode(node: Node, typeOfColumn: (column: ColumnNode) => ColumnType): ColumnType {
  switch (node.kind) {
    case 'column':
      return typeOfColumn(node)
    case 'rowid':
      return intType
    case 'score':
      return floatType
    case 'literal':
      return node.value === null ? dynamicType : typeOfValue(node.value)
    case 'call':
      return operators[node.operator]!.result(node.args.map((arg) => typeOfNode(arg, typeOfColumn)))
    case 'function':
      return node.fn.returns ?? dynamicType
    case 'aggregate':
    case 'window': {
      if (node.fn) return node.fn.returns ?? jsonType()
      return aggregates[node.name]!.result(argumentsOf(node).map((arg) => typeOfNode(arg, typeOfColumn)))
    }
    case 'subquery':
      return boolType
    case 'fragment':
    case 'parameter':
      return dynamicType
  }
}
