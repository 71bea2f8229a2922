/**
 * Random sequences of statements on a table with computed columns, two levels of views and indexes. After each the
 * whole is compared with one that is built anew from the rows, and earlier versions with copies that were kept.
 * LIFECYCLE_RUNS sets how many sequences are tried.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Pixeltable, t, udf } from '../../src/index.js'

const runs = Number(process.env.LIFECYCLE_RUNS ?? 120)

interface ModelRow {
  readonly id: number
  readonly s: string
  readonly n: number | null
  readonly [extra: string]: unknown
}
/** What the table should hold: its rows by id, and its added columns with their defaults. */
interface Model {
  readonly rows: ReadonlyMap<number, ModelRow>
  readonly extra: ReadonlyMap<string, number | null>
  /** What `calc` adds to n. */
  readonly factor: number
}

let calls = 0
const shout = udf({ name: 'lifecycle_shout' }, (s: string) => {
  calls++
  return `${s}!`
})
const toy = {
  name: 'lifecycle_toy',
  version: 1,
  embed: async (texts: readonly unknown[]) => texts.map((text) => [String(text).length + 1, 1]),
}

/** The table, its views and indexes. */
async function create(pxt: Pixeltable, { extra, factor }: Model) {
  const plain = await pxt.createTable(
    'base',
    { id: t.int(), s: t.string(), n: t.int().nullable() },
    {
      primaryKey: ['id'],
      check: { small: (c) => c.n.lt(1000) },
    },
  )
  const up = await plain.addComputedColumn('up', (c) => c.s.upper())
  const loud = await up.addComputedColumn('loud', (c) => shout(c.up))
  const calc = await loud.addComputedColumn('calc', (c) => c.n.coalesce(0).add(factor))
  const live = await calc.addComputedColumn('live', (c) => c.calc.mul(2), { stored: false })
  const close = await live.addEmbeddingIndex('s', { embed: toy, name: 'by_s' })
  const base = await close.addTextIndex({ s: 2, loud: 1 }, { name: 'words', language: 'en' })
  const some = await pxt.createView(
    'some',
    base.where((c) => c.calc.gt(0)),
  )
  const wide = await some.addComputedColumn('mine', (c) => c.loud.concat('?'))
  const indexed = await wide.addEmbeddingIndex('up', { embed: toy, name: 'by_up' })
  const tailed = await indexed.addComputedColumn('tail', (c) => c.up.concat(' a'))
  const worded = await tailed.addTextIndex(['s', 'tail'], { name: 'words' })
  const few = await pxt.createView(
    'few',
    worded.where((c) => c.mine.contains('A')).select('id', 'mine', 'live', 'tail'),
  )
  await few.addComputedColumn('length', (c) => c.mine.length())
  for (const [name, value] of extra) await base.addColumn(name, t.int().nullable().default(value))
}

/** Everything that can be read, in an order that does not depend on how it came about. */
async function contents(pxt: Pixeltable, version?: number) {
  const read = async (name: string, search?: string) => {
    const table = await pxt.getTable(name)
    const rows = version === undefined ? table : table.asOf(version)
    const found = await (search ? rows.similarity(search, 'abc') : rows).collect()
    return found.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
  }
  /** With the score, which takes the statistics of all rows. */
  const found = async (name: string, ...columns: string[]) => {
    const table = await pxt.getTable(name)
    const rows = version === undefined ? table : table.asOf(version)
    const matches = await rows.match(columns as [string], 'a abc é -zz').collect()
    return matches.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
  }
  return {
    base: await read('base', 's'),
    some: await read('some', 'up'),
    few: await read('few'),
    words: await found('base', 's', 'loud'),
    someWords: await found('some', 's', 'tail'),
    fewWords: await found('few', 'tail'),
    counts: await Promise.all(
      ['base', 'some', 'few'].map(async (name) => {
        const table = await pxt.getTable(name)
        return (version === undefined ? table : table.asOf(version)).count()
      }),
    ),
  }
}

/** What searches with a limit find. Those of the present are made in memory; those of words from the second on. */
async function ranked(pxt: Pixeltable): Promise<string[][]> {
  const base = await pxt.getTable('base')
  const words = ['s', 'loud'] as string[] as ['s']
  const searches = [
    base.similarity('s', 'abc').limit(50),
    base.match(words, 'a abc é -zz').limit(50),
    base.match(words, '+a "zz"').limit(50),
    base.hybrid('s', 'abc zz').limit(50),
  ]
  const found: string[][] = []
  for (const search of [...searches, ...searches]) {
    const rows = await search.select('id', 'score').collect()
    expect(rows).toEqual(rows.toSorted((a, b) => (b.score as number) - (a.score as number)))
    // The database computes distances in float32.
    found.push(rows.map(({ id, score }) => `${id} ${(score as number).toFixed(6)}`).sort())
  }
  expect(found.slice(4)).toEqual(found.slice(0, 4))
  return found.slice(4)
}

