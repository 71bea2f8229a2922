import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import * as arrow from 'apache-arrow'
import type { SchemaElement } from 'hyparquet'
import { parquetReadObjects } from 'hyparquet'
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseArrowSchema } from '../../src/formats/arrow-schema.js'
import { t, ValidationError } from '../../src/index.js'
import { columnsOf, database, failure, inPieces, temporaryDirectory } from './support.js'

/** A Parquet file as another program writes it. */
function parquet(
  elements: readonly SchemaElement[],
  data: readonly { name: string; data: unknown[] }[],
  options: Partial<ConstructorParameters<typeof ParquetWriter>[0]> & { rowGroupSize?: number } = {},
): Uint8Array {
  const writer = new ByteWriter()
  const { rowGroupSize = 1000, ...rest } = options
  const file = new ParquetWriter({
    writer,
    schema: [{ name: 'schema', num_children: data.length }, ...elements],
    ...rest,
  })
  file.write({ columnData: data as ColumnSource[], rowGroupSize })
  file.finish()
  return writer.getBytes().slice()
}

const optional = { repetition_type: 'OPTIONAL' } as const
const listOf = (name: string, element: Partial<SchemaElement>): SchemaElement[] => [
  { name, ...optional, converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', ...optional, ...element },
]

/** What pyarrow keeps under ARROW:schema. */
function arrowSchema(fields: readonly arrow.Field[]): { key: string; value: string } {
  const stream = arrow.tableToIPC(new arrow.Table(new arrow.Schema([...fields])), 'stream')
  return { key: 'ARROW:schema', value: Buffer.from(stream.subarray(0, -8)).toString('base64') }
}

const item = (type: arrow.DataType) => new arrow.Field('item', type, true)
const tensor = (name: string, size: number, type: arrow.DataType, shape: number[]) =>
  new arrow.Field(
    name,
    new arrow.FixedSizeList(size, item(type)),
    true,
    new Map([
      ['ARROW:extension:name', 'arrow.fixed_shape_tensor'],
      ['ARROW:extension:metadata', JSON.stringify({ shape })],
    ]),
  )

describe('a Parquet export of Pixeltable for Python', () => {
  const vector = [0.5, -1.25, 3]
  const elements: SchemaElement[] = [
    { name: 'title', ...optional, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
    { name: 'n', ...optional, type: 'INT64' },
    { name: 'x', ...optional, type: 'FLOAT' },
    { name: 'ok', ...optional, type: 'BOOLEAN' },
    {
      name: 'at',
      ...optional,
      type: 'INT64',
      converted_type: 'TIMESTAMP_MICROS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
    },
    { name: 'day', ...optional, type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } },
    { name: 'meta', ...optional, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
    ...listOf('embedding', { type: 'FLOAT' }),
    ...listOf('tensor', { type: 'DOUBLE' }),
    { name: 'id', ...optional, type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16 },
    { name: 'id_text', ...optional, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  ]
  const uuid = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
  const data = [
    { name: 'title', data: ['Alien', null] },
    { name: 'n', data: [1979n, 2n] },
    { name: 'x', data: [0.1, null] },
    { name: 'ok', data: [true, false] },
    { name: 'at', data: [1_700_000_000_123_999n, -1n] },
    { name: 'day', data: [19_723, 0] },
    { name: 'meta', data: ['{"a": [1, null]}', '[]'] },
    { name: 'embedding', data: [vector, vector] },
    { name: 'tensor', data: [[1, 2, 3, 4, 5, 6], null] },
    { name: 'id', data: [Buffer.from(uuid.replaceAll('-', ''), 'hex'), null] },
    { name: 'id_text', data: [uuid, uuid] },
  ]
  const kvMetadata = [
    arrowSchema([
      new arrow.Field('title', new arrow.Utf8(), true),
      tensor('embedding', 3, new arrow.Float32(), [3]),
      tensor('tensor', 6, new arrow.Float64(), [2, 3]),
      new arrow.Field('id', new arrow.FixedSizeBinary(16), true, new Map([['ARROW:extension:name', 'arrow.uuid']])),
    ]),
  ]
  const first = {
    title: 'Alien',
    n: 1979,
    x: Math.fround(0.1),
    ok: true,
    at: new Date('2023-11-14T22:13:20.123Z'),
    day: '2024-01-01',
    meta: { a: [1, null] },
    embedding: Float32Array.from(vector),
    tensor: { dtype: 'float64', shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) },
    id: uuid,
    id_text: uuid,
  }
  const columns = [
    'title: string?',
    'n: int',
    'x: float?',
    'ok: bool',
    'at: timestamp',
    'day: date',
    'meta: json',
    'embedding: vector',
    'tensor: array?',
    'id: uuid?',
    'id_text: uuid',
  ]

  test('has the types that its Arrow schema and values tell', async () => {
    const pxt = await database()
    const table = await pxt.importParquet('films', parquet(elements, data, { kvMetadata }))
    expect(columnsOf(table)).toEqual(columns)
    const rows = await table.collect()
    expect(rows[0]).toEqual(first)
    expect(rows[1]).toMatchObject({ title: null, at: new Date(-1), day: '1970-01-01', meta: [], tensor: null })
  })

  test('is a directory of parts with the types next to them', async () => {
    const folder = join(temporaryDirectory(), 'films')
    mkdirSync(folder)
    for (const part of [1, 0]) writeFileSync(join(folder, `part-0000${part}.parquet`), parquet(elements, data))
    const types = {
      title: { _classname: 'StringType', nullable: true },
      n: { _classname: 'IntType', nullable: false },
      meta: { _classname: 'JsonType', nullable: true },
      embedding: { _classname: 'ArrayType', nullable: false, shape: [3], dtype: 2 },
      tensor: { _classname: 'ArrayType', nullable: true, shape: [2, 3], dtype: 2 },
      id: { _classname: 'UUIDType', nullable: true },
      id_text: { _classname: 'StringType', nullable: true },
    }
    writeFileSync(join(folder, '.pixeltable.column_types.json'), JSON.stringify(types))
    const pxt = await database()
    const table = await pxt.importParquet('films', folder)
    expect(columnsOf(table)).toEqual([
      'title: string?',
      'n: int',
      'x: float?',
      'ok: bool',
      'at: timestamp',
      'day: date',
      'meta: json?',
      'embedding: vector',
      'tensor: array?',
      'id: uuid?',
      'id_text: string?',
    ])
    const rows = await table.collect()
    expect(rows).toHaveLength(4)
    expect(rows[2]).toEqual(first)
  })

  test('can be searched by its vectors', async () => {
    const pxt = await database()
    const table = await pxt.importParquet('films', parquet(elements, data, { kvMetadata }), {
      schema: { embedding: t.vector(3), title: t.string().nullable() },
    })
    const indexed = await table.addEmbeddingIndex('embedding')
    expect(await indexed.similarity('embedding', [0.5, -1.25, 3]).limit(1).firstOrThrow()).toMatchObject({
      title: 'Alien',
    })
  })
})

describe('Parquet of other programs', () => {
  const ints = (data: unknown[]) => parquet([{ name: 'n', ...optional, type: 'INT64' }], [{ name: 'n', data }])

  test('whole numbers are bigints where the statistics of any row group say so', async () => {
    const pxt = await database()
    const data = [...new Array(1500).fill(1n), 2n ** 60n]
    const table = await pxt.importParquet('t', ints(data), { sampleRows: 10 })
    expect(columnsOf(table)).toEqual(['n: bigint?'])
    expect((await table.tail(1))[0]).toEqual({ n: 2n ** 60n })
  })

  test('lists are vectors, arrays or JSON', async () => {
    const pxt = await database()
    const file = parquet(
      [
        ...listOf('same', { type: 'FLOAT' }),
        ...listOf('ragged', { type: 'FLOAT' }),
        ...listOf('ints', { type: 'INT32', converted_type: 'INT_16' }),
        ...listOf('words', { type: 'BYTE_ARRAY', converted_type: 'UTF8' }),
        ...listOf('holes', { type: 'DOUBLE' }),
        { name: 'struct', ...optional, num_children: 2 },
        { name: 'a', ...optional, type: 'INT64' },
        { name: 'at', ...optional, type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
      ],
      [
        {
          name: 'same',
          data: [
            [1, 2],
            [3, 4],
          ],
        },
        { name: 'ragged', data: [[1], []] },
        {
          name: 'ints',
          data: [
            [1, 2, 3],
            [4, 5, 6],
          ],
        },
        { name: 'words', data: [['a', 'b'], null] },
        {
          name: 'holes',
          data: [
            [1, null],
            [2, 3],
          ],
        },
        {
          name: 'struct',
          data: [
            { a: 1n, at: new Date(0) },
            { a: null, at: null },
          ],
        },
      ],
    )
    const table = await pxt.importParquet('t', file)
    expect(columnsOf(table)).toEqual([
      'same: vector',
      'ragged: array',
      'ints: array',
      'words: json?',
      'holes: json',
      'struct: json',
    ])
    expect(await table.firstOrThrow()).toEqual({
      same: Float32Array.of(1, 2),
      ragged: { dtype: 'float32', shape: [1], data: Float32Array.of(1) },
      ints: { dtype: 'int16', shape: [3], data: Int16Array.of(1, 2, 3) },
      words: ['a', 'b'],
      holes: [1, null],
      struct: { a: 1, at: '1970-01-01T00:00:00.000Z' },
    })
  })

  test('is read whatever its compression', async () => {
    const pxt = await database()
    for (const [codec, compress] of [
      ['GZIP', gzipSync],
      ['BROTLI', brotliCompressSync],
    ] as const) {
      const file = parquet(
        [{ name: 'n', type: 'INT32', repetition_type: 'REQUIRED' }],
        [{ name: 'n', data: [1, 2, 3, 4] }],
        {
          codec,
          compressors: { [codec]: (bytes: Uint8Array) => compress(bytes) },
        },
      )
      const table = await pxt.importParquet('t', file, { ifExists: 'replace' })
      expect(await table.collect()).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }])
    }
  })

  test('decimals are floats, NaN is null, text of bytes stays bytes', async () => {
    const pxt = await database()
    const file = parquet(
      [
        { name: 'd', ...optional, type: 'INT64', converted_type: 'DECIMAL', scale: 2, precision: 10 },
        { name: 'f', ...optional, type: 'DOUBLE' },
        { name: 'b', ...optional, type: 'BYTE_ARRAY' },
      ],
      [
        { name: 'd', data: [12.34] },
        { name: 'f', data: [Number.NaN] },
        { name: 'b', data: [Buffer.from('text')] },
      ],
    )
    const table = await pxt.importParquet('t', file, { schema: { f: t.float().nullable() } })
    expect(columnsOf(table)).toEqual(['f: float?', 'd: float', 'b: binary'])
    expect(await (await pxt.getTable('t')).collect()).toEqual([
      { d: 12.34, f: null, b: new Uint8Array(Buffer.from('text')) },
    ])
  })

  test('names the row and column of a value that does not fit', async () => {
    const pxt = await database()
    const error = await failure(pxt.importParquet('t', ints([1n, 2n ** 60n]), { schema: { n: t.int() } }))
    expect(error.message).toMatch(/^bytes: row 2, column 'n' of 't': expected a safe integer .* nothing was written$/)
    expect(error).toMatchObject({ row: 1, column: 'n' })
  })

  test('is refused when it is damaged, wherever it is cut', async () => {
    const pxt = await database()
    const file = ints([1n, 2n, 3n])
    for (let length = 0; length < file.length; length += 3) {
      const error = await failure(pxt.importParquet('t', file.subarray(0, length)))
      expect(error).toBeInstanceOf(ValidationError)
      expect(error.message).toMatch(/^bytes is no complete Parquet file: /)
    }
    expect(await pxt.listTables()).toEqual([])
  })
})

