import { argumentsOf, type Node } from './node.js'

/** The element of a lambda, by how many others enclose it: x, y, z, x3 … */
const itemName = (depth: number): string => ['x', 'y', 'z'][depth] ?? `x${depth}`

/** An expression, readable: `classify(text)`, `price.mul(quantity)`. */
export function printNode(node: Node): string {
  switch (node.kind) {
    case 'column':
      return node.name
    case 'rowid':
      return '_rowid'
    case 'score':
      return 'score'
    case 'terms':
      return 'terms'
    case 'cellError':
      return `${node.name}.${node.part === 'type' ? 'errorType' : 'errorMessage'}()`
    case 'literal':
      return typeof node.value === 'bigint' ? `${node.value}n` : (JSON.stringify(node.value) ?? String(node.value))
    case 'parameter':
      return `$${node.name}`
    case 'item':
      return itemName(node.depth)
    case 'lambda':
      return `(${itemName(node.depth)}) => ${printNode(node.args[0])}`
    case 'call': {
      const [self, ...args] = node.args.map(printNode)
      if (self === undefined) return `${node.operator}()`
      return node.operator.startsWith('media.')
        ? `${self}.${node.operator.slice('media.'.length)}`
        : `${self}.${node.operator}(${args.join(', ')})`
    }
    case 'aggregate':
    case 'window':
      return `${node.name}(${argumentsOf(node).map(printNode).join(', ')})${node.kind === 'window' ? '.over(…)' : ''}`
    case 'subquery':
      return `${node.test}(…)`
    case 'function':
      return `${node.fn.name}(${node.args.map(printNode).join(', ')})`
    case 'fragment':
      return node.parts.reduce((text, part, i) => `${text}\${${printNode(node.args[i - 1]!)}}${part}`)
  }
}
