import { Pace } from '../pace.js'
import type { Block, BlockKind, HeadingPath, ParsedDocument } from './document.js'
import { firstIndex } from './first-index.js'
import { measureOf } from './measure.js'
import { pack, type Unit, wordCuts } from './pack.js'
import { type Range, splitRange } from './range.js'
import { sentenceRanges } from './sentences.js'
import { type SplitOptions, type SplitTextOptions, validateSplitOptions } from './split-options.js'

/** A stretch of a text. */
export interface TextChunk {
  /** Never empty, without white space at its ends. */
  readonly text: string
  /** Where it begins in the text, in UTF-16 units. */
  readonly start: number
  /** Where it ends; the next unit is no part of it. */
  readonly end: number
}

/** A stretch of a document. `start` and `end` count in the blocks' texts joined by a blank line (`'\n\n'`). */
export interface Chunk extends TextChunk {
  /** The document's title. */
  readonly title: string | null
  /** The headings in force where the chunk begins. */
  readonly heading: HeadingPath | null
  /** The source line, from 1, on which the chunk begins. */
  readonly sourceline: number | null
  /** The page, from 1, on which the chunk begins. */
  readonly page: number | null
}

/** What can end the work early. */
interface Abortable {
  readonly signal?: AbortSignal | undefined
}

/** A paragraph of the text that is split. */
interface Paragraph extends Range {
  readonly kind: BlockKind
}

const gap = '\n\n'

/**
 * Splits a document into chunks. Chunks are filled, not shredded: with a limit each one takes as many consecutive
 * sentences, paragraphs or tokens as fit. What a chunk tells about itself (heading, line, page) is that of its first text.
 *
 * @throws ValidationError for options that cannot work, before anything is done
 * @example
 * ```ts
 * const document = await parseDocument(bytes, 'application/pdf')
 * const chunks = await splitDocument(document, { separators: ['page', 'sentence', 'token_limit'], limit: 300, overlap: 50 })
 * ```
 */
export function splitDocument(document: ParsedDocument, options: SplitOptions & Abortable): Promise<Chunk[]> {
  validateSplitOptions(options)
  return chunksOf(document, options)
}

/**
 * Splits a text into chunks, as {@link splitDocument} does; blank lines separate its paragraphs.
 *
 * @throws ValidationError for options that cannot work, before anything is done
 * @example
 * ```ts
 * await splitText('One. Two. Three.', { separators: ['sentence', 'char_limit'], limit: 10 })
 * // [{ text: 'One. Two.', start: 0, end: 9 }, { text: 'Three.', start: 10, end: 16 }]
 * ```
 */
export function splitText(text: string, options: SplitTextOptions & Abortable): Promise<TextChunk[]> {
  validateSplitOptions(options)
  const paragraphs = splitRange(text, { start: 0, end: text.length }, /\n[^\S\n]*(?:\n[^\S\n]*)+/g)
  const section = paragraphs.map((range) => ({ ...range, kind: 'paragraph' as const }))
  return chunksOfSections(text, [section], options)
}

async function chunksOf(document: ParsedDocument, options: SplitOptions & Abortable): Promise<Chunk[]> {
  const { blocks, title } = document
  const text = blocks.map((block) => block.text).join(gap)
  const sections: Paragraph[][] = []
  let start = 0
  for (const [i, block] of blocks.entries()) {
    if (i === 0 || opensSection(block, blocks[i - 1]!, options)) sections.push([])
    sections.at(-1)!.push({ start, end: start + block.text.length, kind: block.kind })
    start += block.text.length + gap.length
  }
  const starts = sections.flatMap((section) => section.map((paragraph) => paragraph.start))
  const chunks = await chunksOfSections(text, sections, options)
  return chunks.map((chunk) => {
    const i = firstIndex(starts.length, (n) => starts[n]! > chunk.start) - 1
    const block = blocks[i]!
    const { heading, page, sourceline, lines = [] } = block
    const behind = firstIndex(lines.length, (n) => lines[n]!.offset > chunk.start - starts[i]!)
    return { ...chunk, title, heading, page, sourceline: lines[behind - 1]?.line ?? sourceline }
  })
}

function opensSection(block: Block, before: Block, { separators }: SplitOptions): boolean {
  if (separators.includes('heading') && block.kind === 'heading') return true
  return separators.includes('page') && block.page !== before.page
}

async function chunksOfSections(
  text: string,
  sections: readonly (readonly Paragraph[])[],
  options: SplitOptions & Abortable,
): Promise<TextChunk[]> {
  const pace = new Pace(options.signal)
  const chunks: TextChunk[] = []
  const { limit, overlap = 0 } = options
  const measure = await measureOf(text, options, pace)
  for (const section of sections) {
    const units: Unit[] = []
    for (const paragraph of section) {
      if (pace.due) await pace.rest()
      for (const unit of unitsOf(text, paragraph, options)) units.push(unit)
    }
    const ranges =
      measure !== null && limit !== undefined
        ? pack(text, units, { measure, limit, overlap })
        : chunksWithoutLimit(units, options)
    for (const { start, end } of ranges) {
      if (pace.due) await pace.rest()
      chunks.push({ text: text.slice(start, end), start, end })
    }
  }
  return chunks
}

/** What a section's chunks are filled with: the finest that the separators name, or tokens where only a limit is named. */
function unitsOf(text: string, paragraph: Paragraph, { separators, limit }: SplitOptions): Unit[] {
  const whole: Unit = { start: paragraph.start, end: paragraph.end, cuts: [cutOf(paragraph.kind), ...wordCuts] }
  if (separators.includes('sentence') && paragraph.kind !== 'code') return partsOf(text, whole)
  if (separators.includes('sentence') || separators.includes('paragraph') || limit === undefined) return [whole]
  return partsOf(text, { ...whole, cuts: wordCuts })
}

function partsOf(text: string, { cuts: [cut, ...finer], ...range }: Unit): Unit[] {
  return cut!(text, range).map((part) => ({ ...part, cuts: finer }))
}

/** Rows of a table and lines of code are what sentences are in prose. */
function cutOf(kind: BlockKind): Unit['cuts'][number] {
  return kind === 'table' || kind === 'code' ? (text, range) => splitRange(text, range, /\n/g) : sentenceRanges
}

function chunksWithoutLimit(units: readonly Unit[], { separators }: SplitOptions): readonly Range[] {
  if (separators.includes('sentence') || separators.includes('paragraph')) return units
  const [first] = units
  return first === undefined ? [] : [{ start: first.start, end: units.at(-1)!.end }]
}
