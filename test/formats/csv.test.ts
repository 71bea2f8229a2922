import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { recordsOf } from '../../src/formats/csv-records.js'
import { t, ValidationError } from '../../src/index.js'
import { columnsOf, database, encode, failure, inPieces, temporaryDirectory } from './support.js'

async function recordsIn(text: string, pieces = [text]): Promise<{ cells: (string | null)[]; line: number }[]> {
  async function* texts(): AsyncGenerator<string> {
    yield* pieces
  }
  const records: { cells: (string | null)[]; line: number }[] = []
  for await (const { rows, lines } of recordsOf(texts(), 'test', { delimiter: ',', quote: '"', nullTexts: [''] })) {
    records.push(...rows.map((row, i) => ({ cells: [...row], line: lines[i]! })))
  }
  return records
}

describe('records', () => {
  test('have cells, nulls and line numbers', async () => {
    expect(await recordsIn('a,"b",,""\r\n"x\n""y""",2,3,\rlast')).toEqual([
      { cells: ['a', 'b', null, ''], line: 1 },
      { cells: ['x\n"y"', '2', '3', null], line: 2 },
      { cells: ['last'], line: 4 },
    ])
  })

  test('are the same wherever the text is cut', async () => {
    const text = 'a,"b""\r\nc",\r\n,"",x\n"""",y,z\r\n"",,'
    const whole = await recordsIn(text)
    expect(whole).toHaveLength(4)
    for (let i = 0; i <= text.length; i++) {
      for (let j = i; j <= text.length; j++) {
        expect(await recordsIn(text, [text.slice(0, i), text.slice(i, j), text.slice(j)])).toEqual(whole)
      }
    }
  })

  test('are those that csv-parse finds', async () => {
    const cell = fc.oneof(fc.constantFrom('', 'a', '1,2', 'x\ny', '"', '""', ' b ', 'c\r\nd'), fc.string())
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1 }),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        async (rows, end, last) => {
          const quoted = (text: string) => (/["\r\n,]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
          const text = rows.map((row) => row.map(quoted).join(',')).join(end) + (last ? end : '')
          const expected = parse(text, { relax_column_count: true, record_delimiter: end }) as string[][]
          const found = (await recordsIn(text)).map(({ cells }) => cells.map((value) => value ?? ''))
          expect(found).toEqual(expected)
        },
      ),
    )
  })

  test('that are not CSV name their line', async () => {
    await expect(recordsIn('a,b\n"c,d')).rejects.toThrow('test: line 2: expected a closing quote')
    await expect(recordsIn('a\n"x\ny"z,1')).rejects.toThrow('test: line 3: expected a delimiter')
  })
})

