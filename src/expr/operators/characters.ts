/** What Unicode says of characters, as Python's `str` methods see it. */

const asciiOnly = /^[\0-\x7f]*$/
const alphabetic = /^\p{L}+$/u
const decimal = /^\p{Nd}+$/u
/** Digits that are no decimals: superscripts, subscripts, circled and the like. */
const otherDigits =
  '\\u00b2\\u00b3\\u00b9\\u1369-\\u1371\\u19da\\u2070\\u2074-\\u2079\\u2080-\\u2089\\u2460-\\u2468\\u2474-\\u247c\\u2488-\\u2490\\u24ea\\u24f5-\\u24fd\\u24ff\\u2776-\\u277e\\u2780-\\u2788\\u278a-\\u2792\\u{10a40}-\\u{10a43}\\u{10e60}-\\u{10e68}\\u{11052}-\\u{1105a}\\u{1f100}-\\u{1f10a}'
const digit = new RegExp(`^[\\p{Nd}${otherDigits}]+$`, 'u')
/** Ideographs that mean a number. */
const numberIdeographs =
  '\\u3405\\u3483\\u382a\\u3b4d\\u4e00\\u4e03\\u4e07\\u4e09\\u4e5d\\u4e8c\\u4e94\\u4e96\\u4ebf\\u4ec0' +
  '\\u4edf\\u4ee8\\u4f0d\\u4f70\\u5104\\u5146\\u5169\\u516b\\u516d\\u5341\\u5343-\\u5345\\u534c' +
  '\\u53c1-\\u53c4\\u56db\\u58f1\\u58f9\\u5e7a\\u5efe\\u5eff\\u5f0c-\\u5f0e\\u5f10\\u62fe\\u634c\\u67d2' +
  '\\u6f06\\u7396\\u767e\\u8086\\u842c\\u8cae\\u8cb3\\u8d30\\u9621\\u9646\\u964c\\u9678\\u96f6\\uf96b' +
  '\\uf973\\uf978\\uf9b2\\uf9d1\\uf9d3\\uf9fd\\u{20001}\\u{20064}\\u{200e2}\\u{20121}\\u{2092a}' +
  '\\u{20983}\\u{2098c}\\u{2099c}\\u{20aea}\\u{20afd}\\u{20b19}\\u{22390}\\u{22998}\\u{23b1b}\\u{2626d}' +
  '\\u{2f890}'
const numeric = new RegExp(`^[\\p{N}${numberIdeographs}]+$`, 'u')
const alphanumeric = new RegExp(`^[\\p{L}\\p{N}${numberIdeographs}]+$`, 'u')
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are the characters in question
const space = /^[\s\x1c-\x1f\x85]+$/
const identifier = /^[\p{XIDS}_]\p{XIDC}*$/u
const lowercase = /\p{Lowercase}/u
const uppercase = /\p{Uppercase}/u
const titlecase = /\p{Lt}/u
const cased = /[\p{Lowercase}\p{Uppercase}\p{Lt}]/u

export const isAscii = (s: string): boolean => asciiOnly.test(s)
export const isAlpha = (s: string): boolean => alphabetic.test(s)
export const isDecimal = (s: string): boolean => decimal.test(s)
export const isDigit = (s: string): boolean => digit.test(s)
export const isNumeric = (s: string): boolean => numeric.test(s)
export const isAlnum = (s: string): boolean => alphanumeric.test(s)
export const isSpace = (s: string): boolean => space.test(s) && !s.includes('\ufeff')
export const isIdentifier = (s: string): boolean => identifier.test(s)
export const isLower = (s: string): boolean => lowercase.test(s) && !uppercase.test(s) && !titlecase.test(s)
export const isUpper = (s: string): boolean => uppercase.test(s) && !lowercase.test(s) && !titlecase.test(s)

/** Whether every run of letters begins with a capital, and there is one. */
export function isTitle(s: string): boolean {
  let inWord = false
  let any = false
  for (const ch of s) {
    const capital = uppercase.test(ch) || titlecase.test(ch)
    if (capital ? inWord : lowercase.test(ch) && !inWord) return false
    inWord = capital || lowercase.test(ch)
    any ||= inWord
  }
  return any
}

/** Every run of letters with a capital first and small letters after it. */
export function title(s: string): string {
  let inWord = false
  return mapCharacters(s, (ch, at) => {
    const mapped = inWord ? lowerAt(s, at, ch) : titleOf(ch)
    inWord = cased.test(ch)
    return mapped
  })
}

/** The first character as a capital, the others small. */
export const capitalize = (s: string): string =>
  mapCharacters(s, (ch, at) => (at === 0 ? titleOf(ch) : lowerAt(s, at, ch)))

/** Small letters where there were capitals, and capitals where there were small ones. */
export const swapCase = (s: string): string =>
  mapCharacters(s, (ch, at) => (lowercase.test(ch) ? ch.toUpperCase() : uppercase.test(ch) ? lowerAt(s, at, ch) : ch))

function mapCharacters(s: string, map: (ch: string, at: number) => string): string {
  let result = ''
  let at = 0
  for (const ch of s) {
    result += map(ch, at)
    at += ch.length
  }
  return result
}

/** A small letter; sigma has another form at the end of a word. */
function lowerAt(s: string, at: number, ch: string): string {
  if (ch !== 'Σ') return ch.toLowerCase()
  const after = /\p{Cased}\p{Case_Ignorable}*$/u.test(s.slice(0, at))
  const before = /^\p{Case_Ignorable}*\p{Cased}/u.test(s.slice(at + 1))
  return after && !before ? 'ς' : 'σ'
}

/** Letters that stand for two, of which only the first becomes a capital. */
const digraphs: Readonly<Record<string, string>> = {
  ŉ: 'ʼN',
  Ǆ: 'ǅ',
  ǅ: 'ǅ',
  ǆ: 'ǅ',
  Ǉ: 'ǈ',
  ǈ: 'ǈ',
  ǉ: 'ǈ',
  Ǌ: 'ǋ',
  ǋ: 'ǋ',
  ǌ: 'ǋ',
  Ǳ: 'ǲ',
  ǲ: 'ǲ',
  ǳ: 'ǲ',
}

/** A character at the head of a word. JavaScript knows capitals, but not Unicode's title case. */
function titleOf(ch: string): string {
  // Georgian has capitals, but does not begin words with them.
  if (/[\u10d0-\u10ff]/.test(ch)) return ch
  const digraph = digraphs[ch]
  if (digraph !== undefined) return digraph
  const upper = ch.toUpperCase()
  // An iota below the letter stays below it.
  if (/[\u1f80-\u1fff]/.test(ch) && upper.length > 1 && upper.endsWith('Ι')) {
    return `${upper.slice(0, -1)}\u0345`.normalize('NFC')
  }
  const [first = '', ...rest] = upper
  return first + rest.join('').toLowerCase()
}

/** Text for comparison without case: ß and SS are both ss. */
export function caseFold(s: string): string {
  let result = ''
  for (const ch of s) {
    // Cherokee folds to capitals, which it had first; the dotless i is no i; ẞ is the one capital without an expansion.
    if (/[\u13a0-\u13ff\uab70-\uabbf]/.test(ch)) result += ch.toUpperCase()
    else if (ch === 'ı') result += ch
    else if (ch === 'ẞ') result += 'ss'
    else for (const upper of ch.toUpperCase()) result += upper.toLowerCase()
  }
  return result
}
