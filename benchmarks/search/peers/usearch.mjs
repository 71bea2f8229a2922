import { createRequire } from 'node:module'
import { dimensions } from '../corpus.mjs'

const { exactSearch, Index, MetricKind, ScalarKind } = createRequire(import.meta.url)('usearch')
const idsOf = ({ keys }) => Array.from(keys, Number)

const exact = {
  build(corpus) {
    const all = corpus.vectors()
    return { search: (query, k) => idsOf(exactSearch(all, query, dimensions, k, MetricKind.Cos)) }
  },
}

/** The breadth of a search cannot be changed afterwards: this one has 95 of 100 at 100,000 rows. */
const hnsw = {
  build(corpus) {
    const index = new Index({
      dimensions,
      metric: MetricKind.Cos,
      quantization: ScalarKind.F32,
      connectivity: 16,
      expansion_add: 128,
      expansion_search: 128,
      multi: false,
    })
    const insert = (first, vectors, flat) =>
      index.add(
        BigUint64Array.from({ length: vectors.length }, (_, i) => BigInt(first + i)),
        flat,
      )
    for (const { first, vectors, flat } of corpus.pages()) insert(first, vectors, flat)
    return { search: (query, k) => idsOf(index.search(query, k, 1)), insert }
  },
}

export const engines = { 'usearch, exact': exact, 'usearch, hnsw': hnsw }
