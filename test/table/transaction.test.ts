import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConflictError, Pixeltable, QueryError, t, ValidationError } from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const open = async () => ({
  a: await pxt.createTable('a', { x: t.int() }),
  b: await pxt.createTable('b', { y: t.int() }),
})
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('transaction', () => {
  test('is one version, and sees its own changes', async () => {
    const { a, b } = await open()
    const view = await pxt.createView(
      'v',
      a.where((c) => c.x.gt(1)),
    )
    const result = await pxt.transaction(async (tx) => {
      await a.insert([{ x: 1 }, { x: 2 }])
      await a
        .update({ x: (c) => c.x.add(1) })
        .all()
        .run()
      const { x } = await a.orderBy('x', 'desc').firstOrThrow()
      await b.insert({ y: x })
      const c = await tx.createTable('c', { z: t.int() })
      await c.insert({ z: 1 })
      return (await view.orderBy('x').collect()).map((row) => row.x)
    })
    expect(result).toEqual([2, 3])
    expect(await b.collect()).toEqual([{ y: 3 }])
    const [ofA] = await a.history()
    expect(ofA).toMatchObject({
      operation: 'transaction',
      inserted: 2,
      updated: 2,
      version: (await b.history(1))[0]!.version,
    })
    expect(await a.asOf(ofA!.version - 1).collect()).toEqual([])
    await pxt.dropTable('c')
    await a.revert()
    expect([await a.count(), await b.count(), await view.count()]).toEqual([0, 0, 0])
  })

  test('or nothing, schema included', async () => {
    const { a } = await open()
    await a.insert({ x: 1 })
    const history = await a.history()
    await expect(
      pxt.transaction(async () => {
        await a.insert({ x: 2 })
        await a.addColumn('n', t.int().default(1))
        await pxt.createTable('d', { z: t.int() })
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect(await a.collect()).toEqual([{ x: 1 }])
    expect(await a.history()).toEqual(history)
    expect(await pxt.listTables()).toEqual(['a', 'b'])
    await pxt.createTable('d', { other: t.string() })
    expect((await pxt.getTable('d')).describe().columns.map((c) => c.name)).toEqual(['other'])
  })

  test('a statement that fails inside leaves the rest of it', async () => {
    const { a, b } = await open()
    await pxt.transaction(async () => {
      await a.insert({ x: 1 })
      await expect(a.insert({ x: 'no' as never })).rejects.toThrow(ValidationError)
      await expect(a.addIndex('x', { name: 'errors' })).rejects.toThrow()
      await b.insert({ y: 1 })
    })
    expect([await a.count(), await b.count()]).toEqual([1, 1])
  })

  test('everything outside waits, and never sees half of it', async () => {
    const { a, b } = await open()
    const seen: number[][] = []
    let done = false
    const reader = (async () => {
      while (!done) {
        const x = await a.count()
        seen.push([x, await b.count()])
        await sleep(1)
      }
    })()
    await Promise.all([
      pxt.transaction(async () => {
        await a.insert({ x: 1 })
        await sleep(30)
        await b.insert({ y: 1 })
      }),
      b.insert({ y: 2 }),
    ])
    done = true
    await reader
    for (const [x, y] of seen) expect(y! - x!).toBeGreaterThanOrEqual(0)
    expect([await a.count(), await b.count()]).toEqual([1, 2])
  })

  test('a transaction in a transaction is a part of it', async () => {
    const { a } = await open()
    await expect(
      pxt.transaction(async () => {
        await pxt.transaction(async () => {
          await a.insert({ x: 1 })
        })
        throw new Error('outer')
      }),
    ).rejects.toThrow('outer')
    expect(await a.count()).toBe(0)
    expect(() => pxt.transaction('x' as never)).toThrow(ValidationError)
    expect(ConflictError.name).toBe('ConflictError')
  })
})

describe('pxt.sql', () => {
  test('reads the real tables, with values bound and queries as subqueries', async () => {
    const { a } = await open()
    await a.insert([{ x: 1 }, { x: 2 }, { x: 3 }])
    const view = await pxt.createView('v', a)
    await view.addComputedColumn('double', (c) => c.x.mul(2))
    expect(await pxt.sql`SELECT count(*) AS n FROM ${a} WHERE ${a.columns.x} > ${1}`).toEqual([{ n: 2 }])
    expect(await pxt.sql`SELECT sum(double) AS s FROM ${view.where((c) => c.x.gt(1))}`).toEqual([{ s: 10 }])
    expect(await pxt.sql`SELECT ${"'; DROP TABLE a; --"} AS s, ${null} AS n, ${2n ** 62n} AS b, ${true} AS t`).toEqual([
      { s: "'; DROP TABLE a; --", n: null, b: 2n ** 62n, t: 1 },
    ])
    expect(await pxt.sql`WITH big AS (SELECT x FROM a WHERE x > 1) SELECT max(x) AS m FROM big -- the end`).toEqual([
      { m: 3 },
    ])
  })

  test('is refused by the engine when it would write', async () => {
    const { a } = await open()
    await a.insert({ x: 1 })
    for (const write of [
      () => pxt.sql`DELETE FROM a`,
      () => pxt.sql`INSERT INTO a (x) VALUES (1) RETURNING x`,
      () => pxt.sql`UPDATE a SET x = 2 RETURNING x`,
      () => pxt.sql`DROP TABLE a`,
      () => pxt.sql`PRAGMA journal_mode = DELETE`,
      () => pxt.sql`PRAGMA user_version`,
      () => pxt.sql`ATTACH DATABASE 'x.db' AS x`,
      () => pxt.sql`BEGIN`,
      () => pxt.sql`VACUUM`,
      () => pxt.sql`SELECT 1; DELETE FROM a`,
      () => pxt.sql`WITH x AS (SELECT 1) DELETE FROM a`,
      () => pxt.sql`SELECT 1) UNION SELECT * FROM (DELETE FROM a`,
      () => pxt.sql`SELECT nothing FROM a`,
      () => pxt.sql``,
      () => pxt.sql`SELECT ${undefined}`,
    ]) {
      await expect(write()).rejects.toThrow(QueryError)
    }
    await expect(pxt.sql('SELECT 1' as never)).rejects.toThrow(/template tag/)
    expect(await a.collect()).toEqual([{ x: 1 }])
  })
})