describe('sources', () => {
  const file = parquet([{ name: 'n', type: 'INT32', repetition_type: 'REQUIRED' }], [{ name: 'n', data: [1, 2] }])
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/missing')) response.writeHead(404).end()
    else response.end(file)
  })
  let origin = ''
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  })
  afterAll(() => void server.close())

  test('are paths, URLs, bytes, Blobs and streams', async () => {
    const pxt = await database()
    const path = join(temporaryDirectory(), 'n.parquet')
    writeFileSync(path, file)
    const blob = new Blob([file as Uint8Array<ArrayBuffer>])
    const sources = [
      path,
      new URL(`file://${path}`),
      `${origin}/n.parquet?key=secret`,
      file,
      blob,
      blob.stream(),
      inPieces(file, 7),
      [file],
    ]
    for (const source of sources) {
      const table = await pxt.importParquet('t', source as string, { ifExists: 'replace' })
      expect(await table.collect()).toEqual([{ n: 1 }, { n: 2 }])
    }
  })

  test('that are not there are named without secrets', async () => {
    const pxt = await database()
    const missing = await failure(pxt.importParquet('t', `${origin}/missing?key=secret`))
    expect(missing).toMatchObject({
      name: 'NotFoundError',
      message: `could not fetch '${origin}/missing': the server answered 404`,
    })
    expect((await failure(pxt.importCsv('t', '/none/x.csv'))).message).toBe("there is no file '/none/x.csv'")
    expect((await failure(pxt.importParquet('t', '/none/x.parquet'))).message).toBe(
      "there is no file '/none/x.parquet'",
    )
    expect((await failure(pxt.importCsv('t', temporaryDirectory()))).message).toMatch(
      /is a directory; expected a file$/,
    )
    expect((await failure(pxt.importParquet('t', temporaryDirectory()))).message).toMatch(/got a directory without$/)
    expect((await failure(pxt.importCsv('t', 7 as never))).message).toBe(
      'source: expected a path, a URL, a Uint8Array, a Blob or a stream of bytes, got the number 7',
    )
    expect((await failure(pxt.importCsv('t', [1] as never))).message).toMatch(/^source: expected pieces of bytes/)
  })
})

