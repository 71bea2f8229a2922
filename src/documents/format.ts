import type { ParsedDocument, ParseOptions } from './document.js'

/** What a format's parser is told: the caller's options and what the transport said about the text's encoding. */
export interface FormatOptions extends ParseOptions {
  /** The charset that came with the mime type, such as `iso-8859-1`. */
  readonly charset?: string | undefined
}

/** One document format. A new one is one file with one of these, added to the list in `parse-document.ts`. */
export interface DocumentFormat {
  /** As people call it, for messages. */
  readonly name: string
  /** Its mime types in lower case without parameters; the first is the usual one. */
  readonly mimes: readonly string[]
  /** Reads the text. Must not change, keep or transfer `bytes`. */
  parse(bytes: Uint8Array, options: FormatOptions): Promise<ParsedDocument>
  /** Rejects with a MediaError when `bytes` cannot be such a document. Absent where every input can be read. */
  check?(bytes: Uint8Array): Promise<void>
}
