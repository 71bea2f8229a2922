import { describe, expect, test } from 'vitest'
import { IndexError, ValidationError } from '../../../src/errors.js'
import { PlainKernel } from '../../../src/search/matrix/plain-kernel.js'
import { type Precision, VectorMatrix } from '../../../src/search/matrix/vector-matrix.js'
import { naiveSearch, normalVectors } from './oracle.js'

const dimensions = 24

/** Rows 1, 2, … and a matrix that fetches from them. */
function filled(count: number, precision: Precision, kernel?: () => PlainKernel) {
  const flat = normalVectors(count, dimensions, count)
  const rows = new Map<number, Float32Array>()
  for (let i = 0; i < count; i++) rows.set(i + 1, flat.subarray(i * dimensions, (i + 1) * dimensions))
  const fetched: number[] = []
  const vectors = (rowids: readonly number[]) => {
    fetched.push(...rowids)
    return rowids.map((id) => rows.get(id)!)
  }
  const matrix = new VectorMatrix({ dimensions, metric: 'cosine', precision, vectors }, { kernel })
  matrix.set([...rows.keys()], flat)
  return { matrix, rows, flat, fetched }
}

const first = (flat: Float32Array) => flat.subarray(0, dimensions)

describe('setting', () => {
  test('takes bytes at any address, one after the other or apart, as numbers', () => {
    const { matrix, flat } = filled(10, 'float32')
    const bytes = new Uint8Array(flat.byteLength + 1)
    bytes.set(new Uint8Array(flat.buffer), 1)
    const rowids = Array.from({ length: 10 }, (_, i) => i + 1)
    const size = 4 * dimensions
    for (const source of [
      bytes.subarray(1),
      rowids.map((_, i) => bytes.subarray(1 + i * size, 1 + (i + 1) * size)),
      rowids.map((_, i) => flat.subarray(i * dimensions, (i + 1) * dimensions)),
    ]) {
      const other = new VectorMatrix({ dimensions, metric: 'cosine' })
      other.set(rowids, source)
      expect(other.search(first(flat), { k: 10 })).toEqual(matrix.search(first(flat), { k: 10 }))
    }
  })

  test.each([Number.NaN, Infinity, -Infinity])('refuses %d, and changes nothing', (bad) => {
    const { matrix, flat } = filled(5, 'float32')
    const before = matrix.search(first(flat), { k: 9 })
    const vectors = new Float32Array(2 * dimensions)
    vectors[2 * dimensions - 1] = bad
    expect(() => matrix.set([1, 99], vectors)).toThrow(ValidationError)
    expect(matrix.search(first(flat), { k: 9 })).toEqual(before)
    expect(matrix.has(99)).toBe(false)
  })

  test('refuses other lengths and row ids', () => {
    const { matrix } = filled(5, 'float32')
    expect(() => matrix.set([1], new Float32Array(dimensions - 1))).toThrow('expected 1 vectors of 24 numbers')
    expect(() => matrix.set([1], [new Float32Array(3)])).toThrow('expected a vector of 24 numbers, got 3')
    expect(() => matrix.set([1, 2], [new Float32Array(dimensions)])).toThrow('expected 2 vectors, got 1')
    for (const id of [0, -1, 1.5, 2 ** 53]) {
      expect(() => matrix.set([id], new Float32Array(dimensions))).toThrow('positive integers')
    }
  })

  test('a precision that does not hold the vectors needs to be given them', () => {
    expect(() => new VectorMatrix({ dimensions, metric: 'cosine', precision: 'int8' })).toThrow(IndexError)
    const matrix = new VectorMatrix({ dimensions, metric: 'cosine', precision: 'int8', vectors: () => [] })
    matrix.set([4], new Float32Array(dimensions))
    expect(() => matrix.search(new Float32Array(dimensions), { k: 1 })).toThrow('for row 4, got undefined')
  })
})

test('what cannot be a row id is not there', () => {
  const { matrix } = filled(5, 'float32')
  expect([0, -1, 1.5, 6, 2 ** 53, Number.NaN].filter((id) => matrix.has(id))).toEqual([])
  expect(matrix.delete([0, -1, 1.5, 6, 2 ** 53, Number.NaN])).toBe(0)
  expect([1, 2, 3, 4, 5].every((id) => matrix.has(id))).toBe(true)
})

