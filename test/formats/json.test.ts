import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseJson } from '../../src/formats/parse-json.js'
import { plainJson } from '../../src/formats/read-cell.js'
import { t } from '../../src/index.js'
import { columnsOf, database, encode, failure, inPieces } from './support.js'

describe('parseJson', () => {
  test('is JSON.parse, but for whole numbers that a number does not hold', () => {
    expect(parseJson('{"a": 9007199254740993, "b": [-9223372036854775808,1], "c": "9007199254740993"}')).toEqual({
      a: 9007199254740993n,
      b: [-9223372036854775808n, 1],
      c: '9007199254740993',
    })
    expect(parseJson('[0.1234567890123456789, 1e300, 9007199254740991]')).toEqual([
      0.12345678901234568, 1e300, 9007199254740991,
    ])
    fc.assert(
      fc.property(fc.json(), (text) => {
        // A bigint is the number that JSON.parse rounds.
        expect(plainJson(parseJson(text))).toStrictEqual(JSON.parse(text))
      }),
    )
  })
})

describe('importJsonl', () => {
  test('infers types', async () => {
    const pxt = await database()
    const embedding = [0.1, -2.5, 3].map(Math.fround)
    const rows = [
      {
        s: '7',
        i: 1,
        big: 1,
        f: 1,
        b: true,
        day: '2024-01-01',
        at: '2024-01-01T00:00:00.123456+00:00',
        id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
        v: embedding,
        list: [1, 2, 3],
        o: { a: [1] },
        mix: 1,
      },
      {
        s: 'x',
        i: 2,
        f: 2.5,
        b: false,
        day: '2024-01-02',
        at: '2024-01-01T01:00:00+01:00',
        id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf7',
        v: embedding,
        list: [1, 2, 3],
        o: null,
        mix: 'x',
        late: 1,
      },
    ]
    const text = rows
      .map((row) => JSON.stringify(row))
      .join('\n')
      .replace('"big":1', '"big":9223372036854775807')
    const table = await pxt.importJsonl('t', encode(`${text}\n\n`))
    expect(columnsOf(table)).toEqual([
      's: string',
      'i: int',
      'big: bigint?',
      'f: float',
      'b: bool',
      'day: date',
      'at: timestamp',
      'id: uuid',
      'v: vector',
      'list: json',
      'o: json?',
      'mix: json',
      'late: int?',
    ])
    const [first] = await table.collect()
    expect(first).toMatchObject({
      big: 9223372036854775807n,
      at: new Date('2024-01-01T00:00:00.123Z'),
      mix: 1,
      late: null,
    })
    expect(first!.v).toEqual(Float32Array.from(embedding))
  })

  test('keeps lists that float32 would change, and lists of several lengths, as JSON', async () => {
    const pxt = await database()
    const table = await pxt.importJsonl('t', encode('{"a":[0.1,0.2],"b":[0.5,1]}\n{"a":[0.3,0.4],"b":[0.5]}\n'))
    expect(columnsOf(table)).toEqual(['a: json', 'b: json'])
    expect((await table.firstOrThrow()).a).toEqual([0.1, 0.2])
  })

  test('names the line of what is no JSON or no object', async () => {
    const pxt = await database()
    const broken = await failure(pxt.importJsonl('t', encode('{"a":1}\n\n{"a":\n')))
    expect(broken.message).toMatch(/^bytes: line 3: expected JSON: /)
    const list = await failure(pxt.importJsonl('t', encode('{"a":1}\n[1]\n')))
    expect(list.message).toBe('bytes: line 2: expected an object with columns as keys, got an array of 1')
    expect(await pxt.listTables()).toEqual([])
  })

  test('refuses a column that appears after the sample, unless it is left out', async () => {
    const pxt = await database()
    async function* source() {
      yield encode('{"a":1}\n')
      yield encode('{"a":2,"b":3}\n')
    }
    const error = await failure(pxt.importJsonl('t', source(), { sampleRows: 1 }))
    expect(error.message).toBe(
      "stream: row 2 (line 2): column 'b' appears first after the rows that the columns were taken from; raise sampleRows, or leave it out with columns: { 'b': false }",
    )
    const picked = await pxt.importJsonl('t', source(), { sampleRows: 1, columns: ['a'] })
    expect(await picked.collect()).toEqual([{ a: 1 }, { a: 2 }])
  })

  test('reads lines longer than its pieces', async () => {
    const pxt = await database()
    const long = 'ä'.repeat(300_000)
    const bytes = encode(`{"a":"${long}"}\n{"a":"x"}`)
    const table = await pxt.importJsonl('t', inPieces(bytes, 1000))
    expect((await table.collect()).map((row) => row.a.length)).toEqual([300_000, 1])
  })
})

