import type { ColumnType } from '../../types/column-type.js'
import { boolType, intType, stringType } from '../../types/scalars.js'
import * as characterClass from './characters.js'
import { capitalize, caseFold, swapCase, title } from './characters.js'
import { compare } from './compare.js'
import { format } from './format.js'
import { asJson, json, type Operator, type Operators } from './operator.js'
import { checkPattern, likePattern, patternOperands, regex } from './regex.js'
import { bounds, characters, codePoints, slice } from './slice.js'
import { wrap } from './wrap.js'

const bool = () => boolType
const text = () => stringType
const int = () => intType

/** Python's white space; JavaScript's has the byte order mark instead of the four ASCII separators and NEL. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are the characters in question
const whiteSpace = /[^\S\ufeff]|[\x1c-\x1f\x85]/
/** What ends a line, a carriage return and a line feed together. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are the characters in question
const lineEnd = /\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]/

/** The longest text that repetition and padding make, in UTF-16 units. */
const longest = 2 ** 26

const test = (f: (s: string) => boolean, call: string, does: string, pixeltable: string): Operator => ({
  operands: ['text'],
  result: bool,
  evaluate: f,
  docs: { call, does, pixeltable: [pixeltable] },
})

const map = (f: (s: string) => string, call: string, does: string, pixeltable: string): Operator => ({
  operands: ['text'],
  result: text,
  evaluate: f,
  docs: { call, does, pixeltable: [pixeltable] },
})

/** An operation with a constant regular expression. */
const search = (
  result: Operator['result'],
  f: (s: string, pattern: RegExp) => unknown,
  call: string,
  does: string,
  pixeltable: string,
): Operator => ({
  operands: ['text', 'text', 'text'],
  optional: 1,
  result,
  evaluate: (s: string, source: string, flags?: string) => f(s, regex(source, flags)),
  accept: patternOperands,
  check: (_, source, flags) => checkPattern(source, flags),
  docs: { call, does, pixeltable: [pixeltable] },
})

const trimming = (f: (s: string, chars?: ReadonlySet<string>) => string, docs: Operator['docs']): Operator => ({
  operands: ['text', 'text'],
  optional: 1,
  result: text,
  evaluate: (s: string, chars?: string) => f(s, chars === undefined ? undefined : new Set(chars)),
  docs: docs!,
})

const padding = (place: (missing: number) => [number, number], docs: Operator['docs']): Operator => ({
  operands: ['text', 'int', 'text'],
  optional: 1,
  result: text,
  evaluate(s: string, width: number, fill = ' ') {
    const missing = width - codePoints(s)
    if (missing <= 0 || fill === '') return s
    if (missing > longest) return null
    const [left, right] = place(missing)
    return filling(fill, left) + s + filling(fill, right)
  },
  docs: docs!,
})

const filling = (fill: string, length: number): string => {
  const units = characters(fill)
  return units.length === 1 ? fill.repeat(length) : Array.from({ length }, (_, i) => units[i % units.length]).join('')
}

