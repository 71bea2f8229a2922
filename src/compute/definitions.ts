import { Catalog, foldName } from '../catalog/catalog.js'
import type { CheckDefinition, ColumnDefinition, DefaultDefinition, TableDefinition } from '../catalog/definition.js'
import { checkName } from '../catalog/names.js'
import { SchemaError } from '../errors.js'
import { type Expression, expression, makeRefs, predicateOf } from '../expr/expression.js'
import type { Node } from '../expr/node.js'
import { typeOfNode } from '../expr/type-of.js'
import type { Schema } from '../types/column.js'
import { type ColumnType, describeValue } from '../types/column-type.js'
import { withKey } from './keys.js'
import { checkStorable, typeOfColumn } from './storable.js'

/** What `createTable` makes, checked. */
export interface NewTable {
  readonly name: string
  readonly schema: Schema
  readonly primaryKey: readonly string[]
  /** Lists of columns in which no two rows may be equal. */
  readonly unique?: readonly (string | readonly string[])[] | undefined
  /** Predicates that no row may make false, by name. */
  readonly check?: Readonly<Record<string, (refs: never) => unknown>> | undefined
  readonly comment?: string | undefined
}

/** The definition of a new table. @throws SchemaError before anything is written */
export function defineTable(
  id: number,
  { name, schema, primaryKey, unique, check, comment }: NewTable,
): TableDefinition {
  const columns = defineColumns(schema, 1)
  if (columns.length === 0) throw new SchemaError(`'${name}': a table needs at least one column`)
  for (const key of primaryKey) {
    const column = columns.find((c) => c.name === key)
    if (!column) throw new SchemaError(`'${name}': the primary key names '${key}', which is no column`)
    if (column.nullable) throw new SchemaError(`'${name}': the primary key column '${key}' cannot be nullable`)
    if (!column.type.operators.includes('order')) {
      throw new SchemaError(`'${name}': a ${column.type.name} column cannot be a primary key`)
    }
  }
  if (new Set(primaryKey).size !== primaryKey.length)
    throw new SchemaError(`'${name}': the primary key repeats a column`)
  let table: TableDefinition = {
    id,
    name,
    columns,
    nextId: columns.length + 1,
    primaryKey,
    keys: [],
    checks: [],
    indexes: [],
    textIndexes: [],
    schemaVersion: 1,
    ...(comment === undefined ? {} : { comment }),
  }
  for (const names of unique ?? []) table = withKey(alone(table), table, [names].flat(), { unique: true })
  return check === undefined ? table : { ...table, checks: defineChecks(table, check) }
}

/** Predicates over a table's own columns, by name. @throws SchemaError, QueryError */
export function defineChecks(
  table: TableDefinition,
  check: Readonly<Record<string, (refs: never) => unknown>>,
): CheckDefinition[] {
  const refs = makeRefs(
    table.columns.map(({ name, type }) => [name, columnExpression(table, name, type)] as const),
    `'${table.name}'`,
    expression<Expression>({ kind: 'rowid', table: table.id }),
  )
  return Object.entries(check).map(([name, callback]) => {
    if (typeof callback !== 'function') {
      throw new SchemaError(
        `check '${name}': expected a callback such as (c) => c.price.gte(0), got ${describeValue(callback)}`,
      )
    }
    const predicate = predicateOf(callback, refs)
    checkStorable(alone(table), table, predicate, `the check '${name}'`)
    return { name, predicate }
  })
}

/** A catalog of nothing else, for a table that reads no other. */
const alone = (table: TableDefinition): Catalog => new Catalog(0, [], [table])

const columnExpression = (table: TableDefinition, name: string, type: ColumnType<any>): Expression =>
  expression<Expression>({ kind: 'column', table: table.id, name }, type)

/** The next definition of a table. */
export const altered = (table: TableDefinition, change: Partial<TableDefinition>): TableDefinition => ({
  ...table,
  ...change,
  schemaVersion: table.schemaVersion + 1,
})

/** The columns that a schema declares, with ids from `firstId` on. @throws SchemaError */
export function defineColumns(schema: Schema, firstId: number): ColumnDefinition[] {
  if (typeof schema !== 'object' || schema === null) {
    throw new SchemaError(
      `schema: expected an object of columns such as { title: t.string() }, got ${describeValue(schema)}`,
    )
  }
  const columns = Object.entries(schema).map(([name, column], i): ColumnDefinition => {
    checkName(name, 'column')
    const { type, isNullable, defaultValue } = column ?? {}
    if (type === undefined || typeof type.parse !== 'function') {
      throw new SchemaError(`column '${name}': expected a type such as t.string(), got ${describeValue(column)}`)
    }
    return {
      id: firstId + i,
      name,
      type,
      nullable: isNullable,
      ...(defaultValue === undefined ? {} : { default: defineDefault(name, type, defaultValue) }),
    }
  })
  checkDistinct(columns.map((column) => column.name))
  return columns
}

function defineDefault(name: string, type: ColumnType<any>, value: unknown): DefaultDefinition {
  if (typeof value === 'function') return { kind: 'function', make: value as () => unknown }
  if (value === null) return { kind: 'value', stored: null }
  if (type.media) throw new SchemaError(`column '${name}': the default of a ${type.name} column must be a function`)
  try {
    return { kind: 'value', stored: type.encode(type.parse(value)) }
  } catch (cause) {
    throw new SchemaError(`column '${name}': the default does not fit: ${(cause as Error).message}`, { cause })
  }
}

function checkDistinct(names: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const name of names) {
    const other = seen.get(foldName(name))
    if (other !== undefined) {
      throw new SchemaError(`columns '${other}' and '${name}' have the same name: SQL ignores the case of letters`)
    }
    seen.set(foldName(name), name)
  }
}

/** The definition of a computed column. @throws QueryError, NotFoundError when its expression cannot be stored */
export function defineComputed(
  catalog: Catalog,
  table: TableDefinition,
  column: {
    readonly id: number
    readonly name: string
    readonly value: Node
    readonly what: string
    readonly unstored?: boolean
  },
): ColumnDefinition {
  const { id, name, value, what, unstored = false } = column
  checkStorable(catalog, table, value, what)
  return {
    id,
    name,
    type: typeOfNode(value, typeOfColumn(catalog, table)),
    nullable: true,
    computed: value,
    ...(unstored ? { unstored } : {}),
  }
}
