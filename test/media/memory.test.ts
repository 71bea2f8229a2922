import { openAsBlob, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { MediaError } from '../../src/errors.js'
import { Pixeltable, t, udf } from '../../src/index.js'
import { partOf } from '../../src/media/content.js'
import { resolveMedia, StoredMedia } from '../../src/media/index.js'
import type { Media, MediaInput } from '../../src/types/media.js'
import { contentBytes, failure, MemoryStore, sha256, temporaryDirectory } from './support.js'

const text = Buffer.from('Plain text.')

describe('bytes', () => {
  test('are stored in the file, also where references are asked for', async () => {
    const { record, content } = await resolveMedia('document', new Uint8Array(text), { store: 'reference' })
    expect(record).toEqual({ url: `pxt:${sha256(text)}`, mime: 'text/plain', size: 11, sha256: sha256(text) })
    expect(contentBytes(content)).toEqual(text)
    expect(contentBytes(content)).toEqual(text) // a commit may be tried again
  })

  test('may be a view on a larger buffer', async () => {
    const view = Uint8Array.from([...Buffer.from('before '), ...text, ...Buffer.from(' after')]).subarray(7, 18)
    const { record, content } = await resolveMedia('document', view, { store: 'file' })
    expect(record.sha256).toBe(sha256(text))
    expect(contentBytes(content)).toEqual(text)
  })

  test('are read in parts, across pieces and beyond the end', () => {
    const pieces = [text.subarray(0, 3), text.subarray(3, 4), text.subarray(4)]
    for (let start = 0; start <= 13; start++) {
      for (let end = start; end <= 13; end++) {
        expect(Buffer.concat([...partOf(pieces, start, end)])).toEqual(text.subarray(start, end))
      }
    }
  })

  test('that are not committed yet are read in parts too', async () => {
    using pxt = await Pixeltable.open(':memory:')
    const docs = await pxt.createTable('docs', { file: t.document() })
    const head = udf({ name: 'memory_head', version: 1 }, async (file: Media) => {
      const parts: Uint8Array[] = []
      for await (const part of file.stream({ start: 6, end: 10 })) parts.push(part)
      return Buffer.concat(parts).toString()
    })
    const full = await docs.addComputedColumn('head', (c) => head(c.file))
    await full.insert([{ file: new Uint8Array(text) }])
    expect((await full.firstOrThrow()).head).toBe('text')
  })

  test('that the caller changes before the commit fail it', async () => {
    const bytes = new Uint8Array(text)
    const { content } = await resolveMedia('document', bytes, { store: 'file' })
    bytes[0] = 0x21
    expect(() => contentBytes(content)).toThrow(MediaError)
    expect(() => contentBytes(content)).toThrow(/^Uint8Array changed .* give a copy/)
  })

  test('that are none are refused', async () => {
    const error = await failure(MediaError, resolveMedia('document', new Uint8Array(), { store: 'file' }))
    expect(error.message).toBe('Expected content, got an empty file: Uint8Array')
  })
})

describe('Blobs', () => {
  test('are stored, with their declared type for text', async () => {
    const blob = new Blob(['# One title'], { type: 'text/markdown' })
    const { record, content } = await resolveMedia('document', blob, { store: 'file' })
    expect(record).toMatchObject({ mime: 'text/markdown', size: 11 })
    expect(record.name).toBeUndefined()
    expect(contentBytes(content).toString()).toBe('# One title')
  })

  test('that are Files keep their name without directories', async () => {
    const { File } = await import('node:buffer')
    const file = new File(['x'], '../../etc/na\u0000me.txt') as unknown as Blob
    expect((await resolveMedia('document', file, { store: 'file' })).record.name).toBe('name.txt')
  })

  test('whose file changed cannot be read', async () => {
    const path = join(temporaryDirectory(), 'blob.txt')
    writeFileSync(path, 'one')
    const blob = await openAsBlob(path)
    writeFileSync(path, 'longer')
    const error = await failure(MediaError, resolveMedia('document', blob, { store: 'file' }))
    expect(error.message).toBe('Cannot read Blob')
    expect(error.cause).toBeInstanceOf(Error)
  })
})

describe('data: URLs', () => {
  test.each([
    ['base64', 'data:text/html;charset=utf-8;base64,PHA+aGk8L3A+', 'text/html', '<p>hi</p>'],
    ['percent-encoded', 'data:text/plain,hello%20world', 'text/plain', 'hello world'],
    ['without a type', 'data:,x', 'text/plain', 'x'],
    ['in capitals', 'DATA:text/plain,x', 'text/plain', 'x'],
  ])('are stored in the file: %s', async (_, url, mime, content) => {
    const resolved = await resolveMedia('document', url, { store: 'reference' })
    expect(resolved.record).toMatchObject({ url: `pxt:${sha256(content)}`, mime })
    expect(contentBytes(resolved.content).toString()).toBe(content)
  })

  test.each(['data:image/png;base64,secret*', 'data:secret'])('that are malformed are not quoted: %s', async (url) => {
    const error = await failure(MediaError, resolveMedia('image', url, { store: 'file' }))
    expect(error.message).toMatch(/^Cannot decode data:/)
    expect(error.message).not.toContain('secret')
    expect(error.cause).toBeUndefined()
  })

  test('are as large as they are', async () => {
    const url = `data:text/plain;base64,${Buffer.from('x'.repeat(3_000_000)).toString('base64')}`
    expect((await resolveMedia('document', url, { store: 'file' })).record.size).toBe(3_000_000)
  })
})

describe('a stored Media', () => {
  const store = new MemoryStore()

  async function storedMedia(): Promise<StoredMedia> {
    const { record, content } = await resolveMedia('document', new File(['a note'], 'n.txt') as Blob, { store: 'file' })
    store.add(content!)
    return new StoredMedia('document', record, { store })
  }

  test('reads from its store, whole and in part', async () => {
    const media = await storedMedia()
    expect(media).toMatchObject({ kind: 'document', mime: 'text/plain', size: 6, name: 'n.txt', path: undefined })
    expect(await media.text()).toBe('a note')
    const parts = []
    for await (const part of media.stream({ start: 2, end: 4 })) parts.push(Buffer.from(part).toString())
    expect(parts).toEqual(['no'])
  })

  test('keeps its record in the same database, without content', async () => {
    const media = await storedMedia()
    const resolved = await resolveMedia('document', media, { store: 'file', mediaStore: store })
    expect(resolved).toEqual({ record: media.toJSON() })
  })

  test('is copied to another database with its name', async () => {
    const media = await storedMedia()
    const { record, content } = await resolveMedia('document', media, { store: 'file', mediaStore: new MemoryStore() })
    expect(record).toEqual(media.toJSON())
    expect(contentBytes(content).toString()).toBe('a note')
  })

  test('does not go into a column of another kind', async () => {
    const media = await storedMedia()
    const error = await failure(MediaError, resolveMedia('image', media, { store: 'file', mediaStore: store }))
    expect(error.message).toMatch(/An image column expects .*; n\.txt is text\/plain/)
  })

  test('whose content is missing or short says so', async () => {
    const media = await storedMedia()
    store.files.set(media.sha256, Buffer.from('a no'))
    expect((await failure(MediaError, media.bytes())).message).toBe(
      'The content of n.txt is missing or incomplete in the database file',
    )
    store.files.clear()
    expect((await failure(MediaError, media.bytes())).message).toMatch(/missing or incomplete/)
  })

  test('of another copy of the package is copied', async () => {
    const { url, mime, sha256 } = await storedMedia()
    const bytes = async () => Buffer.from('a note')
    const foreign = { url, mime, sha256, bytes, [Symbol.for('pixeltable.media')]: true } as unknown as StoredMedia
    const { record, content } = await resolveMedia('document', foreign, { store: 'file', mediaStore: store })
    expect(record).toEqual({ url, mime, sha256, size: 6 })
    expect(contentBytes(content).toString()).toBe('a note')
  })

  test('without a store cannot be read', async () => {
    const media = new StoredMedia('document', (await storedMedia()).toJSON())
    expect((await failure(MediaError, media.bytes())).message).toBe('n.txt has no database to be read from')
  })
})

describe('a referring Media', () => {
  test('is read from its file, and must still be what it was', async () => {
    const path = join(temporaryDirectory(), 'r.txt')
    writeFileSync(path, 'one')
    const { record } = await resolveMedia('document', path, { store: 'reference' })
    const media = new StoredMedia('document', record)
    expect((await resolveMedia('document', media, { store: 'reference' })).record).toEqual(record)
    const copied = await resolveMedia('document', media, { store: 'file' })
    expect(copied.record).toEqual({ ...record, url: `pxt:${record.sha256}` })
    expect(contentBytes(copied.content).toString()).toBe('one')
    writeFileSync(path, 'two')
    const error = await failure(MediaError, resolveMedia('document', media, { store: 'file' }))
    expect(error.message).toMatch(/r\.txt' changed since insert/)
  })

  test('of another system has no path, yet can be looked at', () => {
    const record = { url: 'file://host/share/a.txt', mime: 'text/plain', size: 1, sha256: sha256('x') }
    const media = new StoredMedia('document', record)
    expect(media.path).toBe(process.platform === 'win32' ? '\\\\host\\share\\a.txt' : undefined)
  })
})

test.each([[null], [42], [{}], [undefined]])('refuses %o', async (input) => {
  const error = await failure(MediaError, resolveMedia('image', input as unknown as MediaInput, { store: 'file' }))
  expect(error.message).toMatch(/^Expected a path, URL, Uint8Array, Blob or Media, got (null|number|object|undefined)$/)
})

test('says how to pass an ArrayBuffer', async () => {
  const input = new ArrayBuffer(4) as unknown as MediaInput
  expect((await failure(MediaError, resolveMedia('image', input, { store: 'file' }))).message).toMatch(
    /new Uint8Array\(buffer\)/,
  )
})
