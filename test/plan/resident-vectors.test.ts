import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Pixeltable, type Table, t, udf } from '../../src/index.js'
import { internals } from '../../src/query/query.js'
import { naiveScore, randomNumbers } from '../search/matrix/oracle.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'pixeltable-resident-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const dimensions = 6
/** A vector of few different numbers, so that there are ties; some texts have the same one. */
function vectorOf(text: string): Float32Array {
  const random = randomNumbers([...text].reduce((sum, char) => sum * 31 + char.charCodeAt(0), 7) % 40)
  return Float32Array.from({ length: dimensions }, () => Math.floor(random() * 4) - 1.5)
}
const embed = {
  name: 'resident_toy',
  version: 1,
  embed: async (texts: readonly (string | Uint8Array)[]) => {
    if (texts.includes('poison')) throw new Error('cannot embed this')
    return texts.map((text) => vectorOf(text as string))
  },
}

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:', { functions: [embed] })
})
afterEach(() => {
  vi.restoreAllMocks()
  pxt.close()
})

const words = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({ id: from + i, text: `word ${from + i}`, n: (from + i) % 7 }))

async function notesOf(pxt: Pixeltable, count = 60, name = 'notes') {
  const table = await pxt.createTable(
    name,
    { id: t.int(), text: t.string().nullable(), n: t.int() },
    { primaryKey: ['id'] },
  )
  const notes = await table.addEmbeddingIndex('text', { embed, name: 'meaning' })
  if (count > 0) await notes.insert(words(1, count))
  return notes
}
type Notes = Awaited<ReturnType<typeof notesOf>>

/** What a search found in memory last; undefined where the database had to answer. */
function watch(table: Table<any, any, any, any, any>) {
  const { session } = table[internals]
  return vi.spyOn(session.residentVectors, 'search')
}
const wasInMemory = (spy: ReturnType<typeof watch>) => spy.mock.results.at(-1)?.value !== undefined

/** Searches until the vectors are in memory. */
async function warm(table: Table<any, any, any, any, any>, column = 'text'): Promise<ReturnType<typeof watch>> {
  const spy = watch(table)
  for (let i = 0; i < 1000; i++) {
    await table
      .similarity(column as never, { vector: [...vectorOf('q')] })
      .limit(1)
      .collect()
    if (wasInMemory(spy)) return spy
    await setImmediate()
  }
  throw new Error('the vectors did not come into memory')
}

/** The ids that plain arithmetic finds over the rows of a table. */
async function naive(table: Notes, query: string, keep: (n: number) => boolean = () => true): Promise<number[]> {
  // Rows come by row id.
  const rows = await table.collect()
  const order = new Map(rows.map(({ id }, i) => [id, i]))
  return rows
    .filter(({ text, n }) => text !== null && keep(n))
    .map(({ id, text }) => ({ id, score: naiveScore('cosine', vectorOf(text!), vectorOf(query)) }))
    .sort((a, b) => b.score - a.score || order.get(a.id)! - order.get(b.id)!)
    .map(({ id }) => id)
}

const ids = (rows: readonly { readonly id: number }[]) => rows.map(({ id }) => id)

/** Searches agree with plain arithmetic, with and without a filter, and were made in memory. */
async function expectInStep(table: Notes, spy: ReturnType<typeof watch>, inMemory = true): Promise<void> {
  for (const query of ['q', 'word 3']) {
    expect(ids(await table.similarity('text', query).limit(25).select('id').collect())).toEqual(
      (await naive(table, query)).slice(0, 25),
    )
    expect(wasInMemory(spy)).toBe(inMemory)
    const few = await table
      .similarity('text', query)
      .where((c) => c.n.lt(3))
      .limit(8)
      .select('id')
      .collect()
    expect(ids(few)).toEqual((await naive(table, query, (n) => n < 3)).slice(0, 8))
  }
}

