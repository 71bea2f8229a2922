import { SchemaError } from '../errors.js'
import type { Embedder } from '../search/embedder.js'
import { describeValue } from '../types/column-type.js'

/** An embedding function: texts in, one vector a text out. Its name is its identity in the file. */
export type EmbedFunction = (
  texts: readonly string[],
) => PromiseLike<readonly ArrayLike<number>[]> | readonly ArrayLike<number>[]

/** What `embed` takes. */
export type EmbedderLike = Embedder | EmbedFunction

/** The embedder that a user gave in one of its forms. @throws SchemaError */
export function embedderOf(embed: unknown): Embedder {
  if (typeof embed === 'function') {
    if (embed.name === '') {
      throw new SchemaError(
        'embed: the function needs a name, because the file refers to it: declare it, or give { name, version, embed }',
      )
    }
    const fn = embed as EmbedFunction
    return { name: embed.name, version: 1, embed: async (values) => fn(values as readonly string[]) }
  }
  const { name, version, embed: method } = (embed ?? {}) as Partial<Embedder>
  if (typeof method !== 'function' || typeof name !== 'string' || name === '') {
    throw new SchemaError(
      `embed: expected a model such as miniEmbed(), a named function, or { name, version, embed }, got ${describeValue(embed)}`,
    )
  }
  if (!Number.isSafeInteger(version)) {
    throw new SchemaError(`embed '${name}': version: expected a whole number, got ${describeValue(version)}`)
  }
  return embed as Embedder
}
