import type { Stored } from '../../types/column-type.js'

/** better-sqlite3 binds every number as a float; `x || 5` would be 'x5.0'. */
export const toBinding = (value: Stored): Stored => (Number.isSafeInteger(value) ? BigInt(value as number) : value)
