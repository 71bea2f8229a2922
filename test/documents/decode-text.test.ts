import { describe, expect, it } from 'vitest'
import { decodeText } from '../../src/documents/decode-text.js'

const utf8 = (text: string) => new TextEncoder().encode(text)
const latin1 = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const utf16le = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le'))
const utf16be = (text: string) => new Uint8Array(Buffer.from(text, 'utf16le').swap16())

describe('decodeText', () => {
  it('honours byte order marks and drops them', async () => {
    expect(await decodeText(utf8('\ufeffgrün'))).toBe('grün')
    expect(await decodeText(utf16le('\ufeffgrün'))).toBe('grün')
    expect(await decodeText(utf16be('\ufeffgrün'))).toBe('grün')
  })

  it('recognises UTF-16 without a mark', async () => {
    expect(await decodeText(utf16le('plain text'))).toBe('plain text')
    expect(await decodeText(utf16be('plain text'))).toBe('plain text')
  })

  it('takes what is not UTF-8 for windows-1252, also where Node has the wrong table', async () => {
    expect(await decodeText(new Uint8Array([0x80, 0x20, 0x93, 0x61, 0x94, 0xfc]))).toBe('€ “a”ü')
    expect(await decodeText(latin1('\x80'), { transportEncoding: 'iso-8859-1' })).toBe('€')
  })

  it('keeps UTF-8 with a single broken byte', async () => {
    const text = 'Ein Satz über Bäume und Öfen, größer als üblich, für Ärzte über Flüsse. '
    expect(await decodeText(new Uint8Array([...utf8(text), 0xff]))).toBe(`${text}\ufffd`)
  })

  it('follows the transport before the declaration, and ignores names it does not know', async () => {
    const page = latin1('<meta charset="windows-1251"><p>\xcf</p>')
    expect(await decodeText(page, { mime: 'text/html' })).toContain('П')
    expect(await decodeText(page, { mime: 'text/html', transportEncoding: 'iso-8859-15' })).toContain('Ï')
    expect(await decodeText(page, { mime: 'text/html', transportEncoding: 'no-such' })).toContain('П')
  })

  it('reads declarations in meta elements, early or late, and in an XML declaration', async () => {
    const late = latin1(
      `<html>${' '.repeat(5000)}<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">\xf0`,
    )
    expect(await decodeText(late, { mime: 'text/html' })).toContain('П')
    const xml = latin1('<?xml version="1.0" encoding="ISO-8859-2"?><p>\xb1</p>')
    expect(await decodeText(xml, { mime: 'application/xhtml+xml' })).toContain('ą')
  })

  it('ignores a declaration in plain text and in a comment', async () => {
    expect(await decodeText(utf8('<meta charset="koi8-r">ä'))).toContain('ä')
    expect(await decodeText(utf8('<!-- <meta charset="koi8-r"> -->ä'), { mime: 'text/html' })).toContain('ä')
  })

  it('survives a declaration that breaks the sniffer', async () => {
    const page = utf8('<meta http-equiv="content-type" content="text/html; charset">ä')
    expect(await decodeText(page, { mime: 'text/html' })).toContain('ä')
  })

  it('replaces NUL and reads nothing from nothing', async () => {
    expect(await decodeText(utf8('a\0b'))).toBe('a\ufffdb')
    expect(await decodeText(new Uint8Array())).toBe('')
  })
})
