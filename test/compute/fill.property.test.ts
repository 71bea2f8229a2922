import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pixeltable, t } from '../../src/index.js'
import { type Both, type ColumnSpec, expressions, valuesOf } from '../oracle/expressions.js'

const columns: readonly ColumnSpec[] = [
  { name: 'i', kind: 'int', nullable: true },
  { name: 'f', kind: 'float', nullable: true },
  { name: 's', kind: 'string', nullable: true },
  { name: 'b', kind: 'bool', nullable: true },
  { name: 'j', kind: 'json', nullable: true },
]
const schema = {
  i: t.int().nullable(),
  f: t.float().nullable(),
  s: t.string().nullable(),
  b: t.bool().nullable(),
  j: t.json().nullable(),
}
const row = fc.record(
  Object.fromEntries(columns.map(({ name, kind }) => [name, fc.option(valuesOf[kind], { freq: 5 })])),
)
const expression = expressions(columns)
  .any.filter(({ text }) => !text.includes('udf('))
  .map((e): Both => ({ ...e, [fc.toStringMethod]: () => e.text }) as Both)

/** What the file holds of a column: storage class and exact value. */
function stored(pxt: Pixeltable, table: string, column: string): Promise<unknown[]> {
  const text = `SELECT typeof("${column}") AS type, quote("${column}") AS value FROM "${table}" ORDER BY _rowid`
  return pxt.sql(Object.assign([text], { raw: [text] }))
}

test('the database fills a new column with just what JavaScript puts into rows that come later', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row, { minLength: 1, maxLength: 12 }),
      fc.array(expression, { minLength: 1, maxLength: 6 }),
      async (rows, list) => {
        const pxt = await Pixeltable.open(':memory:')
        const before = await pxt.createTable('before', schema)
        const after = await pxt.createTable('after', schema)
        await before.insert(rows as never)
        for (const [i, { build }] of list.entries()) {
          for (const table of [before, after]) {
            await table.addComputedColumn(`c${i}` as never, build as never, { onError: 'ignore' })
          }
        }
        await after.insert(rows as never, { onError: 'ignore' })
        for (const i of list.keys()) {
          expect(await stored(pxt, 'before', `c${i}`)).toEqual(await stored(pxt, 'after', `c${i}`))
        }
        const errors = (table: string) => stored(pxt, `${table}@errors`, 'message')
        expect(await errors('before')).toEqual(await errors('after'))
        pxt.close()
      },
    ),
    { numRuns: 300 },
  )
})

test('where the database cannot, JavaScript tells the row', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const table = await pxt.createTable('t', { n: t.int(), at: t.string() })
  await table.insert([
    { n: 2, at: 'a' },
    { n: Number.MAX_SAFE_INTEGER, at: 'b' },
  ])
  await expect(table.addComputedColumn('twice', (c) => c.n.mul(2))).rejects.toThrow(
    /column 'twice' of 't', row 1: expected a safe integer/,
  )
  const twice = await table.addComputedColumn('twice', (c) => c.n.mul(2), { onError: 'ignore' })
  expect(await twice.select('twice').collect()).toEqual([{ twice: 4 }, { twice: null }])
  expect(twice.coverage()[0]).toMatchObject({ done: 1, failed: 1 })
  // What reads a failed cell fails with it, so JavaScript is asked.
  const more = await twice.addComputedColumn('more', (c) => c.twice.add(1), { onError: 'ignore' })
  expect(more.coverage()[1]).toMatchObject({ done: 1, failed: 1 })
  pxt.close()
})

test('rows do not count as changed, and a revert takes the column back', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const table = await pxt.createTable('t', { n: t.int() })
  const { version } = await table.insert([{ n: 1 }, { n: 2 }])
  const view = await pxt.createView('v', table)
  const more = await table.addComputedColumn('more', (c) => c.n.add(10))
  const changes = []
  for await (const change of more.changes({ since: version })) changes.push(change)
  expect(changes).toEqual([])
  expect((await view.collect()).map((row) => (row as any).more)).toEqual([11, 12])
  expect(await more.asOf(version).collect()).toEqual([{ n: 1 }, { n: 2 }])
  await more.revert()
  expect(await table.collect()).toEqual([{ n: 1 }, { n: 2 }])
  pxt.close()
})