describe('vectors in memory', () => {
  test('answer as the database does, which answers the first search', async () => {
    const notes = await notesOf(pxt)
    const spy = watch(notes)
    const search = () => notes.similarity('text', 'tea').limit(60).select('id', 'score').collect()
    const first = await search()
    expect(wasInMemory(spy)).toBe(false)
    await warm(notes)
    const second = await search()
    expect(wasInMemory(spy)).toBe(true)
    expect(ids(second)).toEqual(ids(first))
    second.forEach(({ score }, i) => {
      expect(score).toBeCloseTo(first[i]!.score, 6)
    })
    await expectInStep(notes, spy)
  })

  test('pages by offset make up the whole, ties by row id', async () => {
    const notes = await notesOf(pxt, 100)
    const spy = await warm(notes)
    const whole = ids(await notes.similarity('text', 'q').limit(100).select('id').collect())
    const pages: number[] = []
    for (let offset = 0; offset < 110; offset += 9) {
      pages.push(...ids(await notes.similarity('text', 'q').limit(9).offset(offset).select('id').collect()))
      expect(wasInMemory(spy)).toBe(true)
    }
    expect(pages).toEqual(whole)
    expect(pages).toEqual(await naive(notes, 'q'))
  })

  test('are in step with every statement', async () => {
    const notes = await notesOf(pxt)
    const spy = await warm(notes)
    const steps: (() => Promise<unknown>)[] = [
      () => notes.insert(words(61, 30)),
      () => notes.insert([{ id: 200, text: null, n: 1 }]),
      () =>
        notes
          .update({ text: 'word 9' })
          .where((c) => c.id.lt(12))
          .run(),
      () => notes.update({ text: null }).where({ id: 20 }).run(),
      () => notes.update({ text: 'back' }).where({ id: 20 }).run(),
      () =>
        notes
          .update({ n: 1 })
          .where((c) => c.id.gt(50))
          .run(),
      () =>
        notes
          .delete()
          .where((c) => c.id.between(30, 40))
          .run(),
      () =>
        notes.upsert([
          { id: 31, text: 'new', n: 0 },
          { id: 5, text: 'other', n: 0 },
        ]),
      () => notes.revert(),
      () => notes.revert(),
      () => notes.insert([{ id: 300, text: 'poison', n: 1 }], { onError: 'ignore' }),
      () => notes.update({ text: 'poison' }).where({ id: 2 }).run({ onError: 'ignore' }),
    ]
    for (const step of steps.slice(0, -2)) {
      await step()
      await expectInStep(notes, spy)
    }
    // Rows that could not be embedded are not found, and do not keep the vector they had.
    for (const step of steps.slice(-2)) await step()
    const found = ids(await notes.similarity('text', 'q').limit(500).select('id').collect())
    expect(wasInMemory(spy)).toBe(true)
    expect(found).not.toContain(300)
    expect(found).not.toContain(2)
  })

  test('follow changes of names and columns, and vacuum', async () => {
    let notes = await notesOf(pxt)
    const spy = await warm(notes)
    await pxt.move('notes', 'papers')
    notes = (await pxt.getTable('papers')) as never
    await expectInStep(notes, spy)
    await notes.addColumn('more', t.int().default(1))
    await expectInStep((await pxt.getTable('papers')) as never, spy)
    await notes
      .update({ text: 'changed' })
      .where((c) => c.id.lt(9))
      .run()
    await pxt.vacuum({ keepVersions: 1 })
    await expectInStep((await pxt.getTable('papers')) as never, spy)
    await notes.renameColumn('text', 'body')
    const renamed = await pxt.getTable('papers')
    const found = await renamed.similarity('body', 'q').limit(1000).collect()
    expect(wasInMemory(spy)).toBe(true)
    expect(found.length).toBe(60)
    await renamed.dropEmbeddingIndex({ name: 'meaning' })
    await renamed.addEmbeddingIndex('body', { embed, name: 'meaning', metric: 'euclidean' })
    await warm(renamed, 'body')
    const [{ metric, memoryBytes }] = (await pxt.indexes('papers')) as any
    expect({ metric, inMemory: memoryBytes > 0 }).toEqual({ metric: 'euclidean', inMemory: true })
    await pxt.dropTable('papers')
    const again = await notesOf(pxt, 10, 'papers')
    await expectInStep(again, await warm(again))
  })

  test('leave transactions to the database, and know what came of them', async () => {
    const notes = await notesOf(pxt)
    const spy = await warm(notes)
    await pxt.transaction(async (tx) => {
      const inside: any = await tx.getTable('notes')
      await inside.insert(words(61, 5))
      await expectInStep(inside, spy, false)
      await inside
        .delete()
        .where((c: any) => c.id.lt(10))
        .run()
      await expectInStep(inside, spy, false)
    })
    await expectInStep(notes, spy)
    const rolledBack = pxt.transaction(async (tx) => {
      const inside: any = await tx.getTable('notes')
      await inside.update({ text: 'gone' }).all().run()
      await expectInStep(inside, spy, false)
      throw new Error('no')
    })
    await expect(rolledBack).rejects.toThrow('no')
    await expectInStep(notes, spy)
    await notes.insert(words(70, 5))
    await expectInStep(notes, spy)
  })

  test('see what another connection and another process commit', async () => {
    const path = join(folder, 'shared.db')
    const mine = await Pixeltable.open(path, { functions: [embed] })
    const theirs = await Pixeltable.open(path, { functions: [embed] })
    const notes = await notesOf(mine)
    const other = (await theirs.getTable('notes')) as unknown as Notes
    const [spy, otherSpy] = [await warm(notes), await warm(other)]
    await other.insert(words(61, 10))
    await expectInStep(notes, spy)
    await notes
      .delete()
      .where((c) => c.id.lt(5))
      .run()
    await other.update({ text: 'both' }).where({ id: 50 }).run()
    await expectInStep(notes, spy)
    await expectInStep(other, otherSpy)
    await other.revert()
    await expectInStep(notes, spy)
    const program = `
      import { Pixeltable } from 'pixeltable'
      const embed = { name: 'resident_toy', version: 1, embed: async (texts) => texts.map(() => [1.5, 1.5, 0.5, -1.5, 0.5, 0.5]) }
      const pxt = await Pixeltable.open(${JSON.stringify(path)}, { functions: [embed] })
      const notes = await pxt.getTable('notes')
      await notes.delete().where((c) => c.id.between(20, 25)).run()
      await notes.insert([{ id: 900, text: 'theirs', n: 1 }])
      pxt.close()`
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root })
    const [best] = await notes
      .similarity('text', { vector: [1.5, 1.5, 0.5, -1.5, 0.5, 0.5] })
      .limit(1)
      .collect()
    expect(wasInMemory(spy)).toBe(true)
    expect(best!.id).toBe(900)
    await notes.delete().where({ id: 900 }).run()
    await expectInStep(notes, spy)
    // What has changed since they looked is not known any more: the database answers until all is read again.
    await theirs.vacuum({ keepVersions: 1 })
    await expectInStep(other, await warm(other))
    mine.close()
    theirs.close()
  })

  test('leave a search to the database when another process removes rows while it is made', async () => {
    const path = join(folder, 'removed.db')
    const mine = await Pixeltable.open(path)
    const plain = await mine.createTable('points', { id: t.int(), v: t.vector(2) })
    const points = await plain.addEmbeddingIndex('v', { metric: 'euclidean' })
    // Above 2,000 rows the best are read again, to compare them exactly.
    await points.insert(Array.from({ length: 2500 }, (_, id) => ({ id, v: [id, 1] })))
    const near = () =>
      points
        .similarity('v', { vector: [0, 1] })
        .limit(3)
        .select('id')
        .collect()
    await points.measureRecall('v', { sample: 1 })
    const vectors = points[internals].session.engine.vectors!
    const rows = vectors.rows.bind(vectors)
    const program = `
      import { Pixeltable } from 'pixeltable'
      const pxt = await Pixeltable.open(${JSON.stringify(path)})
      const points = await pxt.getTable('points')
      await points.delete().where({ id: 1 }).run()
      pxt.close()`
    const spy = vi.spyOn(vectors, 'rows').mockImplementationOnce((...args) => {
      execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root })
      return rows(...args)
    })
    expect(await near()).toEqual([{ id: 0 }, { id: 2 }, { id: 3 }])
    expect(spy).toHaveBeenCalled()
    expect(await near()).toEqual([{ id: 0 }, { id: 2 }, { id: 3 }])
    mine.close()
  })

  test('see a column of vectors that another connection fills', async () => {
    const path = join(folder, 'filled.db')
    const vector = udf({ name: 'resident_vector', returns: t.vector(dimensions) }, (text: string) => [
      ...vectorOf(text),
    ])
    const mine = await Pixeltable.open(path)
    const theirs = await Pixeltable.open(path)
    const table = await mine.createTable('notes', { id: t.int(), text: t.string() })
    await table.insert(words(1, 30).map(({ id, text }) => ({ id, text })))
    const computed = await table.addComputedColumn('v', (c) => vector(c.text), { compute: 'deferred' })
    const notes = (await computed.addEmbeddingIndex('v' as never)) as Table<any, any, any, any, any>
    const spy = watch(notes)
    const count = async () =>
      (
        await notes
          .similarity('v', { vector: [1, 2, 3, 4, 5, 6] })
          .limit(99)
          .collect()
      ).length
    for (let i = 0; i < 5; i++, await setImmediate()) expect(await count()).toBe(0)
    await theirs.drain()
    expect(await count()).toBe(30)
    for (let i = 0; i < 50 && !wasInMemory(spy); i++, await setImmediate()) expect(await count()).toBe(30)
    expect(wasInMemory(spy)).toBe(true)
    mine.close()
    theirs.close()
  })

  test('forget what a filter found when something is committed', async () => {
    const notes = await notesOf(pxt)
    await warm(notes)
    const { session } = notes[internals]
    const matching = vi.spyOn(session.engine.vectors!, 'matching')
    const search = () => notes.similarity('text', 'q').where({ n: 2 }).limit(5).select('id').collect()
    const before = await search()
    const after = await search()
    expect(after).toEqual(before)
    expect(matching).toHaveBeenCalledTimes(1)
    await notes.update({ n: 3 }).where({ id: before[0]!.id }).run()
    expect(ids(await search())).toEqual((await naive(notes, 'q', (n) => n === 2)).slice(0, 5))
    expect(ids(await search())).not.toContain(before[0]!.id)
    expect(matching).toHaveBeenCalledTimes(2)
  })

  test('of a base serve its views', async () => {
    const notes = await notesOf(pxt)
    await pxt.createView(
      'few',
      notes.where((c) => c.n.lt(3)),
    )
    const few = (await pxt.getTable('few')) as unknown as Notes
    const spy = await warm(few)
    await expectInStep(few, spy)
    expect((await few.similarity('text', 'q').limit(25).collect()).length).toBe(25)
    await notes.insert(words(61, 20))
    await notes
      .update({ n: 0 })
      .where((c) => c.id.lt(9))
      .run()
    await expectInStep(few, spy)
  })

  test('take no more than the limit, and go when they are told to', async () => {
    const small = await Pixeltable.open(':memory:', { functions: [embed], memoryLimit: 1_000_000 })
    const tables = [await notesOf(small, 60, 'a'), await notesOf(small, 60, 'b'), await notesOf(small, 60, 'c')]
    const inMemory = async () =>
      (await small.indexes()).filter(({ memoryBytes }) => memoryBytes! > 0).map(({ table }) => table)
    for (const table of tables) await expectInStep(table, await warm(table))
    const each = (await small.indexes('c'))[0]!.memoryBytes!
    expect(each).toBeGreaterThan(60 * 4 * dimensions)
    small.releaseMemory()
    expect(await inMemory()).toEqual([])
    for (const table of tables) await expectInStep(table, await warm(table))
    expect((await inMemory()).length).toBe(3)
    small.close()

    const two = await Pixeltable.open(':memory:', { functions: [embed], memoryLimit: 2.5 * each })
    const more = [await notesOf(two, 60, 'a'), await notesOf(two, 60, 'b'), await notesOf(two, 60, 'c')]
    for (const table of more) await warm(table)
    const left = (await two.indexes()).filter(({ memoryBytes }) => memoryBytes! > 0).map(({ table }) => table)
    expect(left).toEqual(['b', 'c'])
    two.close()

    const none = await Pixeltable.open(':memory:', { functions: [embed], memoryLimit: 0 })
    const notes = await notesOf(none)
    const spy = watch(notes)
    for (let i = 0; i < 5; i++, await setImmediate()) await expectInStep(notes, spy, false)
    expect((await none.indexes())[0]!.memoryBytes).toBe(0)
    none.close()
    await expect(Pixeltable.open(':memory:', { memoryLimit: -1 })).rejects.toThrow(/memoryLimit: expected bytes/)
  })

  test('are in step after random statements', async () => {
    const random = randomNumbers(5)
    const below = (n: number) => Math.floor(random() * n)
    const notes = await notesOf(pxt, 40)
    const spy = await warm(notes)
    let next = 1000
    for (let step = 0; step < 60; step++) {
      const kind = below(7)
      next += 20
      const id = below(60)
      if (kind < 2) await notes.insert(words(next, 1 + below(6)))
      else if (kind === 2)
        await notes
          .update({ text: `w${below(99)}` })
          .where((c) => c.n.eq(below(7)))
          .run()
      else if (kind === 3)
        await notes
          .delete()
          .where((c) => c.id.between(id, id + 2))
          .run()
      else if (kind === 4) await notes.upsert([{ id, text: `u${id}`, n: below(7) }])
      else if (kind === 5) await notes.revert()
      else {
        await pxt
          .transaction(async (tx) => {
            await ((await tx.getTable('notes')) as any).insert(words(next, 2))
            if (below(2) === 0) throw new Error('no')
          })
          .catch(() => {})
      }
      await expectInStep(notes, spy)
    }
  })
})

