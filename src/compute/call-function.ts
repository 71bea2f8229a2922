import type { FunctionCode } from '../expr/function.js'
import { asComputeError } from '../plan/evaluate.js'
import { callRows } from '../scheduler/caller.js'

/** Calls a function once, under the same limits as where it computes cells. @throws the error of the call */
export async function callFunction(
  code: FunctionCode,
  args: readonly unknown[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (code.skipsNull && args.includes(null)) return null
  let result: { readonly value: unknown } | { readonly error: unknown } | undefined
  await callRows(code, [args], {
    signal,
    value: (_, value) => {
      result = { value }
    },
    failed: (_, error) => {
      result = { error: asComputeError(code, error) }
    },
  })
  if (result && 'value' in result) return result.value
  throw result?.error
}
