import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { Pixeltable, t, udf } from '../../src/index.js'
import { columnsOf, database, encode, failure, temporaryDirectory } from './support.js'

/** Lines of CSV that never end, unless at `rows`. */
async function* lines(rows = Number.POSITIVE_INFINITY, onRead?: (n: number) => void): AsyncGenerator<Uint8Array> {
  yield encode('n,s\n')
  for (let n = 0; n < rows; n += 100) {
    onRead?.(n)
    yield encode(Array.from({ length: Math.min(100, rows - n) }, (_, i) => `${n + i},row ${n + i}\n`).join(''))
  }
}

const failing = udf({ name: 'moving_failing', version: 1 }, (n: number) => {
  if (n === 13) throw new Error('unlucky')
  return n * 2
})

describe('an import into a new table', () => {
  test('appears when it is complete, and tells how far it is', async () => {
    const pxt = await database()
    const progress: { rows: number; bytes: number }[] = []
    await pxt.importCsv('big', lines(2500), {
      onProgress: (p) => {
        progress.push(p)
      },
    })
    expect(progress.map(({ rows }) => rows)).toEqual([1000, 2000, 2500])
    expect(progress.at(-1)!.bytes).toBe(
      4 + [...Array(2500).keys()].reduce((sum, n) => sum + `${n},row ${n}\n`.length, 0),
    )
    expect(await pxt.listTables()).toEqual(['big'])
  })

  test('is read no faster than it is written', async () => {
    const pxt = await database()
    let read = 0
    let ahead = 0
    await pxt.importCsv(
      't',
      lines(5000, (n) => {
        read = n
      }),
      {
        batchSize: 500,
        sampleRows: 100,
        onProgress: ({ rows }) => {
          ahead = Math.max(ahead, read - rows)
        },
      },
    )
    expect(ahead).toBeLessThanOrEqual(1000)
  })

  test('leaves nothing when it fails or is stopped', async () => {
    const pxt = await database()
    const late = await failure(pxt.importCsv('t', lines(3000), { schema: { s: t.int() }, sampleRows: 1 }))
    expect(late.message).toMatch(/^stream: row 1 \(line 2\), column 's'/)
    const controller = new AbortController()
    let closed = false
    async function* endless() {
      try {
        yield* lines()
      } finally {
        closed = true
      }
    }
    const stopped = await failure(
      pxt.importCsv('t', endless(), {
        signal: controller.signal,
        onProgress: ({ rows }) => {
          if (rows >= 2000) controller.abort()
        },
      }),
    )
    expect(stopped.name).toBe('AbortError')
    expect(closed).toBe(true)
    expect(await pxt.listTables()).toEqual([])
    expect((await failure(pxt.importCsv('t', lines(1), { signal: AbortSignal.abort() }))).name).toBe('AbortError')
  })

  test('ends with the reason for which it is stopped, in every format', async () => {
    const pxt = await database()
    const table = await pxt.createTable('t', { n: t.int() })
    await table.insert([{ n: 1 }])
    const reason = new Error('enough')
    const files = { Csv: encode(await table.toCsv()), Parquet: await table.toParquet(), Arrow: await table.toArrow() }
    for (const [format, file] of Object.entries(files)) {
      const controller = new AbortController()
      async function* source() {
        yield file.subarray(0, 5)
        controller.abort(reason)
        yield file.subarray(5)
      }
      const options = { signal: controller.signal }
      expect(await failure(pxt[`import${format as 'Csv'}`]('copy', source(), options))).toBe(reason)
    }
    expect(await pxt.listTables()).toEqual(['t'])
  })

  test('takes names of columns in any case', async () => {
    const pxt = await database()
    const table = await pxt.importCsv('t', encode('TITLE,year\n007,1\n'), { schema: { title: t.string() } })
    expect(columnsOf(table)).toEqual(['title: string', 'year: int'])
    expect(await table.collect()).toEqual([{ title: '007', year: 1 }])
  })

  test('replaces a table only once all rows are in', async () => {
    const pxt = await database()
    const old = await pxt.createTable('t', { n: t.int() })
    await old.insert({ n: 7 })
    await failure(pxt.importCsv('t', encode('n\n1\nx\n'), { schema: { n: t.int() }, ifExists: 'replace' }))
    expect(await (await pxt.getTable('t')).collect()).toEqual([{ n: 7 }])
    const table = await pxt.importCsv('t', encode('n\n1\n'), { ifExists: 'replace' })
    expect(await table.collect()).toEqual([{ n: 1 }])
    expect(table.name).toBe('t')
    await pxt.createView('v', table)
    const view = await failure(pxt.importCsv('t', encode('n\n1\n'), { ifExists: 'replace' }))
    expect(view).toMatchObject({ name: 'DependencyError', dependents: ['v'] })
    expect((await failure(pxt.importCsv('v', encode('n\n1\n'), { ifExists: 'replace' }))).name).toBe('ExistsError')
  })

  test('checks its name before it reads', async () => {
    const pxt = await database()
    await pxt.createTable('t', { n: t.int() })
    let read = false
    async function* source() {
      read = true
      yield encode('n\n1\n')
    }
    expect((await failure(pxt.importCsv('t', source()))).name).toBe('ExistsError')
    expect((await failure(pxt.importCsv('no.dir', source()))).name).toBe('NotFoundError')
    expect((await failure(pxt.importCsv('bad@name', source()))).name).toBe('SchemaError')
    expect((await failure(pxt.importCsv('x', source(), { batchSize: 0 }))).message).toBe(
      "import of 'x': batchSize: expected a whole number of at least 1, got the number 0",
    )
    expect((await failure(pxt.importCsv('x', source(), { ifExists: 'maybe' as never }))).message).toMatch(
      /ifExists: expected/,
    )
    expect((await failure(pxt.importCsv('x', source(), { schema: { n: 'int' } as never }))).message).toBe(
      `import of 'x': schema: column 'n': expected a type such as t.string(), got the string "int"`,
    )
    expect(await (await pxt.importCsv('t', source(), { ifExists: 'ignore' })).count()).toBe(0)
    expect(read).toBe(false)
  })

  test('has the primary key and comment that were asked for', async () => {
    const pxt = await database()
    await pxt.createDir('app')
    const table = await pxt.importCsv('app.t', encode('id,n\n1,2\n2,3\n'), {
      primaryKey: ['id'],
      comment: 'from a file',
    })
    expect(String(table.describe())).toMatch(/from a file/)
    const twice = await failure(pxt.importCsv('twice', encode('id\n1\n1\n'), { primaryKey: ['id'] }))
    expect(twice.message).toMatch(/^bytes: row 2 \(line 3\), duplicate primary key/)
    expect(await pxt.listTables()).toEqual(['app.t'])
  })
})

