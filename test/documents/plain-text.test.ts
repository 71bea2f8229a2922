import { describe, expect, it } from 'vitest'
import { parseDocument } from '../../src/documents/index.js'

const parse = (text: string) => parseDocument(new TextEncoder().encode(text), 'text/plain')

describe('plain text', () => {
  it('separates paragraphs at blank lines and tells their lines', async () => {
    const { title, blocks } = await parse('\n one\r\ntwo  \n \t\n\n# three\f\rfour')
    expect(title).toBeNull()
    expect(blocks.map(({ kind, text, sourceline, lines, page }) => [kind, text, sourceline, lines, page])).toEqual([
      ['paragraph', 'one\ntwo', 2, [{ offset: 4, line: 3 }], null],
      ['paragraph', '# three\nfour', 6, [{ offset: 8, line: 7 }], null],
    ])
  })

  it('has no blocks when it is empty', async () => {
    expect((await parse('')).blocks).toEqual([])
    expect((await parse(' \n ')).blocks).toEqual([])
  })
})
