import type { Stale } from '../compute/stale.js'

/**
 * One thing that differs between the declarations and the file, and what `sync` does about it. Where it has `needs`,
 * that option was not given, and the step is only reported.
 */
export type SyncStep =
  | { readonly kind: 'createDirectory'; readonly name: string }
  | { readonly kind: 'createTable'; readonly table: string; readonly columns: readonly string[] }
  | { readonly kind: 'createView'; readonly table: string; readonly base: string }
  /** A view shows other columns of its base: those that are listed, or all. */
  | { readonly kind: 'alterView'; readonly table: string; readonly shows: readonly string[] | 'all' }
  /** The rows of a view are made anew, or those that its condition does not keep leave and others join. */
  | {
      readonly kind: 'rebuildView'
      readonly table: string
      readonly changed: readonly ('iterator' | 'condition')[]
      readonly needs?: 'prune'
    }
  | {
      readonly kind: 'addColumn'
      readonly table: string
      readonly column: string
      readonly type: string
      /** The expression of a computed column. */
      readonly computed?: string
    }
  /** A computed column gets another expression, or is kept no longer or from now on. */
  | {
      readonly kind: 'alterColumn'
      readonly table: string
      readonly column: string
      readonly from: string
      readonly to: string
    }
  | { readonly kind: 'alterDefault'; readonly table: string; readonly column: string }
  | { readonly kind: 'alterComment'; readonly table: string; readonly from?: string; readonly to?: string }
  | { readonly kind: 'addCheck'; readonly table: string; readonly check: string }
  | { readonly kind: 'dropCheck'; readonly table: string; readonly check: string; readonly needs?: 'prune' }
  | {
      readonly kind: 'addIndex'
      readonly table: string
      readonly index: string
      readonly columns: readonly string[]
      /** The model of an embedding index that keeps vectors. */
      readonly embedder?: string
      /** The language of a full-text index. */
      readonly language?: string
    }
  | {
      readonly kind: 'replaceIndex'
      readonly table: string
      readonly index: string
      readonly from: string
      readonly to: string
    }
  /** How an embedding index is searched changes; its vectors stay. */
  | {
      readonly kind: 'alterIndex'
      readonly table: string
      readonly index: string
      readonly from: string
      readonly to: string
    }
  | { readonly kind: 'dropColumn'; readonly table: string; readonly column: string; readonly needs?: 'prune' }
  | { readonly kind: 'dropIndex'; readonly table: string; readonly index: string; readonly needs?: 'prune' }
  /** What another version of a function made is made again. */
  | ({ readonly kind: 'recompute'; readonly needs?: 'recompute' } & Stale)

/**
 * What `pxt.sync` would do. Prints as a list, one step a line.
 *
 * @example
 * ```ts
 * import { Pixeltable, t, table } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const plan = await pxt.sync({ notes: table('notes', { text: t.string() }) }, { dryRun: true })
 * console.log(String(plan), plan.isEmpty) // create table 'notes' (text) false
 * for (const step of plan.steps) if (step.kind === 'createTable') console.log(step.columns) // ['text']
 * ```
 */
export class SyncPlan {
  /** In the order in which they are done. */
  readonly steps: readonly SyncStep[]

  /** @internal */
  constructor(steps: readonly SyncStep[]) {
    this.steps = Object.freeze([...steps])
    Object.freeze(this)
  }

  /** Whether the file is as declared, with nothing to do, to drop or to compute again. */
  get isEmpty(): boolean {
    return this.steps.length === 0
  }

  /** @internal Whether anything is to be written; other steps are only reported. */
  get hasWork(): boolean {
    return this.steps.some((step) => !('needs' in step && step.needs))
  }

  toString(): string {
    return this.isEmpty ? 'nothing to do' : this.steps.map(printStep).join('\n')
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

function printStep(step: SyncStep): string {
  const needs = 'needs' in step && step.needs ? ` (only with { ${step.needs}: true })` : ''
  return `${words(step)}${needs}`
}

function words(step: SyncStep): string {
  switch (step.kind) {
    case 'createDirectory':
      return `create directory '${step.name}'`
    case 'createTable':
      return `create table '${step.table}' (${step.columns.join(', ')})`
    case 'createView':
      return `create view '${step.table}' of '${step.base}'`
    case 'alterView':
      return `alter view '${step.table}': it shows ${step.shows === 'all' ? 'all columns of its base' : step.shows.join(', ')}`
    case 'rebuildView':
      return `rebuild view '${step.table}': its ${step.changed.join(' and ')} changed`
    case 'addColumn':
      return `add column '${step.column}' to '${step.table}': ${step.computed === undefined ? step.type : `= ${step.computed}`}`
    case 'alterColumn':
      return `alter column '${step.column}' of '${step.table}': = ${step.to}, was ${step.from}`
    case 'alterDefault':
      return `alter the default of column '${step.column}' of '${step.table}'`
    case 'alterComment':
      return `alter the comment of '${step.table}'`
    case 'addCheck':
      return `add check '${step.check}' to '${step.table}'`
    case 'dropCheck':
      return `drop check '${step.check}' of '${step.table}'`
    case 'addIndex':
      return `add index '${step.index}' to '${step.table}' on ${step.columns.join(', ')}${step.embedder === undefined ? '' : `: ${step.embedder}`}${step.language === undefined ? '' : `: text, ${step.language}`}`
    case 'replaceIndex':
      return `replace index '${step.index}' of '${step.table}': ${step.to}, was ${step.from}`
    case 'alterIndex':
      return `search index '${step.index}' of '${step.table}' by ${step.to}, was ${step.from}`
    case 'dropColumn':
      return `drop column '${step.column}' of '${step.table}'`
    case 'dropIndex':
      return `drop index '${step.index}' of '${step.table}'`
    case 'recompute': {
      const what = step.part === 'view' ? `view '${step.table}'` : `${step.part} '${step.name}' of '${step.table}'`
      return `recompute ${what}: stale, made by ${step.function}@${step.storedVersion}, which is now @${step.currentVersion}`
    }
  }
}
