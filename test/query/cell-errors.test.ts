import { afterEach, beforeEach, expect, test } from 'vitest'
import { count, Pixeltable, t, udf } from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  broken = true
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

let broken = true
const half = udf({ name: 'errors_half', version: 3 }, async (n: number) => {
  if (n % 2 === 1 && broken) throw n === 3 ? new RangeError(`${n} is "odd"`) : new Error(`${n} is odd`)
  return n / 2
})

async function numbers() {
  const table = await pxt.createTable('numbers', { n: t.int() })
  const one = await table.addComputedColumn('half', (c) => half(c.n))
  const two = await one.addComputedColumn('next', (c) => c.half.add(1))
  await two.insert([{ n: 1 }, { n: 2 }, { n: 3 }], { onError: 'ignore' })
  return two
}

test('are columns of a query, in every clause', async () => {
  const table = await numbers()
  const query = table.select((c) => ({ n: c.n, type: c.half.errorType(), message: c.next.errorMessage() }))
  expect(await query.collect()).toEqual([
    { n: 1, type: 'Error', message: 'errors_half@3 failed: 1 is odd' },
    { n: 2, type: null, message: null },
    { n: 3, type: 'RangeError', message: 'errors_half@3 failed: 3 is "odd"' },
  ])
  expect(query.toSQL().sql).toContain('"numbers@errors"')
  expect(
    await table
      .where((c) => c.half.errorMessage().contains('"odd"'))
      .select('n')
      .collect(),
  ).toEqual([{ n: 3 }])
  expect(
    await table
      .groupBy((c) => ({ failed: c.half.errorType().isNotNull() }))
      .select((c) => ({ failed: c.failed, rows: count() }))
      .orderBy('rows')
      .collect(),
  ).toEqual([
    { failed: false, rows: 1 },
    { failed: true, rows: 2 },
  ])
  expect((await table.orderBy((c) => c.half.errorMessage().desc()).first())!.n).toBe(3)
  const [stored] = await pxt.sql`SELECT function, attempts FROM "numbers@errors" WHERE "column" = 'half' LIMIT 1`
  expect(stored).toEqual({ function: 'errors_half@3', attempts: 1 })
  await table
    .delete()
    .where((c) => c.half.errorType().isNotNull())
    .run()
  expect(await table.count()).toBe(1)
})

test('follow recomputes, versions and names', async () => {
  const table = await numbers()
  const { last } = { last: (await table.history())[0]!.version }
  broken = false
  const result = await table.recompute('half', { errorsOnly: true })
  expect(result).toMatchObject({ updated: 2, errors: 0 })
  const failed = (c: any) => c.half.errorType().isNotNull()
  expect(await table.where(failed).count()).toBe(0)
  expect(await table.asOf(last).where(failed).count()).toBe(2)
  expect((await table.collect()).map(({ next }) => next)).toEqual([1.5, 2, 2.5])
  broken = true
  await table.recompute('half')
  const renamed = await table.renameColumn('half', 'part')
  expect(await renamed.where((c) => c.part.errorType().isNotNull()).count()).toBe(2)
  expect(renamed.coverage()[0]).toMatchObject({ name: 'part', failed: 2 })
  expect(await table.asOf(last).where(failed).count()).toBe(2)
  await renamed.dropColumn('next')
  await renamed.addColumn('next' as never, t.int().nullable())
  expect(await renamed.select((c) => ({ e: (c as any).next.errorType() })).first()).toEqual({ e: null })
  await renamed.revert()
  await renamed.revert()
  expect(await (renamed as any).where((c: any) => c.next.errorType().isNotNull()).count()).toBe(2)
})

test('of a base are seen through its views', async () => {
  const table = await numbers()
  const view = await pxt.createView(
    'small',
    table.where((c) => c.n.lt(3)),
  )
  expect(await view.select((c) => ({ n: c.n, e: c.half.errorMessage() })).collect()).toEqual([
    { n: 1, e: 'errors_half@3 failed: 1 is odd' },
    { n: 2, e: null },
  ])
})

test('belong to stored columns in queries', async () => {
  const table = await numbers()
  expect(() => table.select((c) => ({ e: c.n.add(1).errorType() }))).toThrow(/only a computed column has errors/)
  await expect(table.addComputedColumn('e', (c) => c.half.errorType())).rejects.toThrow(/known in queries alone/)
  expect(await table.select((c) => ({ e: c.n.errorType() })).first()).toEqual({ e: null })
})