/** Text. Positions and lengths count code points, as in SQL and Python, not UTF-16 units. */
export const textOperators: Operators = {
  upper: map((s) => s.toUpperCase(), 'upper()', 'In capitals.', 'string.upper'),
  lower: map((s) => s.toLowerCase(), 'lower()', 'In small letters.', 'string.lower'),
  capitalize: map(capitalize, 'capitalize()', 'The first character a capital, the others small.', 'string.capitalize'),
  title: map(title, 'title()', 'Every run of letters with a capital first.', 'string.title'),
  swapCase: map(swapCase, 'swapCase()', 'Capitals small, small letters capitals.', 'string.swapcase'),
  caseFold: map(caseFold, 'caseFold()', 'For comparison without case: ß and SS are both ss.', 'string.casefold'),

  trim: trimming((s, chars) => (chars ? trimEnd(trimStart(s, chars), chars) : s.trim()), {
    call: 'trim(characters?)',
    does: 'Without white space, or any of the characters, at both ends.',
    pixeltable: ['string.strip'],
  }),
  trimStart: trimming((s, chars) => (chars ? trimStart(s, chars) : s.trimStart()), {
    call: 'trimStart(characters?)',
    does: 'Without white space, or any of the characters, at the start.',
    pixeltable: ['string.lstrip'],
  }),
  trimEnd: trimming((s, chars) => (chars ? trimEnd(s, chars) : s.trimEnd()), {
    call: 'trimEnd(characters?)',
    does: 'Without white space, or any of the characters, at the end.',
    pixeltable: ['string.rstrip'],
  }),
  padStart: padding((missing) => [missing, 0], {
    call: 'padStart(width, fill = " ")',
    does: 'Filled at the start to a width.',
    pixeltable: ['string.rjust', 'string.pad'],
  }),
  padEnd: padding((missing) => [0, missing], {
    call: 'padEnd(width, fill = " ")',
    does: 'Filled at the end to a width.',
    pixeltable: ['string.ljust', 'string.pad'],
  }),
  center: {
    operands: ['text', 'int', 'text'],
    optional: 1,
    result: text,
    evaluate(s: string, width: number, fill = ' ') {
      const missing = width - codePoints(s)
      if (missing <= 0 || fill === '') return s
      if (missing > longest) return null
      // Python's rule: the odd one goes left where the width is odd too.
      const left = Math.floor(missing / 2) + ((missing % 2) & (width % 2))
      return filling(fill, left) + s + filling(fill, missing - left)
    },
    docs: {
      call: 'center(width, fill = " ")',
      does: 'Filled at both ends to a width.',
      pixeltable: ['string.center', 'string.pad'],
    },
  },
  zfill: {
    operands: ['text', 'int'],
    result: text,
    evaluate(s: string, width: number) {
      const missing = width - codePoints(s)
      if (missing <= 0) return s
      if (missing > longest) return null
      const sign = s.startsWith('-') || s.startsWith('+') ? s[0]! : ''
      return sign + '0'.repeat(missing) + s.slice(sign.length)
    },
    docs: {
      call: 'zfill(width)',
      does: 'Filled with zeros to a width, behind a sign.',
      pixeltable: ['string.zfill'],
    },
  },
  repeat: {
    operands: ['text', 'int'],
    result: text,
    evaluate: (s: string, n: number) => (n <= 0 ? '' : s.length * n > longest ? null : s.repeat(n)),
    docs: { call: 'repeat(n)', does: 'The text n times.', pixeltable: ['string.repeat'] },
  },

  startsWith: {
    operands: ['text', 'text'],
    result: bool,
    evaluate: (s: string, part: string) => s.startsWith(part),
    docs: { call: 'startsWith(part)', does: 'Whether the text begins so.', pixeltable: ['string.startswith'] },
  },
  endsWith: {
    operands: ['text', 'text'],
    result: bool,
    evaluate: (s: string, part: string) => s.endsWith(part),
    docs: { call: 'endsWith(part)', does: 'Whether the text ends so.', pixeltable: ['string.endswith'] },
  },
  like: {
    operands: ['text', 'text'],
    result: bool,
    evaluate: (s: string, pattern: string) => likePattern(pattern).test(s),
    docs: { call: 'like(pattern)', does: 'SQL’s LIKE with case: `%` is any text, `_` one character.' },
  },
  indexOf: {
    operands: ['text', 'text', 'int', 'int'],
    optional: 2,
    result: int,
    evaluate: (s: string, part: string, start?: number, end?: number) =>
      find(s, part, start, end, (within) => within.indexOf(part)),
    docs: {
      call: 'indexOf(part, start?, end?)',
      does: 'The first position of a part, −1 where there is none.',
      pixeltable: ['string.find', 'string.index'],
    },
  },
  lastIndexOf: {
    operands: ['text', 'text', 'int', 'int'],
    optional: 2,
    result: int,
    evaluate: (s: string, part: string, start?: number, end?: number) =>
      find(s, part, start, end, (within) => within.lastIndexOf(part)),
    docs: {
      call: 'lastIndexOf(part, start?, end?)',
      does: 'The last position of a part, −1 where there is none.',
      pixeltable: ['string.rfind', 'string.rindex'],
    },
  },
  replaceAll: {
    operands: ['text', 'text', 'text', 'int'],
    optional: 1,
    result: text,
    evaluate(s: string, part: string, by: string, count?: number) {
      const times = count === undefined || count < 0 ? Number.POSITIVE_INFINITY : count
      const pieces = part === '' ? ['', ...characters(s), ''] : s.split(part)
      if (times >= pieces.length - 1) return pieces.join(by)
      const kept = pieces.slice(times).join(part)
      return times === 0 ? kept : [...pieces.slice(0, times), kept].join(by)
    },
    docs: {
      call: 'replaceAll(part, by, count?)',
      does: 'With every occurrence (or the first `count`) of a part replaced.',
      pixeltable: ['string.replace'],
    },
  },
  removePrefix: {
    operands: ['text', 'text'],
    result: text,
    evaluate: (s: string, prefix: string) => (s.startsWith(prefix) ? s.slice(prefix.length) : s),
    docs: { call: 'removePrefix(part)', does: 'Without a part at the start.', pixeltable: ['string.removeprefix'] },
  },
  removeSuffix: {
    operands: ['text', 'text'],
    result: text,
    evaluate: (s: string, suffix: string) => (s.endsWith(suffix) ? s.slice(0, s.length - suffix.length) : s),
    docs: { call: 'removeSuffix(part)', does: 'Without a part at the end.', pixeltable: ['string.removesuffix'] },
  },
  sliceReplace: {
    operands: ['text', 'int', 'int', 'text'],
    optional: 3,
    result: text,
    evaluate(s: string, start?: number, end?: number, by = '') {
      const units = characters(s)
      const [from, to] = bounds(units.length, start, end)
      return units.slice(0, from).join('') + by + units.slice(Math.max(from, to)).join('')
    },
    docs: {
      call: 'sliceReplace(start?, end?, by = "")',
      does: 'With the characters from `start` to before `end` replaced.',
      pixeltable: ['string.slice_replace'],
    },
  },
  normalize: {
    operands: ['text', 'text'],
    optional: 1,
    result: text,
    evaluate: (s: string, form = 'NFC') => (forms.includes(form) ? s.normalize(form) : null),
    check: (_, form) =>
      typeof form !== 'string' || forms.includes(form) ? undefined : `expected one of ${forms.join(', ')}`,
    docs: {
      call: 'normalize(form = "NFC")',
      does: 'In a Unicode normal form: NFC, NFD, NFKC or NFKD.',
      pixeltable: ['string.normalize'],
    },
  },

  split: {
    operands: ['text', 'text', 'int'],
    optional: 2,
    result: json,
    evaluate: (s: string, separator?: string, limit?: number) => split(s, separator, limit),
    check: (_, separator) => (separator === '' ? 'expected a separator that is not empty' : undefined),
    docs: {
      call: 'split(separator?, limit?)',
      does: 'The parts between separators, or runs of white space; after `limit` cuts the rest stays whole.',
      pixeltable: ['string.split'],
    },
  },
  splitLast: {
    operands: ['text', 'text', 'int'],
    optional: 2,
    result: json,
    evaluate: (s: string, separator?: string, limit?: number) =>
      split(mirror(s), separator === undefined ? undefined : mirror(separator), limit)
        ?.map(mirror)
        .reverse(),
    check: (_, separator) => (separator === '' ? 'expected a separator that is not empty' : undefined),
    docs: {
      call: 'splitLast(separator?, limit?)',
      does: 'As `split`, with the cuts counted from the end.',
      pixeltable: ['string.rsplit'],
    },
  },
  splitLines: {
    operands: ['text', 'bool'],
    optional: 1,
    result: json,
    evaluate(s: string, keepEnds = false) {
      const pieces = s.split(new RegExp(`(${lineEnd.source})`))
      const lines: string[] = []
      for (let i = 0; i < pieces.length; i += 2) {
        const end = pieces[i + 1]
        if (end !== undefined || pieces[i] !== '') lines.push(keepEnds ? pieces[i]! + (end ?? '') : pieces[i]!)
      }
      return lines
    },
    docs: {
      call: 'splitLines(keepEnds = false)',
      does: 'The lines.',
      pixeltable: ['string.splitlines'],
    },
  },
  partition: {
    operands: ['text', 'text'],
    optional: 1,
    result: json,
    evaluate(s: string, separator = ' ') {
      const at = s.indexOf(separator)
      return separator === '' ? null : at < 0 ? [s, '', ''] : cut(s, at, separator)
    },
    docs: {
      call: 'partition(separator = " ")',
      does: 'What stands before the first separator, the separator, and what stands behind it.',
      pixeltable: ['string.partition'],
    },
  },
  partitionLast: {
    operands: ['text', 'text'],
    optional: 1,
    result: json,
    evaluate(s: string, separator = ' ') {
      const at = s.lastIndexOf(separator)
      return separator === '' ? null : at < 0 ? ['', '', s] : cut(s, at, separator)
    },
    docs: {
      call: 'partitionLast(separator = " ")',
      does: 'As `partition`, at the last separator.',
      pixeltable: ['string.rpartition'],
    },
  },
  wrap: {
    operands: ['text', 'int'],
    result: json,
    evaluate: (s: string, width: number) => wrap(s, width),
    docs: {
      call: 'wrap(width)',
      does: 'A paragraph as a list of lines of at most `width` characters.',
      pixeltable: ['string.wrap'],
    },
  },
  fill: {
    operands: ['text', 'int'],
    result: text,
    evaluate: (s: string, width: number) => wrap(s, width)?.join('\n'),
    docs: { call: 'fill(width)', does: 'The lines of `wrap` as one text.', pixeltable: ['string.fill'] },
  },
  formatWith: {
    operands: ['text', 'json', 'any'],
    optional: 1,
    variadic: true,
    result: text,
    nullAware: true,
    evaluate(template: string | null, names: readonly string[] | null, ...values) {
      return template === null || values.includes(null) ? null : format(template, values, names ?? [])
    },
    accept(...given: unknown[]) {
      const [first] = given
      const named = given.length === 1 && typeof first === 'object' && first !== null && isPlain(first)
      return named ? [Object.keys(first), ...Object.values(first)] : [[], ...given]
    },
    docs: {
      call: 'formatWith(...values) or formatWith({ name: value })',
      does: 'This as a template in Python’s format syntax, filled in: `{}`, `{0}`, `{name}`, `{:>8.2f}`.',
      pixeltable: ['string.format'],
    },
  },

  matches: search(
    bool,
    (s, pattern) => pattern.test(s),
    'matches(pattern)',
    'Whether a regular expression matches anywhere.',
    'string.contains_re',
  ),
  matchesStart: search(
    bool,
    (s, pattern) => regex(`^(?:${pattern.source})`, pattern.flags.replace('m', '')).test(s),
    'matchesStart(pattern)',
    'Whether a regular expression matches at the start.',
    'string.match',
  ),
  matchesWhole: search(
    bool,
    (s, pattern) => regex(`^(?:${pattern.source})$`, pattern.flags.replace('m', '')).test(s),
    'matchesWhole(pattern)',
    'Whether a regular expression matches the whole text.',
    'string.fullmatch',
  ),
  findAll: search(
    json,
    (s, pattern) =>
      Array.from(s.matchAll(regex(pattern.source, `${pattern.flags}g`)), ([whole, ...groups]) => {
        const parts = groups.map((group) => wellFormed(group ?? ''))
        return parts.length === 0 ? wellFormed(whole) : parts.length === 1 ? parts[0]! : parts
      }),
    'findAll(pattern)',
    'Every match of a regular expression: its text, or its group, or a list of its groups.',
    'string.findall',
  ),
  replaceRegex: {
    operands: ['text', 'text', 'text', 'text'],
    optional: 1,
    result: text,
    evaluate: (s: string, by: string, source: string, flags = 'u') =>
      wellFormed(s.replace(regex(source, `${flags}g`), by)),
    accept: (pattern: unknown, by: unknown) => [by, ...patternOperands(pattern)],
    check: (_, _by, source, flags) => checkPattern(source, flags),
    docs: {
      call: 'replaceRegex(pattern, by)',
      does: 'With every match of a regular expression replaced; `$1` or `$<name>` in `by` is a group.',
      pixeltable: ['string.replace_re'],
    },
  },

  isAlnum: test(characterClass.isAlnum, 'isAlnum()', 'Whether all are letters or digits.', 'string.isalnum'),
  isAlpha: test(characterClass.isAlpha, 'isAlpha()', 'Whether all are letters.', 'string.isalpha'),
  isAscii: test(characterClass.isAscii, 'isAscii()', 'Whether all are ASCII; true for no text.', 'string.isascii'),
  isDecimal: test(characterClass.isDecimal, 'isDecimal()', 'Whether all are decimal digits.', 'string.isdecimal'),
  isDigit: test(
    characterClass.isDigit,
    'isDigit()',
    'As `isDecimal`, and superscripts and the like.',
    'string.isdigit',
  ),
  isIdentifier: test(
    characterClass.isIdentifier,
    'isIdentifier()',
    'Whether it could be the name of a variable.',
    'string.isidentifier',
  ),
  isLower: test(characterClass.isLower, 'isLower()', 'Whether there are small letters, no capitals.', 'string.islower'),
  isNumeric: test(
    characterClass.isNumeric,
    'isNumeric()',
    'As `isDigit`, and fractions, roman and ideographic numbers.',
    'string.isnumeric',
  ),
  isSpace: test(characterClass.isSpace, 'isSpace()', 'Whether all is white space.', 'string.isspace'),
  isTitle: test(
    characterClass.isTitle,
    'isTitle()',
    'Whether every run of letters begins with a capital, and no other letter is one.',
    'string.istitle',
  ),
  isUpper: test(characterClass.isUpper, 'isUpper()', 'Whether there are capitals, no small letters.', 'string.isupper'),
}

