import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  DependencyError,
  documentSplitter,
  EngineError,
  ExistsError,
  IndexError,
  MediaError,
  NotFoundError,
  Pixeltable,
  PixeltableError,
  QueryError,
  SchemaError,
  type StrExpr,
  t,
  ValidationError,
} from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

/** The error of a promise, or of a call that throws. */
async function errorOf(work: () => unknown): Promise<PixeltableError> {
  try {
    await work()
  } catch (error) {
    expect(PixeltableError.isInstance(error), String(error)).toBe(true)
    return error as PixeltableError
  }
  throw new Error('expected an error')
}

describe('a value that does not fit its column', () => {
  const cases = [
    ['string', t.string(), 3, /expected a string, got the number 3/],
    ['int', t.int(), 1.5, /safe integer.*got the number 1.5/],
    ['int beyond 2^53', t.int(), 2 ** 53, /t\.bigint\(\)/],
    ['bigint', t.bigint(), 2n ** 63n, /64 bits/],
    ['float', t.float(), Number.NaN, /not NaN/],
    ['bool', t.bool(), 1, /true or false/],
    ['timestamp', t.timestamp(), '2026-01-31T09:30:00', /with a zone/],
    ['timestamp, invalid', t.timestamp(), new Date(Number.NaN), /invalid Date/],
    ['date', t.date(), '2026-02-30', /a day such as/],
    ['uuid', t.uuid(), 'x', /a UUID/],
    ['json', t.json(), { a: () => 1 }, /JSON.* at a/],
    ['json, NaN', t.json(), [1, Number.NaN], /JSON.* at \[1\]/],
    ['binary', t.binary(), 'text', /bytes/],
    ['array', t.array({ dtype: 'uint8', shape: [2] }), [1, 300], /element 1 within its range/],
    ['array shape', t.array({ shape: [2, 2] }), [[1, 2]], /shape \(1, 2\)/],
    ['vector length', t.vector(3), [1, 2], /a vector of 3 numbers, got 2/],
    ['vector NaN', t.vector(2), [1, Number.NaN], /finite numbers; element 1/],
    ['vector text', t.vector(2), 'ab', /a vector of 2 numbers, got the string/],
  ] as const
  test.each(cases)('%s', async (_, column, value, message) => {
    const table = await pxt.createTable('x', { id: t.int(), v: column as never })
    await table.insert({ id: 1, v: null } as never).catch(() => {})
    const error = await errorOf(() => table.insert([{ id: 2, v: value }] as never))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/row 0: column 'v' of 'x'.*nothing was written/)
    expect(error).toMatchObject({ column: 'v', row: 0 })
    expect(await table.count()).toBe(0)
  })
})

