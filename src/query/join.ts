import type { JoinKind, OutputColumn } from '../engine/engine.js'
import { QueryError } from '../errors.js'
import { conjunction, predicateOf } from '../expr/expression.js'
import { columnNode, type Node } from '../expr/node.js'
import { outputsOf } from '../plan/columns.js'
import { type JoinNode, nameOf, newSourceId, type QueryNode, type SourceNode } from '../plan/query-node.js'
import type { Session } from '../plan/session.js'
import { describeValue } from '../types/column-type.js'
import { sourceRefs } from './refs.js'

/** Options of `join`. */
export interface JoinOptions {
  /**
   * Which rows without a partner are kept: none (`inner`), the left ones, the right ones, or all (`full`). `cross` pairs
   * every row with every other. @default 'inner'
   */
  readonly kind?: JoinKind
  /** Put, with an underscore, before the names of the right side's columns. @default nothing */
  readonly as?: string
}

/** The kind of join that options ask for. */
export type KindOf<T> = T extends JoinKind ? T : T extends { readonly kind: infer K extends JoinKind } ? K : 'inner'
/** The prefix that options ask for. */
export type PrefixOf<T> = T extends { readonly as: infer P extends string } ? P : ''

/** The columns of the right side of a join, under the names that they get. */
export type Prefixed<O, P extends string> = [P] extends [''] ? O : { [K in keyof O & string as `${P}_${K}`]: O[K] }

type Nullable<O> = { [K in keyof O]: O[K] | null }

/** The row of a join: a side whose rows may have no partner is null there. */
export type Joined<L, R, K extends JoinKind> = (K extends 'right' | 'full' ? Nullable<L> : L) &
  (K extends 'left' | 'full' ? Nullable<R> : R)

/** A type error that is a sentence: two columns would have one name. */
export interface NameClash<N> {
  readonly __error: `both sides have a column '${N & string}': give the right side's columns a prefix with { as: '…' }`
}

/** Nothing, or the error that both sides have columns of a name. `U` are those that the join makes one. */
export type Clash<L, R, U> = [Exclude<keyof L & keyof R, U>] extends [never]
  ? unknown
  : NameClash<Exclude<keyof L & keyof R, U>>

const kinds: readonly JoinKind[] = ['inner', 'left', 'right', 'full', 'cross']

/** The query over the rows of two others side by side. @throws QueryError at the call */
export function joinQueries(
  session: Session,
  left: QueryNode,
  right: QueryNode,
  on: unknown,
  options: JoinKind | JoinOptions = {},
): QueryNode {
  const { kind: type = 'inner', as = '' } = typeof options === 'string' ? { kind: options } : options
  if (!kinds.includes(type)) {
    throw new QueryError(`join(): expected one of ${kinds.join(', ')}, got ${describeValue(type)}`)
  }
  if ((type === 'cross') !== (on === undefined || on === null)) {
    throw new QueryError(
      type === 'cross'
        ? 'join(): a cross join pairs all rows and takes no condition'
        : `join(): a ${type} join needs a condition: (a, b) => a.id.eq(b.id), or the name of a column that both have`,
    )
  }
  const sides = [sideOf(session, left), sideOf(session, right)] as const
  const [l, r] = sides
  const shared = typeof on === 'string' || Array.isArray(on) ? [on].flat() : []
  const predicate = shared.length > 0 ? equal(sides, shared) : on ? conditionOf(session, sides, on) : undefined
  const columns: OutputColumn[] = l.columns.map(({ name, value }) => ({
    name,
    value: shared.includes(name) && type !== 'inner' && type !== 'left' ? eitherOf(value, find(r, name)) : value,
  }))
  for (const { name, value } of r.columns) {
    if (shared.includes(name)) continue
    const renamed = as === '' ? name : `${as}_${name}`
    if (columns.some((column) => column.name === renamed)) {
      throw new QueryError(
        `join(): both sides have a column '${renamed}': give the right side's columns a prefix with { as: '…' }`,
      )
    }
    columns.push({ name: renamed, value })
  }
  const from: JoinNode = {
    kind: 'join',
    type,
    left: l.from,
    right: r.from,
    ...(predicate ? { on: predicate } : {}),
    columns,
  }
  return { from, where: [], orderBy: [] }
}

interface Side {
  readonly from: SourceNode
  /** The columns that the side shows, by the nodes that reach them. */
  readonly columns: readonly OutputColumn[]
}

/** A query as a side of a join. A join that is nothing else is taken in whole. */
function sideOf(session: Session, query: QueryNode): Side {
  const { from, where, orderBy, ...rest } = query
  if (from.kind === 'join' && where.length === 0 && orderBy.length === 0 && Object.keys(rest).length === 0) {
    return { from, columns: from.columns }
  }
  const id = newSourceId()
  const outputs = outputsOf(session, query)
  const hasRowids = from.kind === 'table' && !query.groupBy && !query.distinct
  const hidden: OutputColumn[] = hasRowids ? [{ name: '_rowid', value: { kind: 'rowid', table: from.id } }] : []
  return {
    from: { kind: 'subquery', id, query: { ...query, select: [...outputs, ...hidden] } },
    columns: outputs.map(({ name }) => ({ name, value: columnNode(id, name) })),
  }
}

function conditionOf(session: Session, [l, r]: readonly [Side, Side], on: unknown): Node {
  if (typeof on !== 'function') {
    throw new QueryError(`join(): expected (a, b) => condition, or names of columns, got ${describeValue(on)}`)
  }
  const refs = [l, r].map(({ from }) => sourceRefs(session, from))
  return predicateOf((() => (on as (...sides: unknown[]) => unknown)(...refs)) as never, undefined)
}

function equal(sides: readonly [Side, Side], names: readonly unknown[]): Node {
  return conjunction(
    names.map((name): Node => {
      const [a, b] = sides.map((side) => find(side, name))
      return Object.freeze({ kind: 'call', operator: 'eq', args: [a!, b!] })
    }),
  )!
}

function find(side: Side, name: unknown): Node {
  const column = side.columns.find((c) => c.name === name)
  if (column) return column.value
  const names = side.columns.map((c) => c.name).join(', ')
  throw new QueryError(`join(): '${nameOf(side.from)}' has no column ${describeValue(name)}. It has: ${names}`)
}

const eitherOf = (a: Node, b: Node): Node => Object.freeze({ kind: 'call', operator: 'coalesce', args: [a, b] })
