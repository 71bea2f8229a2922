import type { Metadata } from 'sharp'
import { MediaError } from '../errors.js'
import { loadOptional } from '../optional-package.js'

/** What is measured of an image. */
export interface ImageSize {
  /** Pixels from left to right, as displayed: after the EXIF orientation. */
  readonly width: number
  /** Pixels from top to bottom, as displayed, of the first frame or page. */
  readonly height: number
  /** sharp's name of the format, such as `jpeg`, `png`, `webp`, `avif` or `svg`. */
  readonly format: string
}

/**
 * Reads the header of an image, and decodes it once in full to see that it is whole.
 *
 * @param content the encoded bytes, or the path of a local file
 * @throws MediaError when it is damaged or the installed sharp cannot decode its format
 * @throws MissingPackageError when sharp is not installed
 */
export async function validateImage(content: Uint8Array | string, mime: string, label: string): Promise<ImageSize> {
  const { default: sharp } = await loadOptional('sharp')
  try {
    const size = sizeOf(await sharp(content).metadata())
    // Shrinking to 8 × 8 reads all of the data but lets the JPEG and WebP decoders skip most of the arithmetic.
    await sharp(content, { failOn: 'error' }).resize(8, 8, { fit: 'fill' }).raw().toBuffer()
    return size
  } catch (cause) {
    if (decodedBySharp.has(mime)) {
      throw new MediaError(`${label} is ${mime} but cannot be decoded: it is damaged, cut off or too large`, { cause })
    }
    throw new MediaError(
      `${label} is ${mime}, which the installed sharp cannot decode. Convert it to JPEG, PNG, WebP or AVIF first, ` +
        'or turn validation off to keep it undecoded.',
      { cause },
    )
  }
}

/** Reads the header of an image where it can be read; undefined where not, also when sharp is not installed. */
export async function measureImage(content: Uint8Array | string): Promise<ImageSize | undefined> {
  try {
    const { default: sharp } = await loadOptional('sharp')
    return sizeOf(await sharp(content).metadata())
  } catch {
    return undefined
  }
}

/** Formats that every build of sharp decodes, so that a failure is the file's fault. */
const decodedBySharp: ReadonlySet<string> = new Set([
  'image/avif',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/apng',
  'image/svg+xml',
  'image/tiff',
  'image/webp',
])

function sizeOf({ width, height, format, compression, orientation = 1 }: Metadata): ImageSize {
  // Orientations 5 to 8 turn the image by a quarter.
  const [w, h] = orientation >= 5 ? [height, width] : [width, height]
  return { width: w, height: h, format: format === 'heif' && compression === 'av1' ? 'avif' : format }
}