describe('importJson', () => {
  test('reads an array of objects, wherever it is cut', async () => {
    const pxt = await database()
    const value = [{ a: '}],{"' }, { a: '\\"', b: { c: [1, { d: ']' }] } }, {}]
    const schema = { a: t.string().nullable(), b: t.json().nullable() }
    for (const bytes of [encode(JSON.stringify(value)), encode(`\ufeff ${JSON.stringify(value, null, 2)}\n`)]) {
      for (let size = 1; size < 40; size++) {
        const table = await pxt.importJson('t', inPieces(bytes, size), { schema, ifExists: 'replace' })
        expect(await table.collect()).toEqual(value.map((row) => ({ a: null, b: null, ...row })))
      }
    }
  })

  test.each([
    ['{"a":1}', `bytes: line 1: expected a JSON array of objects, got "{\\"a\\":1}"`],
    ['[{"a":1}', 'bytes: line 1: expected a complete JSON array of objects, got the end of the file'],
    ['[{"a":1},\n]', 'bytes: line 2: expected an object with columns as keys, got "]"'],
    ['[{"a":1} {"a":2}]', `bytes: line 1: expected ',' or ']' after an object, got "{\\"a\\":2}]"`],
    ['[1]', 'bytes: line 1: expected an object with columns as keys, got "1]"'],
    ['[{"a":1}] x', 'bytes: line 1: expected nothing after the array, got "x"'],
    ['', 'bytes: line 1: expected a complete JSON array of objects, got the end of the file'],
    ['[]', 'bytes has no rows to take columns from: give them with schema'],
  ])('refuses %j', async (text, message) => {
    const pxt = await database()
    expect((await failure(pxt.importJson('t', encode(text)))).message).toBe(message)
    expect(await pxt.listTables()).toEqual([])
  })

  test('names the line of an element that is no JSON', async () => {
    const pxt = await database()
    const error = await failure(pxt.importJson('t', encode('[\n{"a":1},\n{"a":x}\n]')))
    expect(error.message).toMatch(/^bytes: line 3: expected JSON: /)
  })
})

describe('toJsonl and toJson', () => {
  test('write JSON that other programs read', async () => {
    const pxt = await database()
    const table = await pxt.createTable('t', {
      s: t.string(),
      n: t.bigint(),
      f: t.float(),
      at: t.timestamp(),
      bytes: t.binary(),
      a: t.array({ dtype: 'int8', shape: [2, 2] }),
      j: t.json(),
      v: t.vector(2).nullable(),
    })
    await table.insert({
      s: 'a"\u2028',
      n: 2n ** 62n,
      f: 1.5,
      at: '2024-01-01T00:00:00Z',
      bytes: Uint8Array.of(0, 255),
      a: [
        [1, 2],
        [3, 4],
      ],
      j: { x: null },
      v: null,
    })
    const line = `{"s":"a\\"\u2028","n":4611686018427387904,"f":1.5,"at":"2024-01-01T00:00:00.000Z","bytes":"AP8=","a":[[1,2],[3,4]],"j":{"x":null},"v":null}`
    expect(await table.toJsonl()).toBe(`${line}\n`)
    expect(await table.toJson()).toBe(`[\n${line}\n]\n`)
    expect(JSON.parse(await table.where({ s: 'none' }).toJson())).toEqual([])
    expect(await table.where({ s: 'none' }).toJsonl()).toBe('')
  })
})
