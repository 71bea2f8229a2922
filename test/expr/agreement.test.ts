import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Node } from '../../src/expr/node.js'
import { operatorGroups } from '../../src/expr/operators/index.js'
import { makeDate, makeTimestamp, Pixeltable, t, uuid4, uuid7, when } from '../../src/index.js'
import { evaluate } from '../../src/plan/evaluate.js'

/**
 * Every operator computed twice over the same generated rows: by SQLite and by JavaScript. Whether the results are
 * right, and not merely equal, is what `values.test.ts` asks.
 */

const columns = {
  s: t.string().nullable(),
  u: t.string().nullable(),
  f: t.string().nullable(),
  i: t.int().nullable(),
  n: t.int().nullable(),
  x: t.float().nullable(),
  y: t.float().nullable(),
  g: t.bigint().nullable(),
  h: t.bigint().nullable(),
  b: t.bool().nullable(),
  at: t.timestamp().nullable(),
  d: t.date().nullable(),
  zone: t.string().nullable(),
  id: t.uuid().nullable(),
  k: t.json<any>().nullable(),
  l: t.json<any>().nullable(),
  nums: t.json<any>().nullable(),
  words: t.json<any>().nullable(),
  boxes: t.json<any>().nullable(),
  a: t.array({ dtype: 'float64', shape: [null, 2] }).nullable(),
  v: t.vector(3).nullable(),
}

const text = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'a',
    'Straße',
    'ΟΔΟΣ',
    'ǆ ﬁn',
    '🎬',
    '👩‍👩‍👧 family',
    'ab,c,,d',
    '  lead trail  ',
    'x\ty\r\nz\u2028w',
    'nul\0in ab',
    '\0',
    "they're bill's",
    '-42',
    '+7',
    '²',
    '٣',
    '五',
    '½',
    'e\u0301',
    'a%b_c',
    'hello world, well-known words',
    '{} and {0:>5} {name}',
    '12',
    '3.5',
    'true',
    '2026-02-28',
    '{"a":[1]}',
  ),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', ',', '-', 'é', '𝒳', '1'), maxLength: 20 }),
)
const part = fc.oneof(fc.constantFrom('', 'a', ',', ' ', 'ab', '🎬', 'ß', 'é', '\0'), text)
const safe = Number.MAX_SAFE_INTEGER
const int = fc.oneof(fc.constantFrom(0, 1, -1, 7, -7, 2, 64, safe, -safe, 2 ** 31), fc.integer(), fc.maxSafeInteger())
const small = fc.integer({ min: -8, max: 12 })
const float = fc.oneof(
  fc.constantFrom(0, 0.5, 1.5, 2.5, -2.5, 0.1, 2.675, 1e300, -1e-300, Number.POSITIVE_INFINITY, 4503599627370495.5),
  fc.double({ noNaN: true }),
  fc.double({ noNaN: true, min: -1000, max: 1000 }),
)
const bigint = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, 3n),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -100n, max: 100n }),
)
const instant = fc.oneof(
  fc
    .constantFrom(
      '1970-01-01T00:00:00Z',
      '2024-02-29T23:59:59.999Z',
      '2026-03-29T00:59:59Z',
      '2026-03-29T01:00:00Z',
      '2026-10-25T00:30:00Z',
      '2026-10-25T01:30:00Z',
      '1999-12-31T23:59:59.5Z',
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
      '2020-12-31T12:00:00Z',
      '2021-01-03T12:00:00Z',
    )
    .map((iso) => new Date(iso)),
  fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true }),
  fc.date({ min: new Date('1900-01-01T00:00:00Z'), max: new Date('2050-01-01T00:00:00Z'), noInvalidDate: true }),
)
const zone = fc.constantFrom(
  'UTC',
  'Europe/Zurich',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'No/Where',
)
const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }).map((value) => JSON.parse(JSON.stringify(value)))
const box = fc.record(
  {
    label: text,
    score: fc.oneof(float.filter(Number.isFinite), fc.constant(null)),
    xs: fc.array(small, { maxLength: 4 }),
  },
  { requiredKeys: [] },
)
const boxes = fc.oneof(fc.array(fc.oneof({ weight: 5, arbitrary: box }, json), { maxLength: 5 }), json)

