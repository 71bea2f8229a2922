import { dayOfYear, isoWeek, isoWeekday, offsetAt, offsetText, toWall } from './calendar.js'

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

const pad = (n: number, width = 2, fill = '0'): string => String(n).padStart(width, fill)
const hour12 = (wall: Date): number => wall.getUTCHours() % 12 || 12

type Directive = (wall: Date, at: Date, zone: string | undefined) => string

/** The codes of C and Python in the C locale. Those of the offset are empty for a calendar day, which has no zone. */
const directives: Readonly<Record<string, Directive>> = {
  a: (w) => weekdays[w.getUTCDay()]!.slice(0, 3),
  A: (w) => weekdays[w.getUTCDay()]!,
  w: (w) => String(w.getUTCDay()),
  u: (w) => String(isoWeekday(w)),
  d: (w) => pad(w.getUTCDate()),
  e: (w) => pad(w.getUTCDate(), 2, ' '),
  b: (w) => months[w.getUTCMonth()]!.slice(0, 3),
  h: (w) => months[w.getUTCMonth()]!.slice(0, 3),
  B: (w) => months[w.getUTCMonth()]!,
  m: (w) => pad(w.getUTCMonth() + 1),
  y: (w) => pad(w.getUTCFullYear() % 100),
  Y: (w) => pad(w.getUTCFullYear(), 4),
  C: (w) => pad(Math.floor(w.getUTCFullYear() / 100)),
  G: (w) => pad(isoWeek(w).year, 4),
  g: (w) => pad(isoWeek(w).year % 100),
  V: (w) => pad(isoWeek(w).week),
  U: (w) => pad(Math.floor((dayOfYear(w) + 6 - w.getUTCDay()) / 7)),
  W: (w) => pad(Math.floor((dayOfYear(w) + 7 - isoWeekday(w)) / 7)),
  j: (w) => pad(dayOfYear(w), 3),
  H: (w) => pad(w.getUTCHours()),
  k: (w) => pad(w.getUTCHours(), 2, ' '),
  I: (w) => pad(hour12(w)),
  l: (w) => pad(hour12(w), 2, ' '),
  p: (w) => (w.getUTCHours() < 12 ? 'AM' : 'PM'),
  P: (w) => (w.getUTCHours() < 12 ? 'am' : 'pm'),
  M: (w) => pad(w.getUTCMinutes()),
  S: (w) => pad(w.getUTCSeconds()),
  f: (w) => pad(w.getUTCMilliseconds() * 1000, 6),
  s: (_, at) => String(Math.floor(at.getTime() / 1000)),
  z: (_, at, zone) => offsetText(offsetAt(at.getTime(), zone) ?? 0, ''),
  Z: (_, at, zone) => zoneName(at, zone),
  n: () => '\n',
  t: () => '\t',
  '%': () => '%',
}

/** Codes that stand for several. */
const composite: Readonly<Record<string, string>> = {
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
}

/**
 * Date and time by the codes of C's strftime, in English, on the wall clock of a zone (UTC without one). A code that is
 * unknown stays as it is. Undefined for a name that is no zone.
 */
export function strftime(at: Date, format: string, zone?: string): string | undefined {
  const wall = toWall(at, zone)
  if (wall === undefined) return undefined
  return format
    .replace(/%([cDFrRTxX%])/g, (code, letter: string) => composite[letter] ?? code)
    .replace(/%([a-zA-Z%])/g, (code, letter: string) => directives[letter]?.(wall, at, zone) ?? code)
}

function zoneName(at: Date, zone: string | undefined): string {
  if (zone === undefined) return 'UTC'
  const clock = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'short' })
  return clock.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? zone
}
