import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  type Agreeing,
  type ArgumentsDiffer,
  invokeTools,
  type JsonOf,
  type Media,
  type MediaRecord,
  Pixeltable,
  query,
  type ToolResults,
  t,
  udf,
} from '../../src/index.js'

/** The type check of these is `tsc`; at run time the same program must also work. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <A, B>(_: Equal<A, B>): void => {}
/** For calls that must not compile. */
const neverRun = (_: () => void): void => {}

const forecast = udf(
  {
    name: 'typed_forecast',
    parameters: { city: t.string(), days: t.int().default(2), unit: t.string().nullable() },
    descriptions: { city: 'Where' },
  },
  async (city: string, days: number, unit: string | null) => ({ city, days, unit, at: new Date(0) }),
)

test('the arguments of a function agree with its parameters', () => {
  neverRun(() => {
    // @ts-expect-error no argument takes a number
    udf({ name: 'x', parameters: { a: t.string(), b: t.int() } }, (a: string) => a)
    // @ts-expect-error no parameter is a boolean
    udf({ name: 'x', parameters: { a: t.string() } }, (a: string, b: boolean) => `${a}${b}`)
    // @ts-expect-error the argument cannot be null
    udf({ name: 'x', parameters: { a: t.string().nullable() } }, (a: string) => a)
    // @ts-expect-error a timestamp is a Date
    udf({ name: 'x', parameters: { a: t.timestamp() } }, (a: string) => a)
    // @ts-expect-error there is no such parameter to describe
    udf({ name: 'x', parameters: { a: t.string() }, descriptions: { b: 'b' } }, (a: string) => a)
    // @ts-expect-error of many rows, too
    udf({ name: 'x', batchSize: 2, parameters: { a: t.int() } }, (a: string[]) => a)
    // @ts-expect-error without parameters a function is no tool
    udf({ name: 'x' }, (a: string) => a).toTool({ description: 'x' })
    // @ts-expect-error there is nothing to describe
    udf({ name: 'x', descriptions: { a: 'a' } }, (a: string) => a)
    udf({ name: 'x', onNull: 'skip', parameters: { a: t.string().nullable() } }, (a: string) => a)
    udf({ name: 'x', batchSize: 2, parameters: { a: t.int(), b: t.string() } }, (a: number[], b: string[]) =>
      a.map((n, i) => `${n}${b[i]}`),
    )
    udf({ name: 'x', parameters: { a: t.string(), b: t.int().nullable() } }, (a: string, b?: number | null) => a + b)
    udf({ name: 'x', parameters: {} }, () => 5)
  })
  is<Agreeing<{ a: ReturnType<typeof t.int> }, [string]>, ArgumentsDiffer>(true)
  is<Agreeing<never, [string]>, unknown>(true)
})

test('tools take the arguments of their functions and give JSON', async () => {
  const tool = forecast.toTool({ description: 'The weather' })
  const result = await tool.execute({ city: 'Rome' })
  is<typeof result, { city: string; days: number; unit: string | null; at: string }>(true)
  expect(result).toEqual({ city: 'Rome', days: 2, unit: null, at: '1970-01-01T00:00:00.000Z' })
  const checked = await forecast.inputSchema['~standard'].validate({ city: 'Rome', days: 1 })
  if (!checked.issues) is<typeof checked.value, { city: string; days?: number; unit?: string | null }>(true)
  expect(checked).toEqual({ value: { city: 'Rome', days: 1 } })
  neverRun(() => {
    // @ts-expect-error city is required
    tool.execute({ days: 3 })
    // @ts-expect-error days is a number
    tool.execute({ city: 'Rome', days: '3' })
  })
})

test('what JSON makes of values', () => {
  is<JsonOf<{ a: Date; b?: Media | null; c: readonly number[] }>, { a: string; b?: MediaRecord | null; c: number[] }>(
    true,
  )
  is<JsonOf<{ f: Float32Array }[]>, { f: never }[]>(true)
  is<JsonOf<any>, any>(true)
  is<JsonOf<unknown>, unknown>(true)
  is<JsonOf<string | null>, string | null>(true)
  expect(true).toBe(true)
})

