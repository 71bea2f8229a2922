/** Runs of letters and digits; ideographs, kana and pictographs stand alone, as their scripts have no spaces. */
const wordPattern =
  /\p{Extended_Pictographic}|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{N}\p{Mc}])+/gu
const asciiWordPattern = /[a-z0-9]+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole ASCII range is meant
const asciiOnly = /^[\x00-\x7f]*$/

/**
 * The words of a text: lower-cased, compatibility forms and accents removed (Unicode NFKD), punctuation dropped.
 *
 * @example
 * ```ts
 * wordsOf('Zoë’s 2nd Café!') // ['zoe', 's', '2nd', 'cafe']
 * ```
 */
export function wordsOf(text: string): readonly string[] {
  const lower = text.toLowerCase()
  if (asciiOnly.test(lower)) return lower.match(asciiWordPattern) ?? []
  return (
    lower
      .normalize('NFKD')
      .replace(/\p{Mn}+/gu, '')
      .match(wordPattern) ?? []
  )
}

/**
 * Takes the English plural or third-person `s` off a word, by the three rules of the S-stemmer (Harman, "How effective
 * is suffixing?", JASIS 1991).
 *
 * @example
 * ```ts
 * stemOf('queries') // 'query'
 * ```
 */
export function stemOf(word: string): string {
  if (word.length < 4 || !word.endsWith('s')) return word
  if (word.endsWith('ies')) return /[ae]ies$/.test(word) ? word : `${word.slice(0, -3)}y`
  if (word.endsWith('es')) return /[aeo]es$/.test(word) ? word : word.slice(0, -1)
  return word.endsWith('us') || word.endsWith('ss') ? word : word.slice(0, -1)
}

/** The 32-bit FNV-1a hash (Fowler, Noll, Vo) of a word's UTF-16 units. */
export function hashOf(word: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