type Op =
  | { readonly kind: 'insert'; readonly rows: readonly ModelRow[] }
  | { readonly kind: 'update'; readonly id: number; readonly set: Partial<ModelRow> }
  | { readonly kind: 'bump'; readonly below: number }
  | { readonly kind: 'delete'; readonly id: number }
  | { readonly kind: 'upsert'; readonly rows: readonly ModelRow[] }
  | { readonly kind: 'addColumn' | 'dropColumn'; readonly name: string; readonly value: number | null }
  | { readonly kind: 'alter'; readonly factor: number }
  | { readonly kind: 'recompute' | 'revert' | 'reopen' | 'bad' | 'vacuum' }
  | { readonly kind: 'transaction'; readonly ops: readonly Op[]; readonly abort: boolean }

const row: fc.Arbitrary<ModelRow> = fc.record({
  id: fc.nat(7),
  s: fc.constantFrom('', 'a', 'abc', 'zz', 'é🎬', 'A'),
  n: fc.option(fc.integer({ min: -3, max: 3 })),
})
const simple: fc.Arbitrary<Op> = fc.oneof(
  { arbitrary: fc.array(row, { minLength: 1, maxLength: 3 }).map((rows): Op => ({ kind: 'insert', rows })), weight: 3 },
  fc.record({
    kind: fc.constant('update' as const),
    id: fc.nat(7),
    set: fc.oneof(
      row.map(({ s }) => ({ s })),
      row.map(({ n }) => ({ n })),
      row.map(({ s, n }) => ({ s, n })),
    ),
  }),
  fc.record({ kind: fc.constant('bump' as const), below: fc.nat(8) }),
  fc.record({ kind: fc.constant('delete' as const), id: fc.nat(7) }),
  fc.array(row, { minLength: 1, maxLength: 3 }).map((rows): Op => ({ kind: 'upsert', rows })),
  fc.record({
    kind: fc.constantFrom('addColumn' as const, 'dropColumn' as const),
    name: fc.constantFrom('x1', 'x2'),
    value: fc.option(fc.nat(3)),
  }),
  fc.record({ kind: fc.constant('alter' as const), factor: fc.integer({ min: -1, max: 2 }) }),
)
const op: fc.Arbitrary<Op> = fc.oneof(
  { arbitrary: simple, weight: 6 },
  {
    arbitrary: fc.constantFrom<Op>(
      { kind: 'revert' },
      { kind: 'revert' },
      { kind: 'recompute' },
      { kind: 'reopen' },
      { kind: 'bad' },
      { kind: 'vacuum' },
    ),
    weight: 3,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      ops: fc.array(simple, { minLength: 1, maxLength: 3 }),
      abort: fc.boolean(),
    }),
    weight: 1,
  },
)

