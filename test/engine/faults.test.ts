import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import SQLite from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Pixeltable, type Table, t, table, udf, view } from '../../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'pixeltable-faults-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let louder = ''
const shout = udf({ name: 'faults_shout' }, async (text: string) => text.toUpperCase() + louder)
const embed = {
  name: 'faults_embed',
  version: 1,
  embed: async (texts: readonly unknown[]) => texts.map((text) => [String(text).length, 1]),
}

/** The number of the statement inside a transaction that fails; none when 0. */
let failAt = 0
let statements = 0
let failed: string | undefined

const { prepare, exec } = SQLite.prototype as unknown as {
  prepare: (...args: any[]) => any
  exec: (...args: any[]) => any
}

function tick(db: SQLite.Database, sql: string): void {
  if (failAt === 0 || !db.inTransaction || ++statements !== failAt) return
  failed = sql
  throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' })
}

beforeAll(() => {
  const methods = ['run', 'get', 'all'] as const
  Object.assign(SQLite.prototype, {
    prepare(this: SQLite.Database, sql: string) {
      const statement = prepare.call(this, sql)
      for (const method of methods) {
        const real = statement[method]
        statement[method] = (...args: unknown[]) => {
          tick(this, sql)
          return real.apply(statement, args)
        }
      }
      return statement
    },
    exec(this: SQLite.Database, sql: string) {
      tick(this, sql)
      return exec.call(this, sql)
    },
  })
})
afterAll(() => {
  Object.assign(SQLite.prototype, { prepare, exec })
})
afterEach(() => {
  failAt = 0
})

/** Everything in a file but the results that are kept for another attempt, which are no part of any state. */
function dump(path: string): Record<string, unknown[]> {
  const db = new SQLite(path, { readonly: true })
  const names = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all() as string[]
  const tables = names.filter((name) => name !== 'pxt_results' && !name.startsWith('sqlite_'))
  const rows = tables.map((name) => [name, db.prepare(`SELECT * FROM "${name}"`).all()] as const)
  const schema = db.prepare(`SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name`).pluck().all()
  db.close()
  const meta = (row: any) => !String(row.key).startsWith('results_')
  for (const row of (rows.find(([name]) => name === 'pxt_versions')?.[1] ?? []) as { at?: string }[]) delete row.at
  return {
    schema,
    ...Object.fromEntries(rows.map(([name, all]) => [name, name === 'pxt_meta' ? all.filter(meta) : all])),
  }
}

const open = (path: string) => Pixeltable.open(path, { functions: [shout, embed] })
const prepared = join(folder, 'prepared.db')

beforeAll(async () => {
  const pxt = await open(prepared)
  const notes = await pxt.createTable('notes', { id: t.int(), text: t.string() }, { primaryKey: ['id'] })
  const one = await notes.addComputedColumn('loud', (c) => shout(c.text))
  await one.addEmbeddingIndex('text', { embed, name: 'by_text' })
  await one.addIndex((c) => [c.text.lower(), c.loud.length()], { name: 'low' })
  const view = await pxt.createView(
    'some',
    one.where((c) => c.loud.contains('A')),
  )
  await view.addComputedColumn('mine', (c) => c.loud.concat('!'))
  await one.insert([
    { id: 1, text: 'a' },
    { id: 2, text: 'b' },
    { id: 3, text: 'ab' },
  ])
  await one.update({ text: 'aa' }).where({ id: 1 }).run()
  await one.insert([{ id: 4, text: 'later a' }], { compute: 'deferred' })
  pxt.close()
})

type Notes = Table<any, any, any, any, any>

