import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  DependencyError,
  ExistsError,
  NotFoundError,
  Pixeltable,
  QueryError,
  SchemaError,
  t,
  udf,
  ValidationError,
} from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const embed = async (texts: readonly string[]) => texts.map((text) => [text.length, 1])
const toy = { name: 'toy', version: 1, embed: async (values: readonly unknown[]) => embed(values as string[]) }

const open = async () => {
  const table = await pxt.createTable('t', { id: t.int(), s: t.string() }, { primaryKey: ['id'] })
  return table.addComputedColumn('up', (c) => c.s.upper())
}

describe('history', () => {
  test('newest first, with what each version did', async () => {
    const table = await open()
    const start = Date.now()
    await table.insert([
      { id: 1, s: 'a' },
      { id: 2, s: 'b' },
    ])
    await table.update({ s: 'x' }).where({ id: 1 }).run()
    await table.delete().where({ id: 2 }).run()
    const history = await table.history()
    expect(history.map(({ operation, inserted, updated, deleted }) => [operation, inserted, updated, deleted])).toEqual(
      [
        ['delete', 0, 0, 1],
        ['update', 0, 1, 0],
        ['insert', 2, 0, 0],
        ['add column', 0, 0, 0],
        ['create table', 0, 0, 0],
      ],
    )
    expect(history.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1])
    expect(history[0]!.at.getTime()).toBeGreaterThanOrEqual(start)
    expect(await table.history(2)).toEqual(history.slice(0, 2))
    await expect(table.history(0)).rejects.toThrow(ValidationError)
    expect((await table.delete().where({ id: 99 }).run()).version).toBe(5)
  })
})

describe('asOf', () => {
  test('reads rows, views and searches as they were', async () => {
    const table = await open()
    const indexed = await table.addEmbeddingIndex('s', { embed: toy, name: 'i' })
    const view = await pxt.createView(
      'long',
      indexed.where((c) => c.s.length().gt(2)),
    )
    const v0 = (await view.history(1))[0]!.version
    expect(() => view.asOf(v0 - 1).where({ id: 1 })).toThrow(/did not exist in version/)
    const { version: v1 } = await indexed.insert([
      { id: 1, s: 'abc' },
      { id: 2, s: 'b' },
    ])
    const { version: v2 } = await indexed.update({ s: 'bbbbbb' }).where({ id: 2 }).run()
    const { version: v3 } = await indexed.delete().where({ id: 1 }).run()
    const at = async (v: number) => ({
      rows: await indexed.asOf(v).collect(),
      count: await indexed.asOf(v).count(),
      view: await view.asOf(v).select('s', 'up').collect(),
      found: (await indexed.asOf(v).similarity('s', 'bbbbbb').limit(2).collect()).map((row) => row.s),
    })
    expect(await at(v0)).toEqual({ rows: [], count: 0, view: [], found: [] })
    expect(await at(v1)).toEqual({
      rows: [
        { id: 1, s: 'abc', up: 'ABC' },
        { id: 2, s: 'b', up: 'B' },
      ],
      count: 2,
      view: [{ s: 'abc', up: 'ABC' }],
      found: ['abc', 'b'],
    })
    expect(await at(v2)).toEqual({
      rows: [
        { id: 1, s: 'abc', up: 'ABC' },
        { id: 2, s: 'bbbbbb', up: 'BBBBBB' },
      ],
      count: 2,
      view: [
        { s: 'abc', up: 'ABC' },
        { s: 'bbbbbb', up: 'BBBBBB' },
      ],
      found: ['bbbbbb', 'abc'],
    })
    expect(await at(v3)).toMatchObject({ count: 1, found: ['bbbbbb'] })
    expect(await indexed.collect()).toEqual((await at(v3)).rows)
  })

  test('takes an instant', async () => {
    const table = await open()
    const { version } = await table.insert({ id: 1, s: 'a' })
    const { at } = (await table.history(1))[0]!
    await new Promise((resolve) => setTimeout(resolve, 5))
    await table.update({ s: 'b' }).all().run()
    expect(await table.asOf(at).collect()).toEqual(await table.asOf(version).collect())
    expect(() => table.asOf(new Date('2001-01-01'))).toThrow(NotFoundError)
    expect(() => table.asOf(new Date('nope'))).toThrow(ValidationError)
    expect(() => table.asOf(1.5)).toThrow(ValidationError)
    await expect(table.asOf(99).collect()).rejects.toThrow(/no version 99 yet/)
    expect(() => table.asOf(version).asOf(version)).toThrow(QueryError)
  })

  test('shows the schema of the version: names, columns dropped since, expressions altered since', async () => {
    const versions: number[] = []
    const mark = async () =>
      versions.push((await pxt.sql<{ v: number }>`SELECT value AS v FROM pxt_meta WHERE key = 'version'`)[0]!.v)
    const a = await pxt.createTable('t', { x: t.int() })
    await mark()
    await a.insert([{ x: 1 }, { x: 2 }])
    await mark()
    const b = await a.addColumn('y', t.string().default('d'))
    await mark()
    const c = await b.renameColumn('x', 'z')
    await mark()
    await c.insert({ z: 3, y: 'e' })
    const d = await c.dropColumn('y')
    await mark()
    await d
      .update({ z: (r) => r.z.add(10) })
      .all()
      .run()
    await pxt.move('t', 'u')
    expect(await Promise.all(versions.map((v) => d.asOf(v).collect()))).toEqual([
      [],
      [{ x: 1 }, { x: 2 }],
      [
        { x: 1, y: 'd' },
        { x: 2, y: 'd' },
      ],
      [
        { z: 1, y: 'd' },
        { z: 2, y: 'd' },
      ],
      [{ z: 1 }, { z: 2 }, { z: 3 }],
    ])
    const past = d.asOf(versions[3]!) as unknown as typeof c
    expect(await past.where({ z: 1 }).select('y').collect()).toEqual([{ y: 'd' }])
    expect(() => d.asOf(versions[0]!).where({ z: 1 } as never)).toThrow(NotFoundError)
  })
})

