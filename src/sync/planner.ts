import { Catalog, foldName } from '../catalog/catalog.js'
import {
  type ColumnDefinition,
  type IndexDefinition,
  type KeyDefinition,
  kindOf,
  type TableDefinition,
} from '../catalog/definition.js'
import { directoryOf } from '../catalog/names.js'
import { addCheck, alterDefinition } from '../compute/alter-definition.js'
import type { OnError } from '../compute/change.js'
import {
  addColumn,
  addComputedColumn,
  alterComputedColumn,
  checkFillable,
  checkNewColumn,
  dropColumn,
  withExpression,
  withoutColumn,
} from '../compute/columns.js'
import {
  altered,
  checkStorable,
  defineChecks,
  defineColumns,
  defineComputed,
  defineTable,
  typeOfColumn,
  withKey,
} from '../compute/definitions.js'
import { createDirectory } from '../compute/directories.js'
import { embedderOf } from '../compute/embedder-of.js'
import { addEmbeddingIndex, addIndex, defineIndex, dropEmbeddingIndex, dropIndex } from '../compute/indexes.js'
import { rebuildView } from '../compute/rebuild-view.js'
import { recomputeRows } from '../compute/recompute.js'
import {
  bindSchema,
  checkNewPath,
  createTable,
  createView,
  defineView,
  hasDirectory,
  type NewView,
} from '../compute/schema.js'
import { type Stale, staleOf, withCurrentCode, withCurrentColumns } from '../compute/stale.js'
import type { SchemaChange } from '../engine/engine.js'
import { ConflictError, ExistsError, NotFoundError, QueryError, SchemaError } from '../errors.js'
import { isExpression } from '../expr/expression.js'
import type { CodeKind, FunctionIdentity } from '../expr/function.js'
import { type Node, visit } from '../expr/node.js'
import { typeOfNode } from '../expr/type-of.js'
import type { Session } from '../plan/session.js'
import { printNode } from '../query/describe.js'
import { internals } from '../query/query.js'
import { refsOf } from '../query/refs.js'
import { Relation } from '../query/relation.js'
import { iteratorOf, plainSource, projection } from '../table/view-source.js'
import type { Column, Schema } from '../types/column.js'
import { describeValue } from '../types/column-type.js'
import { dynamicType } from '../types/dynamic.js'
import {
  checkSameColumn,
  indexInWords,
  keyInWords,
  sameDefault,
  sameExpression,
  sameIndex,
  sameKey,
  sameOptions,
  sameType,
} from './compare.js'
import {
  type AnyDeclaration,
  type DeclarationParts,
  declared,
  declaredQuery,
  type EmbeddingIndexDeclarationOptions,
  sourceOf,
} from './declaration.js'
import { SyncPlan, type SyncStep } from './plan.js'

/** How a plan is made and carried out. */
export interface PlannerOptions {
  readonly prune: boolean
  readonly recompute: boolean
  readonly onError: OnError
  readonly signal: AbortSignal | undefined
}

/** Steps with the work that does them. */
interface Action {
  readonly steps: readonly SyncStep[]
  run(catalog: Catalog): Promise<unknown>
}

/** How a definition follows from one, given what else there is. */
type Define = (catalog: Catalog, table: TableDefinition) => TableDefinition

/** Code that declarations bring along. */
export interface BroughtCode {
  readonly kind: CodeKind
  readonly definition: FunctionIdentity
}

/** What a sync does: the plan for users, and the same actions to be run. */
export interface Planned {
  readonly plan: SyncPlan
  readonly actions: readonly Action[]
  readonly code: readonly BroughtCode[]
}

/**
 * Compares declarations, bases first, with a catalog. Each step changes the planner's own catalog as carrying it out
 * will change the file's, so that later declarations see what is not there yet; nothing is written or computed.
 *
 * @throws SchemaError when a stored column has another type, or a table another primary key or base
 * @throws ExistsError when a name is taken by something else
 */
export async function planSync(
  session: Session,
  declarations: readonly AnyDeclaration[],
  options: PlannerOptions,
): Promise<Planned> {
  const planner = new Planner(session, await session.catalog(), options)
  for (const declaration of declarations) await planner.declare(declaration)
  return planner.finish()
}

class Planner {
  readonly #session: Session
  readonly #options: PlannerOptions
  /** What there is, and, after each step, what there will be. */
  #catalog: Catalog
  #nextTableId: number
  /** Names of the tables that were created in this plan, and so have no rows. */
  readonly #created = new Set<number>()
  readonly #declared: number[] = []
  readonly #actions: Action[] = []
  /** What is dropped, in the order in which it was declared, hence to be done backwards. */
  readonly #drops: { readonly step: SyncStep; apply(): Action['run'] }[] = []
  readonly #code = new Map<string, BroughtCode>()
  /** The steps that one rebuilding of a view does together, while its columns are planned. */
  #rebuilding: { readonly steps: SyncStep[]; readonly defines: Define[] } | undefined