const operations: readonly (readonly [string, (notes: Notes, pxt: Pixeltable) => Promise<unknown>])[] = [
  [
    'insert',
    (notes) =>
      notes.insert([
        { id: 5, text: 'xa' },
        { id: 6, text: 'y' },
      ]),
  ],
  ['insert deferred', (notes) => notes.insert([{ id: 5, text: 'xa' }], { compute: 'deferred' })],
  ['update', (notes) => notes.update({ text: 'was b, now a' }).where({ id: 2 }).run()],
  [
    'upsert',
    (notes) =>
      notes.upsert([
        { id: 1, text: 'no more' },
        { id: 7, text: 'new a' },
      ]),
  ],
  ['delete', (notes) => notes.delete().where({ id: 3 }).run()],
  ['drain', (_, pxt) => pxt.drain()],
  [
    'recompute',
    async (notes) => {
      louder = '!'
      await notes.recompute('loud', { where: (c: any) => c.id.gt(0) }).finally(() => {
        louder = ''
      })
    },
  ],
  ['add column', (notes) => notes.addColumn('more' as never, t.int().default(3))],
  ['add computed column', (notes) => notes.addComputedColumn('more' as never, (c: any) => shout(c.loud))],
  [
    'add deferred column',
    (notes) => notes.addComputedColumn('more' as never, (c: any) => shout(c.loud), { compute: 'deferred' }),
  ],
  [
    'alter computed column',
    (notes) => notes.alterComputedColumn('loud' as never, (c: any) => shout(c.text.concat('b'))),
  ],
  ['replace column', (notes) => notes.addComputedColumn('loud2' as never, (c: any) => c.text, { ifExists: 'replace' })],
  [
    'sync',
    (_, pxt) => {
      const Notes = table('notes', { id: t.int(), text: t.string(), stars: t.int().default(1) }, { primaryKey: ['id'] })
        .computed('loud', (c) => shout(c.text.concat('?')))
        .computed('twice', (c) => c.loud.concat(c.loud))
        .index('stars')
      const Some = view(
        'some',
        Notes.where((c) => c.loud.contains('B')),
      )
      return pxt.sync({ notes: Notes, some: Some, more: view('more.views', Notes) }, { prune: true })
    },
  ],
  ['rename column', (notes) => notes.renameColumn('text', 'words' as never)],
  ['add index', (notes) => notes.addEmbeddingIndex('loud' as never, { embed, name: 'by_loud' })],
  ['add ordered index', (notes) => notes.addIndex((c: any) => [c.loud.lower(), c.id], { unique: true })],
  [
    'replace ordered index',
    (notes) => notes.addIndex((c: any) => c.text.upper(), { name: 'low', ifExists: 'replace' }),
  ],
  ['drop ordered index', (notes) => notes.dropIndex('low')],
  ['drop index', (notes) => notes.dropEmbeddingIndex({ name: 'by_text' })],
  [
    'create view',
    (notes, pxt) =>
      pxt.createView(
        'other',
        notes.where((c: any) => c.id.lt(3)),
      ),
  ],
  ['drop table', (_, pxt) => pxt.dropTable('notes', { force: true })],
  ['move', (_, pxt) => pxt.move('notes', 'papers')],
  ['revert', (notes) => notes.revert()],
  ['snapshot', (notes, pxt) => pxt.createSnapshot('then', notes)],
  [
    'transaction',
    (notes, pxt) =>
      pxt.transaction(async () => {
        await notes.insert([{ id: 8, text: 'a' }])
        await notes.delete().where({ id: 1 }).run()
      }),
  ],
]

test.each(operations)(
  '%s leaves the state before or after, wherever it fails',
  { timeout: 60_000 },
  async (name, operation) => {
    const path = join(folder, `${name.replaceAll(' ', '-')}.db`)
    const before = dump(prepared)
    /** Does it with a fault at that statement. @returns what was thrown, and the state after */
    const attempt = async (fault: number) => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
      copyFileSync(prepared, path)
      const pxt = await open(path)
      const notes = await pxt.getTable('notes')
      failed = undefined
      statements = 0
      failAt = fault
      const error = await operation(notes, pxt).then(
        () => undefined,
        (cause: Error) => cause,
      )
      failAt = 0
      const state = dump(path)
      // The database works on.
      await pxt.createTable('works', { n: t.int() })
      pxt.close()
      return { error, state }
    }
    const { error, state: after } = await attempt(Number.POSITIVE_INFINITY)
    expect(error).toBeUndefined()
    expect(after).not.toEqual(before)
    let faults = 0
    for (;;) {
      const { error, state } = await attempt(faults + 1)
      if (!failed) break
      faults++
      // What is read after the commit may fail too.
      const committed = JSON.stringify(state) === JSON.stringify(after)
      if (!committed) expect(state, failed).toEqual(before)
      if (!committed) expect(error?.message, failed).toMatch(/disk is full/)
    }
    expect(faults).toBeGreaterThan(2)
  },
)
