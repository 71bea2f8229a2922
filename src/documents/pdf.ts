import { MediaError } from '../errors.js'
import { loadOptional } from '../optional-package.js'
import { Pace } from '../pace.js'
import { BlockBuilder } from './block-builder.js'
import type { HeadingLevel, ParsedDocument } from './document.js'
import type { DocumentFormat } from './format.js'
import type { PdfTextItem } from './pdf-items.js'
import { type PdfParagraph, paragraphsOf, withoutLineHyphens } from './pdf-paragraphs.js'

/** PDF: text only; scanned pages have none. */
export const pdf: DocumentFormat = {
  name: 'PDF',
  mimes: ['application/pdf', 'application/x-pdf'],
  async check(bytes) {
    const file = await open(bytes)
    try {
      await readPage(file, 1)
    } finally {
      await file.destroy()
    }
  },
  async parse(bytes, { signal }) {
    const pace = new Pace(signal)
    const file = await open(bytes)
    try {
      const pages: PdfParagraph[][] = []
      for (let number = 1; number <= file.numPages; number++) {
        signal?.throwIfAborted()
        if (pace.due) await pace.rest()
        pages.push(paragraphsOf(await readPage(file, number)))
      }
      return { title: await titleOf(file), blocks: blocksOf(pages) }
    } finally {
      await file.destroy()
    }
  },
}

type PdfFile = Awaited<ReturnType<typeof open>>

/** pdf.js at its quietest: errors are thrown, all else would go to the console. */
const silent = 0

async function open(bytes: Uint8Array) {
  const { getDocumentProxy } = await loadOptional('unpdf')
  try {
    // A copy, as pdf.js transfers the buffer it is given, which would empty the caller's; and it refuses a Buffer.
    return await getDocumentProxy(new Uint8Array(bytes), { verbosity: silent })
  } catch (error) {
    throw new MediaError(refusal(bytes, error), { cause: error })
  }
}

function refusal(bytes: Uint8Array, error: unknown): string {
  const { name, message } = error as Error
  if (name === 'PasswordException') {
    return 'This PDF is encrypted and opens only with a password. Decrypt it first, for example with `qpdf --decrypt --password=… in.pdf out.pdf`.'
  }
  if (bytes.length === 0) return 'This PDF is empty: it has no bytes.'
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 1024)).toString('latin1')
  if (!head.includes('%PDF-')) return 'This is no PDF: it does not begin with %PDF-. Check the file and its type.'
  return `This PDF is corrupt and cannot be opened: ${message.replace(/\.$/, '')}.`
}

async function readPage(file: PdfFile, number: number): Promise<PdfTextItem[]> {
  try {
    const page = await file.getPage(number)
    const { items } = await page.getTextContent()
    page.cleanup()
    return items.filter((item) => 'str' in item)
  } catch (error) {
    throw new MediaError(`Page ${number} of this PDF cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

async function titleOf(file: PdfFile): Promise<string | null> {
  const { info, metadata } = await file.getMetadata().catch(() => ({ info: {}, metadata: null }))
  for (const title of [(info as { Title?: unknown }).Title, metadata?.get('dc:title')]) {
    const text = typeof title === 'string' ? title.replace(/[\s\0]+/g, ' ').trim() : ''
    if (text !== '') return text
  }
  return null
}

function blocksOf(pages: readonly (readonly PdfParagraph[])[]): ParsedDocument['blocks'] {
  const paragraphs = withoutLineHyphens(
    pages.flatMap((page, i) => page.map((paragraph) => ({ ...paragraph, page: i + 1 }))),
  )
  const levelOf = headingLevels(paragraphs)
  const document = new BlockBuilder()
  for (const paragraph of paragraphs) {
    const level = levelOf(paragraph)
    const built = { text: paragraph.text.trim(), sourceline: null, lines: [] }
    if (built.text !== '')
      document.add(level === null ? paragraph.kind : 'heading', built, { level, page: paragraph.page })
  }
  return document.blocks
}

/** Headings are short, larger than the text of the document, and not repeated on every page. */
function headingLevels(paragraphs: readonly PdfParagraph[]): (paragraph: PdfParagraph) => HeadingLevel | null {
  const lengths = new Map<number, number>()
  const repeats = new Map<string, number>()
  for (const { size, text } of paragraphs) {
    const rounded = Math.round(size * 2) / 2
    lengths.set(rounded, (lengths.get(rounded) ?? 0) + text.length)
    repeats.set(text, (repeats.get(text) ?? 0) + 1)
  }
  const [body, length] = [...lengths].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0])
  const isHeading = ({ kind, lines, text, size, turned }: PdfParagraph) =>
    kind === 'paragraph' &&
    !turned &&
    length >= 300 &&
    size >= 1.15 * body &&
    lines <= 3 &&
    text.length <= 150 &&
    !text.includes('\t') &&
    /\p{L}{2}/u.test(text) &&
    !/[.,;]$/.test(text) &&
    repeats.get(text)! < 3
  const sizes = [...new Set(paragraphs.filter(isHeading).map(({ size }) => Math.round(size)))].sort((p, q) => q - p)
  return (paragraph) =>
    isHeading(paragraph) ? (Math.min(sizes.indexOf(Math.round(paragraph.size)) + 1, 3) as HeadingLevel) : null
}
