import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Pixeltable, QueryError, query, SchemaError, t, udf, ValidationError } from '../../src/index.js'

const order = udf(
  {
    name: 'schema_order',
    parameters: {
      text: t.string(),
      limit: t.int().default(5),
      since: t.timestamp().nullable(),
      day: t.date(),
      rate: t.float().nullable(),
      yes: t.bool().default(() => true),
      id: t.uuid(),
      bytes: t.binary(),
      point: t.vector(2),
      filter: t.json(z.object({ genre: z.enum(['sf', 'war']), year: z.number().optional() })),
      loose: t.json().nullable(),
      kind: t.json(z.enum(['a', 'b'])).nullable(),
      at: t.timestamp().default(new Date(0)),
    },
    descriptions: { text: 'What to look for', filter: 'Which films' },
  },
  (...args: unknown[]) => args.map((value) => (value instanceof Date || value === null ? String(value) : typeof value)),
)

const fits = {
  text: 'tea',
  day: '2026-01-31',
  id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
  bytes: 'aGVsbG8=',
  point: [1, 2],
  filter: { genre: 'sf' as const },
}

const validate = (value: unknown) => order.inputSchema['~standard'].validate(value)
const messages = async (value: unknown) => ((await validate(value)).issues ?? []).map(({ message }) => message)

