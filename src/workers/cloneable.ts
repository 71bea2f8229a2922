/**
 * A value as it is posted to another thread. Structured clone copies the whole buffer of a view, however little of it
 * the view shows.
 */
export function compact(value: unknown): unknown {
  const isPart = value instanceof Uint8Array && value.byteLength < value.buffer.byteLength
  return isPart ? Uint8Array.from(value) : value
}

/** Why a value cannot be posted to another thread; undefined where it can. */
export function cloneFailure(value: unknown): Error | undefined {
  try {
    structuredClone(value)
    return undefined
  } catch (cause) {
    return cause as Error
  }
}
