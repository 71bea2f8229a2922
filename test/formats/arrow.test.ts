import * as arrow from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { t, ValidationError } from '../../src/index.js'
import { columnsOf, database, failure, inPieces } from './support.js'

const vector = (type: arrow.DataType, values: unknown[]) => arrow.vectorFromArray(values as never, type as never)

describe('importArrow', () => {
  const list = (type: arrow.DataType) => new arrow.List(new arrow.Field('item', type, true))
  const table = new arrow.Table({
    s: vector(new arrow.Utf8(), ['a', null]),
    word: vector(new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()), ['x', 'y']),
    small: vector(new arrow.Int16(), [1, 2]),
    n: vector(new arrow.Int64(), [1n, 2n]),
    wide: vector(new arrow.Int64(), [2n ** 60n, 2n]),
    f: vector(new arrow.Float32(), [0.5, Number.NaN]),
    micros: arrow.makeVector(
      arrow.makeData({
        type: new arrow.TimestampMicrosecond('UTC'),
        data: BigInt64Array.of(1_700_000_000_123_999n, -1n),
      }),
    ),
    day: vector(new arrow.DateDay(), [new Date('2024-01-01'), new Date('1969-12-31')]),
    price: arrow.makeVector(
      arrow.makeData({ type: new arrow.Decimal(2, 10, 128), data: Uint32Array.of(1234, 0, 0, 0, 5, 0, 0, 0) }),
    ),
    embedding: vector(new arrow.FixedSizeList(2, new arrow.Field('item', new arrow.Float32(), true)), [
      [1, 2],
      [3, 4],
    ]),
    lists: vector(list(new arrow.Float64()), [[1, 2], [3]]),
    words: vector(list(new arrow.Utf8()), [['a', null], []]),
    struct: vector(new arrow.Struct([new arrow.Field('a', new arrow.Int64(), true)]), [{ a: 1n }, { a: null }]),
    json: vector(new arrow.Utf8(), ['{"a":1}', '[]']),
  })
  const columns = [
    's: string?',
    'word: string',
    'small: int',
    'n: int',
    'wide: bigint',
    'f: float',
    'micros: timestamp',
    'day: date',
    'price: float',
    'embedding: vector',
    'lists: array',
    'words: json',
    'struct: json',
    'json: json',
  ]

  test.each(['stream', 'file'] as const)('reads a %s of another program', async (kind) => {
    const pxt = await database()
    const bytes = arrow.tableToIPC(table, kind)
    const read = await pxt.importArrow('t', inPieces(bytes, 100), { schema: { f: t.float().nullable() } })
    expect(columnsOf(read).toSorted()).toEqual(columns.map((c) => (c === 'f: float' ? 'f: float?' : c)).toSorted())
    const rows = await (await pxt.getTable('t')).collect()
    expect(rows[0]).toEqual({
      s: 'a',
      word: 'x',
      small: 1,
      n: 1,
      wide: 2n ** 60n,
      f: 0.5,
      micros: new Date('2023-11-14T22:13:20.123Z'),
      day: '2024-01-01',
      price: 12.34,
      embedding: Float32Array.of(1, 2),
      lists: { dtype: 'float64', shape: [2], data: Float64Array.of(1, 2) },
      words: ['a', null],
      struct: { a: 1 },
      json: { a: 1 },
    })
    expect(rows[1]).toMatchObject({ s: null, f: null, micros: new Date(-1), day: '1969-12-31', struct: { a: null } })
  })

  test('refuses what is no Arrow, or cut short', async () => {
    const pxt = await database()
    const bytes = arrow.tableToIPC(table, 'stream')
    for (const damaged of [
      new Uint8Array(0),
      Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9),
      bytes.subarray(0, 200),
      bytes.subarray(0, -200),
    ]) {
      const error = await failure(pxt.importArrow('t', damaged))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(/^bytes is no complete Arrow stream or file: /)
    }
    expect(await pxt.listTables()).toEqual([])
  })
})

describe('toArrow', () => {
  test('writes what apache-arrow reads, batch by batch', async () => {
    const pxt = await database()
    const table = await pxt.createTable('t', {
      s: t.string(),
      n: t.int().nullable(),
      v: t.vector(2),
      m: t.array({ dtype: 'int16', shape: [1, 2] }),
      at: t.timestamp(),
    })
    await table.insert(
      Array.from({ length: 25_000 }, (_, n) => ({
        s: `row ${n}`,
        n: n % 2 ? n : null,
        v: [n, 0.5],
        m: [[n % 100, 1]],
        at: new Date(n),
      })),
    )
    const read = arrow.tableFromIPC(await table.toArrow())
    expect(read.numRows).toBe(25_000)
    expect(read.batches.length).toBe(3)
    const last = read.get(24_999)!.toJSON() as Record<string, any>
    expect(last).toMatchObject({ s: 'row 24999', n: 24999n, at: 24_999 })
    expect([...last.v]).toEqual([24_999, 0.5])
    expect(read.get(2)!.n).toBeNull()
    expect(read.schema.fields.find(({ name }) => name === 'm')!.metadata.get('ARROW:extension:metadata')).toBe(
      '{"shape":[1,2]}',
    )
    expect(arrow.tableFromIPC(await table.where({ s: 'none' }).toArrow()).numRows).toBe(0)
  })
})
