import { isAscii, LetterFolding } from './fold.js'
import { porterStem } from './porter.js'
import { englishStopWords } from './stop-words.js'

/** How a text index reads texts. */
export interface TextAnalysis {
  /** A BCP-47 tag, or `none`. English is stemmed. */
  readonly language: string
  /** Whether it is an index of words, or of substrings. */
  readonly tokenizer: 'words' | 'trigram'
}

/**
 * Hears of each term of a text.
 * @param term as the index has it: ASCII letters and digits, and any other characters
 * @param start where it is in the text, in UTF-16 units
 * @param isTail whether it is a gram that the end of its run cut short
 */
export type EachTerm = (term: string, start: number, end: number, isTail: boolean) => void

/** Turns texts into the terms that an index has of them. Queries and marked texts go through the same. */
export interface TextAnalyser {
  readonly analysis: TextAnalysis
  each(text: string, visitor: EachTerm): void
  /** Whether the language has stop words. */
  readonly knowsStopWords: boolean
  /** Whether a term says nothing of what a text is about. */
  isStopWord(term: string): boolean
  /** Terms that words with this beginning may have become, beside those that begin so. */
  completions(beginning: string): readonly string[]
}

const analysers = new Map<string, TextAnalyser>()

/** The analyser of an index. */
export function analyserOf({ language, tokenizer }: TextAnalysis): TextAnalyser {
  const key = `${tokenizer}:${language}`
  let analyser = analysers.get(key)
  if (!analyser) {
    analyser = tokenizer === 'trigram' ? new TrigramAnalyser(language) : new WordAnalyser(language)
    analysers.set(key, analyser)
  }
  return analyser
}

/** The terms of a text, with a space between them: what is stored in an index. */
export function termsOf(text: string, analyser: TextAnalyser): string {
  let terms = ''
  analyser.each(text, (term) => {
    terms += terms === '' ? term : ` ${term}`
  })
  return terms
}

/** The longest term, in UTF-16 units. What is longer is no word, and is cut. */
const longest = 100
/** Words whose terms are remembered. */
const rememberedWords = 50_000

