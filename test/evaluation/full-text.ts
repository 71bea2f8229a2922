import SQLite from 'better-sqlite3'

/** Words that say little. */
const stopWords = new Set(
  `a an and are as at be but by can did do does for from had has have how if in into is it its no not of on or such than
  that the their then there these they this to was we were what when where which who why will with`.split(/\s+/),
)

/** BM25 over stemmed words, by SQLite's FTS5. @returns what finds positions of texts with their scores, best first */
export function fullText(
  texts: readonly string[],
  limit: number,
): (query: string) => [position: number, score: number][] {
  const db = new SQLite(':memory:')
  db.exec(`CREATE VIRTUAL TABLE texts USING fts5(text, tokenize = 'porter unicode61')`)
  const insert = db.prepare('INSERT INTO texts (rowid, text) VALUES (?, ?)')
  db.transaction(() => {
    texts.forEach((text, i) => {
      insert.run(i, text)
    })
  })()
  const search = db
    .prepare('SELECT rowid, -bm25(texts) FROM texts WHERE texts MATCH ? ORDER BY bm25(texts), rowid LIMIT ?')
    .raw()
  return (query) => {
    const words = (query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !stopWords.has(word))
    if (words.length === 0) return []
    const match = [...new Set(words)].map((word) => `"${word}"`).join(' OR ')
    return search.all(match, limit) as [number, number][]
  }
}
