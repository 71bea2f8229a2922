import type { ColumnType } from '../types/column-type.js'

/** A column as a file shows it. */
export interface FileColumn {
  readonly name: string
  /** Its type, where the file says it exactly; else it is inferred from the first values. */
  readonly type?: ColumnType<any> | undefined
  /** Whether it has nulls, where the file says so. */
  readonly nullable?: boolean | undefined
}

/** Some rows of a file, in order. */
export interface FileRows {
  /** Cells by the position of their column; undefined where a row has none. */
  readonly rows: readonly (readonly unknown[])[]
  /** The line on which each row begins, in formats of text. */
  readonly lines?: readonly number[]
}

/** Reads one file of one format. */
export interface FileReader {
  /** Grows while rows are read, where only they show which columns there are. */
  readonly columns: readonly FileColumn[]
  /** The type that fits the first values of a column, none of them null; there may be none at all. */
  inferType(column: number, values: readonly unknown[]): ColumnType<any>
  /** Turns a cell of a column into what an insert of `type` takes. Its errors read "expected …, got …". */
  valueOf(column: number, type: ColumnType<any>): (cell: unknown) => unknown
  /** The rows; can be called once. */
  read(): AsyncGenerator<FileRows, void, undefined>
  close?(): Promise<void>
}

/** A column of what is written. */
export interface OutputColumn {
  readonly name: string
  readonly type: ColumnType<any>
  readonly nullable: boolean
  /** Whether the cells of a media column are their content: bytes, or a `data:` URL in formats of text. */
  readonly inline?: boolean
}

/** Writes rows in one format: yields the pieces of the file. */
export type Writer = (
  columns: readonly OutputColumn[],
  rows: AsyncIterable<Readonly<Record<string, unknown>>>,
) => AsyncGenerator<string | Uint8Array, void, undefined>
