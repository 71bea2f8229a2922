import { ValidationError } from '../errors.js'

/** Where a text may be split, and how long its chunks may be. */
export type Separator = 'heading' | 'paragraph' | 'sentence' | 'token_limit' | 'char_limit' | 'page'

/** All separators, in the order in which messages name them. */
export const separators: readonly Separator[] = [
  'heading',
  'paragraph',
  'sentence',
  'token_limit',
  'char_limit',
  'page',
]

/** How to split. */
export interface SplitOptions {
  /**
   * What ends a chunk.
   * - `heading`, `page`: always; a heading's text opens the next chunk.
   * - `paragraph`, `sentence`: each one is a chunk, or, with a limit, chunks are filled with whole ones. A heading, a list
   *   item, a row of a table and a block of code are one each.
   * - `token_limit`, `char_limit`: no chunk is longer than `limit`.
   *
   * None: the whole text is one chunk. One that the format does not know, such as `page` in HTML, changes nothing.
   */
  readonly separators: readonly Separator[]
  /** The most tokens (`token_limit`) or UTF-16 units as in `text.length` (`char_limit`) of a chunk; from 1. */
  readonly limit?: number | undefined
  /**
   * How much of the end of a chunk the next one may repeat, in the unit of `limit` and below it. Whole sentences or
   * paragraphs where they fit, else the last words.
   * @default 0
   */
  readonly overlap?: number | undefined
  /**
   * Counts the tokens of a text for `token_limit`, such as `text => encoding.encode(text).length`. Should not count fewer
   * for a longer text. Only what it has measured becomes a chunk, except for one character that exceeds the limit alone.
   * @default words, numbers, punctuation marks, and letters of scripts written without spaces
   */
  readonly tokenizer?: ((text: string) => number) | undefined
}

/** Options of a splitter that works on a text without pages and headings. */
export interface SplitTextOptions extends SplitOptions {
  readonly separators: readonly ('paragraph' | 'sentence' | 'token_limit' | 'char_limit')[]
}

/**
 * Checks how to split, before anything is read.
 *
 * @throws ValidationError for an unknown separator, a limit without its separator or the reverse, both kinds of limit, and a
 * limit or overlap out of range
 */
export function validateSplitOptions(options: SplitOptions): void {
  const { limit, overlap, tokenizer } = options
  if (!Array.isArray(options.separators)) {
    throw new ValidationError(
      `'separators' must be an array of ${list(separators)}, not ${show(options.separators)}. Pass [] to keep the text whole.`,
    )
  }
  for (const separator of options.separators) {
    if (!separators.includes(separator)) {
      throw new ValidationError(`Unknown separator ${show(separator)}. Use any of ${list(separators)}.`)
    }
  }
  const limiting = new Set(options.separators.filter((s) => s === 'token_limit' || s === 'char_limit'))
  if (limiting.size === 2) {
    throw new ValidationError(`'token_limit' and 'char_limit' exclude each other. Keep the one that 'limit' counts.`)
  }
  const [unit] = limiting
  if (unit !== undefined && limit === undefined) {
    throw new ValidationError(`The separator '${unit}' needs a 'limit'. Add one, such as limit: 300.`)
  }
  if (unit === undefined && limit !== undefined) {
    throw new ValidationError(
      `'limit' is ${show(limit)}, but nothing says what it counts. Add 'token_limit' or 'char_limit' to 'separators'.`,
    )
  }
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw new ValidationError(`'limit' must be a whole number from 1, not ${show(limit)}.`)
  }
  if (overlap !== undefined && !(Number.isSafeInteger(overlap) && overlap >= 0)) {
    throw new ValidationError(`'overlap' must be a whole number from 0, not ${show(overlap)}.`)
  }
  if (limit === undefined && overlap !== undefined && overlap > 0) {
    throw new ValidationError(
      `'overlap' is ${overlap}, but there is no 'limit'. Add 'token_limit' or 'char_limit' and a limit above ${overlap}.`,
    )
  }
  if (limit !== undefined && overlap !== undefined && overlap >= limit) {
    throw new ValidationError(
      `'overlap' must be below 'limit', or the text would never end; ${overlap} is not below ${limit}. Lower the overlap.`,
    )
  }
  if (tokenizer !== undefined && typeof tokenizer !== 'function') {
    throw new ValidationError(
      `'tokenizer' must be a function from a text to its number of tokens, not ${show(tokenizer)}.`,
    )
  }
  if (tokenizer !== undefined && unit !== 'token_limit') {
    throw new ValidationError(
      `'tokenizer' only counts for 'token_limit'. Add it to 'separators', or drop the tokenizer.`,
    )
  }
}

function list(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ')
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : typeof value === 'object' ? JSON.stringify(value) : String(value)
}
