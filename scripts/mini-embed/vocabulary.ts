import { continuation } from '../../src/models/mini-embed/tokenizer.js'
import { stemOf, wordsOf } from '../../src/models/mini-embed/words.js'

/** How large a vocabulary to make. */
export interface VocabularyOptions {
  /** Number of tokens in all. */
  readonly size: number
  /** How many of them are pieces of words. */
  readonly pieces: number
}

/** The plural of a word this frequent keeps a token of its own ("news", "goods"). */
const ownPluralRank = 6000

/**
 * Chooses tokens for the texts of several sources: the pieces by byte-pair merges over the distinct words (Sennrich et
 * al., ACL 2016), the rest frequent words. Counts enter by their root, source by source, so that a large source does
 * not crowd out the others.
 */
export function trainVocabulary(
  sources: readonly (readonly string[])[],
  { size, pieces }: VocabularyOptions,
): string[] {
  const scores = new Map<string, number>()
  for (const texts of sources) {
    const counts = new Map<string, number>()
    for (const text of texts) for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1)
    for (const [word, count] of counts) if (isLatin(word)) scores.set(word, (scores.get(word) ?? 0) + Math.sqrt(count))
  }
  const ranked = ranking(scores)
  const tokens = new Set(mergePieces(scores, pieces))
  const seen = new Set<string>()
  ranked.forEach(([word], rank) => {
    const stem = stemOf(word)
    const merged = rank >= ownPluralRank && stem !== word && (seen.has(stem) || scores.has(stem))
    if (/^\d+$/.test(word) && (word.length > 4 || rank >= ownPluralRank)) return
    if (tokens.size < size) {
      tokens.add(merged ? stem : word)
      seen.add(merged ? stem : word)
    }
  })
  return [...tokens].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0))
}

function isLatin(word: string): boolean {
  return word.length <= 40 && /^[a-z0-9]+$/.test(word)
}

function ranking(scores: ReadonlyMap<string, number>): [string, number][] {
  return [...scores].sort((x, y) => y[1] - x[1] || (x[0] < y[0] ? -1 : 1))
}

/** Letters and digits, at the start of a word and after it, then the most frequent merges of neighbours. */
function mergePieces(scores: ReadonlyMap<string, number>, target: number): string[] {
  const alphabet = [...'abcdefghijklmnopqrstuvwxyz0123456789']
  const tokens = new Set([...alphabet, ...alphabet.map((letter) => continuation + letter)])
  const words = ranking(scores)
    .filter(([word]) => !/\d/.test(word))
    .map(([word, score]) => ({
      symbols: [...word].map((letter, i) => (i === 0 ? letter : continuation + letter)),
      score: Math.sqrt(score),
    }))
  const totals = new Map<string, number>()
  const places = new Map<string, Set<number>>()
  const change = (index: number, sign: 1 | -1) => {
    const { symbols, score } = words[index]!
    for (let i = 0; i + 1 < symbols.length; i++) {
      const pair = `${symbols[i]} ${symbols[i + 1]}`
      totals.set(pair, (totals.get(pair) ?? 0) + sign * score)
      if (sign === 1) {
        let set = places.get(pair)
        if (set === undefined) {
          set = new Set()
          places.set(pair, set)
        }
        set.add(index)
      }
    }
  }
  words.forEach((_, index) => {
    change(index, 1)
  })
  while (tokens.size < target) {
    let best = ''
    let most = 0
    for (const [pair, total] of totals) {
      if (total > most + 1e-9 || (total > most - 1e-9 && pair < best)) {
        best = pair
        most = Math.max(most, total)
      }
    }
    if (best === '') break
    const [left = '', right = ''] = best.split(' ')
    const merged = left + right.slice(continuation.length)
    tokens.add(merged)
    for (const index of places.get(best) ?? []) {
      const word = words[index]!
      change(index, -1)
      const symbols: string[] = []
      for (let i = 0; i < word.symbols.length; i++) {
        if (word.symbols[i] === left && word.symbols[i + 1] === right) {
          symbols.push(merged)
          i++
        } else symbols.push(word.symbols[i]!)
      }
      word.symbols = symbols
      change(index, 1)
    }
    totals.delete(best)
    places.delete(best)
  }
  return [...tokens]
}
