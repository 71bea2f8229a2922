import type { Catalog } from '../catalog/catalog.js'
import { columnsOfKey, type KeyDefinition, type KeyPart, type TableDefinition } from '../catalog/definition.js'
import { NotFoundError, QueryError, SchemaError } from '../errors.js'
import { isExpression } from '../expr/expression.js'
import { identityOf } from '../expr/function.js'
import { type CallNode, type ColumnNode, columnNode, type Node, some, transform, visit } from '../expr/node.js'
import { operators } from '../expr/operators/index.js'
import { printNode } from '../expr/print.js'
import { typeOfNode } from '../expr/type-of.js'
import { type ColumnType, describeValue } from '../types/column-type.js'
import { checkIndexName, freeName } from './index-names.js'
import { checkStorable, typeOfColumn } from './storable.js'

/**
 * What an ordered index is to go by: names of columns, or what a callback gives for the columns as expressions.
 * @throws QueryError when it is something else
 */
export function keyParts(given: unknown, refs: () => unknown, where: string): KeyPart[] {
  if (typeof given !== 'function') {
    for (const name of [given].flat()) {
      if (typeof name === 'string') continue
      throw new QueryError(
        `${where}: expected names of columns, or a callback such as (c) => [c.kind, c.name.lower()], got ${describeValue(name)}`,
      )
    }
    return [given].flat() as string[]
  }
  return [(given as (refs: unknown) => unknown)(refs())].flat().map((part: unknown) => {
    if (isExpression(part)) return part.node
    throw new QueryError(`${where}: expected an expression such as c.name.lower(), got ${describeValue(part)}`)
  })
}

/** Columns by name, and expressions in words. */
export const partsInWords = (parts: readonly KeyPart[]): string[] =>
  parts.map((part) => (typeof part === 'string' ? part : printNode(part)))

/** The name of an ordered index that is given none. */
export const keyName = (parts: readonly KeyPart[]): string =>
  parts.map((part) => (typeof part === 'string' ? part : wordsOf(part))).join('_')

/** The words of an expression: `name_lower`, `data_get_kind`. */
const wordsOf = (node: Node): string =>
  printNode(node)
    .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
    .replaceAll(/^_|_$/g, '')
    .slice(0, longestWords)

const longestWords = 60

/** A table with one more ordered index. @throws NotFoundError, SchemaError, QueryError, ExistsError */
export function withKey(
  catalog: Catalog,
  table: TableDefinition,
  given: readonly KeyPart[],
  { name, unique = false }: { readonly name?: string | undefined; readonly unique?: boolean | undefined },
): TableDefinition {
  if (given.length === 0) throw new SchemaError(`'${table.name}': an index needs at least one column or expression`)
  const parts = given.map((part) => checkPart(catalog, table, part))
  if (name !== undefined) checkIndexName(table, name)
  const key: KeyDefinition = { id: table.nextId, name: name ?? freeName(table, keyName(parts)), parts, unique }
  return { ...table, keys: [...table.keys, key], nextId: table.nextId + 1 }
}

/** @throws SchemaError when a column that was replaced cannot be in the ordered indexes that read it any more */
export function checkStillOrdered(catalog: Catalog, table: TableDefinition, column: string): void {
  for (const key of table.keys.filter((k) => columnsOfKey(k).includes(column))) {
    try {
      for (const part of key.parts) checkPart(catalog, table, part)
    } catch (cause) {
      throw new SchemaError(
        `column '${column}' of '${table.name}' is read by the index '${key.name}', which cannot go by what it becomes (${(cause as Error).message}): drop the index first`,
        { cause },
      )
    }
  }
}

function checkPart(catalog: Catalog, table: TableDefinition, part: KeyPart): KeyPart {
  if (typeof part !== 'string') return checkExpression(catalog, table, part)
  const { type } = ownColumn(table, part)
  if (!isOrdered(type)) {
    throw new SchemaError(`a ${type.name} column cannot be indexed: '${part}' of '${table.name}'`)
  }
  return part
}

function ownColumn(table: TableDefinition, name: string) {
  const found = table.columns.find((column) => column.name === name)
  if (!found) {
    throw new NotFoundError(
      `'${table.name}' has no column '${name}' of its own. It has: ${table.columns.map((c) => c.name).join(', ')}`,
    )
  }
  if (!found.unstored) return found
  const instead = found.computed ? `: index what it is, ${printNode(found.computed)}` : ''
  throw new SchemaError(`column '${name}' of '${table.name}' is not stored and cannot be indexed${instead}`)
}

const isOrdered = ({ name, operators: groups }: ColumnType<any>): boolean => groups.includes('order') || name === 'bool'

/**
 * An expression over columns of the table's own, which the database computes from the row alone, and always the same.
 * One that is only a column is that column.
 */
function checkExpression(catalog: Catalog, table: TableDefinition, node: Node): KeyPart {
  const what = `the index over ${printNode(node)} of '${table.name}'`
  visit(node, (n) => checkNode(n, what))
  checkStorable(catalog, table, node, what)
  if (!some(node, (n) => n.kind === 'column'))
    throw new SchemaError(`${what} reads no column: it is the same everywhere`)
  const own = transform(node, (n) => (n.kind === 'column' ? ownNode(catalog, table, n) : n))
  if (own.kind === 'column') return checkPart(catalog, table, own.name)
  const type = typeOfNode(own, typeOfColumn(catalog, table))
  if (!isOrdered(type)) throw new SchemaError(`${what} has ${type.name} values, which have no order`)
  return own
}

/** A column as a node of the table itself: a view calls those of its bases by its own id, too. */
function ownNode(catalog: Catalog, table: TableDefinition, node: ColumnNode): ColumnNode {
  const owner = catalog.resolve(node)?.owner
  if (owner && owner.id !== table.id) {
    throw new SchemaError(
      `an index of '${table.name}' cannot be over '${node.name}', a column of '${owner.name}': add the index there`,
    )
  }
  const { type } = ownColumn(table, node.name)
  if (type.operators.includes('array') && !isOrdered(type)) {
    throw new SchemaError(`a ${type.name} column cannot be indexed: '${node.name}' of '${table.name}'`)
  }
  return columnNode(table.id, node.name)
}

function checkNode(node: Node, what: string): void {
  switch (node.kind) {
    case 'call':
      if (operators[node.operator]!.volatile) {
        throw new SchemaError(`${what} cannot use ${node.operator}(), which is another value each time`)
      }
      if (readsZone(node)) {
        throw new SchemaError(`${what} cannot use a time zone: its rules change, and the index would not`)
      }
      return
    case 'function':
      throw new SchemaError(
        `${what} cannot call the function ${identityOf(node.fn)}: add a computed column of what it returns, and index that`,
      )
    case 'fragment':
      throw new SchemaError(
        `${what} cannot use sql\`…\`: only this library's operators are known to be always the same`,
      )
    case 'rowid':
      throw new SchemaError(`${what} cannot use the row id, by which rows are ordered already`)
  }
}

/** Whether an operator reads the clock of a time zone, other than that of UTC. */
function readsZone({ operator, args }: CallNode): boolean {
  const { zoned, operands } = operators[operator]!
  const takesZone = zoned || operator === 'makeTimestamp'
  const zone = takesZone && args.length === operands.length ? args.at(-1)! : undefined
  return zone !== undefined && !(zone.kind === 'literal' && (zone.value === null || zone.value === 'UTC'))
}
