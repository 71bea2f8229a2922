import { deleteRows } from '../compute/delete.js'
import type { ChangeResult, Target } from '../compute/statements.js'
import { type UpdateOptions, updateRows } from '../compute/update.js'
import { QueryError } from '../errors.js'
import type { Node } from '../expr/node.js'
import { tableQuery } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import { checkRowWise } from '../query/grouping.js'
import { type Condition, toPredicate } from '../query/predicate.js'
import { refsOf } from '../query/refs.js'

interface Parts {
  readonly session: Session
  readonly table: Target
  /** What to set; absent in a delete. */
  readonly values?: Readonly<Record<string, unknown>>
  readonly where: readonly Node[]
  readonly all: boolean
}

/**
 * An update or a delete that is waiting for its condition. Immutable; `run` does it.
 */
export class ChangeBuilder<in out R> {
  readonly #parts: Parts

  /** @internal */
  constructor(parts: Parts) {
    this.#parts = parts
    Object.freeze(this)
  }

  /**
   * Only rows for which the condition is true. Several `where` are joined by AND.
   * @throws QueryError when a value is `undefined`, or a predicate was built and not used
   * @throws NotFoundError for an unknown column
   */
  where(condition: string, ...values: readonly unknown[]): ChangeBuilder<R>
  where(condition: Condition<R>): ChangeBuilder<R>
  where(condition: unknown, ...values: readonly unknown[]): ChangeBuilder<R> {
    const { session, table, where } = this.#parts
    const predicate = toPredicate(condition, refsOf(session, tableQuery(table)), values)
    checkRowWise(predicate, 'where()')
    return new ChangeBuilder({ ...this.#parts, where: [...where, predicate] })
  }

  /** Every row: what a statement without a `where` must say. */
  all(): ChangeBuilder<R> {
    return new ChangeBuilder({ ...this.#parts, all: true })
  }

  /**
   * Runs the statement, in one commit.
   * @throws QueryError when there is neither `where` nor `all`
   * @throws ValidationError when a value does not fit its column
   * @throws ComputeError under `onError: 'abort'`, when a dependent cell cannot be computed
   */
  async run(options: UpdateOptions = {}): Promise<ChangeResult> {
    const { session, table, values, where, all } = this.#parts
    if (where.length === 0 && !all) {
      const verb = values ? 'update' : 'delete'
      throw new QueryError(`${verb}(): add where(…), or all() if every row of '${table.name}' is meant`)
    }
    return values ? updateRows(session, table, values, where, options) : deleteRows(session, table, where, options)
  }
}
