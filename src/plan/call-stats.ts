import { identityOf } from '../expr/function.js'
import type { CallRecord } from '../scheduler/caller.js'

/** What a function did for a column or index, since the database was opened. */
export interface ColumnStats {
  readonly table: string
  /** The computed column; the index, for a model; the view, for its condition. */
  readonly column: string
  /** The function or model, as `name@version`. */
  readonly function: string
  /** Rows that it was called for, retries included. */
  readonly cells: number
  /** Calls; one of a batch counts once. */
  readonly calls: number
  /** Calls that repeat one that failed. */
  readonly retries: number
  /** Rows for which a call failed, whether or not a retry was better. */
  readonly failed: number
  /** Milliseconds that the calls took, all together. */
  readonly milliseconds: number
  /** What the function has reported; see `CallContext.report`. */
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cost: number
}

/** Adds up what calls did, by column and function. */
export class CallStats {
  readonly #columns = new Map<string, { -readonly [K in keyof ColumnStats]: ColumnStats[K] }>()

  add(table: string, column: string, { code, rows, milliseconds, retry, failed, usage }: CallRecord): void {
    const name = identityOf(code)
    const key = JSON.stringify([table, column, name])
    let stats = this.#columns.get(key)
    if (!stats) {
      const none = { cells: 0, calls: 0, retries: 0, failed: 0, milliseconds: 0 }
      stats = { table, column, function: name, ...none, inputTokens: 0, outputTokens: 0, cost: 0 }
      this.#columns.set(key, stats)
    }
    stats.cells += rows
    stats.calls += code.batchSize === 1 && !retry ? rows : 1
    stats.retries += retry ? 1 : 0
    stats.failed += failed
    stats.milliseconds += milliseconds
    stats.inputTokens += usage.inputTokens ?? 0
    stats.outputTokens += usage.outputTokens ?? 0
    stats.cost += usage.cost ?? 0
  }

  of(table?: string): ColumnStats[] {
    return [...this.#columns.values()]
      .filter((stats) => table === undefined || stats.table === table)
      .map((stats) => ({ ...stats }))
  }
}
