import { QueryError } from '../errors.js'
import { describeValue } from '../types/column-type.js'
import type { Uuid } from '../types/scalars.js'
import {
  type Arg,
  callFunction,
  type DateExpr,
  type StrExpr,
  type TimeFields,
  type TimestampExpr,
} from './expression.js'

/**
 * A new random UUID (version 4) for every row.
 *
 * @example
 * ```ts
 * import { Pixeltable, t, uuid4 } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const notes = await pxt.createTable('notes', { text: t.string() })
 * const keyed = await notes.addComputedColumn('key', () => uuid4())
 * await keyed.insert([{ text: 'a' }, { text: 'b' }])
 * console.log(new Set((await keyed.collect()).map((row) => row.key)).size) // 2
 * ```
 */
export const uuid4 = (): StrExpr<Uuid> => callFunction('uuid4', [])

/** A new UUID (version 7) for every row. It begins with the time, so that later ones sort behind earlier ones. */
export const uuid7 = (): StrExpr<Uuid> => callFunction('uuid7', [])

/** A calendar day; null where there is no such day, as 31 February. @throws QueryError for what is no whole number */
export const makeDate = (year: Arg<number>, month: Arg<number>, day: Arg<number>): DateExpr<null> =>
  callFunction('makeDate', [year, month, day])

/** What a clock shows. */
export interface ClockTime extends TimeFields {
  readonly year: Arg<number>
  /** 1 to 12. */
  readonly month: Arg<number>
  /** 1 to 31. */
  readonly day: Arg<number>
  /** The IANA time zone of the clock. @default 'UTC' */
  readonly zone?: Arg<string>
}

/**
 * An instant from what a clock shows; null where there is no such time. An hour that comes twice is the first of them,
 * one that is left out is read with the offset before the change.
 *
 * @throws QueryError for a constant that does not fit, or is no time zone
 * @example
 * ```ts
 * import { makeTimestamp, Pixeltable, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const shifts = await pxt.createTable('shifts', { day: t.date() })
 * await shifts.insert({ day: '2026-07-01' })
 * const start = await shifts
 *   .select((c) => ({
 *     at: makeTimestamp({ year: c.day.year(), month: c.day.month(), day: c.day.day(), hour: 8, zone: 'Europe/Zurich' }),
 *   }))
 *   .firstOrThrow()
 * console.log(start.at?.toISOString()) // 2026-07-01T06:00:00.000Z
 * ```
 */
export function makeTimestamp(time: ClockTime): TimestampExpr<null> {
  if (typeof time !== 'object' || time === null) {
    throw new QueryError(
      `makeTimestamp(): expected fields such as { year: 2026, month: 1, day: 31 }, got ${describeValue(time)}`,
    )
  }
  const { year, month, day, hour, minute, second, microsecond, zone } = time
  return callFunction('makeTimestamp', [year, month, day, hour, minute, second, microsecond, zone])
}
