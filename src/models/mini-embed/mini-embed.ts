import { ModelError, ValidationError } from '../../errors.js'
import { Pace } from '../../pace.js'
import type { Embedder } from '../../search/embedder.js'
import { StaticModel } from './model.js'
import { loadWeights } from './weights.js'

/** Three levels up from both `src/models/mini-embed/` and `dist/models/mini-embed/` is the package. */
const folder = new URL('../../../assets/mini-embed/', import.meta.url)
const identity = { name: 'mini-embed', version: 1, dimensions: 384 } as const

let loading: Promise<StaticModel> | undefined

/**
 * The built-in text embedding model: English, static, 384 dimensions, about 4 MB, no download and no native code. Its
 * files are read at the first call of `embed`. Equal text gives equal vectors, of length one; a text without any
 * letter, digit or pictograph gives zeros. See `docs/mini-embed.md` for its training data, results and limits.
 *
 * @example
 * ```ts
 * import { miniEmbed } from 'pixeltable'
 * const [query, passage] = await miniEmbed().embed(['how do plants eat?', 'Photosynthesis feeds plants.'])
 * ```
 * @throws ModelError (rejection) when the model's files are missing or corrupt
 * @throws ValidationError (rejection) when a value is not a string
 */
export function miniEmbed(): Embedder {
  return {
    ...identity,
    kinds: ['text'],
    batchSize: 256,
    concurrency: 1,
    async embed(values, options) {
      values.forEach((value, row) => {
        if (typeof value === 'string') return
        throw new ValidationError(`mini-embed embeds strings, but value ${row} is ${describe(value)}`, { row })
      })
      const model = await loaded()
      const pace = new Pace(options?.signal)
      const vectors: Float32Array[] = []
      for (const value of values) {
        if (pace.due) await pace.rest()
        vectors.push(model.encode(value as string))
      }
      return vectors
    },
  }
}

function loaded(): Promise<StaticModel> {
  loading ??= load().catch((error: unknown) => {
    loading = undefined
    throw error
  })
  return loading
}

async function load(): Promise<StaticModel> {
  const weights = await loadWeights(folder)
  const { name, version, dimensions } = weights.description
  if (name !== identity.name || version !== identity.version || dimensions !== identity.dimensions) {
    throw new ModelError(
      `expected the files of ${identity.name}@${identity.version} with ${identity.dimensions} dimensions, ` +
        `got ${name}@${version} with ${dimensions}: install the package again`,
    )
  }
  return new StaticModel(weights)
}

function describe(value: unknown): string {
  return value === null ? 'null' : value instanceof Uint8Array ? 'bytes' : `of type ${typeof value}`
}
