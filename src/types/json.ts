import { ValidationError } from '../errors.js'
import { type ColumnType, type JsonSchema, mismatch } from './column-type.js'
import { setOwn } from './own-property.js'

/** Any value that JSON can carry. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** What a value is once it is JSON: a Date is text, a file its record. What JSON has no form for is left out. */
export type JsonOf<T> = 0 extends 1 & T
  ? any
  : unknown extends T
    ? unknown
    : T extends { toJSON(): infer J }
      ? JsonOf<J>
      : T extends string | number | boolean | null
        ? T
        : T extends readonly (infer E)[]
          ? JsonOf<E>[]
          : T extends ArrayBufferView
            ? never
            : T extends object
              ? { [K in keyof T]: JsonOf<T[K]> }
              : never

/**
 * The part of Standard Schema v1 that is read here. Schemas of zod, valibot and arktype fit without a dependency.
 * @see https://standardschema.dev
 */
export interface StandardSchema<out T = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly types?: { readonly output: T } | undefined
    readonly validate: (value: unknown) => StandardResult<T> | PromiseLike<StandardResult<T>>
    /** Standard JSON Schema, where the library has it: what it takes, as JSON Schema. */
    readonly jsonSchema?: { readonly input: (options: { readonly target: 'draft-2020-12' }) => JsonSchema } | undefined
  }
}

/** Whether a type is JSON, whose values only show at run time what they are. */
export const isJson = (type: ColumnType): boolean => type.name === 'json'

type StandardResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** JSON, stored as text. With a schema every value is validated and takes the form that the schema gives it. */
export function jsonType<T = unknown>(schema?: StandardSchema<T>): ColumnType<T> {
  return {
    name: 'json',
    storage: 'text',
    operators: ['order', 'number', 'text', 'bool', 'json'],
    config: () => (schema === undefined ? { name: 'json' } : { name: 'json', validated: true }),
    parse(value) {
      if (schema === undefined) return toJson(value) as T
      const result = schema['~standard'].validate(value)
      return 'then' in result ? Promise.resolve(result).then(accept) : accept(result)
    },
    encode: (value) => JSON.stringify(value),
    decode: (stored) => JSON.parse(String(stored)) as T,
    jsonSchema: () => describeInput(schema),
  }

  function accept(result: StandardResult<T>): T {
    if (result.issues) {
      throw new ValidationError(`expected a value that fits the schema: ${result.issues.map(issueText).join('; ')}`)
    }
    return toJson(result.value) as T
  }
}

/** What a schema takes; anything, where it cannot say it. */
function describeInput(schema: StandardSchema | undefined): JsonSchema {
  try {
    const { $schema: _dialect, ...described } =
      schema?.['~standard'].jsonSchema?.input({ target: 'draft-2020-12' }) ?? {}
    return described
  } catch {
    // A schema may hold what JSON Schema has no words for: a transform, a Date.
    return {}
  }
}

function issueText(issue: StandardIssue): string {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
  return path === '' ? issue.message : `${path}: ${issue.message}`
}

/**
 * The value as JSON carries it: `toJSON` applied, `undefined` properties gone. What JSON would silently change (NaN, a
 * function, a bigint, a cycle, a Map) is refused instead. A copy, so that a later change by the caller changes nothing.
 */
export function toJson(value: unknown): Json {
  return copy(value, '', [])
}

function copy(value: unknown, path: string, parents: readonly object[]): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value !== 'object') throw notJson(value, path)
  if (parents.includes(value)) throw new TypeError(`expected JSON, got a cycle${at(path)}`)
  if ('toJSON' in value && typeof value.toJSON === 'function') return copy(value.toJSON(), path, [...parents, value])
  const inside = [...parents, value]
  if (Array.isArray(value)) return value.map((item, i) => copy(item, `${path}[${i}]`, inside))
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw notJson(value, path)
  const result: { [key: string]: Json } = {}
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue
    setOwn(result, key, copy(item, path === '' ? key : `${path}.${key}`, inside))
  }
  return result
}

function notJson(value: unknown, path: string): TypeError {
  return new TypeError(
    `${mismatch('JSON (null, boolean, finite number, string, array, plain object)', value).message}${at(path)}`,
  )
}

const at = (path: string): string => (path === '' ? '' : ` at ${path}`)
