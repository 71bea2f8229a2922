/** What the Arrow schema inside a Parquet file adds to what Parquet says of a column. */
export interface ArrowField {
  readonly name: string
  /** The length of every list, in a column of lists of fixed size. */
  readonly listSize: number | undefined
  /** Name of an extension type, such as `arrow.fixed_shape_tensor`. */
  readonly extension: string | undefined
  /** The shape of the tensors in a column of tensors. */
  readonly shape: readonly number[] | undefined
}

const fixedSizeList = 16

/**
 * Reads the value of `ARROW:schema` in a Parquet file: in base64, an IPC message, whose flat buffer has the schema.
 * Undefined when it is not readable: it is only a help.
 * @see https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format
 */
export function parseArrowSchema(base64: string): ArrowField[] | undefined {
  try {
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64'))
    const view = new DataView(bytes.buffer)
    // A continuation mark and the length go before the message; old writers leave out the mark.
    const start = view.getInt32(0, true) === -1 ? 8 : 4
    const message = FlatTable.root(view, start)
    return message.table(2)!.tables(1).map(toField)
  } catch {
    return undefined
  }
}

function toField(field: FlatTable): ArrowField {
  const metadata = new Map(field.tables(6).map((pair) => [pair.text(0), pair.text(1)]))
  const extension = metadata.get('ARROW:extension:name')
  const size = field.byte(2) === fixedSizeList ? field.table(3)?.int(0) : undefined
  return { name: field.text(0), listSize: size, extension, shape: shapeOf(metadata.get('ARROW:extension:metadata')) }
}

function shapeOf(metadata: string | undefined): readonly number[] | undefined {
  try {
    const { shape } = JSON.parse(metadata ?? '{}') as { shape?: unknown }
    return Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0) ? shape : undefined
  } catch {
    return undefined
  }
}

/** A table of a flat buffer: its fields are found by their position through the table's vtable. */
class FlatTable {
  readonly #view: DataView
  readonly #at: number

  constructor(view: DataView, at: number) {
    this.#view = view
    this.#at = at
  }

  static root(view: DataView, at: number): FlatTable {
    return new FlatTable(view, at + view.getUint32(at, true))
  }

  /** Where a field is stored; undefined for one that is not. */
  #field(position: number): number | undefined {
    const vtable = this.#at - this.#view.getInt32(this.#at, true)
    const entry = 4 + 2 * position
    if (entry >= this.#view.getUint16(vtable, true)) return undefined
    const offset = this.#view.getUint16(vtable + entry, true)
    return offset === 0 ? undefined : this.#at + offset
  }

  #target(position: number): number | undefined {
    const at = this.#field(position)
    return at === undefined ? undefined : at + this.#view.getUint32(at, true)
  }

  byte(position: number): number {
    const at = this.#field(position)
    return at === undefined ? 0 : this.#view.getUint8(at)
  }

  int(position: number): number {
    const at = this.#field(position)
    return at === undefined ? 0 : this.#view.getInt32(at, true)
  }

  text(position: number): string {
    const at = this.#target(position)
    if (at === undefined) return ''
    return Buffer.from(this.#view.buffer as ArrayBuffer, at + 4, this.#view.getUint32(at, true)).toString()
  }

  table(position: number): FlatTable | undefined {
    const at = this.#target(position)
    return at === undefined ? undefined : new FlatTable(this.#view, at)
  }

  tables(position: number): FlatTable[] {
    const at = this.#target(position)
    if (at === undefined) return []
    return Array.from({ length: this.#view.getUint32(at, true) }, (_, i) => FlatTable.root(this.#view, at + 4 + 4 * i))
  }
}