const asciiWord = /[A-Za-z0-9]+/g
const anyWord = /[\p{L}\p{N}][\p{L}\p{N}\p{M}\u00ad\u200c\u200d]*|\p{Extended_Pictographic}/gu
/** Scripts that put no spaces between words, and whose words are seldom known exactly. */
const ideographic =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u30fc\uff70\uff9e\uff9f]/u
/** Scripts that put no spaces between words, and that `Intl.Segmenter` has dictionaries for. */
const unspaced = /[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const runs = new RegExp(
  `(?<cjk>(?:${ideographic.source}\\p{M}*)+)|(?<unspaced>(?:${unspaced.source}\\p{M}*)+)|(?:(?!${ideographic.source}|${unspaced.source}).)+`,
  'gsu',
)
/** What `Intl.Segmenter` gets at a time: it takes quadratic time. */
const segmentedAtOnce = 200

/**
 * Words: runs of letters and digits, folded, and stemmed in English. Runs of Chinese, Japanese and Korean are pairs of
 * characters, so that any part of them is found whatever the words are; those of Thai and its neighbours are segmented.
 */
class WordAnalyser implements TextAnalyser {
  readonly analysis: TextAnalysis
  readonly #folding: LetterFolding
  readonly #isEnglish: boolean
  readonly #known = new Map<string, readonly string[]>()
  readonly #segmenter: Intl.Segmenter

  constructor(language: string) {
    this.analysis = { language, tokenizer: 'words' }
    this.#folding = new LetterFolding(language)
    this.#isEnglish = language !== 'none' && new Intl.Locale(language).language === 'en'
    this.#segmenter = new Intl.Segmenter('en', { granularity: 'word' })
  }

  each(text: string, visitor: EachTerm): void {
    if (isAscii(text)) {
      for (const { 0: word, index } of text.matchAll(asciiWord)) this.#word(word, index, visitor)
      return
    }
    for (const { 0: word, index } of text.matchAll(anyWord)) {
      if (isAscii(word) || (!ideographic.test(word) && !unspaced.test(word))) this.#word(word, index, visitor)
      else this.#unspacedWord(word, index, visitor)
    }
  }

  get knowsStopWords(): boolean {
    return this.#isEnglish
  }

  isStopWord(term: string): boolean {
    return this.#isEnglish && stemmedStopWords.has(term)
  }

  completions(beginning: string): readonly string[] {
    if (!this.#isEnglish || !/^[a-z]+$/.test(beginning)) return []
    const stems = endings.flatMap((ending) =>
      Array.from({ length: ending.length + 1 }, (_, i) => i).flatMap((i) =>
        beginning.endsWith(ending.slice(0, i)) ? [porterStem(beginning + ending.slice(i))] : [],
      ),
    )
    return [...new Set(stems)].filter((stem) => !stem.startsWith(beginning))
  }

  #word(word: string, at: number, visitor: EachTerm): void {
    let terms = this.#known.get(word)
    if (terms === undefined) {
      terms = this.#terms(word)
      if (this.#known.size >= rememberedWords) this.#known.clear()
      if (word.length <= longest) this.#known.set(word, terms)
    }
    for (const term of terms) visitor(term, at, at + word.length, false)
  }

  /** Usually one; a compatibility character such as ½ may stand for several. */
  #terms(word: string): readonly string[] {
    const folded = this.#folding.fold(word)
    const words = isAscii(folded) ? folded.match(asciiWord) : folded.match(anyWord)
    return (words ?? []).map((part) => {
      const term = part.length > longest ? wellFormed(part.slice(0, longest)) : part
      return this.#isEnglish && /^[a-z]+$/.test(term) ? porterStem(term) : term
    })
  }

  #unspacedWord(word: string, at: number, visitor: EachTerm): void {
    for (const { 0: run, index, groups } of word.matchAll(runs)) {
      const start = at + index
      if (groups?.cjk) eachGram(unitsOf(run, this.#folding), 2, start, visitor)
      else if (groups?.unspaced) this.#segments(run, start, visitor)
      else this.#word(run, start, visitor)
    }
  }

  #segments(run: string, at: number, visitor: EachTerm): void {
    for (let start = 0; start < run.length; start += segmentedAtOnce) {
      for (const { segment, index } of this.#segmenter.segment(run.slice(start, start + segmentedAtOnce))) {
        this.#word(segment, at + start + index, visitor)
      }
    }
  }
}

const stemmedStopWords: ReadonlySet<string> = new Set([...englishStopWords].map(porterStem))

/** Endings that a beginning may be a part of. */
const endings = [
  '',
  'ing',
  'ings',
  'ed',
  'es',
  'ies',
  'er',
  'ation',
  'ational',
  'ization',
  'ity',
  'ness',
  'able',
  'ive',
  'al',
  'ement',
  'ance',
  'ence',
  'e',
  'y',
  'ly',
]

/** Substrings: the three characters from each one on, white space as one space. */
class TrigramAnalyser implements TextAnalyser {
  readonly analysis: TextAnalysis
  readonly knowsStopWords = false
  readonly #folding: LetterFolding

  constructor(language: string) {
    this.analysis = { language, tokenizer: 'trigram' }
    this.#folding = new LetterFolding(language)
  }

  each(text: string, visitor: EachTerm): void {
    eachGram(unitsOf(text, this.#folding), 3, 0, visitor)
  }

  isStopWord(): boolean {
    return false
  }

  completions(): readonly string[] {
    return []
  }
}

/** Folded characters, and where they are. */
interface Units {
  readonly characters: readonly string[]
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

const unit = /\s+|.\p{M}*[\uff9e\uff9f]?/gsu

function unitsOf(text: string, folding: LetterFolding): Units {
  const characters: string[] = []
  const starts: number[] = []
  const ends: number[] = []
  for (const { 0: part, index } of text.matchAll(unit)) {
    for (const character of folding.fold(part.trim() === '' ? ' ' : part)) {
      characters.push(asTermCharacter(character))
      starts.push(index)
      ends.push(index + part.length)
    }
  }
  return { characters, starts, ends }
}

/** Terms have no ASCII punctuation, so that a space parts them; its full-width forms are free, since folding undoes them. */
function asTermCharacter(character: string): string {
  if (character.length > 1 || character > '\x7e') return wellFormed(character)
  if (/[a-z0-9]/i.test(character)) return character
  return character > ' ' ? String.fromCharCode(character.charCodeAt(0) + 0xfee0) : '\u3000'
}

/** The `size` characters from each one on, fewer at the end. */
function eachGram({ characters, starts, ends }: Units, size: number, offset: number, visitor: EachTerm): void {
  for (let i = 0; i < characters.length; i++) {
    const end = Math.min(i + size, characters.length)
    let term = ''
    for (let j = i; j < end; j++) term += characters[j]
    visitor(term, offset + starts[i]!, offset + ends[end - 1]!, end - i < size)
  }
}

// String.prototype.toWellFormed is in Node 20, but not yet in the ES2023 library types.
const wellFormed = (text: string): string => (text as unknown as { toWellFormed(): string }).toWellFormed()
