/**
 * The query language once more, as simply as possible: over arrays of rows, one row at a time, written from the
 * documented rules and without any of the library's own code.
 */

export type Value = number | bigint | string | boolean | Date | null | unknown
export type Row = Readonly<Record<string, Value>>

export const isNull = (x: Value): boolean => x === null || x === undefined

/** Numbers, texts (by code point), booleans and instants in order. Values of one kind only. */
export function order(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') {
    const [x, y] = [[...a], [...b]]
    for (let i = 0; i < Math.min(x.length, y.length); i++) {
      if (x[i] !== y[i]) return x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!
    }
    return x.length - y.length
  }
  const [x, y] = [a, b].map((v) => (v instanceof Date ? v.getTime() : typeof v === 'boolean' ? Number(v) : v)) as [
    number,
    number,
  ]
  return x < y ? -1 : x > y ? 1 : 0
}

/** A function of values that is null where one of them is. */
export const strict =
  (f: (...args: any[]) => Value) =>
  (...args: Value[]): Value => {
    if (args.some(isNull)) return null
    const result = f(...args)
    return typeof result === 'number' && Number.isNaN(result) ? null : result
  }

export const and = (a: Value, b: Value): Value =>
  a === false || b === false ? false : isNull(a) || isNull(b) ? null : true
export const or = (a: Value, b: Value): Value =>
  a === true || b === true ? true : isNull(a) || isNull(b) ? null : false

/** SQL's LIKE, by trying every way. */
export function like(text: string, pattern: string): boolean {
  const [t, p] = [[...text], [...pattern]]
  const fits = (i: number, j: number): boolean => {
    if (j === p.length) return i === t.length
    if (p[j] === '%') return fits(i, j + 1) || (i < t.length && fits(i + 1, j))
    return i < t.length && (p[j] === '_' || p[j] === t[i]) && fits(i + 1, j + 1)
  }
  return fits(0, 0)
}

export interface Key {
  readonly of: (row: Row) => Value
  readonly direction: 'asc' | 'desc'
  readonly nulls: 'first' | 'last'
}

/** Sorted by keys; equals stay in order. */
export const sorted = (rows: readonly Row[], keys: readonly Key[]): Row[] =>
  rows
    .map((row, i) => ({ row, i, values: keys.map((key) => key.of(row)) }))
    .sort((a, b) => {
      for (const [k, { direction, nulls }] of keys.entries()) {
        const [x, y] = [a.values[k], b.values[k]]
        if (isNull(x) && isNull(y)) continue
        if (isNull(x) || isNull(y)) return isNull(x) === (nulls === 'first') ? -1 : 1
        const difference = order(x, y)
        if (difference !== 0) return direction === 'asc' ? difference : -difference
      }
      return a.i - b.i
    })
    .map(({ row }) => row)

/** The same text for equal values, and only for them. */
export const identity = (x: Value): string => toText(x, (v) => v)

/** The same text for values that are equal to ten digits: a sum depends on the order of its parts. */
export const text = (x: Value): string => toText(x, (v) => Number(v.toPrecision(10)))

const toText = (x: Value, round: (v: number) => number): string =>
  JSON.stringify(x, (_, v: unknown) => {
    if (typeof v === 'bigint') return `${v}n`
    if (typeof v !== 'number' || Number.isInteger(v)) return v
    return Number.isFinite(v) ? round(v) : String(v)
  })

export function groups(rows: readonly Row[], keys: readonly ((row: Row) => Value)[]): Row[][] {
  const found = new Map<string, Row[]>()
  if (keys.length === 0) return [[...rows]]
  for (const row of rows) {
    const key = identity(keys.map((of) => of(row)))
    found.set(key, [...(found.get(key) ?? []), row])
  }
  return [...found.values()]
}

export const aggregates: Readonly<Record<string, (values: readonly Value[]) => Value>> = {
  count: (values) => values.filter((v) => !isNull(v)).length,
  countDistinct: (values) => new Set(values.filter((v) => !isNull(v)).map(identity)).size,
  sum: (values) => some(values, total),
  avg: (values) => some(values, (v) => total(v) / v.length),
  min: (values) => some(values, (v) => v.reduce((a, b) => (order(b, a) < 0 ? b : a))),
  max: (values) => some(values, (v) => v.reduce((a, b) => (order(b, a) > 0 ? b : a))),
  first: (values) => values.find((v) => !isNull(v)) ?? null,
  last: (values) => values.findLast((v) => !isNull(v)) ?? null,
  arrayAgg: (values) => [...values],
  // The running mean and sum of squares: two passes would round otherwise.
  stddev: (values) =>
    some(values, (v) => {
      let [mean, squares] = [0, 0]
      for (const [i, x] of v.entries()) {
        const delta = x - mean
        mean += delta / (i + 1)
        squares += delta * (x - mean)
      }
      return v.length < 2 ? null : Math.sqrt(squares / (v.length - 1))
    }),
}

/** The sum, with what each addition loses kept aside (Neumaier). */
function total(values: readonly number[]): number {
  let [sum, lost] = [0, 0]
  for (const x of values) {
    const next = sum + x
    if (Number.isFinite(next)) lost += Math.abs(sum) >= Math.abs(x) ? sum - next + x : x - next + sum
    sum = next
  }
  return sum + lost
}

function some(values: readonly Value[], f: (values: number[]) => Value): Value {
  const present = values.filter((v) => !isNull(v)) as number[]
  const result = present.length === 0 ? null : f(present)
  return typeof result === 'number' && Number.isNaN(result) ? null : result
}

export type Kind = 'inner' | 'left' | 'right' | 'full' | 'cross'

/** Every pair that fits, and the rows without a partner that the kind keeps. */
export function join(left: readonly Row[], right: readonly Row[], fits: (l: Row, r: Row) => Value, kind: Kind): Row[] {
  const nothing = (rows: readonly Row[], columns: readonly string[]): Row =>
    Object.fromEntries((rows[0] ? Object.keys(rows[0]) : columns).map((name) => [name, null]))
  const partners = new Set<Row>()
  const pairs = left.flatMap((l) => {
    const found = right.filter((r) => kind === 'cross' || fits(l, r) === true)
    for (const r of found) partners.add(r)
    if (found.length > 0) return found.map((r) => ({ ...l, ...r }))
    return kind === 'left' || kind === 'full' ? [{ ...l, ...nothing(right, []) }] : []
  })
  if (kind !== 'right' && kind !== 'full') return pairs
  return [...pairs, ...right.filter((r) => !partners.has(r)).map((r) => ({ ...nothing(left, []), ...r }))]
}
