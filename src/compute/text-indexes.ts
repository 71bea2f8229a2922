import { type Catalog, foldName } from '../catalog/catalog.js'
import { type ColumnDefinition, kindOf, type TableDefinition, type TextIndexDefinition } from '../catalog/definition.js'
import { ExistsError, IndexError, NotFoundError, SchemaError, ValidationError } from '../errors.js'
import type { Session } from '../plan/session.js'
import { describeValue } from '../types/column-type.js'
import { dynamicType } from '../types/dynamic.js'
import { altered } from './definitions.js'
import { checkIndexName, freeName } from './index-names.js'
import type { Target } from './statements.js'

/** What `addTextIndex` makes. */
export interface NewTextIndex {
  readonly columns: unknown
  readonly language?: unknown
  readonly tokenizer?: unknown
  readonly prefix?: unknown
  readonly name?: string | undefined
}

/** Adds a full-text index over the rows that are there, in one commit. */
export async function addTextIndex(
  session: Session,
  catalog: Catalog,
  target: Target,
  options: NewTextIndex & { readonly ifExists: 'error' | 'ignore' | 'replace' },
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const { name, ifExists } = options
  const wanted = name ?? defaultName(columnsOf(table, options.columns))
  const existing = table.textIndexes.find((index) => foldName(index.name) === foldName(wanted))
  if (existing && ifExists === 'ignore') return
  if (existing && name !== undefined && ifExists === 'error') {
    throw new ExistsError(`'${table.name}' has an index '${existing.name}' already`)
  }
  const replaced = ifExists === 'replace' ? existing : undefined
  const remaining = { ...table, textIndexes: table.textIndexes.filter((index) => index !== replaced) }
  const index = defineTextIndex(catalog, remaining, options)
  const twin = remaining.textIndexes.find((other) => sameTextIndex(other, index))
  if (twin && name === undefined) {
    throw new ExistsError(`'${table.name}' has an identical text index already: '${twin.name}'`)
  }
  await alter(session, catalog, table, 'add index', withTextIndex(remaining, index))
}

/** A table with one more full-text index. */
export const withTextIndex = (table: TableDefinition, index: TextIndexDefinition): TableDefinition =>
  altered(table, { textIndexes: [...table.textIndexes, index], nextId: table.nextId + 1 })

/**
 * The definition of a new full-text index.
 * @throws NotFoundError, SchemaError, ValidationError, ExistsError
 */
export function defineTextIndex(
  catalog: Catalog,
  table: TableDefinition,
  { columns, language = 'none', tokenizer = 'words', prefix = [], name }: NewTextIndex,
): TextIndexDefinition {
  const weighted = columnsOf(table, columns)
  const what = `text index on ${weighted.map((column) => column.name).join(', ')} of '${table.name}'`
  for (const column of weighted) checkColumn(catalog, table, column, what)
  if (tokenizer !== 'words' && tokenizer !== 'trigram') {
    throw new ValidationError(`${what}: tokenizer: expected 'words' or 'trigram', got ${describeValue(tokenizer)}`)
  }
  if (name !== undefined) checkIndexName(table, name)
  return {
    id: table.nextId,
    name: name ?? freeName(table, defaultName(weighted)),
    columns: weighted,
    language: languageOf(language, what),
    tokenizer,
    prefix: prefixesOf(prefix, what),
  }
}

/** Whether two full-text indexes hold and rank the same. */
export const sameTextIndex = (a: TextIndexDefinition, b: TextIndexDefinition): boolean =>
  textIndexInWords(a) === textIndexInWords(b)

/** What a full-text index is, in words: `title (3), text; en`. */
export function textIndexInWords({
  columns,
  language,
  tokenizer,
  prefix,
}: Omit<TextIndexDefinition, 'id' | 'name'>): string {
  const shown = columns.map(({ name, weight }) => (weight === 1 ? name : `${name} (${weight})`))
  const how = [
    language,
    ...(tokenizer === 'words' ? [] : [tokenizer]),
    ...(prefix.length > 0 ? [`prefix ${prefix.join(' ')}`] : []),
  ]
  return `text of ${shown.join(', ')}; ${how.join(', ')}`
}

type Weighted = TextIndexDefinition['columns']

const defaultName = (columns: Weighted): string => `${columns.map(({ name }) => name).join('_')}_text`

