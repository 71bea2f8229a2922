import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryDirectory } from './support.js'

const program = fileURLToPath(new URL('./moving-many.ts', import.meta.url))
const loader = new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url).href
/** The heap of the child, in megabytes; the rows that it moves are twice as large as text. */
const heap = 64

test.each(['Csv', 'Jsonl', 'Parquet', 'Arrow'])(
  'a large %s file goes in and out in bounded memory',
  { timeout: 180_000 },
  async (format) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      `--max-old-space-size=${heap}`,
      '--import',
      loader,
      program,
      temporaryDirectory(),
      format,
    ])
    const { rows, bytes, last, peak } = JSON.parse(stdout) as Record<string, number>
    expect(rows).toBe(400_000)
    expect(last).toBe(399_999)
    if (format !== 'Parquet') expect(bytes).toBeGreaterThan(120_000_000)
    expect(peak).toBeLessThan(150_000_000)
  },
)
