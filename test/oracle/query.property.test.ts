/**
 * Random schemas, rows and queries against the evaluator in `naive.ts`. Each run makes two tables and asks
 * `queriesPerRun` queries; ORACLE_CASES sets how many queries are asked in all.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as px from '../../src/index.js'
import { Pixeltable, type Query, t } from '../../src/index.js'
import { type Both, type ColumnSpec, expressions, valuesOf } from './expressions.js'
import type { Key, Kind, Row, Value } from './naive.js'
import * as naive from './naive.js'

const cases = Number(process.env.ORACLE_CASES ?? 5000)
const queriesPerRun = 25
const runs = Math.ceil(cases / queriesPerRun)

const types = {
  int: t.int(),
  float: t.float(),
  bigint: t.bigint(),
  string: t.string(),
  bool: t.bool(),
  timestamp: t.timestamp(),
  date: t.date(),
  json: t.json(),
}

/** A failing case is reported by its text. */
const reported = (query: Case): Case => ({ ...query, [fc.toStringMethod]: () => query.text }) as Case

/** A table: an int and a text at least, and up to four columns more. */
const schemaOf = (prefix: string): fc.Arbitrary<ColumnSpec[]> =>
  fc
    .array(
      fc.tuple(
        fc.constantFrom('int', 'float', 'bigint', 'string', 'bool', 'timestamp', 'date', 'json' as const),
        fc.boolean(),
      ),
      { maxLength: 4 },
    )
    .map((more) =>
      [['int', true] as const, ['string', false] as const, ['string', true] as const, ...more].map(
        ([kind, nullable], i) => ({
          name: `${prefix}${i}`,
          kind: kind as ColumnSpec['kind'],
          nullable,
        }),
      ),
    )

const rowsOf = (schema: readonly ColumnSpec[]): fc.Arbitrary<Row[]> =>
  fc.array(
    fc.record(
      Object.fromEntries(
        schema.map(({ name, kind, nullable }) => [
          name,
          nullable
            ? fc.oneof({ arbitrary: valuesOf[kind], weight: 3 }, { arbitrary: fc.constant(null), weight: 1 })
            : valuesOf[kind],
        ]),
      ),
    ) as fc.Arbitrary<Row>,
    { maxLength: 12 },
  )

/** A query twice. */
interface Case {
  readonly text: string
  readonly build: (a: any, b: any) => Query<any, any, any>
  readonly run: (a: readonly Row[], b: readonly Row[]) => Row[]
  /** Whether rows come in an order that is known. */
  readonly ordered: boolean
}

const keyOf = (value: fc.Arbitrary<Both>): fc.Arbitrary<{ both: Both; key: Key }> =>
  fc
    .tuple(value, fc.constantFrom('asc', 'desc' as const), fc.constantFrom(undefined, 'first', 'last' as const))
    .map(([both, direction, nulls]) => ({
      both: {
        text: `${both.text} ${direction} ${nulls ?? ''}`,
        build: (c) => both.build(c)[direction](nulls ? { nulls } : undefined),
        run: both.run,
      },
      key: { of: both.run, direction: direction as 'asc', nulls: (nulls ?? 'last') as 'last' },
    }))

const bounds = fc.record({
  limit: fc.option(fc.nat(8), { nil: undefined }),
  offset: fc.option(fc.nat(4), { nil: undefined }),
})
const bound = (query: any, { limit, offset }: { limit?: number | undefined; offset?: number | undefined }) => {
  const limited = limit === undefined ? query : query.limit(limit)
  return offset === undefined ? limited : limited.offset(offset)
}
const slice = (rows: Row[], { limit, offset = 0 }: { limit?: number | undefined; offset?: number | undefined }) =>
  rows.slice(offset, limit === undefined ? undefined : offset + limit)
const named = (outputs: readonly Both[], row: Row): Row =>
  Object.fromEntries(outputs.map((o, i) => [`o${i}`, o.run(row) ?? null]))
const buildNamed = (outputs: readonly Both[], c: any) =>
  Object.fromEntries(outputs.map((o, i) => [`o${i}`, o.build(c)]))

