import type { TextAnalyser } from './analyser.js'

/** Terms that follow each other in a text. */
export interface Phrase {
  readonly terms: readonly string[]
  /** Whether the last one may go on. */
  readonly prefix: boolean
}

/** What a text search looks for. Rows rank by all that is not in `none`. */
export interface TextQuery {
  /** One of these is enough, where nothing is required. */
  readonly any: readonly Phrase[]
  /** Of each of these lists one must be there. */
  readonly all: readonly (readonly Phrase[])[]
  /** None of these may be there. */
  readonly none: readonly Phrase[]
}

/** How words without a sign go together. */
export type TextOperator = 'or' | 'and'

/** A word or a quoted phrase as it was written, with its signs. */
interface Item {
  readonly sign: '+' | '-' | ''
  readonly text: string
  readonly quoted: boolean
  readonly prefix: boolean
}

/** A sign, then a phrase in quotes or a word, then a star. A quote that is not closed parts words as a space does. */
const items = /(?:(?<![^\s"])([+-]))?"([^"]*)"(\*?)|(?<![^\s"])([+-]?)([^\s"]+?)(\*?)(?=[\s"]|$)/g

/**
 * What a user's words ask for: words, `"exact phrases"`, `+required`, `-excluded`, `begin*`. Every text is a query.
 * Stop words count where they are signed, quoted or alone.
 */
export function parseTextQuery(text: string, analyser: TextAnalyser, operator: TextOperator): TextQuery {
  const plain: (readonly Phrase[])[] = []
  const stopped: (readonly Phrase[])[] = []
  const all: (readonly Phrase[])[] = []
  const none: Phrase[] = []
  for (const { sign, text: words, quoted, prefix } of itemsOf(text)) {
    const whole = quoted || sign !== '' || analyser.analysis.tokenizer === 'trigram'
    const phrases = whole ? phraseOf(words, prefix, analyser) : wordsOf(words, prefix, analyser)
    for (const phrase of phrases) {
      const alternatives = [phrase, ...completionsOf(phrase, analyser)]
      const isStopWord = !whole && !phrase.prefix && analyser.isStopWord(phrase.terms[0]!)
      if (sign === '-') none.push(...alternatives)
      else if (sign === '+') all.push(alternatives)
      else (isStopWord ? stopped : plain).push(alternatives)
    }
  }
  const optional = plain.length === 0 && all.length === 0 ? stopped : plain
  const required = operator === 'and' ? [...all, ...optional] : all
  return {
    any: distinct(operator === 'and' ? [] : optional.flat()),
    all: distinctLists(required),
    none: distinct(none),
  }
}

/** Everything that a query ranks by, each once. */
export const wantedPhrases = ({ any, all }: TextQuery): Phrase[] => distinct([...all.flat(), ...any])

function* itemsOf(text: string): Generator<Item> {
  for (const [, phraseSign, phrase, phraseStar, wordSign, word, wordStar] of text.matchAll(items)) {
    yield {
      sign: (phraseSign ?? wordSign ?? '') as Item['sign'],
      text: phrase ?? word!,
      quoted: phrase !== undefined,
      prefix: (phraseStar ?? wordStar) === '*',
    }
  }
}

/** Each term by itself. Of grams the whole ones, which say all that the cut ones do. */
function wordsOf(words: string, prefix: boolean, analyser: TextAnalyser): Phrase[] {
  const terms = termsIn(words, analyser)
  return terms.flatMap(({ term, isTail, run }, i): Phrase[] => {
    if (isTail && i > 0 && terms[i - 1]!.run === run) return []
    return [{ terms: [term], prefix: isTail || (prefix && i === terms.length - 1) }]
  })
}

/** All terms in a row. A gram that the end of the text cuts short is the beginning of one there. */
function phraseOf(words: string, prefix: boolean, analyser: TextAnalyser): Phrase[] {
  const terms = termsIn(words, analyser)
  const last = terms.at(-1)
  if (!last) return []
  const lastRun = terms.findIndex(({ run }) => run === last.run)
  const firstTail = terms.findIndex(({ isTail }, i) => isTail && i >= lastRun)
  const isCut = firstTail === lastRun
  const used = terms.slice(0, firstTail < 0 ? undefined : isCut ? lastRun + 1 : firstTail)
  return [{ terms: used.map(({ term }) => term), prefix: isCut || (prefix && firstTail < 0) }]
}

interface RunTerm {
  readonly term: string
  readonly isTail: boolean
  /** Grams of one run overlap, and have the same number. */
  readonly run: number
}

function termsIn(words: string, analyser: TextAnalyser): RunTerm[] {
  const terms: RunTerm[] = []
  let run = 0
  let lastEnd = 0
  analyser.each(words, (term, start, end, isTail) => {
    if (start >= lastEnd) run++
    lastEnd = end
    terms.push({ term, isTail, run })
  })
  return terms
}

const completionsOf = ({ terms, prefix }: Phrase, analyser: TextAnalyser): Phrase[] =>
  prefix && terms.length === 1 ? analyser.completions(terms[0]!).map((term) => ({ terms: [term], prefix: false })) : []

const keyOf = ({ terms, prefix }: Phrase): string => `${terms.join(' ')}${prefix ? '*' : ''}`

const distinct = (phrases: readonly Phrase[]): Phrase[] => [...new Map(phrases.map((p) => [keyOf(p), p])).values()]

const distinctLists = (lists: readonly (readonly Phrase[])[]): (readonly Phrase[])[] => [
  ...new Map(lists.map((list) => [list.map(keyOf).join('|'), list])).values(),
]
