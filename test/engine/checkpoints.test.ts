import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import SQLite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { Pixeltable, t } from '../../src/index.js'

test('what a large commit leaves in the log is moved into the file, and nothing is left when it is closed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pixeltable-checkpoints-'))
  const path = join(folder, 'a.db')
  const pxt = await Pixeltable.open(path)
  const notes = await pxt.createTable('notes', { text: t.string() })
  const other = new SQLite(path)
  const log = () => (other.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[])[0]!
  // Small commits, each some pages: they never pile up.
  for (let n = 0; n < 400; n++) await notes.insert({ text: String(n).repeat(5000) })
  expect(log().log - log().checkpointed).toBeLessThan(1500)
  expect(
    (await notes.insert(Array.from({ length: 20_000 }, (_, n) => ({ text: String(n).repeat(100) })))).inserted,
  ).toBe(20_000)
  const deadline = Date.now() + 20_000
  while (log().checkpointed < log().log && Date.now() < deadline) await setTimeout(20)
  expect(log().checkpointed).toBe(log().log)
  expect(await notes.count()).toBe(20_400)
  // Also while the thread is at it.
  await notes.insert(Array.from({ length: 20_000 }, (_, n) => ({ text: String(n).repeat(100) })))
  other.close()
  pxt.close()
  expect(existsSync(`${path}-wal`)).toBe(false)
  expect(readdirSync(folder)).toEqual(['a.db'])
  const again = await Pixeltable.open(path)
  expect(await (await again.getTable('notes')).count()).toBe(40_400)
  again.close()
  rmSync(folder, { recursive: true })
})