/** What text has in common with lists. JSON shows only in the row which of them it is. */
export const sequenceOperators: Operators = {
  length: {
    operands: [['text', 'json', 'array']],
    result: int,
    evaluate(x) {
      if (typeof x === 'string') return codePoints(x)
      if (Array.isArray(x) || x instanceof Float32Array) return x.length
      if (typeof x !== 'object') return null
      return 'data' in x && ArrayBuffer.isView(x.data) ? x.shape[0] : Object.keys(x).length
    },
    docs: {
      call: 'length()',
      does: 'The number of characters (code points), elements of a list, keys of an object, or rows of an array.',
      pixeltable: ['string.len', 'json.len'],
    },
  },
  contains: {
    operands: [['text', 'json'], 'any'],
    result: bool,
    evaluate(x, part) {
      if (typeof x === 'string') return typeof part === 'string' ? x.includes(part) : null
      const wanted = asJson(part)
      if (Array.isArray(x)) return x.some((item) => item !== null && compare(item, wanted) === 0)
      return typeof x === 'object' && typeof wanted === 'string' ? Object.hasOwn(x, wanted) : null
    },
    docs: {
      call: 'contains(part)',
      does: 'Whether text has a part, a list an element, or an object a key.',
      pixeltable: ['string.contains', 'json.contains'],
    },
  },
  concat: {
    operands: [
      ['text', 'json'],
      ['text', 'json'],
    ],
    variadic: true,
    result: (types) => (types.every(isText) ? stringType : json()),
    evaluate: (...parts) =>
      parts.every((part) => typeof part === 'string')
        ? parts.join('')
        : parts.every(Array.isArray)
          ? parts.flat(1)
          : null,
    docs: {
      call: 'concat(...parts)',
      does: 'Texts, or lists, one behind the other.',
      pixeltable: ['json.concat'],
    },
  },
  count: {
    operands: [['text', 'json'], 'text', 'text'],
    optional: 2,
    result: int,
    evaluate(x, part?: string, flags?: string) {
      if (Array.isArray(x)) return part === undefined ? x.filter((item) => item !== null).length : null
      if (typeof x !== 'string' || part === undefined) return null
      if (flags !== undefined) return Array.from(x.matchAll(regex(part, `${flags}g`))).length
      return part === '' ? codePoints(x) + 1 : x.split(part).length - 1
    },
    accept: (...given: unknown[]) => (given.length === 0 ? [] : patternOperands(given[0])),
    check: (_, source, flags) => (typeof flags === 'string' ? checkPattern(source, flags) : undefined),
    docs: {
      call: 'count(part) or count()',
      does: 'How often text has a part (or a RegExp matches); or how many elements of a list are not null.',
      pixeltable: ['string.count', 'json.count'],
    },
  },
  slice: {
    operands: [['text', 'json'], 'int', 'int', 'int'],
    optional: 3,
    result: sameKind,
    evaluate(x, start?: number, end?: number, step?: number) {
      if (typeof x === 'string') return slice(characters(x), start, end, step)?.join('')
      return Array.isArray(x) ? slice(x, start, end, step) : null
    },
    check: (_, _start, _end, step) => (step === 0 ? 'expected a step other than 0' : undefined),
    docs: {
      call: 'slice(start?, end?, step = 1)',
      does: 'The characters or elements from `start` to before `end`; negative positions count from the end.',
      pixeltable: ['string.slice'],
    },
  },
  reverse: {
    operands: [['text', 'json']],
    result: sameKind,
    evaluate: (x) =>
      typeof x === 'string' ? characters(x).reverse().join('') : Array.isArray(x) ? x.toReversed() : null,
    docs: { call: 'reverse()', does: 'Back to front.', pixeltable: ['string.reverse'] },
  },
}

