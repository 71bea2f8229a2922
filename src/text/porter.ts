/**
 * The stem of an English word in small letters, after M. F. Porter, "An algorithm for suffix stripping" (1980), with
 * the two departures that its author made later (`bli` and `logi`).
 */
export function porterStem(word: string): string {
  if (word.length < 3) return word
  let stem = ending(presentAndPast(plural(word)))
  for (const step of steps) stem = withoutSuffix(stem, step)
  return finalL(finalE(stem))
}

/** The word with c for each consonant and v for each vowel; y is a vowel after a consonant. */
function sounds(word: string): string {
  let pattern = ''
  for (const letter of word) {
    const isVowel = 'aeiou'.includes(letter) || (letter === 'y' && pattern.endsWith('c'))
    pattern += isVowel ? 'v' : 'c'
  }
  return pattern
}

/** How often consonants follow vowels. */
const measure = (stem: string): number => sounds(stem).split('vc').length - 1
const hasVowel = (stem: string): boolean => sounds(stem).includes('v')
const endsDouble = (stem: string): boolean => /(.)\1$/.test(stem) && sounds(stem).endsWith('c')
/** Consonant, vowel, consonant, as in `hop`. */
const endsShort = (stem: string): boolean => sounds(stem).endsWith('cvc') && !/[wxy]$/.test(stem)

function plural(word: string): string {
  if (word.endsWith('sses') || word.endsWith('ies')) return word.slice(0, -2)
  return word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word
}

function presentAndPast(word: string): string {
  if (word.endsWith('eed')) return measure(word.slice(0, -3)) > 0 ? word.slice(0, -1) : word
  const [suffix] = /(?:ed|ing)$/.exec(word) ?? ['']
  const stem = word.slice(0, word.length - suffix.length)
  if (suffix === '' || !hasVowel(stem)) return word
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`
  if (endsDouble(stem) && !/[lsz]$/.test(stem)) return stem.slice(0, -1)
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem
}

const ending = (word: string): string => word.replace(/^(.+)y$/, (all, stem) => (hasVowel(stem) ? `${stem}i` : all))

function finalE(word: string): string {
  const stem = word.slice(0, -1)
  const size = measure(stem)
  return word.endsWith('e') && (size > 1 || (size === 1 && !endsShort(stem))) ? stem : word
}

const finalL = (word: string): string =>
  word.endsWith('ll') && measure(word.slice(0, -1)) > 1 ? word.slice(0, -1) : word

/** Suffixes with what stands in their place, and how much of a word must be left. The longest suffix counts. */
interface Step {
  readonly measure: number
  readonly suffixes: Readonly<Record<string, string>>
}

function withoutSuffix(word: string, step: Step): string {
  let suffix = ''
  for (const other in step.suffixes) if (other.length > suffix.length && word.endsWith(other)) suffix = other
  const stem = word.slice(0, word.length - suffix.length)
  if (suffix === '' || measure(stem) <= step.measure) return word
  return suffix === 'ion' && !/[st]$/.test(stem) ? word : stem + step.suffixes[suffix]
}

const gone = (suffixes: string): Record<string, string> =>
  Object.fromEntries(suffixes.split(' ').map((suffix) => [suffix, '']))

const steps: readonly Step[] = [
  {
    measure: 0,
    suffixes: {
      ational: 'ate',
      tional: 'tion',
      enci: 'ence',
      anci: 'ance',
      izer: 'ize',
      bli: 'ble',
      alli: 'al',
      entli: 'ent',
      eli: 'e',
      ousli: 'ous',
      ization: 'ize',
      ation: 'ate',
      ator: 'ate',
      alism: 'al',
      iveness: 'ive',
      fulness: 'ful',
      ousness: 'ous',
      aliti: 'al',
      iviti: 'ive',
      biliti: 'ble',
      logi: 'log',
    },
  },
  {
    measure: 0,
    suffixes: { icate: 'ic', ative: '', alize: 'al', iciti: 'ic', ical: 'ic', ful: '', ness: '' },
  },
  {
    measure: 1,
    suffixes: gone('al ance ence er ic able ible ant ement ment ent ion ou ism ate iti ous ive ize'),
  },
]
