import type { CallContext, CallReport, HeadersLike, Usage } from '../expr/function.js'

/** One call of a function, as the function sees it. */
export class Call implements CallContext {
  readonly attempt: number
  /** Any of these ends it. */
  readonly #stops: readonly AbortSignal[]
  /** All of these together end it: those of the statements that wait for it. */
  readonly #askers: readonly (AbortSignal | undefined)[]
  #controller: AbortController | undefined
  #aborted: { readonly reason: unknown } | undefined
  #listening: readonly AbortSignal[] = []
  #usage: Usage = {}
  #headers: HeadersLike | undefined

  constructor(askers: readonly (AbortSignal | undefined)[], stop: AbortSignal | undefined, attempt: number) {
    this.#askers = askers
    this.#stops = stop ? [stop] : []
    this.attempt = attempt
  }

  /** Made when the function asks: most do not. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#aborted) this.abort(this.#aborted.reason)
      this.#listening = [...this.#stops, ...this.#askers.filter((signal) => signal !== undefined)]
      for (const signal of this.#listening) signal.addEventListener('abort', this.#check)
      this.#check()
    }
    return this.#controller.signal
  }

  report({ headers, ...usage }: CallReport): void {
    const sum = (key: keyof Usage) =>
      usage[key] === undefined ? this.#usage[key] : (this.#usage[key] ?? 0) + usage[key]
    this.#usage = { inputTokens: sum('inputTokens'), outputTokens: sum('outputTokens'), cost: sum('cost') }
    this.#headers = headers ?? this.#headers
  }

  get usage(): Usage {
    return this.#usage
  }

  get headers(): HeadersLike | undefined {
    return this.#headers
  }

  abort(reason: unknown): void {
    this.#aborted = { reason }
    this.#controller?.abort(reason)
  }

  /** The call has ended. */
  close(): void {
    for (const signal of this.#listening) signal.removeEventListener('abort', this.#check)
  }

  readonly #check = (): void => {
    const stop = this.#stops.find((signal) => signal.aborted)
    const nobodyWaits = this.#askers.every((signal) => signal?.aborted)
    if (stop) this.abort(stop.reason)
    else if (nobodyWaits) this.abort(this.#askers[0]!.reason)
  }
}
