import { extractText, highlightText, type Matched } from '../../text/index.js'
import { stringType } from '../../types/scalars.js'
import type { Operators } from './operator.js'

/** A text with what a text search found between marks, whole or in part. The second operand is that of a `terms` node. */
export const marking: Operators = {
  'match.highlight': {
    operands: ['text', 'text', 'text', 'text', 'bool'],
    result: () => stringType,
    evaluate: (text: string, matched: string, before: string, after: string, html: boolean) =>
      highlightText(text, parsed(matched), { before, after, html }),
  },
  'match.snippet': {
    operands: ['text', 'text', 'text', 'text', 'bool', 'int', 'text'],
    result: () => stringType,
    evaluate: (
      text: string,
      matched: string,
      before: string,
      after: string,
      html: boolean,
      words: number,
      ellipsis: string,
    ) => extractText(text, parsed(matched), { before, after, html, words, ellipsis }),
  },
}

let last: { readonly text: string; readonly matched: Matched } | undefined

/** A query has one for all rows. */
function parsed(text: string): Matched {
  if (last?.text !== text) last = { text, matched: JSON.parse(text) as Matched }
  return last.matched
}