test('the results of tool calls have the types of the tools', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const films = await pxt.createTable('films', { title: t.string(), at: t.timestamp() })
  const search = query('typed_search', { title: t.string() }, (p) => films.where((c) => c.title.eq(p.title)))
  const chats = await pxt.createTable('chats', { response: t.json().nullable(), typed: t.json(z.array(z.object({}))) })
  const full = await chats.addComputedColumn('results', (c) => invokeTools(c.typed, { forecast, search }))
  const row = await full.first()
  is<
    NonNullable<typeof row>['results'],
    {
      forecast: { city: string; days: number; unit: string | null; at: string }[] | null
      search: { title: string; at: string }[][] | null
    }
  >(true)
  is<
    ToolResults<{ f: typeof forecast }>['f'],
    JsonOf<{ city: string; days: number; unit: string | null; at: Date }>[] | null
  >(true)
  const city = await full.addComputedColumn('city', (c) => c.results.get('forecast').get(0).get('city'))
  is<NonNullable<Awaited<ReturnType<typeof city.first>>>['city'], string | null>(true)
  neverRun(() => {
    // @ts-expect-error a function without parameters is no tool
    invokeTools(chats.columns.response, { f: udf({ name: 'x' }, (a: string) => a) })
    // @ts-expect-error no such tool
    full.select((c) => ({ x: c.results.get('weather') }))
  })
  expect(await full.count()).toBe(0)
})

test('tables as functions take what an insert takes', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const base = await pxt.createTable('notes', {
    text: t.string(),
    stars: t.int().default(1),
    at: t.timestamp().nullable(),
  })
  const notes = await base.addComputedColumn('size', (c) => c.text.length())
  const whole = notes.asFunction('typed_whole', { descriptions: { text: 'What to measure' } })
  const row = await whole({ text: 'abc' })
  is<typeof row, { text: string; stars: number; at: Date | null; size: number }>(true)
  const size = notes.asFunction('typed_size', { returns: 'size' })
  is<Awaited<ReturnType<typeof size>>, number>(true)
  const pair = notes.asFunction('typed_pair', { returns: ['size', 'at'] })
  is<Awaited<ReturnType<typeof pair>>, { size: number; at: Date | null }>(true)
  const asJson = await pair.toTool({ description: 'x' }).execute({ text: 'ab', at: new Date(0) })
  is<typeof asJson, { size: number; at: string | null }>(true)
  expect(asJson).toEqual({ size: 2, at: '1970-01-01T00:00:00.000Z' })

  const long = await pxt.createView(
    'long',
    notes.where((c) => c.size.gt(2)),
  )
  const asView = long.asFunction('typed_long', { returns: 'size' })
  is<Awaited<ReturnType<typeof asView>>, number | null>(true)
  expect([await asView({ text: 'abc' }), await asView({ text: 'a' })]).toEqual([3, null])

  const other = await pxt.createTable('other', { title: t.string() })
  const used = await other.addComputedColumn('n', (c) => size.expr({ text: c.title, stars: 2 }))
  const more = await used.addComputedColumn('at', (c) => pair.expr({ text: c.title }).get('at'))
  await more.insert({ title: 'abcd' })
  const [found] = await more.collect()
  is<NonNullable<typeof found>, { title: string; n: number; at: string | null }>(true)
  expect(found).toEqual({ title: 'abcd', n: 4, at: null })
  neverRun(() => {
    // @ts-expect-error text is required
    whole({ stars: 3 })
    // @ts-expect-error computed columns are no input
    whole({ text: 'a', size: 3 })
    // @ts-expect-error no such column
    notes.asFunction('x', { returns: 'nope' })
    // @ts-expect-error no such column
    notes.asFunction('x', { returns: ['size', 'nope'] })
    // @ts-expect-error computed columns are no input
    notes.asFunction('x', { descriptions: { size: 'x' } })
    // @ts-expect-error a number is no text
    other.addComputedColumn('bad', () => size.expr({ text: 5 }))
  })
})
