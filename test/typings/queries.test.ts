import { expect, test } from 'vitest'
import {
  aggregate,
  arrayAgg,
  avg,
  count,
  exists,
  first,
  lag,
  max,
  min,
  Pixeltable,
  type PlainDate,
  rowNumber,
  stringAgg,
  sum,
  t,
} from '../../src/index.js'

/** The type check of these is `tsc`; at run time the same program must also work. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <A, B>(_: Equal<A, B>): void => {}
/** For calls that must not compile. */
const neverRun = (_: () => void): void => {}

test('joins, groups, windows and changes of the schema are inferred', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const people = await pxt.createTable(
    'people',
    { id: t.int(), name: t.string(), age: t.int().nullable(), big: t.bigint(), born: t.date().nullable() },
    { primaryKey: ['id'], unique: ['name', ['id', 'name']], check: { old: (c) => c.age.gte(0) } },
  )
  const visits = await pxt.createTable('visits', { who: t.int(), at: t.timestamp(), paid: t.float().nullable() })

  const inner = await people.join(visits, (a, b) => a.id.eq(b.who)).collect()
  is<
    typeof inner,
    {
      id: number
      name: string
      age: number | null
      big: bigint
      born: PlainDate | null
      who: number
      at: Date
      paid: number | null
    }[]
  >(true)
  const left = await people
    .select('id')
    .join(visits.select('who', 'at'), (a, b) => a.id.eq(b.who), 'left')
    .collect()
  is<typeof left, { id: number; who: number | null; at: Date | null }[]>(true)
  const right = await people
    .select('id')
    .join(visits.select('who'), (a, b) => a.id.eq(b.who), { kind: 'right' })
    .collect()
  is<typeof right, { id: number | null; who: number }[]>(true)
  const full = people.select('id').join(visits.select('who'), (a, b) => a.id.eq(b.who), 'full')
  is<Awaited<ReturnType<typeof full.collect>>, { id: number | null; who: number | null }[]>(true)
  const self = await people
    .select('id', 'name')
    .join(people.select('id', 'name'), (a, b) => a.id.gt(b.id), { as: 'other' })
    .collect()
  is<typeof self, { id: number; name: string; other_id: number; other_name: string }[]>(true)
  const using = await people.select('id', 'name').join(people.select('id', 'age'), 'id').collect()
  is<typeof using, { id: number; name: string; age: number | null }[]>(true)
  const summed = full.where((c) => c.who.isNull()).select((c) => ({ next: c.id.add(1) }))
  is<Awaited<ReturnType<typeof summed.collect>>, { next: number | null }[]>(true)
  neverRun(() => {
    // @ts-expect-error both sides have 'id'
    people.join(people, (a, b) => a.id.eq(b.id))
    // @ts-expect-error the right side has no such column
    people.join(visits, (a, b) => a.id.eq(b.nope))
    // @ts-expect-error not a column of both
    people.join(visits, 'id')
    // @ts-expect-error not a kind of join
    people.join(visits, (a, b) => a.id.eq(b.who), 'outer')
    // @ts-expect-error the prefix is part of the name
    people.join(people, (a, b) => a.id.eq(b.id), { as: 'p' }).where((c) => c.p_nope.isNull())
  })

  const product = aggregate({
    name: 'typed_product',
    returns: t.float(),
    init: () => 1,
    step: (p: number, x: number) => p * x,
  })
  const groups = await people
    .groupBy('name')
    .select((c) => ({
      name: c.name,
      n: count(),
      total: sum(c.age),
      wide: sum(c.big),
      mean: avg(c.age),
      oldest: max(c.age),
      youngest: min(c.born),
      one: first(c.id),
      all: arrayAgg(c.born),
      text: stringAgg(c.name, ','),
      product: product(c.id),
    }))
    .having((c) => c.n.gt(0).and(c.total.isNull()))
    .orderBy('n', 'desc')
    .collect()
  is<
    typeof groups,
    {
      name: string
      n: number
      total: number | null
      wide: bigint | null
      mean: number | null
      oldest: number | null
      youngest: PlainDate | null
      one: number | null
      all: (PlainDate | null)[]
      text: string | null
      product: number
    }[]
  >(true)
  const computed = people.groupBy((c) => ({ letter: c.name.upper() })).select((c) => ({ letter: c.letter, n: count() }))
  is<Awaited<ReturnType<typeof computed.collect>>, { letter: string; n: number }[]>(true)
  const keys = await people.groupBy('name', 'age').collect()
  is<typeof keys, { name: string; age: number | null }[]>(true)
  neverRun(() => {
    // @ts-expect-error text has no sum
    sum(people.columns.name)
    // @ts-expect-error no such column
    people.groupBy('nope')
    const named = people.groupBy('name').select(() => ({ n: count() }))
    // @ts-expect-error not selected
    named.orderBy('m')
    // @ts-expect-error the product takes numbers that are not null
    product(people.columns.age)
  })

  const windows = await people
    .select((c) => ({
      place: rowNumber().over({ partitionBy: c.name, orderBy: c.id.asc() }),
      before: lag(c.name).over({ orderBy: c.id.asc() }),
      running: sum(c.age).over({ orderBy: c.id.asc(), rows: [null, 0] }),
    }))
    .subquery()
    .where((c) => c.place.eq(1))
    .collect()
  is<typeof windows, { place: number; before: string | null; running: number | null }[]>(true)

  const union = await people
    .select((c) => ({ n: c.id }))
    .union(visits.select((c) => ({ n: c.paid })))
    .collect()
  is<typeof union, { n: number | null }[]>(true)
  people.where((c) => c.id.in(visits.select('who')).and(exists(visits.where((v) => v.who.eq(c.id)))))
  neverRun(() => {
    // @ts-expect-error other columns
    people.select('id').union(visits.select('who'))
    // @ts-expect-error a column of dates has no ids
    people.where((c) => c.id.in(visits.select('at')))
    // @ts-expect-error not a column
    people.sample({ n: 1, stratifyBy: 'nope' })
    // @ts-expect-error no such column to test
    people.where({ column: 'nope', operator: '=', value: 1 })
  })

  const wide = await people.addColumn('note', t.string().nullable())
  await wide.insert({ id: 1, name: 'a', big: 1n, note: 'x' })
  const renamed = await wide.renameColumn('note', 'text')
  const up = await renamed.addComputedColumn('up', (c) => c.text.upper())
  const altered = await up.alterComputedColumn('up', (c) => c.id.add(1))
  const row = await altered.select('text', 'up').firstOrThrow()
  is<typeof row, { text: string | null; up: number }>(true)
  await altered.upsert({ id: 1, text: 'y' })
  const narrow = await altered.dropColumn('up')
  const view = await pxt.createView(
    'v',
    narrow.select((c) => ({ id: c.id, title: c.name })),
  )
  const below = await pxt.createView(
    'w',
    view.where((c) => c.id.gt(0)),
  )
  const shown = await below.firstOrThrow()
  is<typeof shown, { id: number; title: string }>(true)
  const old = await narrow.asOf(2).select('id').collect()
  is<typeof old, { id: number }[]>(true)
  expect(old).toEqual([])
  for await (const change of narrow.changes({ since: 0 })) {
    is<typeof change.kind, 'insert' | 'update' | 'delete'>(true)
    expect(change.row?.text).toBe('y')
  }
  neverRun(() => {
    // @ts-expect-error already there
    narrow.addColumn('name', t.int().nullable())
    // @ts-expect-error already there
    narrow.renameColumn('name', 'id')
    // @ts-expect-error no such column
    narrow.dropColumn('nope')
    // @ts-expect-error a view takes no rows
    view.insert({ id: 1 })
    // @ts-expect-error hidden by the projection
    view.where((c) => c.age.isNull())
    // @ts-expect-error no such column in the key
    pxt.createTable('x', { a: t.int() }, { primaryKey: ['b'] })
  })
  pxt.close()
})
