import { MediaError, PixeltableError } from '../errors.js'
import type { ParsedDocument, ParseOptions } from './document.js'
import type { DocumentFormat } from './format.js'
import { html } from './html.js'
import { markdown } from './markdown.js'
import { pdf } from './pdf.js'
import { plainText } from './plain-text.js'

const formats: readonly DocumentFormat[] = [pdf, markdown, html, plainText]
const byMime = new Map(formats.flatMap((format) => format.mimes.map((mime) => [mime, format] as const)))

/** The mime types that {@link parseDocument} reads. */
export const documentMimes: readonly string[] = [...byMime.keys()]

/**
 * Reads the text of a document, in reading order.
 *
 * @param bytes the whole file; left as it is
 * @param mime its type, such as `application/pdf`; a `charset` parameter is honoured
 * @throws MediaError for an unknown type, a corrupt or an encrypted file
 * @throws MissingPackageError when the format's reader is not installed
 * @example
 * ```ts
 * const { title, blocks } = await parseDocument(bytes, 'text/markdown')
 * for (const { kind, text, heading } of blocks) console.log(kind, text, heading?.h1)
 * ```
 */
export async function parseDocument(
  bytes: Uint8Array,
  mime: string,
  options: ParseOptions = {},
): Promise<ParsedDocument> {
  const { format, charset } = formatOf(mime)
  options.signal?.throwIfAborted()
  try {
    return await format.parse(bytes, { ...options, charset })
  } catch (error) {
    if (PixeltableError.isInstance(error) || options.signal?.aborted) throw error
    throw new MediaError(`This ${format.name} document could not be read: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Whether a document can be read at all: cheap enough for every write.
 *
 * @throws MediaError for an unknown type, a corrupt PDF, or an encrypted one, which must be decrypted first
 */
export async function checkDocument(bytes: Uint8Array, mime: string): Promise<void> {
  const { format } = formatOf(mime)
  await format.check?.(bytes)
}

function formatOf(mime: string): { format: DocumentFormat; charset: string | undefined } {
  const [type = '', ...parameters] = mime.split(';')
  const format = byMime.get(type.trim().toLowerCase())
  if (format === undefined) {
    const known = formats.map(({ name, mimes }) => `${name} (${mimes[0]})`).join(', ')
    throw new MediaError(
      `Cannot read a document of type '${mime}'. Readable are: ${known}. Convert it to one of these first.`,
    )
  }
  const charset = parameters.map((p) => /^\s*charset\s*=\s*"?([^"\s]+)/i.exec(p)?.[1]).find(Boolean)
  return { format, charset }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