describe('revert', () => {
  test('undoes insert, update and delete, one after the other, and calls nothing', async () => {
    let calls = 0
    const up = udf({ name: 'revert_up' }, (s: string) => {
      calls++
      return s.toUpperCase()
    })
    const plain = await pxt.createTable('t', { id: t.int(), s: t.string() })
    const table = await (await plain.addComputedColumn('up', (c) => up(c.s))).addEmbeddingIndex('s', { embed: toy })
    const view = await pxt.createView(
      'v',
      table.where((c) => c.id.gt(1)),
    )
    const state = async () => ({
      rows: await table.select((c) => ({ rowid: c._rowid, id: c.id, s: c.s, up: c.up })).collect(),
      view: await view.collect(),
      found: await table.similarity('s', 'abc').select('id', 'score').collect(),
    })
    const states = [await state()]
    await table.insert([
      { id: 1, s: 'a' },
      { id: 2, s: 'b' },
    ])
    states.push(await state())
    await table.update({ s: 'bbb' }).where({ id: 2 }).run()
    states.push(await state())
    await table.delete().where({ id: 1 }).run()
    calls = 0
    for (const expected of states.reverse()) {
      await table.revert()
      expect(await state()).toEqual(expected)
    }
    expect(calls).toBe(0)
    await table.insert({ id: 5, s: 'z' })
    expect((await view.collect()).map((row) => row.id)).toEqual([5])
    const reverts = (await table.history()).filter(({ operation }) => operation === 'revert')
    expect(reverts).toHaveLength(3)
    expect(reverts.every(({ version, reverts }) => reverts! < version)).toBe(true)
  })

  test('undoes changes of the schema', async () => {
    const a = await pxt.createTable('t', { x: t.int(), v: t.vector(1) })
    await a.insert([{ x: 1, v: [1] }])
    const b = await a.addComputedColumn('y', (c) => c.x.add(1))
    const c = await b.renameColumn('x', 'z')
    const d = await c.addEmbeddingIndex('v')
    const e = await d.dropColumn('v')
    const columns = () => a.describe().columns.map(({ name }) => name)
    expect(columns()).toEqual(['z', 'y'])
    await e.revert()
    expect(columns()).toEqual(['z', 'v', 'y'])
    expect(await d.similarity('v', [1]).select('z', 'y', 'score').collect()).toEqual([{ z: 1, y: 2, score: 1 }])
    await e.revert()
    expect(await pxt.indexes('t')).toEqual([])
    await e.revert()
    expect(await b.collect()).toEqual([{ x: 1, v: Float32Array.of(1), y: 2 }])
    await e.revert()
    expect(columns()).toEqual(['x', 'v'])
    const again = await a.addColumn('y', t.string().nullable())
    await again.insert({ x: 3, v: [1], y: 'new' })
    expect(await again.select('x', 'y').collect()).toEqual([
      { x: 1, y: null },
      { x: 3, y: 'new' },
    ])
    await a.revert()
    await a.revert()
    await a.revert()
    expect(await a.count()).toBe(0)
    await expect(a.revert()).rejects.toThrow(SchemaError)
  })

  test('keeps ids and what went before readable, and never gives a row id twice', async () => {
    const table = await pxt.createTable('t', { x: t.int() })
    const { version } = await table.insert([{ x: 1 }])
    await table.revert()
    await table.insert([{ x: 2 }])
    expect(await table.select((c) => ({ id: c._rowid, x: c.x })).collect()).toEqual([{ id: 2, x: 2 }])
    expect(await table.asOf(version).collect()).toEqual([{ x: 1 }])
  })

  test('refuses while something newer stands on it', async () => {
    const table = await open()
    await table.insert({ id: 1, s: 'a' })
    const view = await pxt.createView('v', table)
    const error = await table.revert().catch((e: unknown) => e)
    expect(error).toBeInstanceOf(DependencyError)
    expect((error as DependencyError).dependents).toEqual(['v'])
    await expect(view.revert()).rejects.toThrow(SchemaError)
    await pxt.dropTable('v')
    await table.revert()
    expect(await table.count()).toBe(0)
  })
})

