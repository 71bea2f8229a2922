import { readdirSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { MediaError } from '../../src/errors.js'
import { resolveMedia } from '../../src/media/index.js'
import type { MediaKind } from '../../src/types/media.js'
import { growth, tooFast } from '../growth.js'
import { failure, sharedMedia } from './support.js'

function resolveNamed(content: string | Uint8Array, name: string, type = '', kind: MediaKind = 'document') {
  return resolveMedia(kind, new File([content as Uint8Array<ArrayBuffer>], name, { type }) as Blob, { store: 'file' })
}

async function mimeOf(content: string | Uint8Array, name = 'x', type = ''): Promise<string> {
  return (await resolveNamed(content, name, type)).record.mime
}

const markdown = '# Title\n\nSee [the page](https://example.org) and **this**.\n\n- one\n- two\n'
const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('<html><body>Grüße</body></html>', 'utf16le')])

describe('the type of a text', () => {
  test.each<[string, string | Uint8Array, string, string, string]>([
    ['its extension', 'x', 'a.md', '', 'text/markdown'],
    ['its extension in capitals', 'x', 'A.HTM', '', 'text/html'],
    ['its extension before its header', '# x', 'a.md', 'text/html', 'text/markdown'],
    ['its extension before its content', '<p align="center">', 'README.md', '', 'text/markdown'],
    ['its header', 'x', 'a', 'text/html; charset=UTF-8', 'text/html'],
    ['its header with a charset', 'x', 'a', 'text/html; Charset="Shift_JIS"', 'text/html; charset=shift_jis'],
    ['its header, whose charset is unknown', 'x', 'a', 'text/html; charset=x-none', 'text/html'],
    ['its content before a general header', markdown, 'a', 'text/plain', 'text/markdown'],
    ['a document type', '\n<!-- c -->\n<!DOCTYPE HTML>\n<p>', 'a', '', 'text/html'],
    ['a first tag', '\ufeff  <body class=x>', 'a', '', 'text/html'],
    ['an XML declaration', '<?xml version="1.0"?><feed/>', 'a', '', 'application/xml'],
    ['an XML extension', '<feed/>', 'a.xml', '', 'application/xml'],
    ['an XML header', '<feed/>', 'a', 'application/atom+xml', 'application/xml'],
    [
      'an XHTML root',
      '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "x.dtd"><html xmlns="x">',
      'a',
      '',
      'application/xhtml+xml',
    ],
    ['Markdown signs', markdown, 'a', '', 'text/markdown'],
    ['no signs', 'Prose - with a dash.\n# 1 is one sign only\n', 'a', '', 'text/plain'],
    ['an extension it does not know', 'a,b\n1,2\n', 'a.csv', '', 'text/plain'],
    ['UTF-16 with a byte order mark', utf16, 'a', '', 'text/html'],
    ['UTF-16 without one', utf16.subarray(2), 'a', '', 'text/html'],
    ['an encoding that is not Unicode', Buffer.from('<html><p>Gr\u00fc\u00dfe', 'latin1'), 'a', '', 'text/html'],
    ['letters of any script', '漢字 и кириллица', 'a', '', 'text/plain'],
  ])('is told by %s', async (_, content, name, type, mime) => {
    expect(await mimeOf(content, name, type)).toBe(mime)
  })

  test('is told in linear time', async () => {
    const work = async (size: number) => {
      for (const piece of ['[', '![[', '<!--', ' \n', '<?', '<!doctype [', '**', '| ', '#']) {
        await mimeOf(`x${piece.repeat(size / piece.length)}`)
        await mimeOf(`<!doctype ${piece.repeat(size / piece.length)}`)
      }
    }
    expect(await growth(work, 16_384)).toBeLessThan(tooFast)
  })
})

describe('the type of a PDF', () => {
  test('is told by its first bytes, whatever its name', async () => {
    expect(await mimeOf('%PDF-1.4\n', 'a.txt', 'text/html')).toBe('application/pdf')
  })

  test('is told behind junk', async () => {
    expect(await mimeOf(`\0\u0001junk${' '.repeat(500)}%PDF-1.7\n`)).toBe('application/pdf')
    expect(await mimeOf('HTTP junk\n%PDF-1.7\n', 'a.pdf')).toBe('application/pdf')
  })

  test('is not believed of a text that mentions it', async () => {
    expect(await mimeOf('A file that starts with %PDF- is a PDF.', 'a')).toBe('text/plain')
  })
})

