import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Pixeltable, t } from '../../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'pixeltable-slices-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const many = 60_000
const rows = Array.from({ length: many }, (_, n) => ({ n, s: `row ${n}` }))
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

test('a long commit lets the event loop turn; others see before or after, and wait to write', async () => {
  const pxt = await Pixeltable.open(join(folder, 'long.db'))
  const table = await pxt.createTable('t', { n: t.int(), s: t.string() })
  const other = await pxt.createTable('other', { n: t.int() })
  let committing = true
  let turns = 0
  const seen = new Set<number>()
  const watch = async () => {
    while (committing) {
      seen.add(await table.count())
      await turn()
    }
  }
  const tick = async () => {
    while (committing) {
      turns++
      await turn()
    }
  }
  const write = async () => {
    for (let n = 0; n < 20; n++) {
      await other.insert({ n })
      await turn()
    }
  }
  const insert = table.insert(rows).finally(() => {
    committing = false
  })
  await Promise.all([insert, watch(), write(), tick()])
  seen.add(await table.count())
  expect([...seen].sort((a, b) => a - b)).toEqual([0, many])
  expect(turns).toBeGreaterThan(2)
  expect(await other.count()).toBe(20)
  // Versions are whole: each belongs to one statement.
  const versions = [...(await table.history()), ...(await other.history())].map(({ version }) => version)
  expect(new Set(versions).size).toBe(versions.length)
  await table.delete().all().run()
  expect(await table.count()).toBe(0)
  await table.revert()
  expect(await table.count()).toBe(many)
  pxt.close()
})

test('a database that is closed during a commit has nothing of it', async () => {
  const path = join(folder, 'closed.db')
  const pxt = await Pixeltable.open(path)
  const table = await pxt.createTable('t', { n: t.int(), s: t.string() })
  let written = 0
  // The first turn after rows begin to be written.
  const text = () => `x${written++}`
  const watched = rows.map((row) => Object.defineProperty({ ...row }, 's', { get: text, enumerable: true }))
  const insert = table.insert(watched)
  const failed = expect(insert).rejects.toThrow(/not open|closed/)
  while (written < many) await turn()
  await turn()
  pxt.close()
  await failed
  const again = await Pixeltable.open(path)
  expect(await (await again.getTable('t')).count()).toBe(0)
  again.close()
})