  constructor(session: Session, catalog: Catalog, options: PlannerOptions) {
    this.#session = session
    this.#catalog = catalog
    this.#options = options
    this.#nextTableId = session.nextTableId
  }

  async declare(declaration: AnyDeclaration): Promise<void> {
    const parts = declaration[declared]
    const existing = this.#catalog.named(parts.name)
    if (existing && kindOf(existing) !== parts.origin.kind) {
      throw new ExistsError(
        `sync(): '${existing.name}' is declared as a ${parts.origin.kind}, and in the file it is a ${kindOf(existing)}`,
      )
    }
    if (!existing) this.#createDirectories(parts.name)
    if (parts.origin.kind === 'table') await this.#table(parts, parts.origin, existing)
    else await this.#view(parts, parts.origin, existing)
  }

  /** The plan of everything that was declared. */
  finish(): Planned {
    for (const { step, apply } of this.#drops.reverse()) {
      this.#actions.push({ steps: [step], run: this.#options.prune ? apply() : async () => {} })
    }
    this.#recompute()
    const plan = new SyncPlan(this.#actions.flatMap(({ steps }) => steps))
    return { plan, actions: this.#actions, code: [...this.#code.values()] }
  }

  #createDirectories(name: string): void {
    const directory = directoryOf(name)
    if (directory === undefined || hasDirectory(this.#catalog, directory)) return
    this.#createDirectories(directory)
    const schema = createDirectory(this.#catalog, directory)
    const { version, directories, tables, snapshots } = this.#catalog
    this.#catalog = new Catalog(version, [...directories, directory], tables, snapshots)
    this.#actions.push({
      steps: [{ kind: 'createDirectory', name: directory }],
      run: (catalog) => this.#commit(catalog, 'create directory', schema),
    })
  }

  async #table(
    parts: DeclarationParts,
    { schema, options }: DeclarationParts['origin'] & { kind: 'table' },
    existing: TableDefinition | undefined,
  ): Promise<void> {
    const { name } = parts
    const { primaryKey = [], unique = [], check = {}, comment } = options
    const wanted = { name, schema, primaryKey, unique: unique as never, check: check as never, comment }
    // Checked whether or not the table is there.
    const definition = defineTable(existing?.id ?? this.#nextTableId, wanted)
    const id = definition.id
    this.#declared.push(id)
    for (const { predicate } of definition.checks) this.#bringFunctions(predicate)
    if (!existing) {
      checkNewPath(this.#catalog, name, 'table')
      this.#add(definition)
      this.#actions.push({
        steps: [{ kind: 'createTable', table: name, columns: Object.keys(schema) }],
        run: async (catalog) => this.#checkId(id, await createTable(this.#session, catalog, wanted, [])),
      })
    } else {
      if (!sameOptions(existing.primaryKey, definition.primaryKey)) {
        throw new SchemaError(
          `sync(): the primary key of '${name}' is declared as (${definition.primaryKey.join(', ')}), and in the file it is (${existing.primaryKey.join(', ')})`,
        )
      }
      for (const [column, type] of Object.entries(schema)) await this.#column(id, column, type)
    }
    await this.#members(id, parts)
    if (existing) this.#comment(id, comment)
    // What is dropped is dropped backwards: what reads a column before the column.
    this.#leftovers(id, new Set(Object.keys(schema)), parts)
    if (existing) this.#checks(id, check as never)
    this.#indexes(id, parts, definition.keys)
  }

  async #view(
    parts: DeclarationParts,
    { base: query, options }: DeclarationParts['origin'] & { kind: 'view' },
    existing: TableDefinition | undefined,
  ): Promise<void> {
    const { name } = parts
    const base = this.#catalog.named(sourceOf(query).name)!
    const id = existing?.id ?? this.#nextTableId
    this.#declared.push(id)
    let rows = new Relation<any, any>(this.#session.beside(this.#catalog), base) as any
    for (const clause of query[declaredQuery].clauses) rows = clause(rows)
    const { session, node } = (rows as Relation<any>)[internals]
    const source = plainSource(node)
    if (!source) throw new QueryError(`view('${name}'): the base can have where(), select() and sample() alone`)
    const { iterator, comment } = options
    if (iterator) this.#bring('iterator', iterator.iterator)
    const wanted: NewView = {
      name,
      base,
      where: node.where,
      iterator: iterator && iteratorOf(iterator, refsOf(session, node)),
      comment,
      ...projection(this.#catalog, source, node),
      onError: this.#options.onError,
      signal: this.#options.signal,
    }
    for (const expression of [...wanted.where, ...(wanted.iterator?.call.args ?? [])]) this.#bringFunctions(expression)
    const definition = defineView(this.#catalog, id, wanted)
    const iterated = definition.columns.filter((column) => column.iterated).map((column) => column.name)
    const computed = wanted.columns ?? []
    const names = new Set([...iterated, ...computed.map((column) => column.name)])
    for (const column of computed) this.#bringFunctions(column.value)
    for (const member of parts.members) {
      const clash = [...names].find((other) => foldName(other) === foldName(member.name))
      if (clash !== undefined) throw new ExistsError(`'${name}' has a column '${clash}' already`)
    }
    if (!existing) {
      checkNewPath(this.#catalog, name, 'view')
      this.#add(definition)
      this.#actions.push({
        steps: [{ kind: 'createView', table: name, base: base.name }],
        run: async (catalog) => this.#checkId(id, await createView(this.#session, catalog, wanted, [])),
      })
    } else {
      if (existing.view!.base !== base.id) {
        throw new SchemaError(
          `sync(): '${name}' is declared as a view of '${base.name}', and in the file it is one of '${this.#catalog.byId(existing.view!.base).name}': drop it first`,
        )
      }
      this.#rebuildIfChanged(existing, definition, new Set(parts.members.map((member) => member.name)), names)
      for (const column of computed) this.#computed(id, column.name, column.value, column.unstored)
    }
    await this.#members(id, parts)
    this.#endRebuild(id)
    if (existing) this.#comment(id, comment)
    this.#leftovers(id, names, parts)
    this.#indexes(id, parts, [])
  }

  /** What a view derives from may be declared differently: its condition, its iterator, the columns that it shows. */
  #rebuildIfChanged(
    existing: TableDefinition,
    wanted: TableDefinition,
    members: ReadonlySet<string>,
    names: ReadonlySet<string>,
  ): void {
    const was = existing.view!
    const is = wanted.view!
    const [a, b] = [existing, wanted].map((t) => t.columns.filter((column) => column.iterated))
    const sameIterator =
      was.iterator?.iterator.name === is.iterator?.iterator.name &&
      sameOptions(was.iterator?.options ?? null, is.iterator?.options ?? null) &&
      (was.iterator?.args ?? []).length === (is.iterator?.args ?? []).length &&
      (was.iterator?.args ?? []).every((arg, i) => sameExpression(arg, is.iterator!.args[i])) &&
      a!.length === b!.length &&
      a!.every((column) => b!.some((other) => other.name === column.name && sameType(column, other)))
    const sameCondition = sameExpression(was.where, is.where)
    const sameShown = sameOptions([...(was.shows ?? ['*'])].sort(), [...(is.shows ?? ['*'])].sort())
    if (sameIterator && sameCondition && sameShown) return
    const changed = [
      ...(sameIterator ? [] : (['iterator'] as const)),
      ...(sameCondition ? [] : (['condition'] as const)),
      ...(sameShown ? [] : (['columns'] as const)),
    ]
    const step: SyncStep = {
      kind: 'rebuildView',
      table: existing.name,
      changed,
      ...(this.#options.prune ? {} : { needs: 'prune' }),
    }
    const { where, ...rest } = is
    const define: Define = (_, table) => ({
      ...(sameIterator ? table : withIterated(table, wanted, members, names)),
      // The file names the version of the iterator that made the rows, which stay where only the condition changed.
      view: {
        ...rest,
        ...(where ? { where } : {}),
        ...(sameIterator && was.iterator ? { iterator: was.iterator } : {}),
      },
    })
    this.#define(existing.id, define)
    this.#checkReadable(existing.id)
    if (!sameIterator) {
      // All rows are derived anew, so their columns are computed once, by the new expressions.
      this.#rebuilding = { steps: [step], defines: [define] }
      return
    }
    this.#actions.push({ steps: [step], run: (catalog) => this.#rebuild(catalog, existing.id, [define], 'members') })
  }

  /** From here on columns are steps of their own again. */
  #endRebuild(id: number): void {
    const together = this.#rebuilding
    this.#rebuilding = undefined
    if (!together) return
    this.#actions.push({
      steps: together.steps,
      run: (catalog) => this.#rebuild(catalog, id, together.defines, 'all'),
    })
  }

  async #rebuild(catalog: Catalog, id: number, defines: readonly Define[], rows: 'all' | 'members'): Promise<void> {
    const was = catalog.byId(id)
    let next = was
    for (const define of defines) next = define(catalog.with([next]), next)
    await rebuildView(this.#session, catalog, was, next, { rows, ...this.#statement })
  }

  /** @throws SchemaError when a view does not show a column any more that it, or a view below, reads */
  #checkReadable(id: number): void {
    const view = this.#catalog.byId(id)
    for (const t of [view, ...this.#catalog.descendantsOf(view)]) {
      const nodes = [
        ...t.columns.flatMap(({ computed }) => (computed ? [computed] : [])),
        ...(t === view ? [] : [...(t.view!.where ? [t.view!.where] : []), ...(t.view!.iterator?.args ?? [])]),
      ]
      const missing = new Set<string>(
        t.indexes.map(({ column }) => column).filter((column) => !this.#catalog.columnsOf(t).has(column)),
      )
      for (const node of nodes) {
        visit(node, (n) => {
          if (n.kind === 'column' && !this.#catalog.resolve(n)) missing.add(n.name)
        })
      }
      if (missing.size === 0) continue
      throw new SchemaError(
        `sync(): '${t.name}' reads ${[...missing].join(', ')}, which '${view.name}' is declared not to show`,
      )
    }
  }

  async #members(id: number, { members }: DeclarationParts): Promise<void> {
    for (const member of members) {
      if (member.kind === 'column') await this.#column(id, member.name, member.column)
      else this.#computed(id, member.name, this.#expression(id, member.name, member.value), member.unstored)
    }
  }

  async #column(id: number, name: string, column: Column<any, any, boolean>): Promise<void> {
    const table = this.#catalog.byId(id)
    const found = table.columns.find((c) => c.name === name)
    const [wanted] = defineColumns({ [name]: column }, table.nextId)
    if (found) {
      checkSameColumn(table, found, wanted!)
      if (sameDefault(found.default, wanted!.default)) return
      const define: Define = (_, t) => ({
        ...t,
        columns: t.columns.map(({ default: was, ...c }) => {
          if (c.name !== name) return was ? { ...c, default: was } : c
          return wanted!.default ? { ...c, default: wanted!.default } : c
        }),
      })
      this.#step(id, { kind: 'alterDefault', table: table.name, column: name }, define, async (catalog) => {
        const was = catalog.byId(id)
        // The function that made the default so far, if any, does so no longer.
        this.#session.bindColumn(id, name, {})
        await alterDefinition(this.#session, catalog, was, define(catalog, was))
        bindSchema(this.#session, was, { [name]: column })
      })
      return
    }
    checkNewColumn(this.#catalog, table, name)
    if (table.view || !this.#created.has(id)) await checkFillable(this.#session, this.#catalog, table, wanted!)
    const step = { kind: 'addColumn', table: table.name, column: name, type: column.type.name } as const
    const define: Define = (_, t) => withColumn(t, { ...wanted!, id: t.nextId })
    this.#step(id, step, define, async (catalog) => {
      await addColumn(this.#session, catalog, { id, name: table.name }, name, column)
      bindSchema(this.#session, table, { [name]: column })
    })
  }

  /** The expression of a computed column, over the columns that the table has by then. */
  #expression(id: number, name: string, value: unknown): Node {
    const table = this.#catalog.byId(id)
    const { columns } = new Relation<any>(this.#session.beside(this.#catalog), table)
    const computed: unknown = typeof value === 'function' ? value(columns) : value
    if (isExpression(computed)) return computed.node
    throw new QueryError(`column '${name}' of '${table.name}': expected an expression, got ${describeValue(computed)}`)
  }

  #computed(id: number, name: string, value: Node, unstored: boolean): void {
    const table = this.#catalog.byId(id)
    const what = `column '${name}' of '${table.name}'`
    this.#bringFunctions(value)
    const target = { id, name: table.name }
    const found = table.columns.find((c) => c.name === name)
    if (!found) {
      checkNewColumn(this.#catalog, table, name)
      const define: Define = (catalog, t) =>
        withColumn(t, defineComputed(catalog, t, { id: t.nextId, name, value, unstored, what }))
      const type = typeOfNode(value, typeOfColumn(this.#catalog, table)).name
      const step = { kind: 'addColumn', table: table.name, column: name, type, computed: printNode(value) } as const
      this.#step(id, step, define, (catalog) =>
        addComputedColumn(this.#session, catalog, target, { name, value, unstored, ...this.#statement }),
      )
      return
    }
    if (!found.computed) {
      throw new SchemaError(
        `${what} is declared as computed, and in the file it holds values of its own (${found.type.name}): drop it first, or declare it so`,
      )
    }
    checkStorable(this.#catalog, table, value, what)
    if (sameExpression(found.computed, value) && (found.unstored ?? false) === unstored) {
      // New rows bring cells of the functions' present versions, which the expression as it is declared names.
      if (this.#rebuilding) this.#redefine(id, (t) => ({ ...t, columns: withComputed(t.columns, name, value) }))
      return
    }
    const print = (node: Node, isUnstored: boolean) => `${printNode(node)}${isUnstored ? ', not stored' : ''}`
    const step = {
      kind: 'alterColumn',
      table: table.name,
      column: name,
      from: print(found.computed, found.unstored ?? false),
      to: print(value, unstored),
    } as const
    const define: Define = (catalog, t) => withExpression(catalog, t, { name, value, unstored }).next
    this.#step(id, step, define, (catalog) =>
      alterComputedColumn(this.#session, catalog, target, { name, value, unstored, ...this.#statement }),
    )
  }

  #comment(id: number, comment: string | undefined): void {
    const { comment: was, name } = this.#catalog.byId(id)
    if (was === comment) return
    const define: Define = (_, { comment: _was, ...table }) => ({
      ...table,
      ...(comment === undefined ? {} : { comment }),
    })
    const step = {
      kind: 'alterComment',
      table: name,
      ...(was === undefined ? {} : { from: was }),
      ...(comment === undefined ? {} : { to: comment }),
    } as const
    this.#alter(id, step, define)
  }

  #checks(id: number, check: Readonly<Record<string, (refs: never) => unknown>>): void {
    const table = this.#catalog.byId(id)
    const wanted = defineChecks(table, check)
    for (const { name, predicate } of wanted) {
      const found = table.checks.find((other) => other.name === name)
      if (found && sameExpression(found.predicate, predicate)) continue
      const define: Define = (_, t) => ({
        ...t,
        checks: [...t.checks.filter((other) => other.name !== name), { name, predicate }],
      })
      this.#step(id, { kind: 'addCheck', table: table.name, check: name }, define, (catalog) =>
        addCheck(this.#session, catalog, catalog.byId(id), { name, predicate }),
      )
    }
    for (const { name } of table.checks) {
      if (wanted.some((other) => other.name === name)) continue
      const define: Define = (_, t) => ({ ...t, checks: t.checks.filter((other) => other.name !== name) })
      this.#drop({ kind: 'dropCheck', table: table.name, check: name }, () => {
        this.#define(id, define)
        return this.#altering(id, define)
      })
    }
  }

  #indexes(id: number, { indexes }: DeclarationParts, unique: readonly KeyDefinition[]): void {
    const used = new Set<number>()
    for (const { columns } of unique) this.#key(id, columns, { unique: true }, used)
    for (const index of indexes) {
      if (index.kind === 'ordered') this.#key(id, index.columns, index.options, used)
    }
    const embedding = indexes.flatMap((index) => (index.kind === 'embedding' ? [index] : []))
    // An index with a name is the one of that name; one without takes what is left on its column.
    for (const { column, options } of [
      ...embedding.filter(({ options }) => options.name !== undefined),
      ...embedding.filter(({ options }) => options.name === undefined),
    ]) {
      this.#embeddingIndex(id, column, options, used)
    }
    const table = this.#catalog.byId(id)
    const target = { id, name: table.name }
    for (const { id: index, name } of [...table.keys, ...table.indexes]) {
      if (used.has(index)) continue
      const isKey = table.keys.some((key) => key.id === index)
      this.#drop({ kind: 'dropIndex', table: table.name, index: name }, () => {
        this.#define(id, (_, t) => ({
          ...t,
          keys: t.keys.filter((key) => key.id !== index),
          indexes: t.indexes.filter((i) => i.id !== index),
        }))
        return (catalog) =>
          isKey
            ? dropIndex(this.#session, catalog, target, name)
            : dropEmbeddingIndex(this.#session, catalog, target, { name })
      })
    }
  }

  #key(
    id: number,
    columns: readonly string[],
    options: { readonly name?: string; readonly unique?: boolean },
    used: Set<number>,
  ): void {
    const table = this.#catalog.byId(id)
    const { name, unique = false } = options
    const isDeclared = (key: KeyDefinition) =>
      !used.has(key.id) &&
      (name === undefined ? sameKey(key, { ...key, columns, unique }) : foldName(key.name) === foldName(name))
    const found = table.keys.find(isDeclared)
    const rest = { ...table, keys: table.keys.filter((key) => key !== found) }
    const next = withKey(rest, columns, options)
    const wanted = next.keys.at(-1)!
    if (found && sameKey(found, wanted)) {
      used.add(found.id)
      return
    }
    used.add(wanted.id)
    this.#define(id, () => altered(next, {}))
    const target = { id, name: table.name }
    const add = (catalog: Catalog) => addIndex(this.#session, catalog, target, columns, options)
    this.#replaceIndex(
      table.name,
      { found: found && { name: found.name, words: keyInWords(found) }, wanted, words: keyInWords(wanted), columns },
      add,
      (catalog) => dropIndex(this.#session, catalog, target, found!.name),
    )
  }

  #embeddingIndex(id: number, column: string, options: EmbeddingIndexDeclarationOptions, used: Set<number>): void {
    const table = this.#catalog.byId(id)
    const owned = this.#catalog.columnsOf(table).get(column)
    if (!owned) throw new NotFoundError(`'${table.name}' has no column '${column}' to index`)
    const { embed, metric = 'cosine', name } = options
    const embedder = embed === undefined ? undefined : embedderOf(embed)
    if (embedder) this.#bring('embedder', embedder)
    const free = table.indexes.filter((index) => !used.has(index.id))
    const onColumn = free.filter((index) => index.column === column)
    const found =
      name === undefined
        ? (onColumn.find((index) => index.metric === metric && index.embedder?.name === embedder?.name) ??
          onColumn.find((index) => index.embedder?.name === embedder?.name) ??
          onColumn[0])
        : free.find((index) => foldName(index.name) === foldName(name))
    const rest = { ...table, indexes: table.indexes.filter((index) => index !== found) }
    const wanted = defineIndex(rest, owned.column, { name, metric, embedder })
    if (found && sameIndex(found, wanted)) {
      used.add(found.id)
      return
    }
    used.add(wanted.id)
    this.#define(id, () => altered(rest, { indexes: [...rest.indexes, wanted], nextId: rest.nextId + 1 }))
    const target = { id, name: table.name }
    const add = (catalog: Catalog) =>
      addEmbeddingIndex(this.#session, catalog, target, {
        column,
        name: wanted.name,
        metric,
        embedder,
        ifExists: 'error',
        ...this.#statement,
      })
    this.#replaceIndex(
      table.name,
      {
        found: found && { name: found.name, words: indexInWords(found) },
        wanted,
        words: indexInWords(wanted),
        columns: [column],
        ...(embedder ? { embedder: embedder.name } : {}),
      },
      add,
      (catalog) => dropEmbeddingIndex(this.#session, catalog, target, { name: found!.name }),
    )
  }

  #replaceIndex(
    table: string,
    index: {
      readonly found: { readonly name: string; readonly words: string } | undefined
      readonly wanted: IndexDefinition | KeyDefinition
      readonly words: string
      readonly columns: readonly string[]
      readonly embedder?: string
    },
    add: Action['run'],
    drop: Action['run'],
  ): void {
    const { found, wanted, words, columns, embedder } = index
    if (!found) {
      const step = { kind: 'addIndex', table, index: wanted.name, columns, ...(embedder ? { embedder } : {}) } as const
      this.#actions.push({ steps: [step], run: add })
      return
    }
    this.#actions.push({
      steps: [{ kind: 'replaceIndex', table, index: found.name, from: found.words, to: words }],
      run: async (catalog) => {
        await drop(catalog)
        await add(await this.#session.catalog())
      },
    })
  }

  /** Columns that the file has and the declaration has not. */
  #leftovers(id: number, names: ReadonlySet<string>, { members }: DeclarationParts): void {
    const table = this.#catalog.byId(id)
    for (const { name, iterated } of table.columns) {
      if (iterated || names.has(name) || members.some((member) => member.name === name)) continue
      this.#drop({ kind: 'dropColumn', table: table.name, column: name }, () => {
        const changes = withoutColumn(this.#catalog, this.#catalog.byId(id), name)
        this.#catalog = this.#catalog.with(changes.map((change) => change.table))
        return (catalog) => dropColumn(this.#session, catalog, { id, name: table.name }, name)
      })
    }
  }

  /** What functions of another version made, once everything else is as declared. */
  #recompute(): void {
    const session = this.#session.beside(this.#catalog)
    for (const { kind, definition } of this.#code.values()) session.bind(kind, definition)
    const { recompute } = this.#options
    let any = false
    for (const id of this.#declared) {
      const table = this.#catalog.byId(id)
      const stale = staleOf(session, this.#catalog, table)
      const stepOf = (one: Stale): SyncStep => ({
        kind: 'recompute',
        ...one,
        ...(recompute ? {} : { needs: 'recompute' }),
      })
      if (stale.length === 0) continue
      any = true
      const of = (part: Stale['part']) => stale.filter((one) => one.part === part)
      const [rows, cells, vectors] = [of('view'), of('column'), of('index')]
      if (!recompute) {
        this.#actions.push({ steps: stale.map(stepOf), run: async () => {} })
        continue
      }
      if (rows.length > 0) {
        // Rows that an iterator makes anew bring new cells.
        const all = table.view!.iterator !== undefined
        this.#actions.push({
          steps: [...rows, ...(all ? cells : [])].map(stepOf),
          run: (catalog) => this.#rebuild(catalog, id, [(_, t) => this.#current(t, all)], all ? 'all' : 'members'),
        })
        if (!all) this.#recomputeColumns(session, table, cells, stepOf)
      } else this.#recomputeColumns(session, table, cells, stepOf)
      for (const name of new Set(vectors.map((one) => one.name))) {
        this.#actions.push({
          steps: vectors.filter((one) => one.name === name).map(stepOf),
          run: (catalog) => this.#embedAgain(catalog, id, name),
        })
      }
    }
    if (any && recompute) this.#actions.push({ steps: [], run: (catalog) => this.#nameCurrentCode(catalog) })
  }

  #recomputeColumns(
    session: Session,
    table: TableDefinition,
    cells: readonly Stale[],
    stepOf: (stale: Stale) => SyncStep,
  ): void {
    const target = { id: table.id, name: table.name }
    const columns = table.columns.filter(({ name }) => cells.some((one) => one.name === name))
    const retyped = columns.filter((column) => this.#isRetyped(session, table, column))
    const kept = columns.filter((column) => !retyped.includes(column)).map(({ name }) => name)
    const stepsOf = (names: readonly string[]) => cells.filter(({ name }) => names.includes(name)).map(stepOf)
    for (const { name, computed } of retyped) {
      this.#actions.push({
        steps: stepsOf([name]),
        run: (catalog) => {
          const value = withCurrentCode(this.#session, computed!)
          return alterComputedColumn(this.#session, catalog, target, { name, value, ...this.#statement })
        },
      })
    }
    if (kept.length === 0) return
    this.#actions.push({
      steps: stepsOf(kept),
      run: () =>
        recomputeRows(this.#session, target, {
          columns: kept,
          where: [],
          errorsOnly: false,
          cascade: true,
          ...this.#statement,
        }),
    })
  }

  /** Whether the functions that there are now declare results of another type than the column has. */
  #isRetyped(session: Session, table: TableDefinition, column: ColumnDefinition): boolean {
    const type = typeOfNode(withCurrentCode(session, column.computed!), typeOfColumn(this.#catalog, table))
    return type !== dynamicType && !sameType(column, { ...column, type })
  }

  /** A view whose definition names the code that there is now. */
  #current(table: TableDefinition, withColumns: boolean): TableDefinition {
    const { where, iterator, ...rest } = table.view!
    const code = iterator && this.#session.code('iterator', iterator.iterator.name)
    const current = (node: Node) => withCurrentCode(this.#session, node)
    return {
      ...withCurrentColumns(this.#session, table, () => withColumns),
      view: {
        ...rest,
        ...(where ? { where: current(where) } : {}),
        ...(iterator
          ? {
              iterator: {
                ...iterator,
                args: iterator.args.map(current),
                ...(code ? { iterator: { name: code.name, version: code.version } } : {}),
              },
            }
          : {}),
      },
    }
  }

  async #embedAgain(catalog: Catalog, id: number, name: string): Promise<void> {
    const table = catalog.byId(id)
    const target = { id, name: table.name }
    const { column, metric, embedder } = table.indexes.find((index) => index.name === name)!
    const model = this.#session.embedder(embedder!.name)
    await dropEmbeddingIndex(this.#session, catalog, target, { name })
    await addEmbeddingIndex(this.#session, await this.#session.catalog(), target, {
      column,
      name,
      metric,
      embedder: model,
      ifExists: 'error',
      ...this.#statement,
    })
  }

  /** Columns that are computed when they are read name the code that there is, now that what was stored of them is new. */
  async #nameCurrentCode(catalog: Catalog): Promise<void> {
    const schema = this.#declared.flatMap((id): SchemaChange[] => {
      const was = catalog.byId(id)
      const unstored = new Set(was.columns.filter((column) => column.unstored).map(({ name }) => name))
      const table = withCurrentColumns(this.#session, was, (name) => unstored.has(name))
      return table === was ? [] : [{ kind: 'alterTable', was, table: altered(table, {}) }]
    })
    if (schema.length > 0) await this.#commit(catalog, 'alter definition', schema)
  }

  /** A step whose work is to change what the definition says. */
  #alter(id: number, step: SyncStep, define: Define): void {
    this.#define(id, define)
    this.#actions.push({ steps: [step], run: this.#altering(id, define) })
  }

  #altering(id: number, define: Define): Action['run'] {
    return (catalog) => {
      const was = catalog.byId(id)
      return alterDefinition(this.#session, catalog, was, define(catalog, was))
    }
  }

  /** A step, or a part of the rebuilding that is being planned. */
  #step(id: number, step: SyncStep, define: Define, run: Action['run']): void {
    this.#define(id, define)
    if (!this.#rebuilding) {
      this.#actions.push({ steps: [step], run })
      return
    }
    this.#rebuilding.steps.push(step)
    this.#rebuilding.defines.push(define)
  }

  /** A part of the rebuilding that is being planned that is no step for users. */
  #redefine(id: number, change: (table: TableDefinition) => TableDefinition): void {
    const define: Define = (_, table) => change(table)
    this.#define(id, define)
    this.#rebuilding!.defines.push(define)
  }

  #drop(
    step: SyncStep & { readonly kind: 'dropColumn' | 'dropIndex' | 'dropCheck' },
    apply: () => Action['run'],
  ): void {
    this.#drops.push({ step: this.#options.prune ? step : { ...step, needs: 'prune' }, apply })
  }

  #define(id: number, define: Define): void {
    this.#catalog = this.#catalog.with([define(this.#catalog, this.#catalog.byId(id))])
  }

  #add(table: TableDefinition): void {
    const { version, directories, tables, snapshots } = this.#catalog
    this.#catalog = new Catalog(version, directories, [...tables, table], snapshots)
    this.#created.add(table.id)
    this.#nextTableId++
  }

  /** Expressions were built over the id that was to be given. */
  #checkId(id: number, table: TableDefinition): void {
    if (table.id !== id) throw new ConflictError(`'${table.name}' was created by another process meanwhile`)
  }

  #bringFunctions(node: Node): void {
    visit(node, (n) => {
      if (n.kind === 'function') this.#bring('function', n.fn)
    })
  }

  #bring(kind: CodeKind, definition: FunctionIdentity): void {
    this.#code.set(`${kind}:${definition.name}`, { kind, definition })
  }

  #commit(catalog: Catalog, operation: string, schema: readonly SchemaChange[]): Promise<unknown> {
    return this.#session.commit({ operation, catalogVersion: catalog.version, schema })
  }

  get #statement(): { readonly onError: OnError; readonly signal: AbortSignal | undefined } {
    const { onError, signal } = this.#options
    return { onError, signal }
  }
}