/** Projection, condition, order, limit, distinct. */
function plain(schema: readonly ColumnSpec[]): fc.Arbitrary<Case> {
  const { any, bool, num, str } = expressions(schema)
  return fc
    .record({
      outputs: fc.array(any, { minLength: 1, maxLength: 3 }),
      where: fc.array(bool, { maxLength: 2 }),
      keys: fc.array(keyOf(fc.oneof(num, str)), { maxLength: 2 }),
      bounds,
      distinct: fc.boolean(),
    })
    .map(({ outputs, where, keys, bounds: b, distinct }) => ({
      text: `select ${outputs.map((o) => o.text)} where ${where.map((w) => w.text)} order ${keys.map((k) => k.both.text)} ${JSON.stringify(b)} ${distinct}`,
      ordered: !distinct,
      build: (a) => {
        let query = a.select((c: any) => buildNamed(outputs, c))
        for (const w of where) query = query.where((c: any) => w.build(c))
        if (distinct) return query.distinct()
        if (keys.length > 0) query = query.orderBy((c: any) => keys.map((key) => key.both.build(c)))
        return bound(query, b)
      },
      run: (a) => {
        const kept = a.filter((row) => where.every((w) => w.run(row) === true))
        if (distinct)
          return naive
            .groups(
              kept.map((row) => named(outputs, row)),
              [(row) => row],
            )
            .map((g) => g[0]!)
            .slice(0, kept.length)
        return slice(
          naive
            .sorted(
              kept,
              keys.map((k) => k.key),
            )
            .map((row) => named(outputs, row)),
          b,
        )
      },
    }))
}

/** Groups and aggregates, with a condition on groups. */
function grouped(schema: readonly ColumnSpec[]): fc.Arbitrary<Case> {
  const { bool, num, str } = expressions(schema)
  const fold = fc
    .tuple(
      fc.constantFrom('count', 'countDistinct', 'sum', 'avg', 'min', 'max', 'first', 'last', 'stddev', 'arrayAgg'),
      fc.oneof(num),
    )
    .map(([name, of]) => ({ name, of }))
  return fc
    .record({
      where: fc.option(bool, { nil: undefined }),
      keys: fc.array(fc.oneof(str, num), { maxLength: 2 }),
      folds: fc.array(fold, { minLength: 1, maxLength: 3 }),
      having: fc.option(fc.nat(3), { nil: undefined }),
    })
    .map(({ where, keys, folds, having }) => ({
      text: `group ${keys.map((k) => k.text)} of ${folds.map((f) => `${f.name}(${f.of.text})`)} where ${where?.text} having count >= ${having}`,
      ordered: false,
      build: (a) => {
        const filtered = where ? a.where((c: any) => where.build(c)) : a
        const groups =
          keys.length === 0
            ? filtered
            : filtered.groupBy((c: any) => Object.fromEntries(keys.map((k, i) => [`k${i}`, k.build(c)])))
        const selected = groups.select((c: any) => ({
          ...Object.fromEntries(keys.map((_, i) => [`k${i}`, c[`k${i}`]])),
          n: px.count(),
          ...Object.fromEntries(folds.map(({ name, of }, i) => [`f${i}`, (px as any)[name](of.build(c))])),
        }))
        return having === undefined ? selected : selected.having((c: any) => c.n.gte(having))
      },
      run: (a) => {
        const kept = a.filter((row) => !where || where.run(row) === true)
        return naive
          .groups(
            kept,
            keys.map((k) => (row: Row) => k.run(row) ?? null),
          )
          .filter((rows) => having === undefined || rows.length >= having)
          .map((rows) => ({
            ...Object.fromEntries(keys.map((k, i) => [`k${i}`, k.run(rows[0]!) ?? null])),
            n: rows.length,
            ...Object.fromEntries(
              folds.map(({ name, of }, i) => [
                `f${i}`,
                naive.aggregates[name]!(rows.map((row) => of.run(row) ?? null)),
              ]),
            ),
          }))
      },
    }))
}

