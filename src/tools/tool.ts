import { SchemaError, ValidationError } from '../errors.js'
import type { FunctionCode } from '../expr/function.js'
import { describeValue } from '../types/column-type.js'
import { toJson } from '../types/json.js'
import { messageOf } from './arguments.js'
import { type Descriptions, type InputSchema, inputSchemaOf, issuesOf } from './input-schema.js'
import { type McpTool, mcpTool } from './mcp.js'

/** What a function says of itself to a model. */
export interface FunctionDescription<S> {
  /** What the function does and when to use it. */
  readonly description?: string
  /** What the parameters are for, by name. */
  readonly descriptions?: Descriptions<S>
}

/** Options of `toTool`. */
export interface ToolOptions {
  /** What the tool does and when to use it: all that a model knows of it. @default the function's description */
  readonly description?: string
  /**
   * The name that the model calls: 1 to 64 letters, digits, underscores and hyphens, which all providers take.
   * @default the function's name
   */
  readonly name?: string
}

/** How a tool is called. */
export interface ToolExecuteOptions {
  /** Stops the call. */
  readonly abortSignal?: AbortSignal | undefined
}

/** What marks an object as something that `invokeTools` can call. */
export const callable: unique symbol = Symbol.for('pixeltable.tool')

/** What `invokeTools` calls: a tool, or a function that could be one. `O` is its result as JSON. */
export interface Callable<out O> {
  /** Phantom type, for inference only. */
  readonly $output?: O
  /** @internal */
  readonly [callable]: FunctionCode
}

/** A function with named parameters: `I` is the object of arguments, `O` its result as JSON. */
export interface ToolFunction<in out I, out O> extends Callable<O> {
  /** What it takes, as Standard Schema and as JSON Schema. */
  readonly inputSchema: InputSchema<I>
  /**
   * The function as a tool of a model: an object that the AI SDK takes as it is. `mcp()` gives what MCP servers take,
   * and `name`, `description` and `inputSchema.jsonSchema` what the APIs of models take.
   *
   * @throws SchemaError without a description, and when the name is none that all providers take
   * @example
   * ```ts
   * import { Pixeltable, query, t } from 'pixeltable'
   * const pxt = await Pixeltable.open(':memory:')
   * const films = await pxt.createTable('films', { title: t.string(), year: t.int() })
   * await films.insert({ title: 'Heat', year: 1995 })
   * const since = query('films_since', { year: t.int() }, (p) => films.where((c) => c.year.gte(p.year)))
   * const tool = since.toTool({ description: 'Films since a year' })
   * console.log(tool.inputSchema.jsonSchema.required, await tool.execute({ year: 1990 }))
   * ```
   */
  toTool(options?: ToolOptions): Tool<I, O>
}

/** A tool of a model: `I` is the object of arguments, `O` its result as JSON. */
export interface Tool<in out I, out O> extends Callable<O> {
  readonly name: string
  readonly description: string
  readonly inputSchema: InputSchema<I>
  /**
   * Calls the function; the result is JSON.
   * @throws ValidationError when the arguments do not fit
   */
  execute(input: I, options?: ToolExecuteOptions): Promise<O>
  /** The arguments of an MCP server's `registerTool`: `server.registerTool(...tool.mcp())`. */
  mcp(): McpTool<I>
}

/** What names are taken by OpenAI, Anthropic, Gemini, Bedrock and MCP. */
const namePattern = /^[A-Za-z0-9_-]{1,64}$/

/**
 * What makes a function a `ToolFunction`; nothing where it has no named parameters.
 * @throws SchemaError when a description is not valid
 */
export function toolFunction<I, O>(
  definition: FunctionCode,
  { description: ownDescription, descriptions }: FunctionDescription<any>,
): ToolFunction<I, O> | undefined {
  const { named } = definition
  if (!named) return undefined
  const inputSchema = inputSchemaOf<I>(definition.name, named.parameters, descriptions)
  return {
    inputSchema,
    toTool({ name = definition.name, description = ownDescription } = {}) {
      if (typeof name !== 'string' || !namePattern.test(name)) {
        throw new SchemaError(
          `toTool(): name: expected 1 to 64 letters, digits, '_' and '-', got ${describeValue(name)}`,
        )
      }
      if (typeof description !== 'string' || description === '') {
        throw new SchemaError(
          `toTool(): description: expected what '${name}' does, for the model, got ${describeValue(description)}`,
        )
      }
      const execute = async (input: I, { abortSignal }: ToolExecuteOptions = {}): Promise<O> => {
        // A model gave them, whoever calls: what a schema refuses, such as a path of this machine, must not get through.
        const issues = await issuesOf(named.parameters, input)
        if (issues.length > 0) throw new ValidationError(`${name}(): ${messageOf(issues)}`)
        return toJson(await named.call(input as Record<string, unknown>, abortSignal)) as O
      }
      const mcp = () => mcpTool(name, description, inputSchema, execute)
      return { name, description, inputSchema, execute, mcp, [callable]: definition }
    },
    [callable]: definition,
  }
}
