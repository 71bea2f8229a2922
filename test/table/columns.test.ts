import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DependencyError, ExistsError, NotFoundError, Pixeltable, SchemaError, t, udf } from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const open = async () => {
  const table = await pxt.createTable('items', { n: t.int(), s: t.string() })
  await table.insert([
    { n: 1, s: 'a' },
    { n: 2, s: 'b' },
  ])
  return table
}

describe('addColumn', () => {
  test('fills what is there with the default, or null', async () => {
    const table = await open()
    const noted = await table.addColumn('note', t.string().nullable())
    const starred = await noted.addColumn('stars', t.int().default(3))
    await starred.insert({ n: 3, s: 'c', note: 'x' })
    expect(await starred.collect()).toEqual([
      { n: 1, s: 'a', note: null, stars: 3 },
      { n: 2, s: 'b', note: null, stars: 3 },
      { n: 3, s: 'c', note: 'x', stars: 3 },
    ])
  })

  test('calls a default function once a row', async () => {
    let calls = 0
    const table = await (await open()).addColumn(
      'id',
      t.int().default(() => ++calls),
    )
    expect(await table.select('id').collect()).toEqual([{ id: 1 }, { id: 2 }])
    expect(calls).toBe(2)
  })

  test('refuses a required column where there are rows, and takes it where there are none', async () => {
    const table = await open()
    await expect(table.addColumn('must', t.string())).rejects.toThrow(SchemaError)
    expect(table.describe().columns.map((c) => c.name)).toEqual(['n', 's'])
    const empty = await pxt.createTable('empty', { n: t.int() })
    const wide = await empty.addColumn('must', t.string())
    await wide.insert({ n: 1, must: 'x' })
    expect(await wide.first()).toEqual({ n: 1, must: 'x' })
  })

  test('a name that exists is an error, left alone, or replaced', async () => {
    const table = await open()
    await expect(table.addColumn('S' as 's2', t.string().nullable())).rejects.toThrow(ExistsError)
    await table.addColumn('s' as 's2', t.int().nullable(), { ifExists: 'ignore' })
    expect(await table.select('s').collect()).toEqual([{ s: 'a' }, { s: 'b' }])
    await table.addColumn('s' as 's2', t.int().default(7), { ifExists: 'replace' })
    expect(await table.select('s').collect()).toEqual([{ s: 7 }, { s: 7 }])
    expect((await table.history())[0]).toMatchObject({ operation: 'replace column' })
  })

  test("on a view it is the view's own, and can be set", async () => {
    const table = await open()
    const view = await pxt.createView(
      'big',
      table.where((c) => c.n.gt(1)),
    )
    const noted = await view.addColumn('note', t.string().nullable())
    await noted
      .update({ note: 'seen' } as never)
      .where({ n: 2 })
      .run()
    await table.insert({ n: 5, s: 'e' })
    expect(await noted.select('n', 'note').collect()).toEqual([
      { n: 2, note: 'seen' },
      { n: 5, note: null },
    ])
    expect(table.describe().columns.map((c) => c.name)).toEqual(['n', 's'])
    await expect(
      view
        .update({ s: 'x' } as never)
        .where({ n: 2 })
        .run(),
    ).rejects.toThrow(/comes from 'items'/)
    await expect(view.addColumn('must', t.string())).rejects.toThrow(SchemaError)
  })
})

