import { hashOf, wordsOf } from '../../src/models/mini-embed/words.js'

/** Length of the runs of words that are compared. */
const run = 5
/** Texts shorter than this are vocabulary, not text: a dictionary may contain them. */
const shortest = 3
/** Share of common runs from which two texts count as nearly equal. */
const nearlyEqual = 0.5

/**
 * Finds training texts that repeat a text of an evaluation set: equal once normalised, containing it or contained in
 * it, or sharing at least half of the runs of five words of either. Sentences of evaluation documents count as texts.
 */
export class Exclusion {
  readonly #whole = new Set<string>()
  readonly #runs = new Map<number, number[]>()
  readonly #sizes: number[] = []

  constructor(texts: Iterable<string>) {
    for (const text of texts) {
      const sentences = text.split(/(?<=[.!?])\s+/)
      for (const part of sentences.length > 1 ? [text, ...sentences] : [text]) this.#add(part)
    }
  }

  #add(text: string): void {
    const words = wordsOf(text)
    const key = words.join(' ')
    if (words.length < shortest || this.#whole.has(key)) return
    this.#whole.add(key)
    const runs = runsOf(words)
    if (runs.size === 0) return
    const id = this.#sizes.push(runs.size) - 1
    for (const hash of runs) {
      const list = this.#runs.get(hash)
      if (list === undefined) this.#runs.set(hash, [id])
      else list.push(id)
    }
  }

  /** Whether `text` repeats a text of the evaluation sets. */
  has(text: string): boolean {
    const words = wordsOf(text)
    if (words.length < shortest) return false
    if (this.#whole.has(words.join(' '))) return true
    const runs = runsOf(words)
    let known = 0
    const common = new Map<number, number>()
    for (const hash of runs) {
      const ids = this.#runs.get(hash)
      if (ids === undefined) continue
      known++
      for (const id of ids) common.set(id, (common.get(id) ?? 0) + 1)
    }
    if (runs.size > 0 && known / runs.size >= nearlyEqual) return true
    for (const [id, count] of common) if (count / this.#sizes[id]! >= nearlyEqual) return true
    return false
  }
}

function runsOf(words: readonly string[]): Set<number> {
  const runs = new Set<number>()
  for (let i = 0; i + run <= words.length; i++) runs.add(hashOf(words.slice(i, i + run).join(' ')))
  return runs
}
