import { hashOf, stemOf, wordsOf } from './words.js'

/** Marks a piece that continues a word. */
export const continuation = '##'

/** Words longer than this are not cut into pieces: they are hashes, encoded data or unspaced scripts. */
const longestWord = 40

/** The distinct features of a text with their numbers of occurrences. */
export interface Features {
  /** Number of occurrences by token of the vocabulary. */
  readonly tokens: Map<number, number>
  /** Number of occurrences by hash of a word that the vocabulary lacks. */
  readonly unknown: Map<number, number>
}

/**
 * Cuts texts into the tokens of a vocabulary. A word is one token where the vocabulary has it or its singular.
 * Any other word becomes its longest pieces from the left (the WordPiece rule: Wu et al., "Google's Neural Machine
 * Translation System", 2016) and, so that rare names still match exactly, the hash of its singular (feature hashing:
 * Weinberger et al., ICML 2009).
 *
 * @example
 * ```ts
 * const { tokens } = new Tokenizer(['cat', 'un', '##cat']).features('Cats uncat')
 * tokens // Map { 0 => 1, 1 => 1, 2 => 1 }
 * ```
 */
export class Tokenizer {
  readonly #words = new Map<string, number>()
  readonly #continuations = new Map<string, number>()
  readonly #longestPiece: number

  constructor(vocabulary: readonly string[]) {
    let longest = 1
    vocabulary.forEach((token, id) => {
      const continues = token.startsWith(continuation)
      const text = continues ? token.slice(continuation.length) : token
      ;(continues ? this.#continuations : this.#words).set(text, id)
      longest = Math.max(longest, text.length)
    })
    this.#longestPiece = longest
  }

  /** Counts the tokens and unknown words of `text`. */
  features(text: string): Features {
    const tokens = new Map<number, number>()
    const unknown = new Map<number, number>()
    for (const word of wordsOf(text)) {
      let id = this.#words.get(word)
      if (id === undefined) {
        const stem = stemOf(word)
        if (stem !== word) id = this.#words.get(stem)
        if (id === undefined) {
          count(unknown, hashOf(stem))
          this.#pieces(stem, tokens)
          continue
        }
      }
      count(tokens, id)
    }
    return { tokens, unknown }
  }

  #pieces(word: string, tokens: Map<number, number>): void {
    if (word.length > longestWord) return
    const pieces: number[] = []
    let start = 0
    while (start < word.length) {
      const known = start === 0 ? this.#words : this.#continuations
      let end = Math.min(word.length, start + this.#longestPiece)
      let id: number | undefined
      while (end > start) {
        id = known.get(word.slice(start, end))
        if (id !== undefined) break
        end--
      }
      if (id === undefined) return
      pieces.push(id)
      start = end
    }
    for (const id of pieces) count(tokens, id)
  }
}

function count(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
