/** Random expressions, with an index over them and without: every query gives the same. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { count, Pixeltable, SchemaError, t } from '../../src/index.js'
import { type Both, type ColumnSpec, expressions, valuesOf } from './expressions.js'
import type { Row, Value } from './naive.js'

const runs = Number(process.env.ORACLE_RUNS ?? 150)

const schema: readonly ColumnSpec[] = [
  { name: 'i', kind: 'int', nullable: true },
  { name: 'f', kind: 'float', nullable: true },
  { name: 's', kind: 'string', nullable: true },
  { name: 'r', kind: 'string', nullable: false },
  { name: 'b', kind: 'bool', nullable: true },
  { name: 'at', kind: 'timestamp', nullable: true },
  { name: 'd', kind: 'date', nullable: true },
  { name: 'j', kind: 'json', nullable: true },
]
const columns = {
  i: t.int().nullable(),
  f: t.float().nullable(),
  s: t.string().nullable(),
  r: t.string(),
  b: t.bool().nullable(),
  at: t.timestamp().nullable(),
  d: t.date().nullable(),
  j: t.json<any>().nullable(),
}

const rows = fc.array(
  fc.record(
    Object.fromEntries(
      schema.map(({ name, kind, nullable }) => [
        name,
        nullable ? fc.option(valuesOf[kind], { nil: null, freq: 4 }) : valuesOf[kind],
      ]),
    ),
  ) as fc.Arbitrary<Row>,
  { minLength: 1, maxLength: 40 },
)

const path: fc.Arbitrary<Both> = fc
  .constantFrom<(string | number)[]>(['n'], ['s'], ['b'], ['list'], ['list', 2], [0], ['nope'])
  .map((keys) => ({
    text: `j.${keys.join('.')}`,
    build: (c) => keys.reduce((value: any, key) => value.get(key), c.j),
    run: () => null,
  }))

const { num, str, bool } = expressions(schema)
const numbers = fc.constantFrom<Value>(0, 1, -1, 2.5, 3, 0.5)
const texts = fc.constantFrom<Value>('', 'a', 'ab', 'é', 'Zz', "'", '\0')
/** An expression, and two constants that it is compared with. */
const subject = fc.oneof(
  fc.tuple(num, numbers, numbers),
  fc.tuple(str, texts, texts),
  fc.tuple(path, numbers, numbers),
  fc.tuple(path, texts, texts),
  fc.tuple(path, fc.boolean() as fc.Arbitrary<Value>, fc.constant<Value>(true)),
  fc.tuple(bool, fc.boolean() as fc.Arbitrary<Value>, fc.constant<Value>(true)),
)

const queriesOf = ({ build }: Both, x: Value, y: Value, other: Both) => {
  const ordered = typeof x !== 'boolean'
  const conditions: ((c: any) => any)[] = [
    (c) => build(c).eq(x),
    (c) => build(c).ne(x),
    (c) => build(c).in([x, y]),
    (c) => build(c).isNull(),
    (c) => build(c).eq(x).not(),
    ...(typeof x === 'boolean' ? [build, (c: any) => build(c).and(other.build(c)), (c: any) => build(c).not()] : []),
    (c) => build(c).eq(x).or(other.build(c)),
    (c) => other.build(c).and(build(c).eq(x).or(build(c).eq(y))),
    (c) => build(c).eq(typeof x === 'number' ? c.i : typeof x === 'string' ? c.r : c.b),
    ...(ordered ? [(c: any) => build(c).gt(x), (c: any) => build(c).lte(x), (c: any) => build(c).between(x, y)] : []),
  ]
  const sorts: ((c: any) => any)[] = ordered
    ? [(c) => build(c).asc(), (c) => build(c).desc(), (c) => build(c).asc({ nulls: 'first' })]
    : []
  return [
    ...conditions.map((condition) => (a: any) => a.where(condition)),
    ...sorts.map((sort) => (a: any) => a.orderBy(sort).limit(9)),
    ...(ordered ? conditions.map((condition) => (a: any) => a.where(condition).orderBy(sorts[0]!).limit(9)) : []),
    (a: any) => a.select((c: any) => ({ i: c.i, o: build(c), is: build(c).eq(x) })),
    (a: any) =>
      a
        .groupBy((c: any) => ({ key: build(c) }))
        .select((c: any) => ({ key: c.key, n: count() }))
        .orderBy((c: any) => [c.n.asc(), c.key.asc()]),
  ]
}

test('with an index over an expression, and without', { timeout: 120_000 }, async () => {
  let used = 0
  await fc.assert(
    fc.asyncProperty(rows, subject, bool, async (given, [of, x, y], other) => {
      using pxt = await Pixeltable.open(':memory:')
      const plain = await pxt.createTable('plain', columns)
      const indexed = await pxt.createTable('indexed', columns)
      try {
        await indexed.addIndex((c) => of.build(c), { name: 'of' })
      } catch (cause) {
        // Some of the expressions call functions, and some are only constants by now.
        expect(cause).toBeInstanceOf(SchemaError)
        return
      }
      for (const table of [plain, indexed]) {
        await table.insert(given as any)
        await table.update({ i: 7 }).where({ i: 1 }).run()
        await table.delete().where({ i: 2 }).run()
      }
      for (const query of queriesOf(of, x, y, other)) {
        expect(await query(indexed).collect()).toEqual(await query(plain).collect())
        if (String(await query(indexed).explain()).includes('indexed@of')) used++
      }
    }),
    { numRuns: runs, verbose: 1 },
  )
  expect(used).toBeGreaterThan(runs)
})