describe('rows', () => {
  const open = () =>
    pxt.createTable('films', { title: t.string(), year: t.int().nullable() }, { primaryKey: ['title'] })

  test.each([
    [{ year: 1 }, /column 'title' of 'films' is required/],
    [{ title: null }, /'title' of 'films' is required, got null/],
    [{ title: 'a', name: 'b' }, /has no column 'name'. It has: title, year/],
    ['text', /expected a row, an array or an iterable/],
    [[['a']], /expected an object with columns as keys, got an array/],
    [[{ title: 'ok' }, { title: 7 }], /row 1: column 'title'/],
    [[{ title: 'a' }, { title: 'a' }], /row 1: duplicate primary key \(title = "a"\)/],
  ])('%j', async (rows, message) => {
    const films = await open()
    const error = await errorOf(() => films.insert(rows as never))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error.message).toMatch(message)
    expect(await films.count()).toBe(0)
  })

  test('a duplicate key among many rows is told by its row', async () => {
    const table = await pxt.createTable('many', { id: t.int() }, { primaryKey: ['id'] })
    const rows = Array.from({ length: 200 }, (_, i) => ({ id: i === 130 ? 7 : i }))
    const error = await errorOf(() => table.insert(rows))
    expect(error).toMatchObject({ row: 130, column: 'id', message: expect.stringContaining('row 130: duplicate') })
    expect(await table.count()).toBe(0)
    await table.insert(rows.map((_, id) => ({ id })))
    expect(await table.count()).toBe(200)
  })

  test('a value for a computed column', async () => {
    const films = await (await open()).addComputedColumn('upper', (c) => c.title.upper())
    const error = await errorOf(() => films.insert({ title: 'a', upper: 'A' } as never))
    expect(error.message).toMatch(/'upper' of 'films' is computed: leave it out/)
    expect(
      (
        await errorOf(() =>
          films
            .update({ upper: 'B' } as never)
            .all()
            .run(),
        )
      ).message,
    ).toMatch(/is computed/)
  })

  test('an update that does not fit changes nothing', async () => {
    const films = await open()
    await films.insert([
      { title: 'a', year: 1 },
      { title: 'b', year: 2 },
    ])
    expect(
      (
        await errorOf(() =>
          films
            .update({ year: 'x' as never })
            .all()
            .run(),
        )
      ).message,
    ).toMatch(/safe integer/)
    expect(
      (
        await errorOf(() =>
          films
            .update({ title: null as never })
            .all()
            .run(),
        )
      ).message,
    ).toMatch(/required, got null/)
    expect((await errorOf(() => films.update({ title: 'same' }).all().run())).message).toMatch(/duplicate primary key/)
    expect(
      (
        await errorOf(() =>
          films
            .update({ nope: 1 } as never)
            .all()
            .run(),
        )
      ).message,
    ).toMatch(/no column 'nope'/)
    expect(await errorOf(() => films.update({ year: undefined as never }))).toBeInstanceOf(ValidationError)
    expect(await errorOf(() => films.update({ year: 1 }).run())).toBeInstanceOf(QueryError)
    expect((await errorOf(() => films.delete().run())).message).toMatch(/add where\(…\), or all\(\)/)
    expect(await films.collect()).toEqual([
      { title: 'a', year: 1 },
      { title: 'b', year: 2 },
    ])
  })

  test('SQL-looking values are values', async () => {
    const films = await open()
    const evil = `'); DROP TABLE films; --`
    await films.insert([{ title: evil }, { title: 'nul\0 "quoted" 🎬 __proto__' }])
    expect(await films.where({ title: evil }).select('title').collect()).toEqual([{ title: evil }])
    expect(await films.where((c) => c.title.contains('🎬')).count()).toBe(1)
    expect((await films.where((c) => c.title.eq('nul\0 "quoted" 🎬 __proto__')).firstOrThrow()).year).toBeNull()
  })
})

