import { type Catalog, foldName } from '../catalog/catalog.js'
import { kindOf, type TableDefinition } from '../catalog/definition.js'
import { checkPath, directoryOf, isInside } from '../catalog/names.js'
import type { SchemaChange } from '../engine/engine.js'
import { DependencyError, ExistsError, NotFoundError, SchemaError } from '../errors.js'
import { hasDirectory } from './schema.js'

/** Creating a directory. @throws ExistsError, NotFoundError when its parent does not exist */
export function createDirectory(catalog: Catalog, name: string): SchemaChange[] {
  checkPath(name, 'directory')
  if (hasDirectory(catalog, name)) throw new ExistsError(`the directory '${name}' exists already`)
  if (catalog.named(name)) throw new ExistsError(`'${name}' is a ${kindOf(catalog.named(name)!)}`)
  const parent = directoryOf(name)
  if (parent !== undefined && !hasDirectory(catalog, parent)) {
    throw new NotFoundError(`the directory '${parent}' does not exist: call createDir('${parent}') first`)
  }
  return [{ kind: 'createDirectory', name }]
}

/** Dropping a directory with all that is in it. @throws DependencyError when it is not empty, without `force` */
export function dropDirectory(catalog: Catalog, name: string, force: boolean): SchemaChange[] {
  const directory = [...catalog.directories].find((d) => foldName(d) === foldName(name))
  if (directory === undefined) throw new NotFoundError(`there is no directory '${name}'`)
  const inner = [...catalog.directories].filter((d) => isInside(d, directory))
  const tables = [...catalog.tables].filter((table) => isInside(table.name, directory))
  const content = [...inner, ...tables.map((table) => table.name)]
  if (content.length > 0 && !force) {
    throw new DependencyError(
      `the directory '${directory}' is not empty: it has ${content.join(', ')}. Drop them first, or pass { force: true }`,
      content,
    )
  }
  const drops = new Map<number, TableDefinition>()
  for (const table of tables) for (const t of [...catalog.descendantsOf(table).reverse(), table]) drops.set(t.id, t)
  return [
    ...[...drops.values()].map((table): SchemaChange => ({ kind: 'dropTable', table })),
    ...[...inner, directory].map((d): SchemaChange => ({ kind: 'dropDirectory', name: d })),
  ]
}

/** Dropping a table. @throws DependencyError that names its views, without `force` */
export function dropTable(catalog: Catalog, table: TableDefinition, force: boolean): SchemaChange[] {
  const views = catalog.descendantsOf(table)
  if (views.length > 0 && !force) {
    const names = views.map((view) => view.name)
    throw new DependencyError(
      `'${table.name}' has views that derive from it: ${names.join(', ')}. Drop them first, or pass { force: true }`,
      names,
    )
  }
  return [...views.reverse(), table].map((t) => ({ kind: 'dropTable', table: t }))
}

/** Renaming a table, a view or a directory with all that is in it. */
export function move(catalog: Catalog, from: string, to: string): SchemaChange[] {
  checkPath(to, 'new')
  if (foldName(from) === foldName(to) || isInside(to, from)) {
    throw new SchemaError(`cannot move '${from}' to '${to}': a name cannot move to itself or into itself`)
  }
  if (catalog.named(to) || hasDirectory(catalog, to)) throw new ExistsError(`'${to}' exists already`)
  const parent = directoryOf(to)
  if (parent !== undefined && !hasDirectory(catalog, parent)) {
    throw new NotFoundError(`the directory '${parent}' does not exist: call createDir('${parent}') first`)
  }
  const table = catalog.named(from)
  if (table) return [{ kind: 'renameTable', table, name: to }]
  if (!hasDirectory(catalog, from)) throw new NotFoundError(`there is no table, view or directory '${from}'`)
  const renamed = (name: string): string => to + name.slice(from.length)
  return [...catalog.directories]
    .filter((d) => foldName(d) === foldName(from) || isInside(d, from))
    .flatMap((d): SchemaChange[] => [
      { kind: 'dropDirectory', name: d },
      { kind: 'createDirectory', name: renamed(d) },
    ])
    .concat(
      [...catalog.tables]
        .filter((t) => isInside(t.name, from))
        .map((t) => ({ kind: 'renameTable', table: t, name: renamed(t.name) })),
    )
}
