import type { Kernel } from './kernel.js'

/**
 * Keys stand for scores while rows are scanned: they order rows alike, and are cheap to bound. Both functions are
 * monotone; float64 rounds different keys to one score, so `key` gives the lowest that could have it.
 */
export interface Bounds {
  /** The score of a key. */
  score(key: number): number
  /** No row with a lower key has this score or a better one. */
  key(score: number): number
}

/** A query as the kernel takes it. */
export interface EncodedQuery extends Bounds {
  /** The loop that gives upper bounds of keys. */
  readonly scan: 'dotFloat32' | 'distanceFloat32' | 'dotInt8' | 'dotBits'
  readonly elements: Uint8Array
  readonly step: number
  readonly factor: number
  /** The lower bound of a key by its upper bound and the header of its row, from `header` in `floats`. */
  lower(upper: number, floats: Float32Array, header: number): number
}

/** Views of the memory that rows are written to. */
export interface Views {
  readonly kernel: Kernel
  readonly floats: Float32Array
  readonly bytes: Uint8Array
  /** Where `workBytes` are free. */
  readonly workAt: number
}

/** How the resident copy of a vector is made. */
export interface Encoding {
  /** Of the elements of a row; a multiple of 8. */
  readonly rowBytes: number
  /** That a query, or the making of a row, takes. */
  readonly workBytes: number
  /** Writes the row of `vector`, whose length is `norm`, to `address`: header and elements. */
  encode(vector: Float32Array, norm: number, views: Views, address: number): void
  query(vector: Float32Array): EncodedQuery
}

/** Header fields of a row, in floats from its beginning. */
export const field = { scale: 0, bias: 1, margin: 2 } as const

/**
 * Bounds relative error of a float32 sum of `dimensions` products, made in at least eight sums side by side, with a
 * dozen roundings around it (Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1).
 */
export const roundoff = (dimensions: number): number => (dimensions / 8 + 32) * 2 ** -24

/** Outside of these a product with a vector of length one may leave the range of float32, or its precision. */
export const trusted = { from: 2 ** -90, to: 2 ** 120 } as const

/** Below everything that the margins of trusted rows are made of. */
export const tiny = 2 ** -120
