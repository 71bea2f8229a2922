import type { TableDefinition } from '../catalog/definition.js'
import type { OnError } from '../compute/change.js'
import type { ComputeTime } from '../compute/insert.js'
import { bindSchema } from '../compute/schema.js'
import { SchemaError } from '../errors.js'
import { type OnProgress, type ProgressMeter, withProgress } from '../plan/progress.js'
import type { Session } from '../plan/session.js'
import { Table } from '../table/table.js'
import { type AnyDeclaration, type Declaration, declared, schemaOf } from './declaration.js'
import type { PlannerOptions } from './draft.js'
import { inOrder } from './order.js'
import type { SyncPlan } from './plan.js'
import { type Planned, planSync } from './planner.js'

/** Options of `sync`. */
export interface SyncOptions {
  /** Whether only to say what would be done; nothing is written or computed, and the plan is returned. @default false */
  readonly dryRun?: boolean
  /**
   * Whether to drop what the file has and the declarations have not (columns, indexes, checks), and to rebuild views
   * whose condition or iterator is declared differently. @default false
   */
  readonly prune?: boolean
  /** Whether to compute again what another version of a function made. @default false */
  readonly recompute?: boolean
  /** What a cell that cannot be computed does: ends the sync, or is null with its error kept. @default 'abort' */
  readonly onError?: OnError
  /** Stops the work; nothing is changed then. */
  readonly signal?: AbortSignal
  /** `'deferred'` leaves the cells of new columns and the vectors of new indexes for `drain`. @default 'now' */
  readonly compute?: ComputeTime
  /** Hears how far the work has come. @default the listener that the database was opened with */
  readonly onProgress?: OnProgress
}

/** What `sync` takes: declarations under the names that their handles are to have. */
export type Declarations = Readonly<Record<string, AnyDeclaration>>

/** The handles that `sync` returns. */
export type Synced<D extends Declarations> = {
  -readonly [K in keyof D]: D[K] extends Declaration<infer R, infer I, infer X, infer M, infer L>
    ? Table<R, I, X, M, L>
    : never
}

/** What a sync would do, without doing it. */
export async function planOf(session: Session, declarations: unknown, options: SyncOptions): Promise<SyncPlan> {
  const { plan } = await planSync(session, inOrder(declarations as Declarations), plannerOptions(options))
  return plan
}

/** Makes a file what declarations say, in one transaction, and opens what they declare. */
export async function syncTables(
  session: Session,
  declarations: Declarations,
  options: SyncOptions,
): Promise<Record<string, Table<any, any, any, any, any>>> {
  const ordered = inOrder(declarations)
  const how = plannerOptions(options)
  let planned = await planSync(session, ordered, how)
  checkAllowed(planned)
  // Opening a file that is as declared takes no lock.
  if (planned.plan.hasWork) {
    planned = await session.transaction('sync', async () => {
      // Another process may have changed the file since.
      const current = await planSync(session, ordered, how)
      checkAllowed(current)
      bind(session, current, ordered)
      await withProgress(session, options.onProgress, (meter) => carryOut(session, current, { ...options, meter }))
      return current
    })
  }
  const catalog = await session.catalog()
  bind(session, planned, ordered)
  return Object.fromEntries(
    Object.entries(declarations).map(([key, { name }]) => [
      key,
      new Table<any, any, any, any, any>(session, catalog.named(name)!),
    ]),
  )
}

const plannerOptions = ({ prune = false, recompute = false }: SyncOptions): PlannerOptions => ({ prune, recompute })

async function carryOut(
  session: Session,
  { actions }: Planned,
  { onError = 'abort', signal, compute, meter }: SyncOptions & { readonly meter: ProgressMeter | undefined },
): Promise<void> {
  for (const { run } of actions) {
    signal?.throwIfAborted()
    await session.attemptAlone((catalog, results) =>
      run(catalog, { onError, signal, deferred: compute === 'deferred', results, meter }),
    )
  }
}

/** @throws SchemaError when a view would have to be rebuilt, and nobody asked for it: its handle would promise too much */
function checkAllowed({ plan }: Planned): void {
  for (const step of plan.steps) {
    if (step.kind !== 'rebuildView' || !step.needs) continue
    throw new SchemaError(
      `sync(): the ${step.changed.join(' and ')} of the view '${step.table}' ${step.changed.length === 1 ? 'is' : 'are'} declared differently than in the file, and rows of it would go: pass { prune: true } to rebuild it`,
    )
  }
}

/** Brings back what the file cannot hold: functions, models, iterators, validators and default functions. */
function bind(session: Session, { code }: Planned, declarations: readonly AnyDeclaration[]): void {
  for (const { kind, definition } of code) {
    if (session.code(kind, definition.name) !== definition) session.bind(kind, definition)
  }
  for (const declaration of declarations) {
    const table: TableDefinition | undefined = session.lastCatalog.named(declaration.name)
    if (table) bindSchema(session, table, schemaOf(declaration[declared]))
  }
}
