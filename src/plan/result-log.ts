import type { Engine, KeptResult, ResultWrites } from '../engine/engine.js'
import type { FunctionCode } from '../expr/function.js'
import { Pace } from '../pace.js'
import { mayBeAsynchronous } from '../scheduler/caller.js'
import type { ResultMemory } from '../scheduler/remember.js'
import type { DecodeContext } from '../types/column-type.js'
import { typeOfValue } from '../types/dynamic.js'
import { typeFromConfig } from '../types/registry.js'

/** A statement that takes longer puts what it has so far on the disk, this often; in milliseconds. */
const flushInterval = 5000

/** Keys that one query asks for. */
const keysAtOnce = 2000

const pace = new Pace()

interface Made {
  readonly code: FunctionCode
  readonly key: string
  readonly value: unknown
}

/**
 * The results that one attempt of a statement got. Those of functions with `cache` are committed with it, for every
 * later call with equal arguments. When the statement does not commit (a cell failed, it was aborted, another writer
 * was faster, the process was killed), those of asynchronous functions are kept until a statement that needs them again
 * commits: they were waited for, and perhaps paid for.
 */
export class ResultLog implements ResultMemory {
  /** What the statement does, for whoever observes it. */
  operation: string | undefined
  readonly #engine: Engine
  readonly #decode: DecodeContext
  readonly #made: Made[] = []
  /** How many of those made are on the disk. */
  #flushed = 0
  #flushedAt = performance.now()
  #flushing: Promise<void> | undefined
  /** Kept results that the statement has used up, and cached ones that it has used. */
  readonly #used: { readonly key: string; readonly position: number }[] = []
  readonly #touched = new Set<string>()
  readonly #taken = new Map<string, number>()
  #ignoresCached = false

  constructor(engine: Engine, decode: DecodeContext) {
    this.#engine = engine
    this.#decode = decode
  }

  /** Results in the cache are not to be used: they are to be made again. */
  ignoreCached(): void {
    this.#ignoresCached = true
  }

  remembers(code: FunctionCode): boolean {
    return code.cache === true || mayBeAsynchronous(code)
  }

  async recall(code: FunctionCode, keys: readonly (string | undefined)[]): Promise<Map<number, unknown>> {
    const asked = keys.filter((key) => key !== undefined)
    const found: KeptResult[] = []
    for (let start = 0; start < asked.length; start += keysAtOnce) {
      if (pace.due) await pace.rest()
      found.push(...(await this.#engine.results(asked.slice(start, start + keysAtOnce))))
    }
    const known = new Map<number, unknown>()
    if (found.length === 0) return known
    const byKey = new Map<string, KeptResult[]>()
    for (const result of found) {
      const others = byKey.get(result.key)
      if (others) others.push(result)
      else byKey.set(result.key, [result])
    }
    keys.forEach((key, row) => {
      const results = key === undefined ? undefined : byKey.get(key)
      if (key === undefined || !results) return
      const cached = this.#ignoresCached ? undefined : results.find(({ kept }) => !kept)
      if (cached) {
        this.#touched.add(key)
        known.set(row, this.#valueOf(cached))
        return
      }
      // Calls with equal arguments may have had different results: each is used once.
      const next = this.#taken.get(key) ?? 0
      const result = results.filter(({ kept }) => kept)[code.cache ? 0 : next]
      if (!result) return
      this.#taken.set(key, next + 1)
      this.#used.push(result)
      const value = this.#valueOf(result)
      known.set(row, value)
      if (code.cache && next === 0) this.#made.push({ code, key, value })
    })
    return known
  }

  remember(code: FunctionCode, key: string, value: unknown): void {
    this.#made.push({ code, key, value })
    if (this.#flushing || performance.now() - this.#flushedAt < flushInterval) return
    this.#flushing = this.#flush().finally(() => {
      this.#flushing = undefined
      this.#flushedAt = performance.now()
    })
  }

  /** What the commit of the statement does to the results that are kept. */
  async toCommit(): Promise<ResultWrites> {
    await this.#flushing
    return {
      made: this.#made.flatMap(({ code, ...made }) => (code.cache ? (encode(made, false) ?? []) : [])),
      used: this.#used,
      touched: [...this.#touched],
    }
  }

  /** The statement has not been committed: what it waited for is kept. */
  async keep(): Promise<void> {
    await this.#flushing
    await this.#flush()
  }

  /** Nothing was to be committed: the results of functions with `cache` are kept. */
  async keepCached(): Promise<void> {
    await this.#flush((code) => code.cache === true)
  }

  async #flush(of = (code: FunctionCode) => this.remembers(code)): Promise<void> {
    const until = this.#made.length
    const made = this.#made.slice(this.#flushed, until).filter(({ code }) => of(code))
    const results: KeptResult[] = []
    for (const result of made) {
      const encoded = encode(result, !result.code.cache)
      if (encoded) results.push(encoded)
      if (pace.due) await pace.rest()
    }
    if (results.length === 0) return
    try {
      const places = await this.#engine.keepResults(results)
      if (!places) return
      this.#used.push(...places.filter((_, i) => results[i]!.kept))
      this.#flushed = until
    } catch {
      // A result that cannot be kept is computed again. What made the statement fail is told.
    }
  }

  #valueOf({ type, value }: KeptResult): unknown {
    if (type === null || value === null) return null
    const of = typeFromConfig(JSON.parse(type))
    return of.decode(of.wide ? BigInt(value as string) : value, this.#decode)
  }
}

/** A result as it is stored; undefined where it has no form that can be. */
function encode(
  { key, value }: { readonly key: string; readonly value: unknown },
  kept: boolean,
): KeptResult | undefined {
  if (value === null || value === undefined) return { key, position: 0, type: null, value: null, kept }
  try {
    const type = typeOfValue(value)
    // A file is only named by its value.
    if (type.media) return undefined
    const stored = type.encode(type.parse(value))
    // As text, because it may be greater than what a number holds.
    const exact = type.wide ? String(stored) : stored
    return { key, position: 0, type: JSON.stringify(type.config()), value: exact, kept }
  } catch {
    return undefined
  }
}