describe('toParquet', () => {
  test('writes what other readers understand', async () => {
    const pxt = await database()
    const table = await pxt.createTable('t', {
      s: t.string(),
      n: t.int(),
      at: t.timestamp(),
      day: t.date(),
      id: t.uuid(),
      j: t.json(),
      v: t.vector(2),
      a: t.array({ dtype: 'int8', shape: [2, 2] }),
      b: t.bool().nullable(),
    })
    const row = {
      s: 'x',
      n: 5,
      at: new Date(0),
      day: '2024-01-01',
      id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      j: { a: 1 },
      v: [1, 2],
      a: [
        [1, 2],
        [3, 4],
      ],
      b: null,
    }
    await table.insert(row)
    const bytes = await table.toParquet()
    const read = await parquetReadObjects({ file: bytes.buffer as ArrayBuffer })
    expect(read).toEqual([{ ...row, n: 5n, day: new Date('2024-01-01'), j: '{"a":1}' }])
  })

  test('writes several row groups, and a table without rows', async () => {
    const pxt = await database()
    const schema = { n: t.int(), v: t.vector(512) }
    const table = await pxt.createTable('t', schema)
    expect(columnsOf(await pxt.importParquet('empty', await table.toParquet()))).toEqual(['n: int', 'v: vector'])
    const v = new Float32Array(512).fill(0.5)
    await table.insert(Array.from({ length: 4500 }, (_, n) => ({ n, v })))
    const bytes = await table.toParquet()
    const { row_groups } = await import('hyparquet').then((m) => m.parquetMetadata(bytes))
    expect(row_groups.length).toBeGreaterThan(1)
    const copy = await pxt.importParquet('copy', bytes)
    expect(await copy.count()).toBe(4500)
    expect((await copy.tail(1))[0]).toEqual({ n: 4499, v })
  })
})

test('an Arrow schema that is damaged is no help, and no error', () => {
  expect(parseArrowSchema('')).toBeUndefined()
  expect(parseArrowSchema('AAAA')).toBeUndefined()
  const { value } = arrowSchema([tensor('t', 6, new arrow.Float32(), [2, 3])])
  expect(parseArrowSchema(value)).toEqual([
    { name: 't', listSize: 6, extension: 'arrow.fixed_shape_tensor', shape: [2, 3] },
  ])
  expect(parseArrowSchema(value.slice(0, 60))).toBeUndefined()
})
