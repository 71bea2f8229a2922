import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  checkDocument,
  countTokens,
  type ParsedDocument,
  parseDocument,
  type SplitOptions,
  splitDocument,
} from '../../src/documents/index.js'
import { MediaError } from '../../src/errors.js'

/** Real files, which are no part of this repository. */
const media = new URL('../../../shared/data/media/', import.meta.url)
const mimes: Record<string, string> = {
  pdf: 'application/pdf',
  html: 'text/html',
  txt: 'text/plain',
  csv: 'text/plain',
}

const found = existsSync(media)
const files = found
  ? ['pdf', 'html', 'text'].flatMap((folder) =>
      readdirSync(new URL(folder, media), { recursive: true, encoding: 'utf8' })
        .map((name) => `${folder}/${name}`)
        .filter((name) => mimeOf(name) !== undefined),
    )
  : []

function mimeOf(name: string): string | undefined {
  return mimes[/\.(\w+)$/.exec(name)?.[1] ?? '']
}

const load = async (name: string) => new Uint8Array(await readFile(new URL(name, media)))
const parse = async (name: string) => parseDocument(await load(name), mimeOf(name)!)
const textOf = ({ blocks }: ParsedDocument) => blocks.map(({ text }) => text).join('\n')

describe.skipIf(!found)('real files', () => {
  const methods = ['log', 'info', 'warn', 'error', 'debug'] as const
  const noise: unknown[][] = []
  beforeAll(() => {
    for (const method of methods) vi.spyOn(console, method).mockImplementation((...words) => void noise.push(words))
  })
  afterAll(() => {
    vi.restoreAllMocks()
  })

  it('are there in number', () => {
    expect(files.length).toBeGreaterThan(100)
  })

  it.each(files)('%s is read, or refused with a reason, in silence', async (name) => {
    const bytes = await load(name)
    const size = bytes.length
    const document = await parse(name).catch((error: unknown) => error)
    if (document instanceof Error) {
      expect(document).toBeInstanceOf(MediaError)
      expect(document.message.length).toBeGreaterThan(20)
    } else {
      await checkDocument(bytes, mimeOf(name)!)
      const { blocks } = document as ParsedDocument
      for (const { text, page, sourceline } of blocks) {
        expect(text).toBe(text.trim())
        expect(text).not.toBe('')
        expect(text).not.toContain('\0')
        if (name.startsWith('pdf/')) expect(page).toBeGreaterThan(0)
        else expect(page).toBeNull()
        if (name.startsWith('text/')) expect(sourceline).toBeGreaterThan(0)
      }
      const options: SplitOptions = { separators: ['page', 'heading', 'sentence', 'token_limit'], limit: 100 }
      const chunks = await splitDocument(document as ParsedDocument, options)
      expect(
        chunks
          .map(({ text }) => text)
          .join('')
          .replace(/\s/g, ''),
      ).toBe(
        blocks
          .map(({ text }) => text)
          .join('')
          .replace(/\s/g, ''),
      )
      expect(chunks.every(({ text }) => countTokens(text) <= 100)).toBe(true)
    }
    expect(bytes.length).toBe(size)
    expect(noise).toEqual([])
  })

  it.each([
    ...['encrypted/testPassword4Spaces', 'encrypted/testUnicodePassword', 'py-pdf/libreoffice-writer-password'],
    ...['pdfjs/issue6010_1', 'pdfjs/pr6531_1', 'tika/testPDF_no_extract_no_accessibility_owner_user'],
  ])('%s.pdf is named as encrypted', async (name) => {
    const bytes = await load(`pdf/${name}.pdf`)
    await expect(checkDocument(bytes, 'application/pdf')).rejects.toThrow(/encrypted.*Decrypt it first/)
    await expect(parseDocument(bytes, 'application/pdf')).rejects.toThrow(/encrypted.*Decrypt it first/)
  })

  it('a PDF that is protected but opens without a password is read', async () => {
    expect(textOf(await parse('pdf/tika/testPDF_protected.pdf'))).toContain('RETHINKING THE FINANCIAL NETWORK')
  })

  it('fuzzed PDFs are refused on writing', async () => {
    for (const name of ['poppler-395-0-fuzzed', 'poppler-742-0-fuzzed', 'poppler-937-0-fuzzed']) {
      await expect(checkDocument(await load(`pdf/pdfjs/${name}.pdf`), 'application/pdf')).rejects.toThrow(MediaError)
    }
  })

  it('the Nvidia report has its sentences on their pages', async () => {
    const document = await parse('pdf/Zacks-Nvidia-Report.pdf')
    const chunks = await splitDocument(document, { separators: ['page', 'sentence'] })
    const pageOf = (part: string) => chunks.find(({ text }) => text.includes(part))?.page
    expect(pageOf('NVIDIA is benefiting from the strong growth of artificial intelligence (AI)')).toBe(1)
    expect(
      pageOf('Graphics and Compute & Networking accounted for 22% and 78% of fiscal 2024 revenues, respectively.'),
    ).toBe(2)
    expect(pageOf('high-performance computing, AI and self-driving cars are encouraging')).toBe(3)
    expect(document.blocks.find(({ text }) => text === 'Reasons To Buy:')).toMatchObject({ kind: 'heading', page: 3 })
    expect(textOf(document)).toMatch(/NVIDIA reported revenues of \$60\.92 billion/)
  })

  it('the paper on attention has its headings and whole sentences', async () => {
    const document = await parse('pdf/1706.03762.pdf')
    const headings = document.blocks.filter(({ kind }) => kind === 'heading').map(({ text }) => text)
    expect(headings).toEqual(
      expect.arrayContaining([
        'Attention Is All You Need',
        'Abstract',
        '1 Introduction',
        '2 Background',
        '7 Conclusion',
      ]),
    )
    expect(textOf(document)).toContain(
      'We propose a new simple network architecture, the Transformer, based solely on attention mechanisms, dispensing with recurrence and convolutions entirely.',
    )
  })

  it('a sidebar is read apart from the text beside it', async () => {
    const text = textOf(await parse('pdf/Argus-Market-Watch-June-2024.pdf'))
    expect(text).toContain('Mortgage rates near 7% are pushing prospective buyers to the sidelines')
    expect(text).toMatch(/S&P 500 P\/E:\t22\.16/)
  })

  it('a book comes out as its paragraphs, without the hyphens of its lines', async () => {
    const document = await parse('pdf/pdfjs/freeculture.pdf')
    expect(document.title).toBe('Free Culture')
    expect(document.blocks.at(-1)?.page).toBe(352)
    expect(textOf(document)).toContain('Unlike actual law, Internet software has no capacity to punish.')
  })

  it('Japanese, Gothic and Arabic come out of PDFs', async () => {
    const various = textOf(await parse('pdf/tika/testPDFVarious.pdf'))
    expect(various).toContain('ゾルゲと尾崎、淡々と最期')
    expect(various).toContain('𐀀𐀀𐀀')
    // In letters, not in presentation forms, and from right to left.
    expect(textOf(await parse('pdf/pdfjs/ArabicCIDTrueType.pdf'))).toMatch(/^انواع .*العربية/)
  })

  it('titles come from the metadata', async () => {
    expect((await parse('pdf/Argus-Market-Digest-June-2024.pdf')).title).toBe('Argus Market Digest')
    expect((await parse('pdf/tika/testPDF_Version.8.x.pdf')).title).toBe('Sample Acrobat 8.x (PDF Version 1.7)')
  })

  it('letter-spaced words are joined', async () => {
    expect(textOf(await parse('pdf/Argus-Market-Digest-June-2024.pdf'))).toContain('ARGUS RESEARCH COMPANY')
  })

  it.each([
    ['testHTML_utf8', 'Title : Tilte with UTF-8 chars öäå', 'åäö'],
    ['testHTML_charset_utf16le', 'Title', 'This is a sample text'],
    ['testHTMLNoisyMetaEncoding_3', null, 'وأعرب الاتحاد الجزائري'],
    ['testHTMLNoisyMetaEncoding_4', null, 'وأعرب الاتحاد الجزائري'],
    ['big-preamble', expect.stringContaining('Аренда квартир'), 'Агентство недвижимости'],
    ['testHTML_metadata_two_titles', 'ActualTitle', 'All meta information goes in the head section'],
    ['testHTMLBadScript', null, 'This is a test.'],
  ])('%s.html is decoded', async (name, title, text) => {
    const document = await parse(`html/tika/${name}.html`)
    expect(document.title).toEqual(title)
    expect(textOf(document)).toContain(text)
  })

  it('a page shows its text, but not its scripts', async () => {
    const text = textOf(await parse('html/simple1.html'))
    expect(text).toContain('A simple body')
    expect(text).not.toContain('function')
  })

  it('questions and answers of a text file are sentences of their own', async () => {
    const document = await parse('text/pxtfaq.txt')
    const chunks = await splitDocument(document, { separators: ['sentence'] })
    expect(chunks.map(({ text }) => text)).toContain('What is Pixeltable?')
    expect(chunks.find(({ text }) => text === 'What is Pixeltable?')?.sourceline).toBe(2)
  })
})
