import { ValidationError } from '../errors.js'
import { type DecodeContext, describeValue } from '../types/column-type.js'
import type { FileColumn, FileReader, FileRows, Writer } from './format.js'
import { inferFromJson } from './infer-type.js'
import { parseJson } from './parse-json.js'
import { cellReader } from './read-cell.js'
import { linesOf } from './text.js'
import { jsonWriter } from './write-cell.js'

/** Objects as rows: each property that appears is a column. */
export class ObjectRows {
  readonly columns: FileColumn[] = []
  readonly #positions = new Map<string, number>()

  /** @throws TypeError when the value is no object */
  cellsOf(value: unknown): unknown[] {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new TypeError(`expected an object with columns as keys, got ${describeValue(value)}`)
    }
    const cells: unknown[] = []
    for (const [name, cell] of Object.entries(value)) {
      let position = this.#positions.get(name)
      if (position === undefined) {
        position = this.columns.length
        this.columns.push({ name })
        this.#positions.set(name, position)
      }
      cells[position] = cell
    }
    return cells
  }
}

/** A reader of objects that are given as text, each with its line. */
export function objectReader(
  batches: AsyncIterable<readonly { readonly text: string; readonly line: number }[]>,
  label: string,
  context: DecodeContext,
): FileReader {
  const shape = new ObjectRows()
  return {
    columns: shape.columns,
    inferType: (_, values) => inferFromJson(values),
    valueOf: (_, type) => cellReader(type, 'json', context),
    async *read() {
      for await (const batch of batches) {
        const rows: unknown[][] = []
        const lines: number[] = []
        for (const { text, line } of batch) {
          rows.push(parseRow(shape, text, `${label}: line ${line}`))
          lines.push(line)
        }
        yield { rows, lines } satisfies FileRows
      }
    },
  }
}

function parseRow(shape: ObjectRows, text: string, where: string): unknown[] {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (cause) {
    throw new ValidationError(`${where}: expected JSON: ${(cause as Error).message}`, { cause })
  }
  try {
    return shape.cellsOf(value)
  } catch (cause) {
    throw new ValidationError(`${where}: ${(cause as Error).message}`, { cause })
  }
}

/** JSON Lines: one object a line. Empty lines are passed over. */
export function readJsonl(texts: AsyncIterable<string>, label: string, context: DecodeContext): FileReader {
  async function* rows() {
    for await (const { lines, first } of linesOf(texts)) {
      yield lines.map((text, i) => ({ text, line: first + i })).filter(({ text }) => text !== '' && text.trim() !== '')
    }
  }
  return objectReader(rows(), label, context)
}

/** Text that is gathered before it is handed on, in characters. */
export const pieceLength = 1 << 16

/** Rows as objects in JSON, one after the other. */
export async function* objectsOf(
  columns: Parameters<Writer>[0],
  rows: Parameters<Writer>[1],
): AsyncGenerator<string, void, undefined> {
  const cells = columns.map(({ name, type }) => ({ name, key: `${JSON.stringify(name)}:`, write: jsonWriter(type) }))
  for await (const row of rows) {
    let text = '{'
    for (const { name, key, write } of cells) {
      const value = row[name]
      text += `${text === '{' ? '' : ','}${key}${value === null || value === undefined ? 'null' : write(value)}`
    }
    yield `${text}}`
  }
}

/** Writes one object a line. */
export const writeJsonl: Writer = async function* (columns, rows) {
  let piece = ''
  for await (const object of objectsOf(columns, rows)) {
    piece += `${object}\n`
    if (piece.length < pieceLength) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
