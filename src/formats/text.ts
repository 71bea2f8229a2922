import { TextDecoder } from 'node:util'
import { ValidationError } from '../errors.js'
import { startingWith } from './source.js'

/**
 * The text of a file piece by piece, without a byte order mark.
 *
 * @param encoding a label of the Encoding Standard; a byte order mark of UTF-16 goes before it
 * @throws ValidationError when the bytes are no text of that encoding
 */
export async function* textOf(
  chunks: AsyncIterable<Uint8Array>,
  label: string,
  encoding = 'utf-8',
): AsyncGenerator<string, void, undefined> {
  let decoder: TextDecoder | undefined
  try {
    for await (const chunk of startingWith(chunks, 3)) {
      decoder ??= new TextDecoder(markedEncoding(chunk) ?? encoding, { fatal: true })
      const text = decoder.decode(chunk, { stream: true })
      if (text !== '') yield text
    }
    const rest = decoder?.decode() ?? ''
    if (rest !== '') yield rest
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw cause
    throw new ValidationError(
      `${label}: expected text in ${decoder?.encoding}, got bytes that are none; save it as UTF-8, or name its encoding`,
      { cause },
    )
  }
}

function markedEncoding(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}

/** Some lines of a text, and the number of the first, from 1. */
export interface Lines {
  readonly lines: readonly string[]
  readonly first: number
}

/** The lines of a text, without their ends. */
export async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<Lines, void, undefined> {
  // A line may span many pieces: they are joined once.
  let open: string[] = []
  let first = 1
  for await (const text of texts) {
    const end = text.lastIndexOf('\n')
    if (end < 0) {
      open.push(text)
      continue
    }
    open.push(text.slice(0, end))
    const lines = open.join('').split('\n')
    yield { lines, first }
    first += lines.length
    open = [text.slice(end + 1)]
  }
  const last = open.join('')
  if (last !== '') yield { lines: [last], first }
}
