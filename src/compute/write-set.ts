import type { Catalog } from '../catalog/catalog.js'
import type { ColumnDefinition, IndexDefinition, TableDefinition } from '../catalog/definition.js'
import type {
  CodeUse,
  Commit,
  FileContent,
  RowKey,
  RowUpdates,
  SchemaChange,
  StoredCellError,
  TableWrite,
  VectorWrites,
} from '../engine/engine.js'
import { type FunctionIdentity, identityOf } from '../expr/function.js'
import type { ColumnType, Stored } from '../types/column-type.js'

/** What one table must write. */
export interface PendingWrite {
  readonly table: TableDefinition
  readonly deletes: number[]
  count: number
  readonly bases: RowKey[]
  readonly inserted: Map<string, Stored[]>
  readonly updates: RowUpdates[]
  readonly clearedErrors: { column: string; rows: readonly number[] }[]
  readonly errors: StoredCellError[]
  readonly vectors: VectorWrites[]
}

/** Everything that a statement will write, table by table, until its commit. */
export class WriteSet {
  readonly #catalog: Catalog
  readonly #writes = new Map<number, PendingWrite>()
  readonly #files = new Map<string, FileContent>()
  readonly #code = new Map<string, CodeUse>()
  /** Row ids that something was computed from before the commit gives them. */
  readonly #firstRows = new Map<number, { readonly table: TableDefinition; readonly rowid: number }>()
  /** Definitions that the statement completes: types and dimensions that only the first value shows. */
  readonly #definitions = new Map<number, TableDefinition>()

  constructor(catalog: Catalog) {
    this.#catalog = catalog
  }

  of(table: TableDefinition): PendingWrite {
    let write = this.#writes.get(table.id)
    if (!write) {
      write = {
        table,
        deletes: [],
        count: 0,
        bases: [],
        inserted: new Map(),
        updates: [],
        clearedErrors: [],
        errors: [],
        vectors: [],
      }
      this.#writes.set(table.id, write)
    }
    return write
  }

  /** Bytes to be kept in the database. */
  addFile(file: FileContent): void {
    this.#files.set(file.sha256, file)
  }

  /** Code that makes a column, an index or, as 0, the rows of a view. */
  addCode(table: TableDefinition, what: number, { name, version }: FunctionIdentity): void {
    const use = { table: table.id, what, code: { name, version } }
    this.#code.set(`${table.id}:${what}:${identityOf(use.code)}`, use)
  }

  /** The id that the first new row of a table must get. */
  firstRow(tableId: number): number | undefined {
    return this.#firstRows.get(tableId)?.rowid
  }

  /** The commit checks that ids are given as predicted. */
  predictFirstRow(tableId: number, table: TableDefinition, rowid: number): void {
    this.#firstRows.set(tableId, { table, rowid })
  }

  /** The type of a column as completed so far. */
  typeOf(table: TableDefinition, column: ColumnDefinition): ColumnType<any> {
    return this.#definitions.get(table.id)?.columns.find((c) => c.name === column.name)?.type ?? column.type
  }

  indexOf(table: TableDefinition, name: string): IndexDefinition {
    return this.#definition(table).indexes.find((index) => index.name === name)!
  }

  setType(table: TableDefinition, column: ColumnDefinition, type: ColumnType<any>): void {
    const now = this.#definition(table)
    const columns = now.columns.map((c) => (c.name === column.name ? { ...c, type } : c))
    this.#definitions.set(table.id, { ...now, columns })
  }

  setDimensions(table: TableDefinition, index: string, dimensions: number): void {
    const now = this.#definition(table)
    const indexes = now.indexes.map((i) => (i.name === index ? { ...i, dimensions } : i))
    this.#definitions.set(table.id, { ...now, indexes })
  }

  #definition(table: TableDefinition): TableDefinition {
    return this.#definitions.get(table.id) ?? table
  }

  /**
   * The commit that writes everything gathered.
   * @param schema what changes in the schema, before any row is written
   */
  toCommit(operation: string, schema: readonly SchemaChange[]): Commit {
    const completed = new Set(this.#definitions.keys())
    const changes = schema.map((change): SchemaChange => {
      if (change.kind !== 'createTable' && change.kind !== 'alterTable') return change
      completed.delete(change.table.id)
      return { ...change, table: this.#definition(change.table) }
    })
    for (const id of completed) {
      const table = this.#definitions.get(id)!
      const was = this.#catalog.byId(id)
      changes.push({ kind: 'alterTable', was, table: { ...table, schemaVersion: table.schemaVersion + 1 } })
    }
    return {
      operation,
      catalogVersion: this.#catalog.version,
      firstRows: [...this.#firstRows.values()],
      schema: changes,
      files: [...this.#files.values()],
      code: [...this.#code.values()],
      writes: [...this.#writes.values()].map((write) => this.#tableWrite(write)),
    }
  }

  #tableWrite({ table, count, bases, inserted, ...rest }: PendingWrite): TableWrite {
    return {
      ...rest,
      table: this.#definition(table),
      inserts: {
        count,
        bases: table.view ? bases : undefined,
        columns: [...inserted.keys()],
        values: [...inserted.values()],
      },
    }
  }
}
