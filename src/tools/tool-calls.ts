import { ValidationError } from '../errors.js'
import { describeValue } from '../types/column-type.js'

/** What a model asks for. */
export interface ToolCall {
  readonly name: string
  /** The arguments, parsed where the provider gives them as text. */
  readonly input: unknown
}

/**
 * The tool calls in the response of a model, in their order: of OpenAI (chat completions and responses), Anthropic,
 * Gemini, Bedrock, Ollama or the AI SDK, as a whole or from any level on down to the list of calls.
 * @throws ValidationError for anything else
 */
export function toolCallsIn(response: unknown): ToolCall[] {
  const parts = partsOf(response)
  if (!parts) {
    throw new ValidationError(
      `expected the response of a model or its tool calls (of OpenAI, Anthropic, Gemini, Bedrock, Ollama or the AI SDK), got ${describeValue(response)}`,
    )
  }
  return parts.flatMap((part) => callIn(part) ?? [])
}

/** The list among whose elements the calls are; empty where the response has none. */
function partsOf(response: unknown): readonly unknown[] | undefined {
  if (Array.isArray(response)) return response
  if (!isObject(response)) return undefined
  // From the outside in. What a response was wrapped in says whose it is.
  if (Array.isArray(response.choices)) return partsOf(at(response.choices[0], 'message')) ?? []
  if (Array.isArray(response.candidates)) return partsOf(at(response.candidates[0], 'content')) ?? []
  if (isObject(response.output)) return partsOf(response.output.message) ?? []
  if (isObject(response.message)) return partsOf(response.message) ?? []
  for (const list of ['toolCalls', 'tool_calls', 'functionCalls', 'output', 'parts', 'content']) {
    if (Array.isArray(response[list])) return response[list]
  }
  // A message without calls: text alone, or Gemini's content without parts.
  return 'content' in response || 'role' in response ? [] : undefined
}

/** The call that an element is; undefined for text, reasoning and what the provider called itself. */
function callIn(part: unknown): ToolCall | undefined {
  if (!isObject(part) || part.providerExecuted === true) return undefined
  const { type } = part
  // OpenAI: chat completions, then responses.
  if (isObject(part.function)) return call(part.function.name, part.function.arguments)
  if (type === 'function_call') return call(part.name, part.arguments)
  // Anthropic, Bedrock.
  if (type === 'tool_use') return call(part.name, part.input)
  if (isObject(part.toolUse)) return call(part.toolUse.name, part.toolUse.input)
  // Gemini: a part of the content, or an element of the SDK's `functionCalls`.
  if (isObject(part.functionCall)) return call(part.functionCall.name, part.functionCall.args)
  if (type === undefined && 'name' in part && 'args' in part) return call(part.name, part.args)
  // The AI SDK.
  if (type === 'tool-call' || (type === undefined && 'toolName' in part)) return call(part.toolName, part.input)
  return undefined
}

function call(name: unknown, input: unknown): ToolCall {
  if (typeof name !== 'string') {
    throw new ValidationError(`a tool call has no name: expected text, got ${describeValue(name)}`)
  }
  return { name, input: typeof input === 'string' ? parsed(name, input) : (input ?? {}) }
}

function parsed(name: string, text: string): unknown {
  // Some models write nothing where there are no arguments.
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ValidationError(`the arguments of '${name}' are not JSON: ${(cause as Error).message}`, { cause })
  }
}

type Properties = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const at = (value: unknown, key: string): unknown => (isObject(value) ? value[key] : undefined)
