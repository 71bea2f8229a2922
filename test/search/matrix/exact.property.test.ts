import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Metric } from '../../../src/catalog/definition.js'
import { wasmKernel } from '../../../src/search/matrix/kernel.js'
import { PlainKernel } from '../../../src/search/matrix/plain-kernel.js'
import { type Precision, VectorMatrix } from '../../../src/search/matrix/vector-matrix.js'
import { naiveSearch, randomNumbers } from './oracle.js'

const kernels = { wasm: wasmKernel, plain: () => new PlainKernel() }
const metrics: readonly Metric[] = ['cosine', 'euclidean', 'inner_product']
const precisions: readonly Precision[] = ['float32', 'int8']

type Step =
  | { readonly kind: 'set'; readonly rowids: readonly number[] }
  | { readonly kind: 'delete'; readonly rowids: readonly number[] }

const rowid = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }) },
)

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('set' as const), rowids: fc.array(rowid, { maxLength: 40 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('delete' as const), rowids: fc.array(rowid, { maxLength: 20 }) }),
    },
  ),
  { maxLength: 8 },
)

/** How the elements of the vectors of a run are made. */
const shapes = {
  normal: (random: () => number) => random() * 2 - 1,
  /** Few different numbers: ties everywhere. */
  coarse: (random: () => number) => Math.floor(random() * 3) - 1,
  huge: (random: () => number) => (random() * 2 - 1) * 3e38,
  small: (random: () => number) => (random() * 2 - 1) * 1e-38,
  subnormal: (random: () => number) => (Math.floor(random() * 9) - 4) * 2 ** -149,
  /** Far from the origin, near to each other. */
  offset: (random: () => number) => 1000 + random() * 1e-3,
  mixed: (random: () => number) => (random() * 2 - 1) * 10 ** Math.floor(random() * 76 - 38),
} as const

/** Some vectors are of zeros, some are copies or multiples of an earlier one, and whole vectors differ in size. */
function vectorMaker(shape: keyof typeof shapes, dimensions: number, seed: number): () => Float32Array {
  const random = randomNumbers(seed)
  const made: Float32Array[] = []
  return () => {
    const kind = random()
    const earlier = made[Math.floor(random() * made.length)]
    const vector =
      kind < 0.05
        ? new Float32Array(dimensions)
        : kind < 0.2 && earlier
          ? Float32Array.from(earlier)
          : kind < 0.3 && earlier
            ? earlier.map((x) => (Number.isFinite(Math.fround(x * 3)) ? x * 3 : x))
            : Float32Array.from({ length: dimensions }, () => shapes[shape](random))
    made.push(vector)
    return vector
  }
}

const scenario = fc.record({
  dimensions: fc.integer({ min: 1, max: 70 }),
  metric: fc.constantFrom(...metrics),
  shape: fc.constantFrom(...(Object.keys(shapes) as (keyof typeof shapes)[])),
  queryShape: fc.option(fc.constantFrom(...(Object.keys(shapes) as (keyof typeof shapes)[]))),
  seed: fc.integer(),
  steps,
  k: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(1000)),
  filter: fc.option(fc.array(rowid, { maxLength: 60 })),
})

describe.each(Object.entries(kernels))('%s', (_name, kernel) => {
  test.each(precisions)('%s: ids, order and scores are those of plain arithmetic', (precision) => {
    fc.assert(
      fc.property(scenario, ({ dimensions, metric, shape, queryShape, seed, steps, k, filter }) => {
        const rows = new Map<number, Float32Array>()
        const matrix = new VectorMatrix(
          { dimensions, metric, precision, vectors: (rowids) => rowids.map((id) => rows.get(id)!) },
          // A few rows a segment, so that there are several.
          { kernel, segmentBytes: 9 * (16 + Math.ceil(dimensions / 16) * 64) },
        )
        const make = vectorMaker(shape, dimensions, seed)
        for (const step of steps) {
          if (step.kind === 'delete') {
            expect(matrix.delete(step.rowids)).toBe(new Set(step.rowids.filter((id) => rows.has(id))).size)
            for (const id of step.rowids) rows.delete(id)
          } else {
            const vectors = step.rowids.map(make)
            matrix.set(step.rowids, vectors)
            step.rowids.forEach((id, i) => {
              rows.set(id, vectors[i]!)
            })
          }
          expect(matrix.size).toBe(rows.size)
        }
        const query = queryShape === null ? make() : vectorMaker(queryShape, dimensions, seed + 1)()
        const expected = naiveSearch(rows, metric, query, filter === null ? undefined : new Set(filter))
        const options = { k, filter: filter ?? undefined }
        const found = matrix.search(query, options)
        expect(found.rowids).toEqual(expected.slice(0, k).map((row) => row.rowid))
        found.scores.forEach((score, i) => {
          expect(score === expected[i]!.score).toBe(true)
        })
        // Pages are pieces of the whole.
        const pages: number[] = []
        for (let offset = 0; offset <= rows.size; offset += 3) {
          pages.push(...matrix.search(query, { ...options, k: 3, offset }).rowids)
        }
        expect(pages).toEqual(expected.map((row) => row.rowid))
      }),
      { numRuns: 400 },
    )
  })

  test.each(precisions.flatMap((precision) => metrics.map((metric) => [precision, metric] as const)))(
    '%s, %s: few of many rows, at the hardest dimensions for sums',
    (precision, metric) => {
      for (const [dimensions, shape] of [
        [1, 'normal'],
        [3, 'normal'],
        [384, 'normal'],
        [100, 'offset'],
        [1001, 'coarse'],
        [65, 'mixed'],
      ] as const) {
        const make = vectorMaker(shape, dimensions, dimensions)
        const rows = new Map(Array.from({ length: 900 }, (_, i) => [3 * i + 1, make()] as const))
        const matrix = new VectorMatrix(
          { dimensions, metric, precision, vectors: (rowids) => rowids.map((id) => rows.get(id)!) },
          { kernel },
        )
        matrix.set([...rows.keys()], [...rows.values()])
        for (let i = 0; i < 4; i++) {
          const query = make()
          const expected = naiveSearch(rows, metric, query).map((row) => row.rowid)
          expect(matrix.search(query, { k: 10 }).rowids).toEqual(expected.slice(0, 10))
          expect(matrix.search(query, { k: 7, offset: 400 }).rowids).toEqual(expected.slice(400, 407))
        }
      }
    },
  )
})
