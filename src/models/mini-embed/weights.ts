import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ModelError } from '../../errors.js'

/** The three files of a model, in one folder. */
export const modelFiles = {
  description: 'mini-embed.json',
  vocabulary: 'vocabulary.txt',
  weights: 'weights.bin',
} as const

/** What the description file says of the other two; it may say more, such as the recipe. */
export interface Description {
  readonly name: string
  readonly version: number
  readonly dimensions: number
  readonly tokens: number
  /** The weight of the sketch of a word outside the vocabulary. */
  readonly unknownWeight: number
  /** SHA-256 of the other two files, in hexadecimal. */
  readonly sha256: { readonly vocabulary: string; readonly weights: string }
}

/** A model in memory. The vector of a token, times its weight, is its row of codes times its scale. */
export interface Weights {
  readonly description: Description
  readonly vocabulary: readonly string[]
  /** One a token. */
  readonly scales: Float32Array
  /** Odd numbers from -15 to 15, `dimensions` of them a token. */
  readonly codes: Int8Array
}

/**
 * Packs weights into the bytes of the weights file: the scales as little-endian 32-bit floats, then the codes, two in
 * a byte, the earlier one in its lower half.
 */
export function packWeights(scales: Float32Array, codes: Int8Array): Uint8Array {
  const bytes = new Uint8Array(scales.length * 4 + codes.length / 2)
  const view = new DataView(bytes.buffer)
  scales.forEach((scale, i) => {
    view.setFloat32(i * 4, scale, true)
  })
  for (let i = 0; i < codes.length; i += 2) {
    bytes[scales.length * 4 + i / 2] = ((codes[i]! + 15) >> 1) | (((codes[i + 1]! + 15) >> 1) << 4)
  }
  return bytes
}

/**
 * Reads and checks the files of a model.
 * @throws ModelError when a file is missing or is not what the description says
 */
export async function loadWeights(folder: URL): Promise<Weights> {
  const [text, vocabularyBytes, weightBytes] = await Promise.all([
    read(folder, modelFiles.description),
    read(folder, modelFiles.vocabulary),
    read(folder, modelFiles.weights),
  ])
  const description = parseDescription(text)
  check(modelFiles.vocabulary, vocabularyBytes, description.sha256.vocabulary)
  check(modelFiles.weights, weightBytes, description.sha256.weights)
  const { tokens, dimensions } = description
  const vocabulary = new TextDecoder().decode(vocabularyBytes).trimEnd().split('\n')
  if (vocabulary.length !== tokens) {
    throw new ModelError(`${modelFiles.vocabulary} has ${vocabulary.length} tokens, expected ${tokens}`)
  }
  const expected = tokens * (4 + dimensions / 2)
  if (weightBytes.length !== expected) {
    throw new ModelError(`${modelFiles.weights} has ${weightBytes.length} bytes, expected ${expected}`)
  }
  const view = new DataView(weightBytes.buffer, weightBytes.byteOffset)
  const scales = Float32Array.from({ length: tokens }, (_, i) => view.getFloat32(i * 4, true))
  const codes = new Int8Array(tokens * dimensions)
  for (let from = tokens * 4, i = 0; i < codes.length; from++, i += 2) {
    const byte = weightBytes[from]!
    codes[i] = (byte & 15) * 2 - 15
    codes[i + 1] = (byte >> 4) * 2 - 15
  }
  return { description, vocabulary, scales, codes }
}

async function read(folder: URL, file: string): Promise<Uint8Array> {
  try {
    return await readFile(new URL(file, folder))
  } catch (cause) {
    throw new ModelError(
      `the built-in embedding model lacks its file '${file}': install the package again with its assets folder`,
      { cause },
    )
  }
}

function parseDescription(bytes: Uint8Array): Description {
  let value: Partial<Description> | null
  try {
    value = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Description> | null
  } catch (cause) {
    throw new ModelError(`${modelFiles.description} is not JSON`, { cause })
  }
  const { name, version, dimensions, tokens, unknownWeight, sha256 } = value ?? {}
  const valid =
    typeof name === 'string' &&
    isCount(version) &&
    isCount(dimensions) &&
    dimensions % 4 === 0 &&
    isCount(tokens) &&
    typeof unknownWeight === 'number' &&
    typeof sha256?.vocabulary === 'string' &&
    typeof sha256.weights === 'string'
  if (!valid) throw new ModelError(`${modelFiles.description} does not describe a model of this library`)
  return value as Description
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0
}

function check(file: string, bytes: Uint8Array, expected: string): void {
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== expected) {
    throw new ModelError(`${file} is corrupt: its SHA-256 is ${found}, expected ${expected}. Install the package again`)
  }
}
