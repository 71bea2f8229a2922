import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { afterAll, describe, expect, test } from 'vitest'
import { openSqlite } from '../../src/engine/index.js'
import { ConflictError, EngineError, NotFoundError } from '../../src/errors.js'
import { Pixeltable, t } from '../../src/index.js'
import { describeEngine } from './conformance.js'

const folder = mkdtempSync(join(tmpdir(), 'pixeltable-engine-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newPath = (): string => join(folder, `${files++}.db`)

describeEngine('SQLite in memory', () => openSqlite(':memory:'))
describeEngine('SQLite in a file', () => openSqlite(newPath()))

describe('a file', () => {
  test('is readable with any SQLite tool, under the user’s own names', async () => {
    const path = newPath()
    const pxt = await Pixeltable.open(path)
    await pxt.createDir('app')
    const films = await pxt.createTable('app.films', { title: t.string(), year: t.int(), tags: t.json() })
    await films.insert({ title: 'Alien', year: 1979, tags: ['a', { b: 1 }] })
    pxt.close()
    const db = new SQLite(path, { readonly: true })
    expect(db.prepare('SELECT title, year, tags, typeof(year) AS kind FROM "app.films"').all()).toEqual([
      { title: 'Alien', year: 1979, tags: '["a",{"b":1}]', kind: 'integer' },
    ])
    db.close()
  })

  test('may be open in several places; all see what one writes, tables too', async () => {
    const path = newPath()
    const [one, two] = [await Pixeltable.open(path), await Pixeltable.open(path)]
    const here = await one.createTable('n', { a: t.int() })
    const there = await two.getTable('n', { a: t.int() })
    await Promise.all([here.insert([{ a: 1 }, { a: 2 }]), there.insert([{ a: 3 }])])
    expect(await here.count()).toBe(3)
    const wide = await here.addComputedColumn('b', (c) => c.a.mul(2))
    // The other one learns of the column when it writes.
    await there.insert({ a: 4 })
    expect((await wide.collect()).map((row) => row.b)).toEqual(expect.arrayContaining([2, 4, 6, 8]))
    one.close()
    two.close()
  })

  test('that another process writes to for too long gives a ConflictError', async () => {
    const path = newPath()
    const pxt = await Pixeltable.open(path, { busyTimeout: 200 })
    const n = await pxt.createTable('n', { a: t.int() })
    const other = new SQLite(path)
    other.exec('BEGIN IMMEDIATE')
    const error = await n.insert({ a: 1 }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ConflictError)
    expect((error as Error).message).toMatch(/another process has been writing .* for \d+ ms; nothing was written/)
    const waiting = n.insert({ a: 2 })
    setTimeout(() => other.exec('COMMIT'), 50)
    await waiting
    expect(await n.collect()).toEqual([{ a: 2 }])
    other.close()
    pxt.close()
  })

  test('opened read-only can be read and not written', async () => {
    const path = newPath()
    const pxt = await Pixeltable.open(path)
    await (await pxt.createTable('n', { a: t.int() })).insert({ a: 1 })
    pxt.close()
    const reader = await Pixeltable.open(path, { readonly: true })
    const n = await reader.getTable('n', { a: t.int() })
    expect(await n.collect()).toEqual([{ a: 1 }])
    await expect(n.insert({ a: 2 })).rejects.toThrow(/read-only/)
    await expect(reader.createTable('m', { a: t.int() })).rejects.toThrow(EngineError)
    reader.close()
    await expect(Pixeltable.open(newPath(), { readonly: true })).rejects.toThrow(NotFoundError)
  })

  test('that is no database, or not ours, or from the future, is refused', async () => {
    const text = newPath()
    writeFileSync(text, 'this is not a database, it is a text of some length')
    await expect(Pixeltable.open(text)).rejects.toThrow(/not a SQLite database/)
    await expect(Pixeltable.open(folder)).rejects.toThrow(/is a directory/)
    await expect(Pixeltable.open(join(folder, 'no', 'x.db'))).rejects.toThrow(NotFoundError)
    const foreign = newPath()
    const db = new SQLite(foreign)
    db.pragma('application_id = 42')
    db.close()
    await expect(Pixeltable.open(foreign)).rejects.toThrow(/another program/)
    const future = newPath()
    ;(await Pixeltable.open(future)).close()
    const newer = new SQLite(future)
    newer.pragma('user_version = 999')
    newer.close()
    await expect(Pixeltable.open(future)).rejects.toThrow(/upgrade pixeltable/)
  })
})
