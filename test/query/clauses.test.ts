import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  aggregate,
  arrayAgg,
  avg,
  count,
  countDistinct,
  denseRank,
  exists,
  first,
  firstValue,
  lag,
  last,
  lastValue,
  lead,
  max,
  min,
  NotFoundError,
  ntile,
  Pixeltable,
  type Query,
  QueryError,
  query,
  rank,
  rowNumber,
  sql,
  stddev,
  stringAgg,
  sum,
  t,
  udf,
} from '../../src/index.js'

const people = [
  { id: 1, name: 'Ada', age: 36, city: 'London', boss: null, meta: { langs: ['en', 'fr'], n: 2 } },
  { id: 2, name: 'Bo', age: null, city: 'Oslo', boss: 1, meta: { langs: [], n: 5 } },
  { id: 3, name: 'Cy', age: 20, city: 'London', boss: 1, meta: { langs: ['en'], n: 1 } },
  { id: 4, name: 'Di', age: 36, city: 'Rome', boss: 3, meta: { langs: ['it'] } },
]
const visits = [
  { who: 1, at: new Date('2026-01-01T00:00:00Z'), paid: 10.5 },
  { who: 1, at: new Date('2026-01-03T00:00:00Z'), paid: null },
  { who: 3, at: new Date('2026-01-02T00:00:00Z'), paid: 2 },
  { who: 9, at: new Date('2026-01-04T00:00:00Z'), paid: 7 },
]

const twice = udf({ name: 'clauses_twice' }, (n: number | null) => (n === null ? null : n * 2))
const initial = udf({ name: 'clauses_initial' }, (s: string) => s[0]!)
const product = aggregate({
  name: 'clauses_product',
  returns: t.float(),
  init: () => 1,
  step: (p: number, x: number | null) => (x === null ? p : p * x),
})

async function create(pxt: Pixeltable) {
  const p = await pxt.createTable('people', {
    id: t.int(),
    name: t.string(),
    age: t.int().nullable(),
    city: t.string(),
    boss: t.int().nullable(),
    meta: t.json<{ langs: string[]; n?: number }>(),
  })
  const v = await pxt.createTable('visits', { who: t.int(), at: t.timestamp(), paid: t.float().nullable() })
  await p.insert(people)
  await v.insert(visits)
}
const reopen = async (pxt: Pixeltable) => ({
  p: await pxt.getTable('people', {
    id: t.int(),
    name: t.string(),
    age: t.int().nullable(),
    city: t.string(),
    boss: t.int().nullable(),
    meta: t.json<{ langs: string[]; n?: number }>(),
  }),
  v: await pxt.getTable('visits', { who: t.int(), at: t.timestamp(), paid: t.float().nullable() }),
})