/** Both tables side by side, with a condition and a projection over them. */
function joined(a: readonly ColumnSpec[], b: readonly ColumnSpec[]): fc.Arbitrary<Case> {
  const kind = fc.constantFrom<Kind>('inner', 'left', 'right', 'full', 'cross')
  const both = [...a, ...b].map((column) => ({ ...column, nullable: true }))
  const { any, bool, num } = expressions(both)
  const on = fc
    .tuple(fc.constantFrom(...a.filter((c) => c.kind === 'int' || c.kind === 'string')), fc.nat())
    .map(([left, i]) => {
      const fitting = b.filter((c) => c.kind === left.kind)
      return [left.name, fitting[i % fitting.length]!.name] as const
    })
  return fc
    .record({
      kind,
      on,
      where: fc.option(bool, { nil: undefined }),
      outputs: fc.array(any, { minLength: 1, maxLength: 3 }),
      fold: fc.option(num, { nil: undefined }),
      sides: fc.boolean(),
    })
    .map(({ kind: k, on: [l, r], where, outputs, fold, sides }) => ({
      text: `${k} join on ${l} = ${r} where ${where?.text} select ${outputs.map((o) => o.text)} fold ${fold?.text} sides ${sides}`,
      ordered: false,
      build: (x, y) => {
        const right = sides ? y.limit(5) : y
        const pairs = x.join(right, k === 'cross' ? null : (c: any, d: any) => c[l].eq(d[r]), k)
        const filtered = where ? pairs.where((c: any) => where.build(c)) : pairs
        if (fold) return filtered.select((c: any) => ({ n: px.count(), s: px.sum(fold.build(c)) }))
        return filtered.select((c: any) => buildNamed(outputs, c))
      },
      run: (x, y) => {
        const right = sides ? y.slice(0, 5) : y
        const empty = (schema: readonly ColumnSpec[]) => Object.fromEntries(schema.map((c) => [c.name, null]))
        const pairs = naive
          .join(x, right, (p, q) => naive.strict((v, w) => naive.order(v, w) === 0)(p[l] ?? null, q[r] ?? null), k)
          .map((row) => ({ ...empty(both), ...row }))
        const kept = pairs.filter((row) => !where || where.run(row) === true)
        if (fold) return [{ n: kept.length, s: naive.aggregates.sum!(kept.map((row) => fold.run(row) ?? null)) }]
        return kept.map((row) => named(outputs, row))
      },
    }))
}

/** Windows over parts in an order, and a condition on what they give. */
function windowed(schema: readonly ColumnSpec[]): fc.Arbitrary<Case> {
  const { num, str, bool } = expressions(schema)
  return fc
    .record({
      part: fc.option(str, { nil: undefined }),
      key: keyOf(num),
      of: num,
      where: fc.option(bool, { nil: undefined }),
      least: fc.nat(3),
    })
    .map(({ part, key, of, where, least }) => ({
      text: `window part ${part?.text} order ${key.both.text} of ${of.text} where ${where?.text} and n > ${least}`,
      ordered: false,
      build: (a) => {
        const filtered = where ? a.where((c: any) => where.build(c)) : a
        const query = filtered.select((c: any) => {
          const over = { ...(part ? { partitionBy: part.build(c) } : {}), orderBy: key.both.build(c) }
          return {
            n: px.rowNumber().over(over),
            r: px.rank().over(over),
            d: px.denseRank().over(over),
            before: px.lag(of.build(c)).over(over),
            after: px.lead(of.build(c), 2).over(over),
            running: px.sum(of.build(c)).over({ ...over, rows: [null, 0] }),
            all: px.count(of.build(c)).over(part ? { partitionBy: part.build(c) } : {}),
          }
        })
        return query.subquery().where((c: any) => c.n.gt(least))
      },
      run: (a) => {
        const kept = a.filter((row) => !where || where.run(row) === true)
        return naive
          .groups(kept, part ? [(row) => part.run(row) ?? null] : [])
          .flatMap((rows) => {
            const inOrder = naive.sorted(rows, [key.key])
            const keyAt = (i: number) => naive.identity(key.key.of(inOrder[i]!) ?? null)
            const values = inOrder.map((row) => of.run(row) ?? null)
            return inOrder.map((_, i) => {
              const first = inOrder.findIndex((_, j) => keyAt(j) === keyAt(i))
              return {
                n: i + 1,
                r: first + 1,
                d: new Set(inOrder.slice(0, i + 1).map((_, j) => keyAt(j))).size,
                before: values[i - 1] ?? null,
                after: values[i + 2] ?? null,
                running: naive.aggregates.sum!(values.slice(0, i + 1)),
                all: naive.aggregates.count!(values),
              }
            })
          })
          .filter((row) => row.n > least)
      },
    }))
}