describe('importCsv', () => {
  test('infers types, nulls and names', async () => {
    const pxt = await database()
    const table = await pxt.importCsv(
      'films',
      encode(
        'Film Title,Film Title,,2nd,ok,day,at,id,zip,big,score,tags,note\n' +
          'Alien,x,1,9007199254740993,True,1979-05-25,1979-05-25T12:00:00+02:00,f81d4fae-7dec-11d0-a765-00a0c91e6bf6,007,12345678901234567890,1.5,"{""a"":1}",\n' +
          '"null","",2,-1,false,2000-01-01,2000-01-01 00:00:00Z,f81d4fae-7dec-11d0-a765-00a0c91e6bf7,123,1,-0,[1],text\n',
      ),
    )
    expect(columnsOf(table)).toEqual([
      'Film Title: string',
      'Film Title_2: string',
      'column_3: int',
      'c_2nd: bigint',
      'ok: bool',
      'day: date',
      'at: timestamp',
      'id: uuid',
      'zip: string',
      'big: string',
      'score: float',
      'tags: json',
      'note: string?',
    ])
    const rows = await table.collect()
    expect(rows[0]).toMatchObject({
      c_2nd: 9007199254740993n,
      at: new Date('1979-05-25T10:00:00Z'),
      zip: '007',
      note: null,
    })
    expect(rows[1]).toMatchObject({ 'Film Title': 'null', 'Film Title_2': '', score: 0, tags: [1] })
  })

  test('keeps as text what another type would change', async () => {
    const pxt = await database()
    const table = await pxt.importCsv('t', encode('a,b,c,d\n+1,1_000,2024-01-01 10:00:00,0x10\n'))
    expect(columnsOf(table)).toEqual(['a: string', 'b: string', 'c: string', 'd: string'])
  })

  test('takes types from a schema, for all columns or some', async () => {
    const pxt = await database()
    const table = await pxt.importCsv('t', encode('id,v,at,doc\n1,"[1,2]",2024-01-01 10:00:00,\n'), {
      schema: {
        v: t.vector(2),
        at: t.timestamp(),
        doc: t.document().nullable(),
        id: t.string(),
        stars: t.int().default(3),
      },
    })
    const row = await table.firstOrThrow()
    expect(row.v).toEqual(Float32Array.of(1, 2))
    expect(row.at.toISOString()).toBe('2024-01-01T10:00:00.000Z')
    expect(row).toMatchObject({ id: '1', doc: null, stars: 3 })
  })

  test('picks and renames columns', async () => {
    const pxt = await database()
    const source = encode('a,b,c\n1,2,3\n')
    expect(columnsOf(await pxt.importCsv('picked', source, { columns: ['c', 'a'] }))).toEqual(['c: int', 'a: int'])
    const renamed = await pxt.importCsv('renamed', source, { columns: { a: 'first', b: false } })
    expect(await renamed.collect()).toEqual([{ first: 1, c: 3 }])
    const error = await failure(pxt.importCsv('none', source, { columns: ['x'] }))
    expect(error.message).toBe("bytes has no column 'x'. It has: a, b, c")
  })

  test('reads other dialects and encodings', async () => {
    const pxt = await database()
    const semicolon = await pxt.importCsv('semicolon', encode("a;b\n'x;y';NA\n"), {
      delimiter: ';',
      quote: "'",
      nullText: ['', 'NA'],
    })
    expect(await semicolon.collect()).toEqual([{ a: 'x;y', b: null }])
    const bare = await pxt.importCsv('bare', encode('1,2\n3,4\n'), { header: false })
    expect(await bare.collect()).toEqual([
      { column_1: 1, column_2: 2 },
      { column_1: 3, column_2: 4 },
    ])
    const latin = await pxt.importCsv('latin', Buffer.from('name\ncaf\xe9\n', 'latin1'), { encoding: 'windows-1252' })
    expect(await latin.collect()).toEqual([{ name: 'café' }])
    const utf16 = await pxt.importCsv('utf16', Buffer.from('\ufeffname\n😀\n', 'utf16le'))
    expect(await utf16.collect()).toEqual([{ name: '😀' }])
    const folder = temporaryDirectory()
    writeFileSync(join(folder, 'x.tsv.gz'), gzipSync('a\tb\n1\t2\n'))
    expect(await (await pxt.importCsv('tsv', join(folder, 'x.tsv.gz'))).collect()).toEqual([{ a: 1, b: 2 }])
  })

  test('passes over empty lines, and reads nulls of a table of one column', async () => {
    const pxt = await database()
    const two = await pxt.importCsv('two', encode('a,b\n1,2\n\n3,4\n\n'))
    expect(await two.count()).toBe(2)
    const one = await pxt.createTable('one', { a: t.string().nullable() })
    await one.insert([{ a: null }, { a: '' }, { a: null }])
    const copy = await pxt.importCsv('copy', encode(await one.toCsv()), { schema: { a: t.string().nullable() } })
    expect(await copy.collect()).toEqual([{ a: null }, { a: '' }, { a: null }])
  })

  test('refuses what does not fit with file, row, line and column', async () => {
    const pxt = await database()
    const folder = temporaryDirectory()
    const path = join(folder, 'films.csv')
    writeFileSync(path, 'title,year\n"A\nB",1979\nHeat,x\n')
    const error = await failure(pxt.importCsv('films', path, { schema: { year: t.int() } }))
    expect(error).toBeInstanceOf(ValidationError)
    expect(error).toMatchObject({ row: 1, column: 'year' })
    expect(error.message).toBe(
      `'films.csv': row 2 (line 4), column 'year': expected a safe integer (for larger ones declare the column t.bigint()), got the string "x"; nothing was written`,
    )
    const required = await failure(pxt.importCsv('films', encode('a,b\n1,\n'), { schema: { b: t.int() } }))
    expect(required.message).toBe(
      "bytes: row 1 (line 2), column 'b' of 'films' is required, got null; nothing was written",
    )
    const ragged = await failure(pxt.importCsv('films', encode('a,b\n1,2\n3\n')))
    expect(ragged.message).toBe('bytes: line 3: expected 2 cells, got 1: the string "3"')
    const binary = await failure(pxt.importCsv('films', Uint8Array.of(0x61, 0x0a, 0xff, 0xfe, 0x0a)))
    expect(binary.message).toMatch(/^bytes: expected text in utf-8/)
    expect((await failure(pxt.importCsv('films', ''))).name).toMatch(/NotFoundError|ValidationError/)
    expect((await failure(pxt.importCsv('films', encode('')))).message).toMatch('expected a line of names, got no text')
    expect((await failure(pxt.importCsv('films', encode('a'), { delimiter: ',,' }))).message).toBe(
      'csv: delimiter: expected one character, got the string ",,"',
    )
    expect(await pxt.listTables()).toEqual([])
  })

  test('takes columns as nullable where it did not see all rows', async () => {
    const pxt = await database()
    const source = encode('a,b\n1,x\n2,\n')
    expect(columnsOf(await pxt.importCsv('some', source, { sampleRows: 1, primaryKey: ['a'] }))).toEqual([
      'a: int',
      'b: string?',
    ])
    expect(columnsOf(await pxt.importCsv('all', source, { sampleRows: 2 }))).toEqual(['a: int', 'b: string?'])
    const late = await failure(pxt.importCsv('late', encode(`a\n${'1\n'.repeat(1000)}x\n`)))
    expect(late.message).toMatch(/^bytes: row 1001 \(line 1002\), column 'a': expected a safe integer/)
    expect(await pxt.listTables()).toEqual(['all', 'some'])
    const all = await pxt.importCsv('late', encode(`a\n${'1\n'.repeat(1000)}x\n`), { sampleRows: Infinity })
    expect(columnsOf(all)).toEqual(['a: string'])
  })
})

