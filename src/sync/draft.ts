import { Catalog } from '../catalog/catalog.js'
import type { TableDefinition } from '../catalog/definition.js'
import { alterDefinition } from '../compute/alter-definition.js'
import type { OnError } from '../compute/change.js'
import { ConflictError } from '../errors.js'
import type { CodeKind, FunctionIdentity } from '../expr/function.js'
import { type Node, visit } from '../expr/node.js'
import type { ProgressMeter } from '../plan/progress.js'
import type { ResultLog } from '../plan/result-log.js'
import type { Session } from '../plan/session.js'
import type { SyncStep } from './plan.js'

/** What a plan may do. */
export interface PlannerOptions {
  readonly prune: boolean
  readonly recompute: boolean
}

/** How the work of a step computes. */
export interface StepOptions {
  readonly onError: OnError
  readonly signal: AbortSignal | undefined
  /** Whether new columns and indexes are left for `drain`. */
  readonly deferred: boolean
  readonly results: ResultLog
  readonly meter: ProgressMeter | undefined
}

/** Steps with the work that does them. */
export interface Action {
  readonly steps: readonly SyncStep[]
  run(catalog: Catalog, options: StepOptions): Promise<unknown>
}

/** How a definition follows from one, given what else there is. */
export type Define = (catalog: Catalog, table: TableDefinition) => TableDefinition

/** What a view's rebuilding does together, while its columns are planned. */
export interface Rebuilding {
  readonly steps: SyncStep[]
  readonly defines: Define[]
}

/** Code that declarations bring along. */
export interface BroughtCode {
  readonly kind: CodeKind
  readonly definition: FunctionIdentity
}

type Drop = SyncStep & { readonly kind: 'dropColumn' | 'dropIndex' | 'dropCheck' }

/**
 * A plan while it is made. It has a catalog of its own, which each step changes as carrying it out will change the
 * file's, so that what comes later sees what is not there yet. Nothing is written or computed.
 */
export class Draft {
  readonly session: Session
  readonly options: PlannerOptions
  readonly actions: Action[] = []
  /** Ids of the tables and views that are declared, in order. */
  readonly declared: number[] = []
  rebuilding: Rebuilding | undefined
  #catalog: Catalog
  #nextTableId: number
  readonly #created = new Set<number>()
  readonly #last: (() => void)[] = []
  readonly #code = new Map<string, BroughtCode>()

  constructor(session: Session, catalog: Catalog, options: PlannerOptions) {
    this.session = session
    this.options = options
    this.#catalog = catalog
    this.#nextTableId = session.nextTableId
  }

  /** What there is, and what the steps so far make. */
  get catalog(): Catalog {
    return this.#catalog
  }

  /** A session that sees that, to build queries in. */
  get beside(): Session {
    const session = this.session.beside(this.#catalog)
    for (const { kind, definition } of this.code) session.bind(kind, definition)
    return session
  }

  get code(): BroughtCode[] {
    return [...this.#code.values()]
  }

  /** The id that a new table will be given: nothing else is created meanwhile. */
  get nextTableId(): number {
    return this.#nextTableId
  }

  /** Whether a table is new, and so has no rows. */
  isNew(id: number): boolean {
    return this.#created.has(id)
  }

  /** Creating a table or view, over whose id expressions are built before it is there. */
  create(
    step: SyncStep,
    table: TableDefinition,
    run: (catalog: Catalog, options: StepOptions) => Promise<TableDefinition>,
  ): void {
    const { version, directories, tables, snapshots } = this.#catalog
    this.#catalog = new Catalog(version, directories, [...tables, table], snapshots)
    this.#created.add(table.id)
    this.#nextTableId++
    this.act(step, async (catalog, options) => {
      const { id, name } = await run(catalog, options)
      if (id !== table.id) throw new ConflictError(`'${name}' was created by another process meanwhile`)
    })
  }

  createDirectory(name: string, run: Action['run']): void {
    const { version, directories, tables, snapshots } = this.#catalog
    this.#catalog = new Catalog(version, [...directories, name], tables, snapshots)
    this.act({ kind: 'createDirectory', name }, run)
  }

  /** What a step makes of a definition. */
  define(id: number, define: Define): void {
    this.replace([define(this.#catalog, this.#catalog.byId(id))])
  }

  replace(tables: readonly TableDefinition[]): void {
    this.#catalog = this.#catalog.with(tables)
  }

  /** A step, and what does it. */
  act(step: SyncStep, run: Action['run']): void {
    this.actions.push({ steps: [step], run })
  }

  /** A step on columns, or a part of the rebuilding that is being planned. */
  step(id: number, step: SyncStep, define: Define, run: Action['run']): void {
    this.define(id, define)
    if (!this.rebuilding) {
      this.act(step, run)
      return
    }
    this.rebuilding.steps.push(step)
    this.rebuilding.defines.push(define)
  }

  /** A step whose work is to change what the definition says. */
  alter(id: number, step: SyncStep, define: Define): void {
    this.define(id, define)
    this.act(step, this.altering(id, define))
  }

  altering(id: number, define: Define): Action['run'] {
    return (catalog) => {
      const was = catalog.byId(id)
      return alterDefinition(this.session, catalog, was, define(catalog, was))
    }
  }

  /** Plans something when all is planned that is made, in the reverse order: what reads a column goes before the column. */
  last(plan: () => void): void {
    this.#last.push(plan)
  }

  /** Something to be dropped in the end, or only reported without `prune`. @param plan changes the draft's catalog */
  drop(step: Drop, plan: () => Action['run']): void {
    this.last(() => {
      if (this.options.prune) this.act(step, plan())
      else this.report([{ ...step, needs: 'prune' }])
    })
  }

  finish(): void {
    for (const plan of this.#last.reverse()) plan()
  }

  /** Steps that are not done, because an option is missing. */
  report(steps: readonly SyncStep[]): void {
    this.actions.push({ steps, run: async () => {} })
  }

  /** Code that a declaration needs, and this database may not know. */
  bring(kind: CodeKind, definition: FunctionIdentity): void {
    this.#code.set(`${kind}:${definition.name}`, { kind, definition })
  }

  bringFunctions(node: Node): void {
    visit(node, (n) => {
      if (n.kind === 'function' && n.fn.code) this.bring('function', n.fn.code)
    })
  }
}