/** One column, several, or several with weights. */
function columnsOf(table: TableDefinition, given: unknown): Weighted {
  const what = `text index of '${table.name}'`
  const columns =
    typeof given === 'string'
      ? [{ name: given, weight: 1 }]
      : Array.isArray(given)
        ? given.map((name: unknown) => ({ name: name as string, weight: 1 }))
        : typeof given === 'object' && given !== null
          ? Object.entries(given).map(([name, weight]) => ({ name, weight: weight as number }))
          : []
  if (columns.length === 0) {
    throw new ValidationError(
      `${what}: expected a column, several, or an object of columns with weights, got ${describeValue(given)}`,
    )
  }
  for (const { name, weight } of columns) {
    if (typeof name !== 'string') throw new ValidationError(`${what}: expected a column, got ${describeValue(name)}`)
    if (typeof weight !== 'number' || !Number.isFinite(weight) || weight <= 0) {
      throw new ValidationError(`${what}: '${name}': expected a weight above 0, got ${describeValue(weight)}`)
    }
    if (columns.filter((column) => column.name === name).length > 1) {
      throw new ValidationError(`${what}: the column '${name}' is listed twice`)
    }
  }
  return columns
}

function checkColumn(catalog: Catalog, table: TableDefinition, { name }: Weighted[number], what: string): void {
  const columns = catalog.columnsOf(table)
  const column = columns.get(name)?.column
  if (!column) {
    throw new NotFoundError(`'${table.name}' has no column '${name}'. It has: ${[...columns.keys()].join(', ')}`)
  }
  if (column.unstored) throw new SchemaError(`${what}: column '${name}' is not stored and cannot be indexed`)
  if (!isText(column)) {
    throw new IndexError(`${what}: expected columns of strings; '${name}' is ${column.type.name}`)
  }
}

/** Whether a column holds strings, or may: the type of a function's results can be unknown until the first. */
const isText = ({ type }: ColumnDefinition): boolean => type.name === 'string' || type === dynamicType

function languageOf(language: unknown, what: string): string {
  if (language === 'none') return language
  try {
    if (typeof language !== 'string') throw new TypeError()
    return Intl.getCanonicalLocales(language)[0]!
  } catch {
    throw new ValidationError(
      `${what}: language: expected a tag such as 'en' or 'de-CH', or 'none', got ${describeValue(language)}`,
    )
  }
}

const longestPrefix = 20

function prefixesOf(prefix: unknown, what: string): readonly number[] {
  const isLength = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 1 && (n as number) <= longestPrefix
  if (Array.isArray(prefix) && prefix.every(isLength)) return [...new Set<number>(prefix)].sort((a, b) => a - b)
  throw new ValidationError(
    `${what}: prefix: expected a list of whole numbers from 1 to ${longestPrefix}, got ${describeValue(prefix)}`,
  )
}

/** Removes a full-text index. @throws IndexError when there is none, or several on the column */
export async function dropTextIndex(
  session: Session,
  catalog: Catalog,
  target: Target,
  which: { readonly column?: string | undefined; readonly name?: string | undefined },
): Promise<void> {
  const table = catalog.byId(target.id, target.name)
  const matching = table.textIndexes.filter(({ name, columns }) =>
    which.name === undefined
      ? columns.some((column) => column.name === which.column)
      : foldName(name) === foldName(which.name),
  )
  if (matching.length !== 1) {
    const names = table.textIndexes.map((index) => index.name).join(', ') || 'none'
    const wanted = which.name === undefined ? `on column '${which.column}'` : `'${which.name}'`
    throw new IndexError(
      `${kindOf(table)} '${table.name}' has ${matching.length === 0 ? 'no text index' : 'several text indexes'} ${wanted}. It has: ${names}`,
    )
  }
  const textIndexes = table.textIndexes.filter((index) => index !== matching[0])
  await alter(session, catalog, table, 'drop index', altered(table, { textIndexes }))
}

async function alter(
  session: Session,
  catalog: Catalog,
  was: TableDefinition,
  operation: string,
  table: TableDefinition,
): Promise<void> {
  await session.commit({
    operation,
    catalogVersion: catalog.version,
    schema: [{ kind: 'alterTable', was, table }],
  })
}

/** @throws SchemaError when a computed column that a full-text index reads becomes something else than kept text */
export function checkStillText(catalog: Catalog, table: TableDefinition, column: ColumnDefinition): void {
  if (!column.unstored && isText(column)) return
  for (const t of [table, ...catalog.descendantsOf(table)]) {
    const owned = catalog.columnsOf(t).get(column.name)
    if (owned?.owner !== table) continue
    const index = t.textIndexes.find(({ columns }) => columns.some(({ name }) => name === column.name))
    if (!index) continue
    throw new SchemaError(
      `column '${column.name}' of '${table.name}' is read by the text index '${index.name}' of '${t.name}', which takes kept text alone, not ${column.unstored ? 'what is not stored' : `${column.type.name} values`}: drop the index first`,
    )
  }
}
