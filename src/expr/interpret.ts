import type { CallNode, Node } from './node.js'
import { applyOperator, operators } from './operators/index.js'

/** What the open parts of an expression stand for. */
export interface Bindings {
  /** The element that each enclosing lambda is at, by depth. */
  readonly items: readonly unknown[]
  readonly parameters: Readonly<Record<string, unknown>>
}

/** Evaluates an expression without columns and functions, for one row and at once: the body of a lambda within SQL. */
export function interpret(node: Node, bindings: Bindings): unknown {
  switch (node.kind) {
    case 'literal':
      return node.value
    case 'item':
      return bindings.items[node.depth]
    case 'parameter':
      return bindings.parameters[node.name]
    case 'call':
      return interpretCall(node, bindings)
    default:
      throw new TypeError(`a ${node.kind} has no value within a function of an element`)
  }
}

function interpretCall(node: CallNode, bindings: Bindings): unknown {
  const args = node.args.map((arg) => operandOf(arg, bindings))
  return applyOperator(operators[node.operator]!, args)
}

/** The value of an operand; a lambda's is a function of an element. */
export function operandOf(arg: Node, bindings: Bindings): unknown {
  if (arg.kind !== 'lambda') return interpret(arg, bindings)
  return (item: unknown) => {
    const items = bindings.items.slice(0, arg.depth)
    items[arg.depth] = item
    return interpret(arg.args[0], { ...bindings, items })
  }
}
