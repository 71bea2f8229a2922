import type { Catalog } from '../catalog/catalog.js'
import type { IndexDefinition, TableDefinition } from '../catalog/definition.js'
import { IndexError, ValidationError } from '../errors.js'
import { Pace } from '../pace.js'
import { drawn } from '../search/approximate/seeded-random.js'
import type { SearchResult } from '../search/matrix/vector-matrix.js'
import { describeValue } from '../types/column-type.js'
import { isOwn } from './rank.js'
import { findIndex } from './search.js'
import type { Session } from './session.js'

/** Options of `measureRecall`. */
export interface RecallOptions {
  /** Stored vectors that are searched for; at least 1. @default 100 */
  readonly sample?: number
  /** Results of a search; at least 1. @default 10 */
  readonly k?: number
  /** Another one draws other vectors. @default 1 */
  readonly seed?: number
  /** Stops the measurement. */
  readonly signal?: AbortSignal
}

/** How good and how fast the searches of an index are. */
export interface Recall {
  /** The part of the best `k` rows that searches found, from 0 to 1. */
  readonly recall: number
  /** Milliseconds that comparing all vectors took; the median of the searches. */
  readonly exactMs: number
  /** Milliseconds that a search by the method of the index took; the median. */
  readonly approximateMs: number
  /** Vectors that were searched for: fewer where there are not as many. */
  readonly sample: number
  readonly k: number
}

/**
 * Searches an index of a table or its bases for vectors that it has, by its method and exactly.
 * @throws IndexError, NotFoundError, ValidationError
 */
export async function measureRecall(
  session: Session,
  catalog: Catalog,
  table: TableDefinition,
  which: string | { readonly index: string },
  { sample = 100, k = 10, seed = 1, signal }: RecallOptions,
): Promise<Recall> {
  for (const [name, value] of Object.entries({ sample, k, seed })) {
    if (Number.isSafeInteger(value) && value >= 1) continue
    throw new ValidationError(
      `measureRecall(): ${name}: expected a whole number of at least 1, got ${describeValue(value)}`,
    )
  }
  const { owner, index } =
    typeof which === 'string' ? findIndex(catalog, table, { column: which }) : indexNamed(catalog, table, which.index)
  if (index.multi) {
    throw new IndexError(
      `measureRecall(): index '${index.name}' has several vectors a row: compare maxSim() with { candidates: Infinity }`,
    )
  }
  if (!isOwn(owner, index)) {
    throw new IndexError(`measureRecall(): the vectors of index '${index.name}' are in a base of '${owner.name}'`)
  }
  const pace = new Pace(signal)
  const { matrix, exact: all, approximation, read } = await session.residentVectors.loaded(owner, index, signal)
  let [found, wanted, searched] = [0, 0, 0]
  const times: { exact: number[]; approximate: number[] } = { exact: [], approximate: [] }
  for (const rowid of drawn(matrix.rowids, sample, seed)) {
    const [vector] = read([rowid])
    if (!vector) continue
    // A vector is always found, and does not count.
    const without = ({ rowids }: SearchResult) => rowids.filter((id) => id !== rowid).slice(0, k)
    const exact = timed(times.exact, () => all.search(vector, { k: k + 1 }))
    const approximate = timed(times.approximate, () =>
      matrix.search(vector, { k: k + 1, among: approximation?.near(vector, k + 1, undefined) }),
    )
    const best = new Set(without(exact))
    wanted += best.size
    found += without(approximate).filter((id) => best.has(id)).length
    searched++
    if (pace.due) await pace.rest()
  }
  if (searched === 0) throw new IndexError(`measureRecall(): index '${index.name}' has no vectors`)
  const recall = wanted === 0 ? 1 : found / wanted
  return { recall, exactMs: median(times.exact), approximateMs: median(times.approximate), sample: searched, k }
}

function indexNamed(
  catalog: Catalog,
  table: TableDefinition,
  name: string,
): { owner: TableDefinition; index: IndexDefinition } {
  const all = catalog
    .lineOf(table)
    .flatMap((owner) => owner.indexes.filter((index) => !index.successorOf).map((index) => ({ owner, index })))
  const found = all.find(({ index }) => index.name === name)
  if (found) return found
  const names = all.map(({ index }) => index.name).join(', ') || 'none'
  throw new IndexError(`'${table.name}' has no embedding index '${name}'. It has: ${names}`)
}

function timed<T>(times: number[], work: () => T): T {
  const started = performance.now()
  const result = work()
  times.push(performance.now() - started)
  return result
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!
