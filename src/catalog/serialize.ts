import { EngineError } from '../errors.js'
import type { FunctionIdentity, ScalarFunction } from '../expr/function.js'
import type { Node } from '../expr/node.js'
import type { Stored, TypeConfig } from '../types/column-type.js'
import { dynamicType, typeOfValue } from '../types/dynamic.js'
import type { Json } from '../types/json.js'
import { typeFromConfig } from '../types/registry.js'
import type {
  ColumnDefinition,
  DefaultDefinition,
  KeyDefinition,
  SnapshotDefinition,
  TableDefinition,
} from './definition.js'

/** The catalog's JSON form of definitions. It holds names and arguments of functions, never code. */

type JsonObject = { [key: string]: any }

/** Finds the functions that a stored definition names. */
export interface Binder {
  function(identity: FunctionIdentity): ScalarFunction
}

/** A definition as JSON. `id`, `name` and `schemaVersion` are columns of the catalog's own. */
export function definitionToJson(table: TableDefinition): Json {
  const { view } = table
  return prune({
    columns: table.columns.map((column) =>
      prune({
        id: column.id,
        name: column.name,
        type: column.type.config(),
        nullable: column.nullable || undefined,
        default: column.default && defaultToJson(column.default),
        computed: column.computed && nodeToJson(column.computed),
        unstored: column.unstored,
        iterated: column.iterated,
      }),
    ),
    nextId: table.nextId,
    primaryKey: table.primaryKey,
    keys: table.keys.map(keyToJson),
    checks: table.checks.map(({ name, predicate }) => ({ name, predicate: nodeToJson(predicate) })),
    indexes: table.indexes,
    textIndexes: table.textIndexes.length > 0 ? table.textIndexes : undefined,
    comment: table.comment,
    view:
      view &&
      prune({
        base: view.base,
        where: view.where && nodeToJson(view.where),
        shows: view.shows,
        iterator: view.iterator && {
          iterator: identity(view.iterator.iterator),
          args: view.iterator.args.map(nodeToJson),
          options: view.iterator.options,
        },
      }),
  }) as Json
}

/** The definition that `definitionToJson` wrote. */
export function definitionFromJson(
  row: { readonly id: number; readonly name: string; readonly schemaVersion: number; readonly definition: string },
  binder: Binder,
): TableDefinition {
  const json = JSON.parse(row.definition) as JsonObject
  return {
    id: row.id,
    name: row.name,
    schemaVersion: row.schemaVersion,
    columns: json.columns.map((column: JsonObject) => columnFromJson(column, binder)),
    nextId: json.nextId,
    primaryKey: json.primaryKey,
    keys: json.keys.map((key: JsonObject) => keyFromJson(key, binder)),
    checks: json.checks.map(({ name, predicate }: JsonObject) => ({
      name,
      predicate: nodeFromJson(predicate, binder),
    })),
    indexes: json.indexes,
    textIndexes: json.textIndexes ?? [],
    ...(json.comment === undefined ? {} : { comment: json.comment }),
    ...(json.view === undefined
      ? {}
      : {
          view: {
            base: json.view.base,
            ...(json.view.where === undefined ? {} : { where: nodeFromJson(json.view.where, binder) }),
            ...(json.view.shows === undefined ? {} : { shows: json.view.shows }),
            ...(json.view.iterator === undefined
              ? {}
              : {
                  iterator: {
                    iterator: json.view.iterator.iterator,
                    args: json.view.iterator.args.map((arg: JsonObject) => nodeFromJson(arg, binder)),
                    options: json.view.iterator.options,
                  },
                }),
          },
        }),
  }
}

/** A snapshot as JSON. Its name is a column of the catalog's own. */
export function snapshotToJson({ base, version, where, comment }: SnapshotDefinition): Json {
  return prune({ base, version, where: where && nodeToJson(where), comment }) as Json
}

