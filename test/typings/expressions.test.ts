import { expect, test } from 'vitest'
import { makeDate, Pixeltable, type TypeOf, t, type Uuid, uuid7, when } from '../../src/index.js'

/** The type check of these is `tsc`; at run time the same program must also work. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <A, B>(_: Equal<A, B>): void => {}
/** For calls that must not compile. */
const neverRun = (_: () => void): void => {}

interface Box {
  label: string
  score: number | null
  xs: number[]
  note?: string | undefined
}

test('results of methods are typed, and null-aware', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const docs = await pxt.createTable('docs', {
    title: t.string(),
    note: t.string().nullable(),
    n: t.int(),
    maybe: t.int().nullable(),
    big: t.bigint(),
    at: t.timestamp(),
    day: t.date().nullable(),
    boxes: t.json<Box[]>(),
    lists: t.json<number[][]>().nullable(),
    any: t.json(),
    v: t.vector(2),
    a: t.array({ dtype: 'int64', shape: [null] }).nullable(),
  })
  await docs.insert({
    title: 'A b',
    n: 2,
    big: 3n,
    at: new Date(0),
    boxes: [{ label: 'cat', score: null, xs: [1, 2] }],
    any: { a: [1] },
    v: [1, 2],
  })
  const query = docs.select((c) => ({
    words: c.title.split(' '),
    first: c.title.split(' ').get(0),
    noteWords: c.note.split(),
    floored: c.n.floorDiv(2),
    rounded: c.maybe.round(1),
    power: c.big.pow(2),
    year: c.at.year(),
    hour: c.at.inZone('Europe/Zurich').hour(),
    later: c.day.addDays(1),
    iso: c.at.isoCalendar().get('week'),
    label: c.boxes.get(0).get('label'),
    optional: c.boxes.map((x) => x.get('note')),
    scores: c.boxes.all().get('score'),
    doubled: c.boxes.map((x) => x.get('xs').map((y) => y.mul(2))),
    some: c.boxes.filter((x) => x.get('xs').length().gt(1)),
    most: c.lists.flatten().max(),
    sum: c.boxes.get(0).get('xs').sum(),
    cast: c.title.cast(t.int()),
    unknown: c.any.get('a').get(0),
    whole: c.any,
    size: when(c.n.gt(1), 'big').otherwise('small'),
    choice: when(c.n.gt(5), c.n).otherwise(null),
    key: uuid7(),
    made: makeDate(2024, 2, 29),
    shape: c.a.shape(),
    list: c.v.length(),
    known: c.note.coalesce('none'),
    perhaps: c.n.nullIf(0),
  }))
  const row = await query.firstOrThrow()
  is<
    typeof row,
    {
      words: string[]
      first: string | null
      noteWords: string[] | null
      floored: number | null
      rounded: number | null
      power: bigint | null
      year: number
      hour: number
      later: `${number}-${number}-${number}` | null
      iso: number
      label: string | null
      optional: (string | null)[]
      scores: (number | null)[]
      doubled: number[][]
      some: Box[]
      most: any
      sum: number | null
      cast: number | null
      unknown: any
      whole: unknown
      size: string
      choice: number | null
      key: Uuid
      made: `${number}-${number}-${number}` | null
      shape: number[] | null
      list: number
      known: string
      perhaps: number | null
    }
  >(true)
  expect(row).toMatchObject({ words: ['A', 'b'], power: 9n, doubled: [[2, 4]], size: 'big', choice: null, unknown: 1 })
  expect(row).toMatchObject({ optional: [null], scores: [null], sum: 3, made: '2024-02-29', shape: null, list: 2 })

  neverRun(() => {
    const c = docs.columns
    // @ts-expect-error a number has no capitals
    c.n.capitalize()
    // @ts-expect-error text has no square root
    c.title.sqrt()
    // @ts-expect-error a width is a number
    c.title.padEnd('4')
    // @ts-expect-error a pattern is a constant
    c.title.matches(c.note)
    // @ts-expect-error a day has no hour
    c.day.hour()
    // @ts-expect-error a day has no zone
    c.day.inZone('UTC')
    // @ts-expect-error a day has no hour to replace
    c.day.replace({ hour: 1 })
    // @ts-expect-error there is no such key
    c.boxes.all().get('nope')
    // @ts-expect-error an index of a list is a number
    c.boxes.get('label')
    // @ts-expect-error the predicate of a filter is no number
    c.boxes.filter((x) => x.get('score'))
    // @ts-expect-error there is no such normal form
    c.title.normalize('NFX')
    // @ts-expect-error a condition is no text
    when(c.title, 1)
    // @ts-expect-error a type is no word
    c.n.cast('int')
    // @ts-expect-error a bigint has no float's functions
    c.big.sqrt()
    // @ts-expect-error where nulls stand is first or last
    c.n.asc({ nulls: 'middle' })
    is<TypeOf<typeof c.at>, Date>(true)
  })
  const untyped = await pxt.getTable('docs')
  expect(await untyped.select((c) => ({ x: c.title!.upper().removeSuffix('B').padEnd(4, '.') })).first()).toEqual({
    x: 'A ..',
  })
  pxt.close()
})
