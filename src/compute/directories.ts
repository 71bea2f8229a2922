import { type Catalog, foldName } from '../catalog/catalog.js'
import { kindOf, type SnapshotDefinition, type TableDefinition } from '../catalog/definition.js'
import { checkPath, directoryOf, isInside } from '../catalog/names.js'
import { snapshotToJson } from '../catalog/serialize.js'
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
  const snapshots = catalog.snapshots.filter((snapshot) => isInside(snapshot.name, directory))
  const content = [...inner, ...[...tables, ...snapshots].map((item) => item.name)]
  if (content.length > 0 && !force) {
    throw new DependencyError(
      `the directory '${directory}' is not empty: it has ${content.join(', ')}. Drop them first, or pass { force: true }`,
      content,
    )
  }
  return [
    ...dropAll(catalog, tables, snapshots),
    ...[...inner, directory].map((d): SchemaChange => ({ kind: 'dropDirectory', name: d })),
  ]
}

/** Dropping a table. @throws DependencyError that names its views and snapshots, without `force` */
export function dropTable(catalog: Catalog, table: TableDefinition, force: boolean): SchemaChange[] {
  const changes = dropAll(catalog, [table])
  if (changes.length > 1 && !force) {
    const names = changes.flatMap((change) =>
      change.kind === 'dropTable' && change.table !== table
        ? [change.table.name]
        : change.kind === 'dropSnapshot'
          ? [change.name]
          : [],
    )
    throw new DependencyError(
      `'${table.name}' has views or snapshots that derive from it: ${names.join(', ')}. Drop them first, or pass { force: true }`,
      names,
    )
  }
  return changes
}

/** Drops tables with everything that derives from them, what derives first. */
function dropAll(
  catalog: Catalog,
  tables: readonly TableDefinition[],
  snapshots: readonly SnapshotDefinition[] = [],
): SchemaChange[] {
  const drops = new Map<number, TableDefinition>()
  for (const table of tables) for (const t of [...catalog.descendantsOf(table).reverse(), table]) drops.set(t.id, t)
  const names = new Set([
    ...snapshots.map(({ name }) => name),
    ...catalog.snapshots.filter(({ base }) => drops.has(base)).map(({ name }) => name),
  ])
  return [
    ...[...names].map((name): SchemaChange => ({ kind: 'dropSnapshot', name })),
    ...[...drops.values()].map((table): SchemaChange => ({ kind: 'dropTable', table })),
  ]
}

/** Renaming a table, a view, a snapshot, or a directory with all that is in it. */
export function move(catalog: Catalog, from: string, to: string): SchemaChange[] {
  checkPath(to, 'new')
  if (foldName(from) === foldName(to) || isInside(to, from)) {
    throw new SchemaError(`cannot move '${from}' to '${to}': a name cannot move to itself or into itself`)
  }
  if (catalog.named(to) || catalog.snapshotNamed(to) || hasDirectory(catalog, to)) {
    throw new ExistsError(`'${to}' exists already`)
  }
  const parent = directoryOf(to)
  if (parent !== undefined && !hasDirectory(catalog, parent)) {
    throw new NotFoundError(`the directory '${parent}' does not exist: call createDir('${parent}') first`)
  }
  const table = catalog.named(from)
  if (table) return [{ kind: 'renameTable', table, name: to }]
  const snapshot = catalog.snapshotNamed(from)
  if (snapshot) return renameSnapshot(snapshot, to)
  if (!hasDirectory(catalog, from)) throw new NotFoundError(`there is no table, view or directory '${from}'`)
  const renamed = (name: string): string => to + name.slice(from.length)
  const directories = [...catalog.directories].filter((d) => foldName(d) === foldName(from) || isInside(d, from))
  return [
    ...directories.map((name): SchemaChange => ({ kind: 'dropDirectory', name })),
    ...directories.map((name): SchemaChange => ({ kind: 'createDirectory', name: renamed(name) })),
    ...[...catalog.tables]
      .filter((t) => isInside(t.name, from))
      .map((t): SchemaChange => ({ kind: 'renameTable', table: t, name: renamed(t.name) })),
    ...catalog.snapshots.filter((s) => isInside(s.name, from)).flatMap((s) => renameSnapshot(s, renamed(s.name))),
  ]
}

const renameSnapshot = (snapshot: SnapshotDefinition, name: string): SchemaChange[] => [
  { kind: 'dropSnapshot', name: snapshot.name },
  { kind: 'createSnapshot', name, definition: JSON.stringify(snapshotToJson(snapshot)) },
]