describe('descriptions of indexes', () => {
  test('list each kind with type, column, status and size', async () => {
    const notes = await notesOf(pxt)
    await notes.addTextIndex('text')
    await notes.addIndex(['n', 'id'], { name: 'by_n' })
    await notes.addEmbeddingIndex('text', { embed, name: 'late', compute: 'deferred' })
    const listed = await pxt.indexes('notes')
    expect(listed.map(({ name, type, column, status, method }) => ({ name, type, column, status, method }))).toEqual([
      { name: 'meaning', type: 'vector', column: 'text', status: 'ready', method: 'flat' },
      { name: 'late', type: 'vector', column: 'text', status: 'pending', method: 'flat' },
      { name: 'text_text', type: 'text', column: 'text', status: 'ready', method: 'bm25' },
      { name: 'by_n', type: 'btree', column: 'n, id', status: 'ready', method: 'btree' },
    ])
    for (const { bytes, name } of listed) expect(bytes! > 0, name).toBe(true)
    expect(listed[1]).toMatchObject({ coverage: { rows: 60, done: 0, pending: 60 }, memoryBytes: 0 })
    expect(String(await notes.describe())).toContain('index by_n on n, id: ordered')
    await pxt.drain()
    expect((await pxt.indexes('notes'))[1]).toMatchObject({ status: 'ready', coverage: { done: 60 } })
  })
})
