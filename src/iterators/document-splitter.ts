import type { HeadingPath } from '../documents/document.js'
import { type Separator, type SplitOptions, validateSplitOptions } from '../documents/split-options.js'
import { ValidationError } from '../errors.js'
import { type Expr, type Expression, isExpression, type Refs } from '../expr/expression.js'
import type { Column, Schema } from '../types/column.js'
import type { Media } from '../types/media.js'
import { t } from '../types/t.js'
import { defineIterator, type IteratorUse } from './iterator.js'

/** What a chunk can tell of where it comes from. */
export interface ChunkMetadata {
  /** The document's own title, where it has one. */
  title: string | null
  /** The headings above the chunk's beginning, by level. */
  heading: HeadingPath | null
  /** Line of the source where the chunk begins, from 1; null for PDF. */
  sourceline: number | null
  /** Page where the chunk begins, from 1; null for formats without pages. */
  page: number | null
}

const metadataColumns: { readonly [K in keyof ChunkMetadata]: Column<ChunkMetadata[K], any, true> } = {
  title: t.string().nullable(),
  heading: t.json<HeadingPath>().nullable(),
  sourceline: t.int().nullable(),
  page: t.int().nullable(),
}

/** Options of `documentSplitter`. */
export interface DocumentSplitterOptions<M extends keyof ChunkMetadata> {
  /**
   * Where chunks may end: `heading` and `page` always end one; `sentence` and `paragraph` are what chunks are filled
   * with up to the limit, or the chunks themselves without one; `token_limit` and `char_limit` make `limit` count.
   * An empty list keeps the document whole.
   */
  readonly separators: readonly Separator[]
  /** The most tokens or characters of a chunk; at least 1. */
  readonly limit?: number
  /** How much of a chunk's end the next one repeats, in the unit of `limit` and below it. @default 0 */
  readonly overlap?: number
  /** Columns that tell where a chunk comes from. @default [] */
  readonly metadata?: readonly M[]
}

const splitter = defineIterator({
  name: 'document_splitter',
  version: 1,
  outputs: ({ metadata }) => {
    const chosen = (metadata as (keyof ChunkMetadata)[]).map((name) => [name, metadataColumns[name]] as const)
    return { pos: t.int(), text: t.string(), ...Object.fromEntries(chosen) }
  },
  async *iterate([media], options, { signal }) {
    // Loaded with the first document: importing the library stays cheap.
    const { parseDocument, splitDocument } = await import('../documents/index.js')
    const document = await parseDocument(await (media as Media).bytes(), (media as Media).mime, { signal })
    for (const chunk of await splitDocument(document, { ...(options as unknown as SplitOptions), signal })) {
      yield { ...chunk }
    }
  },
})

/**
 * Splits each document of a table into chunks of text, the rows of a view. Reads PDF, Markdown, HTML and plain text.
 * Chunks are filled up to the limit, never cut inside a word where a space will do.
 *
 * @param document the document column
 * @throws ValidationError when the options contradict each other, such as an overlap that is not below the limit
 * @example
 * ```ts
 * import { documentSplitter, Pixeltable, t } from 'pixeltable'
 * const pxt = await Pixeltable.open(':memory:')
 * const docs = await pxt.createTable('docs', { file: t.document() })
 * const chunks = await pxt.createView('chunks', docs, {
 *   iterator: documentSplitter((c) => c.file, { separators: ['heading', 'sentence', 'token_limit'], limit: 128, metadata: ['heading'] }),
 * })
 * await docs.insert([{ file: new Blob(['# Tea\n\nSteep for three minutes.'], { type: 'text/markdown' }) }])
 * console.log(await chunks.select('text').collect())
 * ```
 */
export function documentSplitter<R, const M extends keyof ChunkMetadata = never>(
  document: ((c: Refs<R>) => Expr<Media | null>) | Expr<Media | null>,
  { separators, limit, overlap, metadata = [] }: DocumentSplitterOptions<M>,
): IteratorUse<R, { pos: number; text: string } & Pick<ChunkMetadata, M>> {
  const split = {
    separators,
    ...(limit === undefined ? {} : { limit }),
    ...(overlap === undefined ? {} : { overlap }),
  }
  validateSplitOptions(split)
  for (const name of metadata) {
    if (!Object.hasOwn(metadataColumns, name)) {
      const known = Object.keys(metadataColumns).join(', ')
      throw new ValidationError(`documentSplitter: unknown metadata '${name}'. There are: ${known}`)
    }
  }
  return {
    iterator: splitter,
    args: (refs) => [argument(document, refs).node],
    options: { ...split, metadata: [...new Set(metadata)] },
  }
}

function argument(document: unknown, refs: unknown): Expression {
  const value = typeof document === 'function' ? document(refs) : document
  if (!isExpression(value)) {
    throw new ValidationError('documentSplitter: expected a document column, such as (c) => c.document')
  }
  return value
}

/** The columns that an iterator adds, by its options. */
export const outputsOf = (use: IteratorUse<never, unknown>): Schema => use.iterator.outputs(use.options)
