import { QueryError, SchemaError } from '../errors.js'
import type { Column, Schema } from '../types/column.js'
import { describeValue, type JsonSchema } from '../types/column-type.js'
import { toJson } from '../types/json.js'
import { setOwn } from '../types/own-property.js'
import { type ArgumentIssue, parseJsonArgument, readArguments } from './arguments.js'

/** JSON Schema (draft 2020-12) of a function's arguments: one property a parameter, in their order. */
export type ParametersSchema = {
  readonly type: 'object'
  readonly properties: Record<string, JsonSchema>
  /** The parameters that are neither nullable nor have a default. */
  readonly required: string[]
  readonly additionalProperties: false
}

/** The dialects of JSON Schema that an `InputSchema` can be converted to. */
export type JsonSchemaTarget = 'draft-2020-12' | 'draft-07'

/**
 * What a function takes: a Standard Schema, which checks arguments, and a Standard JSON Schema, which describes them to
 * a model. `I` is the object of arguments.
 * @see https://standardschema.dev
 */
export interface InputSchema<out I> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: 'pixeltable'
    readonly types?: { readonly input: I; readonly output: I } | undefined
    /** Says whether arguments fit. They stay as they are: the function reads them when it is called. */
    readonly validate: (
      value: unknown,
    ) => Promise<
      | { readonly value: I; readonly issues?: undefined }
      | { readonly issues: readonly { readonly message: string; readonly path: readonly string[] }[] }
    >
    readonly jsonSchema: {
      /** @throws QueryError for another dialect than draft 2020-12 and draft 07 */
      readonly input: (options: { readonly target: string }) => Record<string, unknown>
      /** @throws QueryError for another dialect than draft 2020-12 and draft 07 */
      readonly output: (options: { readonly target: string }) => Record<string, unknown>
    }
  }
  /** JSON Schema, draft 2020-12, as the APIs of models take it: without `$schema`. */
  readonly jsonSchema: ParametersSchema
}

/** What parameters are for, by name. */
export type Descriptions<S> = { readonly [K in keyof S]?: string }

/** Where each dialect is defined. The keywords that are used mean the same in all of them. */
const dialects: Readonly<Record<JsonSchemaTarget, string>> = {
  'draft-2020-12': 'https://json-schema.org/draft/2020-12/schema',
  'draft-07': 'http://json-schema.org/draft-07/schema#',
}

/** The schema of the parameters of a function. @throws SchemaError when a description is of no parameter */
export function inputSchemaOf<I>(
  name: string,
  parameters: Schema,
  descriptions: Readonly<Record<string, string | undefined>> = {},
): InputSchema<I> {
  checkDescriptions(name, parameters, descriptions)
  const jsonSchema = parametersSchema(parameters, descriptions)
  const convert = ({ target }: { readonly target: string }): Record<string, unknown> => {
    if (!Object.hasOwn(dialects, target)) {
      throw new QueryError(
        `${name}: expected the JSON Schema dialect ${Object.keys(dialects).join(' or ')}, got ${target}`,
      )
    }
    return { $schema: dialects[target as JsonSchemaTarget], ...structuredClone(jsonSchema) }
  }
  return Object.freeze({
    '~standard': Object.freeze({
      version: 1,
      vendor: 'pixeltable',
      validate: async (value: unknown) => {
        const issues = await issuesOf(parameters, value)
        return issues.length > 0 ? { issues } : { value: value as I }
      },
      jsonSchema: Object.freeze({ input: convert, output: convert }),
    }),
    jsonSchema,
  })
}

/** What is wrong with arguments that a model gave. */
export async function issuesOf(parameters: Schema, given: unknown): Promise<readonly ArgumentIssue[]> {
  return (await readArguments(parameters, given, parseJsonArgument)).issues
}

function checkDescriptions(name: string, parameters: Schema, descriptions: Readonly<Record<string, unknown>>): void {
  for (const [key, text] of Object.entries(descriptions)) {
    if (!Object.hasOwn(parameters, key)) {
      throw new SchemaError(
        `${name}: descriptions: there is no parameter '${key}'. It has: ${Object.keys(parameters).join(', ')}`,
      )
    }
    if (text !== undefined && typeof text !== 'string') {
      throw new SchemaError(`${name}: descriptions: '${key}': expected text, got ${describeValue(text)}`)
    }
  }
}

function parametersSchema(
  parameters: Schema,
  descriptions: Readonly<Record<string, string | undefined>>,
): ParametersSchema {
  const properties: Record<string, JsonSchema> = {}
  for (const [name, column] of Object.entries(parameters)) {
    const description = descriptions[name]
    setOwn(properties, name, {
      ...orNull(column, column.type.jsonSchema()),
      ...(description === undefined ? {} : { description }),
      ...defaultIn(column),
    })
  }
  const required = Object.keys(parameters).filter((name) => isRequired(parameters[name]!))
  return { type: 'object', properties, required, additionalProperties: false }
}

const isRequired = ({ isNullable, defaultValue }: Column<any, any, boolean>): boolean =>
  !isNullable && defaultValue === undefined

/** The schema of a parameter that may be null, too. */
function orNull({ isNullable }: Column<any, any, boolean>, schema: JsonSchema): JsonSchema {
  if (!isNullable || Object.keys(schema).length === 0) return schema
  const { type, enum: values, const: constant } = schema
  if (typeof type === 'string' && values === undefined && constant === undefined) {
    return { ...schema, type: [type, 'null'] }
  }
  return { anyOf: [schema, { type: 'null' }] }
}

/** A default that is a value, where JSON has a form for it. */
function defaultIn({ defaultValue }: Column<any, any, boolean>): JsonSchema {
  if (defaultValue === undefined || typeof defaultValue === 'function') return {}
  try {
    return { default: toJson(defaultValue) }
  } catch {
    return {}
  }
}
