import type { HeadersLike } from '../expr/function.js'

/** What is left of a limit, and when it is whole again: the names that providers give them. */
const limits: readonly (readonly [remaining: string, reset: string])[] = [
  ['x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'],
  ['x-ratelimit-remaining-tokens', 'x-ratelimit-reset-tokens'],
  ['anthropic-ratelimit-requests-remaining', 'anthropic-ratelimit-requests-reset'],
  ['anthropic-ratelimit-tokens-remaining', 'anthropic-ratelimit-tokens-reset'],
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
  ['ratelimit-remaining', 'ratelimit-reset'],
]

/**
 * How long an answer asks to wait before the next call, in milliseconds; undefined when it does not. After a 429 the
 * reset of a limit that is used up counts even without `Retry-After` (RFC 9110, section 10.2.3).
 *
 * @param now milliseconds since 1970, for headers that name an instant
 */
export function pauseFromHeaders(headers: HeadersLike, status: number | undefined, now: number): number | undefined {
  const get = reader(headers)
  const exact = Number(get('retry-after-ms') ?? Number.NaN)
  if (exact >= 0) return exact
  const after = get('retry-after')
  if (after !== undefined) {
    const seconds = Number(after)
    const ms = Number.isNaN(seconds) ? Date.parse(after) - now : seconds * 1000
    if (!Number.isNaN(ms)) return Math.max(0, ms)
  }
  if (status !== undefined && status >= 500) return undefined
  const pauses = limits.flatMap(([remaining, reset]) => {
    const left = get(remaining)
    const until = left !== undefined && Number(left) <= 0 ? get(reset) : undefined
    const pause = until === undefined ? undefined : durationOf(until, now)
    return pause === undefined ? [] : [pause]
  })
  return pauses.length > 0 ? Math.max(...pauses) : undefined
}

/** A reset as milliseconds from now: `1s`, `6m0s`, `120ms`, seconds, seconds since 1970, or a timestamp. */
function durationOf(text: string, now: number): number | undefined {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text) {
    return parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit!]!, 0)
  }
  const seconds = Number(text)
  if (!Number.isNaN(seconds)) return Math.max(0, seconds > 1e9 ? seconds * 1000 - now : seconds * 1000)
  const instant = Date.parse(text)
  return Number.isNaN(instant) ? undefined : Math.max(0, instant - now)
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function reader(headers: HeadersLike): (name: string) => string | undefined {
  if (typeof headers.get === 'function') return (name) => (headers as Headers).get(name) ?? undefined
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return (name) => {
    const value = byName.get(name)
    return value === undefined ? undefined : String(value)
  }
}
