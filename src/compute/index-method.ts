import type { IndexMethod } from '../catalog/definition.js'
import { ValidationError } from '../errors.js'
import { loadOptional } from '../optional-package.js'
import { describeValue } from '../types/column-type.js'

/** How an embedding index finds the closest vectors. What is searched in memory is compared exactly in the end. */
export interface IndexMethodOptions {
  /**
   * - `'flat'` compares all vectors: exact.
   * - `'ivfflat'` compares the vectors in the lists that are closest to the query (Sivic and Zisserman, 2003; Jégou and
   *   others, 2011): for vectors that are in clusters, made in seconds. Where sampled searches would go
   *   through more than 0.3 of the lists, all vectors are compared after all, which is faster then.
   * - `'hnsw'` walks a graph (Malkov and Yashunin, 2018): some times faster than `'flat'` from some ten thousand rows on; takes as much
   *   memory again as the vectors, minutes to be made after opening, and the package `usearch`.
   * - `'rabitq'` keeps one bit an element in memory, a fifth of what the others do, and estimates by that which rows are
   *   compared (Gao and Long, "RaBitQ", SIGMOD 2024).
   *
   * All are made in memory with the first search after opening, `'ivfflat'` and `'hnsw'` in the background, and follow
   * every change. Searches stay exact until then, below 5000 rows, in transactions, and at earlier versions; with
   * `'ivfflat'` and `'hnsw'` also for more results than they find, and under a filter that leaves less than a fifth of
   * the rows. @default 'flat'
   */
  readonly method?: 'flat' | 'ivfflat' | 'hnsw' | 'rabitq'
  /** Of `'ivfflat'`: lists; at least 1. @default the square root of the number of rows */
  readonly lists?: number
  /** Of `'ivfflat'`: lists that a search goes through; at least 1. @default as many as hold 96 % of the ten best of sampled vectors */
  readonly nprobe?: number
  /** Of `'hnsw'`: links of each vector in the graph; 2 to 256. More find more and take more memory. @default 16 */
  readonly m?: number
  /** Of `'hnsw'`: candidates among which the links of a new vector are chosen; 1 to 10 000. @default 128 */
  readonly efConstruction?: number
  /** Of `'hnsw'`: candidates that a search keeps, and the most results it finds; 1 to 10 000. @default 128 */
  readonly ef?: number
}

const ofMethod = {
  flat: [],
  ivfflat: ['lists', 'nprobe'],
  hnsw: ['m', 'efConstruction', 'ef'],
  rabitq: [],
} as const

const ranges = {
  lists: [1, 1_000_000],
  nprobe: [1, 1_000_000],
  m: [2, 256],
  efConstruction: [1, 10_000],
  ef: [1, 10_000],
} as const

/** The method that options say; undefined for `'flat'`. @throws ValidationError */
export function indexMethod(options: IndexMethodOptions, what: string): IndexMethod | undefined {
  const { method = 'flat', lists, nprobe, m = 16, efConstruction = 128, ef = 128 } = options
  if (!Object.hasOwn(ofMethod, method)) {
    throw new ValidationError(
      `${what}: method: expected one of ${Object.keys(ofMethod).join(', ')}, got ${describeValue(method)}`,
    )
  }
  for (const [name, [least, most]] of Object.entries(ranges)) {
    const value = options[name as keyof typeof ranges]
    if (value === undefined) continue
    if (!(ofMethod[method] as readonly string[]).includes(name)) {
      throw new ValidationError(`${what}: ${name}: method '${method}' has no such option`)
    }
    if (Number.isSafeInteger(value) && value >= least && value <= most) continue
    throw new ValidationError(
      `${what}: ${name}: expected a whole number from ${least} to ${most}, got ${describeValue(value)}`,
    )
  }
  if (method === 'flat') return undefined
  if (method === 'hnsw') return { kind: 'hnsw', m, efConstruction, ef }
  if (method === 'rabitq') return { kind: 'rabitq' }
  return {
    kind: 'ivfflat',
    ...(lists === undefined ? {} : { lists }),
    ...(nprobe === undefined ? {} : { nprobe }),
  }
}

/**
 * An index of several vectors a row has codes of its own in memory, whatever the method.
 * @throws ValidationError when options say how to find the closest vectors
 */
export function checkMultiVectorOptions(options: object, what: string): void {
  const given = ['method', ...Object.keys(ranges)].find((name) => Object.hasOwn(options, name))
  if (given === undefined) return
  throw new ValidationError(
    `${what}: ${given}: a multi-vector index has no such option: MaxSim estimates by codes in memory, and \`candidates\` of maxSim() says how many rows are compared exactly`,
  )
}

/** @throws MissingPackageError when a method needs a package that is not installed */
export async function loadMethod(method: IndexMethod | undefined): Promise<void> {
  if (method?.kind === 'hnsw') await loadOptional('usearch')
}

/** A method in words: `ivfflat`, `hnsw (m 16, efConstruction 128, ef 128)`. */
export function methodInWords({ kind, ...parameters }: IndexMethod): string {
  const shown = Object.entries(parameters).map(([name, value]) => `${name} ${value}`)
  return shown.length === 0 ? kind : `${kind} (${shown.join(', ')})`
}
