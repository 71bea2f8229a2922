import { ambiguous, beforeNumber, germanMonths, starters, titles } from './abbreviations.js'
import { type Range, splitRange, trimRange } from './range.js'

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })

/** The segmenter takes a time quadratic in the length of its input on Node 20, so it sees this many units at a time. */
const window = 1_500
/** A run without any sentence end is cut at this length, at white space. */
const longest = 8 * window

/**
 * Splits a text into sentences, for any language that ends them with marks. Blank lines always end one; a single line
 * break does when the lines are not those of a wrapped paragraph. Abbreviations ("Dr.", "e.g.", "No. 5"), initials and
 * German dates do not. The sentences together hold all of the text but the white space between them.
 *
 * @example
 * ```ts
 * sentences('Dr. Smith lives in the U.S. with two cats. They agree.')
 * // ['Dr. Smith lives in the U.S. with two cats.', 'They agree.']
 * ```
 */
export function sentences(text: string): string[] {
  return sentenceRanges(text, { start: 0, end: text.length }).map(({ start, end }) => text.slice(start, end))
}

/** The sentences of a stretch of text, in order, without the white space around them. */
export function sentenceRanges(text: string, range: Range): Range[] {
  return splitRange(text, range, /\n[^\S\n]*(?:\n[^\S\n]*)+/g)
    .flatMap((paragraph) => logicalLines(text, paragraph))
    .flatMap((line) => sentencesOfLine(text, line))
}

/** The longest line that someone wraps by hand. */
const wrapWidth = 120
const listMarker = /^\s*(?:[-*+•▪◦‣–—]|\d{1,3}[.)]|\(?[a-z]\))\s/

/** The lines of a paragraph, where those that were only wrapped are one. */
function logicalLines(text: string, paragraph: Range): Range[] {
  const lines = splitRange(text, paragraph, /\n/g)
  const width = lines.reduce((max, { start, end }) => Math.max(max, end - start), 0)
  const joined: Range[] = []
  let before: Range | undefined
  for (const line of lines) {
    const wrapped =
      before !== undefined &&
      width <= wrapWidth &&
      (before.end - before.start) * 2 >= width &&
      !listMarker.test(text.slice(line.start, line.start + 8))
    if (wrapped) joined.push({ start: joined.pop()!.start, end: line.end })
    else joined.push(line)
    before = line
  }
  return joined
}

function sentencesOfLine(text: string, line: Range): Range[] {
  const found: Range[] = []
  for (const part of segments(text, line)) {
    const last = found.at(-1)
    if (last !== undefined && belongTogether(text, last, part))
      found.splice(-1, 1, { start: last.start, end: part.end })
    else found.push(part)
  }
  return found
}

/** What the segmenter takes for sentences, a window at a time. */
function* segments(text: string, { start, end }: Range): Generator<Range> {
  let size = window
  for (let from = start; from < end; ) {
    const to = Math.min(end, from + size)
    // A line break would end a sentence for the segmenter.
    const seen = text.slice(from, to).replace(/[\n\r\v\f\u0085\u2028\u2029]/g, ' ')
    const found = [...segmenter.segment(seen)]
    if (to < end) {
      // The last one may go on behind the window.
      if (found.length > 1) found.pop()
      else if (size < longest) {
        size *= 2
        continue
      } else found.splice(0, 1, { ...found[0]!, segment: seen.slice(0, lastGap(seen)) })
    }
    size = window
    for (const { segment } of found) {
      const sentence = trimRange(text, { start: from, end: from + segment.length })
      if (sentence !== null) yield sentence
      from += segment.length
    }
  }
}

/** Where a text may be cut near its end: behind white space, else anywhere but inside a surrogate pair. */
function lastGap(text: string): number {
  const space = text.lastIndexOf(' ', text.length - 2)
  if (space > text.length / 2) return space + 1
  return /[\ud800-\udbff]$/.test(text) ? text.length - 1 : text.length
}

/** Whether the segmenter was wrong to end a sentence between the two. */
function belongTogether(text: string, before: Range, after: Range): boolean {
  const end = text.slice(Math.max(before.start, before.end - 40), before.end)
  const next = text.slice(after.start, after.start + 40)
  // "Really?" she asked.
  if (/[?!…]["'”’»)\]]+$/.test(end) && /^\p{Ll}/u.test(next)) return true

  const word = /(?:^|[\s("'“‘„«[/–—-])([\p{L}\p{M}\p{N}.]+)\.$/u.exec(end)?.[1]
  if (word === undefined) return false
  const known = word.toLowerCase()
  const nextWord = /^\p{L}[\p{L}\p{M}]*/u.exec(next)?.[0].toLowerCase() ?? ''
  if (titles.has(known)) return true
  if (beforeNumber.has(known) && /^[\p{N}#]/u.test(next)) return true
  // A list's number, or a German date.
  if (/^\p{N}{1,3}$/u.test(word) && (before.end - before.start === word.length + 1 || germanMonths.has(nextWord)))
    return true
  // Initials (J. Smith), acronyms (U.S., a.m.) and words such as Inc. end a sentence only where a new one clearly begins.
  const short = /^\p{Lu}$/u.test(word) || /^\p{L}{1,2}(?:\.\p{L}{1,2})+$/u.test(word) || ambiguous.has(known)
  return short && !starters.has(nextWord) && /^[\p{L}\p{N}]/u.test(next)
}