describe.each(['in memory', 'a file opened again'])('%s', (where) => {
  let folder: string
  let pxt: Pixeltable
  let p: Awaited<ReturnType<typeof reopen>>['p']
  let v: Awaited<ReturnType<typeof reopen>>['v']
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pxt-clauses-'))
    const path = where === 'in memory' ? ':memory:' : join(folder, 'a.db')
    pxt = await Pixeltable.open(path)
    await create(pxt)
    if (path !== ':memory:') {
      pxt.close()
      pxt = await Pixeltable.open(path)
    }
    ;({ p, v } = await reopen(pxt))
  })
  afterAll(() => {
    pxt.close()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Asserts SQL and rows. */
  async function check(query: Query<any, any, any>, text: string, params: unknown[], rows: unknown[]) {
    expect(query.toSQL()).toEqual({ sql: text, params })
    expect(await query.collect()).toEqual(rows)
    expect(await query.count()).toBe(rows.length)
    const streamed = []
    for await (const row of query.stream()) streamed.push(row)
    expect(streamed).toEqual(rows)
  }

  describe('groupBy', () => {
    test('keys, aggregates, having and an order by what is selected', async () => {
      const query = p
        .where((c) => c.id.lt(9))
        .groupBy('city')
        .select((c) => ({ city: c.city, n: count(), ages: count(c.age), mean: avg(c.age), oldest: max(c.age) }))
        .having((c) => c.n.gt(0))
        .orderBy((c) => [c.n.desc(), c.city.asc()])
      await check(
        query,
        'SELECT t0."city" AS "city", count(*) AS "n", count(t0."age") AS "ages", avg(t0."age") AS "mean", max(t0."age") AS "oldest" FROM "people" AS t0 WHERE (t0."id" < ?) GROUP BY t0."city" HAVING (count(*) > ?) ORDER BY count(*) DESC NULLS LAST, t0."city" ASC NULLS LAST',
        [9, 0],
        [
          { city: 'London', n: 2, ages: 2, mean: 28, oldest: 36 },
          { city: 'Oslo', n: 1, ages: 0, mean: null, oldest: null },
          { city: 'Rome', n: 1, ages: 1, mean: 36, oldest: 36 },
        ],
      )
    })

    test('keys alone come out without select; computed keys have names', async () => {
      expect(await p.groupBy('city', 'boss').orderBy('city').count()).toBe(4)
      const query = p
        .groupBy((c) => ({ old: c.age.gt(30), len: c.city.length() }))
        .select((c) => ({ old: c.old, len: c.len, names: stringAgg(c.name, '+') }))
        .orderBy((c) => [c.old.asc({ nulls: 'first' }), c.len.desc()])
      expect(await query.collect()).toEqual([
        { old: null, len: 4, names: 'Bo' },
        { old: false, len: 6, names: 'Cy' },
        { old: true, len: 6, names: 'Ada' },
        { old: true, len: 4, names: 'Di' },
      ])
    })

    test('without groupBy aggregates are over all rows, of none too', async () => {
      const all = (c: any) => ({
        n: count(),
        ages: count(c.age),
        different: countDistinct(c.age),
        total: sum(c.age),
        mean: avg(c.age),
        least: min(c.age),
        most: max(c.name),
        spread: stddev(c.age),
        one: first(c.age, { orderBy: c.id.desc() }),
        other: last(c.name),
        list: arrayAgg(c.age),
        names: stringAgg(c.name, ', ', { orderBy: c.name.desc() }),
      })
      expect(await p.select(all).collect()).toEqual([
        {
          n: 4,
          ages: 3,
          different: 2,
          total: 92,
          mean: 92 / 3,
          least: 20,
          most: 'Di',
          spread: expect.closeTo(9.2376, 3),
          one: 36,
          other: 'Di',
          list: [36, null, 20, 36],
          names: 'Di, Cy, Bo, Ada',
        },
      ])
      expect(await p.where({ id: 99 }).select(all).collect()).toEqual([
        {
          n: 0,
          ages: 0,
          different: 0,
          total: null,
          mean: null,
          least: null,
          most: null,
          spread: null,
          one: null,
          other: null,
          list: [],
          names: null,
        },
      ])
    })

    test('values keep their types in lists, first and last', async () => {
      const rows = await v
        .select((c) => ({ at: first(c.at), all: arrayAgg(c.at), least: min(c.at), paid: arrayAgg(c.paid) }))
        .collect()
      expect(rows).toEqual([
        { at: visits[0]!.at, all: visits.map((x) => x.at), least: visits[0]!.at, paid: [10.5, null, 2, 7] },
      ])
      const [metas] = await p
        .select((c) => ({
          all: arrayAgg(c.meta),
          n: arrayAgg(c.meta.get('n')),
          top: max(c.meta.get('n')),
          s: sum(c.meta.get('n') as any),
        }))
        .collect()
      expect(metas).toEqual({ all: people.map((x) => x.meta), n: [2, 5, 1, null], top: 5, s: 8 })
    })

    test('functions of JavaScript in keys, arguments and conditions give what SQL would', async () => {
      const query = p
        .where((c) => twice(c.id).gt(2))
        .groupBy((c) => ({ letter: initial(c.city) }))
        .select((c) => ({ letter: c.letter, total: sum(twice(c.age)), n: count(), list: arrayAgg(initial(c.name)) }))
        .having((c) => twice(c.n).gte(2))
        .orderBy('letter')
      expect(await query.collect()).toEqual([
        { letter: 'L', total: 40, n: 1, list: ['C'] },
        { letter: 'O', total: null, n: 1, list: ['B'] },
        { letter: 'R', total: 72, n: 1, list: ['D'] },
      ])
      expect(await query.count()).toBe(3)
      expect((await query.explain()).join('\n')).toMatch(
        /JavaScript: an inner query first[\s\S]*JavaScript: filter by functions/,
      )
      expect(() => query.toSQL()).toThrow(/known once it runs/)
    })

    test("a user's aggregate, over groups and windows", async () => {
      const groups = p
        .groupBy('city')
        .select((c) => ({ city: c.city, x: product(c.id) }))
        .orderBy('city')
      expect(await groups.collect()).toEqual([
        { city: 'London', x: 3 },
        { city: 'Oslo', x: 2 },
        { city: 'Rome', x: 4 },
      ])
      const running = p.select((c) => ({ id: c.id, x: product(twice(c.id)).over({ orderBy: c.id.asc() }) }))
      expect((await running.collect()).map((row) => row.x)).toEqual([2, 8, 48, 384])
    })

    test('grouping JSON and its parts', async () => {
      const rows = await p
        .groupBy((c) => ({ langs: c.meta.get('langs') }))
        .select((c) => ({ langs: c.langs, n: count() }))
        .collect()
      expect(rows).toHaveLength(4)
      expect(rows).toContainEqual({ langs: ['en'], n: 1 })
      expect(
        await p
          .select((c) => ({ boss: c.boss }))
          .distinct()
          .count(),
      ).toBe(3)
      expect(await p.select('meta').distinct().count()).toBe(4)
    })

    test('refuses what differs within a group, at the call', () => {
      expect(() => p.groupBy('city').select('name')).toThrow(/'name' differs within a group/)
      expect(() => p.select((c) => ({ name: c.name, n: count() }))).toThrow(QueryError)
      expect(() => p.groupBy('city').orderBy((c) => c.name.asc())).toThrow(QueryError)
      expect(() => p.groupBy('city').having((c) => c.age.gt(1))).toThrow(QueryError)
      expect(() => p.where(() => count().gt(1))).toThrow(/having/)
      expect(() => p.having(() => count().gt(1))).toThrow(/groupBy/)
      expect(() => p.groupBy('city').groupBy('name')).toThrow(/subquery/)
      expect(() => p.groupBy((c) => ({ n: sum(c.age) }))).toThrow(QueryError)
      expect(() => p.select((c) => ({ x: sum(c.name as any) }))).toThrow(
        /sum\(\): expected number, got an expression of type string/,
      )
      expect(() => p.groupBy('nope' as never)).toThrow(NotFoundError)
    })
  })

  describe('windows', () => {
    test('numbers, ranks, neighbours and running sums', async () => {
      const query = p.select((c) => ({
        id: c.id,
        n: rowNumber().over({ partitionBy: c.city }),
        r: rank().over({ orderBy: c.age.desc() }),
        d: denseRank().over({ orderBy: c.age.desc() }),
        half: ntile(2).over({ orderBy: c.id.asc() }),
        before: lag(c.name).over({ orderBy: c.id.asc() }),
        after: lead(c.name, 2, '-').over({ orderBy: c.id.asc() }),
        sum: sum(c.age).over({ orderBy: c.id.asc() }),
        all: sum(c.age).over(),
        near: sum(c.id).over({ orderBy: c.id.asc(), rows: [-1, 1] }),
        firstOf: firstValue(c.name).over({ partitionBy: c.city }),
        lastOf: lastValue(c.id).over({ orderBy: c.id.asc(), rows: [null, null] }),
        list: arrayAgg(c.id).over({ orderBy: c.id.asc() }),
        some: first(c.age).over({ orderBy: c.id.desc() }),
      }))
      expect(await query.collect()).toEqual([
        {
          id: 1,
          n: 1,
          r: 1,
          d: 1,
          half: 1,
          before: null,
          after: 'Cy',
          sum: 36,
          all: 92,
          near: 3,
          firstOf: 'Ada',
          lastOf: 4,
          list: [1],
          some: 36,
        },
        {
          id: 2,
          n: 1,
          r: 4,
          d: 3,
          half: 1,
          before: 'Ada',
          after: 'Di',
          sum: 36,
          all: 92,
          near: 6,
          firstOf: 'Bo',
          lastOf: 4,
          list: [1, 2],
          some: 36,
        },
        {
          id: 3,
          n: 2,
          r: 3,
          d: 2,
          half: 2,
          before: 'Bo',
          after: '-',
          sum: 56,
          all: 92,
          near: 9,
          firstOf: 'Ada',
          lastOf: 4,
          list: [1, 2, 3],
          some: 36,
        },
        {
          id: 4,
          n: 1,
          r: 1,
          d: 1,
          half: 2,
          before: 'Cy',
          after: '-',
          sum: 92,
          all: 92,
          near: 7,
          firstOf: 'Di',
          lastOf: 4,
          list: [1, 2, 3, 4],
          some: 36,
        },
      ])
    })

    test('SQL of a window; conditions on it through subquery()', async () => {
      const query = p
        .select((c) => ({ name: c.name, place: rowNumber().over({ partitionBy: c.city, orderBy: c.id.desc() }) }))
        .subquery()
        .where((c) => c.place.eq(1))
      await check(
        query,
        'SELECT t0."name" AS "name", t0."place" AS "place" FROM (SELECT q2_0."name" AS "name", row_number() OVER (PARTITION BY q2_0."city" ORDER BY q2_0."id" DESC NULLS LAST, q2_0._rowid) AS "place" FROM "people" AS q2_0 ORDER BY q2_0._rowid) AS t0 WHERE (t0."place" = ?)',
        [1],
        [
          { name: 'Bo', place: 1 },
          { name: 'Cy', place: 1 },
          { name: 'Di', place: 1 },
        ],
      )
      expect(() => p.where((c) => rowNumber().over({ orderBy: c.id.asc() }).eq(1))).toThrow(/subquery/)
      expect(() => sum(p.columns.age).over({ rows: [1, -1] })).toThrow(QueryError)
    })

    test('over groups', async () => {
      const rows = await p
        .groupBy('city')
        .select((c) => ({ city: c.city, n: count(), r: rank().over({ orderBy: count().desc() }) }))
        .orderBy('city')
        .collect()
      expect(rows.map((row) => row.r)).toEqual([1, 2, 2])
    })
  })

  describe('joins', () => {
    const named = (rows: any[]) => rows.map((row) => [row.name, row.paid])

    test('inner', async () => {
      const query = p
        .join(v, (a, b) => a.id.eq(b.who))
        .where((c) => c.paid.isNotNull())
        .orderBy('paid')
        .select('name', 'paid')
      await check(
        query,
        'SELECT tl0."name" AS "name", tr0."paid" AS "paid" FROM "people" AS tl0 JOIN "visits" AS tr0 ON (tl0."id" = tr0."who") WHERE (tr0."paid" IS NOT NULL) ORDER BY tr0."paid" ASC NULLS LAST, tl0."_rowid", tr0."_rowid"',
        [],
        [
          { name: 'Cy', paid: 2 },
          { name: 'Ada', paid: 10.5 },
        ],
      )
    })

    test('left, right and full keep rows without a partner', async () => {
      const on = (a: any, b: any) => a.id.eq(b.who)
      expect(named(await p.join(v, on, 'left').orderBy('id').collect())).toEqual([
        ['Ada', 10.5],
        ['Ada', null],
        ['Bo', null],
        ['Cy', 2],
        ['Di', null],
      ])
      const right = await p.join(v, on, { kind: 'right' }).orderBy('at').collect()
      expect(named(right)).toEqual([
        ['Ada', 10.5],
        ['Cy', 2],
        ['Ada', null],
        [null, 7],
      ])
      expect(right[3]).toMatchObject({ id: null, meta: null, who: 9, at: visits[3]!.at })
      expect(await p.join(v, on, 'full').count()).toBe(6)
      expect(await p.join(v, null, 'cross').count()).toBe(16)
    })

    test('a table with itself, and three tables', async () => {
      const pairs = p.join(p, (a, b) => a.boss.eq(b.id), { as: 'boss' })
      expect(await pairs.select('name', 'boss_name').orderBy('id').collect()).toEqual([
        { name: 'Bo', boss_name: 'Ada' },
        { name: 'Cy', boss_name: 'Ada' },
        { name: 'Di', boss_name: 'Cy' },
      ])
      const three = pairs.join(v, (a, b) => a.boss_id.eq(b.who), 'left')
      expect(three.toSQL().sql).toContain(
        'JOIN "people" AS tlr0 ON (tll0."boss" = tlr0."id") LEFT JOIN "visits" AS tr0',
      )
      expect(
        await three
          .select('name', 'boss_name', 'paid')
          .orderBy((c) => [c.id.asc(), c.at.asc()])
          .collect(),
      ).toEqual([
        { name: 'Bo', boss_name: 'Ada', paid: 10.5 },
        { name: 'Bo', boss_name: 'Ada', paid: null },
        { name: 'Cy', boss_name: 'Ada', paid: 10.5 },
        { name: 'Cy', boss_name: 'Ada', paid: null },
        { name: 'Di', boss_name: 'Cy', paid: 2 },
      ])
    })

    test('columns of one name, queries as sides, groups over a join', async () => {
      const totals = v
        .groupBy((c) => ({ id: c.who }))
        .select((c) => ({ id: c.id, total: sum(c.paid), visits: count() }))
        .having((c) => c.visits.gt(0))
      const query = p.join(totals, 'id', 'full').orderBy('id')
      expect(await query.select('id', 'name', 'total').collect()).toEqual([
        { id: 1, name: 'Ada', total: 10.5 },
        { id: 2, name: 'Bo', total: null },
        { id: 3, name: 'Cy', total: 2 },
        { id: 4, name: 'Di', total: null },
        { id: 9, name: null, total: 7 },
      ])
      const cities = p
        .join(v.where((c) => c.paid.gt(1)).limit(10), (a, b) => a.id.eq(b.who))
        .groupBy('city')
        .select((c) => ({ city: c.city, paid: sum(c.paid), first: first(c.name) }))
      expect(await cities.collect()).toEqual([{ city: 'London', paid: 12.5, first: 'Ada' }])
    })

    test('functions of JavaScript in conditions, sides and outputs', async () => {
      const onTwice = p.join(v, (a, b) => twice(a.id).eq(b.who.add(1)))
      expect(await onTwice.select((c) => ({ name: initial(c.name), who: c.who })).collect()).toEqual([
        { name: 'A', who: 1 },
        { name: 'A', who: 1 },
        { name: 'B', who: 3 },
      ])
      const side = p.where((c) => twice(c.id).gt(4)).select((c) => ({ id: c.id, double: twice(c.age), at: c.name }))
      const joined = v.join(side, (a, b) => a.who.eq(b.id), { as: 'p' }).select('who', 'p_double', 'p_at', 'at')
      expect(await joined.collect()).toEqual([{ who: 3, p_double: 40, p_at: 'Cy', at: visits[2]!.at }])
      expect(() => p.join(v, (a, b) => twice(a.id).eq(b.who), 'left').toSQL()).toThrow(/cannot depend on a function/)
    })

    test('refuses what cannot work, at the call', async () => {
      expect(() => p.join(p as any, (a: any, b: any) => a.id.eq(b.id))).toThrow(/both sides have a column 'id'/)
      expect(() => p.join(v, (a, b) => a.id.eq(b.who), 'outer' as never)).toThrow(/expected one of inner/)
      expect(() => p.join(v, null)).toThrow(/needs a condition/)
      expect(() => p.join(v, (a, b) => a.id.eq(b.who), 'cross')).toThrow(/takes no condition/)
      expect(() => p.join(v, 'nope' as never)).toThrow(/no column the string "nope"/)
      expect(() => p.join({} as never, 'id' as never)).toThrow(/expected a table or a query/)
      const other = await Pixeltable.open(':memory:')
      const foreign = await other.createTable('x', { y: t.int() })
      expect(() => p.join(foreign, null, 'cross')).toThrow(/another database/)
      other.close()
    })
  })

  describe('queries in queries', () => {
    test('in and exists', async () => {
      await check(
        p.where((c) => c.id.in(v.select('who'))).select('name'),
        'SELECT t0."name" AS "name" FROM "people" AS t0 WHERE (t0."id" IN (WITH found (value) AS (SELECT q2_0."who" AS "who" FROM "visits" AS q2_0 ORDER BY q2_0._rowid) SELECT value FROM found WHERE value IS NOT NULL)) ORDER BY t0._rowid',
        [],
        [{ name: 'Ada' }, { name: 'Cy' }],
      )
      const unvisited = p.where((c) => exists(v.where((x) => x.who.eq(c.id))).not()).select('name')
      expect(await unvisited.collect()).toEqual([{ name: 'Bo' }, { name: 'Di' }])
      expect(await p.where((c) => c.id.in(p.select((x) => ({ boss: x.boss }))).not()).count()).toBe(2)
      expect(await p.where((c) => c.id.in(v.where((x) => twice(x.who).gt(2)).select('who'))).count()).toBe(1)
      expect(await p.where((c) => c.age.in(p.select((x) => ({ a: x.age.add(16) })))).count()).toBe(2)
      expect(() => p.where((c) => c.id.in(v as never))).toThrow(/one column/)
      expect(() => exists([] as never)).toThrow(QueryError)
    })

    test('union, intersect and except', async () => {
      const a = p.select((c) => ({ n: c.id }))
      const b = v.select((c) => ({ n: c.who }))
      await check(
        a.union(b).orderBy('n'),
        'SELECT t0."n" AS "n" FROM (SELECT * FROM (SELECT q2_0."id" AS "n" FROM "people" AS q2_0 ORDER BY q2_0._rowid) UNION SELECT * FROM (SELECT q3_0."who" AS "n" FROM "visits" AS q3_0 ORDER BY q3_0._rowid)) AS t0 ORDER BY t0."n" ASC NULLS LAST',
        [],
        [1, 2, 3, 4, 9].map((n) => ({ n })),
      )
      expect(await a.union(b, { all: true }).count()).toBe(8)
      expect(await a.intersect(b).orderBy('n').collect()).toEqual([{ n: 1 }, { n: 3 }])
      expect(await a.except(b).orderBy('n').collect()).toEqual([{ n: 2 }, { n: 4 }])
      const limited = a.limit(1).union(b.orderBy('who', 'desc').limit(1)).orderBy('n')
      expect(await limited.collect()).toEqual([{ n: 1 }, { n: 9 }])
      const called = a.union(p.select((c) => ({ n: twice(c.id) }))).select((c) => ({ s: sum(c.n) }))
      expect(await called.collect()).toEqual([{ s: 1 + 2 + 3 + 4 + 6 + 8 }])
      expect(() => a.union(p.select('id') as never)).toThrow(/same columns/)
    })

    test('subquery() takes the rows as they come', async () => {
      const oldest = p.orderBy('age', 'desc').limit(2).subquery()
      expect(
        await oldest
          .where((c) => c.city.eq('Rome'))
          .select('name')
          .collect(),
      ).toEqual([{ name: 'Di' }])
      expect(await oldest.select(() => ({ n: count() })).collect()).toEqual([{ n: 2 }])
      expect(() => oldest.select((c) => ({ r: c._rowid }))).toThrow(/row ids/)
      await expect(oldest.tail(1)).rejects.toThrow(QueryError)
    })

    test('as parameters of query functions', async () => {
      const find = query('clauses_find', { city: t.string(), least: t.int() }, (q) =>
        p
          .where((c) => c.city.eq(q.city).and(c.id.in(p.where((x) => x.id.gte(q.least)).select('id'))))
          .groupBy('city')
          .select((c) => ({ city: c.city, n: count() }))
          .having((c) => c.n.gte(q.least.sub(1))),
      )
      expect(await find({ city: 'London', least: 2 })).toEqual([{ city: 'London', n: 1 }])
      expect(await find({ city: 'London', least: 3 })).toEqual([])
    })
  })

  describe('order', () => {
    test('several keys, nulls first or last', async () => {
      const ids = async (query: Query<any, any, any>) => (await query.collect()).map((row: any) => row.id)
      expect(await ids(p.orderBy('age').orderBy('id', 'desc'))).toEqual([3, 4, 1, 2])
      expect(await ids(p.orderBy((c) => c.age.asc({ nulls: 'first' })))).toEqual([2, 3, 1, 4])
      expect(await ids(p.orderBy((c) => c.age.desc()))).toEqual([1, 4, 3, 2])
      expect(await ids(p.orderBy((c) => [twice(c.age).desc({ nulls: 'first' }), c.id.desc()]))).toEqual([2, 4, 1, 3])
      expect(
        await p
          .select((c) => ({ id: c.id, neg: c.id.neg() }))
          .orderBy('neg')
          .first(),
      ).toEqual({ id: 4, neg: -4 })
      expect(() => p.orderBy((c) => c.age.asc({ nulls: 'middle' as never }))).toThrow(QueryError)
    })

    test('head and tail', async () => {
      expect((await p.head(2)).map((row) => row.id)).toEqual([1, 2])
      expect((await p.where((c) => c.id.lt(4)).tail(2)).map((row) => row.id)).toEqual([2, 3])
      await expect(p.orderBy('id').tail()).rejects.toThrow(QueryError)
    })
  })

  describe('conditions as text', () => {
    const ids = async (text: string, ...values: unknown[]) =>
      (await p.where(text, ...values).collect()).map((row) => row.id)

    test('become the same nodes as callbacks', async () => {
      const parsed = p.where(
        `(age >= ? OR age IS NULL) AND NOT city IN ('Rome', 'O''Slo') and "name" LIKE ? AND id BETWEEN 1 AND 3 AND id <> -5`,
        20,
        '%',
      )
      const built = p.where((c) =>
        c.age
          .gte(20)
          .or(c.age.isNull())
          .and(c.city.in(['Rome', "O'Slo"]).not())
          .and(c.name.like('%'))
          .and(c.id.between(1, 3))
          .and(c.id.ne(-5)),
      )
      expect(parsed.toSQL()).toEqual(built.toSQL())
      expect((await parsed.collect()).map((row) => row.id)).toEqual([1, 2, 3])
    })

    test('every form', async () => {
      expect(await ids('id = 1')).toEqual([1])
      expect(await ids('id == ?', 1)).toEqual([1])
      expect(await ids('3 <= id')).toEqual([3, 4])
      expect(await ids('id != 1 and id <> 2 and [id] < 4 and `id` > 0')).toEqual([3])
      expect(await ids('age is not null AND not (id = 1)')).toEqual([3, 4])
      expect(await ids('id not between ? and ?', 2, 3)).toEqual([1, 4])
      expect(await ids("name not like '%i'")).toEqual([1, 2, 3])
      expect(await ids('id in (?, ?)', 1, 4)).toEqual([1, 4])
      expect(await ids('id in (?)', [2, 3])).toEqual([2, 3])
      expect(await ids('id in ()')).toEqual([])
      expect(await ids('meta.n > 1.5')).toEqual([1, 2])
      expect(await ids('meta."n" = ? or true = false', 1)).toEqual([3])
      expect(await ids('id = 1 or id = 2 and id = 3')).toEqual([1])
      expect((await v.where('at > ?', new Date('2026-01-02T12:00:00Z')).collect()).map((row) => row.who)).toEqual([
        1, 9,
      ])
      expect((await p.where({ column: 'age', operator: '>=', value: 36 }).collect()).map((row) => row.id)).toEqual([
        1, 4,
      ])
      expect((await p.where({ column: 'id', operator: 'in', value: [1, 2] }).collect()).map((row) => row.id)).toEqual([
        1, 2,
      ])
      expect((await p.where({ column: 'age', operator: '=', value: null }).collect()).map((row) => row.id)).toEqual([2])
    })

    test('say where they cannot be understood, and never reach SQL', async () => {
      for (const [text, values, message] of [
        ['id = 1; DROP TABLE people', [], /position 6/],
        ['id = 1 -- x', [], /position 7/],
        ['id = ', [], /expected a column, a value or \(, got the end/],
        ['id = ? AND', [1], /got the end/],
        ['id = ?', [], /more '\?'/],
        ['id = 1', [1], /has 0 '\?', got 1/],
        ['id = ?', [undefined], /undefined/],
        ['nope = 1', [], /no column 'nope'/],
        ["name = 'x", [], /cannot read/],
        ['(id = 1', [], /expected '\)'/],
        ['id NOT 5', [], /IN, LIKE or BETWEEN/],
        ['id IN (name)', [], /list of values/],
        ['name > upper(name)', [], /expected AND, OR or the end|no column/],
        ['', [], /expected a column/],
      ] as const) {
        expect(() => p.where(text, ...values), text).toThrow(message)
      }
      const attack = `' OR 1=1 --`
      expect(await ids('name = ?', attack)).toEqual([])
      expect(() => p.where({ column: 'id', operator: '; DROP' as never, value: 1 })).toThrow(QueryError)
      expect(() => p.where(((c: any) => c.id.eq(1)) as never, 5 as never)).toThrow(QueryError)
      expect(await p.count()).toBe(4)
    })
  })

  describe('fragments', () => {
    test('stand in any clause, over joins and groups too', async () => {
      const query = p
        .join(v, (a, b) => a.id.eq(b.who))
        .groupBy((c) => ({ l: sql<number>`length(${c.city})` }))
        .select((c) => ({ l: c.l, s: sum(sql<number>`${c.paid} + ${1}`) }))
      expect(await query.collect()).toEqual([{ l: 6, s: 14.5 }])
    })
  })
})

describe('sample', () => {
  let pxt: Pixeltable
  beforeEach(async () => {
    pxt = await Pixeltable.open(':memory:')
  })
  afterEach(() => pxt.close())
  const open = async () => {
    const table = await pxt.createTable('s', { id: t.int(), g: t.string(), h: t.int().nullable() })
    await table.insert(
      Array.from({ length: 1000 }, (_, i) => ({ id: i, g: `g${i % 5}`, h: i % 3 === 0 ? null : i % 3 })),
    )
    return table
  }
  const ids = async (query: Query<any, any, any>) => (await query.collect()).map((row: any) => row.id as number)

  test('n rows, the same for a seed, others without', async () => {
    const table = await open()
    const once = await ids(table.sample({ n: 20, seed: 7 }))
    expect(once).toHaveLength(20)
    expect(once).toEqual([...once].sort((a, b) => a - b))
    expect(await ids(table.sample({ n: 20, seed: 7 }))).toEqual(once)
    expect(await ids(table.sample({ n: 20, seed: 8 }))).not.toEqual(once)
    expect(await ids(table.sample({ n: 20 }))).not.toEqual(await ids(table.sample({ n: 20 })))
    expect(await ids(table.sample({ n: 5000, seed: 1 }))).toHaveLength(1000)
    expect(await table.sample({ n: 0 }).count()).toBe(0)
    expect(
      await table
        .where((c) => c.id.lt(10))
        .sample({ n: 5, seed: 1 })
        .count(),
    ).toBe(5)
    expect(await table.select('id').sample({ n: 3, seed: 2 }).subquery().orderBy('id', 'desc').limit(1).count()).toBe(1)
  })

  test('a fraction: about as many, and a row stays in or out whatever else there is', async () => {
    const table = await open()
    const query = table.sample({ fraction: 0.3, seed: 3 })
    const before = await ids(query)
    expect(before.length).toBeGreaterThan(230)
    expect(before.length).toBeLessThan(370)
    await table.insert(Array.from({ length: 100 }, (_, i) => ({ id: 1000 + i, g: 'x', h: null })))
    await table
      .delete()
      .where((c) => c.id.lt(100))
      .run()
    const after = await ids(query)
    expect(after.filter((id) => id < 1000)).toEqual(before.filter((id) => id >= 100))
    expect(await table.sample({ fraction: 0 }).count()).toBe(0)
    expect(await table.sample({ fraction: 1 }).count()).toBe(1000)
  })

  test('strata: so many of each, or a share of each', async () => {
    const table = await open()
    const groups = async (query: Query<any, any, any>) =>
      (
        await query
          .subquery()
          .groupBy('g')
          .select((c: any) => ({ g: c.g, n: count() }))
          .orderBy('g')
          .collect()
      ).map((row: any) => row.n)
    expect(await groups(table.sample({ nPerStratum: 7, stratifyBy: 'g', seed: 1 }))).toEqual([7, 7, 7, 7, 7])
    expect(await groups(table.sample({ fraction: 0.101, stratifyBy: ['g'], seed: 1 }))).toEqual([21, 21, 21, 21, 21])
    expect(await table.sample({ nPerStratum: 2, stratifyBy: ['g', 'h'], seed: 1 }).count()).toBe(30)
  })

  test('refuses options that do not fit', async () => {
    const table = await open()
    for (const options of [
      {},
      { n: 1, fraction: 0.5 },
      { n: -1 },
      { n: 1.5 },
      { fraction: 24 },
      { fraction: Number.NaN },
      { nPerStratum: 1 },
      { n: 1, seed: 0.5 },
      5,
    ]) {
      expect(() => table.sample(options as never)).toThrow(QueryError)
    }
    expect(() => table.sample({ n: 1, stratifyBy: 'nope' as never })).toThrow(NotFoundError)
    expect(() => table.limit(5).sample({ n: 1 })).toThrow(QueryError)
  })
})

describe('searches', () => {
  test('in the words of other vector databases; thresholds; searches as sides of joins and in groups', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const table = await pxt.createTable('layouts', { id: t.int(), lang: t.string(), v: t.vector(2) })
    const layouts = await table.addEmbeddingIndex('v')
    await layouts.insert([
      { id: 1, lang: 'ts', v: [1, 0] },
      { id: 2, lang: 'py', v: [0.9, 0.1] },
      { id: 3, lang: 'ts', v: [0, 1] },
    ])
    const search = layouts
      .similaritySearch([1, 0], 'v')
      .where('id >= ?', 1)
      .where({ column: 'lang', operator: '=', value: 'ts' })
      .orderBy('similarity_score', 'desc')
      .select('id', 'similarity_score')
    expect(await search.execute()).toEqual([
      { id: 1, similarity_score: 1 },
      { id: 3, similarity_score: 0 },
    ])
    expect(await layouts.similaritySearch([1, 0]).inColumn('v').threshold(0.5).count()).toBe(2)
    expect(() => layouts.threshold(0.5)).toThrow(/similarity/)
    expect(() => layouts.similarity('v', [1, 0]).threshold('x' as never)).toThrow(QueryError)
    const best = layouts.similarity('v', [1, 0]).limit(2).select('id', 'score')
    expect(
      await layouts.select('id', 'lang').join(best, 'id').orderBy('score', 'desc').select('lang').collect(),
    ).toEqual([{ lang: 'ts' }, { lang: 'py' }])
    const perLang = layouts
      .similarity('v', [1, 0])
      .groupBy('lang')
      .select((c) => ({ lang: c.lang, best: max(c.score) }))
    expect(await perLang.orderBy('lang').collect()).toEqual([
      { lang: 'py', best: expect.closeTo(0.9938, 3) },
      { lang: 'ts', best: 1 },
    ])
    pxt.close()
  })

  test('a sorted stream leaves the connection free, and does not see what is written meanwhile', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const table = await pxt.createTable('many', { n: t.int() })
    await table.insert(Array.from({ length: 5000 }, (_, n) => ({ n })))
    const stream = table.orderBy('n', 'desc').stream()
    const seen: number[] = []
    for await (const { n } of stream) {
      seen.push(n)
      // The connection is free meanwhile.
      if (n % 1000 === 0) await table.insert({ n: -1 })
    }
    expect(seen).toEqual(Array.from({ length: 5000 }, (_, i) => 4999 - i))
    expect(await table.count()).toBe(5005)
    pxt.close()
  })
})