describe('computed columns', () => {
  test('unstored ones are computed when read, by functions too, and take no space', async () => {
    let calls = 0
    const twice = udf({ name: 'twice' }, (n: number) => {
      calls++
      return n * 2
    })
    const table = await open()
    const plus = await table.addComputedColumn('plus', (c) => c.n.add(1), { stored: false })
    const both = await plus.addComputedColumn('both', (c) => twice(c.plus), { stored: false })
    const kept = await both.addComputedColumn('kept', (c) => c.plus.mul(10))
    expect(calls).toBe(0)
    expect(await kept.where((c) => c.plus.gt(2)).collect()).toEqual([{ n: 2, s: 'b', plus: 3, both: 6, kept: 30 }])
    expect(calls).toBe(1)
    await kept.update({ n: 9 }).where({ n: 1 }).run()
    expect(await kept.where((c) => c.both.eq(20)).collect()).toEqual([{ n: 9, s: 'a', plus: 10, both: 20, kept: 100 }])
    const [stored] = await pxt.sql`SELECT * FROM ${kept} WHERE n = 9`
    expect(stored).toEqual({ _rowid: 1, _version: expect.any(Number), n: 9, s: 'a', kept: 100 })
  })

  test('alterComputedColumn changes the expression, its type, and what follows', async () => {
    let calls = 0
    const count = udf({ name: 'count_calls' }, (n: number) => {
      calls++
      return n
    })
    const table = await open()
    const a = await table.addComputedColumn('a', (c) => c.n.add(1))
    const b = await a.addComputedColumn('b', (c) => c.a.coalesce(0).mul(2))
    const other = await b.addComputedColumn('other', (c) => count(c.n))
    const view = await pxt.createView(
      'small',
      other.where((c) => c.b.lt(50)),
    )
    calls = 0
    const { version } = (await other.history(1))[0]!
    const altered = await other.alterComputedColumn('a', (c) => c.n.mul(10))
    expect(await altered.select('a', 'b').collect()).toEqual([
      { a: 10, b: 20 },
      { a: 20, b: 40 },
    ])
    expect(calls).toBe(0)
    expect(await view.count()).toBe(2)
    const text = await other.alterComputedColumn('other', (c) => c.s.upper())
    expect(await text.select('other').collect()).toEqual([{ other: 'A' }, { other: 'B' }])
    expect(await other.asOf(version).select('a', 'b', 'other').collect()).toEqual([
      { a: 2, b: 4, other: 1 },
      { a: 3, b: 6, other: 2 },
    ])
    await other.alterComputedColumn('b', (c) => c.n.add(100))
    expect(await view.count()).toBe(0)
    await expect(other.alterComputedColumn('a', (c) => c.a.add(1))).rejects.toThrow(/computed from itself/)
    await expect(other.alterComputedColumn('n', (c) => c.a)).rejects.toThrow(/not computed/)
  })

  test('a failing cell under abort changes nothing', async () => {
    const fail = udf({ name: 'fail_on_two' }, (n: number) => {
      if (n === 2) throw new Error('two')
      return n
    })
    const table = await (await open()).addComputedColumn('a', (c) => c.n.add(1))
    await expect(table.alterComputedColumn('a', (c) => fail(c.n))).rejects.toThrow(/two/)
    expect(await table.select('a').collect()).toEqual([{ a: 2 }, { a: 3 }])
    expect(table.describe().columns.find((c) => c.name === 'a')!.computed).toBe('n.add(1)')
  })
})

describe('dropColumn', () => {
  test('drops the column with its index, and frees its name', async () => {
    const table = await (await open()).addColumn('v', t.vector(2).nullable())
    const indexed = await table.addEmbeddingIndex('v')
    await indexed
      .update({ v: [1, 0] })
      .all()
      .run()
    const { version } = (await indexed.history(1))[0]!
    const narrow = await indexed.dropColumn('v')
    expect(await narrow.collect()).toEqual([
      { n: 1, s: 'a' },
      { n: 2, s: 'b' },
    ])
    expect(await pxt.indexes('items')).toEqual([])
    const again = await narrow.addColumn('v', t.string().nullable())
    expect(await again.select('v').collect()).toEqual([{ v: null }, { v: null }])
    const old = await indexed.asOf(version).similarity('v', [1, 0]).collect()
    expect(old.map((row) => [row.n, [...row.v!], row.score])).toEqual([
      [1, [1, 0], 1],
      [2, [1, 0], 1],
    ])
  })

  test('names everything that depends on it', async () => {
    const table = await pxt.createTable(
      'deps',
      { n: t.int(), m: t.int(), k: t.int() },
      { unique: [['n', 'm']], check: { positive: (c) => c.n.gt(0) } },
    )
    await table.addComputedColumn('a', (c) => c.n.add(1))
    const view = await pxt.createView(
      'v',
      table.where((c) => c.n.gt(0)),
    )
    await view.addComputedColumn('b', (c) => c.n.add(2))
    const error = await table.dropColumn('n').catch((e: unknown) => e)
    expect(error).toBeInstanceOf(DependencyError)
    expect((error as DependencyError).dependents).toEqual([
      "column 'a' of 'deps'",
      "the check 'positive' of 'deps'",
      "the unique constraint 'n_m' of 'deps'",
      "column 'b' of 'v'",
      "the condition of the view 'v'",
    ])
    await expect(view.dropColumn('k')).rejects.toThrow(/comes from 'deps'/)
    await table.dropColumn('k')
    expect(view.describe().columns.map((c) => c.name)).toEqual(['b', 'n', 'm', 'a'])
  })

  test('refuses the primary key, the last column and unknown ones', async () => {
    const table = await pxt.createTable('k', { id: t.int(), x: t.int() }, { primaryKey: ['id'] })
    await expect(table.dropColumn('id')).rejects.toThrow(/primary key/)
    await expect(table.dropColumn('y' as never)).rejects.toThrow(NotFoundError)
    await table.dropColumn('y' as never, { ifNotExists: 'ignore' })
    const one = await pxt.createTable('one', { x: t.int() })
    await expect(one.dropColumn('x')).rejects.toThrow(/last one/)
  })
})

