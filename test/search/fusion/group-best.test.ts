import fc from 'fast-check'
import { expect, test } from 'vitest'
import { groupBest } from '../../../src/search/fusion/group-best.js'

test('groupBest keeps the first row of each group, in order', () => {
  const rows = ['a1', 'b1', 'a2', 'c1', 'b2']
  const document = (row: string): string => row[0]!
  expect(groupBest(rows, document)).toEqual(['a1', 'b1', 'c1'])
  expect(groupBest(rows, document, 2)).toEqual(['a1', 'b1'])
  expect(groupBest(rows, document, 0)).toEqual([])
})

test('groupBest has every group once, and the rows that come first', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), (rows) => {
      const keyOf = (row: number): number => row % 5
      const expected = rows.filter((row, i) => rows.findIndex((other) => keyOf(other) === keyOf(row)) === i)
      expect(groupBest(rows, keyOf)).toEqual(expected)
    }),
  )
})
