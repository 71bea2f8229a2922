import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Kernel, wasmKernel } from '../../../src/search/matrix/kernel.js'
import { PlainKernel } from '../../../src/search/matrix/plain-kernel.js'
import { MultiVectorMatrix } from '../../../src/search/multi/multi-vector-matrix.js'
import { type MaxSimMetric, maxSim } from '../../../src/types/max-sim.js'
import { clustered } from './clustered.js'

const bytesOf = (row: Float32Array) => new Uint8Array(row.buffer, row.byteOffset, row.byteLength)

/** A matrix with what it holds beside it. */
function matrixOf(dimensions: number, metric: MaxSimMetric, kernel: () => Kernel) {
  const rows = new Map<number, Float32Array>()
  const matrix = new MultiVectorMatrix({ dimensions, metric, kernel, vectors: (ids) => ids.map((id) => rows.get(id)!) })
  return {
    matrix,
    rows,
    train: (sample: readonly Float32Array[]) => [...matrix.train(sample)],
    set(rowid: number, row: Float32Array) {
      rows.set(rowid, row)
      matrix.set([rowid], [bytesOf(row)])
    },
    delete(rowid: number) {
      rows.delete(rowid)
      matrix.delete([rowid])
    },
  }
}

/** The definition, without a thought of speed. */
function naive(rows: ReadonlyMap<number, Float32Array>, query: Float32Array, dimensions: number, metric: MaxSimMetric) {
  const vectors = (row: Float32Array) =>
    Array.from({ length: row.length / dimensions }, (_, i) => {
      const vector = Array.from(row.subarray(i * dimensions, (i + 1) * dimensions))
      const norm = metric === 'cosine' ? Math.hypot(...vector) || 1 : 1
      return vector.map((x) => x / norm)
    })
  const score = (row: Float32Array) =>
    vectors(query)
      .map((q) => Math.max(...vectors(row).map((d) => d.reduce((sum, x, i) => sum + x * q[i]!, 0))))
      .reduce((sum, x) => sum + x, 0)
  return [...rows].map(([rowid, row]) => ({ rowid, score: score(row) }))
}

describe.each([
  ['WebAssembly', wasmKernel],
  ['plain TypeScript', () => new PlainKernel()],
] as const)('in %s', (_, kernel) => {
  test('scores are those of the definition, and to the last bit those that the database gives', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 11 }),
        fc.constantFrom<MaxSimMetric>('cosine', 'inner_product'),
        fc.infiniteStream(fc.integer({ min: -8, max: 8 })),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 40 }),
        (dimensions, metric, numbers, sizes, tokens) => {
          const vectors = (count: number) =>
            Float32Array.from({ length: count * dimensions }, () => numbers.next().value as number)
          const held = matrixOf(dimensions, metric, kernel)
          held.train([])
          sizes.forEach((size, i) => {
            held.set(sizes.length - i, vectors(size))
          })
          const query = vectors(tokens)
          const { rowids, scores } = held.matrix.search(query, { k: 20 })
          const sql = maxSim(query, dimensions, metric)
          expect(scores).toEqual(rowids.map((rowid) => sql(held.rows.get(rowid)!)))
          const order = rowids.map((rowid, i) => ({ rowid, score: scores[i]! }))
          expect(order).toEqual(order.toSorted((a, b) => b.score - a.score || a.rowid - b.rowid))
          const expected = new Map(naive(held.rows, query, dimensions, metric).map((row) => [row.rowid, row.score]))
          expect(rowids.toSorted()).toEqual([...expected.keys()].toSorted())
          for (const { rowid, score } of order) expect(score).toBeCloseTo(expected.get(rowid)!, 8)
          expect(held.matrix.search(query, { k: 2, offset: 1 }).rowids).toEqual(rowids.slice(1, 3))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('follows changes, closes gaps, and keeps to a filter', () => {
    const { rows, query } = clustered(300, 6, 20)
    const held = matrixOf(20, 'cosine', kernel)
    held.train(rows)
    rows.forEach((row, i) => {
      held.set(i + 1, row)
    })
    const { bytes } = held.matrix
    for (let round = 0; round < 6; round++) {
      for (let rowid = 1 + (round % 3); rowid <= 300; rowid += 3) {
        if (round < 3 || rowid % 2 === 0) held.set(rowid, rows[(rowid * 7 + round) % 300]!)
        else held.delete(rowid)
      }
    }
    expect(held.matrix.size).toBe(held.rows.size)
    expect(held.matrix.bytes).toBeLessThan(3 * bytes)
    const wanted = query(5)
    const filter = [...held.rows.keys(), 5000].filter((rowid) => rowid % 4 < 2)
    const expected = naive(new Map([...held.rows].filter(([rowid]) => filter.includes(rowid))), wanted, 20, 'cosine')
    const best = expected.toSorted((a, b) => b.score - a.score || a.rowid - b.rowid).map(({ rowid }) => rowid)
    expect(held.matrix.search(wanted, { k: 5, filter, candidates: Infinity }).rowids).toEqual(best.slice(0, 5))
    const { rowids } = held.matrix.search(wanted, { k: 5, filter, candidates: 40 })
    expect(rowids.every((rowid) => filter.includes(rowid) && held.rows.has(rowid))).toBe(true)
    expect(rowids.filter((rowid) => best.slice(0, 5).includes(rowid)).length).toBeGreaterThanOrEqual(4)
    expect(held.matrix.search(wanted, { k: 0 }).rowids).toEqual([])
  })
})

test.each(['cosine', 'inner_product'] as const)('the estimate finds the best by %s', (metric) => {
  const { rows, query } = clustered(2000, 16, 64)
  const held = matrixOf(64, metric, wasmKernel)
  held.train(rows.slice(0, 256))
  rows.forEach((row, i) => {
    held.set(i + 1, row)
  })
  let found = 0
  for (let i = 0; i < 10; i++) {
    // More than the kernel takes at a time.
    const wanted = query(40)
    const exact = held.matrix.search(wanted, { k: 10, candidates: Infinity })
    const { rowids, scores, compared } = held.matrix.search(wanted, { k: 10 })
    expect(compared).toBe(256)
    found += rowids.filter((rowid) => exact.rowids.includes(rowid)).length
    for (const [at, rowid] of rowids.entries()) {
      const there = exact.rowids.indexOf(rowid)
      if (there >= 0) expect(scores[at]).toBe(exact.scores[there])
    }
  }
  expect(found / 100).toBeGreaterThanOrEqual(0.95)
  // A byte for eight numbers of four bytes each, and the tables of the kernel.
  expect(held.matrix.bytes).toBeLessThan(2000 * 16 * 64 * 0.25 + 2 ** 20)
})

test('both kernels write the same codes and estimates', () => {
  const { rows, query } = clustered(100, 4, 13)
  const [wasm, plain] = [wasmKernel, () => new PlainKernel()].map((kernel) => {
    const held = matrixOf(13, 'cosine', kernel)
    held.train(rows)
    rows.forEach((row, i) => {
      held.set(i + 1, row)
    })
    return held.matrix
  })
  const wanted = query(7)
  const search = { k: 10, candidates: 10 }
  const overlap = wasm!.search(wanted, search).rowids.filter((id) => plain!.search(wanted, search).rowids.includes(id))
  // Sums in float32 and in float64 may differ where two centres are as near.
  expect(overlap.length).toBeGreaterThanOrEqual(9)
})
