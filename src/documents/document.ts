/**
 * The headings in force at one place of a document, by level. A level that is not open there is absent.
 *
 * @example
 * `{ h1: 'Guide', h2: 'Install' }`
 */
export interface HeadingPath {
  readonly h1?: string
  readonly h2?: string
  readonly h3?: string
  readonly h4?: string
  readonly h5?: string
  readonly h6?: string
}

/** Depth of a heading, 1 (outermost) to 6. */
export type HeadingLevel = 1 | 2 | 3 | 4 | 5 | 6

/** What a block is. A `table` has one row a line, its cells joined by ` | ` (PDF: a tab); `code` keeps its line breaks. */
export type BlockKind = 'heading' | 'paragraph' | 'listItem' | 'code' | 'table'

/** From `offset` (UTF-16 units into the block's text) on, the text stands on line `line` (from 1) of the source. */
export interface LineMark {
  readonly offset: number
  readonly line: number
}

/** One piece of a document that a reader sees as a unit. Its text is never empty and has no white space at its ends. */
export interface Block {
  readonly kind: BlockKind
  readonly text: string
  /** Depth of a heading, else null. */
  readonly level: HeadingLevel | null
  /** The headings in force, a heading's own text included; null before the first one. */
  readonly heading: HeadingPath | null
  /** Page from 1; null where the format has no pages. */
  readonly page: number | null
  /** Line of the source, from 1, on which the block's text begins; null where the source has no lines. */
  readonly sourceline: number | null
  /** The source lines of the text behind the first one, in ascending order of offset. */
  readonly lines?: readonly LineMark[]
}

/** The readable content of a document, in reading order. */
export interface ParsedDocument {
  /** The title that the document gives itself, else null. */
  readonly title: string | null
  readonly blocks: readonly Block[]
}

/** How to read a document. */
export interface ParseOptions {
  /** Aborts the work between two pages or blocks. */
  readonly signal?: AbortSignal | undefined
  /**
   * HTML elements that are left out with all they contain, in lower case. Scripts, styles and hidden elements always are.
   * @default ['nav']
   */
  readonly skipTags?: readonly string[] | undefined
}
