import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Pixeltable, type Table, t, udf } from '../../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'pixeltable-deferred-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let pxt: Pixeltable
beforeEach(async () => {
  calls.length = 0
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

const calls: string[] = []
const loud = udf({ name: 'deferred_loud' }, async (text: string) => {
  calls.push(text)
  if (text === 'bad') throw new Error('bad text')
  return text.toUpperCase()
})
const longer = udf({ name: 'deferred_longer' }, (text: string | null) => {
  calls.push(`longer ${text}`)
  return `${text}!`
})
const embed = {
  name: 'deferred_embed',
  version: 1,
  embed: async (texts: readonly unknown[]) => texts.map((text) => [String(text).length, 1]),
}

/** A table with a computed column, one computed from that, a view filtered by it, and indexes on both. */
async function pipeline(database: Pixeltable) {
  const notes = await database.createTable('notes', { id: t.int(), text: t.string() }, { primaryKey: ['id'] })
  const one = await notes.addComputedColumn('loud', (c) => loud(c.text))
  const two = await one.addComputedColumn('longer', (c) => longer(c.loud))
  await two.addEmbeddingIndex('text', { embed, name: 'by_text' })
  const view = await database.createView(
    'shown',
    two.where((c) => c.longer.contains('A')),
  )
  const viewed = await view.addComputedColumn('again', (c) => c.loud.concat('?'))
  await viewed.addEmbeddingIndex('again', { embed, name: 'by_again' })
  return { notes: two, view: viewed }
}

describe('rows', () => {
  test('are there at once; what derives from them comes with the drain, each cell computed once', async () => {
    const { notes, view } = await pipeline(pxt)
    await notes.insert([{ id: 0, text: 'ab' }])
    calls.length = 0
    const { inserted, version } = await notes.insert(
      [
        { id: 1, text: 'aa' },
        { id: 2, text: 'xx' },
        { id: 3, text: 'bad' },
      ],
      { compute: 'deferred' },
    )
    expect(inserted).toBe(3)
    expect(calls).toEqual([])
    expect(await notes.select('id', 'loud', 'longer').collect()).toEqual([
      { id: 0, loud: 'AB', longer: 'AB!' },
      { id: 1, loud: null, longer: null },
      { id: 2, loud: null, longer: null },
      { id: 3, loud: null, longer: null },
    ])
    expect(await view.count()).toBe(1)
    expect(notes.coverage()).toEqual([
      { name: 'loud', kind: 'column', rows: 4, done: 1, pending: 3, failed: 0 },
      { name: 'longer', kind: 'column', rows: 4, done: 1, pending: 3, failed: 0 },
      { name: 'by_text', kind: 'index', rows: 4, done: 1, pending: 3, failed: 0 },
    ])
    expect(String(notes.describe())).toContain('loud    string     = deferred_loud(text)  (1 of 4, 3 pending)')
    const result = await pxt.drain({ batchSize: 2 })
    expect(result).toMatchObject({ rows: 3, errors: 3 })
    expect(result.errorCells.map(({ rowid, column }) => [rowid, column])).toEqual([
      [4, 'loud'],
      [4, 'longer'],
      // The view's condition reads what failed.
      [4, 'shown'],
    ])
    expect(calls.toSorted()).toEqual(['aa', 'bad', 'longer AA', 'longer XX', 'xx'])
    expect(await notes.select('id', 'longer').collect()).toEqual([
      { id: 0, longer: 'AB!' },
      { id: 1, longer: 'AA!' },
      { id: 2, longer: 'XX!' },
      { id: 3, longer: null },
    ])
    expect(await view.select('id', 'again').collect()).toEqual([
      { id: 0, again: 'AB?' },
      { id: 1, again: 'AA?' },
    ])
    expect(await notes.similarity('text' as never, 'abc').count()).toBe(4)
    expect(await view.similarity('again' as never, 'abc').count()).toBe(2)
    expect(notes.coverage()[0]).toEqual({ name: 'loud', kind: 'column', rows: 4, done: 3, pending: 0, failed: 1 })
    expect(String(notes.describe())).toContain('(3 of 4, 1 failed)')
    expect(await pxt.drain()).toEqual({ rows: 0, errors: 0, errorCells: [] })
    // What was is still to be seen, and followers see the cells come.
    expect((await notes.asOf(version).collect()).map((row) => row.loud)).toEqual(['AB', null, null, null])
    const changes = []
    for await (const { kind, row } of notes.changes({ since: version })) changes.push([kind, row?.loud])
    expect(changes.sort()).toEqual([
      ['update', null],
      ['update', 'AA'],
      ['update', 'XX'],
    ])
  })

  test('that are changed while they are pending are computed once, from what they are then', async () => {
    const { notes, view } = await pipeline(pxt)
    await notes.insert(
      [
        { id: 1, text: 'a1' },
        { id: 2, text: 'a2' },
        { id: 3, text: 'a3' },
      ],
      { compute: 'deferred' },
    )
    await notes.update({ text: 'a9' }).where({ id: 2 }).run()
    await notes.delete().where({ id: 3 }).run()
    await notes.upsert([
      { id: 1, text: 'a8' },
      { id: 4, text: 'a4' },
    ])
    await notes.recompute('loud')
    expect(calls).toEqual(['a4', 'longer A4', 'a4', 'longer A4'].slice(0, calls.length))
    calls.length = 0
    await pxt.drain()
    expect(calls.toSorted()).toEqual(['a8', 'a9', 'longer A8', 'longer A9'])
    expect(await view.select('id', 'again').orderBy('id').collect()).toEqual([
      { id: 1, again: 'A8?' },
      { id: 2, again: 'A9?' },
      { id: 4, again: 'A4?' },
    ])
  })

  test('of a stream are deferred batch by batch', async () => {
    const { notes } = await pipeline(pxt)
    await notes.insert(
      (function* () {
        for (let id = 0; id < 25; id++) yield { id, text: `a${id}` }
      })(),
      { compute: 'deferred', batchSize: 10 },
    )
    expect(notes.coverage()[0]).toMatchObject({ rows: 25, pending: 25 })
    expect((await pxt.drain({ batchSize: 7 })).rows).toBe(25)
    expect(await notes.where((c) => c.longer.isNull()).count()).toBe(0)
  })

  test('whose rules only computed cells can tell to be kept are refused', async () => {
    const table = await pxt.createTable('r', { n: t.int() }, { check: { positive: (c) => c.n.gt(0) } })
    const twice = await table.addComputedColumn('twice', (c) => c.n.mul(2))
    await expect(twice.insert([{ n: 0 }], { compute: 'deferred' })).rejects.toThrow(/violates the check 'positive'/)
    await twice.insert([{ n: 1 }], { compute: 'deferred' })
    await twice.addIndex('twice', { unique: true })
    await expect(twice.insert([{ n: 2 }], { compute: 'deferred' })).rejects.toThrow(
      /unique index 'twice' reads computed/,
    )
    await expect(twice.insert([{ n: 2 }], { compute: 'later' as never })).rejects.toThrow(
      /expected 'now' or 'deferred'/,
    )
    expect(await twice.count()).toBe(1)
  })
})

describe('columns, views and indexes', () => {
  test('added while what they read is pending wait for it', async () => {
    const notes = await pxt.createTable('notes', { text: t.string() })
    await notes.insert([{ text: 'a' }, { text: 'b' }, { text: 'bad' }])
    const one = await notes.addComputedColumn('loud', (c) => loud(c.text), { compute: 'deferred' })
    const two = await one.addComputedColumn('longer', (c) => longer(c.loud))
    const three = await two.addComputedColumn('plain', (c) => c.text.concat('.'))
    await three.addEmbeddingIndex('loud', { embed, name: 'by_loud' })
    await three.addEmbeddingIndex('text', { embed, name: 'by_text', compute: 'deferred' })
    const view = await pxt.createView(
      'shown',
      three.where((c) => c.loud.eq('A')),
    )
    const others = await pxt.createView(
      'others',
      three.where((c) => c.text.ne('bad')),
    )
    const viewed = await others.addComputedColumn('mine', (c) => longer(c.longer))
    expect(calls).toEqual([])
    expect(await three.select('plain').collect()).toEqual([{ plain: 'a.' }, { plain: 'b.' }, { plain: 'bad.' }])
    expect(await view.count()).toBe(0)
    expect(await viewed.select('mine').collect()).toEqual([{ mine: null }, { mine: null }])
    expect(viewed.coverage()).toEqual([{ name: 'mine', kind: 'column', rows: 2, done: 0, pending: 2, failed: 0 }])
    await three.insert({ text: 'c' })
    expect(calls).toEqual(['c', 'longer C', 'longer C!'])
    expect(three.coverage()).toMatchObject([
      { name: 'loud', done: 1, pending: 3 },
      { name: 'longer', done: 1, pending: 3 },
      { name: 'plain', done: 4, pending: 0 },
      { name: 'by_loud', done: 1, pending: 3 },
      { name: 'by_text', done: 1, pending: 3 },
    ])
    calls.length = 0
    // A change of what a pending cell reads leaves it pending.
    await three.update({ text: 'aa' }).where({ text: 'a' }).run()
    await three.update({ text: 'a' }).where({ text: 'aa' }).run()
    expect(calls).toEqual([])
    await pxt.drain()
    expect(calls.toSorted()).toEqual(['a', 'b', 'bad', 'longer A', 'longer A!', 'longer B', 'longer B!'])
    expect(await view.select('longer').collect()).toEqual([{ longer: 'A!' }])
    expect(await viewed.select('mine').collect()).toEqual([{ mine: 'A!!' }, { mine: 'B!!' }, { mine: 'C!!' }])
    expect(await three.similarity('loud' as never, 'x').count()).toBe(3)
    expect(await three.similarity('text' as never, 'x').count()).toBe(4)
    expect(three.coverage()).toMatchObject([
      { done: 3, failed: 1 },
      { done: 3, failed: 1 },
      { done: 4 },
      { done: 4 },
      { done: 4 },
    ])
  })

  test('that are dropped are not pending any more', async () => {
    const notes = await pxt.createTable('notes', { text: t.string() })
    await notes.insert([{ text: 'a' }])
    const one = await notes.addComputedColumn('loud', (c) => loud(c.text), { compute: 'deferred' })
    await one.dropColumn('loud')
    expect(await pxt.drain()).toMatchObject({ rows: 0 })
    await notes.revert()
    expect(await pxt.drain()).toMatchObject({ rows: 1 })
    expect(await one.collect()).toEqual([{ text: 'a', loud: 'A' }])
    await notes.insert([{ text: 'b' }], { compute: 'deferred' })
    await pxt.dropTable('notes')
    expect(await pxt.drain()).toMatchObject({ rows: 0 })
    expect(calls).toEqual(['a'])
  })

  test('a revert of computing makes pending again, a revert of the insert ends it', async () => {
    const { notes } = await pipeline(pxt)
    await notes.insert([{ id: 1, text: 'a' }], { compute: 'deferred' })
    await pxt.drain()
    await notes.revert()
    expect(notes.coverage()[0]).toMatchObject({ rows: 1, pending: 1 })
    expect(await notes.select('loud').collect()).toEqual([{ loud: null }])
    await pxt.drain()
    expect(await notes.select('loud').collect()).toEqual([{ loud: 'A' }])
    await notes.insert([{ id: 2, text: 'b' }], { compute: 'deferred' })
    await notes.revert()
    expect(await pxt.drain()).toMatchObject({ rows: 0 })
  })
})

test('an aborted or failing drain keeps what it has committed', async () => {
  const { notes } = await pipeline(pxt)
  const rows = Array.from({ length: 30 }, (_, id) => ({ id, text: id === 15 ? 'bad' : `a${id}` }))
  await notes.insert(rows, { compute: 'deferred' })
  await expect(pxt.drain({ batchSize: 5, onError: 'abort' })).rejects.toThrow(/bad text/)
  const { pending, done } = notes.coverage()[0]!
  expect(pending + done).toBe(30)
  expect(done % 5).toBe(0)
  expect(done).toBeGreaterThanOrEqual(10)
  await expect(pxt.drain({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no')
  await expect(pxt.drain({ batchSize: 0 })).rejects.toThrow(/batchSize: expected a whole number of at least 1/)
  await pxt.drain()
  expect(notes.coverage()[0]).toMatchObject({ done: 29, failed: 1, pending: 0 })
})

test('pending work survives closing; in the background it is done without being asked', async () => {
  const path = join(folder, 'background.db')
  const first = await Pixeltable.open(path)
  const { notes } = await pipeline(first)
  await notes.insert([{ id: 1, text: 'a' }], { compute: 'deferred' })
  first.close()
  const second = await Pixeltable.open(path, { drain: 'background', functions: [embed] })
  const again = (await second.getTable('notes')) as unknown as typeof notes
  const idle = async () => {
    while (again.coverage().some(({ pending }) => pending > 0)) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await idle()
  expect(await again.select('longer').collect()).toEqual([{ longer: 'A!' }])
  await second.transaction(async () => {
    await again.insert([{ id: 2, text: 'b' }], { compute: 'deferred' })
  })
  await again.insert([{ id: 3, text: 'c' }], { compute: 'deferred' })
  await idle()
  expect(await again.select('longer').collect()).toEqual([{ longer: 'A!' }, { longer: 'B!' }, { longer: 'C!' }])
  await again.insert([{ id: 4, text: 'd' }], { compute: 'deferred' })
  second.close()
  await expect(Pixeltable.open(path, { drain: 'soon' as never })).rejects.toThrow(/drain: expected/)
  await expect(Pixeltable.open(path, { drain: 'background', readonly: true })).rejects.toThrow(/read-only/)
})

interface Note {
  readonly id: number
  readonly text: string
}

/** Everything that can be read of the tables. */
async function contents(database: Pixeltable) {
  const read = async (name: string, search: string) => {
    const table = await database.getTable(name)
    const rows = await table.similarity(search as never, 'abc').collect()
    const all = await table.collect()
    return [rows.length, ...all.map((row) => JSON.stringify(Object.entries(row).sort())).sort()]
  }
  return { notes: await read('notes', 'text'), shown: await read('shown', 'again') }
}

const id = fc.integer({ min: 0, max: 6 })
const text = fc.constantFrom('a', 'b', 'xa', 'bad', '')
const step = fc.oneof(
  fc.record({ kind: fc.constant('upsert' as const), id, text, deferred: fc.boolean() }),
  fc.record({ kind: fc.constant('update' as const), id, text }),
  fc.record({ kind: fc.constant('delete' as const), id }),
  fc.record({ kind: fc.constant('drain' as const), batchSize: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('recompute' as const) }),
  fc.record({ kind: fc.constant('column' as const), deferred: fc.boolean() }),
)

test('whatever happens meanwhile, after a drain everything is as if nothing had been deferred', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const deferring = await Pixeltable.open(':memory:')
      const plain = await Pixeltable.open(':memory:')
      for (const database of [deferring, plain]) {
        const { notes } = await pipeline(database)
        let table = notes as unknown as Table<Note, Note>
        let added = 0
        for (const step of steps) {
          const later = 'deferred' in step && step.deferred && database === deferring ? 'deferred' : 'now'
          if (step.kind === 'upsert') {
            const { id, text } = step
            if ((await table.where({ id }).count()) > 0) await table.upsert([{ id, text }], { onError: 'ignore' })
            else await table.insert([{ id, text }], { onError: 'ignore', compute: later })
          } else if (step.kind === 'update') {
            await table.update({ text: step.text }).where({ id: step.id }).run({ onError: 'ignore' })
          } else if (step.kind === 'delete') await table.delete().where({ id: step.id }).run()
          else if (step.kind === 'drain') await database.drain({ batchSize: step.batchSize })
          else if (step.kind === 'recompute') await table.recompute('loud' as never)
          else {
            const read = added === 0 ? 'loud' : `more${added - 1}`
            const name = `more${added++}`
            table = (await (table as Table<any, any>).addComputedColumn(name, (c: any) => longer(c[read]), {
              compute: later,
              onError: 'ignore',
            })) as never
          }
        }
        await database.drain()
        expect((await database.getTable('notes')).coverage().map(({ pending }) => pending)).not.toContain(1)
      }
      expect(await contents(deferring)).toEqual(await contents(plain))
      deferring.close()
      plain.close()
    }),
    { numRuns: 150 },
  )
}, 60_000)
