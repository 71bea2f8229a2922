import type { ScalarFunction } from '../expr/function.js'
import { literal, type Node } from '../expr/node.js'
import { CellFailure, evaluate, type Rows } from '../plan/evaluate.js'

/** One row without columns. */
const oneRow: Rows = {
  length: 1,
  valuesOf: () => [undefined],
}

/** Calls a function once, under the same limits as where it computes cells. @throws the error of the call */
export async function callFunction(
  fn: ScalarFunction,
  args: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const node: Node = { kind: 'function', fn, args: args.map(literal) }
  const [cell] = await evaluate(node, oneRow, { signal })
  if (cell instanceof CellFailure) throw cell.error
  return cell
}
