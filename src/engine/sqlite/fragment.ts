import type { Stored } from '../../types/column-type.js'

/** SQL text and the parameters that it binds, in order. Values become text by `inline` alone. */
export class Fragment {
  readonly sql: string
  readonly params: readonly Stored[]

  constructor(sql: string, params: readonly Stored[] = []) {
    this.sql = sql
    this.params = params
  }
}

/** Joins text and fragments. Whatever else stands in `${…}` must already be safe SQL text, such as a quoted name. */
export function sql(parts: TemplateStringsArray, ...values: readonly (Fragment | string)[]): Fragment {
  let text = parts[0]!
  const params: Stored[] = []
  values.forEach((value, i) => {
    if (value instanceof Fragment) {
      text += value.sql
      params.push(...value.params)
    } else {
      text += value
    }
    text += parts[i + 1]
  })
  return new Fragment(text, params)
}

/** A bound parameter. */
export const bind = (value: Stored): Fragment => new Fragment('?', [value])

/** Fragments with `separator` between them. */
export function join(fragments: readonly Fragment[], separator: string): Fragment {
  return new Fragment(
    fragments.map((fragment) => fragment.sql).join(separator),
    fragments.flatMap((fragment) => fragment.params),
  )
}

/** A name as SQL quotes it. */
export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`

/**
 * The same with its values as text, for what SQL takes no parameters in: the expression of an index, and one that is to
 * be the same as that.
 */
export function inline({ sql: text, params }: Fragment): Fragment {
  let next = 0
  // A question mark within quotes is none of ours.
  const written = text.replaceAll(/"(?:[^"]|"")*"|'(?:[^']|'')*'|\?/g, (part) =>
    part === '?' ? literalText(params[next++]!) : part,
  )
  return new Fragment(written)
}

function literalText(value: Stored): string {
  if (value === null) return 'NULL'
  if (value instanceof Uint8Array) return `x'${Buffer.from(value).toString('hex')}'`
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return numberText(value)
  // SQL text ends at U+0000.
  if (value.includes('\0')) return `CAST(${literalText(Buffer.from(value))} AS TEXT)`
  return `'${value.replaceAll("'", "''")}'`
}

/** A number that is no safe integer is bound as a float, whether or not it has a fraction. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NULL'
  if (!Number.isFinite(value)) return value < 0 ? '-9e999' : '9e999'
  return Number.isSafeInteger(value) ? String(value) : value.toExponential()
}
