/** What is known about the encoding of a text besides its bytes. */
export interface DecodeOptions {
  /** The text's type. For HTML and XML the encoding that the text itself declares counts. */
  readonly mime?: string | undefined
  /** The charset that the transport named, such as that of an HTTP header. Unknown names are ignored. */
  readonly transportEncoding?: string | undefined
}

/**
 * Decodes a text file. In order: a byte order mark, the transport's charset, what an HTML or XML text declares, UTF-16
 * without a mark, UTF-8, and windows-1252 for what is not UTF-8. Never fails: what cannot be decoded becomes U+FFFD, and
 * so does NUL, which no text contains and SQLite ends a text at.
 */
export async function decodeText(bytes: Uint8Array, options: DecodeOptions = {}): Promise<string> {
  const encoding =
    markedEncoding(bytes) ??
    known(options.transportEncoding) ??
    (await declaredEncoding(bytes, options.mime ?? '')) ??
    unmarkedUtf16(bytes)
  const text = encoding === undefined ? decodeUndeclared(bytes) : decode(bytes, encoding)
  return text.replaceAll('\0', '\ufffd')
}

function markedEncoding(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}

/** The canonical name of an encoding that this Node can decode. */
function known(label: string | undefined): string | undefined {
  if (label === undefined || label === '') return undefined
  try {
    return new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}

/** How far into a page a late declaration is looked for. The standard says 1,024 bytes, but real pages exceed that. */
const DECLARATION_REACH = 65_536

async function declaredEncoding(bytes: Uint8Array, mime: string): Promise<string | undefined> {
  if (!/html|xml/.test(mime)) return undefined
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, DECLARATION_REACH)).toString('latin1')
  const label =
    /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)/i.exec(head)?.[1] ??
    (await sniff(bytes)) ??
    /<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(head.replace(/<!--[\s\S]*?-->/g, ''))?.[1]
  const encoding = known(label)
  // A declaration that could be read byte by byte cannot be in UTF-16; the standard takes it for UTF-8.
  if (encoding?.startsWith('utf-16')) return unmarkedUtf16(bytes) ?? 'utf-8'
  return encoding
}

async function sniff(bytes: Uint8Array): Promise<string | undefined> {
  const { default: sniffEncoding } = await import('html-encoding-sniffer')
  try {
    return sniffEncoding(bytes, { defaultEncoding: '' }) || undefined
  } catch {
    return undefined // it throws on a declaration that ends in the word 'charset'
  }
}

/** Text in UTF-16 without a mark is mostly ASCII in many scripts, if only for its spaces: every other byte is zero. */
function unmarkedUtf16(bytes: Uint8Array): string | undefined {
  const length = Math.min(bytes.length, 2048) & ~1
  if (length < 4 || bytes.length % 2 !== 0) return undefined
  let even = 0
  let odd = 0
  for (let i = 0; i < length; i += 2) {
    if (bytes[i] === 0) even++
    if (bytes[i + 1] === 0) odd++
  }
  const many = length / 2 / 5
  if (odd > many && even === 0) return 'utf-16le'
  if (even > many && odd === 0) return 'utf-16be'
  return undefined
}

/** UTF-8, also with a few broken bytes, else windows-1252. */
function decodeUndeclared(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes)
  if (!text.includes('\ufffd')) return text
  const broken = text.match(/\ufffd/g)?.length ?? 0
  const sound = text.match(/[^\p{ASCII}\ufffd]/gu)?.length ?? 0
  return sound > 3 * broken ? text : decode(bytes, 'windows-1252')
}

function decode(bytes: Uint8Array, encoding: string): string {
  if (encoding !== 'windows-1252') return new TextDecoder(encoding).decode(bytes)
  // Node 20 decodes windows-1252 as if it were ISO 8859-1, which has control characters at 0x80 to 0x9f.
  const latin1 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  return latin1.replace(/[\x80-\x9f]/g, (c) => windows1252[c.charCodeAt(0) - 0x80]!)
}

const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ'