describe('an import that appends', () => {
  test('fits the file to the table', async () => {
    const pxt = await database()
    const schema = { Title: t.string(), year: t.int().nullable(), stars: t.int().default(3) }
    const table = await pxt.createTable('t', schema)
    const same = await pxt.importCsv('t', encode('title,year\n007,\n'), { ifExists: 'append', schema })
    await pxt.importJsonl('t', encode('{"year":1979,"Title":"Alien","stars":5}\n'), { ifExists: 'append' })
    expect(await same.collect()).toEqual([
      { Title: '007', year: null, stars: 3 },
      { Title: 'Alien', year: 1979, stars: 5 },
    ])
    const unknown = await failure(pxt.importCsv('t', encode('title,x\na,1\n'), { ifExists: 'append' }))
    expect(unknown.message).toBe(
      "'t' has no column 'x'. It has: Title, year, stars; leave it out, or rename it, with columns: { 'x': … }; nothing was written",
    )
    expect(
      (await failure(pxt.importCsv('t', encode('title\na\n'), { ifExists: 'append', schema: { Title: t.int() } })))
        .name,
    ).toBe('SchemaError')
    expect(await table.count()).toBe(2)
  })

  test('creates the table where there is none', async () => {
    const pxt = await database()
    for (let i = 0; i < 2; i++) await pxt.importCsv('t', encode('n\n1\n'), { ifExists: 'append' })
    expect(await (await pxt.getTable('t')).count()).toBe(2)
  })

  test('keeps the batches before one that fails, computed columns included', async () => {
    const pxt = await database()
    const base = await pxt.createTable('t', { n: t.int() })
    const table = await base.addComputedColumn('double', (c) => failing(c.n))
    const rows = encode(`n\n${Array.from({ length: 20 }, (_, n) => n).join('\n')}\n`)
    const error = await failure(pxt.importCsv('t', rows, { ifExists: 'append', batchSize: 10 }))
    expect(error.name).toBe('ComputeError')
    expect(await table.count()).toBe(10)
    await pxt.importCsv('t', rows, { ifExists: 'append', batchSize: 10, onError: 'ignore' })
    expect(await table.count()).toBe(30)
    const bad = await failure(pxt.importCsv('t', encode('n\n1\n2\nx\n'), { ifExists: 'append', batchSize: 2 }))
    expect(bad.message).toBe(
      `bytes: row 3 (line 4), column 'n': expected a safe integer (for larger ones declare the column t.bigint()), got the string "x"; the 2 rows before are in 't'`,
    )
    expect((await failure(pxt.importCsv('t', encode('n,double\n1,2\n'), { ifExists: 'append' }))).message).toMatch(
      /^column 'double' of 't' is computed: leave it out/,
    )
  })
})

