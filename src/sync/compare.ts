import { isDeepStrictEqual } from 'node:util'
import type {
  ColumnDefinition,
  DefaultDefinition,
  IndexDefinition,
  KeyDefinition,
  KeyPart,
  TableDefinition,
} from '../catalog/definition.js'
import { nodeToJson } from '../catalog/serialize.js'
import { methodInWords } from '../compute/index-method.js'
import { partsInWords } from '../compute/keys.js'
import { SchemaError } from '../errors.js'
import { type Node, transform } from '../expr/node.js'
import type { ColumnType } from '../types/column-type.js'

/** Whether two expressions are the same but for the versions of their functions, as the file would store them. */
export function sameExpression(a: Node | undefined, b: Node | undefined): boolean {
  return isDeepStrictEqual(a && stored(a), b && stored(b))
}

const stored = (node: Node): unknown =>
  asStored(nodeToJson(transform(node, (n) => (n.kind === 'function' ? { ...n, fn: { ...n.fn, version: 0 } } : n))))

/** A value as it comes back from the file. */
const asStored = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** Whether options of an iterator are those that the file has. */
export const sameOptions = (a: unknown, b: unknown): boolean => isDeepStrictEqual(asStored(a), asStored(b))

/** Whether two columns hold values of the same type. A validator is code, and not a part of it. */
export const sameType = (a: ColumnDefinition, b: ColumnDefinition): boolean =>
  a.nullable === b.nullable && isDeepStrictEqual(configOf(a.type), configOf(b.type))

/** Whether rows that are inserted without a value get the same one. Two functions are taken for the same. */
export const sameDefault = (a: DefaultDefinition | undefined, b: DefaultDefinition | undefined): boolean =>
  a?.kind === b?.kind && (a?.kind !== 'value' || b?.kind !== 'value' || isDeepStrictEqual(a.stored, b.stored))

function configOf(type: ColumnType<any>): Record<string, unknown> {
  const { validated: _, ...config } = type.config()
  return asStored(config) as Record<string, unknown>
}

/** A type in words: `string`, `string, nullable`, `vector {"dimensions":3}`. */
export function typeInWords({ type, nullable }: ColumnDefinition): string {
  const { name, ...parameters } = configOf(type)
  const shown = Object.keys(parameters).length === 0 ? name : `${name} ${JSON.stringify(parameters)}`
  return `${shown}${nullable ? ', nullable' : ''}`
}

/** @throws SchemaError when a stored column is not what is declared: its values cannot be carried over */
export function checkSameColumn(table: TableDefinition, found: ColumnDefinition, wanted: ColumnDefinition): void {
  const has = found.computed ? 'is computed' : found.iterated ? "is the iterator's" : undefined
  if (has === undefined && sameType(found, wanted)) return
  throw new SchemaError(
    `column '${wanted.name}' of '${table.name}' is declared as ${typeInWords(wanted)}, and in the file it ${has ?? `is ${typeInWords(found)}`}: declare it so, or add a column of another name, copy the values with update(), and drop this one`,
  )
}

/** What an index is, in words. */
export const indexInWords = ({ column, metric, multi, embedder, precision, method }: IndexDefinition): string =>
  `${multi ? 'MaxSim, ' : ''}${metric} on ${column}${embedder ? ` by ${embedder.name}` : ''}${precision ? `, ${precision}` : ''}${method ? `, ${methodInWords(method)}` : ''}`

/** Whether two embedding indexes hold the same vectors, but for the version of the model. */
export const sameIndex = (a: IndexDefinition, b: IndexDefinition): boolean =>
  a.column === b.column &&
  a.metric === b.metric &&
  a.multi === b.multi &&
  a.precision === b.precision &&
  a.embedder?.name === b.embedder?.name

/** Whether two embedding indexes are searched alike. */
export const sameMethod = (a: IndexDefinition, b: IndexDefinition): boolean => isDeepStrictEqual(a.method, b.method)

/** What an ordered index is, in words. */
export const keyInWords = ({ parts, unique }: KeyDefinition): string =>
  `${unique ? 'unique ' : ''}on ${partsInWords(parts).join(', ')}`

/** Whether two ordered indexes are over the same columns and expressions. */
export const sameKey = (a: KeyDefinition, b: KeyDefinition): boolean =>
  a.unique === b.unique && a.parts.length === b.parts.length && a.parts.every((part, i) => samePart(part, b.parts[i]!))

const samePart = (a: KeyPart, b: KeyPart): boolean =>
  typeof a === 'string' || typeof b === 'string' ? a === b : sameExpression(a, b)
