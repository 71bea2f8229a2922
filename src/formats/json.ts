import { ValidationError } from '../errors.js'
import type { DecodeContext } from '../types/column-type.js'
import type { FileReader, Writer } from './format.js'
import { objectReader, objectsOf, pieceLength } from './jsonl.js'

/** A JSON array of objects, which are read one by one. */
export function readJson(texts: AsyncIterable<string>, label: string, context: DecodeContext): FileReader {
  return objectReader(elementsOf(texts, label), label, context)
}

interface Element {
  readonly text: string
  /** The line on which it begins. */
  readonly line: number
}

const newline = 0x0a
const quote = 0x22
const comma = 0x2c
const backslash = 0x5c

const isSpace = (code: number): boolean => code === 0x20 || code === newline || code === 0x0d || code === 0x09
const isOpening = (code: number): boolean => code === 0x5b || code === 0x7b
const isClosing = (code: number): boolean => code === 0x5d || code === 0x7d

/** The texts of the elements of a JSON array. Their own syntax is not checked. */
async function* elementsOf(texts: AsyncIterable<string>, label: string): AsyncGenerator<Element[], void, undefined> {
  // What may come next outside of an element.
  let expects: 'array' | 'first' | 'element' | 'comma' | 'end' = 'array'
  let depth = 0
  let inString = false
  let escaped = false
  let line = 1
  let open: string[] = []
  let openLine = 1
  const fail = (expected: string, got: string): never => {
    throw new ValidationError(`${label}: line ${line}: expected ${expected}, got ${got}`)
  }
  for await (const text of texts) {
    const elements: Element[] = []
    let start = 0
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code === newline) line++
      if (depth > 0) {
        if (inString) {
          if (escaped) escaped = false
          else if (code === backslash) escaped = true
          else if (code === quote) inString = false
        } else if (code === quote) inString = true
        else if (isOpening(code)) depth++
        else if (isClosing(code) && --depth === 0) {
          open.push(text.slice(start, i + 1))
          elements.push({ text: open.join(''), line: openLine })
          open = []
          expects = 'comma'
        }
        continue
      }
      if (isSpace(code)) continue
      const got = JSON.stringify(text.slice(i, i + 20))
      switch (expects) {
        case 'array':
          if (text[i] !== '[') fail('a JSON array of objects', got)
          expects = 'first'
          break
        case 'comma':
          if (text[i] === ']') expects = 'end'
          else if (code === comma) expects = 'element'
          else fail("',' or ']' after an object", got)
          break
        case 'end':
          fail('nothing after the array', got)
          break
        default:
          if (text[i] === ']' && expects === 'first') {
            expects = 'end'
            break
          }
          if (text[i] !== '{') fail('an object with columns as keys', got)
          depth = 1
          start = i
          openLine = line
      }
    }
    if (depth > 0) open.push(text.slice(start))
    if (elements.length > 0) yield elements
  }
  if (expects !== 'end') fail('a complete JSON array of objects', 'the end of the file')
}

/** Writes an array of objects, one a line. */
export const writeJson: Writer = async function* (columns, rows) {
  let piece = '['
  let separator = '\n'
  for await (const object of objectsOf(columns, rows)) {
    piece += separator + object
    separator = ',\n'
    if (piece.length < pieceLength) continue
    yield piece
    piece = ''
  }
  yield `${piece}\n]\n`
}