describe('a table of a query', () => {
  test('has the types of its expressions, or of their first values', async () => {
    const pxt = await database()
    const films = await pxt.createTable('films', {
      title: t.string(),
      year: t.int().nullable(),
      v: t.vector(2),
      big: t.bigint(),
    })
    const vague = udf({ name: 'moving_vague', version: 1 }, (title: string): string | null =>
      title === 'Heat' ? 'late' : null,
    )
    await films.insert([
      { title: 'Alien', year: 1979, v: [1, 2], big: 1n },
      { title: 'Heat', v: [3, 4], big: 2n ** 60n },
    ])
    const copy = await pxt.createTable(
      'copy',
      films.select((c) => ({
        name: c.title.upper(),
        year: c.year,
        v: c.v,
        big: c.big,
        next: c.year.add(1),
        half: c.year.div(2),
        vague: vague(c.title),
      })),
      { primaryKey: ['name'] },
    )
    expect(columnsOf(copy)).toEqual([
      'name: string',
      'year: int?',
      'v: vector',
      'big: bigint',
      'next: int?',
      'half: float?',
      'vague: string?',
    ])
    expect(await copy.collect()).toEqual([
      { name: 'ALIEN', year: 1979, v: Float32Array.of(1, 2), big: 1n, next: 1980, half: 989.5, vague: null },
      { name: 'HEAT', year: null, v: Float32Array.of(3, 4), big: 2n ** 60n, next: null, half: null, vague: 'late' },
    ])
    await copy.insert({ name: 'new', v: [5, 6], big: 3n })
    const whole = await pxt.createTable('whole', films)
    expect(await whole.collect()).toEqual(await films.collect())
    const nothing = await pxt.createTable('nothing', films.where({ title: 'none' }).select('year', 'title'))
    expect(columnsOf(nothing)).toEqual(['year: int?', 'title: string'])
  })

  test('is there whole or not at all', async () => {
    const pxt = await database()
    const films = await pxt.createTable('films', { n: t.int() })
    await films.insert(Array.from({ length: 30 }, (_, n) => ({ n })))
    const error = await failure(
      pxt.createTable(
        'copy',
        films.select((c) => ({ m: failing(c.n) })),
        { batchSize: 5 },
      ),
    )
    expect(error.name).toBe('ComputeError')
    expect((await failure(pxt.createTable('films', films.where({ n: 1 })))).name).toBe('ExistsError')
    expect((await failure(pxt.createTable('films', films.where({ n: 1 }), { ifExists: 'replace' }))).message).toMatch(
      /cannot replace the one/,
    )
    expect(await pxt.listTables()).toEqual(['films'])
    const progress: number[] = []
    await pxt.createTable('copy', films, { batchSize: 20, onProgress: ({ rows }) => progress.push(rows) })
    expect(progress).toEqual([20, 30])
  })

  test('or of a file', async () => {
    const pxt = await database()
    const csv = await pxt.createTable('csv', { csv: encode('n,s\n1,x\n') }, { schema: { n: t.bigint() } })
    const rows: { n: bigint }[] = await csv.collect()
    expect(rows).toEqual([{ n: 1n, s: 'x' }])
    for (const [format, bytes] of [
      ['jsonl', encode(await csv.toJsonl())],
      ['json', encode(await csv.toJson())],
      ['parquet', await csv.toParquet()],
      ['arrow', await csv.toArrow()],
    ] as const) {
      const copy = await pxt.createTable(format, { [format]: bytes } as { csv: Uint8Array })
      expect((await copy.first())!.s).toBe('x')
    }
    // A table may have a column of that name.
    const column = await pxt.createTable('column', { csv: t.string() })
    expect(columnsOf(column)).toEqual(['csv: string'])
  })
})

