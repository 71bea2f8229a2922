import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { checkDocument, documentMimes, parseDocument } from '../../src/documents/index.js'
import { MediaError } from '../../src/errors.js'

const bytes = new TextEncoder().encode('# A')

describe('parseDocument', () => {
  it('finds the format by its mime type, in any case and with parameters', async () => {
    const { blocks } = await parseDocument(bytes, ' Text/Markdown; charset="utf-8" ')
    expect(blocks[0]?.kind).toBe('heading')
    const latin = await parseDocument(new Uint8Array([0xb1]), 'text/plain; charset=iso-8859-2')
    expect(latin.blocks[0]?.text).toBe('ą')
  })

  it('names the formats when it does not know the type', async () => {
    await expect(parseDocument(bytes, 'image/png')).rejects.toThrow(MediaError)
    await expect(parseDocument(bytes, 'image/png')).rejects.toThrow(
      /'image\/png'.*PDF \(application\/pdf\).*text\/plain/,
    )
    await expect(checkDocument(bytes, '')).rejects.toThrow(MediaError)
    expect(documentMimes).toEqual(
      expect.arrayContaining(['application/pdf', 'text/markdown', 'text/html', 'application/xhtml+xml', 'text/plain']),
    )
  })

  it('does nothing once aborted', async () => {
    await expect(parseDocument(bytes, 'text/markdown', { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
  })

  it('finds no fault with any text', async () => {
    for (const mime of ['text/plain', 'text/html', 'text/markdown']) {
      expect(await checkDocument(new Uint8Array([0xff, 0xfe, 0, 0x80]), mime)).toBeUndefined()
    }
  })

  it('loads no reader before it is needed', async () => {
    const folder = new URL('../../src/documents/', import.meta.url)
    const files = (await readdir(folder)).filter((name) => name.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(10)
    for (const file of files) {
      const source = await readFile(new URL(file, folder), 'utf8')
      const loaded = [...source.matchAll(/^(?:import|export) (?!type )[^;]*? from '([^']+)'/gm)].map(
        (match) => match[1],
      )
      expect(loaded.filter((name) => !/^(?:\.|node:)/.test(name ?? ''))).toEqual([])
    }
  })
})
