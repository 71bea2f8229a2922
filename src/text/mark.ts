import { analyserOf, type TextAnalyser, type TextAnalysis } from './analyser.js'
import type { Phrase } from './text-query.js'

/** What was found, and how the index reads texts. */
export interface Matched {
  readonly analysis: TextAnalysis
  readonly phrases: readonly Phrase[]
}

/** How matches are marked. */
export interface Marks {
  readonly before: string
  readonly after: string
  /** Whether the text around the marks becomes HTML. */
  readonly html: boolean
}

/** How an extract is made. */
export interface ExtractOptions extends Marks {
  /** Terms that it has at most. */
  readonly words: number
  /** What stands for text that is left out. */
  readonly ellipsis: string
}

/** A stretch of a text. */
interface Span {
  readonly start: number
  readonly end: number
}

/** Where a phrase is, counted in terms. */
interface Hit {
  readonly first: number
  readonly last: number
  readonly phrase: Phrase
}

/** The text with every match of a phrase between marks. */
export function highlightText(text: string, { analysis, phrases }: Matched, marks: Marks): string {
  const { terms, spans } = readTerms(text, analyserOf(analysis))
  return marked(text, 0, text.length, spansOf(findHits(terms, phrases), spans), marks)
}

/** The part of the text that has the most of the phrases, marked; its beginning where it has none. */
export function extractText(
  text: string,
  { analysis, phrases }: Matched,
  { words, ellipsis, ...marks }: ExtractOptions,
): string {
  const { terms, spans } = readTerms(text, analyserOf(analysis))
  const hits = findHits(terms, phrases)
  if (spans.length <= words) return marked(text, 0, text.length, spansOf(hits, spans), marks)
  const first = bestStart(hits, words, spans.length)
  const last = first + words - 1
  const start = first === 0 ? 0 : spans[first]!.start
  const end = last === spans.length - 1 ? text.length : spans[last]!.end + closing(text.slice(spans[last]!.end))
  const inside = hits.filter((hit) => hit.first >= first && hit.last <= last)
  const extract = marked(text, start, end, spansOf(inside, spans), marks)
  return `${first === 0 ? '' : ellipsis}${extract}${end === text.length ? '' : ellipsis}`
}

/** The phrases that a text has, as the index reads it. */
export function foundPhrases(text: string, phrases: readonly Phrase[], analyser: TextAnalyser): string[] {
  const { terms } = readTerms(text, analyser)
  return [...new Set(findHits(terms, phrases).map(({ phrase }) => phrase.terms.join(' ')))]
}

function readTerms(text: string, analyser: TextAnalyser): { terms: string[]; spans: Span[] } {
  const terms: string[] = []
  const spans: Span[] = []
  analyser.each(text, (term, start, end) => {
    terms.push(term)
    spans.push({ start, end })
  })
  return { terms, spans }
}

/** Where phrases are, in the order of the text. */
function findHits(terms: readonly string[], phrases: readonly Phrase[]): Hit[] {
  const exact = new Map<string, Phrase[]>()
  const prefixes: Phrase[] = []
  for (const phrase of phrases) {
    const [head = ''] = phrase.terms
    if (phrase.prefix && phrase.terms.length === 1) prefixes.push(phrase)
    else exact.set(head, [...(exact.get(head) ?? []), phrase])
  }
  return terms.flatMap((term, first) => [
    ...prefixes.filter((phrase) => term.startsWith(phrase.terms[0]!)).map((phrase) => ({ first, last: first, phrase })),
    ...(exact.get(term) ?? [])
      .filter((phrase) => isAt(terms, first, phrase))
      .map((phrase) => ({ first, last: first + phrase.terms.length - 1, phrase })),
  ])
}

function isAt(terms: readonly string[], at: number, { terms: wanted, prefix }: Phrase): boolean {
  return wanted.every((term, i) => {
    const found = terms[at + i]
    return prefix && i === wanted.length - 1 ? found?.startsWith(term) : found === term
  })
}

/** The first term of the stretch that has the most phrases, then the most hits; they stand in its middle. */
function bestStart(hits: readonly Hit[], words: number, count: number): number {
  let best = { phrases: 0, hits: 0, first: 0, last: 0 }
  hits.forEach(({ first }, i) => {
    const inside = hits.slice(i, i + words).filter((hit) => hit.last < first + words)
    const phrases = new Set(inside.map((hit) => hit.phrase)).size
    if (phrases < best.phrases || (phrases === best.phrases && inside.length <= best.hits)) return
    best = { phrases, hits: inside.length, first, last: Math.max(...inside.map((hit) => hit.last)) }
  })
  const spare = words - (best.last - best.first + 1)
  return Math.max(0, Math.min(best.first - Math.floor(spare / 2), count - words))
}

/** Stretches of the text, those that touch or overlap as one. */
function spansOf(hits: readonly Hit[], spans: readonly Span[]): Span[] {
  const merged: { start: number; end: number }[] = []
  for (const { first, last, phrase } of hits) {
    const { start } = spans[first]!
    const end = endOf(phrase, last, spans)
    const before = merged.at(-1)
    if (before && start <= before.end) before.end = Math.max(before.end, end)
    else merged.push({ start, end })
  }
  return merged
}

/** Where a hit ends. Of a gram that was only begun the rest is not a part of it: the next grams tell where that starts. */
function endOf({ terms, prefix }: Phrase, last: number, spans: readonly Span[]): number {
  const { end } = spans[last]!
  const isGram = spans[last + 1] !== undefined && spans[last + 1]!.start < end
  return prefix && isGram ? Math.min(end, spans[last + [...terms.at(-1)!].length]?.start ?? end) : end
}

function marked(
  text: string,
  from: number,
  to: number,
  spans: readonly Span[],
  { before, after, html }: Marks,
): string {
  const plain = (start: number, end: number) => (html ? escapeHtml(text.slice(start, end)) : text.slice(start, end))
  let result = ''
  let at = from
  for (const { start, end } of spans) {
    result += plain(at, start) + before + plain(start, end) + after
    at = end
  }
  return result + plain(at, to)
}

/** How many characters close what stands before: the full stop or quote right after a word. */
const closing = (rest: string): number => /^[^\s\p{L}\p{N}]{0,3}(?=\s|$)/u.exec(rest)?.[0].length ?? 0

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!)
