import type { TextAnalyser } from '../../src/text/index.js'
import { type Phrase, type TextQuery, wantedPhrases } from '../../src/text/index.js'

/** A row, by column. */
export type Document = readonly (string | null)[]

/** What FTS5 documents of its `bm25()`, over lists of terms: the oracle of searches. Scores by position; only of hits. */
export function bm25(
  documents: readonly Document[],
  query: TextQuery,
  analyser: TextAnalyser,
  weights: readonly number[],
  /** Which columns are searched; all of them count as the length of a document. */
  searched: readonly number[] = weights.map((_, i) => i),
): Map<number, number> {
  const terms = documents.map((columns) => columns.map((text) => (text === null ? [] : termsIn(text, analyser))))
  const lengths = terms.map((columns) => columns.reduce((sum, column) => sum + column.length, 0))
  const average = lengths.reduce((a, b) => a + b, 0) / documents.length
  const counts = (row: number, phrase: Phrase) => searched.map((c) => occurrences(terms[row]![c]!, phrase))
  const has = (row: number, phrase: Phrase) => counts(row, phrase).some((n) => n > 0)
  const wanted = wantedPhrases(query)
  const idf = wanted.map((phrase) => {
    const hits = documents.filter((_, row) => has(row, phrase)).length
    return Math.max(1e-6, Math.log((documents.length - hits + 0.5) / (hits + 0.5)))
  })
  const scores = new Map<number, number>()
  documents.forEach((_, row) => {
    const isHit =
      wanted.some((phrase) => has(row, phrase)) &&
      query.all.every((list) => list.some((phrase) => has(row, phrase))) &&
      !query.none.some((phrase) => has(row, phrase))
    if (!isHit) return
    const length = 1.2 * (0.25 + (0.75 * lengths[row]!) / average)
    const parts = wanted.map((phrase, i) => {
      const frequency = counts(row, phrase).reduce((sum, n, c) => sum + n * weights[searched[c]!]!, 0)
      return idf[i]! * ((frequency * 2.2) / (frequency + length))
    })
    scores.set(
      row,
      parts.reduce((a, b) => a + b, 0),
    )
  })
  return scores
}

function termsIn(text: string, analyser: TextAnalyser): string[] {
  const terms: string[] = []
  analyser.each(text, (term) => terms.push(term))
  return terms
}

function occurrences(terms: readonly string[], { terms: wanted, prefix }: Phrase): number {
  return terms.filter((_, at) =>
    wanted.every((term, i) => {
      const found = terms[at + i]
      return found !== undefined && (prefix && i === wanted.length - 1 ? found.startsWith(term) : found === term)
    }),
  ).length
}
