import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Pixeltable, type Table } from '../../src/index.js'
import { rowsOfCases, schemaOfCases, type TypeCase, typeCases } from './values.js'

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Each format: how a table is written, and read back with and without the schema. */
const formats = {
  csv: async (pxt: Pixeltable, table: Table<any, any>, options: object) =>
    pxt.importCsv('copy', encode(await table.toCsv()), options),
  jsonl: async (pxt: Pixeltable, table: Table<any, any>, options: object) =>
    pxt.importJsonl('copy', encode(await table.toJsonl()), options),
  json: async (pxt: Pixeltable, table: Table<any, any>, options: object) =>
    pxt.importJson('copy', encode(await table.toJson()), options),
  parquet: async (pxt: Pixeltable, table: Table<any, any>, options: object) =>
    pxt.importParquet('copy', await table.toParquet(), options),
  arrow: async (pxt: Pixeltable, table: Table<any, any>, options: object) =>
    pxt.importArrow('copy', await table.toArrow(), options),
} as const
type Format = keyof typeof formats

/** Types, nullability and rows of a table, in which the sign of 0 and every bit of a float count. */
async function contentOf(table: Table<any, any>) {
  const columns = table.describe().columns.map(({ name, type, nullable }) => ({ name, type, nullable }))
  return { columns, rows: await table.collect() }
}

async function check(format: Format, cases: readonly TypeCase[], rows: readonly object[], withSchema: boolean) {
  const pxt = await Pixeltable.open(':memory:')
  try {
    const schema = schemaOfCases(cases)
    const table = await pxt.createTable('table', schema)
    await table.insert(rows as never)
    const copy = await formats[format](pxt, table, withSchema ? { schema } : {})
    expect(await contentOf(copy)).toStrictEqual(await contentOf(table))
  } finally {
    pxt.close()
  }
}

const groups = [
  typeCases.filter(({ name }) => !name.startsWith('array')),
  typeCases.filter(({ name }) => name.startsWith('array') && !name.includes('?')),
  typeCases.filter(({ name }) => name.startsWith('array') && name.includes('?')),
]

describe.each(Object.keys(formats) as Format[])('%s', (format) => {
  test.each(
    groups.map(
      (cases) =>
        [
          cases
            .map(({ name }) => name)
            .slice(0, 3)
            .join(', '),
          cases,
        ] as const,
    ),
  )('gives back the same table when the schema is given: %s …', { timeout: 120_000 }, async (_, cases) => {
    await fc.assert(
      fc.asyncProperty(rowsOfCases(cases), (rows) => check(format, cases, rows, true)),
      { numRuns: cases.length > 20 ? 40 : 300, endOnFailure: true },
    )
  })
})

describe.each(['parquet', 'arrow'] as const)('%s', (format) => {
  test.each(
    groups.map(
      (cases) =>
        [
          cases
            .map(({ name }) => name)
            .slice(0, 3)
            .join(', '),
          cases,
        ] as const,
    ),
  )('gives back the same table by its own metadata: %s …', { timeout: 120_000 }, async (_, cases) => {
    await fc.assert(
      fc.asyncProperty(rowsOfCases(cases), (rows) => check(format, cases, rows, false)),
      { numRuns: cases.length > 20 ? 40 : 300, endOnFailure: true },
    )
  })
})
