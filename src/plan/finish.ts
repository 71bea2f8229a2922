import type { OutputColumn, SortKey } from '../engine/engine.js'
import type { Node } from '../expr/node.js'
import { compareKeys } from '../expr/operators/index.js'
import { setOwn } from '../types/own-property.js'
import { CellFailure, evaluate } from './evaluate.js'
import type { Plan } from './plan.js'

/** One row of a result. */
export type ResultRow = Record<string, unknown>

/** JavaScript's part of a query. */
export async function finish(
  plan: Plan,
  columns: readonly OutputColumn[],
  raw: unknown[][],
  signal: AbortSignal | undefined,
): Promise<ResultRow[]> {
  if (!plan.output) return raw.map((row) => toRow(columns, row))
  let rows = raw
  if (plan.filter) {
    const keep = await values(plan.filter, columns, rows, signal)
    rows = rows.filter((_, i) => keep[i] === true)
  }
  if (plan.orderBy) rows = await sort(plan.orderBy, columns, rows, signal)
  rows = plan.distinct ? rows : rows.slice(plan.offset, plan.offset + plan.limit)
  const cells = await Promise.all(plan.output.map((column) => values(column.value, columns, rows, signal)))
  const result = rows.map((_, i) =>
    toRow(
      plan.output!,
      cells.map((column) => column[i]),
    ),
  )
  return plan.distinct ? distinct(result).slice(plan.offset, plan.offset + plan.limit) : result
}

function toRow(columns: readonly OutputColumn[], cells: readonly unknown[]): ResultRow {
  const row: ResultRow = {}
  for (let i = 0; i < columns.length; i++) setOwn(row, columns[i]!.name, cells[i])
  return row
}

/** Evaluates over rows of a result. A function that fails fails the query. */
async function values(
  node: Node,
  columns: readonly OutputColumn[],
  rows: readonly unknown[][],
  signal: AbortSignal | undefined,
): Promise<readonly unknown[]> {
  const positions = new Map(columns.map((column, i) => [column.name, i]))
  const source = {
    length: rows.length,
    valuesOf(input: Node) {
      const at = positions.get((input as { name: string }).name)!
      return rows.map((row) => row[at])
    },
  }
  const cells = await evaluate(node, source, { signal, stop: new AbortController() })
  const failure = cells.find((cell) => cell instanceof CellFailure)
  if (failure instanceof CellFailure) throw failure.error
  return cells
}

async function sort(
  keys: readonly SortKey[],
  columns: readonly OutputColumn[],
  rows: readonly unknown[][],
  signal: AbortSignal | undefined,
): Promise<unknown[][]> {
  const cells = await Promise.all(keys.map((key) => values(key.node, columns, rows, signal)))
  const order = rows.map((_, i) => i)
  order.sort((a, b) => {
    for (let k = 0; k < keys.length; k++) {
      const x = cells[k]![a]
      const y = cells[k]![b]
      const difference = compareKeys(x ?? null, y ?? null, keys[k]!)
      if (difference !== 0) return difference
    }
    return a - b
  })
  return order.map((i) => rows[i]!)
}

function distinct(rows: readonly ResultRow[]): ResultRow[] {
  const seen = new Set<string>()
  return rows.filter((row) => {
    const key = JSON.stringify(Object.values(row).map((value) => (typeof value === 'bigint' ? `${value}n` : value)))
    if (seen.has(key)) return false
    seen.add(key)
    return true
  })
}
