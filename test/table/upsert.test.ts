import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NotFoundError, Pixeltable, QueryError, t, udf, ValidationError } from '../../src/index.js'

let pxt: Pixeltable
let calls: string[]
const upper = udf({ name: 'upper_logged' }, (s: string) => {
  calls.push(s)
  return s.toUpperCase()
})
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
  calls = []
})
afterEach(() => pxt.close())

const open = async () => {
  const table = await pxt.createTable('people', { id: t.int(), name: t.string(), n: t.float() }, { primaryKey: ['id'] })
  const wide = await (await table.addComputedColumn('loud', (c) => upper(c.name))).addComputedColumn('n2', (c) =>
    c.n.mul(2),
  )
  await wide.insert([
    { id: 1, name: 'a', n: 1 },
    { id: 2, name: 'b', n: 2 },
  ])
  calls = []
  return wide
}

describe('upsert', () => {
  test('updates what exists, inserts what does not, and computes what follows, in one version', async () => {
    const table = await open()
    const { version } = (await table.history(1))[0]!
    const result = await table.upsert([
      { id: 2, n: 20 },
      { id: 3, name: 'c', n: 3 },
      { id: 1, name: 'x' },
    ])
    expect(result).toMatchObject({ inserted: 1, updated: 2, version: version + 1 })
    expect(await table.collect()).toEqual([
      { id: 1, name: 'x', n: 1, loud: 'X', n2: 2 },
      { id: 2, name: 'b', n: 20, loud: 'B', n2: 40 },
      { id: 3, name: 'c', n: 3, loud: 'C', n2: 6 },
    ])
    expect(calls.sort()).toEqual(['c', 'x'])
  })

  test('a missing row can be left out, or an error', async () => {
    const table = await open()
    const rows = [
      { id: 1, name: 'x' },
      { id: 9, name: 'y' },
    ]
    expect(await table.upsert(rows, { ifNotExists: 'ignore' })).toMatchObject({ inserted: 0, updated: 1 })
    expect(await table.count()).toBe(2)
    await expect(table.upsert([{ id: 8, name: 'y' }], { ifNotExists: 'error' })).rejects.toThrow(NotFoundError)
    await expect(table.upsert([{ id: 8, name: 'y' }])).rejects.toThrow(/'n' of 'people' is required/)
    expect(await table.count()).toBe(2)
  })

  test('two rows with one key, a row without, and a table without one are refused', async () => {
    const table = await open()
    await expect(table.upsert([{ id: 1 }, { id: 1 }])).rejects.toThrow(ValidationError)
    await expect(table.upsert([{ name: 'x' }])).rejects.toThrow(/needs the primary key/)
    await expect(table.upsert([{ id: 1, loud: 'X' } as never])).rejects.toThrow(/computed/)
    const keyless = await pxt.createTable('keyless', { x: t.int() })
    await expect(keyless.upsert([{ x: 1 }])).rejects.toThrow(QueryError)
  })

  test('compound keys of several types', async () => {
    const table = await pxt.createTable(
      'c',
      { at: t.timestamp(), big: t.bigint(), s: t.string(), v: t.int() },
      { primaryKey: ['at', 'big', 's'] },
    )
    const at = new Date('2026-01-01T00:00:00Z')
    const key = { at, big: 2n ** 60n, s: 'é "' }
    await table.insert({ ...key, v: 1 })
    await table.upsert([
      { ...key, v: 2 },
      { ...key, big: 1n, v: 3 },
    ])
    expect((await table.collect()).map((row) => row.v)).toEqual([2, 3])
  })

  test('thousands of rows', async () => {
    const table = await pxt.createTable('many', { id: t.string(), v: t.int() }, { primaryKey: ['id'] })
    const rows = Array.from({ length: 3000 }, (_, i) => ({ id: `k${i}`, v: i }))
    await table.insert(rows.slice(0, 2000))
    const { inserted, updated } = await table.upsert(rows.map((row) => ({ ...row, v: row.v + 1 })))
    expect([inserted, updated]).toEqual([1000, 2000])
    expect(await table.where((c) => c.v.eq(3000)).collect()).toEqual([{ id: 'k2999', v: 3000 }])
  })
})

describe('recompute', () => {
  test('computes again, and what follows from the cells that change', async () => {
    let rate = 1
    let reads = 0
    const price = udf({ name: 'price_now' }, (n: number) => n * rate)
    const read = udf({ name: 'read_price' }, (n: number | null) => {
      reads++
      return `${n}`
    })
    const table = await pxt.createTable('p', { n: t.int() })
    const priced = await table.addComputedColumn('price', (c) => price(c.n))
    const shown = await priced.addComputedColumn('text', (c) => read(c.price))
    await shown.insert([{ n: 0 }, { n: 1 }, { n: 2 }])
    rate = 2
    reads = 0
    expect((await shown.recompute('price', { where: (c) => c.n.lt(2) })).updated).toBe(2)
    expect(await shown.collect()).toEqual([
      { n: 0, price: 0, text: '0' },
      { n: 1, price: 2, text: '2' },
      { n: 2, price: 2, text: '2' },
    ])
    expect(reads).toBe(1)
    await shown.recompute('price', { cascade: false })
    expect(await shown.where({ n: 2 }).collect()).toEqual([{ n: 2, price: 4, text: '2' }])
    await expect(shown.recompute('n')).rejects.toThrow(/not computed/)
    await expect(shown.recompute([])).rejects.toThrow(ValidationError)
  })

  test('errorsOnly computes the failed cells alone', async () => {
    let broken = true
    let tried = 0
    const flaky = udf({ name: 'flaky' }, (n: number) => {
      tried++
      if (broken && n % 2 === 0) throw new Error(`no ${n}`)
      return n
    })
    const table = await pxt.createTable('f', { n: t.int() })
    const wide = await table.addComputedColumn('x', (c) => flaky(c.n))
    const { errors } = await wide.insert([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }], { onError: 'ignore' })
    expect(errors).toBe(2)
    broken = false
    tried = 0
    expect(await wide.recompute('x', { errorsOnly: true })).toMatchObject({ updated: 2, errors: 0 })
    expect(tried).toBe(2)
    expect((await wide.collect()).map((row) => row.x)).toEqual([1, 2, 3, 4])
    expect(await wide.recompute('x', { errorsOnly: true })).toMatchObject({ updated: 0 })
  })
})

