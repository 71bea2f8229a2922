import { randomUUID } from 'node:crypto'

/** Whether a text may have a whole number that a JavaScript number does not hold. */
const longInteger = /(?:^|[\s:[,])-?\d{16,}(?=$|[\s,\]}])/
/** Strings, so that digits in them are passed over, and numbers. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
/** Marks such a number while JSON.parse carries it as a string. No text can be prepared to look like it. */
const mark = `${randomUUID()}:`

/**
 * JSON, in which a whole number beyond ±(2^53 − 1) becomes a bigint instead of another number.
 * @throws SyntaxError
 */
export function parseJson(text: string): unknown {
  if (!longInteger.test(text)) return JSON.parse(text)
  const marked = text.replaceAll(tokens, (token) =>
    /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${mark}${token}"` : token,
  )
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  )
}
