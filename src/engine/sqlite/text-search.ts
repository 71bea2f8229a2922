import { type Phrase, wantedPhrases } from '../../text/index.js'
import type { TextSearch } from '../engine.js'
import { textTable } from './ddl.js'
import { bind, Fragment, quote, sql } from './fragment.js'

/**
 * The rows that a text search finds: `_rowid` and `score`, the BM25 of everything that is not excluded. FTS5's own is
 * negative. What is required is tested beside the ranking, so that it counts no more than other words.
 */
export function hitsOf({ owner, index, columns, query, held }: TextSearch): Fragment {
  const name = held ? `temp.${quote(held.name)}` : quote(textTable(owner.storedAs ?? owner.name, index.name))
  const table = quote(held?.name ?? textTable(owner.storedAs ?? owner.name, index.name))
  const { any, all, none } = query
  const wanted = wantedPhrases(query)
  if (wanted.length === 0) return sql`SELECT NULL AS _rowid, NULL AS score WHERE 0`
  const filter = index.columns.flatMap((column, i) => (columns.includes(column.name) ? [`c${i}`] : []))
  const within = (expression: string): Fragment =>
    bind(filter.length === index.columns.length ? expression : `{${filter.join(' ')}} : (${expression})`)
  const match = (expression: string) => sql`SELECT rowid FROM ${name} WHERE ${table} MATCH ${within(expression)}`
  const required = all.map(anyOf).join(' AND ')
  const tests = [
    ...(all.length > (any.length > 0 ? 0 : 1) ? [sql` AND +rowid IN (${match(required)})`] : []),
    ...(none.length > 0 ? [sql` AND +rowid NOT IN (${match(anyOf(none))})`] : []),
  ]
  const more = tests.reduce((a, b) => sql`${a}${b}`, new Fragment(''))
  // With a limit it is run by itself: SQLite would put the other tables of a query outside, and search for each row.
  return sql`SELECT rowid AS _rowid, -rank AS score FROM ${name} WHERE ${table} MATCH ${within(anyOf(wanted))}${more} LIMIT -1`
}

const anyOf = (phrases: readonly Phrase[]): string =>
  phrases.length === 1 ? phraseOf(phrases[0]!) : `(${phrases.map(phraseOf).join(' OR ')})`

/** Terms have neither quotes nor spaces. */
const phraseOf = ({ terms, prefix }: Phrase): string => `"${terms.join(' ')}"${prefix ? ' *' : ''}`
