import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import type { PixeltableError } from '../../src/errors.js'
import type { MediaContent } from '../../src/media/index.js'
import type { MediaStore } from '../../src/types/media.js'

/** The data that is shared between checkouts; not part of the repository. */
export const sharedMedia = new URL('../../../shared/data/media/', import.meta.url)

/** A temporary directory that is removed after the file's tests. */
export function temporaryDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pixeltable-media-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** The content as one buffer. */
export function contentBytes(content: MediaContent | undefined): Buffer {
  return Buffer.concat([...content!.chunks()])
}

/** The error that a promise rejects with. */
export async function failure<E extends PixeltableError>(
  type: new (...args: any[]) => E,
  promise: Promise<unknown>,
): Promise<E> {
  const error = await promise.then(
    (value) => expect.unreachable(`resolved with ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(type)
  return error as E
}

/** What a database would keep. */
export class MemoryStore implements MediaStore {
  readonly files = new Map<string, Buffer>()

  add(content: MediaContent): void {
    this.files.set(content.sha256, contentBytes(content))
  }

  async *read(key: string, { start, end }: { start?: number; end?: number } = {}): AsyncGenerator<Uint8Array> {
    const file = this.files.get(key)
    if (file) yield file.subarray(start, end)
  }
}
