import type { Range } from './range.js'

/** Scripts that are written without spaces: each letter with its marks is a token, as no dictionary is at hand. */
const unspaced = String.raw`\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Bopo}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}`
/** What never begins a grapheme: marks, joiners, and the vowels of Thai and Lao that attach to the letter before. */
const attached = String.raw`[\p{M}\u200c\u200d\u0e33\u0eb3\ufe0f]`
const letter = String.raw`(?:(?![${unspaced}])[\p{L}\p{N}_]${attached}*)`
const emoji = String.raw`\p{Extended_Pictographic}[\p{EMod}\p{M}\u{e0020}-\u{e007f}]*`

const token = new RegExp(
  [
    String.raw`\p{N}+(?:[.,]\p{N}+)+(?![\p{L}\p{M}_])`,
    `${letter}+(?:['’]${letter}+)*`,
    String.raw`\p{RI}{2}`,
    String.raw`${emoji}(?:\u200d${emoji})*${attached}*`,
    String.raw`\S${attached}*`,
  ].join('|'),
  'gu',
)

/**
 * The tokens of a stretch of text, in order. Together they hold all of it but white space. A token is a word with its
 * inner apostrophes, a number, one letter of a script written without spaces, an emoji, or one other character.
 */
export function tokenRanges(text: string, { start, end }: Range): Range[] {
  const tokens: Range[] = []
  token.lastIndex = 0
  for (const match of text.slice(start, end).matchAll(token)) {
    const at = start + match.index
    tokens.push({ start: at, end: at + match[0].length })
  }
  return tokens
}

/**
 * How many tokens a text has, as `token_limit` counts by default: words, numbers, punctuation marks, and single letters
 * of scripts that are written without spaces.
 *
 * @example
 * ```ts
 * countTokens("It isn't 1,000 km.") // 5: It, isn't, 1,000, km and the full stop
 * ```
 */
export function countTokens(text: string): number {
  return tokenRanges(text, { start: 0, end: text.length }).length
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The characters of a stretch as a reader counts them. For short stretches: the segmenter is slow on long ones. */
export function graphemeRanges(text: string, { start, end }: Range): Range[] {
  const parts: Range[] = []
  // Cut into steps, as the segmenter takes a time quadratic in the length of its input on Node 20.
  const step = 512
  for (let from = start; from < end; ) {
    const to = Math.min(end, from + step)
    const found = [...graphemes.segment(text.slice(from, to))]
    // The last one of a step may go on in the next.
    if (to < end && found.length > 1) found.pop()
    for (const { segment } of found) {
      parts.push({ start: from, end: from + segment.length })
      from += segment.length
    }
  }
  return parts
}

/** The code points of a stretch. */
export function codePointRanges(text: string, { start, end }: Range): Range[] {
  const parts: Range[] = []
  for (let from = start; from < end; ) {
    const to = Math.min(end, from + (text.codePointAt(from)! > 0xffff ? 2 : 1))
    parts.push({ start: from, end: to })
    from = to
  }
  return parts
}
