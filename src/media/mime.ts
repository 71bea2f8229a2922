import { readHead } from './local-file.js'

/** What is known of content besides its bytes. */
export interface MimeHints {
  /** File name, whose extension counts for text formats. */
  readonly name: string | undefined
  /** A `content-type` as a server, a Blob or a data: URL gave it. */
  readonly contentType: string | undefined
}

/** How many bytes at the start decide whether content is text and of which format. */
const headLength = 64 * 1024

/**
 * The MIME type of content, without parameters: by its magic bytes, and for text by its extension, its declared type
 * and its first 64 KiB, in that order. Undefined for binary content of no known format.
 *
 * @param content the bytes, or the path of a local file
 * @param label the content as messages name it
 * @throws MediaError when the file cannot be read
 */
export async function detectMime(
  content: Uint8Array | string,
  label: string,
  hints: MimeHints,
): Promise<string | undefined> {
  const head =
    typeof content === 'string' ? await readHead(content, label, headLength) : content.subarray(0, headLength)
  const text = decodeText(head)
  // UTF-16's byte order mark is also the start of an MPEG audio frame, so text that decodes well goes first.
  const magic = text?.encoding.startsWith('utf-16') ? undefined : await magicType(content)
  if (magic !== undefined && !(text && isMarkupOrText(magic))) return magic
  if (isPdfBehindJunk(head) && (text === undefined || declaresPdf(hints))) return 'application/pdf'
  return text === undefined ? undefined : textType(text.text, hints)
}

/** file-type looks at more than the head, such as the directory of a zip, hence the whole content. */
async function magicType(content: Uint8Array | string): Promise<string | undefined> {
  const { fileTypeFromBuffer, fileTypeFromFile } = await import('file-type')
  const found = typeof content === 'string' ? fileTypeFromFile(content) : fileTypeFromBuffer(content)
  // It throws on some damaged files whose format it had begun to recognise.
  return (await found.catch(() => undefined))?.mime
}

/** What file-type says of any XML, and of text that begins like a calendar, a contact or subtitles. */
function isMarkupOrText(magic: string): boolean {
  return magic === 'application/xml' || magic.startsWith('text/')
}

/** Readers accept a PDF whose header comes within its first 1024 bytes. */
function isPdfBehindJunk(head: Uint8Array): boolean {
  return Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 1024)).includes('%PDF-')
}

function declaresPdf({ name, contentType }: MimeHints): boolean {
  return extensionOf(name) === 'pdf' || essence(contentType) === 'application/pdf'
}

interface DecodedText {
  readonly encoding: string
  readonly text: string
}

/** Control characters that no text has: all but tab, line feed, form feed, carriage return and escape. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b\u000e-\u001a\u001c-\u001f]/

/** The head as text; undefined when it is binary. Other encodings than Unicode lose their letters, but not their markup. */
function decodeText(head: Uint8Array): DecodedText | undefined {
  const encoding = encodingOf(head)
  const text = new TextDecoder(encoding).decode(head)
  return controls.test(text) ? undefined : { encoding, text }
}

/** The encoding that a UTF-16 byte order mark announces. */
export function encodingByMark(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}

function encodingOf(head: Uint8Array): string {
  const marked = encodingByMark(head)
  if (marked !== undefined) return marked
  // Without a byte order mark, markup in UTF-16 still shows: each ASCII character has a NUL beside it.
  if (head[0] === 0x3c && head[1] === 0 && head[3] === 0) return 'utf-16le'
  if (head[0] === 0 && head[1] === 0x3c && head[2] === 0) return 'utf-16be'
  return 'utf-8'
}

const extensions: Readonly<Record<string, string>> = {
  htm: 'text/html',
  html: 'text/html',
  json: 'application/json',
  markdown: 'text/markdown',
  md: 'text/markdown',
  svg: 'image/svg+xml',
  text: 'text/plain',
  txt: 'text/plain',
  xht: 'application/xhtml+xml',
  xhtml: 'application/xhtml+xml',
}

const declared: Readonly<Record<string, string>> = {
  'application/json': 'application/json',
  'application/xhtml+xml': 'application/xhtml+xml',
  'image/svg+xml': 'image/svg+xml',
  'text/html': 'text/html',
  'text/markdown': 'text/markdown',
  'text/x-markdown': 'text/markdown',
}

/** `text/plain` and XML types are not believed from a header: servers send them for whatever they do not know. */
function textType(text: string, { name, contentType }: MimeHints): string {
  const extension = extensionOf(name)
  const said = extensions[extension] ?? declared[essence(contentType)]
  if (said !== undefined) return said
  const markup = markupType(text)
  if (markup !== undefined) return markup
  if (extension === 'xml' || /[/+]xml$/.test(essence(contentType))) return 'application/xml'
  return looksLikeMarkdown(text) ? 'text/markdown' : 'text/plain'
}

const htmlStart =
  /^<(?:!doctype\s+html|(?:html|head|body|title|meta|link|script|style|iframe|h1|div|font|table|p|br|a|b)[\s/>])/i

/** The type that the first markup declares, looking past comments, processing instructions and a document type. */
function markupType(text: string): string | undefined {
  const trimmed = text.replace(/^\ufeff/, '').trimStart()
  const isXml = trimmed.startsWith('<?xml')
  const body = trimmed.replace(/^(?:<!--.*?-->|<\?.*?\?>|\s+)+/s, '')
  const root = body.replace(/^<!doctype[^>[]*(?:\[.*?\]\s*)?>\s*(?:<!--.*?-->\s*)*/is, '')
  if (/^<(?:\w+:)?svg[\s/>]/i.test(root)) return 'image/svg+xml'
  if (isXml) return /^<html[\s>]/i.test(root) ? 'application/xhtml+xml' : 'application/xml'
  return htmlStart.test(body) ? 'text/html' : undefined
}

/** Signs of Markdown that plain prose seldom has; two are asked for, as one may be chance. Bounded, to stay linear. */
const markdownSigns: readonly RegExp[] = [
  /^#{1,6} \S/m,
  /^(?:```|~~~)/m,
  /\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)/,
  /^\|? *:?-{3,}:? *\|/m,
  /^ {0,3}[-*+] \S/m,
  /\*\*[^*\n]+\*\*/,
  /^> \S/m,
]

function looksLikeMarkdown(text: string): boolean {
  return markdownSigns.filter((sign) => sign.test(text)).length >= 2
}

function extensionOf(name: string | undefined): string {
  return /\.([^.]+)$/.exec(name ?? '')?.[1]?.toLowerCase() ?? ''
}

/**
 * `mime` with the charset that came with `contentType`, for a text in a known encoding other than UTF-8: only the sender
 * knows it, and the text cannot be read without.
 */
export function withCharset(mime: string, contentType: string | undefined): string {
  const label = /;\s*charset\s*=\s*"?([\w.:-]+)/i.exec(contentType ?? '')?.[1]
  // US-ASCII is what data: URLs say by default; as UTF-8 such a text reads the same.
  if (label === undefined || /^us-ascii$/i.test(label) || !/^text\/|xml$/.test(mime)) return mime
  try {
    const { encoding } = new TextDecoder(label)
    return encoding === 'utf-8' ? mime : `${mime}; charset=${encoding}`
  } catch {
    return mime
  }
}

/** The charset that `mime` names. */
export function charsetOf(mime: string): string | undefined {
  return mime.split('; charset=')[1]
}

/** A content type without its parameters. */
export function essence(contentType: string | undefined): string {
  return (contentType ?? '').replace(/;.*$/s, '').trim().toLowerCase()
}
