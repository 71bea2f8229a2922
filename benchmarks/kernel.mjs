import { wasmKernel } from '../dist/search/matrix/kernel.js'
import { VectorMatrix } from '../dist/search/matrix/vector-matrix.js'
import { randomOf } from './harness.mjs'

// Run `npm run build` first. Prints nanoseconds a vector, and milliseconds of whole searches, at 384 dimensions.
const dimensions = 384
const precisions = ['float32', 'int8', 'bit']

/** Numbers from 0 to 1 that are the same in every run. */
function randomNumbers(seed) {
  const random = randomOf(seed)
  return () => random() + 0.5
}

/** Vectors around a thousand centres, one after the other: near neighbours exist, as with real embeddings. */
function clusteredVectors(count, seed) {
  const random = randomNumbers(seed)
  const normal = () => random() + random() + random() + random() - 2
  const centres = Float32Array.from({ length: 1000 * dimensions }, normal)
  const vectors = new Float32Array(count * dimensions)
  for (let i = 0; i < count; i++) {
    const centre = Math.floor(random() * 1000) * dimensions
    for (let j = 0; j < dimensions; j++) vectors[i * dimensions + j] = centres[centre + j] + normal()
  }
  return vectors
}

/** Milliseconds of the fastest run and of the one in the middle. */
function measure(runs, work) {
  const times = Array.from({ length: runs }, (_, i) => {
    const start = performance.now()
    work(i)
    return performance.now() - start
  }).sort((a, b) => a - b)
  return { best: times[0], middle: times[runs >> 1] }
}

const print = (name, { best, middle }, unit, factor = 1) =>
  console.log(
    `${name.padEnd(52)} ${(best * factor).toFixed(2).padStart(9)} ${(middle * factor).toFixed(2).padStart(9)} ${unit}`,
  )

console.log(`${''.padEnd(52)} ${'best'.padStart(9)} ${'median'.padStart(9)}`)

const count = 100_000
for (const [scan, stride, length] of [
  ['dotFloat32', 1552, 1536],
  ['distanceFloat32', 1552, 1536],
  ['dotInt8', 400, 384],
  ['dotBits', 80, 64],
]) {
  const kernel = wasmKernel()
  const query = 4 * count + 64
  const rows = query + 4096
  kernel.grow(rows + count * stride)
  const random = randomNumbers(1)
  new Float32Array(kernel.buffer).forEach((_, i, floats) => {
    floats[i] = random()
  })
  print(
    scan,
    measure(30, () => kernel[scan](query, rows, stride, length, 0, count, 64, 1, 1)),
    'ns a vector',
    1e6 / count,
  )
}

for (const rows of [10_000, 100_000]) {
  const vectors = clusteredVectors(rows, 1)
  const queries = clusteredVectors(50, 1).subarray(0, 20 * dimensions)
  const query = (i) => queries.subarray((i % 20) * dimensions, ((i % 20) + 1) * dimensions)
  const rowids = Array.from({ length: rows }, (_, i) => i + 1)
  const fetched = (ids) => ids.map((id) => vectors.subarray((id - 1) * dimensions, id * dimensions))
  for (const precision of precisions) {
    const of = `${rows / 1000}k, ${precision}`
    const matrix = new VectorMatrix({ dimensions, metric: 'cosine', precision, vectors: fetched })
    print(
      `fill ${of}`,
      measure(1, () => matrix.set(rowids, vectors)),
      'ms',
    )
    print(
      `search ${of}, k = 10`,
      measure(100, (i) => matrix.search(query(i), { k: 10 })),
      'ms',
    )
    for (const share of [0.5, 0.1, 0.01, 0.001]) {
      const filter = rowids.filter((id) => (id * 7919) % 1000 < share * 1000)
      const search = (i) => matrix.search(query(i), { k: 10, filter })
      print(`search ${of}, k = 10, ${share * 100} % of the rows`, measure(100, search), 'ms')
    }
    console.log(`${`memory ${of}`.padEnd(52)} ${(matrix.bytes / 1e6).toFixed(1).padStart(9)} MB`)
  }
}