describe('the schema of parameters', () => {
  test('is JSON Schema: required is what is neither nullable nor has a default', () => {
    const { jsonSchema } = order.inputSchema
    expect(jsonSchema.required).toEqual(['text', 'day', 'id', 'bytes', 'point', 'filter'])
    expect(Object.keys(jsonSchema.properties).slice(0, 4)).toEqual(['text', 'limit', 'since', 'day'])
    const integer = { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }
    expect(jsonSchema).toEqual({
      type: 'object',
      additionalProperties: false,
      required: expect.anything(),
      properties: {
        text: { type: 'string', description: 'What to look for' },
        limit: { ...integer, default: 5 },
        since: { type: ['string', 'null'], format: 'date-time' },
        day: { type: 'string', format: 'date' },
        rate: { type: ['number', 'null'] },
        yes: { type: 'boolean' },
        id: { type: 'string', format: 'uuid' },
        bytes: { type: 'string', contentEncoding: 'base64' },
        point: { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
        filter: {
          type: 'object',
          properties: { genre: { type: 'string', enum: ['sf', 'war'] }, year: { type: 'number' } },
          required: ['genre'],
          description: 'Which films',
        },
        loose: {},
        kind: { anyOf: [{ type: 'string', enum: ['a', 'b'] }, { type: 'null' }] },
        at: { type: 'string', format: 'date-time', default: '1970-01-01T00:00:00.000Z' },
      },
    })
  })

  test('is Standard JSON Schema of two dialects', () => {
    const { jsonSchema, '~standard': standard } = order.inputSchema
    const { $schema, ...rest } = standard.jsonSchema.input({ target: 'draft-2020-12' })
    expect($schema).toBe('https://json-schema.org/draft/2020-12/schema')
    expect(rest).toEqual(jsonSchema)
    expect(standard.jsonSchema.output({ target: 'draft-07' }).$schema).toBe('http://json-schema.org/draft-07/schema#')
    expect(() => standard.jsonSchema.input({ target: 'openapi-3.0' })).toThrow(QueryError)
    expect([standard.version, standard.vendor]).toEqual([1, 'pixeltable'])
  })

  test('says what another validator says', async () => {
    const other = z.fromJSONSchema(order.inputSchema.jsonSchema as never)
    for (const change of [
      {},
      { limit: 2, rate: null, since: '2026-01-31T09:30:00Z' },
      { limit: 1.5 },
      { text: null },
      { rate: 'x' },
      { point: [1] },
      { filter: { genre: 'jazz' } },
      { kind: null },
      { kind: 'c' },
      { more: 1 },
    ]) {
      const value = { ...fits, ...change }
      expect([change, (await messages(value)).length === 0]).toEqual([change, other.safeParse(value).success])
    }
  })

  test('validates without changing: the function reads its arguments once', async () => {
    const given = { ...fits, since: '2026-01-31T09:30:00Z' }
    expect(await validate(given)).toEqual({ value: given })
    const values = await order.toTool({ description: 'x' }).execute({ ...given, bytes: 'aGVsbG8=' as never })
    expect(values.slice(0, 3)).toEqual(['string', 'number', String(new Date(given.since))])
  })

  test('names every argument that does not fit', async () => {
    expect(await messages(5)).toEqual([expect.stringMatching(/expected an object of arguments, got the number 5/)])
    expect(await messages([])).toHaveLength(1)
    expect(await messages({ ...fits, text: 5, limit: 'many', x: 1, bytes: '???' })).toEqual([
      expect.stringMatching(/no parameter 'x'. It has: text, limit/),
      expect.stringMatching(/'text': expected a string, got the number 5/),
      expect.stringMatching(/'limit': expected a safe integer/),
      expect.stringMatching(/'bytes': expected bytes, or base64 text/),
    ])
    const { text: _text, ...rest } = fits
    expect(await validate(rest)).toMatchObject({
      issues: [{ message: expect.stringMatching(/required/), path: ['text'] }],
    })
    expect(await messages({ ...fits, filter: { genre: 'jazz' } })).toEqual([expect.stringMatching(/'filter': .*genre/)])
  })

  test('a model names no files of this machine', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const files = await pxt.createTable('files', { file: t.document() })
    const { inputSchema } = files.asFunction('schema_files')
    expect(inputSchema.jsonSchema.properties.file).toEqual({ type: 'string', format: 'uri' })
    const issues = async (file: unknown) => (await inputSchema['~standard'].validate({ file })).issues ?? []
    const tool = files.asFunction('schema_files', { description: 'x' }).toTool()
    for (const path of ['/etc/passwd', 'file:///etc/passwd', '~/x', 5, { url: 'file:///etc/passwd' }]) {
      expect(await issues(path)).toHaveLength(1)
      await expect(tool.execute({ file: path as string })).rejects.toThrow(
        /'file': expected an http:, https: or data: URL/,
      )
    }
    const note = new Blob(['hello'], { type: 'text/plain' })
    expect(await tool.execute({ file: note })).toMatchObject({ file: { mime: 'text/plain', size: 5 } })
    expect(await tool.execute({ file: 'data:text/plain,hello' })).toMatchObject({ file: { size: 5 } })
    for (const url of ['https://example.com/a.pdf', 'data:,hello']) expect(await issues(url)).toEqual([])
    pxt.close()
  })
})

