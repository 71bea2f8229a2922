import { QueryError } from '../errors.js'
import { describeValue } from '../types/column-type.js'
import { callFunction, type Expr, expression, type StrExpr } from './expression.js'
import type { NullOf } from './interfaces.js'

/** Options of `highlight`. */
export interface HighlightOptions {
  /** What stands before a match. @default '<mark>' */
  readonly before?: string
  /** What stands behind a match. @default '</mark>' */
  readonly after?: string
  /**
   * Whether the text becomes HTML: in it `&`, `<`, `>` and quotes are escaped, in the marks not. @default true
   */
  readonly html?: boolean
}

/** Options of `snippet`. */
export interface SnippetOptions extends HighlightOptions {
  /** Words that it has at most, a whole number of at least 1. @default 30 */
  readonly words?: number
  /** What stands where text is left out. @default '…' */
  readonly ellipsis?: string
}

/**
 * The text of a column with the words that `match` found between marks, for `select` in the same query: other forms of a
 * word, whole phrases and beginnings just as the index finds them. Any column of text can be marked, indexed or not.
 *
 * @throws QueryError when the query makes no text search
 * @example
 * ```ts
 * import { highlight, Pixeltable, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const table = await pxt.createTable('notes', { text: t.string() })
 * const notes = await table.addTextIndex('text', { language: 'en' })
 * await notes.insert([{ text: 'Tea <green> steeps.' }, { text: 'Bread bakes.' }])
 * const marked = notes.match('text', 'steeping').select((c) => ({ text: highlight(c.text) }))
 * console.log(await marked.first()) // { text: 'Tea &lt;green&gt; <mark>steeps</mark>.' }
 * ```
 */
export function highlight<T extends string | null>(
  text: Expr<T>,
  options: HighlightOptions = {},
): StrExpr<string, NullOf<T>> {
  return callFunction('match.highlight', [text, terms(), ...marks('highlight()', options)])
}

/**
 * The part of a text that has the most of what `match` found, with marks; the beginning where it has nothing. Otherwise
 * as `highlight`.
 *
 * @throws QueryError when the query makes no text search, or `words` is no whole number of at least 1
 * @example
 * ```ts
 * import { Pixeltable, snippet, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const table = await pxt.createTable('notes', { text: t.string() })
 * const notes = await table.addTextIndex('text', { language: 'en' })
 * await notes.insert({ text: 'Water boils at one hundred degrees. Tea steeps for three minutes. Bread takes longer.' })
 * const found = notes.match('text', 'steep').select((c) => ({ part: snippet(c.text, { words: 5 }) }))
 * console.log(await found.first()) // { part: '…degrees. Tea <mark>steeps</mark> for three…' }
 * ```
 */
export function snippet<T extends string | null>(
  text: Expr<T>,
  options: SnippetOptions = {},
): StrExpr<string, NullOf<T>> {
  const { words = 30, ellipsis = '…' } = options
  if (!Number.isSafeInteger(words) || words < 1) {
    throw new QueryError(`snippet(): words: expected a whole number of at least 1, got ${describeValue(words)}`)
  }
  checkText('snippet()', { ellipsis })
  return callFunction('match.snippet', [text, terms(), ...marks('snippet()', options), words, ellipsis])
}

const terms = () => expression({ kind: 'terms' })

function marks(where: string, { before = '<mark>', after = '</mark>', html = true }: HighlightOptions): unknown[] {
  checkText(where, { before, after })
  if (typeof html !== 'boolean') {
    throw new QueryError(`${where}: html: expected true or false, got ${describeValue(html)}`)
  }
  return [before, after, html]
}

function checkText(where: string, texts: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(texts)) {
    if (typeof value !== 'string') throw new QueryError(`${where}: ${name}: expected text, got ${describeValue(value)}`)
  }
}
