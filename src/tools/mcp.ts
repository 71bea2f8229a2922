import type { InputSchema } from './input-schema.js'

/**
 * The arguments of `registerTool` of an MCP server. Version 2 of the SDK (`@modelcontextprotocol/server`) takes them as
 * they are. Version 1 (`@modelcontextprotocol/sdk`) takes the schemas of zod alone: give it
 * `z.fromJSONSchema(inputSchema.jsonSchema)`.
 */
export type McpTool<I> = [
  name: string,
  config: { readonly description: string; readonly inputSchema: InputSchema<I> },
  handler: (input: I, context?: McpContext) => Promise<McpResult>,
]

/** What an MCP server tells of a request, as far as tools need it: version 1 of the SDK has `signal` at the top. */
export interface McpContext {
  readonly signal?: AbortSignal | undefined
  readonly mcpReq?: { readonly signal?: AbortSignal | undefined } | undefined
}

/** The result of a tool in MCP: JSON as text, and as the object that `structuredContent` must be. */
export type McpResult = {
  content: { type: 'text'; text: string }[]
  /** The result where it is an object, else an object that has it as `result`. */
  structuredContent: Record<string, unknown>
}

/** A tool in the terms of MCP. What `execute` throws the server turns into a result that `isError`. */
export function mcpTool<I>(
  name: string,
  description: string,
  inputSchema: InputSchema<I>,
  execute: (input: I, options: { readonly abortSignal: AbortSignal | undefined }) => Promise<unknown>,
): McpTool<I> {
  const handler = async (input: I, context: McpContext = {}): Promise<McpResult> => {
    const result = await execute(input, { abortSignal: context.mcpReq?.signal ?? context.signal })
    const text = typeof result === 'string' ? result : JSON.stringify(result)
    const isObject = typeof result === 'object' && result !== null && !Array.isArray(result)
    return {
      content: [{ type: 'text', text }],
      structuredContent: isObject ? (result as Record<string, unknown>) : { result },
    }
  }
  return [name, { description, inputSchema }, handler]
}
