import { QueryError } from '../../errors.js'
import { describeValue } from '../../types/column-type.js'
import { floatType, intType, stringType } from '../../types/scalars.js'
import { dateType, timestampType } from '../../types/temporal.js'
import {
  dayText,
  fromWall,
  instant,
  isoWeek,
  isoWeekday,
  isZone,
  offsetAt,
  offsetText,
  ordinal,
  toWall,
  wallTime,
} from './calendar.js'
import { json, type Operator, type OperatorDocs, type Operators } from './operator.js'
import { strftime } from './strftime.js'

const int = () => intType
const text = () => stringType

/** An instant, or a calendar day as its midnight in UTC, which no zone moves. */
type Temporal = Date | string

const clock = (x: Temporal, zone: string | undefined): Date | undefined =>
  typeof x === 'string' ? midnight(x) : toWall(x, zone)

const midnight = (day: string): Date => new Date(`${day}T00:00:00Z`)

const checkZone = (zone: unknown): string | undefined =>
  typeof zone === 'string' && !isZone(zone)
    ? `expected an IANA time zone such as 'Europe/Zurich', got ${describeValue(zone)}`
    : undefined

/** What can be read off the calendar, and for an instant off the clock of a zone. */
const read = (
  of: 'timestamp' | 'date' | 'both',
  result: Operator['result'],
  f: (wall: Date) => unknown,
  docs: OperatorDocs,
): Operator => ({
  operands: [of === 'both' ? ['timestamp', 'date'] : [of], 'text'],
  optional: 1,
  zoned: true,
  result,
  evaluate(x: Temporal, zone?: string) {
    const wall = clock(x, zone)
    return wall === undefined ? null : f(wall)
  },
  docs,
})

const fields = ['year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond'] as const

const both = (name: string): string[] => [`timestamp.${name}`, `date.${name}`]