/** Runs a statement. @returns what the table should hold afterwards, or undefined when it was refused */
async function apply(pxt: Pixeltable, model: Model, step: Op): Promise<Model | undefined> {
  const base = await pxt.getTable('base')
  const rows = new Map(model.rows)
  const withDefaults = (given: ModelRow): ModelRow => ({ ...Object.fromEntries(model.extra), ...given })
  switch (step.kind) {
    case 'insert': {
      const ids = step.rows.map(({ id }) => id)
      const clash = new Set(ids).size !== ids.length || ids.some((id) => rows.has(id))
      if (clash) {
        await expect(base.insert(step.rows as never)).rejects.toThrow(/duplicate primary key/)
        return undefined
      }
      await base.insert(step.rows as never)
      for (const given of step.rows) rows.set(given.id, withDefaults(given))
      return { ...model, rows }
    }
    case 'update': {
      await base
        .update(step.set as never)
        .where({ id: step.id })
        .run()
      if (rows.has(step.id)) rows.set(step.id, { ...rows.get(step.id)!, ...step.set })
      return { ...model, rows }
    }
    case 'bump': {
      await base
        .update({ n: (c: any) => c.n.add(1), s: (c: any) => c.s.concat('b') } as never)
        .where((c: any) => c.id.lt(step.below))
        .run()
      for (const [id, old] of rows) {
        if (id < step.below) rows.set(id, { ...old, n: old.n === null ? null : old.n + 1, s: `${old.s}b` })
      }
      return { ...model, rows }
    }
    case 'delete':
      await base.delete().where({ id: step.id }).run()
      rows.delete(step.id)
      return { ...model, rows }
    case 'upsert': {
      const unique = [...new Map(step.rows.map((given) => [given.id, given])).values()]
      await base.upsert(unique as never)
      for (const given of unique) rows.set(given.id, { ...withDefaults(given), ...rows.get(given.id), ...given })
      return { ...model, rows }
    }
    case 'addColumn': {
      const adding = base.addColumn(step.name, t.int().nullable().default(step.value))
      if (model.extra.has(step.name)) {
        await expect(adding).rejects.toThrow(/already/)
        return undefined
      }
      await adding
      for (const [id, old] of rows) rows.set(id, { ...old, [step.name]: step.value })
      return { ...model, rows, extra: new Map([...model.extra, [step.name, step.value]]) }
    }
    case 'dropColumn': {
      const dropping = base.dropColumn(step.name)
      if (!model.extra.has(step.name)) {
        await expect(dropping).rejects.toThrow(/no column/)
        return undefined
      }
      await dropping
      for (const [id, { [step.name]: _, ...rest }] of rows) rows.set(id, rest as ModelRow)
      return { ...model, rows, extra: new Map([...model.extra].filter(([name]) => name !== step.name)) }
    }
    case 'alter':
      await base.alterComputedColumn('calc', (c: any) => c.n.coalesce(0).add(step.factor))
      return { ...model, factor: step.factor }
    case 'recompute':
      await base.recompute(['up', 'loud', 'calc'])
      return model
    case 'bad':
      await expect(
        base.insert([
          { id: 100, s: 'ok', n: 1 },
          { id: 101, s: 'bad', n: 5000 },
        ] as never),
      ).rejects.toThrow(/small/)
      await expect(
        base
          .update({ s: 7 } as never)
          .all()
          .run(),
      ).rejects.toThrow()
      await expect(base.dropColumn('up')).rejects.toThrow(/depend/)
      return undefined
    case 'transaction': {
      let inside: Model = model
      const work = pxt.transaction(async (tx) => {
        for (const part of step.ops) inside = (await apply(tx, inside, part)) ?? inside
        if (step.abort) throw new Error('aborted')
      })
      if (!step.abort) {
        await work
        return inside
      }
      await expect(work).rejects.toThrow('aborted')
      return undefined
    }
    default:
      throw new Error(step.kind)
  }
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pxt-lifecycle-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let files = 0
test(`${runs} random lives of a table with views and indexes`, { timeout: 3_600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(op, { minLength: 1, maxLength: 12 }), async (steps) => {
      const path = join(folder, `${files++}.db`)
      let pxt = await Pixeltable.open(path)
      let model: Model = { rows: new Map(), extra: new Map(), factor: 0 }
      await create(pxt, model)
      const lastVersion = async () => {
        const [found] = await pxt.sql<{ v: number }>`SELECT max(version) AS v FROM pxt_versions`
        return found!.v
      }
      /** What stands: each state with the version that made it. */
      const standing: { version: number; model: Model }[] = [{ version: await lastVersion(), model }]
      const copies = new Map<number, Awaited<ReturnType<typeof contents>>>()
      /** A copy that follows the changes. */
      const follower = new Map<number, unknown>()
      let known = 0
      try {
        for (const step of steps) {
          const before = await lastVersion()
          if (step.kind === 'reopen') {
            pxt.close()
            pxt = await Pixeltable.open(path, { functions: [shout, toy] })
          } else if (step.kind === 'vacuum') {
            await pxt.vacuum({ keepVersions: 2 })
            for (const version of copies.keys()) if (version < before - 1) copies.delete(version)
            standing.splice(0, Math.max(0, standing.length - 1))
          } else if (step.kind === 'revert') {
            if (standing.length < 2) continue
            calls = 0
            await (await pxt.getTable('base')).revert()
            expect(calls).toBe(0)
            standing.pop()
            model = standing.at(-1)!.model
          } else {
            const next = await apply(pxt, model, step)
            const version = await lastVersion()
            if (next === undefined) expect(version).toBe(before)
            else model = next
            if (version > before) standing.push({ version, model })
          }
          const found = await contents(pxt)
          const anew = await Pixeltable.open(':memory:')
          await create(anew, model)
          await (await anew.getTable('base')).insert([...model.rows.values()] as never)
          expect(found).toEqual(await contents(anew))
          expect(await ranked(pxt)).toEqual(await ranked(anew))
          anew.close()
          const now = await lastVersion()
          copies.set(now, found)
          for (const [version, copy] of copies) expect(await contents(pxt, version), `as of ${version}`).toEqual(copy)
          const base = await pxt.getTable('base')
          if (step.kind === 'vacuum') continue
          for await (const { kind, rowid, row: changed } of base.changes({ since: known })) {
            if (kind === 'delete') follower.delete(rowid)
            else follower.set(rowid, changed)
          }
          known = now
          const current = await base.select((c: any) => ({ rowid: c._rowid, id: c.id, s: c.s, n: c.n })).collect()
          const followed = [...follower].map(([rowid, value]) => {
            const { id, s, n } = value as ModelRow
            return { rowid, id, s, n }
          })
          expect(followed.sort((a, b) => a.rowid - b.rowid)).toEqual(current)
        }
        expect(await pxt.sql`SELECT * FROM pragma_integrity_check`).toEqual([{ integrity_check: 'ok' }])
      } finally {
        pxt.close()
      }
    }),
    { numRuns: runs },
  )
})
