import type { Database } from 'better-sqlite3'
import type { DecodeContext, Stored } from '../../types/column-type.js'
import { jsonType } from '../../types/json.js'
import type { UsedAggregate } from './compile/select.js'

/** Aggregates that SQLite lacks. */
export function registerAggregates(db: Database): void {
  define<Moments>(db, 'pxt_stddev', {
    deterministic: true,
    start: () => ({ n: 0, mean: 0, squares: 0 }),
    // Welford's online algorithm, and its inverse for windows.
    step: (state: Moments, value: unknown) => {
      if (typeof value !== 'number') return
      state.n++
      const delta = value - state.mean
      state.mean += delta / state.n
      state.squares += delta * (value - state.mean)
    },
    inverse: (state: Moments, value: unknown) => {
      if (typeof value !== 'number') return
      state.n--
      if (state.n === 0) {
        state.mean = 0
        state.squares = 0
        return
      }
      const delta = value - state.mean
      state.mean -= delta / state.n
      state.squares -= delta * (value - state.mean)
    },
    result: ({ n, squares }: Moments) => (n < 2 ? null : Math.sqrt(Math.max(0, squares) / (n - 1))),
  })
  const keep = (name: string, replaces: (held: unknown) => boolean) =>
    define(db, name, {
      deterministic: true,
      safeIntegers: true,
      start: () => ({ value: null }),
      step: (state: { value: unknown }, value: unknown) => {
        if (value !== null && replaces(state.value)) state.value = value
      },
      result: ({ value }: { value: unknown }) => value,
    })
  keep('pxt_first', (held) => held === null)
  keep('pxt_last', () => true)
  const window = (name: string, pick: (values: unknown[]) => unknown) =>
    define(db, name, {
      deterministic: true,
      safeIntegers: true,
      start: () => [],
      step: (values: unknown[], value: unknown) => {
        values.push(value)
      },
      inverse: (values: unknown[]) => {
        values.shift()
      },
      result: (values: unknown[]) => pick(values) ?? null,
    })
  window('pxt_first_window', (values) => values.find((value) => value !== null))
  window('pxt_last_window', (values) => values.findLast((value) => value !== null))
}

interface Moments {
  n: number
  mean: number
  squares: number
}

const registered = new WeakMap<Database, Map<string, UsedAggregate['fn']>>()

/** How an aggregate is computed: a state that is changed in place, row by row. */
interface Spec<S> {
  readonly varargs?: boolean
  readonly deterministic?: boolean
  readonly safeIntegers?: boolean
  start(): S
  step(state: S, ...values: any[]): void
  inverse?(state: S, ...values: any[]): void
  result(state: S): unknown
}

// The declared types of better-sqlite3 know neither `inverse` without a result nor several arguments.
const define = <S>(db: Database, name: string, spec: Spec<S>): Database => db.aggregate(name, spec as never)

/** Makes a user's aggregate callable. */
export function registerAggregate(
  db: Database,
  { name, fn, types, window }: UsedAggregate,
  context: DecodeContext,
): void {
  const known = registered.get(db) ?? new Map<string, UsedAggregate['fn']>()
  registered.set(db, known)
  if (known.get(name) === fn) return
  const decode = (values: Stored[]): unknown[] =>
    values.map((value, i) => {
      if (value === null) return null
      // Integers come as bigints, so that wide ones are whole.
      const plain = typeof value === 'bigint' && !types[i]!.wide ? Number(value) : value
      return types[i]!.decode(plain, context)
    })
  const type = fn.returns ?? jsonType()
  const encode = (result: unknown): Stored =>
    result === null || result === undefined ? null : type.encode(type.parse(result))
  const options = { varargs: true, safeIntegers: true } as const
  if (window) {
    // What leaves the window cannot be taken back out of a state, so the rows are kept and gone through again.
    define(db, name, {
      ...options,
      start: () => [],
      step: (rows: unknown[][], ...values: Stored[]) => {
        rows.push(decode(values))
      },
      inverse: (rows: unknown[][]) => {
        rows.shift()
      },
      result: (rows: unknown[][]) =>
        encode(fn.finish(rows.reduce((state: unknown, values) => fn.step(state, ...values), fn.init()))),
    })
  } else {
    define(db, name, {
      ...options,
      start: () => ({ state: fn.init() }),
      step: (held: { state: unknown }, ...values: Stored[]) => {
        held.state = fn.step(held.state, ...decode(values))
      },
      result: ({ state }: { state: unknown }) => encode(fn.finish(state)),
    })
  }
  known.set(name, fn)
}
