import { degrees, PDFDocument, type PDFFont, StandardFonts } from 'pdf-lib'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { checkDocument, parseDocument, splitDocument } from '../../src/documents/index.js'
import { MediaError } from '../../src/errors.js'

const mime = 'application/pdf'
let font: PDFFont

type Draw = (text: string, x: number, y: number, size?: number) => void

/** A PDF with one page for each function, which draws on it. */
async function pdf(pages: ((draw: Draw) => void)[], title?: string): Promise<Uint8Array> {
  const file = await PDFDocument.create()
  font = await file.embedFont(StandardFonts.Helvetica)
  if (title !== undefined) file.setTitle(title)
  for (const page of pages) {
    const sheet = file.addPage([600, 800])
    page((text, x, y, size = 10) => sheet.drawText(text, { x, y, size, font }))
  }
  return file.save()
}

const lines = (draw: Draw, texts: string[], x: number, y: number) =>
  texts.forEach((text, i) => {
    draw(text, x, y - i * 12)
  })
const texts = async (bytes: Uint8Array) => (await parseDocument(bytes, mime)).blocks.map(({ text }) => text)

describe('PDF', () => {
  let report: Uint8Array
  beforeAll(async () => {
    report = await pdf(
      [
        (draw) => lines(draw, ['First page has text. It is'], 50, 700),
        () => undefined,
        (draw) => lines(draw, ['Third page comes last.'], 50, 700),
      ],
      'My report',
    )
  })

  it('counts pages from 1, also behind an empty one, and tells the title', async () => {
    const document = await parseDocument(report, mime)
    expect(document.title).toBe('My report')
    expect(document.blocks.map(({ text, page, sourceline }) => [text, page, sourceline])).toEqual([
      ['First page has text. It is', 1, null],
      ['Third page comes last.', 3, null],
    ])
    const chunks = await splitDocument(document, { separators: ['page'] })
    expect(chunks.map(({ page, title }) => [page, title])).toEqual([
      [1, 'My report'],
      [3, 'My report'],
    ])
  })

  it('leaves the bytes as they are, also those of a Buffer', async () => {
    const buffer = Buffer.from(report)
    const before = buffer.toString('latin1')
    expect((await parseDocument(buffer, mime)).blocks).toHaveLength(2)
    await checkDocument(buffer, mime)
    expect(buffer.toString('latin1')).toBe(before)
    expect(report.length).toBe(before.length)
  })

  it('joins the lines of a paragraph and separates paragraphs by gap and indentation', async () => {
    const bytes = await pdf([
      (draw) => {
        lines(draw, ['The first paragraph has lines that', 'are joined with a space between.'], 50, 700)
        lines(draw, ['The second one stands further', 'below and it is another one.'], 50, 660)
        lines(draw, ['The third one is indented only', 'at its first line of the text,'], 62, 636)
      },
    ])
    const [first, second, ...third] = await texts(bytes)
    expect(first).toBe('The first paragraph has lines that are joined with a space between.')
    expect(second).toBe('The second one stands further below and it is another one.')
    expect(third.join(' ')).toContain('The third one is indented')
  })

  it('undoes hyphenation, but keeps the hyphens of compounds', async () => {
    const bytes = await pdf([
      (draw) =>
        lines(
          draw,
          ['A long-term plan needs infor-', 'mation on each state-of-the-', 'art part and is a long-', 'term one.'],
          50,
          700,
        ),
    ])
    expect(await texts(bytes)).toEqual([
      'A long-term plan needs information on each state-of-the-art part and is a long-term one.',
    ])
  })

  it('reads two columns one after the other, between what spans both', async () => {
    const column = (name: string) => Array.from({ length: 8 }, (_, i) => `${name} column has its line number ${i} here`)
    const bytes = await pdf([
      (draw) => {
        draw('A title that stands over both of the columns and is as wide as they are', 50, 750, 14)
        for (let i = 0; i < 8; i++) {
          draw(column('Left')[i]!, 50, 700 - i * 12)
          draw(column('Right')[i]!, 320, 700 - i * 12)
        }
        draw('A footer that stands under both of the columns and is as wide as they are', 50, 560, 14)
      },
    ])
    const found = (await texts(bytes)).join(' ')
    const order = [
      'A title',
      'Left column has its line number 0',
      'number 7',
      'Right column has its line number 0',
      'A footer',
    ]
    const places = order.map((text) => found.indexOf(text))
    expect(places.every((place) => place >= 0)).toBe(true)
    expect(places).toEqual(places.toSorted((p, q) => p - q))
  })

  it('keeps the rows of a table together', async () => {
    const rows = [
      ['Year', 'Sales', 'Profit'],
      ['2022', '100', '10'],
      ['2023', '120', '15'],
      ['2024', '150', '25'],
      ['2025', '190', '30'],
    ]
    const bytes = await pdf([
      (draw) => {
        // Column by column, as some programs print them.
        for (let c = 0; c < 3; c++) for (const [r, row] of rows.entries()) draw(row[c]!, 50 + c * 150, 700 - r * 14)
      },
    ])
    const { blocks } = await parseDocument(bytes, mime)
    expect(blocks.map(({ kind, text }) => [kind, text])).toEqual([
      ['table', rows.map((row) => row.join('\t')).join('\n')],
    ])
  })

  it('takes short large lines for headings, by size', async () => {
    const body = Array.from({ length: 12 }, (_, i) => `Some text on line ${i} that fills the width of the page.`)
    const bytes = await pdf([
      (draw) => {
        draw('The Report', 50, 760, 24)
        draw('Its Summary', 50, 730, 16)
        lines(draw, body, 50, 700)
      },
    ])
    const { blocks } = await parseDocument(bytes, mime)
    expect(blocks.slice(0, 2).map(({ kind, level, text }) => [kind, level, text])).toEqual([
      ['heading', 1, 'The Report'],
      ['heading', 2, 'Its Summary'],
    ])
    expect(blocks.at(-1)).toMatchObject({ kind: 'paragraph', heading: { h1: 'The Report', h2: 'Its Summary' } })
  })

  it('reads turned text, lists and letter-spaced words', async () => {
    const file = await PDFDocument.create()
    const page = file.addPage([600, 800])
    page.drawText('Turned text along the margin', { x: 30, y: 100, size: 10, rotate: degrees(90) })
    page.drawText('\u2022 First item', { x: 50, y: 700, size: 10 })
    page.drawText('\u2022 Second item', { x: 50, y: 688, size: 10 })
    page.drawText('R E S E A R C H', { x: 50, y: 640, size: 10 })
    page.drawText('and all of the rest of the text of this page', { x: 50, y: 600, size: 10 })
    const { blocks } = await parseDocument(await file.save(), mime)
    expect(blocks.map(({ kind, text }) => [kind, text])).toEqual([
      ['listItem', '• First item'],
      ['listItem', '• Second item'],
      ['paragraph', 'RESEARCH'],
      ['paragraph', 'and all of the rest of the text of this page'],
      ['paragraph', 'Turned text along the margin'],
    ])
  })

  it('says what is wrong with a file that it cannot open, and prints nothing', async () => {
    const spies = (['log', 'warn', 'error', 'info'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => undefined),
    )
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(), /empty/],
      [new TextEncoder().encode('<html>'), /does not begin with %PDF-/],
      [new TextEncoder().encode('%PDF-1.7\nnothing else'), /corrupt/],
      [report.slice(0, 60), /corrupt/],
    ]
    for (const [bytes, message] of cases) {
      for (const attempt of [checkDocument, parseDocument]) {
        const error = await attempt(bytes, mime).catch((error: unknown) => error)
        expect(error).toBeInstanceOf(MediaError)
        expect((error as Error).message).toMatch(message)
      }
    }
    for (const spy of spies) {
      expect(spy).not.toHaveBeenCalled()
      spy.mockRestore()
    }
  })

  it('reads several at once, and stops when told to', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => texts(report)))
    expect(new Set(all.map((found) => found.join())).size).toBe(1)
    const abort = new AbortController()
    const parsing = parseDocument(report, mime, { signal: abort.signal })
    abort.abort()
    await expect(parsing).rejects.toThrow(/abort/i)
  })
})