const row = fc.record({
  s: text,
  u: part,
  f: fc.constantFrom('*', '', 'ab', '🎬', ' '),
  i: int,
  n: small,
  x: float,
  y: float,
  g: bigint,
  h: bigint,
  b: fc.boolean(),
  at: instant,
  d: instant.map((date) => date.toISOString().slice(0, 10)),
  zone,
  id: fc.uuid(),
  k: json,
  l: fc.oneof(fc.array(json, { maxLength: 5 }), json),
  nums: fc.array(fc.option(float.filter(Number.isFinite)), { maxLength: 6 }),
  words: fc.array(fc.option(text), { maxLength: 5 }),
  boxes,
  a: fc
    .array(fc.tuple(fc.double({ noNaN: true }), fc.double({ noNaN: true })), { maxLength: 3 })
    .map((pairs) => ({ shape: [pairs.length, 2], data: pairs.flat() })),
  v: fc.tuple(small, small, small).map((list) => new Float32Array(list)),
})

type Form = (c: any) => any
const both = (name: string, ...args: string[]): Form[] => [(c) => c.at[name](...args), (c) => c.d[name](...args)]
const clocked = (name: string, ...args: string[]): Form[] => [
  (c) => c.at[name](...args),
  (c) => c.at.inZone('Europe/Zurich')[name](...args),
  (c) => c.at.inZone(c.zone)[name](...args),
]
const onText = (name: string): Form[] => [(c) => c.s[name](), (c) => c.u[name](), (c) => c.k.get('a')[name]()]
const binary = (name: string): Form[] => [
  (c) => c.i[name](c.n),
  (c) => c.n[name](c.i),
  (c) => c.x[name](c.y),
  (c) => c.i[name](c.x),
  (c) => c.x[name](2),
  (c) => c.g[name](c.h),
  (c) => c.g[name](c.n),
  (c) => c.nums.get(0)[name](c.nums.get(1)),
]
const whole = (name: string): Form[] => [
  (c) => c.i[name](c.n),
  (c) => c.i[name](255),
  (c) => c.g[name](c.h),
  (c) => c.x[name](c.n),
]
const unary = (name: string): Form[] => [
  (c) => c.i[name](),
  (c) => c.x[name](),
  (c) => c.y[name](),
  (c) => c.g[name](),
  (c) => c.nums.get(0)[name](),
]
const compared = (name: string): Form[] => [
  (c) => c.i[name](c.n),
  (c) => c.x[name](c.i),
  (c) => c.s[name](c.u),
  (c) => c.d[name]('2024-02-29'),
  (c) => c.at[name](new Date('2026-10-25T00:30:00Z')),
  (c) => c.g[name](c.h),
  (c) => c.nums.get(0)[name](1.5),
  (c) => c.words.get(0)[name]('a'),
]