/** Instants and calendar days. Those of an instant are in UTC, or on the clock of the zone that `inZone` chose. */
export const temporal: Operators = {
  year: read('both', int, (w) => w.getUTCFullYear(), { call: 'year()', does: 'The year.', pixeltable: both('year') }),
  month: read('both', int, (w) => w.getUTCMonth() + 1, {
    call: 'month()',
    does: 'The month, 1 to 12.',
    pixeltable: both('month'),
  }),
  day: read('both', int, (w) => w.getUTCDate(), {
    call: 'day()',
    does: 'The day of the month, 1 to 31.',
    pixeltable: both('day'),
  }),
  hour: read('timestamp', int, (w) => w.getUTCHours(), {
    call: 'hour()',
    does: 'The hour, 0 to 23.',
    pixeltable: ['timestamp.hour'],
  }),
  minute: read('timestamp', int, (w) => w.getUTCMinutes(), {
    call: 'minute()',
    does: 'The minute, 0 to 59.',
    pixeltable: ['timestamp.minute'],
  }),
  second: read('timestamp', int, (w) => w.getUTCSeconds(), {
    call: 'second()',
    does: 'The second, 0 to 59.',
    pixeltable: ['timestamp.second'],
  }),
  microsecond: read('timestamp', int, (w) => w.getUTCMilliseconds() * 1000, {
    call: 'microsecond()',
    does: 'The microseconds of the second, of which a `Date` holds the thousands.',
    pixeltable: ['timestamp.microsecond'],
  }),
  weekday: read('both', int, (w) => isoWeekday(w) - 1, {
    call: 'weekday()',
    does: 'The day of the week, 0 for Monday to 6 for Sunday.',
    pixeltable: both('weekday'),
  }),
  isoWeekday: read('both', int, isoWeekday, {
    call: 'isoWeekday()',
    does: 'The day of the week, 1 for Monday to 7 for Sunday.',
    pixeltable: both('isoweekday'),
  }),
  isoCalendar: read('both', json, isoWeek, {
    call: 'isoCalendar()',
    does: 'The week of ISO 8601: `{ year, week, weekday }`.',
    pixeltable: both('isocalendar'),
  }),
  toOrdinal: read('both', int, ordinal, {
    call: 'toOrdinal()',
    does: 'The number of the day, 1 for 1 January of the year 1.',
    pixeltable: both('toordinal'),
  }),
  date: read('timestamp', () => dateType, dayText, {
    call: 'date()',
    does: 'The calendar day.',
    pixeltable: ['timestamp.date'],
  }),
  withoutZone: read(
    'timestamp',
    () => timestampType,
    (w) => instant(w.getTime()),
    {
      call: 'withoutZone()',
      does: 'The time on the clock of the zone, as though that clock were in UTC.',
      pixeltable: ['timestamp.strip_timezone'],
    },
  ),
  strftime: {
    operands: [['timestamp', 'date'], 'text', 'text'],
    optional: 1,
    zoned: true,
    result: text,
    evaluate: (x: Temporal, format: string, zone?: string) =>
      typeof x === 'string' ? strftime(midnight(x), format.replace(/%[zZ]/g, '')) : strftime(x, format, zone),
    docs: {
      call: 'strftime(format)',
      does: 'As text by the codes of C’s strftime, such as `%Y-%m-%d %H:%M`, in English.',
      pixeltable: both('strftime'),
    },
  },
  isoFormat: {
    operands: [['timestamp', 'date'], 'text', 'text', 'text'],
    optional: 3,
    zoned: true,
    result: text,
    evaluate(x: Temporal, separator = 'T', precision: string = 'auto', zone?: string) {
      if (typeof x === 'string') return x
      const offset = offsetAt(x.getTime(), zone)
      if (offset === undefined || !(precision in precisions)) return null
      const wall = new Date(x.getTime() + offset).toISOString().slice(0, -1)
      const auto = x.getTime() % 1000 === 0 ? 'seconds' : 'microseconds'
      const shown = precisions[precision === 'auto' ? auto : precision]!
      // A Date has no microseconds, but Python shows six digits or none.
      const time = `${wall}000`.slice(11, shown)
      return wall.slice(0, 10) + separator + time + offsetText(offset, ':')
    },
    check: (_, _separator, precision) =>
      typeof precision === 'string' && !(precision in precisions)
        ? `expected one of ${Object.keys(precisions).join(', ')}, got '${precision}'`
        : undefined,
    docs: {
      call: 'isoFormat(separator = "T", precision = "auto")',
      does: 'As ISO 8601 text with the offset of the zone. Precision: auto, hours, minutes, seconds, milliseconds, microseconds.',
      pixeltable: both('isoformat'),
    },
  },
  posixTimestamp: {
    operands: ['timestamp'],
    result: () => floatType,
    evaluate: (x: Date) => x.getTime() / 1000,
    docs: {
      call: 'posixTimestamp()',
      does: 'Seconds since 1970 in UTC.',
      pixeltable: ['timestamp.posix_timestamp'],
    },
  },
  addDays: {
    operands: [['timestamp', 'date'], 'int', 'text'],
    optional: 1,
    zoned: true,
    result: ([type]) => type!,
    evaluate(x: Temporal, days: number, zone?: string) {
      const wall = clock(x, zone)
      if (wall === undefined) return null
      return moved(x, wall.getTime() + days * 86_400_000, zone)
    },
    docs: {
      call: 'addDays(days)',
      does: 'So many days later, at the same time on the clock; null beyond the year 9999.',
      pixeltable: ['date.add_days'],
    },
  },
  replace: {
    operands: [['timestamp', 'date'], 'int', 'int', 'int', 'int', 'int', 'int', 'int', 'text'],
    optional: 8,
    zoned: true,
    result: ([type]) => type!,
    evaluate(x: Temporal, ...given: unknown[]) {
      const zone = given[7] as string | undefined
      const wall = clock(x, zone)
      if (wall === undefined) return null
      const now = [
        wall.getUTCFullYear(),
        wall.getUTCMonth() + 1,
        wall.getUTCDate(),
        wall.getUTCHours(),
        wall.getUTCMinutes(),
        wall.getUTCSeconds(),
        wall.getUTCMilliseconds() * 1000,
      ]
      const [year, month, day, ...time] = now.map((value, i) => (given[i] as number | undefined) ?? value)
      const changed = wallTime(year!, month!, day!, ...time)
      return changed === undefined ? null : moved(x, changed, zone)
    },
    accept(given: unknown) {
      if (typeof given !== 'object' || given === null) {
        throw new QueryError(`replace(): expected fields such as { day: 1 }, got ${describeValue(given)}`)
      }
      for (const key of Object.keys(given)) {
        if (!(fields as readonly string[]).includes(key)) {
          throw new QueryError(`replace(): there is no field '${key}'. There are: ${fields.join(', ')}`)
        }
      }
      return fields.map((field) => (given as Record<string, unknown>)[field] ?? null)
    },
    docs: {
      call: 'replace({ year, month, day, hour, minute, second, microsecond })',
      does: 'With some fields changed; null where there is no such time, as on 31 February.',
      pixeltable: both('replace'),
    },
  },
  inZone: {
    operands: ['timestamp', 'text'],
    result: () => timestampType,
    evaluate: (x: Date) => x,
    check: (_, zone) => checkZone(zone),
    docs: {
      call: 'inZone(zone)',
      does: 'The same instant, whose parts and text are those on the clock of an IANA time zone; null for an unknown one.',
      pixeltable: ['timestamp.astimezone'],
    },
  },
  makeDate: {
    operands: ['int', 'int', 'int'],
    result: () => dateType,
    evaluate(year: number, month: number, day: number) {
      const wall = wallTime(year, month, day)
      const at = wall === undefined ? null : instant(wall)
      return at === null ? null : dayText(at)
    },
    docs: {
      call: 'makeDate(year, month, day)',
      does: 'A calendar day; null where there is no such day.',
      pixeltable: ['date.make_date'],
    },
  },
  makeTimestamp: {
    operands: ['int', 'int', 'int', 'int', 'int', 'int', 'int', 'text'],
    optional: 5,
    result: () => timestampType,
    evaluate(...given: unknown[]) {
      const [year, month, day, ...time] = given.slice(0, 7) as number[]
      const wall = wallTime(year!, month!, day!, ...time)
      return wall === undefined ? null : fromWall(wall, given[7] as string | undefined)
    },
    check: (...constants) => checkZone(constants[7]),
    docs: {
      call: 'makeTimestamp({ year, month, day, hour, minute, second, microsecond, zone })',
      does: 'An instant from what the clock of a zone (UTC without one) shows; null where there is no such time.',
      pixeltable: ['timestamp.make_timestamp'],
    },
  },
}

/** The end of each precision in ISO text without a zone. */
const precisions: Readonly<Record<string, number>> = {
  auto: 0,
  hours: 13,
  minutes: 16,
  seconds: 19,
  milliseconds: 23,
  microseconds: 26,
}

/** A new wall time as what it was: a day, or an instant. */
function moved(from: Temporal, wall: number, zone: string | undefined): Date | string | null {
  if (typeof from !== 'string') return fromWall(wall, zone)
  const at = instant(wall)
  return at === null ? null : dayText(at)
}
