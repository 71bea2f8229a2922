/** Regular expressions by source and flags; a query has few, and uses each for every row. */
const compiled = new Map<string, RegExp>()

/**
 * A regular expression in JavaScript's syntax. Text has no flags of its own and gets `u`, so that a dot is a character
 * and not half a surrogate pair.
 */
export function regex(source: string, flags = 'u'): RegExp {
  const key = `${flags}/${source}`
  let expression = compiled.get(key)
  if (expression === undefined) {
    if (compiled.size >= 1000) compiled.clear()
    expression = new RegExp(source, flags)
    compiled.set(key, expression)
  }
  expression.lastIndex = 0
  return expression
}

/** The operands of a pattern. Where an operation looks for matches is its own affair, hence no `g` and no `y`. */
export const patternOperands = (pattern: unknown): unknown[] =>
  pattern instanceof RegExp ? [pattern.source, pattern.flags.replace(/[gy]/g, '')] : [pattern]

/** What is wrong with a constant pattern. */
export function checkPattern(source: unknown, flags: unknown): string | undefined {
  if (source === undefined) return 'expected a pattern that is a constant: text or a RegExp'
  if (typeof source !== 'string') return undefined
  try {
    regex(source, (flags as string | null | undefined) ?? undefined)
    return undefined
  } catch (cause) {
    return `expected a regular expression: ${(cause as Error).message}`
  }
}

let lastPattern: { readonly pattern: string; readonly expression: RegExp } | undefined

/** SQL's LIKE as a regular expression: `%` any text, `_` one character, case-sensitive. */
export function likePattern(pattern: string): RegExp {
  // A query has one pattern for all rows.
  if (lastPattern?.pattern !== pattern) {
    const source = pattern
      .replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
      .replace(/%/g, '.*')
      .replace(/_/g, '.')
    lastPattern = { pattern, expression: new RegExp(`^${source}$`, 'su') }
  }
  return lastPattern.expression
}
