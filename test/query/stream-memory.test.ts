import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('a million rows stream in less than 150 MB, in row order and sorted', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pxt-stream-'))
  try {
    const run = (what: string) =>
      execFileSync(
        process.execPath,
        // Garbage that V8 has not collected yet is not what is held; a smaller nursery leaves less of it.
        [
          '--max-semi-space-size=8',
          fileURLToPath(new URL('streaming.mjs', import.meta.url)),
          what,
          join(folder, 'a.db'),
          '1000000',
        ],
        { encoding: 'utf8' },
      )
    run('fill')
    const { count, most } = JSON.parse(run('stream'))
    expect(count).toBe(2_000_000)
    expect(most).toBeLessThan(150)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
