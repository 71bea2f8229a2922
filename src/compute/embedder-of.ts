import { SchemaError } from '../errors.js'
import type { Embedder, MultiEmbedder } from '../search/embedder.js'
import { describeValue } from '../types/column-type.js'
import type { MultiVectorInput } from '../types/multi-vector.js'

/** An embedding function: texts in, one vector a text out. Its name is its identity in the file. */
export type EmbedFunction = (
  texts: readonly string[],
) => PromiseLike<readonly ArrayLike<number>[]> | readonly ArrayLike<number>[]

/** What `embed` takes. */
export type EmbedderLike = Embedder | EmbedFunction

/**
 * A function of late interaction: texts in, for each its vectors out, shape (tokens, dimensions). Its name is its
 * identity in the file.
 */
export type MultiEmbedFunction = (
  texts: readonly string[],
) => PromiseLike<readonly MultiVectorInput[]> | readonly MultiVectorInput[]

/** What `embed` of a multi-vector index takes. */
export type MultiEmbedderLike = MultiEmbedder | MultiEmbedFunction

/** The embedder that a user gave in one of its forms. @throws SchemaError */
export function embedderOf(embed: unknown): Embedder {
  const embedder = modelOf(embed)
  if (!embedder.multi) return embedder
  throw new SchemaError(
    `embed '${embedder.name}': it makes several vectors of a value: give it to a multi-vector index, addMultiVectorIndex()`,
  )
}

/** The model of late interaction that a user gave in one of its forms. @throws SchemaError */
export function multiEmbedderOf(embed: unknown): MultiEmbedder {
  const embedder = modelOf(embed)
  if (embedder.multi) return embedder
  if (typeof embed !== 'function') {
    throw new SchemaError(
      `embed '${embedder.name}': expected a model that makes several vectors of a value, with \`multi: true\``,
    )
  }
  return { ...(embedder as Omit<MultiEmbedder, 'multi'>), multi: true }
}

function modelOf(embed: unknown): Embedder | MultiEmbedder {
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
  return embed as Embedder | MultiEmbedder
}
