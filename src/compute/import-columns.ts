import { foldName } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { SchemaError, ValidationError } from '../errors.js'
import { columnNames } from '../formats/column-names.js'
import { Column, type Schema } from '../types/column.js'
import type { ColumnType } from '../types/column-type.js'
import type { ImportOptions } from './import-options.js'

export /** A column of the file that is imported. */
interface ChosenColumn {
  /** Its position in the file's rows. */
  readonly position: number
  /** Its name in the file. */
  readonly source: string
  /** Its name in the table. */
  readonly name: string
  /** The type that the file says, or that fits its first rows. */
  readonly found: () => ColumnType<any>
  readonly nullable: boolean
}

/** The columns to import, under their names in the table. @throws ValidationError for one that is not there */
export function chooseColumns(
  label: string,
  names: readonly string[],
  choice: ImportOptions['columns'],
): { readonly position: number; readonly name: string }[] {
  const wanted = choice === undefined ? [] : Array.isArray(choice) ? (choice as string[]) : Object.keys(choice)
  for (const name of wanted) {
    if (!names.includes(name)) {
      throw new ValidationError(`${label} has no column '${name}'. It has: ${names.join(', ') || 'none'}`)
    }
  }
  if (Array.isArray(choice)) {
    const chosen = choice as readonly string[]
    const own = columnNames(chosen)
    return chosen.map((name, i) => ({ position: names.indexOf(name), name: own[i]! }))
  }
  const renamed = (choice ?? {}) as Readonly<Record<string, string | false>>
  const positions = names.flatMap((name, i) => (renamed[name] === false ? [] : [i]))
  const own = columnNames(positions.map((i) => names[i]!))
  return positions.map((position, i) => {
    const name = names[position]!
    const given = Object.hasOwn(renamed, name) ? renamed[name] : undefined
    return { position, name: typeof given === 'string' ? given : own[i]! }
  })
}

/** The schema of a new table: what was given goes before what the file says. */
export function inferSchema(label: string, columns: readonly ChosenColumn[], options: ImportOptions): Schema {
  const { schema = {}, primaryKey = [] } = options
  const result: Record<string, Column<any, any, boolean>> = { ...schema }
  const given = new Set(Object.keys(schema).map(foldName))
  for (const { name, nullable, found } of columns) {
    if (given.has(foldName(name))) continue
    result[name] = new Column(found(), nullable && !primaryKey.includes(name))
  }
  if (Object.keys(result).length === 0) {
    throw new SchemaError(`${label} has no rows to take columns from: give them with schema`)
  }
  return result
}

/** Checks the file's columns against a table that is there. @throws ValidationError */
export function fitToTable(table: TableDefinition, columns: readonly ChosenColumn[]): void {
  for (const { source, name } of columns) {
    const column = table.columns.find((c) => foldName(c.name) === foldName(name))
    const advice = `leave it out, or rename it, with columns: { '${source}': … }; nothing was written`
    if (!column) {
      throw new ValidationError(
        `'${table.name}' has no column '${name}'. It has: ${table.columns.map((c) => c.name).join(', ')}; ${advice}`,
        { column: name },
      )
    }
    if (column.computed) {
      throw new ValidationError(`column '${name}' of '${table.name}' is computed: ${advice}`, { column: name })
    }
  }
}
