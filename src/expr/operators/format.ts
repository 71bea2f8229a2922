import { round } from './math.js'
import { asJson } from './operator.js'
import { characters } from './slice.js'
import { strftime } from './strftime.js'

/** `{field!conversion:spec}`, `{{` or `}}`. */
const placeholder = /\{\{|\}\}|\{([^{}:!]*)(?:!([a-z]))?(?::([^{}]*))?\}|[{}]/g

/**
 * Fills in a template in Python's `str.format` syntax: `{}`, `{0}`, `{name}`, paths into JSON such as `{0[key]}` or
 * `{item.key}`, and format specifications such as `{:>8.2f}`, `{:,}` or `{:%Y-%m-%d}`. Numbers without a specification
 * look as in JavaScript. Undefined where the template asks for what is not there.
 */
export function format(template: string, values: readonly unknown[], names: readonly string[]): string | undefined {
  let next = 0
  let failed = false
  const result = template.replace(placeholder, (whole, field?: string, conversion?: string, spec?: string) => {
    if (whole === '{{') return '{'
    if (whole === '}}') return '}'
    if (field === undefined || (conversion !== undefined && conversion !== 's')) {
      failed = true
      return ''
    }
    const [, head = '', path = ''] = /^([^.[]*)(.*)$/s.exec(field)!
    const at = head === '' ? next++ : /^\d+$/.test(head) ? Number(head) : names.indexOf(head)
    const value = follow(values[at], path)
    const text = value === undefined ? undefined : formatValue(conversion ? plain(value) : value, spec ?? '')
    if (text === undefined) failed = true
    return text ?? ''
  })
  return failed ? undefined : result
}

function follow(value: unknown, path: string): unknown {
  let current = value
  for (const [, name, index] of path.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
    if (typeof current !== 'object' || current === null) return undefined
    const key = name ?? index!
    if (!Object.hasOwn(current, key)) return undefined
    current = (current as Record<string, unknown>)[key]
  }
  return current
}

/** A value without a specification. */
function plain(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Date) return value.toISOString()
  return JSON.stringify(asJson(value))
}

const specification = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/su

function formatValue(value: unknown, spec: string): string | undefined {
  if (spec === '') return plain(value)
  if (value instanceof Date) return strftime(value, spec)
  const match = specification.exec(spec)
  if (!match) return undefined
  const [, fill, align, sign = '-', alternate, zero, width, separator, precision, kind] = match
  const numeric = typeof value === 'number' || typeof value === 'bigint'
  if (!numeric && kind !== undefined && kind !== 's') return undefined
  let prefix = ''
  let body: string
  if (numeric && kind !== 's') {
    const digits = numberText(value, kind, precision === undefined ? undefined : Number(precision), alternate)
    if (digits === undefined) return undefined
    const negative = digits.startsWith('-')
    prefix = negative ? '-' : sign === '-' ? '' : sign
    body = group(negative ? digits.slice(1) : digits, separator, kind)
  } else {
    const text = characters(plain(value))
    body = (precision === undefined ? text : text.slice(0, Number(precision))).join('')
  }
  const missing = Number(width ?? 0) - characters(prefix + body).length
  if (missing <= 0) return prefix + body
  const filling = (fill ?? (zero && align === undefined ? '0' : ' ')).repeat(missing)
  switch (align ?? (zero && numeric ? '=' : numeric ? '>' : '<')) {
    case '<':
      return prefix + body + filling
    case '>':
      return filling + prefix + body
    case '=':
      return prefix + filling + body
    default: {
      const left = Math.floor(missing / 2) * (filling.length / missing)
      return filling.slice(0, left) + prefix + body + filling.slice(left)
    }
  }
}

const radixes: Readonly<Record<string, number>> = { b: 2, o: 8, x: 16, X: 16 }

function numberText(
  value: number | bigint,
  kind: string | undefined,
  precision: number | undefined,
  alternate: string | undefined,
): string | undefined {
  if (kind !== undefined && (kind in radixes || kind === 'd' || kind === 'c')) {
    if (typeof value === 'number' && !Number.isSafeInteger(value)) return undefined
    if (precision !== undefined) return undefined
    if (kind === 'c') return value >= 0 && value <= 0x10ffff ? String.fromCodePoint(Number(value)) : undefined
    if (kind === 'd') return String(value)
    const digits = (value < 0 ? -value : value).toString(radixes[kind])
    const text = `${alternate ? `0${kind}` : ''}${kind === 'X' ? digits.toUpperCase() : digits}`
    return value < 0 ? `-${text}` : text
  }
  const x = Number(value)
  if (!Number.isFinite(x)) return x > 0 ? 'inf' : '-inf'
  if (precision !== undefined && precision > 100) return undefined
  switch (kind) {
    case undefined:
      return precision === undefined ? String(value) : general(x, precision || 1)
    case 'f':
    case 'F':
      return Math.abs(x) < 1e21 ? fixed(x, precision ?? 6) : undefined
    case '%':
      return Math.abs(x) < 1e19 ? `${fixed(x * 100, precision ?? 6)}%` : undefined
    case 'e':
    case 'E': {
      const text = x.toExponential(precision ?? 6).replace(/e([-+])(\d)$/, 'e$10$2')
      return kind === 'E' ? text.toUpperCase() : text
    }
    default: {
      const text = general(x, (precision ?? 6) || 1)
      return kind === 'G' ? text.toUpperCase() : text
    }
  }
}

/** Decimal digits, a half to the even neighbour, as `round` has it. */
const fixed = (x: number, digits: number): string => round(x, digits).toFixed(digits)

/** So many significant digits, with an exponent where the number is very small or has more digits before the point. */
function general(x: number, precision: number): string {
  const exponent = x === 0 ? 0 : Number(x.toExponential(precision - 1).split('e')[1])
  if (exponent < -4 || exponent >= precision) {
    const [mantissa, power] = x.toExponential(precision - 1).split('e')
    const trimmed = mantissa!.includes('.') ? mantissa!.replace(/\.?0+$/, '') : mantissa!
    return `${trimmed}e${power!.replace(/^([-+])(\d)$/, '$10$2')}`
  }
  const text = x.toFixed(precision - 1 - exponent)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function group(digits: string, separator: string | undefined, kind: string | undefined): string {
  if (separator === undefined) return digits
  const size = kind !== undefined && kind in radixes ? 4 : 3
  const [, whole = '', rest = ''] = /^([0-9a-fA-F]+)(.*)$/s.exec(digits) ?? []
  return whole.replace(new RegExp(`\\B(?=([0-9a-fA-F]{${size}})+$)`, 'g'), separator) + rest
}
