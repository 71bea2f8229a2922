import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operatorSql } from '../../src/engine/sqlite/operators.js'
import { applyOperator, operators } from '../../src/expr/operators/index.js'
import { Pixeltable, t } from '../../src/index.js'

/** Rows that hold what operators stumble over. */
const rows = [
  { i: 0, j: 3, x: 0, y: -2.5, s: '', u: 'a', b: true, d: '2026-01-31', at: new Date(0) },
  { i: -7, j: 2, x: 1.5, y: 0, s: 'Straße', u: 'ß', b: false, d: '1999-12-31', at: new Date('2026-06-01T12:00:00.5Z') },
  {
    i: 5,
    j: 0,
    x: -1.25,
    y: 4,
    s: ' Ünïcode 🎬\t',
    u: '🎬',
    b: true,
    d: '2024-02-29',
    at: new Date('1969-07-20T20:17:40Z'),
  },
  {
    i: 2 ** 40,
    j: -3,
    x: 1e300,
    y: 1e300,
    s: 'a%b_c',
    u: '%',
    b: false,
    d: '0001-01-01',
    at: new Date('9999-01-01T00:00:00Z'),
  },
  { i: null, j: null, x: null, y: null, s: null, u: null, b: null, d: null, at: null },
]

let pxt: Pixeltable
const open = async () => {
  const table = await pxt.createTable('grid', {
    i: t.int().nullable(),
    j: t.int().nullable(),
    x: t.float().nullable(),
    y: t.float().nullable(),
    s: t.string().nullable(),
    u: t.string().nullable(),
    b: t.bool().nullable(),
    d: t.date().nullable(),
    at: t.timestamp().nullable(),
  })
  await table.insert(rows)
  return table
}
let grid: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  pxt = await Pixeltable.open(':memory:')
  grid = await open()
})
afterAll(() => pxt.close())

test('every SQL template is that of an operator', () => {
  expect(Object.keys(operatorSql).filter((name) => !(name in operators))).toEqual([])
})

type Row = (typeof rows)[number]
test('literals beside columns', async () => {
  expect(await grid.where((c) => c.at.gt(new Date('2026-01-01T00:00:00Z'))).count()).toBe(2)
  expect(await grid.where((c) => c.d.eq('2024-02-29')).count()).toBe(1)
  expect(await grid.where((c) => c.b.eq(true)).count()).toBe(2)
  expect(await grid.where((c) => c.i.gt(1.5)).count()).toBe(2)
  expect(await grid.where((c) => c.b.eq(false).not()).count()).toBe(2)
})

test('random predicates keep the rows that the evaluator keeps', async () => {
  type Tree = { op: string; args: (Tree | { column: keyof Row } | { value: unknown })[] }
  const number = fc.constantFrom<{ column: keyof Row } | { value: unknown }>(
    { column: 'i' },
    { column: 'x' },
    { column: 'j' },
    { value: 0 },
    { value: 2.5 },
    { value: -7 },
  )
  const text = fc.constantFrom<{ column: keyof Row } | { value: unknown }>(
    { column: 's' },
    { column: 'u' },
    { value: 'a' },
    { value: '' },
  )
  const { tree } = fc.letrec<{ tree: Tree; leaf: Tree }>((tie) => ({
    leaf: fc.oneof(
      fc.record({
        op: fc.constantFrom('eq', 'ne', 'gt', 'lte'),
        args: fc.tuple(fc.constantFrom<{ column: keyof Row }>({ column: 'i' }, { column: 'y' }), number),
      }),
      fc.record({
        op: fc.constantFrom('eq', 'lt', 'contains', 'startsWith'),
        args: fc.tuple(fc.constantFrom<{ column: keyof Row }>({ column: 's' }, { column: 'u' }), text),
      }),
      fc.record({
        op: fc.constantFrom('isNull', 'isNotNull'),
        args: fc.tuple(fc.constantFrom<{ column: keyof Row }>({ column: 's' }, { column: 'x' })),
      }),
    ),
    tree: fc.oneof(
      { depthSize: 'small' },
      tie('leaf'),
      fc.record({ op: fc.constantFrom('and', 'or'), args: fc.tuple(tie('tree'), tie('tree')) }),
      fc.record({ op: fc.constant('not'), args: fc.tuple(tie('tree')) }),
    ),
  }))
  const build = (c: any, node: Tree['args'][number]): any => {
    if ('column' in node) return c[node.column]
    if ('value' in node) return node.value
    const [self, ...args] = node.args.map((arg) => build(c, arg))
    return self[node.op](...args)
  }
  const naive = (row: Row, node: Tree['args'][number]): unknown => {
    if ('column' in node) return row[node.column]
    if ('value' in node) return node.value
    return applyOperator(
      operators[node.op]!,
      node.args.map((arg) => naive(row, arg)),
    )
  }
  await fc.assert(
    fc.asyncProperty(tree, async (predicate) => {
      const found = await grid
        .where((c) => build(c, predicate))
        .select((c) => ({ id: c._rowid }))
        .collect()
      const expected = rows.flatMap((row, i) => (naive(row, predicate) === true ? [i + 1] : []))
      expect(found.map((row) => row.id)).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})
