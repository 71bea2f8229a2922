import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { Pixeltable } from '../../src/index.js'

export const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A temporary directory that is removed after the file's tests. */
export function temporaryDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pixeltable-formats-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A database in memory that is closed after the file's tests. */
export async function database(): Promise<Pixeltable> {
  const pxt = await Pixeltable.open(':memory:')
  afterAll(() => pxt.close())
  return pxt
}

/** The columns of a table as `name: type?`. */
export function columnsOf(table: { describe(): any }): string[] {
  return table
    .describe()
    .columns.map(
      ({ name, type, nullable }: { name: string; type: string; nullable: boolean }) =>
        `${name}: ${type}${nullable ? '?' : ''}`,
    )
}

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error & Record<string, unknown>> {
  return promise.then(
    (value) => expect.unreachable(`resolved with ${String(value)}`),
    (reason: unknown) => reason as Error & Record<string, unknown>,
  )
}

/** The text in pieces of some bytes, to cut it at every place. */
export async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}
