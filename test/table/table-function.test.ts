import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  ComputeError,
  documentSplitter,
  NotFoundError,
  Pixeltable,
  QueryError,
  query,
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

const called: number[] = []
const root = udf({ name: 'tf_root' }, (n: number) => {
  called.push(n)
  if (n < 0) throw new RangeError('negative')
  return Math.sqrt(n)
})
const costly = udf({ name: 'tf_costly' }, (n: number) => {
  called.push(1000 + n)
  return n
})

async function pipeline() {
  called.length = 0
  const table = await pxt.createTable(
    'roots',
    { n: t.int(), label: t.string().default('x'), at: t.timestamp().nullable() },
    { comment: 'Takes roots' },
  )
  const rooted = await table.addComputedColumn('root', (c) => root(c.n))
  return rooted.addComputedColumn('twice', (c) => c.root.mul(2), { stored: false })
}

describe('a table as a function', () => {
  test('computes a row and stores nothing', async () => {
    const table = await pipeline()
    const run = table.asFunction('tf_whole')
    expect(await run({ n: 9 })).toEqual({ n: 9, label: 'x', at: null, root: 3, twice: 6 })
    expect(await run({ n: 4, label: 'y', at: '2026-01-31T00:00:00Z' })).toMatchObject({
      label: 'y',
      at: new Date('2026-01-31T00:00:00Z'),
    })
    expect(await table.asFunction('tf_one', { returns: 'twice' })({ n: 9 })).toBe(6)
    expect(await table.asFunction('tf_two', { returns: ['twice', 'n'] })({ n: 9 })).toEqual({ twice: 6, n: 9 })
    expect(await table.count()).toBe(0)
    expect(await table.history()).toHaveLength(3)
  })

  test('rejects with the column that failed, before later ones are computed', async () => {
    const table = await (await pipeline()).addComputedColumn('later', (c) => costly(c.n))
    const run = table.asFunction('tf_failing')
    const error = await run({ n: -1 }).catch((e) => e)
    expect(error).toBeInstanceOf(ComputeError)
    expect(error).toMatchObject({ column: 'root', function: 'tf_root@1' })
    expect(error.message).toMatch(/column 'root' of 'roots'.*negative/)
    expect(called).toEqual([-1])
    const unstored = await pxt.createTable('u', { n: t.int() })
    const lazy = await unstored.addComputedColumn('root', (c) => root(c.n), { stored: false })
    await expect(lazy.asFunction('tf_lazy')({ n: -4 })).rejects.toMatchObject({ column: 'root' })
    await expect(run({ n: 'x' } as never)).rejects.toThrow(ValidationError)
    await expect(run({} as never)).rejects.toThrow(/column 'n' of 'roots' is required/)
    await expect(run({ n: 1, root: 5 } as never)).rejects.toThrow(/'root' of 'roots' is computed/)
  })

  test('computes no other views', async () => {
    const table = await pipeline()
    const view = await pxt.createView(
      'positive',
      table.where((c) => c.n.gt(0)),
    )
    await view.addComputedColumn('cost', (c) => costly(c.n))
    expect(await table.asFunction('tf_base', { returns: 'root' })({ n: 16 })).toBe(4)
    expect(called).toEqual([16])
  })

  test('of a view: null where the view leaves the row out', async () => {
    const table = await pipeline()
    const view = await pxt.createView(
      'positive',
      table.where((c) => c.n.gt(0)),
    )
    const full = await view.addComputedColumn('cost', (c) => costly(c.n))
    const run = full.asFunction('tf_view', { returns: ['cost', 'root'] })
    expect([await run({ n: 4 }), await run({ n: 0 })]).toEqual([{ cost: 4, root: 2 }, null])
    expect(Object.keys(run.inputSchema.jsonSchema.properties)).toEqual(['n', 'label', 'at'])
  })

  test('in a computed column, also after the table has got another column', async () => {
    const table = await pipeline()
    const one = table.asFunction('tf_expr_one', { returns: 'root' })
    const all = table.asFunction('tf_expr_all')
    const other = await pxt.createTable('other', { m: t.int() })
    const first = await other.addComputedColumn('root', (c) => one.expr({ n: c.m }))
    const full = await first.addComputedColumn('row', (c) => all.expr({ n: c.m, at: new Date(0) }))
    const sums = await full.addComputedColumn('sum', (c) => c.root.add(1))
    await sums.insert({ m: 25 })
    expect(await sums.collect()).toEqual([
      { m: 25, root: 5, sum: 6, row: { n: 25, label: 'x', at: '1970-01-01T00:00:00.000Z', root: 5, twice: 10 } },
    ])
    const { errorCells } = await sums.insert({ m: -1 }, { onError: 'ignore' })
    expect(errorCells.map(({ column }) => column)).toEqual(['root', 'row', 'sum'])
    expect(errorCells[0]!.message).toMatch(/column 'root' of 'roots'.*negative/)
    await table.addColumn('note', t.string().nullable())
    await sums.insert({ m: 36 })
    expect((await sums.tail(1))[0]).toMatchObject({ root: 6, row: { note: null } })
    expect(() => one.expr({ m: 1 } as never)).toThrow(/no parameter 'm'. It has: n, label, at/)
  })

  test('takes the defaults and validators that a program has for the table', async () => {
    await pxt.createTable('made', { id: t.string().default(() => 'made'), n: t.int() })
    const run = (await pxt.getTable('made', { id: t.string().default(() => 'again'), n: t.int() })).asFunction(
      'tf_made',
    )
    expect(await run({ n: 1 })).toEqual({ id: 'again', n: 1 })
    expect(run.inputSchema.jsonSchema.required).toEqual(['n'])
    expect(await run.inputSchema['~standard'].validate({ n: 1 })).toEqual({ value: { n: 1 } })
  })

  test('is a tool', async () => {
    const table = await pipeline()
    const run = table.asFunction('tf_tool', { returns: ['root', 'at'], descriptions: { n: 'Of what' } })
    const tool = run.toTool()
    expect(tool.description).toBe('Takes roots')
    expect(tool.inputSchema.jsonSchema).toMatchObject({
      required: ['n'],
      properties: {
        n: { type: 'integer', description: 'Of what' },
        label: { default: 'x' },
        at: { type: ['string', 'null'] },
      },
    })
    expect(await tool.execute({ n: 9, at: new Date(0) })).toEqual({ root: 3, at: '1970-01-01T00:00:00.000Z' })
    await expect(tool.execute({ n: -9 })).rejects.toThrow(/column 'root'/)
    const abortSignal = AbortSignal.abort(new Error('enough'))
    await expect(tool.execute({ n: 9 }, { abortSignal })).rejects.toThrow('enough')
  })

  test('a question answered by a pipeline over other tables, with a file as its input', async () => {
    const facts = await pxt.createTable('facts', { topic: t.string(), text: t.string() })
    await facts.insert({ topic: 'tea', text: 'Steep for three minutes.' })
    const about = query('tf_about', { topic: t.string() }, (p) =>
      facts.where((c) => c.topic.eq(p.topic)).select('text'),
    )
    const base = await pxt.createTable('agent', { topic: t.string(), file: t.document().nullable() })
    const context = await base.addComputedColumn('context', (c) => about.expr({ topic: c.topic }))
    const agent = await context.addComputedColumn('mime', (c) => c.file.mime)
    const ask = agent.asFunction('tf_ask', { returns: ['context', 'mime'] })
    const file = new Blob(['hello'], { type: 'text/plain' })
    expect(await ask({ topic: 'tea', file })).toEqual({
      context: [{ text: 'Steep for three minutes.' }],
      mime: 'text/plain',
    })
    expect(await ask.toTool({ description: 'x' }).execute({ topic: 'bread' })).toEqual({ context: [], mime: null })
  })

  test('refuses what it cannot be', async () => {
    const table = await pipeline()
    expect(() => table.asFunction('')).toThrow(SchemaError)
    expect(() => table.asFunction('x', { version: -1 })).toThrow(/version: expected a whole number/)
    expect(() => table.asFunction('x', { returns: 'nope' as never })).toThrow(NotFoundError)
    expect(() => table.asFunction('x', { returns: [] })).toThrow(QueryError)
    expect(() => table.asFunction('x', { descriptions: { root: 'x' } as never })).toThrow(/no parameter 'root'/)
    const docs = await pxt.createTable('docs', { file: t.document() })
    const chunks = await pxt.createView('chunks', docs, {
      iterator: documentSplitter((c) => c.file, { separators: ['sentence'] }),
    })
    const view = await pxt.createView(
      'long',
      chunks.where((c) => c.text.length().gt(10)),
    )
    for (const split of [chunks, view]) {
      expect(() => split.asFunction('x')).toThrow(/the iterator of 'chunks' makes any number of rows/)
    }
    const kept = await pxt.createSnapshot('kept', table)
    expect(() => (kept as unknown as typeof table).asFunction('x')).toThrow(/snapshot/)
  })
})
