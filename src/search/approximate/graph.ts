import type { Index } from 'usearch'
import type { GraphMethod, Metric } from '../../catalog/definition.js'
import { loadOptional } from '../../optional-package.js'
import type { Narrowing } from './narrowing.js'

const metrics = { cosine: 'cos', euclidean: 'l2sq', inner_product: 'ip' } as const

/**
 * A graph of layers in which each row is linked to about `m` that are close to it, and a search goes from row to row
 * (Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using hierarchical navigable small
 * world graphs", 2018). By usearch.
 */
export class Graph implements Narrowing {
  readonly tunedBy = 0
  readonly #index: Index
  readonly #ef: number
  readonly #rowBytes: number

  private constructor(index: Index, { ef, m }: GraphMethod, dimensions: number) {
    this.#index = index
    this.#ef = ef
    // The vector, and twice as many links in the lowest layer.
    this.#rowBytes = 4 * dimensions + 2 * m * 5 + 64
  }

  /** @throws MissingPackageError when usearch is not installed */
  static async create(method: GraphMethod, metric: Metric, dimensions: number): Promise<Graph> {
    const { Index, MetricKind, ScalarKind } = await loadOptional('usearch')
    const kinds = { cos: MetricKind.Cos, l2sq: MetricKind.L2sq, ip: MetricKind.IP }
    const index = new Index({
      dimensions,
      metric: kinds[metrics[metric]],
      quantization: ScalarKind.F32,
      connectivity: method.m,
      expansion_add: method.efConstruction,
      expansion_search: method.ef,
      multi: false,
    })
    return new Graph(index, method, dimensions)
  }

  get bytes(): number {
    return this.#rowBytes * this.#index.size()
  }

  near(query: Float32Array, stretch: number): number[][] {
    const wanted = Math.min(Math.ceil(this.#ef * stretch), this.#index.size())
    return wanted === 0 ? [] : [Array.from(this.#index.search(query, wanted, 1).keys, Number)]
  }

  add(rowids: readonly number[], vectors: readonly Float32Array[]): void {
    this.#index.add(keysOf(rowids), [...vectors], 1)
  }

  tune(): boolean {
    return true
  }

  delete(rowids: readonly number[]): void {
    const there = rowids.filter((rowid) => this.#index.contains(BigInt(rowid)))
    if (there.length > 0) this.#index.remove(keysOf(there))
  }
}

const keysOf = (rowids: readonly number[]): BigUint64Array => BigUint64Array.from(rowids, BigInt)
