import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { MediaError } from '../../src/errors.js'
import { resolveMedia } from '../../src/media/index.js'
import { contentBytes, failure, sharedMedia, temporaryDirectory } from './support.js'

const folder = temporaryDirectory()

/** A picture of noise, 90 pixels wide and 60 high. */
function picture(): Sharp {
  const noise = { type: 'gaussian', mean: 128, sigma: 50 } as const
  return sharp({ create: { width: 90, height: 60, channels: 3, background: 'red', noise } })
}

async function resolveImage(bytes: Uint8Array, validate = true) {
  return resolveMedia('image', bytes, { store: 'file', validate })
}

describe('an image', () => {
  test.each([
    ['jpeg', 'image/jpeg'],
    ['png', 'image/png'],
    ['webp', 'image/webp'],
    ['avif', 'image/avif'],
    ['tiff', 'image/tiff'],
    ['gif', 'image/gif'],
  ] as const)('is measured: %s', async (format, mime) => {
    const bytes = await picture()[format]().toBuffer()
    const { record, content } = await resolveImage(bytes)
    expect(record).toMatchObject({ mime, width: 90, height: 60, format, size: bytes.length })
    expect(contentBytes(content)).toEqual(bytes)
  })

  test('is measured from a file', async () => {
    writeFileSync(join(folder, 'a.png'), await picture().png().toBuffer())
    const { record } = await resolveMedia('image', 'a.png', { store: 'reference', baseDir: folder })
    expect(record).toMatchObject({ mime: 'image/png', width: 90, height: 60, format: 'png', name: 'a.png' })
    writeFileSync(join(folder, 'a.png'), await picture().resize(30, 20).png().toBuffer())
    const again = await resolveMedia('image', 'a.png', { store: 'reference', baseDir: folder })
    expect(again.record).toMatchObject({ width: 30, height: 20 })
  })

  test.each([
    [1, 90, 60],
    [3, 90, 60],
    [6, 60, 90],
    [8, 60, 90],
  ])('has the size of its display with EXIF orientation %i', async (orientation, width, height) => {
    const bytes = await picture().jpeg().withMetadata({ orientation }).toBuffer()
    expect((await resolveImage(bytes)).record).toMatchObject({ width, height })
  })

  test('has the size of its first frame', async () => {
    const frames = [picture(), picture()].map((frame) => frame.png().toBuffer())
    const bytes = await sharp(await Promise.all(frames), { join: { animated: true } })
      .webp()
      .toBuffer()
    expect((await sharp(bytes, { animated: true }).metadata()).pages).toBe(2)
    expect((await resolveImage(bytes)).record).toMatchObject({ width: 90, height: 60, format: 'webp' })
  })

  test.each([
    ['bare', '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><rect width="9" height="9"/></svg>'],
    [
      'declared',
      '<?xml version="1.0"?><!-- c --><svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"></svg>',
    ],
  ])('may be an SVG, %s', async (_, svg) => {
    const { record } = await resolveImage(Buffer.from(svg))
    expect(record).toMatchObject({ mime: 'image/svg+xml', width: 40, height: 30, format: 'svg' })
  })
})

describe('a damaged image', () => {
  test.each(['jpeg', 'png', 'webp', 'avif', 'gif'] as const)('is refused: %s cut in half', async (format) => {
    const whole = await picture()[format]().toBuffer()
    const error = await failure(MediaError, resolveImage(whole.subarray(0, whole.length / 2)))
    expect(error.message).toMatch(new RegExp(`^Uint8Array is image/${format} but cannot be decoded: it is damaged`))
    expect(error.cause).toBeInstanceOf(Error)
  })

  test('is refused: tiff cut in half, which has its directory at the end', async () => {
    const whole = await picture().tiff().toBuffer()
    const error = await failure(MediaError, resolveImage(whole.subarray(0, whole.length / 2)))
    expect(error.message).toMatch(/Uint8Array is of no type that is known\. Check that the file is complete\.$/)
  })

  test('is refused when only its header is right', async () => {
    const bytes = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(100, 7)])
    expect((await failure(MediaError, resolveImage(bytes))).message).toMatch(/cannot be decoded/)
  })

  test('is kept without validation, measured where it can be', async () => {
    const whole = await picture().png().toBuffer()
    const cut = whole.subarray(0, whole.length / 2)
    expect((await resolveImage(cut, false)).record).toMatchObject({ mime: 'image/png', width: 90, height: 60 })
    const header = whole.subarray(0, 20)
    expect((await resolveImage(header, false)).record.width).toBeUndefined()
  })
})

/** The first box of a HEIC file, which is as far as its type is looked for. */
const heic = Buffer.from('000000186674797068656963000000006d69663168656963', 'hex')

test('a format that sharp cannot decode is told apart from damage', async () => {
  const error = await failure(MediaError, resolveImage(heic))
  expect(error.message).toBe(
    'Uint8Array is image/heic, which the installed sharp cannot decode. Convert it to JPEG, PNG, WebP or AVIF first, ' +
      'or turn validation off to keep it undecoded.',
  )
  expect((await resolveImage(heic, false)).record).toMatchObject({ mime: 'image/heic', size: 24 })
})

let shared: string[] = []
try {
  shared = readdirSync(new URL('images/', sharedMedia), { recursive: true, encoding: 'utf8' })
} catch {} // a checkout without the shared data

describe.skipIf(shared.length === 0)('real images', () => {
  const baseDir = fileURLToPath(new URL('images/', sharedMedia))
  const images = shared.filter((path) => /\.(jpe?g|png|webp|avif|tiff?|jxl)$/i.test(path))

  test('are taken and measured, but for the damaged one and the one that sharp cannot decode', async () => {
    expect(images.length).toBeGreaterThan(40)
    const refused: string[] = []
    for (const path of images) {
      await resolveMedia('image', path, { store: 'reference', baseDir }).then(
        ({ record }) => expect(record.width! * record.height!, path).toBeGreaterThan(0),
        (error: unknown) => refused.push(`${path}: ${error instanceof MediaError}`),
      )
    }
    expect(refused.sort()).toEqual(['bad_image.JPEG: true', 'payload/test-image.jxl: true'])
  })
})
