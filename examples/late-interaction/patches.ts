import type { MultiEmbedder } from 'pixeltable'
import sharp from 'sharp'

/** An image is cut into so many patches a side. */
const side = 6
/** Pixels of a patch a side. */
const pixels = 8
/** Levels of each of red, green and blue. */
const levels = 4

/** Colours by name, for queries in words. */
const names: Readonly<Record<string, readonly [number, number, number]>> = {
  red: [220, 30, 30],
  green: [30, 160, 60],
  blue: [40, 80, 220],
  yellow: [240, 220, 40],
  white: [250, 250, 250],
  black: [10, 10, 10],
}

/** Adds a colour to a histogram: to the nearest levels of each channel, shared out by how near they are. */
function add(histogram: Float32Array, rgb: ArrayLike<number>): void {
  const at = Array.from({ length: 3 }, (_, i) => (rgb[i]! / 255) * (levels - 1))
  for (let corner = 0; corner < 8; corner++) {
    let bin = 0
    let weight = 1
    for (let i = 0; i < 3; i++) {
      const low = Math.min(levels - 2, Math.floor(at[i]!))
      const high = (corner >> i) & 1
      bin = bin * levels + low + high
      weight *= high ? at[i]! - low : 1 - (at[i]! - low)
    }
    histogram[bin]! += weight
  }
}

async function patchesOf(image: Uint8Array): Promise<Float32Array[]> {
  const width = side * pixels
  const raw = await sharp(image)
    .resize(width, width, { fit: 'fill' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer()
  const patches = Array.from({ length: side * side }, () => new Float32Array(levels ** 3))
  for (let y = 0; y < width; y++) {
    for (let x = 0; x < width; x++) {
      const patch = Math.floor(y / pixels) * side + Math.floor(x / pixels)
      add(patches[patch]!, raw.subarray(3 * (y * width + x), 3 * (y * width + x) + 3))
    }
  }
  return patches
}

/**
 * A stand-in for ColQwen that needs no download: an image is 36 patches, each a histogram of its colours (64 numbers), and
 * a word of a query is the histogram of the colour that it names. Any model that makes token vectors goes in its place.
 */
export const colourPatches: MultiEmbedder = {
  name: 'colour-patches',
  version: 1,
  multi: true,
  dimensions: levels ** 3,
  kinds: ['image', 'text'],
  embed: (images) => Promise.all(images.map((image) => patchesOf(image as Uint8Array))),
  async embedQuery(queries) {
    return Promise.all(
      queries.map((query) => {
        if (typeof query !== 'string') return patchesOf(query)
        const colours = query
          .toLowerCase()
          .split(/\W+/)
          .flatMap((word) => (names[word] ? [names[word]] : []))
        if (colours.length === 0) throw new Error(`no colour in '${query}': expected ${Object.keys(names).join(', ')}`)
        return colours.map((rgb) => {
          const histogram = new Float32Array(levels ** 3)
          add(histogram, rgb)
          return histogram
        })
      }),
    )
  },
}
