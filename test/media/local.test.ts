import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test } from 'vitest'
import { MediaError, ValidationError } from '../../src/errors.js'
import { type ResolveOptions, resolveMedia, StoredMedia } from '../../src/media/index.js'
import type { MediaInput } from '../../src/types/media.js'
import { contentBytes, failure, sha256, temporaryDirectory } from './support.js'

const folder = temporaryDirectory()
const stored: ResolveOptions = { store: 'file', baseDir: folder }
const referenced: ResolveOptions = { store: 'reference', baseDir: folder }

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** Text of 600,000 bytes: three chunks. */
const long = 'All work and no play makes Jack a dull boy.\n'.repeat(14_000).slice(0, 600_000)

describe('a local file', () => {
  test('is copied into the database file under its hash', async () => {
    write('long.txt', long)
    const { record, content } = await resolveMedia('document', 'long.txt', stored)
    expect(record).toEqual({
      url: `pxt:${sha256(long)}`,
      mime: 'text/plain',
      size: 600_000,
      sha256: sha256(long),
      name: 'long.txt',
    })
    expect([...content!.chunks()].map((chunk) => chunk.length)).toEqual([262_144, 262_144, 75_712])
    expect(contentBytes(content).toString()).toBe(long)
    expect(content).toMatchObject({ sha256: record.sha256, size: record.size, mime: record.mime })
  })

  test('is referenced without content', async () => {
    const path = write('a #1%20?.md', '# Title\n')
    const { record, content } = await resolveMedia('document', 'a #1%20?.md', referenced)
    expect(content).toBeUndefined()
    expect(record).toMatchObject({ url: pathToFileURL(path).href, mime: 'text/markdown', size: 8, name: 'a #1%20?.md' })
    const media = new StoredMedia('document', record)
    expect(media.path).toBe(path)
    expect(await media.text()).toBe('# Title\n')
  })

  test.each<[string, (path: string) => MediaInput]>([
    ['an absolute path', (path) => path],
    ['a relative path', (path) => relative(folder, path)],
    ['a file: URL', (path) => pathToFileURL(path)],
    ['the text of a file: URL', (path) => pathToFileURL(path).href],
    ['a file: URL in capitals', (path) => pathToFileURL(path).href.replace('file:', 'FILE:')],
  ])('is found by %s', async (_, input) => {
    const path = write('found.txt', 'found')
    const { record } = await resolveMedia('document', input(path), referenced)
    expect(record.url).toBe(pathToFileURL(path).href)
  })

  test('is found relative to the current directory by default', async () => {
    const path = write('cwd.txt', 'here')
    const { record } = await resolveMedia('document', relative(process.cwd(), path), { store: 'reference' })
    expect(record.url).toBe(pathToFileURL(path).href)
  })

  test('is followed through a symbolic link, and keeps the link as its path', async () => {
    write('target.txt', 'target')
    symlinkSync(join(folder, 'target.txt'), join(folder, 'link.txt'))
    const { record } = await resolveMedia('document', 'link.txt', referenced)
    expect(record).toMatchObject({ name: 'link.txt', sha256: sha256('target') })
  })

  test.each<[string, string, RegExp]>([
    [
      'missing',
      'nowhere/to.pdf',
      /^Cannot read 'nowhere\/to\.pdf': there is no such file \(looked for '.*nowhere.*'\)$/,
    ],
    ['under a file', 'file.txt/inner.pdf', /'file\.txt\/inner\.pdf': a part of the path is not a directory/],
    ['a directory', 'sub', /got a directory: 'sub'/],
    ['empty', 'empty.txt', /got an empty file: 'empty\.txt'/],
    ['an empty string', '', /got an empty string/],
    ['too long a text', 'x'.repeat(5000), /^.{200,300}…': the path is too long$/],
    ['with a NUL', 'a\0b', /^Cannot read 'a\0b'$/],
  ])('that is %s is an error naming the path', async (_, path, message) => {
    mkdirSync(join(folder, 'sub'), { recursive: true })
    write('file.txt', 'x')
    write('empty.txt', '')
    expect((await failure(MediaError, resolveMedia('document', path, stored))).message).toMatch(message)
  })

  test('in the home directory is not looked for by ~', async () => {
    const error = await failure(MediaError, resolveMedia('document', '~/no-such-file.txt', stored))
    expect(error.message).toContain(join(folder, '~'))
    expect(error.message).not.toContain(homedir())
  })

  test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('that is not readable says so', async () => {
    chmodSync(write('locked.txt', 'x'), 0)
    const error = await failure(MediaError, resolveMedia('document', 'locked.txt', stored))
    expect(error.message).toBe(
      `Cannot read 'locked.txt': it is not readable by this process (looked for '${folder}/locked.txt')`,
    )
  })

  test.skipIf(process.platform === 'win32')('that is a pipe is refused instead of waited for', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const error = await failure(MediaError, resolveMedia('document', 'pipe', stored))
    expect(error.message).toBe("Expected a regular file, got a pipe, socket or device: 'pipe'")
  })

  test('stops at the signal', async () => {
    write('long.txt', long)
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(resolveMedia('document', 'long.txt', { ...stored, signal })).rejects.toBe(reason)
  })
})