/** Two queries put together, or one as a condition of the other. */
function combined(a: readonly ColumnSpec[], b: readonly ColumnSpec[]): fc.Arbitrary<Case> {
  const left = expressions(a)
  const right = expressions(b)
  return fc
    .record({
      how: fc.constantFrom('union', 'unionAll', 'intersect', 'except', 'in', 'notIn', 'exists'),
      x: left.str,
      y: right.str,
      p: left.bool,
      q: right.bool,
    })
    .map(({ how, x, y, p, q }) => ({
      text: `${x.text} where ${p.text} ${how} ${y.text} where ${q.text}`,
      ordered: false,
      build: (ta, tb) => {
        const l = ta.where((c: any) => p.build(c)).select((c: any) => ({ v: x.build(c) }))
        const r = tb.where((c: any) => q.build(c)).select((c: any) => ({ v: y.build(c) }))
        if (how === 'in' || how === 'notIn') {
          return ta
            .where((c: any) => (how === 'in' ? x.build(c).in(r) : x.build(c).in(r).not()))
            .select((c: any) => ({ v: x.build(c) }))
        }
        if (how === 'exists') return ta.where(() => px.exists(r)).select((c: any) => ({ v: x.build(c) }))
        if (how === 'unionAll') return l.union(r, { all: true })
        return l[how](r)
      },
      run: (ra, rb) => {
        const l = ra.filter((row) => p.run(row) === true).map((row) => x.run(row) ?? null)
        const r = rb.filter((row) => q.run(row) === true).map((row) => y.run(row) ?? null)
        const has = (list: readonly Value[], v: Value) => list.some((w) => naive.identity(w) === naive.identity(v))
        const once = (list: readonly Value[]) =>
          list.filter((v, i) => list.findIndex((w) => naive.identity(w) === naive.identity(v)) === i)
        const left = ra.map((row) => x.run(row) ?? null)
        const among = r.filter((v) => !naive.isNull(v))
        // Nothing is among no values, null included.
        const isAmong = (v: Value): Value => (among.length === 0 ? false : naive.isNull(v) ? null : has(among, v))
        const values: Readonly<Record<string, () => readonly Value[]>> = {
          union: () => once([...l, ...r]),
          unionAll: () => [...l, ...r],
          intersect: () => once(l).filter((v) => has(r, v)),
          except: () => once(l).filter((v) => !has(r, v)),
          in: () => left.filter((v) => isAmong(v) === true),
          notIn: () => left.filter((v) => isAmong(v) === false),
          exists: () => (r.length > 0 ? ra.map((row) => x.run(row) ?? null) : []),
        }
        return values[how]!().map((v) => ({ v }))
      },
    }))
}

const run = fc.tuple(schemaOf('a'), schemaOf('b')).chain(([a, b]) =>
  fc.record({
    a: fc.constant(a),
    b: fc.constant(b),
    rowsA: rowsOf(a),
    rowsB: rowsOf(b),
    queries: fc.array(
      fc.oneof({ arbitrary: plain(a), weight: 3 }, grouped(a), joined(a, b), windowed(a), combined(a, b)).map(reported),
      {
        minLength: queriesPerRun,
        maxLength: queriesPerRun,
      },
    ),
  }),
)

/** Numbers are equal to about ten digits: a sum depends on the order of its parts. */
const comparable = (rows: readonly unknown[], ordered: boolean): string[] => {
  const texts = rows.map((row) =>
    naive.text(
      Object.fromEntries(
        Object.entries(row as Row).map(([name, value]) => [
          name,
          typeof value === 'number' ? (Math.abs(value) < 1e-9 ? 0 : Number(value.toPrecision(9))) : value,
        ]),
      ),
    ),
  )
  return ordered ? texts : texts.sort()
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pxt-oracle-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let made = 0
test(`${runs * queriesPerRun} random queries give what a naive evaluator gives`, { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(run, async ({ a, b, rowsA, rowsB, queries }) => {
      // Every tenth database is a file, closed and opened again.
      const path = made++ % 10 === 0 ? join(folder, `${made}.db`) : ':memory:'
      const schema = (columns: readonly ColumnSpec[]) =>
        Object.fromEntries(
          columns.map(({ name, kind, nullable }) => [name, nullable ? types[kind].nullable() : types[kind]]),
        )
      let pxt = await Pixeltable.open(path)
      await (await pxt.createTable('a', schema(a))).insert(rowsA as never)
      const base = await pxt.createTable('b_base', { ...schema(b), kept: t.bool() })
      await base.insert(
        rowsB.flatMap((row) => [
          { ...row, kept: true },
          { ...row, kept: false },
        ]) as never,
      )
      await pxt.createView('b', base.where((c: any) => c.kept.eq(true)).select(...(b.map((c) => c.name) as never[])))
      if (path !== ':memory:') {
        pxt.close()
        pxt = await Pixeltable.open(path)
      }
      const [ta, tb] = [await pxt.getTable('a'), await pxt.getTable('b')]
      for (const { text, build, run: expected, ordered } of queries) {
        const query = build(ta, tb)
        const wanted = comparable(expected(rowsA, rowsB), ordered)
        expect(comparable(await query.collect(), ordered), text).toEqual(wanted)
        expect(await query.count(), `count of ${text}`).toBe(wanted.length)
        const streamed = []
        for await (const row of query.stream()) streamed.push(row)
        expect(comparable(streamed, ordered), `stream of ${text}`).toEqual(wanted)
      }
      pxt.close()
    }),
    { numRuns: runs, endOnFailure: process.env.ORACLE_SHRINK === undefined },
  )
})