describe('compute', () => {
  test('gives computed values and errors, and stores nothing', async () => {
    const check = udf({ name: 'check_positive' }, (n: number) => {
      if (n < 0) throw new Error('negative')
      return Math.sqrt(n)
    })
    const table = await pxt.createTable('c', { n: t.int(), s: t.string().default('x') })
    const rooted = await table.addComputedColumn('root', (c) => check(c.n))
    const plus = await rooted.addComputedColumn('plus', (c) => c.root.add(1), { stored: false })
    const view = await pxt.createView(
      'v',
      plus.where((c) => c.n.gt(1)),
    )
    const { rows, errors } = await plus.compute([{ n: 4 }, { n: -1 }])
    expect(rows).toEqual([
      { n: 4, s: 'x', root: 2, plus: 3 },
      { n: -1, s: 'x', root: null, plus: null },
    ])
    expect(errors).toEqual([
      { table: 'c', row: 1, column: 'root', type: 'Error', message: expect.stringContaining('negative') },
    ])
    expect((await view.compute([{ n: 9 }, { n: 1 }])).rows).toEqual([{ n: 9, s: 'x', root: 3, plus: 4 }])
    expect(await plus.count()).toBe(0)
    expect(await plus.history()).toHaveLength(3)
    await expect(plus.compute([{ n: 'x' } as never])).rejects.toThrow(ValidationError)
  })
})

describe('update', () => {
  test('cascade: false leaves dependents as they are', async () => {
    const table = await open()
    await table.update({ n: 50 }).where({ id: 1 }).run({ cascade: false })
    expect(await table.where({ id: 1 }).select('n', 'n2').collect()).toEqual([{ n: 50, n2: 2 }])
    await table.recompute('n2')
    expect(await table.where({ id: 1 }).select('n', 'n2').collect()).toEqual([{ n: 50, n2: 100 }])
  })

  test('expressions see the old row: two columns swap', async () => {
    const table = await pxt.createTable('s', { a: t.int(), b: t.int() })
    await table.insert([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ])
    await table
      .update({ a: (c) => c.b, b: (c) => c.a })
      .all()
      .run()
    expect(await table.collect()).toEqual([
      { a: 2, b: 1 },
      { a: 4, b: 3 },
    ])
  })
})

describe('constraints', () => {
  test('unique and check hold on insert, update and upsert; nothing is written', async () => {
    const table = await pxt.createTable(
      'u',
      { id: t.int(), email: t.string().nullable(), a: t.int(), b: t.int() },
      { primaryKey: ['id'], unique: ['email', ['a', 'b']], check: { ordered: (c) => c.a.lte(c.b) } },
    )
    await table.insert([
      { id: 1, email: 'x', a: 1, b: 1 },
      { id: 2, email: null, a: 1, b: 2 },
      { id: 3, email: null, a: 1, b: 3 },
    ])
    await expect(table.insert({ id: 4, email: 'x', a: 0, b: 9 })).rejects.toThrow(
      /unique constraint 'email' has that value already \(email = "x"\)/,
    )
    await expect(table.insert({ id: 4, a: 1, b: 3 })).rejects.toThrow(/unique constraint 'a_b'/)
    await expect(table.insert({ id: 1, a: 5, b: 5 })).rejects.toThrow(/duplicate primary key \(id = 1\)/)
    await expect(table.insert({ id: 4, a: 6, b: 5 })).rejects.toThrow(/violates the check 'ordered'/)
    await expect(table.update({ a: 100 }).where({ id: 1 }).run()).rejects.toThrow(/ordered/)
    await expect(table.upsert({ id: 2, email: 'x' })).rejects.toThrow(/email/)
    expect(await table.count()).toBe(3)
    expect(await table.history()).toHaveLength(2)
  })

  test('addIndex speeds up, or constrains what is there', async () => {
    const table = await pxt.createTable('i', { n: t.int(), s: t.string() })
    await table.insert([
      { n: 1, s: 'a' },
      { n: 1, s: 'b' },
    ])
    await expect(table.addIndex('n', { unique: true })).rejects.toThrow(ValidationError)
    await table.addIndex('n', { name: 'by_n' })
    await table.addIndex(['s', 'n'], { unique: true })
    expect((await table.where((c) => c.n.eq(1)).explain()).join('\n')).toContain('by_n')
    await expect(table.insert({ n: 1, s: 'a' })).rejects.toThrow(/'s_n'/)
    await table.dropIndex('s_n')
    await table.insert({ n: 1, s: 'a' })
    await expect(table.dropIndex('s_n')).rejects.toThrow(/no index 's_n'/)
    expect(await table.count()).toBe(3)
  })
})