/** How each operator is called, over columns, constants and JSON. */
const forms: Readonly<Record<string, readonly Form[]>> = {
  eq: [...compared('eq'), (c) => c.b.eq(true), (c) => c.id.eq(c.id), (c) => c.k.get('a').eq(c.k.get('a'))],
  ne: compared('ne'),
  gt: compared('gt'),
  gte: compared('gte'),
  lt: compared('lt'),
  lte: compared('lte'),
  between: [(c) => c.i.between(-7, c.n), (c) => c.s.between('a', 'b'), (c) => c.nums.get(0).between(0, 2)],
  in: [(c) => c.n.in([1, 2, 3]), (c) => c.u.in(['', 'a']), (c) => c.n.in([]), (c) => c.k.get('a').in(['x'])],
  isNull: [(c) => c.s.isNull(), (c) => c.k.get('a').isNull(), (c) => c.l.get(0).isNull()],
  isNotNull: [(c) => c.s.isNotNull(), (c) => c.nums.get(0).isNotNull()],
  coalesce: [
    (c) => c.i.coalesce(c.n),
    (c) => c.s.coalesce('none'),
    (c) => c.nums.get(0).coalesce(5),
    (c) => c.words.get(0).coalesce(c.s),
    (c) => c.l.get(0).coalesce(c.b),
    (c) => c.i.coalesce(0.5),
    (c) => c.at.coalesce(new Date(0)),
  ],
  nullIf: [
    (c) => c.n.nullIf(1),
    (c) => c.s.nullIf(c.u),
    (c) => c.l.get(0).nullIf('a'),
    (c) => c.d.nullIf('2024-02-29'),
  ],
  case: [
    (c) => when(c.n.gt(3), c.s).when(c.n.lt(0), 'low').otherwise(null),
    (c) => when(c.b, c.i).otherwise(c.x),
    (c) => when(c.words.get(0).eq('a'), c.nums.get(0)).otherwise('none'),
    (c) => when(c.n.isNull(), c.at).otherwise(new Date(0)),
  ],
  and: [(c) => c.b.and(c.n.gt(3)), (c) => c.n.gt(3).and(c.b)],
  or: [(c) => c.b.or(c.n.gt(3)), (c) => c.n.gt(3).or(c.b)],
  not: [(c) => c.b.not(), (c) => c.l.get(0).not()],
  cast: [t.string(), t.int(), t.bigint(), t.float(), t.bool(), t.timestamp(), t.date(), t.uuid(), t.json()].flatMap(
    (type): Form[] =>
      ['s', 'i', 'x', 'g', 'b', 'at', 'd', 'id', 'k', 'v'].map(
        (name): Form =>
          (c) =>
            c[name].cast(type),
      ),
  ),
  ...Object.fromEntries(['add', 'sub', 'mul', 'div', 'floorDiv', 'mod', 'pow'].map((name) => [name, binary(name)])),
  ...Object.fromEntries(['neg', 'abs', 'ceil', 'floor', 'sqrt', 'exp', 'log10'].map((name) => [name, unary(name)])),
  round: [...unary('round'), (c) => c.x.round(c.n), (c) => c.x.round(2), (c) => c.i.round(-2), (c) => c.g.round(-3)],
  log: [...unary('log'), (c) => c.x.log(2), (c) => c.x.log(c.n)],
  bitAnd: whole('bitAnd'),
  bitOr: whole('bitOr'),
  bitXor: whole('bitXor'),
  ...Object.fromEntries(
    ['upper', 'lower', 'capitalize', 'title', 'swapCase', 'caseFold', 'hex'].map((name) => [name, onText(name)]),
  ),
  ...Object.fromEntries(
    [
      'isAlnum',
      'isAlpha',
      'isAscii',
      'isDecimal',
      'isDigit',
      'isIdentifier',
      'isLower',
      'isNumeric',
      'isSpace',
      'isTitle',
      'isUpper',
    ].map((name) => [name, onText(name)]),
  ),
  ...Object.fromEntries(
    ['trim', 'trimStart', 'trimEnd'].map((name) => [name, [...onText(name), (c: any) => c.s[name](c.f)]]),
  ),
  ...Object.fromEntries(
    ['padStart', 'padEnd', 'center'].map((name) => [
      name,
      [(c: any) => c.s[name](c.n), (c: any) => c.s[name](9, c.f), (c: any) => c.u[name](c.n, '*')],
    ]),
  ),
  zfill: [(c) => c.s.zfill(c.n), (c) => c.s.zfill(6)],
  repeat: [(c) => c.s.repeat(c.n)],
  ...Object.fromEntries(
    ['startsWith', 'endsWith', 'removePrefix', 'removeSuffix'].map((name) => [
      name,
      [
        (c: any) => c.s[name](c.u),
        (c: any) => c.s[name]('a'),
        (c: any) => c.s[name]('b'),
        (c: any) => c.s[name](''),
        (c: any) => c.words.get(0)[name]('a'),
        (c: any) => c.s[name](c.u.upper()),
        (c: any) => c.s[name](c.s),
      ],
    ]),
  ),
  like: [(c) => c.s.like('%a%'), (c) => c.s.like(c.u), (c) => c.words.get(0).like('_%')],
  indexOf: [
    (c) => c.s.indexOf(c.u),
    (c) => c.s.indexOf('a', c.n),
    (c) => c.s.indexOf(c.u, c.n, 4),
    (c) => c.s.indexOf(c.u, -3),
  ],
  lastIndexOf: [
    (c) => c.s.lastIndexOf(c.u),
    (c) => c.s.lastIndexOf('a', c.n),
    (c) => c.s.lastIndexOf(c.u, undefined, c.n),
  ],
  replaceAll: [
    (c) => c.s.replaceAll('a', c.u),
    (c) => c.s.replaceAll(c.u, 'Ж'),
    (c) => c.s.replaceAll(c.u, c.f, c.n),
    (c) => c.s.replaceAll('', '-'),
    (c) => c.s.replaceAll('\0', '-'),
  ],
  sliceReplace: [(c) => c.s.sliceReplace(c.n, 4, c.u), (c) => c.s.sliceReplace(-2), (c) => c.s.sliceReplace(1, c.n)],
  normalize: [(c) => c.s.normalize(), (c) => c.s.normalize('NFKD')],
  split: [
    (c) => c.s.split(),
    (c) => c.s.split(','),
    (c) => c.s.split(c.u),
    (c) => c.s.split(undefined, 1),
    (c) => c.s.split(' ', c.n),
  ],
  splitLast: [(c) => c.s.splitLast(), (c) => c.s.splitLast(',', 1), (c) => c.s.splitLast(c.u, c.n)],
  splitLines: [(c) => c.s.splitLines(), (c) => c.s.splitLines(c.b)],
  partition: [(c) => c.s.partition(), (c) => c.s.partition(c.u)],
  partitionLast: [(c) => c.s.partitionLast(), (c) => c.s.partitionLast(c.u)],
  wrap: [(c) => c.s.wrap(c.n), (c) => c.s.wrap(5)],
  fill: [(c) => c.s.fill(8)],
  formatWith: [
    (c) => c.s.formatWith({ name: c.u, 0: c.n }),
    (c) => c.s.formatWith(c.u, c.n),
    (c) => c.n.cast(t.string()).formatWith(),
  ],
  matches: [(c) => c.s.matches('[a-c]+'), (c) => c.s.matches(/STRASSE|🎬/i)],
  matchesStart: [(c) => c.s.matchesStart('a|b'), (c) => c.s.matchesStart(/\s/)],
  matchesWhole: [(c) => c.s.matchesWhole('[ab]*'), (c) => c.s.matchesWhole(/./u)],
  findAll: [
    (c) => c.s.findAll('.'),
    (c) => c.s.findAll(/./),
    (c) => c.s.findAll('(a)(b)?'),
    (c) => c.s.findAll(/(\w)/g),
  ],
  replaceRegex: [
    (c) => c.s.replaceRegex('(.)', '<$1>'),
    (c) => c.s.replaceRegex(/\s+/, c.u),
    (c) => c.s.replaceRegex(/./, ''),
  ],
  length: [
    ...onText('length'),
    (c) => c.l.length(),
    (c) => c.a.length(),
    (c) => c.v.length(),
    (c) => c.boxes.get(0).length(),
  ],
  contains: [
    (c) => c.s.contains(c.u),
    (c) => c.k.contains('a'),
    (c) => c.nums.contains(1.5),
    (c) => c.words.contains(c.u),
    (c) => c.l.contains(true),
  ],
  concat: [
    (c) => c.s.concat(c.u, '!'),
    (c) => c.nums.concat(c.words),
    (c) => c.words.get(0).concat(c.s),
    (c) => c.l.concat([1, 'x']),
  ],
  count: [(c) => c.s.count(c.u), (c) => c.s.count(/a+/), (c) => c.nums.count(), (c) => c.l.count()],
  slice: [
    (c) => c.s.slice(1, 3),
    (c) => c.s.slice(2),
    (c) => c.s.slice(c.n, c.i),
    (c) => c.s.slice(-3, undefined),
    (c) => c.s.slice(undefined, undefined, -1),
    (c) => c.s.slice(3, 1),
    (c) => c.s.slice(0, -1),
    (c) => c.l.slice(c.n, 3, 2),
    (c) => c.l.slice(1),
  ],
  reverse: [(c) => c.s.reverse(), (c) => c.l.reverse()],
  get: [
    (c) => c.l.get(0),
    (c) => c.l.get(-1),
    (c) => c.k.get('a').get('b'),
    (c) => c.boxes.get(0).get('label'),
    (c) => c.boxes.get(-2).get('xs').get(1),
    (c) => c.k.get('say "hi"').get('\\'),
  ],
  isEmpty: [(c) => c.l.isEmpty(), (c) => c.k.isEmpty()],
  keys: [(c) => c.k.keys(), (c) => c.boxes.get(0).keys()],
  values: [(c) => c.k.values()],
  entries: [(c) => c.k.entries()],
  merge: [(c) => c.k.merge({ a: 1 }), (c) => c.boxes.get(0).merge(c.boxes.get(1), { z: null })],
  stringify: [(c) => c.k.stringify(), (c) => c.l.get(0).stringify()],
  flatten: [(c) => c.l.flatten(), (c) => c.l.flatten(2)],
  join: [(c) => c.words.join(c.u), (c) => c.nums.join(), (c) => c.l.join('-')],
  sum: [(c) => c.nums.sum(), (c) => c.l.sum(), (c) => c.boxes.get(0).get('xs').sum()],
  mean: [(c) => c.nums.mean(), (c) => c.l.mean()],
  min: [(c) => c.nums.min(), (c) => c.words.min(), (c) => c.l.min()],
  max: [(c) => c.nums.max(), (c) => c.words.max(), (c) => c.l.max()],
  map: [
    (c) => c.boxes.map((x: any) => x.get('score').mul(2)),
    (c) => c.words.map((x: any) => x.upper().concat(c.s)),
    (c) => c.boxes.map((x: any) => x.get('xs').map((y: any) => y.add(x.get('score')).add(c.n))),
    (c) => c.boxes.all().get('label'),
    (c) => c.boxes.all().get('xs').get(0),
    (c) => c.nums.map(() => c.at),
    (c) => c.nums.map((x: any) => when(x.gt(0), 'up').otherwise(x)),
    (c) => c.k.map((x: any) => x),
  ],
  filter: [
    (c) => c.nums.filter((x: any) => x.gt(c.n)),
    (c) =>
      c.boxes.filter((x: any) =>
        x
          .get('xs')
          .filter((y: any) => y.eq(x.get('xs').get(0)))
          .length()
          .gt(1),
      ),
    (c) => c.l.filter((x: any) => x.isNotNull()),
  ],
  sortBy: [
    (c) => c.nums.sortBy(),
    (c) => c.words.sortBy((x: any) => [x.length().desc(), x.asc({ nulls: 'first' })]),
    (c) => c.boxes.sortBy((x: any) => x.get('score').desc()),
    (c) => c.l.sortBy(),
  ],
  year: [...both('year'), ...clocked('year')],
  month: [...both('month'), ...clocked('month')],
  day: [...both('day'), ...clocked('day')],
  weekday: [...both('weekday'), ...clocked('weekday')],
  isoWeekday: both('isoWeekday'),
  isoCalendar: [...both('isoCalendar'), ...clocked('isoCalendar')],
  toOrdinal: both('toOrdinal'),
  hour: clocked('hour'),
  minute: clocked('minute'),
  second: clocked('second'),
  microsecond: clocked('microsecond'),
  date: clocked('date'),
  withoutZone: clocked('withoutZone'),
  strftime: [
    ...both('strftime', '%a %A %d %e %b %B %m %y %Y %j %U %W %V %G %u %w %% %F %q'),
    ...clocked('strftime', '%c|%H:%M:%S.%f %z %Z %I%p %s'),
  ],
  isoFormat: [...both('isoFormat'), ...clocked('isoFormat'), (c) => c.at.isoFormat(' ', 'minutes')],
  posixTimestamp: [(c) => c.at.posixTimestamp()],
  addDays: [(c) => c.d.addDays(c.n), (c) => c.at.addDays(c.i), (c) => c.at.inZone('Europe/Zurich').addDays(c.n)],
  replace: [
    (c) => c.d.replace({ day: c.n, month: 2 }),
    (c) => c.at.replace({ year: c.n, microsecond: 1500 }),
    (c) => c.at.inZone('Europe/Zurich').replace({ hour: 2, minute: 30 }),
    (c) => c.at.inZone(c.zone).replace({ day: 29, month: 3 }),
  ],
  inZone: [(c) => c.at.inZone(c.zone), (c) => c.at.inZone('Asia/Kolkata')],
  makeDate: [(c) => makeDate(c.n, c.n, c.n), (c) => makeDate(2024, 2, c.n), (c) => makeDate(c.i, 1, 1)],
  makeTimestamp: [
    (c) => makeTimestamp({ year: 2026, month: c.n, day: 29, hour: 2, minute: 30, zone: c.zone }),
    (c) => makeTimestamp({ year: c.n, month: 1, day: 1, microsecond: c.i }),
  ],
  shape: [(c) => c.a.shape(), (c) => c.v.shape()],
  toList: [(c) => c.a.toList(), (c) => c.v.toList()],
  at: [(c) => c.a.at(c.n), (c) => c.a.at(0, 1), (c) => c.v.at(-1)],
}

