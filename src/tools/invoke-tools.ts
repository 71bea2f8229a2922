import { callOf } from '../compute/udf.js'
import { ComputeError, NotFoundError, QueryError, ValidationError } from '../errors.js'
import type { Expr, ExprFor, NullOf } from '../expr/expression.js'
import { type FunctionCode, type FunctionIdentity, identityOf, type NamedCall } from '../expr/function.js'
import { describeValue } from '../types/column-type.js'
import { jsonType, toJson } from '../types/json.js'
import { setOwn } from '../types/own-property.js'
import { messageOf } from './arguments.js'
import { issuesOf } from './input-schema.js'
import { type Callable, callable } from './tool.js'
import { type ToolCall, toolCallsIn } from './tool-calls.js'

/** Tools by the names that the model calls: the object that the AI SDK takes as `tools`. */
export type ToolSet = Readonly<Record<string, Callable<unknown>>>

/** The results of tool calls: of each tool in the order of its calls; null for a tool that was not called. */
export type ToolResults<T extends ToolSet> = {
  -readonly [K in keyof T]: (T[K] extends Callable<infer O> ? O : never)[] | null
}

/** The name under which computed columns remember this function. */
const functionName = 'pixeltable.invoke_tools'

/** Rows whose calls run at a time. */
const concurrency = 16

/**
 * Runs the tool calls that a model asked for, in a computed column: an object with the results of each tool, in the
 * order of its calls, or null where it was not called. The results are JSON.
 *
 * The calls of a row run at the same time, after all their arguments were checked. The cell fails, and says why, when a
 * tool is called that is not among `tools`, when arguments do not fit, or when a tool fails. A response that is null
 * gives null.
 *
 * The file remembers the names of the functions: a program that opens it again defines them again, as for other
 * computed columns.
 *
 * @param response the response of a model, or the tool calls in it, as JSON: of OpenAI (chat completions and
 *   responses), Anthropic, Gemini, Bedrock, Ollama or the AI SDK. Calls that the provider ran itself are left out
 * @param tools by the names that the model calls: tools, or the functions that they are made of
 * @throws QueryError when one of `tools` is neither a tool nor a function with named parameters
 * @example
 * ```ts
 * import { invokeTools, Pixeltable, t, udf } from 'pixeltable'
 * const weather = udf({ name: 'weather', parameters: { city: t.string() } }, (city: string) => `sunny in ${city}`)
 * const pxt = await Pixeltable.open(':memory:')
 * const chats = await pxt.createTable('chats', { response: t.json() })
 * const answered = await chats.addComputedColumn('results', (c) => invokeTools(c.response, { weather }))
 * await answered.insert({ response: { content: [{ type: 'tool_use', name: 'weather', input: { city: 'Rome' } }] } })
 * console.log((await answered.firstOrThrow()).results) // { weather: ['sunny in Rome'] }
 * ```
 */
export function invokeTools<const T extends ToolSet, V>(
  response: Expr<V>,
  tools: T,
): ExprFor<ToolResults<T> | NullOf<V>> {
  const functions = new Map<string, FunctionCode>()
  const identities: Record<string, FunctionIdentity> = {}
  for (const [name, tool] of Object.entries(tools)) {
    const fn = tool?.[callable]
    if (!fn) {
      throw new QueryError(
        `invokeTools(): '${name}': expected a tool, a query function, or a udf with parameters, got ${describeValue(tool)}`,
      )
    }
    functions.set(fn.name, fn)
    setOwn(identities, name, { name: fn.name, version: fn.version })
  }
  return callOf(
    toolInvoker((name) => functions.get(name)),
    [response, identities],
  )
}

/**
 * The function behind `invokeTools`, which finds the functions of tools by name. A file that is opened again brings
 * names alone, and what they mean in it.
 */
export function toolInvoker(find: (name: string) => FunctionCode | undefined): FunctionCode {
  return {
    name: functionName,
    version: 1,
    returns: jsonType(),
    skipsNull: true,
    batchSize: 1,
    asynchronous: true,
    reads: true,
    concurrency,
    call: async ([args], { signal }) => {
      const [response, tools] = args as [unknown, Readonly<Record<string, FunctionIdentity>>]
      return [await invoke(toolCallsIn(response), tools, find, signal)]
    },
  }
}

async function invoke(
  calls: readonly ToolCall[],
  tools: Readonly<Record<string, FunctionIdentity>>,
  find: (name: string) => FunctionCode | undefined,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const found = calls.map(({ name, input }) => ({ name, input, ...lookUp(name, tools, find) }))
  // Nothing is called, and paid for, before all of it can be.
  for (const { name, input, named } of found) {
    const issues = await issuesOf(named.parameters, input)
    if (issues.length > 0) {
      throw new ValidationError(`the tool '${name}' was called with arguments that do not fit: ${messageOf(issues)}`)
    }
  }
  const settled = await Promise.allSettled(
    found.map(async ({ input, named }) => toJson(await named.call(input as Record<string, unknown>, signal))),
  )
  const results: Record<string, unknown[] | null> = {}
  for (const name of Object.keys(tools)) setOwn(results, name, null)
  settled.forEach((outcome, i) => {
    const { name, fn } = found[i]!
    if (outcome.status === 'rejected') {
      signal?.throwIfAborted()
      const { reason: cause } = outcome
      const message = cause instanceof Error ? cause.message : String(cause)
      throw new ComputeError(`the tool '${name}' failed: ${message}`, { function: identityOf(fn), cause })
    }
    results[name] = [...(results[name] ?? []), outcome.value]
  })
  return results
}

/** The function of a tool. @throws ValidationError, NotFoundError */
function lookUp(
  name: string,
  tools: Readonly<Record<string, FunctionIdentity>>,
  find: (name: string) => FunctionCode | undefined,
): { readonly fn: FunctionCode; readonly named: NamedCall } {
  if (!Object.hasOwn(tools, name)) {
    throw new ValidationError(
      `the model called '${name}', which is not among the tools: ${Object.keys(tools).join(', ')}`,
    )
  }
  const identity = tools[name]!
  const fn = find(identity.name)
  if (!fn) {
    throw new NotFoundError(
      `the function '${identity.name}' is needed for the tool '${name}', but this program has not defined it: import the module that defines it, or pass it to Pixeltable.open(path, { functions })`,
    )
  }
  if (!fn.named) {
    throw new NotFoundError(`the function '${identity.name}' is needed for the tool '${name}', but has no parameters`)
  }
  return { fn, named: fn.named }
}
