/** What Pixeltable for Python does, under the numbers of the list that this project keeps; see docs/differences.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  count,
  DependencyError,
  documentSplitter,
  ExistsError,
  IndexError,
  max,
  NotFoundError,
  Pixeltable,
  QueryError,
  query,
  SchemaError,
  sum,
  t,
  udf,
  ValidationError,
} from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const toy = {
  name: 'behaviours_toy',
  version: 1,
  embed: async (texts: readonly unknown[]) => texts.map((text) => [String(text).length, 1, 0]),
}
const numbers = (n: number) => Array.from({ length: n }, (_, i) => ({ i, s: `s${i}`, f: i / 2 }))
const filled = async (n = 100) => {
  const table = await pxt.createTable('t', { i: t.int(), s: t.string(), f: t.float() })
  await table.insert(numbers(n))
  return table
}

describe('keys', () => {
  test('1 a primary key is unique among the rows that are there, also after reopening', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pxt-behaviours-'))
    const path = join(folder, 'a.db')
    const db = await Pixeltable.open(path)
    const table = await db.createTable('k', { id: t.int(), v: t.string() }, { primaryKey: ['id'] })
    await table.insert([
      { id: 1, v: 'a' },
      { id: 2, v: 'b' },
    ])
    await expect(table.insert({ id: 1, v: 'c' })).rejects.toThrow(/duplicate primary key/)
    expect(await table.count()).toBe(2)
    await table.delete().where({ id: 1 }).run()
    await table.insert({ id: 1, v: 'again' })
    db.close()
    const again = await Pixeltable.open(path)
    await expect((await again.getTable('k')).insert({ id: 2, v: 'x' })).rejects.toThrow(ValidationError)
    again.close()
    rmSync(folder, { recursive: true })
  })

  test('2 a compound key', async () => {
    const table = await pxt.createTable('k', { a: t.int(), b: t.string() }, { primaryKey: ['a', 'b'] })
    await table.insert([
      { a: 1, b: 'x' },
      { a: 1, b: 'y' },
    ])
    await expect(table.insert({ a: 1, b: 'x' })).rejects.toThrow(/duplicate/)
  })

  test('3 a batch goes in whole or not at all', async () => {
    const table = await pxt.createTable('k', { id: t.int() }, { primaryKey: ['id'] })
    await table.insert({ id: 1 })
    await expect(table.insert([{ id: 2 }, { id: 1 }])).rejects.toThrow(/duplicate/)
    expect(await table.collect()).toEqual([{ id: 1 }])
  })

  test('4 long keys are compared whole, where Pixeltable compares 256 characters', async () => {
    const table = await pxt.createTable('k', { id: t.string() }, { primaryKey: ['id'] })
    await table.insert([{ id: `${'x'.repeat(300)}a` }, { id: `${'x'.repeat(300)}b` }])
    expect(await table.count()).toBe(2)
  })

  test('5 and 6 updates by key: error, ignore or insert; what follows from them', async () => {
    const plain = await pxt.createTable('k', { id: t.int(), val: t.string(), num: t.float() }, { primaryKey: ['id'] })
    const up = await plain.addComputedColumn('val_upper', (c) => c.val.upper())
    const table = await up.addComputedColumn('num_x2', (c) => c.num.mul(2))
    await table.insert([{ id: 1, val: 'a', num: 1 }])
    const rows = [
      { id: 1, val: 'updated', num: 10 },
      { id: 2, val: 'new', num: 3 },
    ]
    await expect(table.upsert(rows, { ifNotExists: 'error' })).rejects.toThrow(NotFoundError)
    expect(await table.upsert(rows, { ifNotExists: 'ignore' })).toMatchObject({ updated: 1, inserted: 0 })
    expect(await table.firstOrThrow()).toMatchObject({ val_upper: 'UPDATED', num_x2: 20 })
    expect(await table.upsert(rows)).toMatchObject({ updated: 1, inserted: 1 })
    expect(await table.count()).toBe(2)
  })
})

describe('updates', () => {
  test('7 literals, and revert brings the old values back', async () => {
    const table = await filled()
    expect(
      await table
        .update({ f: 0.5 })
        .where((c) => c.i.lt(10))
        .run(),
    ).toMatchObject({ updated: 10 })
    expect(await table.where({ f: 0.5 }).count()).toBe(10)
    expect(await table.count()).toBe(100)
    await table.revert()
    expect(await table.collect()).toEqual(numbers(100))
  })

  test('8 both sides of a swap see the old row', async () => {
    const table = await pxt.createTable('s', { a: t.float(), b: t.float() })
    await table.insert({ a: 1, b: 2 })
    await table
      .update({ a: (c) => c.b, b: (c) => c.a })
      .all()
      .run()
    expect(await table.collect()).toEqual([{ a: 2, b: 1 }])
  })

  test('9 with and without cascade', async () => {
    const table = await (await filled(3)).addComputedColumn('next', (c) => c.i.add(1))
    await table.update({ i: 50 }).where({ i: 0 }).run({ cascade: false })
    expect((await table.head(1))[0]).toMatchObject({ i: 50, next: 1 })
    await table.update({ i: 60 }).where({ i: 50 }).run()
    expect((await table.head(1))[0]).toMatchObject({ i: 60, next: 61 })
  })

  test('10 what cannot be set is refused', async () => {
    const table = await (await filled(3)).addComputedColumn('next', (c) => c.i.add(1))
    for (const [values, message] of [
      [{ nope: 1 }, /no column 'nope'/],
      [{ s: 5 }, /expected a string/],
      [{ next: 5 }, /computed/],
    ] as const) {
      await expect(
        table
          .update(values as never)
          .all()
          .run(),
      ).rejects.toThrow(message)
    }
    expect(await table.history()).toHaveLength(3)
  })
})

describe('versions', () => {
  test('11 revert goes back one version at a time, and not past the first', async () => {
    const table = await pxt.createTable('v', { i: t.int() })
    await table.insert({ i: 1 })
    await table.insert({ i: 2 })
    await table.revert()
    expect(await table.count()).toBe(1)
    await table.revert()
    expect(await table.count()).toBe(0)
    await expect(table.revert()).rejects.toThrow(SchemaError)
  })

  test('29 each version with its rows and its schema', async () => {
    const table = await pxt.createTable('v', { c1: t.int() })
    await table.insert(Array.from({ length: 5 }, (_, c1) => ({ c1 })))
    const two = await table.addColumn('c2', t.int().nullable())
    await two.insert(Array.from({ length: 12 }, (_, i) => ({ c1: i, c2: i })))
    const renamed = await two.renameColumn('c1', 'c1_renamed')
    const seen = []
    for (let version = 1; version <= 5; version++) {
      const rows = await renamed.asOf(version).collect()
      seen.push([rows.length, Object.keys(rows[0] ?? {})])
    }
    expect(seen).toEqual([
      [0, []],
      [5, ['c1']],
      [5, ['c1', 'c2']],
      [17, ['c1', 'c2']],
      [17, ['c1_renamed', 'c2']],
    ])
  })
})

describe('computed columns', () => {
  const invert = udf({ name: 'behaviours_invert' }, (i: number) => {
    if (i % 10 === 0) throw new Error('division by zero')
    return 1 / i
  })

  test('12 failing cells: abort leaves no column, ignore counts them', async () => {
    const table = await filled()
    await expect(table.addComputedColumn('x', (c) => invert(c.i))).rejects.toThrow(/division by zero/)
    expect(table.describe().columns.map((c) => c.name)).toEqual(['i', 's', 'f'])
    const wide = await table.addComputedColumn('x', (c) => invert(c.i), { onError: 'ignore' })
    expect(await wide.where((c) => c.x.isNull()).count()).toBe(10)
    expect(await pxt.sql`SELECT count(*) AS n, max(message) AS message FROM "t@errors"`).toEqual([
      { n: 10, message: expect.stringContaining('division by zero') },
    ])
  })

  test('13 an interrupt in the middle leaves the table as it was', async () => {
    const table = await filled(1000)
    const stop = new AbortController()
    let calls = 0
    const slow = udf({ name: 'behaviours_slow' }, async (i: number) => {
      if (++calls === 245) stop.abort(new Error('enough'))
      return i
    })
    await expect(table.addComputedColumn('x', (c) => slow(c.i), { signal: stop.signal })).rejects.toThrow('enough')
    expect(table.describe().columns).toHaveLength(3)
    expect((await table.head(2)).map((row) => row.i)).toEqual([0, 1])
    expect((await table.tail(2)).map((row) => row.i)).toEqual([998, 999])
  })

  test('14 recompute: all, some, the failed ones', async () => {
    const table = await (await filled()).addComputedColumn('x', (c) => invert(c.i), { onError: 'ignore' })
    expect(await table.recompute('x')).toMatchObject({ updated: 100, errors: 10 })
    expect(await table.recompute('x', { where: (c) => c.i.lt(10) })).toMatchObject({ updated: 10, errors: 1 })
    expect(await table.recompute('x', { errorsOnly: true })).toMatchObject({ updated: 10, errors: 10 })
  })

  test('15 unstored columns are computed whenever they are read', async () => {
    let add = 1
    const shift = udf({ name: 'behaviours_shift' }, (i: number) => i + add)
    const table = await (await filled(2)).addComputedColumn('x', (c) => shift(c.i), { stored: false })
    expect((await table.select('x').collect()).map((row) => row.x)).toEqual([1, 2])
    add = 10
    expect((await table.select('x').collect()).map((row) => row.x)).toEqual([10, 11])
    expect((await pxt.sql`SELECT * FROM t`)[0]).not.toHaveProperty('x')
  })

  test('16 compute() stores nothing', async () => {
    const table = await (await filled(1)).addComputedColumn('x', (c) => invert(c.i), { onError: 'ignore' })
    const { rows, errors } = await table.compute([
      { i: 4, s: '', f: 0 },
      { i: 10, s: '', f: 0 },
    ])
    expect(rows.map((row) => row.x)).toEqual([0.25, null])
    expect(errors).toHaveLength(1)
    expect(await table.count()).toBe(1)
  })
})

describe('inserts and schemas', () => {
  test('17 what does not fit is refused, and named', async () => {
    const table = await (await filled(1)).addComputedColumn('x', (c) => c.i.add(1))
    for (const [row, message] of [
      [{ i: 1, s: 'a', f: 1, nope: 2 }, /no column 'nope'/],
      [{ i: 1, s: 'a' }, /'f' of 't' is required/],
      [{ i: 'a', s: 'a', f: 1 }, /column 'i'/],
      [{ i: 1, s: 'a', f: 1, x: 2 }, /computed/],
    ] as const) {
      await expect(table.insert(row as never)).rejects.toThrow(message)
    }
    expect(await table.count()).toBe(1)
  })

  test('18 null where it may be; a NUL character stays one, where Pixeltable makes it a space', async () => {
    const table = await pxt.createTable('n', { s: t.string().nullable() })
    await table.insert([{ s: null }, { s: 'a\0b' }])
    expect(await table.collect()).toEqual([{ s: null }, { s: 'a\0b' }])
  })

  test('19 delete by any condition, functions too, and of all', async () => {
    const even = udf({ name: 'behaviours_even' }, (i: number) => i % 2 === 0)
    const table = await filled(10)
    expect(
      await table
        .delete()
        .where((c) => c.i.gte(8))
        .run(),
    ).toMatchObject({ deleted: 2 })
    expect(
      await table
        .delete()
        .where((c) => even(c.i))
        .run(),
    ).toMatchObject({ deleted: 4 })
    const { version } = (await table.history(1))[0]!
    expect((await table.delete().where({ i: 99 }).run()).version).toBe(version)
    expect(await table.delete().all().run()).toMatchObject({ deleted: 4 })
    await expect(table.delete().run()).rejects.toThrow(/all\(\)/)
  })

  test('20 a column that others need is not dropped', async () => {
    const table = await (await filled(1)).addComputedColumn('x', (c) => c.i.add(1))
    await pxt.createView(
      'v',
      table.where((c) => c.f.gte(0)),
    )
    for (const [name, dependent] of [
      ['i', "column 'x' of 't'"],
      ['f', "the condition of the view 'v'"],
    ] as const) {
      const error = await table.dropColumn(name).catch((e: unknown) => e)
      expect((error as DependencyError).dependents).toEqual([dependent])
    }
    const one = await pxt.createTable('one', { a: t.int() })
    await expect(one.dropColumn('a')).rejects.toThrow(/last/)
  })

  test('21 a renamed column keeps its data, its dependents and its views', async () => {
    const table = await (await filled(2)).addComputedColumn('x', (c) => c.i.add(1))
    const view = await pxt.createView(
      'v',
      table.where((c) => c.i.gt(0)),
    )
    await table.renameColumn('i', 'number')
    await table.insert({ number: 5, s: '', f: 0 } as never)
    expect(await view.select('x').collect()).toEqual([{ x: 2 }, { x: 6 }])
  })

  test('22 what exists: error, ignore, replace; what does not: error, ignore', async () => {
    await filled(1)
    const schema = { a: t.int() }
    await expect(pxt.createTable('t', schema)).rejects.toThrow(ExistsError)
    await expect(
      pxt.createTable('t', { i: t.int(), s: t.string(), f: t.float() }, { ifExists: 'ignore' }),
    ).resolves.toBeDefined()
    expect(await (await pxt.createTable('t', schema, { ifExists: 'replace' })).count()).toBe(0)
    await pxt.createDir('d')
    await expect(pxt.createDir('d')).rejects.toThrow(ExistsError)
    await pxt.createDir('d', { ifExists: 'ignore' })
    await expect(pxt.dropTable('nope')).rejects.toThrow(NotFoundError)
    await pxt.dropTable('nope', { ifNotExists: 'ignore' })
    await pxt.dropDir('nope', { ifNotExists: 'ignore' })
    const view = await pxt.createView('v', await pxt.getTable('t'))
    await pxt.createView('v', await pxt.getTable('t'), { ifExists: 'ignore' })
    await expect(pxt.createTable('t', schema, { ifExists: 'replace' })).rejects.toThrow(DependencyError)
    await view.addComputedColumn('b', (c) => c.a!)
    await view.addComputedColumn('b', (c) => c.a!, { ifExists: 'ignore' })
    await view.addComputedColumn('b', (c) => c.a!.add(1), { ifExists: 'replace' })
    expect(view.describe().columns.find((c) => c.name === 'b')!.computed).toBe('a.add(1)')
  })

  test('23 a handle of a dropped table says so', async () => {
    const table = await filled(1)
    await pxt.dropTable('t')
    await expect(table.collect()).rejects.toThrow(/was dropped/)
    await expect(table.insert({ i: 1, s: '', f: 0 })).rejects.toThrow(NotFoundError)
    expect(() => table.where({ i: 1 })).toThrow(NotFoundError)
  })

  test('24 the rows that a statement wrote are read as of its version', async () => {
    const table = await (await filled(2)).addComputedColumn('x', (c) => c.i.add(1))
    const { version } = await table.insert({ i: 7, s: '', f: 0 })
    const written = []
    for await (const { kind, row } of table.changes({ since: version - 1 })) written.push([kind, row!.x])
    expect(written).toEqual([['insert', 8]])
  })
})

describe('views', () => {
  test('25 rows enter and leave as what the condition reads changes', async () => {
    const table = await pxt.createTable('b', { n: t.int() })
    await table.insert([{ n: 1 }, { n: 2 }, { n: 3 }])
    const view = await (
      await pxt.createView(
        'v',
        table.where((c) => c.n.gt(1)),
      )
    ).addComputedColumn('doubled', (c) => c.n.mul(2))
    await table.update({ n: 0 }).where({ n: 3 }).run()
    expect((await view.collect()).map((row) => row.n)).toEqual([2])
    await table.update({ n: 9 }).where({ n: 1 }).run()
    expect((await view.orderBy('n').collect()).map((row) => row.doubled)).toEqual([4, 18])
  })

  test('26 an update of what a function does not read does not call it', async () => {
    let calls = 0
    const look = udf({ name: 'behaviours_look' }, (s: string) => {
      calls++
      return s
    })
    const view = await pxt.createView('v', await filled(5))
    await view.addComputedColumn('seen', (c) => look(c.s))
    calls = 0
    await (await pxt.getTable('t')).update({ i: 100 }).all().run()
    expect(calls).toBe(0)
  })

  test('27 through three levels of views', async () => {
    const table = await pxt.createTable('b', { n: t.int() })
    const one = await (
      await pxt.createView(
        'v1',
        table.where((c) => c.n.gt(0)),
      )
    ).addComputedColumn('ten', (c) => c.n.mul(10))
    const two = await (
      await pxt.createView(
        'v2',
        one.where((c) => c.ten.gte(50)),
      )
    ).addComputedColumn('plus', (c) => c.ten.add(1))
    const three = await pxt.createView(
      'v3',
      two.where((c) => c.plus.lt(1000)),
    )
    await table.insert([{ n: 5 }, { n: 9 }, { n: 1 }])
    const plus = async () => (await three.orderBy('n').collect()).map((row) => row.plus)
    expect(await plus()).toEqual([51, 91])
    await table.update({ n: 7 }).where({ n: 1 }).run()
    expect(await plus()).toEqual([51, 71, 91])
    await table.update({ n: 0 }).where({ n: 7 }).run()
    expect(await plus()).toEqual([51, 91])
  })

  test('28 a view does not take what is its base’s', async () => {
    const table = await filled(1)
    const view = await pxt.createView('v', table)
    await expect(
      view
        .update({ s: 'x' } as never)
        .all()
        .run(),
    ).rejects.toThrow(/comes from 't'/)
    await expect(view.insert({ i: 1 } as never)).rejects.toThrow(QueryError)
    await expect(pxt.createView('v', view, { ifExists: 'replace' })).rejects.toThrow(DependencyError)
  })

  test('30 an iterator makes its rows anew when what it reads changes', async () => {
    const table = await pxt.createTable('b', { name: t.string(), file: t.document() })
    const text = (n: number) =>
      new Blob([Array.from({ length: n }, (_, i) => `Sentence ${i}.`).join(' ')], { type: 'text/plain' })
    await table.insert([2, 3, 5].map((n) => ({ name: `n${n}`, file: text(n) })))
    const chunks = await pxt.createView('c', table, {
      iterator: documentSplitter((c) => c.file, { separators: ['sentence'] }),
    })
    expect((await chunks.collect()).map((row) => row.pos)).toEqual([0, 1, 0, 1, 2, 0, 1, 2, 3, 4])
    await table
      .update({ file: text(6) })
      .where({ name: 'n5' })
      .run()
    const six = await chunks.where({ name: 'n5' }).collect()
    expect(six.map((row) => row.pos)).toEqual([0, 1, 2, 3, 4, 5])
    await table.update({ name: 'n6' }).where({ name: 'n5' }).run()
    expect(await chunks.where({ name: 'n6' }).count()).toBe(6)
  })
})

describe('indexes', () => {
  test('33 each row is the nearest to itself, by every metric', async () => {
    for (const metric of ['cosine', 'euclidean', 'inner_product'] as const) {
      const table = await pxt.createTable(`p_${metric}`, { id: t.int(), v: t.vector(3) })
      const points = await table.addEmbeddingIndex('v', { metric })
      const rows = [0, 1, 2].map((id) => ({ id, v: [0, 1, 2].map((d) => (d === id ? 1 : 0.1)) }))
      await points.insert(rows)
      for (const { id, v } of rows) expect((await points.similarity('v', v).firstOrThrow()).id).toBe(id)
    }
  })

  test('34 a query finds the index that has the name now', async () => {
    const table = await pxt.createTable('x', { s: t.string() })
    const indexed = await table.addEmbeddingIndex('s', { embed: toy, name: 'i' })
    await indexed.insert([{ s: 'a' }, { s: 'bb' }])
    const saved = indexed.similarity('s', 'bb').limit(1).select('s')
    expect(await saved.collect()).toEqual([{ s: 'bb' }])
    await indexed.dropEmbeddingIndex({ name: 'i' })
    await expect(saved.collect()).rejects.toThrow(IndexError)
    await indexed.addEmbeddingIndex('s', { embed: toy, name: 'i' })
    expect(await saved.collect()).toEqual([{ s: 'bb' }])
    await indexed.dropColumn('s').catch(() => {})
  })

  test('35 an identical index is refused; another metric is not; two must be told apart', async () => {
    const table = await pxt.createTable('x', { s: t.string() })
    const one = await table.addEmbeddingIndex('s', { embed: toy })
    await expect(one.addEmbeddingIndex('s', { embed: toy })).rejects.toThrow(/identical index/)
    const two = await one.addEmbeddingIndex('s', { embed: toy, metric: 'euclidean', name: 'far' })
    expect(() => two.similarity('s', 'a')).toThrow(/several embedding indexes/)
    expect(await two.similarity('s', { string: 'a', index: 'far' }).count()).toBe(0)
  })

  test('36 a query function in a computed column', async () => {
    const table = await pxt.createTable('x', { s: t.string() })
    const indexed = await table.addEmbeddingIndex('s', { embed: toy })
    await indexed.insert([{ s: 'a' }, { s: 'bb' }, { s: 'ccc' }])
    const nearest = query('behaviours_nearest', { q: t.string() }, (p) =>
      indexed.similarity('s', p.q).limit(2).select('s'),
    )
    const asked = await (await pxt.createTable('q', { q: t.string() })).addComputedColumn('found', (c) =>
      nearest.expr({ q: c.q }),
    )
    await asked.insert({ q: 'zz' })
    await indexed.insert({ s: 'dd' })
    await asked.insert({ q: 'zz' })
    expect((await asked.collect()).map((row) => row.found)).toEqual([
      [{ s: 'bb' }, { s: 'ccc' }],
      [{ s: 'bb' }, { s: 'dd' }],
    ])
  })
})

describe('expressions and queries', () => {
  test('37 nulls, arithmetic and JSON', async () => {
    const table = await pxt.createTable('e', {
      a: t.int(),
      b: t.int().nullable(),
      dets: t.json<{ s?: number }[]>().nullable(),
    })
    await table.insert([
      { a: 7, b: 2, dets: [{ s: 0.9 }, {}, { s: 0.7 }] },
      { a: 7, b: null, dets: [{ s: 0.1 }] },
      { a: 7, b: 2, dets: [{}, {}] },
      { a: 7, b: 2, dets: null },
    ])
    const both = udf({ name: 'behaviours_both', onNull: 'skip' }, (a: number, b: number) => a + b)
    expect((await table.select((c) => ({ x: both(c.a, c.b) })).collect()).map((row) => row.x)).toEqual([9, null, 9, 9])
    const [row] = await table
      .where({ b: 2 })
      .select((c) => ({
        neg: c.a.neg(),
        add: c.a.add(2),
        sub: c.a.sub(2),
        mul: c.a.mul(2),
        div: c.a.div(2),
        mod: c.a.mod(2),
        zero: c.a.div(0),
        floor: c.a.floorDiv(2),
      }))
      .limit(1)
      .collect()
    expect(row).toEqual({ neg: -7, add: 9, sub: 5, mul: 14, div: 3.5, mod: 1, zero: null, floor: 3 })
    expect((await table.select((c) => ({ s: c.dets.all().get('s') })).collect()).map((r) => r.s)).toEqual([
      [0.9, null, 0.7],
      [0.1],
      [null, null],
      null,
    ])
  })

  test('38 joins', async () => {
    const left = await pxt.createTable('l', { id: t.int(), a: t.int() })
    const right = await pxt.createTable('r', { key: t.int(), b: t.int() })
    await left.insert(Array.from({ length: 1000 }, (_, id) => ({ id, a: id })))
    await right.insert(Array.from({ length: 1000 }, (_, i) => ({ key: i + 900, b: i })))
    const on = (a: any, b: any) => a.id.eq(b.key)
    expect(await left.join(right, on).count()).toBe(100)
    const outer = left.join(right, on, 'left')
    expect([await outer.count(), await outer.where((c) => c.b.isNotNull()).count()]).toEqual([1000, 100])
    const full = await left.join(right, on, 'full').collect()
    const sides = (hasLeft: boolean, hasRight: boolean) =>
      full.filter((r) => (r.id !== null) === hasLeft && (r.key !== null) === hasRight).length
    expect([full.length, sides(true, false), sides(false, true), sides(true, true)]).toEqual([1900, 900, 900, 100])
  })

  test('39 samples', async () => {
    const table = await pxt.createTable('s', { a: t.int(), b: t.int(), i: t.int() })
    await table.insert(Array.from({ length: 3000 }, (_, i) => ({ a: i % 5, b: i % 6, i })))
    expect(await table.sample({ nPerStratum: 2, stratifyBy: ['a', 'b'], seed: 4 }).count()).toBe(60)
    expect(await table.sample({ n: 10 }).count()).toBe(10)
    const seeded = table.sample({ n: 10, seed: 4 }).select('i')
    expect(await seeded.collect()).toEqual(await seeded.collect())
    expect(() => table.sample({ fraction: 24 })).toThrow(QueryError)
    expect(() => table.sample({ nPerStratum: 1 })).toThrow(QueryError)
  })

  test('40 many writers and readers at once lose nothing', async () => {
    const table = await pxt.createTable('c', { w: t.int(), i: t.int() })
    await Promise.all(
      [0, 1, 2, 3].map(async (w) => {
        for (let i = 0; i < 100; i++) {
          await table.insert({ w, i })
          if (i % 10 === 0) await table.where({ w }).count()
        }
      }),
    )
    expect(
      await table
        .groupBy('w')
        .select((c) => ({ w: c.w, n: count(), s: sum(c.i), m: max(c.i) }))
        .orderBy('w')
        .collect(),
    ).toEqual([0, 1, 2, 3].map((w) => ({ w, n: 100, s: 4950, m: 99 })))
    await expect(
      pxt.createView(
        'broken',
        table.where((c) =>
          udf({ name: 'behaviours_broken' }, (i: number): boolean => {
            if (i === 50) throw new Error('broken')
            return true
          })(c.i),
        ),
      ),
    ).rejects.toThrow(/broken/)
    expect(await pxt.listTables()).toEqual(['c'])
  })

  test('a JSON condition works in every clause, update, delete and count included', async () => {
    const table = await pxt.createTable('j', { id: t.int(), meta: t.json<{ type: string; n?: number }>() })
    await table.insert([
      { id: 1, meta: { type: 'a', n: 1 } },
      { id: 2, meta: { type: 'b', n: 2 } },
      { id: 3, meta: { type: 'a' } },
    ])
    const isA = (c: any) => c.meta.get('type').eq('a')
    expect(await table.where(isA).count()).toBe(2)
    expect(
      (
        await table
          .where(isA)
          .orderBy((c) => c.meta.get('n').desc({ nulls: 'first' }))
          .collect()
      ).map((row) => row.id),
    ).toEqual([3, 1])
    expect(
      await table
        .groupBy((c) => ({ type: c.meta.get('type') }))
        .select((c) => ({ type: c.type, n: count() }))
        .having((c) => c.type.eq('a'))
        .collect(),
    ).toEqual([{ type: 'a', n: 2 }])
    expect(await table.join(table, (a, b) => a.meta.get('type').eq(b.meta.get('type')), { as: 'o' }).count()).toBe(5)
    expect(await table.update({ id: 10 }).where(isA).run()).toMatchObject({ updated: 2 })
    expect(
      await table
        .delete()
        .where((c) => c.meta.get('n').gte(2))
        .run(),
    ).toMatchObject({ deleted: 1 })
    expect(await table.where('meta.type = ?', 'a').count()).toBe(2)
  })
})