/** Text gives text; what may be a list is JSON. */
const isText = (type: ColumnType): boolean =>
  type.operators.includes('text') && type.name !== 'json' && type.name !== 'dynamic'

function sameKind([type]: readonly ColumnType[]): ColumnType {
  return type && isText(type) ? stringType : json()
}

const forms = ['NFC', 'NFD', 'NFKC', 'NFKD']

const wellFormed = (s: string): string => (s as unknown as { toWellFormed(): string }).toWellFormed()

function trimStart(s: string, chars: ReadonlySet<string>): string {
  let at = 0
  for (const ch of s) {
    if (!chars.has(ch)) break
    at += ch.length
  }
  return s.slice(at)
}

function trimEnd(s: string, chars: ReadonlySet<string>): string {
  const units = characters(s)
  let end = units.length
  while (end > 0 && chars.has(units[end - 1]!)) end--
  return units.slice(0, end).join('')
}

/** A position within a slice, in code points of the whole. */
function find(
  s: string,
  part: string,
  start: number | undefined,
  end: number | undefined,
  search: (within: string) => number,
): number {
  if (start === undefined && end === undefined) {
    const at = search(s)
    return at < 0 ? at : codePoints(s.slice(0, at))
  }
  const units = characters(s)
  const [from, to] = bounds(units.length, start, end)
  // Beyond the end there is nothing, not even the empty text.
  if (from > to || (part === '' && (start ?? 0) > units.length)) return -1
  const within = units.slice(from, to).join('')
  const at = search(within)
  return at < 0 ? at : from + codePoints(within.slice(0, at))
}

function split(s: string, separator: string | undefined, limit?: number): string[] | null {
  const cuts = limit === undefined || limit < 0 ? Number.POSITIVE_INFINITY : limit
  if (separator === undefined) return splitWhite(s, cuts)
  if (separator === '') return null
  const parts = s.split(separator)
  return cuts >= parts.length - 1 ? parts : [...parts.slice(0, cuts), parts.slice(cuts).join(separator)]
}

/** At runs of white space; none at the ends. */
function splitWhite(s: string, cuts: number): string[] {
  const parts: string[] = []
  let rest = dropWhite(s)
  while (rest !== '') {
    const end = rest.search(whiteSpace)
    if (end < 0 || parts.length >= cuts) {
      parts.push(rest)
      break
    }
    parts.push(rest.slice(0, end))
    rest = dropWhite(rest.slice(end))
  }
  return parts
}

const leadingWhite = new RegExp(`^(?:${whiteSpace.source})+`)
const dropWhite = (s: string): string => s.replace(leadingWhite, '')

const mirror = (s: string): string => characters(s).reverse().join('')

const cut = (s: string, at: number, separator: string): string[] => [
  s.slice(0, at),
  separator,
  s.slice(at + separator.length),
]

function isPlain(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