describe('memory', () => {
  test('a delete and a set of the same rows take no more', () => {
    const { matrix, flat } = filled(2000, 'int8')
    const before = matrix.bytes
    const rowids = Array.from({ length: 500 }, (_, i) => 3 * i + 1)
    for (let round = 0; round < 10; round++) {
      expect(matrix.delete(rowids)).toBe(500)
      expect(matrix.size).toBe(1500)
      matrix.set(rowids, flat.subarray(0, 500 * dimensions))
    }
    expect(matrix.bytes).toBe(before)
  })

  test('is given back with the last row', () => {
    const { matrix, rows, flat } = filled(2000, 'float32')
    expect(matrix.bytes).toBeGreaterThan(2000 * dimensions * 4)
    expect(matrix.delete([...rows.keys(), 5000])).toBe(2000)
    expect(matrix.bytes).toBe(0)
    expect(matrix.search(first(flat), { k: 3 })).toEqual({ rowids: [], scores: [] })
  })
})

describe('searching', () => {
  test('refuses a query of another length or with NaN, and k or offset that are no counts', () => {
    const { matrix, flat } = filled(5, 'float32')
    expect(() => matrix.search(new Float32Array(3), { k: 1 })).toThrow('expected a query of 24 numbers, got 3')
    expect(() => matrix.search(new Float32Array(dimensions).fill(Number.NaN), { k: 1 })).toThrow('NaN')
    expect(() => matrix.search(first(flat), { k: -1 })).toThrow('k: expected an integer from 0, got -1')
    expect(() => matrix.search(first(flat), { k: 1, offset: 0.5 })).toThrow('offset')
  })

  test('a vector of zeros has the cosine 0, between those before and behind', () => {
    const matrix = new VectorMatrix({ dimensions: 2, metric: 'cosine' })
    matrix.set([1, 2, 3], new Float32Array([-1, 0, 0, 0, 1, 0]))
    expect(matrix.search(new Float32Array([2, 0]), { k: 3 })).toEqual({ rowids: [3, 2, 1], scores: [1, 0, -1] })
    expect(matrix.search(new Float32Array(2), { k: 3 })).toEqual({ rowids: [1, 2, 3], scores: [0, 0, 0] })
  })

  test('a filter may have other rows, the same row twice, any order, or nothing', () => {
    const { matrix, rows, flat } = filled(300, 'int8')
    const filter = [250, 7, 7, 9999, 31]
    const expected = naiveSearch(rows, 'cosine', first(flat), new Set(filter))
    expect(matrix.search(first(flat), { k: 9, filter }).rowids).toEqual(expected.map((row) => row.rowid))
    expect(matrix.search(first(flat), { k: 9, filter: [] }).rowids).toEqual([])
  })

  test('int8 fetches few rows', () => {
    const { matrix, flat, fetched } = filled(5000, 'int8')
    matrix.search(first(flat), { k: 10 })
    expect(fetched.length).toBeLessThan(100)
  })
})

describe('bits', () => {
  test('are the same in WebAssembly and in TypeScript, and find nearly all', () => {
    const wasm = filled(3000, 'bit')
    const plain = filled(3000, 'bit', () => new PlainKernel())
    let alike = 0
    for (let i = 0; i < 20; i++) {
      const query = wasm.rows.get(i + 1)!
      const of = ({ matrix }: typeof wasm) => matrix.search(query, { k: 10 }).rowids
      expect(of(wasm)).toEqual(of(plain))
      const expected = naiveSearch(wasm.rows, 'cosine', query).map((row) => row.rowid)
      alike += of(wasm).filter((id) => expected.slice(0, 10).includes(id)).length
    }
    expect(alike).toBeGreaterThan(180)
  })

  test('take the centre of the data, also where rows come one by one', () => {
    for (const metric of ['cosine', 'euclidean', 'inner_product'] as const) {
      // Far from the origin: without a centre all signs are the same.
      const flat = normalVectors(2000, 64, 5).map((x) => x + 20)
      const rows = new Map<number, Float32Array>()
      const vectors = (rowids: readonly number[]) => rowids.map((id) => rows.get(id)!)
      const matrix = new VectorMatrix({ dimensions: 64, metric, precision: 'bit', vectors })
      for (let i = 0; i < 2000; i++) {
        rows.set(i + 1, flat.subarray(i * 64, (i + 1) * 64))
        matrix.set([i + 1], rows.get(i + 1)!)
      }
      let found = 0
      for (let i = 0; i < 20; i++) {
        const query = rows.get(90 * i + 1)!
        const best = new Set(
          naiveSearch(rows, metric, query)
            .slice(0, 10)
            .map((row) => row.rowid),
        )
        found += matrix.search(query, { k: 10 }).rowids.filter((id) => best.has(id)).length
      }
      expect(found).toBeGreaterThan(180)
    }
  })
})
