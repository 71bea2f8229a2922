import { createHash } from 'node:crypto'
import type { FunctionCode } from '../expr/function.js'
import { Pace } from '../pace.js'
import { typeOfValue } from '../types/dynamic.js'
import { type Asker, callRows } from './caller.js'

/** What remembers results of calls, by what was called with what. */
export interface ResultMemory {
  /** Whether calls of a function are worth remembering. */
  remembers(code: FunctionCode): boolean
  /** The results that are known, by position; each key may have one result for all, or one for each time it was called. */
  recall(code: FunctionCode, keys: readonly (string | undefined)[]): Promise<Map<number, unknown>>
  remember(code: FunctionCode, key: string, value: unknown): void
}

const pace = new Pace()

/**
 * Calls a function for those rows of arguments whose results are not known. A function that keeps its results is called
 * once for equal arguments.
 */
export async function callUnknown(
  code: FunctionCode,
  rows: readonly (readonly unknown[])[],
  asker: Asker,
  memory: ResultMemory | undefined,
): Promise<void> {
  if (!memory?.remembers(code)) return callRows(code, rows, asker)
  const keys: (string | undefined)[] = new Array(rows.length)
  for (const [i, args] of rows.entries()) {
    keys[i] = keyOf(code, args)
    if (pace.due) await pace.rest()
  }
  const known = await memory.recall(code, keys)
  /** For each call, the rows that get its result. */
  const groups: number[][] = []
  const byKey = new Map<string, number[]>()
  rows.forEach((_, row) => {
    if (known.has(row)) {
      asker.value(row, known.get(row))
      return
    }
    const key = code.cache ? keys[row] : undefined
    const group = key === undefined ? undefined : byKey.get(key)
    if (group) {
      group.push(row)
      return
    }
    const made = [row]
    groups.push(made)
    if (key !== undefined) byKey.set(key, made)
  })
  await callRows(
    code,
    groups.map(([row]) => rows[row!]!),
    {
      ...asker,
      value: (call, value) => {
        const key = keys[groups[call]![0]!]
        if (key !== undefined) memory.remember(code, key, value)
        for (const row of groups[call]!) asker.value(row, value)
      },
      failed: (call, cause, attempts) => {
        for (const row of groups[call]!) asker.failed(row, cause, attempts)
      },
    },
  )
}

/**
 * A hash (SHA-256) of a function's identity and arguments; equal for equal ones. Undefined where an argument has no form
 * to compare by: a file that is not in the database may change under its name.
 */
export function keyOf(code: FunctionCode, args: readonly unknown[]): string | undefined {
  const hash = createHash('sha256').update(`${code.name}\n${code.version}`)
  for (const arg of args) {
    const bytes = bytesOf(arg)
    if (bytes === undefined) return undefined
    // With its length, so that no two lists of arguments look alike.
    hash.update(`\n${bytes.type} ${bytes.value.length} `).update(bytes.value)
  }
  return hash.digest('hex')
}

function bytesOf(arg: unknown): { readonly type: string; readonly value: string | Uint8Array } | undefined {
  if (arg === null || arg === undefined) return { type: 'null', value: '' }
  try {
    const type = typeOfValue(arg)
    const parsed = type.parse(arg)
    if (type.media && (arg as { sha256?: string }).sha256 === undefined) return undefined
    const stored = type.encode(parsed)
    return { type: JSON.stringify(type.config()), value: stored instanceof Uint8Array ? stored : String(stored) }
  } catch {
    return undefined
  }
}