describe('insert of a query', () => {
  test('streams rows of another table, and of the same one', async () => {
    const pxt = await database()
    const a = await pxt.createTable('a', { n: t.int() })
    const b = await pxt.createTable('b', { n: t.int(), square: t.int().nullable() })
    await a.insert(Array.from({ length: 2500 }, (_, n) => ({ n })))
    expect((await b.insert(a.where((c) => c.n.lt(10)))).inserted).toBe(10)
    expect((await b.insert(a.select((c) => ({ n: c.n, square: c.n.mul(c.n) })).limit(3))).inserted).toBe(3)
    expect(await b.where((c) => c.square.isNotNull()).collect()).toEqual([0, 1, 2].map((n) => ({ n, square: n * n })))
    expect((await a.insert(a)).inserted).toBe(2500)
    expect(
      (
        await a.insert(
          a.where((c) => c.n.lt(5)),
          { batchSize: 2 },
        )
      ).inserted,
    ).toBe(10)
    const view = await pxt.createView(
      'v',
      a.where((c) => c.n.lt(3)),
    )
    const before = await view.count()
    expect((await a.insert(view)).inserted).toBe(before)
    expect(await view.count()).toBe(2 * before)
    expect((await failure(b.insert(a.select((c) => ({ m: c.n })) as never))).message).toMatch(/has no column 'm'/)
  })

  test('takes rows of another database', async () => {
    const [one, two] = [await database(), await database()]
    const from = await one.createTable('t', { n: t.int() })
    const to = await two.createTable('t', { n: t.int() })
    await from.insert([{ n: 1 }, { n: 2 }])
    await to.insert(from.orderBy('n', 'desc'))
    expect(await to.collect()).toEqual([{ n: 2 }, { n: 1 }])
  })
})

describe('media', () => {
  const png = (red: number) =>
    sharp({ create: { width: 3, height: 2, channels: 3, background: { r: red, g: 0, b: 0 } } })
      .png()
      .toBuffer()
  const formats = ['Csv', 'Jsonl', 'Json', 'Parquet', 'Arrow'] as const

  test('is copied between tables by reference', async () => {
    const path = join(temporaryDirectory(), 'media.db')
    const pxt = await Pixeltable.open(path)
    const a = await pxt.createTable('a', { n: t.int(), image: t.image() })
    // Incompressible, so that a copy would show.
    const noise = await sharp(Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919 * (i % 97)) % 251)), {
      raw: { width: 500, height: 200, channels: 3 },
    })
      .png({ compressionLevel: 0 })
      .toBuffer()
    await a.insert({ n: 1, image: noise })
    const size = () => readFileSync(path).length + readFileSync(`${path}-wal`).length
    const before = size()
    const b = await pxt.createTable('b', a)
    await b.insert(a)
    expect(size() - before).toBeLessThan(noise.length / 2)
    const [row] = await b.collect()
    expect(Buffer.from(await row!.image.bytes())).toEqual(noise)
    pxt.close()
  })

  test.each(formats)('goes through %s as a reference within a database, and as bytes to another', async (format) => {
    const pxt = await database()
    const schema = { n: t.int(), image: t.image(), doc: t.document().nullable() }
    const table = await pxt.createTable('t', schema)
    await table.insert([
      { n: 1, image: await png(255), doc: encode('# A title\n') },
      { n: 2, image: await png(128) },
    ])
    const exported = async (options: { media?: 'reference' | 'bytes' }) => {
      const written = await (table[`to${format}`] as (o: object) => Promise<string | Uint8Array>)(options)
      return typeof written === 'string' ? encode(written) : written
    }
    const [reference, bytes] = [await exported({}), await exported({ media: 'bytes' })]
    const read = (db: Pixeltable, name: string, source: Uint8Array) => db[`import${format}`](name, source, { schema })
    const records = (rows: readonly any[]) => rows.map(({ image, doc }) => [image.toJSON(), doc?.toJSON()])
    const expected = records(await table.collect())
    expect(records(await (await read(pxt, 'copy', reference)).collect())).toEqual(expected)

    const other = await database()
    const missing = await failure(read(other, 't', reference))
    expect(missing.message).toMatch(
      /: row 1.*, column 'image': the content of pxt:[0-9a-f]{64} is not in this database; export with \{ media: 'bytes' \}/,
    )
    const copy = await read(other, 't', bytes)
    const shas = (rows: readonly any[]) => rows.map(({ image, doc }) => [image.sha256, image.width, doc?.sha256])
    expect(shas(await copy.collect())).toEqual(shas(await table.collect()))
  })

  test('paths in a file are read like those of an insert', async () => {
    const folder = temporaryDirectory()
    writeFileSync(join(folder, 'red.png'), await png(200))
    const pxt = await Pixeltable.open(':memory:', { mediaDir: folder })
    const schema = { image: t.image({ store: 'reference' }) }
    const table = await pxt.importCsv('t', encode('image\nred.png\n'), { schema })
    expect((await table.firstOrThrow()).image.url).toBe(pathToFileURL(join(folder, 'red.png')).href)
    const copy = await pxt.importJsonl('copy', encode(await table.toJsonl()), { schema })
    expect((await copy.firstOrThrow()).image.toJSON()).toEqual((await table.firstOrThrow()).image.toJSON())
    const missing = await failure(pxt.importCsv('x', encode('image\nnone.png\n'), { schema }))
    expect(missing.name).toBe('MediaError')
    expect(missing.message).toMatch(/^bytes: row 1 \(line 2\), column 'image' of 'x': /)
    pxt.close()
  })
})