describe('names', () => {
  test.each([
    '',
    'pxt_tables',
    'sqlite_x',
    'a..b',
    'a@errors',
    'nul\0',
    'a\nb',
    ' a',
    'x'.repeat(1001),
    'app.',
    '\ud800',
    7,
  ])('table %j is refused', async (name) => {
    const error = await errorOf(() => pxt.createTable(name as string, { a: t.int() }))
    expect(error).toBeInstanceOf(SchemaError)
    expect(await pxt.listTables()).toEqual([])
  })
  test.each(['', '_rowid', '_VERSION', 'pxt_a', '@1', 'nul\0', 'a\nb', ' a', 'a ', 'x'.repeat(1001), '\ud800'])(
    'column %j is refused',
    async (name) => {
      expect(await errorOf(() => pxt.createTable('x', { [name]: t.int() }))).toBeInstanceOf(SchemaError)
      expect(await pxt.listTables()).toEqual([])
    },
  )
  const odd = [
    'select',
    'Größe',
    '数量',
    'a-b',
    'first name',
    'constructor',
    'count',
    'then',
    '🎬',
    '__proto__',
    'toString',
    '_id',
    `x"; DROP TABLE y; --`,
    "it's",
    '[a]',
    '`a`',
    'a?b:c$1',
    'x'.repeat(1000),
  ]
  test.each(odd)('table, column, view and index %j work, and survive a rename', async (name) => {
    const table = await pxt.createTable(name, { [name]: t.string(), 'v"': t.vector(1) }, { primaryKey: [name] })
    await table.insert({ [name]: name, 'v"': [1] } as never)
    const up = await table.addComputedColumn('u"p', (c) => (c[name] as unknown as StrExpr).concat('!'))
    const view = await pxt.createView(`of ${name}`.slice(0, 900), up.where({ [name]: name } as never))
    const indexed = await view.addEmbeddingIndex('v"', { name })
    const [other, moved] = [`${[...name].slice(2).join('')}'"`, `n-${[...name].slice(0, 4).join('')}-x`]
    const expected = { [name]: name, 'v"': Float32Array.of(1), 'u"p': `${name}!` }
    expect(await up.collect()).toEqual([expected])
    expect(Object.keys((await up.first())!)).toEqual(Object.keys(expected))
    expect(await indexed.similarity('v"', [1]).collect()).toEqual([{ ...expected, score: 1 }])
    expect(
      await up
        .select(name as never)
        .orderBy(name as never)
        .distinct()
        .collect(),
    ).toEqual([{ [name]: name }])
    await up
      .update({ [name]: `${name}2` } as never)
      .where({ [name]: name } as never)
      .run()
    await up.upsert({ [name]: `${name}2`, 'v"': [2] } as never)
    expect(await view.count()).toBe(0)
    const { version } = (await table.history(1))[0]!
    const renamed = await up.renameColumn(name as never, other as never)
    await pxt.move(name, moved)
    expect(await renamed.collect()).toEqual([{ [other]: `${name}2`, 'v"': Float32Array.of(2), 'u"p': `${name}2!` }])
    expect(Object.keys((await table.asOf(version).first())!)).toEqual([name, 'v"', 'u"p'])
    await pxt.dropTable(moved, { force: true })
    expect(await pxt.listTables()).toEqual([])
  })
  test('duplicates, by case too', async () => {
    await pxt.createTable('docs', { a: t.int() })
    expect(await errorOf(() => pxt.createTable('docs', { a: t.int() }))).toBeInstanceOf(ExistsError)
    expect(await errorOf(() => pxt.createTable('DOCS', { a: t.int() }))).toBeInstanceOf(ExistsError)
    expect((await errorOf(() => pxt.createTable('x', { a: t.int(), A: t.int() }))).message).toMatch(/same name/)
    await pxt.createDir('app')
    expect(await errorOf(() => pxt.createDir('app'))).toBeInstanceOf(ExistsError)
    expect(await errorOf(() => pxt.createTable('app', { a: t.int() }))).toBeInstanceOf(ExistsError)
  })
  test('what does not exist', async () => {
    expect((await errorOf(() => pxt.createTable('nodir.x', { a: t.int() }))).message).toMatch(/createDir\('nodir'\)/)
    expect(await errorOf(() => pxt.getTable('nope'))).toBeInstanceOf(NotFoundError)
    expect(await errorOf(() => pxt.dropTable('nope'))).toBeInstanceOf(NotFoundError)
    await pxt.dropTable('nope', { ifNotExists: 'ignore' })
    const gone = await pxt.createTable('gone', { a: t.int() })
    await pxt.dropTable('gone')
    expect((await errorOf(() => gone.count())).message).toMatch(/'gone' was dropped/)
    expect(await errorOf(() => gone.insert({ a: 1 }))).toBeInstanceOf(NotFoundError)
  })
})

describe('queries', () => {
  const open = () => pxt.createTable('n', { a: t.int(), b: t.string().nullable() })

  test('undefined never widens a filter', async () => {
    const n = await open()
    for (const build of [
      () => n.where({ a: undefined as never }),
      () => n.where((c) => c.a.eq(undefined as never)),
      () => n.limit(undefined as never),
      () => n.where(undefined as never),
      () => n.delete().where({ a: undefined as never }),
    ]) {
      expect(await errorOf(build)).toBeInstanceOf(QueryError)
    }
  })

  test('JavaScript operators on expressions are caught', async () => {
    const n = await open()
    expect((await errorOf(() => n.where((c) => c.a.gt(3) && c.b.isNull()))).message).toMatch(/\.and\(\)/)
    expect((await errorOf(() => n.where((c) => ((c.a as never) > 3) as never))).message).toMatch(/c\.stars\.gt\(3\)/)
    expect((await errorOf(() => n.where((c) => (c as any).nope.eq(1)))).message).toMatch(
      /no column 'nope'. It has: a, b/,
    )
    expect((await errorOf(() => n.where((c) => (c.a as any).like('x')))).message).toMatch(
      /like\(\) does not work on the int/,
    )
    expect(await errorOf(() => n.limit(-1))).toBeInstanceOf(QueryError)
    expect(await errorOf(() => n.limit(1.5))).toBeInstanceOf(QueryError)
    expect(await errorOf(() => n.select('nope' as never))).toBeInstanceOf(NotFoundError)
    expect((await errorOf(() => n.where((c) => c.a.eq('x' as never)).collect())).message).toMatch(/safe integer/)
  })

  test('a column of another table', async () => {
    const n = await open()
    const other = await pxt.createTable('other', { z: t.int() })
    expect((await errorOf(() => n.where(other.columns.z.gt(1)).collect())).message).toMatch(/another table/)
  })
})

