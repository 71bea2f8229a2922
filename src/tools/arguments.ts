import { ValidationError } from '../errors.js'
import type { Column, Schema } from '../types/column.js'
import { type ColumnType, describeValue, mismatch } from '../types/column-type.js'
import { isMedia } from '../types/media.js'
import { setOwn } from '../types/own-property.js'

/** What is wrong with arguments, and with which. */
export interface ArgumentIssue {
  readonly message: string
  /** The parameter; empty where the arguments are none at all. */
  readonly path: readonly string[]
}

/** Turns what was given for a parameter into its value. @throws Error whose message reads "expected …, got …" */
export type ParseArgument = (type: ColumnType<any>, value: unknown) => unknown

/** A value of the parameter's type. */
export const parseArgument: ParseArgument = (type, value) => type.parse(decoded(type, value))

/** The same, of what a model gave: JSON, in which a file is a URL. */
export const parseJsonArgument: ParseArgument = (type, value) =>
  type.media ? remoteFile(value) : parseArgument(type, value)

/** Reads the arguments of a call: those that were left out have their defaults, or are null. */
export async function readArguments(
  parameters: Schema,
  given: unknown,
  read: ParseArgument,
): Promise<{ readonly values: Record<string, unknown>; readonly issues: readonly ArgumentIssue[] }> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { values: {}, issues: [{ message: mismatch('an object of arguments', given).message, path: [] }] }
  }
  const names = Object.keys(parameters)
  const issues: ArgumentIssue[] = Object.keys(given)
    .filter((name) => !Object.hasOwn(parameters, name))
    .map((name) => ({ message: `there is no parameter '${name}'. It has: ${names.join(', ')}`, path: [name] }))
  const values: Record<string, unknown> = {}
  for (const name of names) {
    const column = parameters[name]!
    const value = Object.hasOwn(given, name) ? (given as Record<string, unknown>)[name] : undefined
    try {
      const chosen = value === undefined ? defaultOf(column) : value
      setOwn(values, name, chosen === null ? null : await read(column.type, chosen))
      if (chosen === null && !column.isNullable) {
        issues.push({ message: `the parameter '${name}' is required`, path: [name] })
      }
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : describeValue(cause)
      issues.push({ message: `the parameter '${name}': ${message}`, path: [name] })
    }
  }
  return { values, issues }
}

/** The values of a call's arguments. @throws ValidationError that names the parameters that do not fit */
export async function checkArguments(
  name: string,
  parameters: Schema,
  given: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const { values, issues } = await readArguments(parameters, given, parseArgument)
  if (issues.length > 0) throw new ValidationError(`${name}(): ${messageOf(issues)}`)
  return values
}

/** All issues in one line. */
export const messageOf = (issues: readonly ArgumentIssue[]): string => issues.map(({ message }) => message).join('; ')

const defaultOf = ({ defaultValue }: Column<any, any, boolean>): unknown =>
  typeof defaultValue === 'function' ? defaultValue() : (defaultValue ?? null)

const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/

/** Bytes are base64 text in JSON, as the type's JSON Schema says. */
function decoded(type: ColumnType<any>, value: unknown): unknown {
  if (typeof value !== 'string' || type.jsonSchema().contentEncoding !== 'base64') return value
  if (!base64.test(value)) throw mismatch('bytes, or base64 text', value)
  return new Uint8Array(Buffer.from(value, 'base64'))
}

/** A model may name a file of the web, not one of this machine. What is a file already, no model gave. */
function remoteFile(value: unknown): unknown {
  const isFile = isMedia(value) || value instanceof Uint8Array || value instanceof Blob || value instanceof URL
  if (isFile || (typeof value === 'string' && /^(https?|data):/i.test(value))) return value
  throw mismatch('an http:, https: or data: URL', value)
}