const withColumn = (table: TableDefinition, column: ColumnDefinition): TableDefinition =>
  altered(table, { columns: [...table.columns, column], nextId: column.id + 1 })

const withComputed = (columns: readonly ColumnDefinition[], name: string, computed: Node): ColumnDefinition[] =>
  columns.map((column) => (column.name === name ? { ...column, computed } : column))

/**
 * A view with the columns of another iterator. Of the columns that nobody declares any more those that were computed
 * hold nothing from now on, so that no old expression runs over the new rows; they are dropped in the end.
 */
function withIterated(
  table: TableDefinition,
  wanted: TableDefinition,
  members: ReadonlySet<string>,
  names: ReadonlySet<string>,
): TableDefinition {
  let { nextId } = table
  const made = wanted.columns.filter((column) => column.iterated)
  const kept = (column: ColumnDefinition) =>
    table.columns.find((c) => c.iterated && c.name === column.name && sameType(c, column)) ?? {
      ...column,
      id: nextId++,
    }
  const iterated = made.map(kept)
  const own = table.columns.flatMap((column): ColumnDefinition[] => {
    if (made.some(({ name }) => name === column.name)) {
      if (column.iterated) return []
      throw new SchemaError(
        `the view '${table.name}': the iterator makes a column '${column.name}', which is there already`,
      )
    }
    const declared = members.has(column.name) || names.has(column.name)
    if (declared) return column.iterated ? [] : [column]
    const { id, name, type } = column
    if (!column.iterated && !column.computed) return [column]
    return [{ id: column.iterated && !column.nullable ? nextId++ : id, name, type, nullable: true }]
  })
  return { ...table, columns: [...iterated, ...own], nextId }
}

/** The columns of a declaration that have code in the program: validators and default functions. */
export function schemaOf({ origin, members }: DeclarationParts): Schema {
  const own = members.flatMap((member) => (member.kind === 'column' ? [[member.name, member.column] as const] : []))
  return { ...(origin.kind === 'table' ? origin.schema : {}), ...Object.fromEntries(own) }
}
