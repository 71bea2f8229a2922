import type { ColumnType } from '../../../types/column-type.js'
import type { Fragment } from '../fragment.js'

/** An expression in SQL, and the type of its values. */
export interface Typed {
  readonly sql: Fragment
  readonly type: ColumnType<any>
  /** Where it is a literal, its value. */
  readonly literal?: unknown
}
