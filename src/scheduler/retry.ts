import type { Failure } from './classify-error.js'

/** Retries of a call at most, where nobody says. */
export const defaultRetries = 3
/** Retries for each call that a function makes, on average, where nobody says. */
export const defaultRetryBudget = 1

const firstDelay = 500
const longestDelay = 30_000
/** What asks for a longer wait is not waited for: a daily quota, say. In milliseconds. */
const longestPause = 120_000
/** Retries that are always allowed, and those that can be saved up. */
const reserve = 10
const mostSaved = 1000

/**
 * What a function may retry in all, so that a provider that is down gets a few calls more and not several times as
 * many. Each call earns `ratio` retries; each retry takes one. Waiting because the provider said so takes none.
 */
export class RetryBudget {
  readonly #ratio: number
  #left = reserve

  constructor(ratio: number) {
    this.#ratio = ratio
  }

  earn(): void {
    this.#left = Math.min(mostSaved, this.#left + this.#ratio)
  }

  take(): boolean {
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

/**
 * How long to wait before a call is tried again, in milliseconds: what the other side asks for, else exponential
 * backoff with jitter. Undefined when it is not to be tried again.
 *
 * @param attempt the attempt that failed, from 1
 */
export function retryDelay(
  failure: Failure,
  attempt: number,
  retries: number,
  budget: RetryBudget,
): number | undefined {
  if (!failure.retryable || attempt > retries) return undefined
  const { retryAfter } = failure
  if (retryAfter !== undefined && retryAfter > longestPause) return undefined
  if (failure.kind !== 'rate-limit' && !budget.take()) return undefined
  const jitter = 0.5 + Math.random() / 2
  // Spread, lest all of those that were told to wait come back at the same instant.
  if (retryAfter !== undefined) return retryAfter + Math.random() * Math.min(250, retryAfter / 10)
  return jitter * Math.min(longestDelay, firstDelay * 2 ** (attempt - 1))
}
