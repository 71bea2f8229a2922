import { expect, test } from 'vitest'
import { Pixeltable, t, table } from '../../src/index.js'

/** For calls that must not compile. */
const neverRun = (_: () => void): void => {}

const schema = {
  id: t.uuid(),
  name: t.string().nullable(),
  n: t.int(),
  big: t.bigint().nullable(),
  on: t.bool(),
  at: t.timestamp().nullable(),
  day: t.date(),
  data: t.json<{ city?: string; tags: string[]; at: { depth: number | null } }>(),
  loose: t.json().nullable(),
  image: t.image().nullable(),
  vector: t.vector(2).nullable(),
  raw: t.binary().nullable(),
}

test('what an ordered index goes by is checked against the columns', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const all = await pxt.createTable('all', schema)
  await all.addIndex('name')
  await all.addIndex(['n', 'day'], { unique: true, name: 'both', ifExists: 'replace' })
  await all.addIndex((c) => c.name.lower())
  await all.addIndex((c) => [c.n, c.data.get('city'), c.data.get('at').get('depth'), c.data.get('tags').get(0)])
  await all.addIndex((c) => [c.id, c.big, c.on, c.at.year(), c.day.month(), c.image.mime, c.data.get('tags').length()])
  await all.addIndex((c) => (c.loose as any).get('x'), { name: 'loose' })
  // Without a schema every column has every method.
  await (await pxt.getTable('all')).addIndex((c) => [c.n!, c.name!.upper()], { name: 'untyped' })
  const declared = table('declared', schema)
    .index('n')
    .index((c) => [c.name.lower(), c.data.get('city')], { unique: true })
  const synced = await pxt.sync({ declared })
  expect(synced.declared.describe().orderedIndexes).toHaveLength(2)
  expect(all.describe().orderedIndexes.length).toBeGreaterThan(5)
  neverRun(() => {
    // @ts-expect-error no such column
    all.addIndex('nope')
    // @ts-expect-error no such column
    all.addIndex((c) => c.nope)
    // @ts-expect-error no such column
    all.addIndex((c) => [c.n, c.nope.lower()])
    // @ts-expect-error no such key
    all.addIndex((c) => c.data.get('town'))
    // @ts-expect-error text has no year
    all.addIndex((c) => c.name.year())
    // @ts-expect-error names stand alone, and expressions in a callback
    all.addIndex(['n', all.columns.name.lower()])
    // @ts-expect-error a callback gives expressions
    all.addIndex((c) => ['n', c.name.lower()])
    // @ts-expect-error a callback gives expressions, not the keys of an order
    all.addIndex((c) => c.n.desc())
    // @ts-expect-error a constant is no expression
    all.addIndex(() => 5)
    // @ts-expect-error an index goes by something
    all.addIndex(() => [])
    // @ts-expect-error files have no order
    all.addIndex((c) => c.image)
    // @ts-expect-error vectors have no order
    all.addIndex((c) => [c.n, c.vector])
    // @ts-expect-error bytes have no order
    all.addIndex((c) => c.raw)
    // @ts-expect-error no such option
    all.addIndex('n', { uniqe: true })
    // @ts-expect-error no such column
    table('x', schema).index((c) => c.nope)
    // @ts-expect-error sync decides that
    table('x', schema).index((c) => c.name.lower(), { ifExists: 'ignore' })
  })
  pxt.close()
})