describe('a file that changes between resolve and commit', () => {
  test.each<[string, (path: string) => void]>([
    ['content of equal length', (path) => writeFileSync(path, 'two')],
    ['growth', (path) => appendFileSync(path, 'x'.repeat(1_000_000))],
    ['truncation', (path) => writeFileSync(path, '')],
  ])('fails the commit: %s', async (_, change) => {
    const path = write('changing.txt', 'one')
    const { content } = await resolveMedia('document', path, stored)
    change(path)
    expect(() => contentBytes(content)).toThrow(MediaError)
    expect(() => contentBytes(content)).toThrow(/changing\.txt' changed between being measured and being written/)
  })

  test('fails the commit when it is gone', async () => {
    const path = write('going.txt', 'one')
    const { content } = await resolveMedia('document', 'going.txt', stored)
    rmSync(path)
    expect(() => contentBytes(content)).toThrow(/Cannot read 'going\.txt': there is no such file/)
  })

  test('is no matter when only its time changes', async () => {
    const path = write('touched.txt', 'one')
    const { content } = await resolveMedia('document', path, stored)
    utimesSync(path, 1, 1)
    expect(contentBytes(content).toString()).toBe('one')
  })
})

describe('reading a reference', () => {
  async function reference(name: string, content: string): Promise<StoredMedia> {
    write(name, content)
    return new StoredMedia('document', (await resolveMedia('document', name, referenced)).record)
  }

  test('gives the whole and any part of it', async () => {
    const media = await reference('parts.txt', long)
    const read = async (range?: { start?: number; end?: number }) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of media.stream(range)) chunks.push(chunk)
      return Buffer.concat(chunks).toString()
    }
    expect(await read()).toBe(long)
    expect(await read({ start: 262_140, end: 262_150 })).toBe(long.slice(262_140, 262_150))
    expect(await read({ start: 599_990 })).toBe(long.slice(-10))
    expect(await read({ end: 5 })).toBe('All w')
    expect(await read({ start: 5, end: 5 })).toBe('')
    expect(await read({ start: 700_000, end: 800_000 })).toBe('')
    expect(await read({ start: 599_999, end: 800_000 })).toBe(long.at(-1))
  })

  test.each([{ start: -1 }, { start: 1.5 }, { start: 5, end: 4 }, { end: Number.NaN }])(
    'refuses the range %o',
    async (range) => {
      const media = await reference('range.txt', 'content')
      expect(() => media.stream(range)).toThrow(ValidationError)
    },
  )

  test('may be stopped early', async () => {
    const media = await reference('early.txt', long)
    for await (const chunk of media.stream()) {
      expect(chunk.length).toBe(262_144)
      break
    }
  })

  test('fails when the size changed', async () => {
    const media = await reference('size.txt', 'content')
    appendFileSync(media.path!, '!')
    expect((await failure(MediaError, media.bytes())).message).toMatch(/size\.txt' changed since insert/)
  })

  test('fails when the content changed under the same size', async () => {
    const media = await reference('hash.txt', 'content')
    writeFileSync(media.path!, 'CONTENT')
    expect((await failure(MediaError, media.bytes())).message).toMatch(/hash\.txt' changed since insert/)
  })

  test('fails when the file is gone, naming the path', async () => {
    const media = await reference('gone.txt', 'content')
    rmSync(media.path!)
    expect((await failure(MediaError, media.bytes())).message).toBe(
      `Cannot read '${media.path}': there is no such file`,
    )
  })

  test('gives a Blob, a data: URL and the record', async () => {
    const media = await reference('forms.txt', 'content')
    const blob = await media.blob()
    expect([blob.type, await blob.text()]).toEqual(['text/plain', 'content'])
    expect(await media.toDataUrl()).toBe('data:text/plain;base64,Y29udGVudA==')
    expect(JSON.parse(JSON.stringify(media))).toMatchObject({ url: media.url, size: 7, name: 'forms.txt' })
  })
})