describe('a kind', () => {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  )
  const mp3 = Buffer.concat([Buffer.from('fffb9064', 'hex'), Buffer.alloc(600)])
  const cfb = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)])

  test.each<[MediaKind, string | Uint8Array, string, RegExp]>([
    [
      'document',
      png,
      'a.png',
      /^A document column expects one of PDF, .*; File 'a\.png' is image\/png\. Put it in a t\.image\(\) column\.$/,
    ],
    [
      'image',
      'text',
      'a.txt',
      /^An image column expects an image .*; File 'a\.txt' is text\/plain\. Put it in a t\.document\(\) column\.$/,
    ],
    ['audio', png, 'a.png', /^An audio column expects audio such as MP3.* is image\/png/],
    ['video', mp3, 'a.mp3', /^A video column expects .* is audio\/mpeg\. Put it in a t\.audio\(\) column\.$/],
    ['document', '{"a":1}', 'a.json', /is application\/json\. Parse it and put it in a t\.json\(\) column\.$/],
    [
      'document',
      cfb,
      'a.doc',
      /is application\/x-cfb\. It is an Office file that is password-protected or of the old kind/,
    ],
    ['document', Buffer.from([1, 2, 3, 0]), 'a', /is of no type that is known\. Check that the file is complete\.$/],
    [
      'document',
      Buffer.from('1f8b0800000000000003', 'hex'),
      'a.gz',
      /is application\/gzip\. Convert it, or keep it in a t\.binary\(\) column\.$/,
    ],
    ['document', 'Log in first', 'a.docx', /is named \.docx but holds plain text\./],
  ])('refuses another: %s', async (kind, content, name, message) => {
    const error = await failure(MediaError, resolveNamed(content, name, '', kind))
    expect(error.message).toMatch(message)
  })

  test('of audio takes a container, which may hold sound alone', async () => {
    const mp4 = Buffer.from('00000018667479706d703432000000006d70343269736f6d', 'hex')
    expect((await resolveNamed(mp4, 'a.mp4', '', 'audio')).record.mime).toBe('video/mp4')
    expect((await resolveNamed(mp4, 'a.mp4', '', 'video')).record.mime).toBe('video/mp4')
  })
})

let shared: string[] = []
try {
  shared = readdirSync(sharedMedia, { recursive: true, encoding: 'utf8' })
} catch {} // a checkout without the shared data

describe.skipIf(shared.length === 0)('real files', () => {
  const types: Record<string, string> = {
    '.docx': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    '.epub': 'application/epub+zip',
    '.html': 'text/html',
    '.odt': 'application/vnd.oasis.opendocument.text',
    '.pdf': 'application/pdf',
    '.pptx': 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    '.rtf': 'application/rtf',
    '.txt': 'text/plain',
    '.xlsx': 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    '.xml': 'application/xml',
  }
  const baseDir = fileURLToPath(sharedMedia)

  test('each document is of the type that its name says, and protected Office files are explained', async () => {
    const documents = shared.filter((path) => extname(path) in types)
    expect(documents.length).toBeGreaterThan(100)
    for (const path of documents) {
      const resolved = resolveMedia('document', path, { store: 'reference', baseDir })
      if (/^office.*protected/.test(path))
        expect((await failure(MediaError, resolved)).message).toMatch(/password-protected/)
      else expect((await resolved).record.mime, path).toBe(types[extname(path)])
    }
  })

  test.each<[MediaKind, RegExp, number]>([
    ['audio', /^audio\/.*\.(mp3|flac|m4a|ogg|mp4)$/, 20],
    ['video', /^video\/(?!bad).*\.(mp4|mpg)$/, 5],
  ])('each %s file is taken', async (kind, pattern, atLeast) => {
    const paths = shared.filter((path) => pattern.test(path))
    expect(paths.length).toBeGreaterThanOrEqual(atLeast)
    for (const path of paths) {
      const { record } = await resolveMedia(kind, path, { store: 'reference', baseDir })
      expect(record.mime, path).toMatch(/^(audio|video)\//)
    }
  })

  test('a video that is none is refused', async () => {
    const error = await failure(MediaError, resolveMedia('video', 'video/bad_video.mp4', { store: 'file', baseDir }))
    expect(error.message).toMatch(/bad_video\.mp4' is text\/plain/)
  })
})