describe('snapshots', () => {
  test('show a table, a view or a condition as it was, and never change', async () => {
    const table = await open()
    const view = await pxt.createView(
      'v',
      table.where((c) => c.id.gt(1)),
    )
    await table.insert([
      { id: 1, s: 'a' },
      { id: 2, s: 'b' },
      { id: 3, s: 'c' },
    ])
    const whole = await pxt.createSnapshot('s1', table)
    const part = await pxt.createSnapshot(
      's2',
      view.where((c) => c.s.ne('c')),
      { comment: 'without c' },
    )
    await table.update({ s: 'zzz' }).all().run()
    await table.dropColumn('up')
    await table.delete().where({ id: 1 }).run()
    expect((await whole.collect()).map((row) => row.s)).toEqual(['a', 'b', 'c'])
    expect(await part.collect()).toEqual([{ id: 2, s: 'b', up: 'B' }])
    expect(part.kind).toBe('snapshot')
    expect(part.name).toBe('s2')
    expect(await pxt.listTables()).toEqual(['s1', 's2', 't', 'v'])
    const again = await pxt.getTable('s2')
    expect(await again.count()).toBe(1)
    expect(() => again.insert({ id: 9, s: 'x' })).toThrow(QueryError)
    expect(() => again.update({ s: 'x' })).toThrow(/never changes/)
    await expect(again.addColumn('n', t.int().nullable())).rejects.toThrow(/never changes/)
    await expect(pxt.createView('w', again)).rejects.toThrow(QueryError)
    await expect(pxt.createSnapshot('s1', table)).rejects.toThrow(ExistsError)
    await expect(pxt.createTable('s1', { a: t.int() })).rejects.toThrow(ExistsError)
    await expect(pxt.dropTable('t')).rejects.toThrow(/s1/)
    await pxt.dropTable('s2')
    expect(await pxt.listTables()).toEqual(['s1', 't', 'v'])
    await pxt.dropTable('t', { force: true })
    expect(await pxt.listTables()).toEqual([])
  })

  test('move with their directory, and live in one', async () => {
    await pxt.createDir('a')
    const table = await pxt.createTable('a.t', { x: t.int() })
    await table.insert({ x: 1 })
    await pxt.createSnapshot('a.s', table)
    await pxt.move('a', 'b')
    expect(await pxt.listTables()).toEqual(['b.s', 'b.t'])
    await pxt.move('b.s', 'b.r')
    expect(await (await pxt.getTable('b.r')).collect()).toEqual([{ x: 1 }])
    await pxt.dropDir('b', { force: true })
    expect(await pxt.listTables()).toEqual([])
  })
})

