/** Makes the PDF documents of the quickstart: `npx tsx examples/quickstart/make-pdfs.ts`. */
import { writeFileSync } from 'node:fs'
import { PDFDocument, StandardFonts } from 'pdf-lib'

const documents: Readonly<Record<string, { title: string; pages: readonly string[] }>> = {
  'kestrel-report': {
    title: 'Kestrel Kettles: third quarter',
    pages: [
      'Kestrel Kettles, report on the third quarter. Revenue rose by 12 percent to 48 million, most of it from the new travel kettle. The gross margin fell to 41 percent, because steel became more expensive.',
      'Outlook. For the fourth quarter the company expects revenue of 55 million, since kettles are given as presents. A second factory opens in spring and will double the number of kettles made in a day.',
      'Risks. Two suppliers deliver all heating elements. The price of copper is hedged until June only.',
    ],
  },
  'harbour-report': {
    title: 'Harbour Cloud: annual report',
    pages: [
      'Harbour Cloud, annual report. Sales of computing by the hour grew by 30 percent. The data centre in the north runs on wind and cooled itself on all but nine days of the year.',
      'Customers. The ten largest customers brought in a fifth of all sales. Prices of storage were cut by a tenth in May, and the stock lost four percent on that day.',
    ],
  },
  'library-rules': {
    title: 'Rules of the town library',
    pages: [
      'Rules of the town library. Books are lent for four weeks and can be renewed twice, unless somebody waits for them. Films and games are lent for one week.',
      'Fees. A late book costs twenty cents a day and never more than five euros. Children pay nothing. A lost book is replaced or paid for.',
    ],
  },
}

for (const [name, { title, pages }] of Object.entries(documents)) {
  const pdf = await PDFDocument.create()
  // Fixed dates, so that the same text gives the same bytes.
  pdf.setTitle(title)
  pdf.setCreationDate(new Date(0))
  pdf.setModificationDate(new Date(0))
  const font = await pdf.embedFont(StandardFonts.Helvetica)
  for (const text of pages) {
    const page = pdf.addPage([420, 595])
    page.drawText(text, { x: 50, y: 520, size: 12, lineHeight: 18, maxWidth: 320, font })
  }
  writeFileSync(new URL(`documents/${name}.pdf`, import.meta.url), await pdf.save())
}
