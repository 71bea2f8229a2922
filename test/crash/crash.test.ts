import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import SQLite from 'better-sqlite3'
import { afterAll, expect, test } from 'vitest'
import { apply, contents, lastVersion, open } from './changing.js'
import * as draining from './draining.js'
import { openTables, rowsPerBatch } from './inserting.js'

const folder = mkdtempSync(join(tmpdir(), 'pixeltable-crash-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const tsx = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url))
const kills = 30

/** Starts a victim and kills it some time after its first report. @returns its last report */
async function runUntilKilled(program: string, args: readonly string[], after: number): Promise<number> {
  return Number((await reportsUntilKilled(program, args, after)).at(-1))
}

/** Starts a victim and kills it some time after its first report. @returns its reports */
function reportsUntilKilled(program: string, args: readonly string[], after: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const path = fileURLToPath(new URL(program, import.meta.url))
    const child = spawn(process.execPath, ['--import', `file://${tsx}`, path, ...args])
    let output = ''
    let errors = ''
    child.stderr.on('data', (data) => {
      errors += data
    })
    child.stdout.on('data', (data) => {
      if (output === '') setTimeout(() => child.kill('SIGKILL'), after)
      output += data
    })
    child.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself (${code}): ${errors}`))
      // A last line that was cut by the kill is not a number that was reported.
      else resolve(output.slice(0, output.lastIndexOf('\n')).split('\n'))
    })
  })
}

test(`killed ${kills} times while inserting, the file has exactly the committed rows`, {
  timeout: 180_000,
}, async () => {
  const path = join(folder, 'crash.db')
  for (let kill = 0; kill < kills; kill++) {
    const reported = await runUntilKilled('inserting.ts', [path], Math.random() * 40)
    const db = new SQLite(path, { readonly: true })
    const one = (sql: string) => db.prepare(sql).pluck().get() as number
    expect(one('PRAGMA integrity_check')).toBe('ok')
    const batches = one('SELECT max(batch) FROM docs')
    // The child may have died between a commit and its report.
    expect(batches - reported).toBeGreaterThanOrEqual(0)
    expect(batches - reported).toBeLessThanOrEqual(1)
    const rows = (batches + 1) * rowsPerBatch
    expect(one('SELECT count(*) FROM docs')).toBe(rows)
    expect(one(`SELECT count(*) FROM (SELECT batch FROM docs GROUP BY batch HAVING count(*) = ${rowsPerBatch})`)).toBe(
      batches + 1,
    )
    expect(one('SELECT count(*) FROM chunks')).toBe(2 * rows)
    expect(one('SELECT count(*) FROM chunks WHERE length IS NULL OR length <> length(text)')).toBe(0)
    expect(one('SELECT count(*) FROM chunks JOIN docs ON docs._rowid = chunks._base')).toBe(2 * rows)
    expect(one('SELECT count(*) FROM "chunks@meaning" JOIN chunks USING (_rowid)')).toBe(2 * rows)
    const hits = `SELECT count(*) FROM "chunks@words@text" WHERE "chunks@words@text" MATCH`
    expect(one(`${hits} 'paragraph'`)).toBe(rows)
    expect(one(`${hits} '"batch ${batches}"'`)).toBe(rowsPerBatch)
    expect(one('SELECT count(*) FROM "chunks@errors"')).toBe(0)
    db.close()
  }
  // And the library itself goes on from there.
  const { pxt, docs } = await openTables(path)
  const before = await docs.count()
  await docs.insert({ batch: -1, doc: new Blob(['One more.'], { type: 'text/plain' }) })
  expect(await docs.count()).toBe(before + 1)
  const chunks = await pxt.getTable('chunks')
  expect(await chunks.similarity('text', { vector: [1, 1, 2, 3] }).count()).toBe(2 * before + 1)
  expect(await chunks.match('text', 'paragraph more').count()).toBe(before + 1)
  pxt.close()
})

test('killed 15 times between and in statements of every kind, the file has a state that one of them left', {
  timeout: 180_000,
}, async () => {
  const path = join(folder, 'changing.db')
  const undisturbed = await open(':memory:')
  /** The version that each statement leaves; one that changed nothing makes none. */
  const versions = [await lastVersion(undisturbed)]
  const states = [await contents(undisturbed)]
  const done = async (steps: number) => {
    while (versions.length <= steps) {
      await apply(undisturbed, versions.length - 1)
      versions.push(await lastVersion(undisturbed))
      states.push(await contents(undisturbed))
    }
  }
  let next = 0
  for (let kill = 0; kill < 15; kill++) {
    const reported = await runUntilKilled('changing.ts', [path, String(next)], Math.random() * 150)
    const pxt = await open(path)
    await done(reported + 2)
    // The child may have died between a commit and its report.
    const version = await lastVersion(pxt)
    expect([versions[reported + 1], versions[reported + 2]]).toContain(version)
    next = versions[reported + 1] === version ? reported + 1 : reported + 2
    expect(await contents(pxt)).toEqual(states[next])
    expect(await pxt.sql`SELECT * FROM pragma_integrity_check`).toEqual([{ integrity_check: 'ok' }])
    pxt.close()
  }
  undisturbed.close()
})

const drainKills = 50

test(`killed ${drainKills} times in deferred work, it goes on from there`, { timeout: 240_000 }, async () => {
  const path = join(folder, 'draining.db')
  const called: string[] = []
  for (let kill = 0; kill < drainKills; kill++) {
    const reports = await reportsUntilKilled('draining.ts', [path], Math.random() * 250)
    const db = new SQLite(path, { readonly: true })
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok')
    db.close()
    called.push(...reports.filter((call) => call.startsWith('shout ')))
  }
  // Called twice were only those whose batches were under way at a kill: two at a time.
  const repeated = called.length - new Set(called).size
  expect(repeated).toBeLessThanOrEqual(drainKills * 2 * draining.batchSize)
  const { pxt, notes } = await draining.open(path)
  if (notes.describe().columns.some(({ name }) => name === 'more')) {
    await pxt.drain()
    await notes.dropColumn('more' as never)
  }
  await pxt.drain()
  expect(notes.coverage().map(({ pending, failed }) => pending + failed)).toEqual([0, 0, 0])
  const undisturbed = await draining.open(':memory:')
  while ((await undisturbed.notes.count()) < (await notes.count())) await undisturbed.insertNext()
  await undisturbed.pxt.drain()
  expect(await draining.contents(pxt)).toEqual(await draining.contents(undisturbed.pxt))
  expect(await notes.count()).toBeGreaterThan(draining.rowsPerInsert)
  pxt.close()
  undisturbed.pxt.close()
  expect(called.length).toBeGreaterThan(500)
})
