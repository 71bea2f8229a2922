import type { ColumnKey } from '../catalog/catalog.js'

/** For each row of a batch, whether it is meant. Undefined is none of them. */
export type RowMask = Uint8Array | undefined

/** The positions of the rows that a mask means. */
export function positionsIn(mask: RowMask): number[] {
  const at: number[] = []
  if (mask) for (let i = 0; i < mask.length; i++) if (mask[i]) at.push(i)
  return at
}

/** The rows that any of the masks means. */
export function anyOf(masks: Iterable<RowMask>): RowMask {
  let result: Uint8Array | undefined
  for (const mask of masks) {
    if (!mask) continue
    if (result) for (let i = 0; i < mask.length; i++) result[i]! |= mask[i]!
    else result = mask.slice()
  }
  return result
}

/** The rows of the first mask that the second does not mean. */
export function without(mask: RowMask, other: RowMask): RowMask {
  return mask && other ? mask.map((is, i) => is & (1 - other[i]!)) : mask
}

/** The rows of a batch that have a new value, by column. */
export class ChangedCells {
  readonly #masks: Map<ColumnKey, Uint8Array>

  constructor(masks: Iterable<readonly [ColumnKey, Uint8Array]> = []) {
    this.#masks = new Map(masks)
  }

  get isEmpty(): boolean {
    return this.#masks.size === 0
  }

  add(column: ColumnKey, rows: Uint8Array): void {
    this.#masks.set(column, rows)
  }

  /** The rows in which any of these columns changed. */
  rowsOf(columns: Iterable<ColumnKey>): RowMask {
    const masks: Uint8Array[] = []
    for (const key of columns) {
      const mask = this.#masks.get(key)
      if (mask) masks.push(mask)
    }
    return anyOf(masks)
  }

  /** The same changes over the rows at these positions; one that stands several times, or in another order. */
  at(positions: readonly number[]): ChangedCells {
    return new ChangedCells(
      [...this.#masks].map(([key, mask]) => [key, Uint8Array.from(positions, (i) => mask[i]!)] as const),
    )
  }
}