describe('toCsv', () => {
  test('quotes what needs it, and nothing else', async () => {
    const pxt = await database()
    const table = await pxt.createTable('t', { s: t.string().nullable(), n: t.float() })
    await table.insert([
      { s: 'plain', n: 1.5 },
      { s: null, n: 0 },
      { s: '', n: Number.POSITIVE_INFINITY },
      { s: 'a,"b"\n', n: 1e21 },
    ])
    expect(await table.toCsv()).toBe('s,n\nplain,1.5\n,0\n"",Infinity\n"a,""b""\n",1e+21\n')
    expect(await table.select('s').limit(2).toCsv({ nullText: 'NULL', header: false, delimiter: ';' })).toBe(
      'plain\nNULL\n',
    )
  })

  test('reads back wherever its bytes are cut', async () => {
    const pxt = await database()
    const schema = { s: t.string(), n: t.int().nullable() }
    const table = await pxt.createTable('t', schema)
    await table.insert([{ s: 'ä"😀\n,', n: 1 }, { s: '\ufeff\0' }, { s: '\r' }])
    const bytes = encode(await table.toCsv())
    for (let size = 1; size <= bytes.length; size++) {
      const copy = await pxt.importCsv('copy', inPieces(bytes, size), { schema, ifExists: 'replace' })
      expect(await copy.collect()).toEqual(await table.collect())
    }
  })
})