describe('an export to a file', () => {
  test('appears when it is complete, and tells what was written', async () => {
    const pxt = await database()
    const folder = temporaryDirectory()
    const table = await pxt.createTable('t', { n: t.int(), s: t.string() })
    await table.insert(Array.from({ length: 5000 }, (_, n) => ({ n, s: 'x'.repeat(50) })))
    const path = join(folder, 'out.csv')
    const during: string[][] = []
    const progress: { rows: number; bytes: number }[] = []
    const result = await table.toCsv(path, {
      onProgress: (p) => {
        during.push(readdirSync(folder))
        progress.push(p)
      },
    })
    const text = readFileSync(path, 'utf8')
    expect(result).toEqual({ rows: 5000, bytes: text.length, path })
    expect(progress.length).toBeGreaterThan(2)
    expect(progress.at(-1)).toEqual({ rows: 5000, bytes: text.length })
    expect(during.every((names) => names.length === 1 && /^out\.csv\.[0-9a-f]+\.tmp$/.test(names[0]!))).toBe(true)
    expect(readdirSync(folder)).toEqual(['out.csv'])
    expect(text).toBe(await table.toCsv())
    for (const format of ['Jsonl', 'Json', 'Parquet', 'Arrow'] as const) {
      const file = join(folder, format)
      expect(await table[`to${format}`](pathToFileURL(file))).toMatchObject({ rows: 5000, path: file })
      const copy = await pxt[`import${format}`](`t_${format}`, file)
      expect(await copy.collect()).toEqual(await table.collect())
    }
    expect(
      await table
        .limit(1)
        .toCsv(join(folder, 'out.tsv'))
        .then(() => readFileSync(join(folder, 'out.tsv'), 'utf8')),
    ).toMatch(/^n\ts\n0\t/)
  })

  test('that fails or is stopped leaves the file that was there', async () => {
    const pxt = await database()
    const folder = temporaryDirectory()
    const path = join(folder, 'out.jsonl')
    writeFileSync(path, 'old')
    const table = await pxt.createTable('t', { n: t.int() })
    await table.insert(Array.from({ length: 20_000 }, (_, n) => ({ n })))
    const failed = await failure(table.select((c) => ({ m: failing(c.n) })).toJsonl(path))
    expect(failed.name).toBe('ComputeError')
    const controller = new AbortController()
    const stopped = await failure(
      table.toJsonl(path, { signal: controller.signal, onProgress: () => controller.abort() }),
    )
    expect(stopped.name).toBe('AbortError')
    expect(readdirSync(folder)).toEqual(['out.jsonl'])
    expect(readFileSync(path, 'utf8')).toBe('old')
    expect((await failure(table.toCsv(join(folder, 'none', 'x.csv')))).message).toMatch(/its directory does not exist$/)
    expect((await failure(table.toCsv(''))).message).toBe('export: expected a path, got the string ""')
    expect((await failure(table.toJson({ media: 'inline' as never }))).message).toMatch(/^export: media: expected/)
  })
})
