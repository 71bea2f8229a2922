import type { TableDefinition } from '../../../catalog/definition.js'
import type { Node } from '../../../expr/node.js'
import { isJson } from '../../../types/json.js'
import { Fragment, inline, quote, sql } from '../fragment.js'
import { sortable } from './aggregate.js'
import { ExpressionCompiler } from './expression.js'
import { Compilation } from './select.js'
import type { Source } from './source.js'

/**
 * What an index over an expression has of each row, in SQL: what queries sort by, spelt as they spell it, so that SQLite
 * sees that it is the same. JSON of several kinds can be the same there (`1` and `true`), so that an index which is to
 * tell rows apart goes by the kind too.
 */
export function compileIndexKey(table: TableDefinition, node: Node, unique: boolean): string[] {
  const value = new ExpressionCompiler(new RowOfIndex(table), new Compilation(), undefined).compile(node)
  const parts = [sortable(value), ...(unique && isJson(value.type) ? [sql`json_type(${value.sql})`] : [])]
  return parts.map((part) => inline(part).sql)
}

/** The row that SQLite puts into an index: its columns have no other name than their own. */
class RowOfIndex implements Source {
  readonly #table: TableDefinition

  constructor(table: TableDefinition) {
    this.#table = table
  }

  column(table: number, name: string) {
    const column = table === this.#table.id ? this.#table.columns.find((c) => c.name === name) : undefined
    return column && { sql: new Fragment(quote(name)), type: column.type, simple: true }
  }

  cellError(): undefined {}

  isIndexed(): boolean {
    return false
  }

  from(): Fragment {
    return new Fragment(quote(this.#table.name))
  }

  ties(): Fragment[] {
    return []
  }
}
