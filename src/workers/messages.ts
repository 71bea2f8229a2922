import type { CallReport } from '../expr/function.js'
import type { ByteRange, MediaKind, MediaRecord } from '../types/media.js'
import type { Sendable } from './sendable.js'

/** An argument on its way into a thread. The bytes of a file stay where they are until the function reads them. */
export type SentArgument =
  | { readonly value: unknown }
  | { readonly media: number; readonly kind: MediaKind; readonly record: MediaRecord }

/** A result on its way out of a thread: a value, an argument that was a file, a URL, or what a row failed with. */
export type SentResult =
  | { readonly value: unknown }
  | { readonly media: number }
  | { readonly url: string }
  | { readonly error: Sendable }

/** One call of a function for some rows. A thread has one at a time. */
export interface CallMessage {
  readonly kind: 'call'
  /** The URL of the module that defines the function. */
  readonly module: string
  readonly name: string
  readonly version: number
  readonly rows: readonly (readonly SentArgument[])[]
  readonly attempt: number
}

/** What the program tells a thread. */
export type ToThread =
  | CallMessage
  | { readonly kind: 'abort'; readonly reason: Sendable }
  /** A piece of a file; without one the file has ended. */
  | { readonly kind: 'piece'; readonly read: number; readonly bytes?: Uint8Array | undefined }
  | { readonly kind: 'unreadable'; readonly read: number; readonly error: Sendable }

/** Asks for the next piece of a file; the first time begins to read it. */
export interface ReadMessage {
  readonly kind: 'read'
  readonly read: number
  readonly media: number
  readonly range: ByteRange | undefined
}

/** What the function returned; one value where that is no list. */
export interface DoneMessage {
  readonly kind: 'done'
  readonly result: readonly SentResult[] | SentResult
}

/** What a thread tells the program. */
export type FromThread =
  /** The module is imported; the function is called now. */
  | { readonly kind: 'began' }
  | { readonly kind: 'report'; readonly report: CallReport }
  | ReadMessage
  /** Reads no further. */
  | { readonly kind: 'close'; readonly read: number }
  | DoneMessage
  | { readonly kind: 'failed'; readonly error: Sendable }
