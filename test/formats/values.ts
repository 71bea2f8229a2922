import fc from 'fast-check'
import { type Column, type Dtype, type Schema, t } from '../../src/index.js'

/** A type of column with values that are hard to carry. */
export interface TypeCase {
  readonly name: string
  readonly column: Column<any, any, boolean>
  readonly values: fc.Arbitrary<unknown>
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    'null',
    'NULL',
    '007',
    '1e3',
    ' padded ',
    'a\nb',
    'a\r\nb',
    '"',
    '""',
    'a,b',
    '\0',
    '\ufeffx',
    '😀',
    '\t',
    "'",
    '\\',
    '[1,2]',
    '{"a":1}',
    'true',
    '-0',
    'NaN',
  ),
)
const double = fc.oneof(
  fc.double({ noNaN: true }),
  fc.constantFrom(-0, 0, 1e308, -1e308, 5e-324, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1),
)
const finiteFloat = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constant(-0))
const day = fc
  .date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10))

const dtypes: Readonly<Record<Dtype, fc.Arbitrary<unknown>>> = {
  float32: fc.oneof(fc.float(), fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY)),
  float64: fc.oneof(fc.double(), fc.constantFrom(-0, Number.NaN, Number.NEGATIVE_INFINITY)),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32_768, max: 32_767 }),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint8: fc.integer({ min: 0, max: 255 }),
  uint16: fc.integer({ min: 0, max: 65_535 }),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
}

/** Arrays of a shape, in which an open dimension has any length. */
function arrays(dtype: Dtype, shape: readonly (number | null)[]): fc.Arbitrary<unknown> {
  const lengths = fc.tuple(...shape.map((n) => (n === null ? fc.integer({ min: 0, max: 3 }) : fc.constant(n))))
  return lengths.chain((dims) => {
    const length = dims.reduce((product, n) => product * n, 1)
    return fc
      .array(dtypes[dtype], { minLength: length, maxLength: length })
      .map((data) => ({ shape: dims, data: data as number[] }))
  })
}

const arrayCases = (Object.keys(dtypes) as Dtype[]).flatMap((dtype): TypeCase[] =>
  ([[3], [null], [2, 2], [null, 2], [null, null], [2, 0], [0, 3]] as (number | null)[][]).map((shape) => ({
    name: `array ${dtype} (${shape.map((n) => n ?? '?').join(', ')})`,
    column: t.array({ dtype, shape }),
    values: arrays(dtype, shape),
  })),
)

/** Every type but those of media. */
export const typeCases: readonly TypeCase[] = [
  { name: 'string', column: t.string(), values: text },
  { name: 'int', column: t.int(), values: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1)) },
  { name: 'bigint', column: t.bigint(), values: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { name: 'float', column: t.float(), values: double },
  { name: 'bool', column: t.bool(), values: fc.boolean() },
  {
    name: 'timestamp',
    column: t.timestamp(),
    values: fc.date({
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    }),
  },
  { name: 'date', column: t.date(), values: day },
  { name: 'uuid', column: t.uuid(), values: fc.uuid() },
  {
    name: 'json',
    column: t.json(),
    values: fc.oneof(
      fc.jsonValue().filter((value) => value !== null),
      fc.constantFrom(
        'null',
        '',
        '[1]',
        { a: { b: [null, '\0', 1.5] } },
        JSON.parse('{"__proto__":{"a":1}}'),
        [[]],
        'text',
        12,
        true,
      ),
    ),
  },
  { name: 'binary', column: t.binary(), values: fc.uint8Array() },
  {
    name: 'vector',
    column: t.vector(3),
    values: fc.tuple(finiteFloat, finiteFloat, finiteFloat).map((list) => Float32Array.from(list)),
  },
  {
    name: 'multiVector',
    column: t.multiVector(2),
    values: fc.array(fc.tuple(finiteFloat, finiteFloat), { minLength: 1, maxLength: 3 }),
  },
  ...arrayCases,
]

/** A table of all cases, each column required and nullable. */
export function schemaOfCases(cases: readonly TypeCase[]): Schema {
  return Object.fromEntries(
    cases.flatMap(({ column }, i) => [
      [`r${i}`, column],
      [`n${i}`, column.nullable()],
    ]),
  )
}

/** Rows of such a table. */
export function rowsOfCases(cases: readonly TypeCase[]): fc.Arbitrary<Record<string, unknown>[]> {
  const row = fc.record(
    Object.fromEntries(
      cases.flatMap(({ values }, i) => [
        [`r${i}`, values],
        [`n${i}`, fc.option(values, { nil: null })],
      ]),
    ),
  )
  return fc.array(row, { minLength: 1, maxLength: 6 })
}