/** What no two evaluations give alike, and what needs a file. Both have tests of their own. */
const elsewhere = /^uuid|^media\./

let pxt: Pixeltable
let rows: Record<string, unknown>[]
const open = async () => {
  const table = await pxt.createTable('grid', columns)
  const generated = fc.sample(row, { numRuns: 150, seed: 20_260_131 })
  const nulls = Object.fromEntries(Object.keys(columns).map((name) => [name, null]))
  await table.insert([...generated, nulls] as never)
  return table
}
let grid: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  pxt = await Pixeltable.open(':memory:')
  grid = await open()
  rows = await grid.collect()
})
afterAll(() => pxt.close())

/** Without what SQL does not tell apart, or the column types change on their way: the sign of zero, bigints of ints. */
function plain(value: unknown): unknown {
  if (value === 0) return 0
  if (value instanceof Date || typeof value !== 'object' || value === null) return value
  return JSON.parse(JSON.stringify(value))
}

const source = () => ({
  length: rows.length,
  valuesOf: (node: Node) => rows.map((values) => values[(node as { name: string }).name]),
})

const documented = operatorGroups.flatMap(({ operators }) =>
  Object.keys(operators).filter((name) => !elsewhere.test(name)),
)

test('every operator is put to the test', () => {
  expect(Object.keys(forms).sort()).toEqual([...documented].sort())
})

describe('SQLite and JavaScript give the same', () => {
  test.each(documented)('%s', async (name) => {
    for (const form of forms[name]!) {
      const query = grid.select((c) => ({ r: form(c) }))
      const inSql = (await query.collect()).map((found) => plain((found as { r: unknown }).r))
      let node: Node | undefined
      grid.select((c) => {
        const built = form(c)
        node = built.node
        return { r: built }
      })
      const inJs = (await evaluate(node!, source())).map(plain)
      for (let i = 0; i < rows.length; i++) {
        expect(inSql[i], `${form} of ${describeRow(rows[i]!)}`).toEqual(inJs[i])
      }
    }
  })
})

const describeRow = (values: Record<string, unknown>): string =>
  JSON.stringify(values, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))

test('UUIDs are new in every row, and version 7 sorts by time', async () => {
  const made = await grid.select(() => ({ four: uuid4(), seven: uuid7() })).collect()
  expect(new Set(made.map((one) => one.four)).size).toBe(rows.length)
  expect(new Set(made.map((one) => one.seven)).size).toBe(rows.length)
  for (const { four, seven } of made) {
    expect(four).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(seven).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  }
  const sevens = made.map((one) => one.seven)
  expect([...sevens].sort()).toEqual(sevens)
})
