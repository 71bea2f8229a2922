import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConflictError, Pixeltable, QueryError, t, udf } from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const open = async () => {
  const table = await pxt.createTable('base', { id: t.int(), title: t.string(), note: t.string().nullable() })
  await table.insert([
    { id: 1, title: 'a', note: 'x' },
    { id: 2, title: 'b' },
    { id: 3, title: 'c', note: 'z' },
  ])
  return table
}

describe('projections', () => {
  test('show some columns, under other names, and computed ones', async () => {
    const base = await open()
    const view = await pxt.createView(
      'v',
      base.where((c) => c.id.gt(1)).select((c) => ({ id: c.id, name: c.title, title: c.title.upper() })),
    )
    expect(view.describe().columns.map(({ name, from }) => [name, from])).toEqual([
      ['name', undefined],
      ['title', undefined],
      ['id', 'base'],
    ])
    expect(await view.select('id', 'name', 'title').collect()).toEqual([
      { id: 2, name: 'b', title: 'B' },
      { id: 3, name: 'c', title: 'C' },
    ])
    expect(() => view.where({ note: 'z' } as never)).toThrow(/no column 'note'/)
    await base.update({ title: 'bb' }).where({ id: 2 }).run()
    await base.insert({ id: 4, title: 'd' })
    expect(await view.orderBy('id').select('name', 'title').collect()).toEqual([
      { name: 'bb', title: 'BB' },
      { name: 'c', title: 'C' },
      { name: 'd', title: 'D' },
    ])
    expect(await pxt.sql`SELECT title FROM v ORDER BY 1`).toEqual([{ title: 'BB' }, { title: 'C' }, { title: 'D' }])
  })

  test('by keys; views of views compute from what they show', async () => {
    const base = await open()
    const view = await pxt.createView('v', base.select('id', 'title'))
    const below = await pxt.createView(
      'w',
      view.where((c) => c.id.lt(3)).select((c) => ({ title: c.title, twice: c.id.mul(2) })),
    )
    expect(await below.collect()).toEqual([
      { twice: 2, title: 'a' },
      { twice: 4, title: 'b' },
    ])
    await base.update({ id: 30 }).where({ id: 1 }).run()
    await base.renameColumn('title', 'name')
    await base.delete().where({ id: 2 }).run()
    await base.insert({ id: 0, name: 'z' } as never)
    expect(await below.collect()).toEqual([{ twice: 0, name: 'z' }])
  })

  test('refuse what a view cannot follow', async () => {
    const base = await open()
    await expect(pxt.createView('v', base.orderBy('id'))).rejects.toThrow(QueryError)
    await expect(pxt.createView('v', base.limit(1))).rejects.toThrow(QueryError)
    await expect(pxt.createView('v', base.distinct())).rejects.toThrow(QueryError)
    await expect(pxt.createView('v', base.groupBy('id'))).rejects.toThrow(QueryError)
    await expect(pxt.createView('v', base.sample({ n: 2 }) as never)).rejects.toThrow(QueryError)
    await expect(pxt.createView('v', base.join(base, null, { kind: 'cross', as: 'b' }) as never)).rejects.toThrow(
      QueryError,
    )
    expect(await pxt.listTables()).toEqual(['base'])
  })
})

describe('sample views', () => {
  test('have the rows that the query has, now and after every change', async () => {
    const base = await pxt.createTable('base', { id: t.int() })
    await base.insert(Array.from({ length: 200 }, (_, id) => ({ id })))
    const query = base.sample({ fraction: 0.25, seed: 11 })
    const view = await pxt.createView('s', query)
    const doubled = await view.addComputedColumn('double', (c) => c.id.mul(2))
    const same = async () =>
      expect((await doubled.collect()).map((row) => row.id)).toEqual((await query.collect()).map((row) => row.id))
    await same()
    expect(await view.count()).toBeGreaterThan(20)
    await Promise.all([1, 2, 3].map((k) => base.insert(Array.from({ length: 50 }, (_, i) => ({ id: k * 1000 + i })))))
    await same()
    await base
      .delete()
      .where((c) => c.id.lt(50))
      .run()
    await base
      .update({ id: (c) => c.id.add(1) })
      .all()
      .run()
    await same()
    expect(await doubled.where((c) => c.double.ne(c.id.mul(2))).count()).toBe(0)
  })

  test('row ids can be computed with', async () => {
    const base = await pxt.createTable('base', { id: t.int() })
    const keyed = await base.addComputedColumn('key', (c) => c._rowid.mul(10))
    await keyed.insert([{ id: 5 }, { id: 6 }])
    const view = await pxt.createView('v', keyed)
    const own = await view.addComputedColumn('own', (c) => c._rowid.add(100))
    await keyed.insert({ id: 7 })
    expect(await own.select('key', 'own').collect()).toEqual([
      { key: 10, own: 101 },
      { key: 20, own: 102 },
      { key: 30, own: 103 },
    ])
    expect(ConflictError.name).toBe('ConflictError')
  })
})

describe('upkeep', () => {
  test('rows enter and leave as their inputs change; nothing else is computed again', async () => {
    let calls = 0
    const look = udf({ name: 'views_look' }, (s: string) => {
      calls++
      return s
    })
    const base = await open()
    const view = await pxt.createView(
      'v',
      base.where((c) => c.id.gt(1)),
    )
    const seen = await view.addComputedColumn('seen', (c) => look(c.title))
    const below = await pxt.createView(
      'w',
      seen.where((c) => c.seen.ne('b')),
    )
    calls = 0
    await base.update({ note: 'other' }).all().run()
    expect(calls).toBe(0)
    await base.update({ id: 0 }).where({ title: 'c' }).run()
    await base.update({ id: 9 }).where({ title: 'a' }).run()
    expect(calls).toBe(1)
    expect((await below.collect()).map((row) => row.title)).toEqual(['a'])
    await base.update({ title: 'b' }).where({ id: 9 }).run()
    expect(await below.count()).toBe(0)
    expect(calls).toBe(2)
  })
})