describe('renameColumn', () => {
  test('keeps data, expressions, views, indexes and keys', async () => {
    const table = await pxt.createTable(
      'people',
      { id: t.int(), name: t.string(), v: t.vector(2) },
      { primaryKey: ['id'], unique: ['name'], check: { named: (c) => c.name.ne('') } },
    )
    const upper = await table.addComputedColumn('upper', (c) => c.name.upper())
    const indexed = await upper.addEmbeddingIndex('v')
    const view = await pxt.createView('ns', indexed.where((c) => c.name.startsWith('n')).select('id', 'name', 'upper'))
    const below = await view.addComputedColumn('len', (c) => c.name.length())
    await indexed.insert([{ id: 1, name: 'nn', v: [1, 0] }])
    const { version } = (await indexed.history(1))[0]!
    const renamed = await indexed.renameColumn('name', 'title')
    const vectors = await renamed.renameColumn('v', 'w')
    await vectors.insert([{ id: 2, title: 'nm', w: [0, 1] }])
    expect(await vectors.select('id', 'title', 'upper').collect()).toEqual([
      { id: 1, title: 'nn', upper: 'NN' },
      { id: 2, title: 'nm', upper: 'NM' },
    ])
    expect(await below.collect()).toEqual([
      { id: 1, title: 'nn', upper: 'NN', len: 2 },
      { id: 2, title: 'nm', upper: 'NM', len: 2 },
    ])
    expect((await vectors.similarity('w', [0, 1]).first())!.id).toBe(2)
    await expect(vectors.insert([{ id: 3, title: 'nn', w: [0, 1] }])).rejects.toThrow(/unique constraint 'name'/)
    await expect(vectors.insert([{ id: 3, title: '', w: [0, 1] }])).rejects.toThrow(/check 'named'/)
    expect(await indexed.asOf(version).select('id', 'name').collect()).toEqual([{ id: 1, name: 'nn' }])
  })

  test('refuses names that exist here or in a view below', async () => {
    const table = await open()
    const view = await pxt.createView('v', table)
    await view.addComputedColumn('mine', (c) => c.n)
    await expect(table.renameColumn('n', 's' as never)).rejects.toThrow(ExistsError)
    await expect(table.renameColumn('n', 'mine')).rejects.toThrow(ExistsError)
    await expect(table.renameColumn('x' as never, 'y')).rejects.toThrow(NotFoundError)
    await expect(view.renameColumn('n', 'y')).rejects.toThrow(/comes from 'items'/)
  })

  test('two columns can swap their names', async () => {
    const table = await pxt.createTable('swap', { a: t.int(), b: t.int() })
    await table.insert({ a: 1, b: 2 })
    const c = await table.renameColumn('a', 'c')
    const a = await c.renameColumn('b', 'a')
    const b = await a.renameColumn('c', 'b')
    expect(await b.collect()).toEqual([{ b: 1, a: 2 }])
  })
})
