import { type ColumnType, mismatch } from './column-type.js'

/** A calendar day, `YYYY-MM-DD`. */
export type PlainDate = `${number}-${number}-${number}`

const datePattern = /^\d{4}-\d{2}-\d{2}$/
const timestampPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/i

/**
 * An instant. Stored as ISO 8601 text in UTC with milliseconds, so that it sorts and reads well in any SQL tool; a
 * `Date` in JavaScript.
 */
export const timestampType: ColumnType<Date> = {
  name: 'timestamp',
  storage: 'text',
  operators: ['order', 'timestamp'],
  config: () => ({ name: 'timestamp' }),
  parse(value) {
    if (typeof value === 'string' && !timestampPattern.test(value)) {
      throw mismatch("a Date or ISO 8601 text with a zone, such as '2026-01-31T09:30:00Z'", value)
    }
    const date = typeof value === 'string' ? new Date(value) : value
    if (!(date instanceof Date) || Number.isNaN(date.getTime())) {
      throw mismatch("a valid Date or ISO 8601 text with a zone, such as '2026-01-31T09:30:00Z'", value)
    }
    // Outside these years ISO text has a sign and six digits, and would no longer sort.
    const year = date.getUTCFullYear()
    if (year < 0 || year > 9999) throw mismatch('a year from 0000 to 9999', value)
    return date
  },
  encode: (value) => value.toISOString(),
  decode: (stored) => new Date(String(stored)),
  jsonSchema: () => ({ type: 'string', format: 'date-time' }),
}

/** A calendar day without a time or a zone; the text `YYYY-MM-DD` in JavaScript too. */
export const dateType: ColumnType<PlainDate> = {
  name: 'date',
  storage: 'text',
  operators: ['order', 'date'],
  config: () => ({ name: 'date' }),
  parse(value) {
    const text = value instanceof Date ? utcDay(value) : value
    if (typeof text !== 'string' || !isCalendarDay(text)) {
      throw mismatch("a day such as '2026-01-31' (or a Date at midnight UTC)", value)
    }
    return text as PlainDate
  },
  encode: (value) => value,
  decode: (stored) => String(stored) as PlainDate,
  jsonSchema: () => ({ type: 'string', format: 'date' }),
}

/** Whether text is a day that exists. */
export function isCalendarDay(text: string): boolean {
  if (!datePattern.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  // Date rolls 31 February over into March.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

function utcDay(date: Date): string | undefined {
  if (Number.isNaN(date.getTime()) || date.getTime() % 86_400_000 !== 0) return undefined
  return date.toISOString().slice(0, 10)
}
