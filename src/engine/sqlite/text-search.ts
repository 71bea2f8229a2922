import { type Phrase, wantedPhrases } from '../../text/index.js'
import type { TextSearch } from '../engine.js'
import { bind, Fragment, quote, sql } from './fragment.js'
import { textTable } from './names.js'

/** The name of the index that a text search uses, without its schema. */
export const indexName = ({ owner, index, held }: TextSearch): string =>
  held?.name ?? textTable(owner.storedAs ?? owner.name, index.name)

/**
 * The rows that a text search finds: `_rowid` and `score`, the BM25 of everything that is not excluded. FTS5's own is
 * negative. What is required is tested beside the ranking, so that it counts no more than other words.
 */
export function hitsOf(search: TextSearch): Fragment {
  const { any, all, none } = search.query
  const wanted = wantedPhrases(search.query)
  if (wanted.length === 0) return sql`SELECT NULL AS _rowid, NULL AS score WHERE 0`
  const required = all.length > (any.length > 0 ? 0 : 1) ? [sql` AND +rowid IN (${matching(search, ...all)})`] : []
  const excluded = none.length > 0 ? [sql` AND +rowid NOT IN (${matching(search, none)})`] : []
  const tests = [...required, ...excluded].reduce((a, b) => sql`${a}${b}`, new Fragment(''))
  // With a limit it is run by itself: SQLite would put the other tables of a query outside, and search for each row.
  return sql`SELECT rowid AS _rowid, -rank AS score ${from(search, [wanted])}${tests} LIMIT -1`
}

/** The ids of the rows that have something of each list. */
export const matching = (search: TextSearch, ...lists: readonly (readonly Phrase[])[]): Fragment =>
  sql`SELECT rowid ${from(search, lists)}`

function from(search: TextSearch, lists: readonly (readonly Phrase[])[]): Fragment {
  const { index, columns, held } = search
  const table = quote(indexName(search))
  const searched = index.columns.flatMap((column, i) => (columns.includes(column.name) ? [`c${i}`] : []))
  const wanted = lists.map(anyOf).join(' AND ')
  const expression = searched.length === index.columns.length ? wanted : `{${searched.join(' ')}} : (${wanted})`
  return sql`FROM ${held ? 'temp.' : ''}${table} WHERE ${table} MATCH ${bind(expression)}`
}

const anyOf = (phrases: readonly Phrase[]): string =>
  phrases.length === 1 ? phraseOf(phrases[0]!) : `(${phrases.map(phraseOf).join(' OR ')})`

/** Terms have neither quotes nor spaces. */
const phraseOf = ({ terms, prefix }: Phrase): string => `"${terms.join(' ')}"${prefix ? ' *' : ''}`
