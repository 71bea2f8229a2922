import { kindOf } from '../catalog/definition.js'
import { directoryOf } from '../catalog/names.js'
import { createDirectory } from '../compute/directories.js'
import { hasDirectory } from '../compute/schema.js'
import { ExistsError } from '../errors.js'
import type { Session } from '../plan/session.js'
import { type AnyDeclaration, type DeclarationParts, declared } from './declaration.js'
import { type Action, type BroughtCode, Draft, type PlannerOptions } from './draft.js'
import { SyncPlan } from './plan.js'
import { planRecompute } from './plan-recompute.js'
import { planTable } from './plan-table.js'
import { planView } from './plan-view.js'

/** What a sync does: the plan for users, and the work that does it. */
export interface Planned {
  readonly plan: SyncPlan
  readonly actions: readonly Action[]
  readonly code: readonly BroughtCode[]
}

/**
 * Compares declarations, bases first, with what there is. A dry run shows the plan, and a sync runs its actions, so
 * that the two cannot disagree.
 *
 * @throws SchemaError when a stored column has another type, or a table another primary key or base
 * @throws ExistsError when a name is taken by something else
 */
export async function planSync(
  session: Session,
  declarations: readonly AnyDeclaration[],
  options: PlannerOptions,
): Promise<Planned> {
  const draft = new Draft(session, await session.catalog(), options)
  for (const declaration of declarations) await planDeclaration(draft, declaration[declared])
  draft.finish()
  planRecompute(draft)
  const plan = new SyncPlan(draft.actions.flatMap(({ steps }) => steps))
  return { plan, actions: draft.actions, code: draft.code }
}

async function planDeclaration(draft: Draft, parts: DeclarationParts): Promise<void> {
  const { name, origin } = parts
  const existing = draft.catalog.named(name)
  if (existing && kindOf(existing) !== origin.kind) {
    throw new ExistsError(
      `sync(): '${existing.name}' is declared as a ${origin.kind}, and in the file it is a ${kindOf(existing)}`,
    )
  }
  if (!existing) planDirectories(draft, name)
  if (origin.kind === 'table') await planTable(draft, { ...parts, origin }, existing)
  else await planView(draft, { ...parts, origin }, existing)
}

/** Plans the directories that a name is in, the outer ones first. */
function planDirectories(draft: Draft, name: string): void {
  const directory = directoryOf(name)
  if (directory === undefined || hasDirectory(draft.catalog, directory)) return
  planDirectories(draft, directory)
  const schema = createDirectory(draft.catalog, directory)
  draft.createDirectory(directory, ({ version }) =>
    draft.session.commit({ operation: 'create directory', catalogVersion: version, schema }),
  )
}