/** The snapshot that `snapshotToJson` wrote. */
export function snapshotFromJson(
  row: { readonly name: string; readonly definition: string },
  binder: Binder,
): SnapshotDefinition {
  const json = JSON.parse(row.definition) as JsonObject
  return {
    name: row.name,
    base: json.base,
    version: json.version,
    ...(json.where === undefined ? {} : { where: nodeFromJson(json.where, binder) }),
    ...(json.comment === undefined ? {} : { comment: json.comment }),
  }
}

function columnFromJson(json: JsonObject, binder: Binder): ColumnDefinition {
  return {
    id: json.id,
    name: json.name,
    type: typeFromConfig(json.type as TypeConfig),
    nullable: json.nullable ?? false,
    ...(json.default === undefined ? {} : { default: defaultFromJson(json.default) }),
    ...(json.computed === undefined ? {} : { computed: nodeFromJson(json.computed, binder) }),
    ...(json.unstored === undefined ? {} : { unstored: json.unstored }),
    ...(json.iterated === undefined ? {} : { iterated: json.iterated }),
  }
}

function keyToJson({ parts, ...key }: KeyDefinition): JsonObject {
  return { ...key, columns: parts.map((part) => (typeof part === 'string' ? part : nodeToJson(part))) }
}

function keyFromJson({ columns, ...key }: JsonObject, binder: Binder): KeyDefinition {
  const parts = columns.map((part: string | JsonObject) =>
    typeof part === 'string' ? part : nodeFromJson(part, binder),
  )
  return { ...key, parts } as unknown as KeyDefinition
}

function defaultToJson(value: DefaultDefinition): JsonObject {
  return value.kind === 'value' ? { kind: 'value', stored: storedToJson(value.stored) } : { kind: 'function' }
}

function defaultFromJson(json: JsonObject): DefaultDefinition {
  return json.kind === 'value' ? { kind: 'value', stored: storedFromJson(json.stored) } : { kind: 'function' }
}

/** A node as JSON. */
export function nodeToJson(node: Node): JsonObject {
  switch (node.kind) {
    case 'literal': {
      if (node.value === null) return { kind: 'literal', value: null }
      const type = typeOfValue(node.value)
      return { kind: 'literal', type: type.config(), value: storedToJson(type.encode(type.parse(node.value))) }
    }
    case 'function':
      return { kind: 'function', fn: identity(node.fn), args: node.args.map(nodeToJson) }
    case 'call':
    case 'lambda':
    case 'fragment':
      return { ...node, args: node.args.map(nodeToJson) }
    default:
      return { ...node }
  }
}

/** The node that `nodeToJson` wrote. */
export function nodeFromJson(json: JsonObject, binder: Binder): Node {
  const args = (): Node[] => json.args.map((arg: JsonObject) => nodeFromJson(arg, binder))
  switch (json.kind) {
    case 'literal': {
      if (json.value === null) return Object.freeze({ kind: 'literal', value: null })
      const type = json.type === undefined ? dynamicType : typeFromConfig(json.type)
      const stored = storedFromJson(json.value) as Exclude<Stored, null>
      const value = type.decode(stored, {
        openMedia: () => {
          throw new EngineError('a stored expression cannot hold a media file')
        },
      })
      return Object.freeze({ kind: 'literal', value })
    }
    case 'function':
      return Object.freeze({ kind: 'function', fn: binder.function(json.fn), args: args() })
    case 'call':
    case 'lambda':
    case 'fragment':
      return Object.freeze({ ...json, args: args() }) as unknown as Node
    default:
      return Object.freeze(json) as Node
  }
}

const identity = ({ name, version }: FunctionIdentity): FunctionIdentity => ({ name, version })

/** JSON has neither bytes nor 64-bit integers. */
function storedToJson(value: Stored): Json {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (typeof value === 'bigint') return { bigint: String(value) }
  return value
}

function storedFromJson(json: Json): Stored {
  if (typeof json !== 'object' || json === null) return json as Stored
  if ('base64' in json) return new Uint8Array(Buffer.from(json.base64 as string, 'base64'))
  return BigInt((json as { bigint: string }).bigint)
}

/** Without the properties that are undefined. */
function prune(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined))
}