describe('views, indexes and splitters', () => {
  test('rows of a view come from its base', async () => {
    const n = await pxt.createTable('n', { a: t.int() })
    const view = await pxt.createView(
      'v',
      n.where((c) => c.a.gt(1)),
    )
    expect((await errorOf(() => view.insert({ a: 1 } as never))).message).toMatch(/come from 'n'/)
    expect(await errorOf(() => view.delete().all().run())).toBeInstanceOf(QueryError)
    const dependency = await errorOf(() => pxt.dropTable('n'))
    expect(dependency).toBeInstanceOf(DependencyError)
    expect((dependency as DependencyError).dependents).toEqual(['v'])
    await pxt.dropTable('n', { force: true })
    expect(await pxt.listTables()).toEqual([])
    expect(await errorOf(() => pxt.createView('w', n.limit(3)))).toBeInstanceOf(QueryError)
  })

  test('indexes', async () => {
    const n = await pxt.createTable('n', { a: t.int(), text: t.string(), v: t.vector(2) })
    const embed = { name: 'two', version: 1, embed: async (texts: readonly unknown[]) => texts.map(() => [1, 2]) }
    expect(await errorOf(() => n.addEmbeddingIndex('a' as never, { embed }))).toBeInstanceOf(IndexError)
    expect(await errorOf(() => n.addEmbeddingIndex('text', {}))).toBeInstanceOf(IndexError)
    expect(await errorOf(() => n.addEmbeddingIndex('v', { embed }))).toBeInstanceOf(IndexError)
    expect((await errorOf(() => (n as any).similarity('text', 'x'))).message).toMatch(/call addEmbeddingIndex\('text'/)
    const one = await n.addEmbeddingIndex('text', { embed })
    expect(await errorOf(() => n.addEmbeddingIndex('text', { embed }))).toBeInstanceOf(ExistsError)
    const both = await one.addEmbeddingIndex('text', { embed, metric: 'euclidean', name: 'far' })
    expect((await errorOf(() => both.similarity('text', 'x'))).message).toMatch(
      /several embedding indexes.*text_two, far/,
    )
    expect(await both.similarity('text', { string: 'x', index: 'far' }).collect()).toEqual([])
    const vectors = await both.addEmbeddingIndex('v')
    expect((await errorOf(() => vectors.similarity('v', [1, 2, 3]).collect())).message).toMatch(/2 numbers, got 3/)
    expect((await errorOf(() => vectors.similarity('v', 'text').collect())).message).toMatch(/give it \{ vector \}/)
  })

  test('splitter options that contradict each other', () => {
    for (const options of [
      { separators: ['token_limit'], limit: 50, overlap: 50 },
      { separators: ['token_limit'] },
      { separators: ['sentence'], limit: 5 },
      { separators: ['token_limit'], limit: 0 },
      { separators: ['words'] },
      { separators: [], metadata: ['author'] },
    ]) {
      expect(() => documentSplitter((c: any) => c.doc, options as never)).toThrow(ValidationError)
    }
  })
})

describe('files', () => {
  test.each([
    ['/no/such/file.pdf', /file\.pdf/],
    ['https://user:secret@127.0.0.1/x.pdf', /^((?!secret).)*$/s],
    ['ftp://127.0.0.1/x.pdf', /ftp/],
    [new TextEncoder().encode('%PDF-1.7 broken'), /PDF/],
    [new Uint8Array(), /empty/],
    [7, /got number/],
  ])('%s', async (doc, message) => {
    const docs = await pxt.createTable('docs', { doc: t.document() })
    const error = await errorOf(() => docs.insert({ doc: doc as never }))
    expect(error).toBeInstanceOf(MediaError)
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/row 0: column 'doc' of 'docs'/)
    expect(await docs.count()).toBe(0)
  })
})

test('a closed database says so', async () => {
  const other = await Pixeltable.open(':memory:')
  const n = await other.createTable('n', { a: t.int() })
  other.close()
  expect(await errorOf(() => n.count())).toBeInstanceOf(EngineError)
})
