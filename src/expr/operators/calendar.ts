/** Instants, the wall clocks of time zones, and the calendar. A wall time is a `Date` whose UTC fields are the clock's. */

const day = 86_400_000

/** An instant, if stored text can hold it: the years 0000 to 9999. */
export function instant(milliseconds: number): Date | null {
  return milliseconds >= -62_167_219_200_000 && milliseconds <= 253_402_300_799_999 ? new Date(milliseconds) : null
}

/** The milliseconds of a wall time, undefined for one that does not exist, such as 31 February. */
export function wallTime(
  year: number,
  month: number,
  dayOfMonth: number,
  hour = 0,
  minute = 0,
  second = 0,
  microsecond = 0,
): number | undefined {
  const date = new Date(0)
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(year, month - 1, dayOfMonth)
  date.setUTCHours(hour, minute, second, Math.floor(microsecond / 1000))
  const exists =
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === dayOfMonth &&
    within(hour, 23) &&
    within(minute, 59) &&
    within(second, 59) &&
    within(microsecond, 999_999)
  return exists ? date.getTime() : undefined
}

const within = (value: number, most: number): boolean => value >= 0 && value <= most

const clocks = new Map<string, Intl.DateTimeFormat | undefined>()

/** The clock of an IANA time zone; undefined for a name that is none. */
function clockOf(zone: string): Intl.DateTimeFormat | undefined {
  if (clocks.has(zone)) return clocks.get(zone)
  if (clocks.size >= 1000) clocks.clear()
  let clock: Intl.DateTimeFormat | undefined
  try {
    clock = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    clock = undefined
  }
  clocks.set(zone, clock)
  return clock
}

/** Whether a name is an IANA time zone. */
export const isZone = (zone: string): boolean => clockOf(zone) !== undefined

/** How far a zone's clock is ahead of UTC at an instant, in milliseconds; undefined for a name that is no zone. */
export function offsetAt(milliseconds: number, zone: string | undefined): number | undefined {
  if (zone === undefined || zone === 'UTC') return 0
  const clock = clockOf(zone)
  if (clock === undefined) return undefined
  const parts: Record<string, string> = {}
  for (const { type, value } of clock.formatToParts(milliseconds)) parts[type] = value
  const year = parts.era === 'BC' ? 1 - Number(parts.year) : Number(parts.year)
  const shown = new Date(0)
  // Intl's calendar turns Julian before 1582, where its day must not be taken for a Gregorian one.
  if (milliseconds < -12_219_292_800_000) return julianFreeOffset(milliseconds, parts)
  shown.setUTCFullYear(year, Number(parts.month) - 1, Number(parts.day))
  shown.setUTCHours(Number(parts.hour), Number(parts.minute), Number(parts.second))
  return shown.getTime() - Math.floor(milliseconds / 1000) * 1000
}

/** The time of day alone tells an offset of less than half a day. */
function julianFreeOffset(milliseconds: number, parts: Readonly<Record<string, string>>): number {
  const shown = ((Number(parts.hour) * 60 + Number(parts.minute)) * 60 + Number(parts.second)) * 1000
  const seconds = Math.floor(milliseconds / 1000) * 1000
  const ofDay = ((seconds % day) + day) % day
  const difference = shown - ofDay
  return difference > day / 2 ? difference - day : difference < -day / 2 ? difference + day : difference
}

/** The wall time of an instant in a zone. */
export function toWall(at: Date, zone: string | undefined): Date | undefined {
  const offset = offsetAt(at.getTime(), zone)
  return offset === undefined ? undefined : new Date(at.getTime() + offset)
}

/**
 * The instant of a wall time in a zone. An hour that comes twice is the first of them; one that is left out is read
 * with the offset before the change.
 */
export function fromWall(wall: number, zone: string | undefined): Date | null {
  const before = offsetAt(wall - day, zone)
  const after = offsetAt(wall + day, zone)
  if (before === undefined || after === undefined) return null
  const fits = (offset: number): boolean => offsetAt(wall - offset, zone) === offset
  return instant(wall - (fits(before) || !fits(after) ? before : after))
}

/** Days since 31 December of the year 0, as Python counts. */
export const ordinal = (wall: Date): number => Math.floor(wall.getTime() / day) + 719_163

/** The day of the week, 1 for Monday to 7 for Sunday. */
export const isoWeekday = (wall: Date): number => wall.getUTCDay() || 7

/** The week of ISO 8601 that a day belongs to, and the year of that week. */
export function isoWeek(wall: Date): { readonly year: number; readonly week: number; readonly weekday: number } {
  const weekday = isoWeekday(wall)
  // The week belongs to the year of its Thursday.
  const thursday = new Date(wall.getTime() + (4 - weekday) * day)
  return { year: thursday.getUTCFullYear(), week: Math.ceil(dayOfYear(thursday) / 7), weekday }
}

/** 1 for 1 January. */
export function dayOfYear(wall: Date): number {
  const start = new Date(wall.getTime())
  start.setUTCMonth(0, 1)
  return Math.round((wall.getTime() - start.getTime()) / day) + 1
}

/** The text `YYYY-MM-DD` of a wall time. */
export const dayText = (wall: Date): string => wall.toISOString().slice(0, 10)

/** The offset as `+HHMM`, with `separator` between its parts, and with seconds where it has some. */
export function offsetText(offset: number, separator: string): string {
  const seconds = Math.round(Math.abs(offset) / 1000)
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  if (seconds % 60 !== 0) parts.push(seconds % 60)
  return (offset < 0 ? '-' : '+') + parts.map((part) => String(part).padStart(2, '0')).join(separator)
}
