import type { KeptResult, ResultWrites } from '../engine.js'
import type { Connection } from './connection.js'

/** Bytes that a row takes besides its value, about. */
const overhead = 150
/** Results that one step of a commit writes. */
const resultsPerStep = 256

/** Results of calls that are kept, by their keys. */
export function findResults(connection: Connection, keys: readonly string[]): KeptResult[] {
  if (keys.length === 0) return []
  const found = connection
    .prepare(
      'SELECT key, position, type, value, kept FROM pxt_results WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key, position',
    )
    .all(JSON.stringify(keys)) as (Omit<KeptResult, 'kept'> & { kept: number })[]
  return found.map((result) => ({ ...result, kept: result.kept === 1 }))
}

/** Does what a commit does to them. Part of a transaction. */
export function* writeResults(
  connection: Connection,
  { made, used, touched }: ResultWrites,
  maxBytes: number,
): Generator<void> {
  if (made.length + used.length + touched.length === 0) return
  const results = new Results(connection)
  if (used.length > 0) results.remove(used)
  for (const [i, result] of made.entries()) {
    results.put(result)
    if (i % resultsPerStep === 0) yield
  }
  if (touched.length > 0) results.touch(touched)
  results.shrink(maxBytes)
}

/** Adds results of calls whose statement has not been committed. Part of a transaction. @returns where they are */
export function addResults(
  connection: Connection,
  added: readonly KeptResult[],
  maxBytes: number,
): { key: string; position: number }[] {
  const results = new Results(connection)
  const places = added.map((result) => ({ key: result.key, position: results.put(result) }))
  results.shrink(maxBytes)
  return places
}

class Results {
  readonly #connection: Connection
  readonly #now: number
  #bytes = 0

  constructor(connection: Connection) {
    this.#connection = connection
    this.#now = this.#add('results_clock', 1)
  }

  /** A cached result takes the place of the one that is there, a kept one the next that is free. */
  put({ key, type, value, kept }: KeptResult): number {
    if (!kept) this.remove([{ key, position: 0 }])
    const size = overhead + (typeof value === 'string' || value instanceof Uint8Array ? value.length : 8)
    this.#bytes += size
    return this.#connection
      .prepare(
        'INSERT INTO pxt_results SELECT ?, coalesce(max(position) + 1, 0), ?, ?, ?, ?, ? FROM pxt_results WHERE key = ? RETURNING position',
      )
      .pluck()
      .get(key, type, value, size, this.#now, kept ? 1 : 0, key) as number
  }

  remove(places: readonly { readonly key: string; readonly position: number }[]): void {
    const removed = this.#connection
      .prepare(
        `DELETE FROM pxt_results WHERE (key, position) IN (SELECT value ->> '$.key', value ->> '$.position' FROM json_each(?)) RETURNING size`,
      )
      .pluck()
      .all(JSON.stringify(places.map(({ key, position }) => ({ key, position })))) as number[]
    this.#bytes -= removed.reduce((sum, size) => sum + size, 0)
  }

  touch(keys: readonly string[]): void {
    this.#connection
      .prepare('UPDATE pxt_results SET used = ? WHERE key IN (SELECT value FROM json_each(?))')
      .run(this.#now, JSON.stringify(keys))
  }

  /** Forgets those that were not used for the longest time, while all together are too large. */
  shrink(maxBytes: number): void {
    const total = this.#add('results_bytes', this.#bytes)
    if (total <= maxBytes) return
    // More than needed, so that not every later one pushes another out.
    let excess = total - Math.floor(maxBytes * 0.9)
    const oldest: number[] = []
    const byUse = this.#connection.db.prepare('SELECT rowid, size FROM pxt_results ORDER BY used').raw()
    for (const [rowid, size] of byUse.iterate() as Iterable<[number, number]>) {
      if (excess <= 0) break
      oldest.push(rowid)
      excess -= size
    }
    const removed = this.#connection
      .prepare('DELETE FROM pxt_results WHERE rowid IN (SELECT value FROM json_each(?)) RETURNING size')
      .pluck()
      .all(JSON.stringify(oldest)) as number[]
    this.#add('results_bytes', -removed.reduce((sum, size) => sum + size, 0))
  }

  #add(key: string, more: number): number {
    return this.#connection
      .prepare('UPDATE pxt_meta SET value = value + ? WHERE key = ? RETURNING value')
      .pluck()
      .get(more, key) as number
  }
}
