export { type DecodeOptions, decodeText } from './decode-text.js'
export type {
  Block,
  BlockKind,
  HeadingLevel,
  HeadingPath,
  LineMark,
  ParsedDocument,
  ParseOptions,
} from './document.js'
export { checkDocument, documentMimes, parseDocument } from './parse-document.js'
export { sentences } from './sentences.js'
export { type Chunk, splitDocument, splitText, type TextChunk } from './split.js'
export {
  type Separator,
  type SplitOptions,
  type SplitTextOptions,
  separators,
  validateSplitOptions,
} from './split-options.js'
export { countTokens } from './tokens.js'
