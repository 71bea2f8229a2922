import { expectTypeOf, test } from 'vitest'
import { type AnyRow, type Media, Pixeltable, type Table, t } from '../../src/index.js'
import { encode } from './support.js'

test('imports are typed by their schema, tables of queries by the query', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const schema = { title: t.string(), year: t.int().nullable() }
  const films = await pxt.importCsv('films', encode('title,year\nAlien,1979\n'), { schema })
  expectTypeOf(films).toEqualTypeOf<
    Table<{ title: string; year: number | null }, { title: string; year?: number | null }>
  >()
  const untyped = await pxt.importCsv('untyped', encode('a\n1\n'), { delimiter: ';' })
  expectTypeOf(untyped).toEqualTypeOf<Table<AnyRow, AnyRow>>()
  const file = await pxt.createTable('file', { jsonl: encode('{"title":"x"}\n') }, { schema: { title: t.string() } })
  expectTypeOf(await file.firstOrThrow()).toEqualTypeOf<{ title: string }>()

  const old = await pxt.createTable(
    'old',
    films.select((c) => ({ label: c.title, year: c.year })),
  )
  expectTypeOf(await old.firstOrThrow()).toEqualTypeOf<{ label: string; year: number | null }>()
  await old.insert({ label: 'x' })
  // @ts-expect-error a required column is missing
  await old.insert({ year: 1 }).catch(() => {})
  // @ts-expect-error rows of another shape
  await old.insert(films).catch(() => {})
  await old.insert(films.select((c) => ({ label: c.title, year: c.year })))

  const rich = await pxt.createTable('rich', { v: t.vector(2), at: t.timestamp(), doc: t.document() })
  const copy = await pxt.createTable('copy', rich)
  expectTypeOf(await copy.first()).toEqualTypeOf<{ v: Float32Array; at: Date; doc: Media } | undefined>()
  await copy.insert({ v: [1, 2], at: '2024-01-01T00:00:00Z', doc: encode('# Title\n') })

  expectTypeOf(films.toCsv()).toEqualTypeOf<Promise<string>>()
  expectTypeOf(films.toParquet()).toEqualTypeOf<Promise<Uint8Array>>()
  // @ts-expect-error the primary key must be a list
  await pxt.importCsv('wrong', encode('a\n'), { primaryKey: 'a' }).catch(() => {})
  pxt.close()
})