describe('udf with parameters', () => {
  test('is called by name as by position, once, with its defaults', async () => {
    const calls: unknown[][] = []
    const join = udf(
      { name: 'schema_join', parameters: { a: t.string(), n: t.int().default(2), b: t.string().nullable() } },
      (a: string, n: number, b: string | null) => {
        calls.push([a, n, b])
        return `${a}${n}${b}`
      },
    )
    const tool = join.toTool({ description: 'Joins' })
    expect(await tool.execute({ a: 'x' })).toBe('x2null')
    expect(await tool.execute({ b: 'y', n: 3, a: 'x' })).toBe('x3y')
    expect(calls).toEqual([
      ['x', 2, null],
      ['x', 3, 'y'],
    ])
    const pxt = await Pixeltable.open(':memory:')
    const table = await pxt.createTable('t', { a: t.string() })
    await table.insert({ a: 'z' })
    expect(await table.select((c) => ({ s: join(c.a, 1, 'q') })).collect()).toEqual([{ s: 'z1q' }])
    await expect(tool.execute({ a: 5 } as never)).rejects.toThrow(ValidationError)
    await expect(tool.execute({ a: 5 } as never)).rejects.toThrow(
      /schema_join\(\): the parameter 'a': expected a string/,
    )
    expect(calls).toHaveLength(3)
    pxt.close()
  })

  test('of many rows and of null', async () => {
    const double = udf({ name: 'schema_double', batchSize: 8, parameters: { n: t.int() } }, (ns: number[]) =>
      ns.map((n) => n * 2),
    )
    expect(await double.toTool({ description: 'x' }).execute({ n: 4 })).toBe(8)
    const skip = udf({ name: 'schema_skip', onNull: 'skip', parameters: { s: t.string().nullable() } }, (s: string) =>
      s.toUpperCase(),
    )
    expect(await skip.toTool({ description: 'x' }).execute({})).toBeNull()
    expect(await skip.toTool({ description: 'x' }).execute({ s: 'a' })).toBe('A')
  })

  test('fails as its function does', async () => {
    const bad = udf({ name: 'schema_bad', parameters: {} }, () => {
      throw new Error('boom')
    })
    await expect(bad.toTool({ description: 'x' }).execute({})).rejects.toThrow(/schema_bad@1 failed: boom/)
    const infinite = udf({ name: 'schema_inf', parameters: {} }, () => ({ x: Number.NaN }))
    await expect(infinite.toTool({ description: 'x' }).execute({})).rejects.toThrow(/expected JSON.* at x/)
  })

  test('refuses parameters that are not its arguments', () => {
    expect(() => udf({ name: 'x', parameters: { a: t.string() } }, ((a: string, b: string) => a + b) as never)).toThrow(
      /expected 2, as the function takes, got 1/,
    )
    expect(() => udf({ name: 'x', parameters: { a: 'string' } as never }, (a: string) => a)).toThrow(SchemaError)
    expect(() => udf({ name: 'x', parameters: 5 as never }, (a: string) => a)).toThrow(/expected an object such as/)
    const options = { name: 'x', parameters: { a: t.string() }, descriptions: { b: 'no' } }
    expect(() => udf(options as never, (a: string) => a)).toThrow(/descriptions: there is no parameter 'b'/)
  })
})

describe('toTool', () => {
  let pxt: Pixeltable
  beforeEach(async () => {
    pxt = await Pixeltable.open(':memory:')
    return () => pxt.close()
  })

  test('of a query: its rows as JSON', async () => {
    const films = await pxt.createTable('films', { title: t.string(), at: t.timestamp() })
    await films.insert({ title: 'Heat', at: new Date(0) })
    const find = query('tool_find', { title: t.string() }, (p) => films.where((c) => c.title.eq(p.title)), {
      description: 'Finds a film',
      descriptions: { title: 'Its title' },
    })
    const tool = find.toTool()
    expect([tool.name, tool.description]).toEqual(['tool_find', 'Finds a film'])
    expect(tool.inputSchema.jsonSchema.properties).toEqual({ title: { type: 'string', description: 'Its title' } })
    expect(await tool.execute({ title: 'Heat' })).toEqual([{ title: 'Heat', at: '1970-01-01T00:00:00.000Z' }])
    expect(await find({ title: 'Heat' })).toEqual([{ title: 'Heat', at: new Date(0) }])
    const abortSignal = AbortSignal.abort(new Error('enough'))
    await expect(tool.execute({ title: 'Heat' }, { abortSignal })).rejects.toThrow('enough')
    await expect(tool.execute({} as never)).rejects.toThrow(/tool_find\(\): the parameter 'title' is required/)
  })

  test('needs a description, and a name that providers take', () => {
    const id = udf({ name: 'a name with spaces', parameters: { a: t.int() } }, (a: number) => a)
    expect(() => id.toTool()).toThrow(/name: expected 1 to 64 letters/)
    expect(() => id.toTool({ name: 'ok' })).toThrow(/description: expected what 'ok' does/)
    expect(() => id.toTool({ name: 'x'.repeat(65), description: 'x' })).toThrow(SchemaError)
    expect(id.toTool({ name: 'ok', description: 'x' }).name).toBe('ok')
  })
})
