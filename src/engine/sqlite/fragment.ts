import type { Stored } from '../../types/column-type.js'

/** SQL text and the parameters that it binds, in order. Values never become text. */
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