describe('changes', () => {
  test('what was inserted, updated and deleted since a version, once a row', async () => {
    const table = await open()
    const view = await pxt.createView(
      'v',
      table.where((c) => c.s.ne('out')),
    )
    await table.insert([
      { id: 1, s: 'a' },
      { id: 2, s: 'b' },
      { id: 3, s: 'c' },
    ])
    const since = (await table.history(1))[0]!.version
    await table.update({ s: 'x' }).where({ id: 1 }).run()
    await table.update({ s: 'y' }).where({ id: 1 }).run()
    await table.delete().where({ id: 2 }).run()
    await table.insert({ id: 4, s: 'd' })
    await table.insert({ id: 5, s: 'e' })
    await table.delete().where({ id: 5 }).run()
    await table.update({ s: 'out' }).where({ id: 3 }).run()
    const all = async (of: typeof table | typeof view, v: number) => {
      const found = []
      for await (const { kind, row, before } of of.changes({ since: v })) found.push([kind, before?.s, row?.s])
      return found
    }
    expect(await all(table, since)).toEqual([
      ['update', 'a', 'y'],
      ['delete', 'b', undefined],
      ['insert', undefined, 'd'],
      ['update', 'c', 'out'],
    ])
    expect(await all(view, since)).toEqual([
      ['update', 'a', 'y'],
      ['delete', 'b', undefined],
      ['insert', undefined, 'd'],
      ['delete', 'c', undefined],
    ])
    expect((await all(table, 0)).map(([kind]) => kind)).toEqual(['insert', 'insert', 'insert'])
    const now = (await table.history(1))[0]!.version
    expect(await all(table, now)).toEqual([])
    await table.revert()
    expect(await all(table, now)).toEqual([['update', 'out', 'c']])
    expect(() => table.changes({ since: -1 })).toThrow(ValidationError)
  })

  test('following them keeps a copy in step', async () => {
    const table = await open()
    const copy = new Map<number, unknown>()
    let known = 0
    for (let step = 0; step < 12; step++) {
      const id = step % 4
      if (step % 3 === 2) await table.delete().where({ id }).run()
      else await table.upsert({ id, s: `v${step}` })
      if (step % 5 === 4) await table.revert()
      for await (const { kind, rowid, row, version } of table.changes({ since: known })) {
        if (kind === 'delete') copy.delete(rowid)
        else copy.set(rowid, row)
        known = Math.max(known, version)
      }
      const rows = await table.select((c) => ({ rowid: c._rowid, id: c.id, s: c.s, up: c.up })).collect()
      expect(copy).toEqual(new Map(rows.map(({ rowid, ...row }) => [rowid, row])))
    }
  })
})

describe('vacuum', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pxt-vacuum-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('gives up old versions, dropped columns and files, and shrinks the file', async () => {
    const path = join(folder, 'a.db')
    const db = await Pixeltable.open(path)
    const table = await db.createTable('t', { x: t.int(), big: t.string(), file: t.document() })
    const text = (i: number) => `content ${i} ${'x'.repeat(3000)}`
    const file = (i: number) => new TextEncoder().encode(text(i))
    await table.insert(Array.from({ length: 300 }, (_, i) => ({ x: i, big: text(i), file: file(i) })))
    const early = await db.createSnapshot(
      'early',
      table.where((c) => c.x.lt(3)),
    )
    const { version } = await table.update({ big: 'small' }).all().run()
    await table.dropColumn('big')
    await table
      .delete()
      .where((c) => c.x.gte(10))
      .run()
    await db.dropTable('early')
    const size = statSync(path).size
    const { rows, files, bytes } = await db.vacuum({ keepVersions: 1 })
    expect([rows, files]).toEqual([590, 290])
    expect(bytes).toBeGreaterThan(1_000_000)
    expect(statSync(path).size).toBeLessThan(size - 1_000_000)
    expect(await table.count()).toBe(10)
    expect(await (await table.firstOrThrow()).file.text()).toBe(text(0))
    expect(await db.sql`SELECT name FROM pragma_table_info('t') WHERE name LIKE '@%'`).toEqual([])
    await expect(table.asOf(version).collect()).rejects.toThrow(/given up by vacuum/)
    await expect(early.collect()).rejects.toThrow(NotFoundError)
    await expect(table.revert()).rejects.toThrow(NotFoundError)
    await table.insert({ x: 1000, file: file(1) } as never)
    db.close()
  })

  test('keeps what snapshots show, and the versions that are asked for', async () => {
    const table = await pxt.createTable('t', { x: t.int() })
    const indexed = await (await table.addColumn('s', t.string().default('s'))).addEmbeddingIndex('s', { embed: toy })
    await indexed.insert([{ x: 1 }, { x: 2, s: 'two' }])
    const snapshot = await pxt.createSnapshot('s', indexed)
    const versions: number[] = []
    for (let i = 0; i < 5; i++)
      versions.push(
        (
          await indexed
            .update({ x: i * 10, s: `${i}` })
            .all()
            .run()
        ).version,
      )
    const before = new Date((await indexed.history(2))[1]!.at)
    await pxt.vacuum({ keepVersions: 2 })
    expect((await snapshot.collect()).map((row) => row.x)).toEqual([1, 2])
    expect((await snapshot.similarity('s', 'two').collect()).map((row) => row.x)).toEqual([2, 1])
    expect((await indexed.asOf(versions[3]!).collect()).map((row) => row.x)).toEqual([30, 30])
    await expect(indexed.asOf(versions[2]!).collect()).rejects.toThrow(NotFoundError)
    expect((await indexed.history()).map(({ version }) => version)).toEqual([versions[4], versions[3]])
    await pxt.vacuum({ olderThan: before })
    expect((await indexed.asOf(versions[4]!).collect()).map((row) => row.x)).toEqual([40, 40])
    await expect(pxt.vacuum({} as never)).rejects.toThrow(ValidationError)
    await expect(pxt.vacuum({ keepVersions: 0 })).rejects.toThrow(ValidationError)
  })
})
