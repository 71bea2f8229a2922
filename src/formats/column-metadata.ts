import type { ColumnType, TypeConfig } from '../types/column-type.js'
import { typeFromConfig } from '../types/registry.js'
import type { FileColumn, OutputColumn } from './format.js'

/** The key under which Parquet and Arrow files carry the exact types of their columns. */
export const metadataKey = 'pixeltable'

const currentVersion = 1

/** The columns of a file that is written, as its metadata. */
export function columnMetadata(columns: readonly OutputColumn[]): string {
  const described = columns.map(({ name, type, nullable }) => ({ name, type: type.config(), nullable }))
  return JSON.stringify({ version: currentVersion, columns: described })
}

/** The columns that metadata describes, by name. None where it is of a newer version or damaged: it is only a help. */
export function columnsOfMetadata(text: string | undefined): ReadonlyMap<string, FileColumn> {
  const columns = new Map<string, FileColumn>()
  if (text === undefined) return columns
  try {
    const stored = JSON.parse(text) as {
      version: unknown
      columns: { name: string; type: TypeConfig; nullable: boolean }[]
    }
    if (stored.version !== currentVersion) return columns
    for (const { name, type, nullable } of stored.columns) {
      columns.set(name, { name, type: typeFromConfig(type) as ColumnType<any>, nullable: nullable === true })
    }
    return columns
  } catch {
    return new Map()
  }
}
