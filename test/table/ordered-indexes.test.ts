import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  count,
  DependencyError,
  table as declare,
  ExistsError,
  NotFoundError,
  Pixeltable,
  QueryError,
  SchemaError,
  sql,
  t,
  udf,
  uuid4,
  ValidationError,
  view,
  when,
} from '../../src/index.js'

type Any = any

const kinds = ['text', 'Text', 'TEXT', 'ÄÖ', 'x\0y', '', "it's", '"q"', '?', null]
const values = [1, 1.5, -3, '1', 'b', 'a', true, false, null, { x: 1 }, [1, 2], 1e21, '"', "'"]

const schema = {
  id: t.int(),
  name: t.string().nullable(),
  n: t.float().nullable(),
  on: t.bool().nullable(),
  at: t.timestamp().nullable(),
  data: t.json<Any>().nullable(),
}

/** Rows of every sort: nulls, missing paths, JSON of all kinds. */
const rows = Array.from({ length: 400 }, (_, i) => ({
  id: i,
  name: kinds[i % kinds.length] ?? null,
  n: i % 7 === 0 ? null : (i % 13) - 6,
  on: i % 3 === 0 ? null : i % 3 === 1,
  at: i % 11 === 0 ? null : new Date(Date.UTC(2020 + (i % 5), i % 12, 1 + (i % 28), i % 24)),
  data:
    i % 17 === 0
      ? null
      : i % 5 === 0
        ? { other: 1 }
        : { v: values[i % values.length], deep: { list: [i % 4, `s${i % 6}`] }, 'odd "key"': i % 9 },
}))

async function filled(pxt: Pixeltable) {
  const table = await pxt.createTable('t', schema)
  await table.insert(rows)
  return table
}
type Filled = Awaited<ReturnType<typeof filled>>

const plan = async (query: { explain(): Promise<unknown> }) => String(await query.explain())

describe('indexes over expressions', () => {
  let pxt: Pixeltable
  let plain: Filled
  let table: Filled
  let bare: Pixeltable

  beforeEach(async () => {
    pxt = await Pixeltable.open(':memory:')
    bare = await Pixeltable.open(':memory:')
    table = await filled(pxt)
    plain = await filled(bare)
  })
  afterEach(() => {
    pxt.close()
    bare.close()
  })

  /** The query uses the index, and gives what it gives without. */
  async function same(query: (table: Filled) => Any, ...uses: (string | RegExp)[]): Promise<void> {
    const found = await query(table).collect()
    expect(found).toEqual(await query(plain).collect())
    const steps = await plan(query(table))
    for (const use of uses) expect(steps).toMatch(use)
  }

  test('over text', async () => {
    await table.addIndex((c) => c.name.lower())
    const search = /SEARCH t0 USING INDEX t@name_lower \(<expr>=\?\)/
    await same((x) => x.where((c) => c.name.lower().eq('text')), search)
    await same((x) => x.where((c) => c.name.lower().eq('äö')), search)
    await same((x) => x.where((c) => c.name.lower().eq('x\0y')), search)
    await same((x) => x.where((c) => c.name.lower().in(['text', "it's", '?'])), search)
    await same((x) => x.where((c) => c.name.lower().isNull()), search)
    await same(
      (x) => x.where((c) => c.name.lower().gt('text')).orderBy((c) => c.name.lower().asc()),
      /SEARCH t0 USING INDEX t@name_lower \(<expr>>\?\)/,
    )
    await same((x) => x.where((c) => c.name.lower().between('a', 'j')), /<expr>>\? AND <expr><\?/)
    await same((x) => x.orderBy((c) => c.name.lower().asc()).limit(30), /SCAN t0 USING INDEX t@name_lower$/)
    await same((x) => x.orderBy((c) => c.name.lower().desc()).limit(30), /SCAN t0 USING INDEX t@name_lower/)
    await same(
      (x) => x.groupBy((c: Any) => ({ key: c.name.lower() })).select((c: Any) => ({ key: c.key, n: count() })),
      /SCAN t0 USING (COVERING )?INDEX t@name_lower$/,
    )
    await same(
      (x) =>
        x
          .select((c) => ({ key: c.name.lower() }))
          .distinct()
          .orderBy('key'),
      /USING (COVERING )?INDEX t@name_lower/,
    )
    expect(table.where((c) => c.name.lower().eq('text')).toSQL()).toEqual(expect.objectContaining({ params: ['text'] }))
  })

  test('over numbers, booleans and instants', async () => {
    await table.addIndex((c) => c.n.mul(2).add(0.5), { name: 'twice' })
    await table.addIndex((c) => c.n.gt(0), { name: 'positive' })
    await table.addIndex((c) => [c.at.year(), c.at.month()], { name: 'months' })
    await table.addIndex((c) => c.at.date(), { name: 'days' })
    await table.addIndex((c) => c.name.slice(0, 2), { name: 'starts' })
    await table.addIndex((c) => c.name.coalesce("none's"), { name: 'named' })
    await same(
      (x) => x.where((c) => c.n.mul(2).add(0.5).gt(4)).orderBy((c) => c.n.mul(2).add(0.5).asc()),
      /t@twice \(<expr>>\?\)/,
    )
    await same((x) => x.where((c) => c.n.mul(2).add(0.5).eq(4.5)), /t@twice \(<expr>=\?\)/)
    await same((x) => x.where((c) => c.n.gt(0).eq(true)), /t@positive \(<expr>=\?\)/)
    await same((x) => x.where((c) => c.n.gt(0)), /t@positive \(<expr>=\?\)/)
    await same((x) => x.where((c) => c.n.gt(0).not()))
    await same((x) => x.where((c) => c.n.gt(0).or(c.id.lt(9))))
    await same(
      (x) => x.where((c) => c.at.year().eq(2021).and(c.at.month().gte(6))),
      /t@months \(<expr>=\? AND <expr>>\?\)/,
    )
    await same(
      (x) => x.where((c) => c.at.date().lt('2020-06-01')).orderBy((c) => c.at.date().asc()),
      /t@days \(<expr><\?\)/,
    )
    await same((x) => x.where((c) => c.name.slice(0, 2).eq('Te')), /t@starts \(<expr>=\?\)/)
    await same((x) => x.where((c) => c.name.coalesce("none's").eq("none's")), /t@named \(<expr>=\?\)/)
    // A constant that differs is another expression.
    expect(await plan(table.where((c) => c.name.slice(0, 3).eq('Tex')))).not.toContain('@starts')
    await same((x) => x.where((c) => c.name.slice(0, 3).eq('Tex')))
  })

  test('over paths into JSON, whatever is there', async () => {
    await table.addIndex((c) => c.data.get('v'))
    await table.addIndex((c) => c.data.get('deep').get('list').get(1))
    await table.addIndex((c) => c.data.get('odd "key"'), { name: 'odd' })
    const search = (how: string) => new RegExp(`SEARCH t0 USING INDEX t@data_get_v \\(${how}\\)`)
    for (const value of values.filter((v) => v !== null && typeof v !== 'object')) {
      await same((x) => x.where((c) => c.data.get('v').eq(value as Any)), search('<expr>=\\?'))
      await same((x) => x.where((c) => c.data.get('v').ne(value as Any)))
      if (typeof value === 'boolean') continue
      await same(
        (x) => x.where((c) => c.data.get('v').gt(value as Any)).orderBy((c) => c.data.get('v').asc()),
        search('<expr>>\\?'),
      )
      await same(
        (x) => x.where((c) => c.data.get('v').lte(value as Any)).orderBy((c) => c.data.get('v').asc()),
        search('<expr><\\?'),
      )
    }
    await same((x) => x.where((c) => c.data.get('v').eq({ x: 1 } as Any)))
    await same((x) => x.where((c) => c.data.get('v').eq([1, 2] as Any)))
    await same((x) => x.where((c) => c.data.get('v').eq(null as Any)))
    await same((x) => x.where((c) => c.data.get('v').in([1, -3, 8])), search('<expr>=\\?'))
    await same((x) => x.where((c) => c.data.get('v').in(['a', 'zz'])), search('<expr>=\\?'))
    await same((x) => x.where((c) => c.data.get('v').between(-5, 1.2)), search('<expr>>\\? AND <expr><\\?'))
    await same((x) => x.where((c) => c.data.get('v').isNull()), search('<expr>=\\?'))
    await same((x) => x.where((c) => c.data.get('v').isNotNull()))
    await same((x) => x.where((c) => c.data.get('v').eq('a').or(c.data.get('v').eq(1))), /MULTI-INDEX OR/)
    await same((x) => x.where((c) => c.data.get('v').eq('a').not()))
    await same((x) => x.where((c: Any) => c.data.get('v')), search('<expr>=\\?'))
    await same((x) => x.where((c) => c.data.get('v').eq('a').eq(false)))
    await same((x) => x.select((c) => ({ id: c.id, is: c.data.get('v').eq('a') })))
    await same((x) => x.orderBy((c) => c.data.get('v').asc()).limit(50), /SCAN t0 USING INDEX t@data_get_v$/)
    await same((x) => x.orderBy((c) => c.data.get('v').desc()).limit(50), /SCAN t0 USING INDEX t@data_get_v/)
    await same((x) => x.groupBy((c: Any) => ({ v: c.data.get('v') })).select((c: Any) => ({ v: c.v, n: count() })))
    await same((x) => x.where((c) => c.data.get('deep').get('list').get(1).eq('s3')), /t@data_get_deep_get_list_get_1/)
    await same((x) => x.where((c) => c.data.get('odd "key"').eq(3)), /t@odd \(<expr>=\?\)/)
    await same((x) => x.where((c) => c.data.get('v').eq(c.n)))
    await same((x) => x.where((c) => c.data.get('v').eq(c.data.get('other'))))
  })

  test('over anything that operators make', async () => {
    const every: Record<string, (c: Any) => Any> = {
      regex: (c) => c.name.replaceRegex(/t(e)/i, '<$1>?'),
      matches: (c) => c.name.matches(/^t\w+'?$/iu),
      padded: (c) => c.name.padStart(8, "'").concat('?', c.n.cast(t.string())),
      spread: (c) => c.name.split(',').get(0),
      like: (c) => c.name.like('T%'),
      day: (c) => c.at.strftime("%Y-'%m'?"),
      later: (c) => c.at.addDays(3),
      ahead: (c) => c.at.inZone('UTC').hour(),
      cast: (c) => c.data.get('v').cast(t.int()),
      when: (c) => when(c.n.gt(2), 'big').when(c.n.lt(-2), 'small').otherwise(c.name),
      both: (c) => c.on.and(c.n.gt(0)),
      mapped: (c) =>
        c.data
          .get('deep')
          .get('list')
          .map((x: Any) => x.isNull())
          .get(0),
      has: (c) => c.data.get('deep').get('list').contains('s3'),
      text: (c) => c.data.stringify(),
      upper: (c) => c.data.get('deep').get('list').get(1).upper(),
      long: (c) => c.data.get('deep').get('list').length(),
      bits: (c) => c.id.bitAnd(3).add(c.n.coalesce(0).neg()),
    }
    for (const [name, of] of Object.entries(every)) await table.addIndex(of, { name })
    await table
      .update({ name: 'Tea', n: 5 })
      .where((c) => c.id.lt(50))
      .run()
    await plain
      .update({ name: 'Tea', n: 5 })
      .where((c) => c.id.lt(50))
      .run()
    for (const [name, of] of Object.entries(every)) {
      const key = new RegExp(`INDEX t@${name}\\b`)
      await same((x) => x.orderBy((c: Any) => of(c).asc()).limit(20), key)
      const some = await plain
        .select((c: Any) => ({ value: of(c) }))
        .where((c: Any) => of(c).isNotNull())
        .first()
      await same((x) => x.where((c: Any) => of(c).eq((some as Any).value)), key)
      await same((x) => x.where((c: Any) => of(c).isNull()), key)
    }
  })

  test('a list mixes columns and expressions, and one column alone is that column', async () => {
    await table.addIndex((c) => [c.on, c.data.get('v'), c.id], { name: 'mixed' })
    await table.addIndex((c) => c.name)
    await same((x) => x.where((c) => c.on.eq(true).and(c.data.get('v').eq('a'))), /t@mixed \(on=\? AND <expr>=\?\)/)
    await same((x) => x.where((c) => c.name.eq('text')), /t@name \(name=\?\)/)
    expect(table.describe().orderedIndexes.map(({ name, columns }) => [name, columns])).toEqual([
      ['mixed', ['on', 'data.get("v")', 'id']],
      ['name', ['name']],
    ])
    expect(String(table.describe())).toContain('index mixed on on, data.get("v"), id: ordered')
    const [mixed] = await pxt.indexes('t')
    expect(mixed).toMatchObject({ type: 'btree', method: 'btree', column: 'on, data.get("v"), id', unique: false })
    expect(mixed!.bytes).toBeGreaterThan(0)
  })

  test('through views, joins, and columns that are not stored', async () => {
    await table.addIndex((c) => c.name.lower())
    await table.addIndex((c) => c.data.get('v'))
    const named = await pxt.createView(
      'named',
      table.where((c) => c.id.gte(0)),
    )
    expect(await plan(named.where((c) => c.name.lower().eq('text')))).toContain('t@name_lower (<expr>=?)')
    expect(await named.where((c) => c.name.lower().eq('text')).count()).toBe(120)
    const own = await named.addComputedColumn('loud', (c) => c.name.upper())
    await own.addIndex((c) => c.loud.reverse(), { name: 'back' })
    expect(await plan(own.where((c) => c.loud.reverse().eq('TXET')))).toContain('named@back (<expr>=?)')
    expect(await own.where((c) => c.loud.reverse().eq('TXET')).count()).toBe(120)
    await expect(own.addIndex((c) => c.name.lower())).rejects.toThrow(/'name', a column of 't': add the index there/)

    const keys = await pxt.createTable('keys', { key: t.string() })
    await keys.insert([{ key: 'text' }, { key: 'a' }])
    const joined = keys.join(table, (k, x) => k.key.eq(x.name.lower() as Any), 'left')
    expect(await plan(joined)).toContain('t@name_lower (<expr>=?)')
    expect(await joined.count()).toBe(121)
    const into = keys.join(table, (k, x) => k.key.eq(x.data.get('v')), 'left')
    expect(await plan(into)).toContain('t@data_get_v (<expr>=?)')
    expect(await into.count()).toBe(rows.filter((row) => row.data?.v === 'a').length + 1)

    const lazy = await table.addComputedColumn('v', (c) => c.data.get('v'), { stored: false })
    expect(await plan(lazy.where((c: Any) => c.v.eq('a')))).toContain('t@data_get_v (<expr>=?)')
    await expect(lazy.addIndex((c: Any) => c.v)).rejects.toThrow(
      /not stored and cannot be indexed: index what it is, data/,
    )
  })

  test('the rows of an earlier version are found without', async () => {
    await table.addIndex((c) => c.name.lower())
    const { version } = await table
      .update({ name: 'New' })
      .where((c) => c.name.lower().eq('text'))
      .run()
    expect(await table.where((c) => c.name.lower().eq('text')).count()).toBe(0)
    expect(await table.where((c) => c.name.lower().eq('new')).count()).toBe(120)
    const before = table.asOf(version - 1)
    expect(await before.where((c) => c.name.lower().eq('text')).count()).toBe(120)
    expect(
      await before
        .orderBy((c) => c.name.lower().asc())
        .limit(1)
        .select('name')
        .collect(),
    ).toEqual([{ name: '' }])
    await table.revert()
    expect(await table.where((c) => c.name.lower().eq('text')).count()).toBe(120)
    expect(await plan(table.where((c) => c.name.lower().eq('text')))).toContain('t@name_lower')
    await table.revert()
    expect(table.describe().orderedIndexes).toEqual([])
    expect(await plan(table.where((c) => c.name.lower().eq('text')))).not.toContain('t@name_lower')
    await table
      .delete()
      .where((c) => c.name.lower().eq('text'))
      .run()
    expect(await table.count()).toBe(280)
  })
})

describe('what cannot be indexed is refused before anything is written', () => {
  let pxt: Pixeltable

  beforeEach(async () => {
    pxt = await Pixeltable.open(':memory:')
  })
  afterEach(() => pxt.close())

  test('by the call', async () => {
    const shout = udf({ name: 'shout_for_index', version: 1 }, (text: string) => `${text}!`)
    const table = await pxt.createTable('t', {
      name: t.string(),
      at: t.timestamp(),
      image: t.image().nullable(),
      vector: t.vector(2).nullable(),
      grid: t.array({ dtype: 'float32', shape: [2, 2] }).nullable(),
      data: t.json<Any>().nullable(),
      raw: t.binary().nullable(),
    })
    const other = await pxt.createTable('other', { key: t.string() })
    const version = (await table.history())[0]!.version
    const refuse = (keys: Any, error: Any, message: RegExp) =>
      Promise.all([
        expect(table.addIndex(keys)).rejects.toThrow(error),
        expect(table.addIndex(keys)).rejects.toThrow(message),
      ])
    await refuse((c: Any) => shout(c.name), SchemaError, /cannot call the function shout_for_index@1: add a computed/)
    await refuse((c: Any) => c.name.concat(c.at.strftime('%Y')).eq(shout(c.name)), SchemaError, /cannot call/)
    await refuse(
      (c: Any) => c.name.concat(uuid4()),
      SchemaError,
      /cannot use uuid4\(\), which is another value each time/,
    )
    await refuse(() => count(), QueryError, /aggregates/)
    await refuse((c: Any) => count(c.name), QueryError, /aggregates/)
    await refuse((c: Any) => c.name.in(other.select('key')), QueryError, /subqueries/)
    await refuse((c: Any) => c.name.concat(other.columns.key), QueryError, /another table than 't'/)
    await refuse((c: Any) => sql`lower(${c.name})`, SchemaError, /cannot use sql/)
    await refuse((c: Any) => c._rowid.mod(2), SchemaError, /row id/)
    await refuse((c: Any) => c.at.inZone('Europe/Zurich').hour(), SchemaError, /time zone/)
    await refuse((c: Any) => c.nope.lower(), NotFoundError, /no column 'nope'/)
    await refuse('nope', NotFoundError, /no column 'nope'/)
    await refuse((c: Any) => c.image, SchemaError, /a image column cannot be indexed/)
    await refuse((c: Any) => c.vector, SchemaError, /a vector column cannot be indexed/)
    await refuse((c: Any) => c.grid.at(0, 1), SchemaError, /a array column cannot be indexed/)
    await refuse((c: Any) => c.raw, SchemaError, /a binary column cannot be indexed/)
    await refuse((c: Any) => c.name.errorMessage(), QueryError, /errors of cells/)
    await refuse(() => 5, QueryError, /expected an expression such as c.name.lower\(\), got the number 5/)
    await refuse((c: Any) => c.name.desc(), QueryError, /expected an expression/)
    await refuse((c: Any) => ['name', c.at], QueryError, /expected an expression/)
    await refuse(() => [], SchemaError, /at least one/)
    await refuse([], SchemaError, /at least one/)
    await refuse(5, QueryError, /expected names of columns/)
    const constant = table.columns.name.concat('x')
    await refuse(constant, QueryError, /or a callback/)
    await table.addIndex((c) => c.at.inZone('UTC').hour(), { name: 'hours' })
    await expect(table.addIndex((c) => c.name.lower(), { name: 'HOURS' })).rejects.toThrow(ExistsError)
    await expect(table.addIndex((c) => c.name.lower(), { name: 'errors' })).rejects.toThrow(/reserved/)
    expect((await table.history()).map((v) => v.version)).toEqual([version + 2, version])
    expect(table.describe().orderedIndexes.map(({ name }) => name)).toEqual(['hours'])
  })

  test('by ifExists', async () => {
    const table = await pxt.createTable('t', { name: t.string(), n: t.int() })
    await table.addIndex((c) => c.name.lower())
    await table.addIndex((c) => c.name.lower(), { ifExists: 'ignore' })
    await table.addIndex((c) => c.n.add(1), { name: 'name_lower', ifExists: 'ignore' })
    expect(table.describe().orderedIndexes.map(({ column }) => column)).toEqual(['name.lower()'])
    await table.addIndex((c) => c.n.add(1), { name: 'name_lower', ifExists: 'replace' })
    expect(table.describe().orderedIndexes.map(({ column }) => column)).toEqual(['n.add(1)'])
    expect(await plan(table.where((c) => c.n.add(1).eq(3)))).toContain('t@name_lower (<expr>=?)')
    await table.addIndex('n', { ifExists: 'ignore' })
    await table.addIndex('n', { ifExists: 'ignore' })
    expect(table.describe().orderedIndexes).toHaveLength(2)
  })
})

describe('unique expressions', () => {
  let pxt: Pixeltable

  beforeEach(async () => {
    pxt = await Pixeltable.open(':memory:')
  })
  afterEach(() => pxt.close())

  test('are a constraint of insert, update and upsert', async () => {
    const users = await pxt.createTable('users', { id: t.int(), email: t.string().nullable() }, { primaryKey: ['id'] })
    await users.insert([
      { id: 1, email: 'Ann@x' },
      { id: 2, email: 'bob@x' },
      { id: 3, email: null },
    ])
    await users.addIndex((c) => c.email.lower(), { unique: true })
    const violation =
      /the unique constraint 'email_lower' has that value already \(email\.lower\(\)\); nothing was written/
    await expect(
      users.insert([
        { id: 5, email: 'c' },
        { id: 4, email: 'ANN@x' },
      ]),
    ).rejects.toThrow(violation)
    await expect(users.insert({ id: 4, email: 'ANN@x' })).rejects.toMatchObject({ row: 0, column: 'email' })
    await expect(users.insert({ id: 4, email: 'ANN@x' })).rejects.toThrow(ValidationError)
    await expect(users.update({ email: 'BOB@X' }).where({ id: 1 }).run()).rejects.toThrow(violation)
    await expect(users.upsert({ id: 3, email: 'ann@X' })).rejects.toThrow(violation)
    await expect(users.upsert({ id: 9, email: 'ann@X' })).rejects.toThrow(violation)
    await users.insert([{ id: 4, email: null }])
    await users.update({ email: 'ANN@X' }).where({ id: 1 }).run()
    expect(await users.orderBy('id').select('email').collect()).toEqual(
      ['ANN@X', 'bob@x', null, null].map((email) => ({ email })),
    )
    await users.revert()
    expect(
      await users
        .where((c) => c.email.lower().eq('ann@x'))
        .select('email')
        .collect(),
    ).toEqual([{ email: 'Ann@x' }])
  })

  test('tell JSON of different kinds apart, and go with columns', async () => {
    const table = await pxt.createTable('t', { kind: t.string(), data: t.json<Any>() })
    await table.addIndex((c) => [c.kind, c.data.get('sku')], { name: 'sku', unique: true })
    await table.insert(
      [1, '1', true, false, 0, '0', null, null, { a: 1 }, '{"a":1}'].map((sku) => ({ kind: 'a', data: { sku } })),
    )
    await table.insert([
      { kind: 'b', data: { sku: 1 } },
      { kind: 'a', data: {} },
      { kind: 'a', data: {} },
    ])
    for (const sku of [1, '1', true, { a: 1 }]) {
      await expect(table.insert({ kind: 'a', data: { sku } })).rejects.toThrow(
        /'sku' has that value already \(kind = "a", data\.get\("sku"\)\)/,
      )
    }
    expect(await plan(table.where((c) => c.kind.eq('a').and(c.data.get('sku').eq(1))))).toContain(
      't@sku (kind=? AND <expr>=?)',
    )
    expect(await table.where((c) => c.kind.eq('a').and(c.data.get('sku').eq(1))).count()).toBe(1)
  })

  test('are refused where rows are equal, and nothing is left of them', async () => {
    const table = await pxt.createTable('t', { name: t.string() })
    await table.insert([{ name: 'a' }, { name: 'A' }])
    await expect(table.addIndex((c) => c.name.lower(), { unique: true })).rejects.toThrow(
      /equal where the index 'name_lower' wants them unique/,
    )
    expect(table.describe().orderedIndexes).toEqual([])
    await table.insert({ name: 'a' })
    await table.addIndex((c) => c.name.lower())
    await expect(
      table.addIndex((c) => c.name.lower(), { name: 'name_lower', ifExists: 'replace', unique: true }),
    ).rejects.toThrow(ValidationError)
    expect(await plan(table.where((c) => c.name.lower().eq('a')))).toContain('t@name_lower')
    await table.delete().where({ name: 'a' }).run()
    await table.addIndex((c) => c.name.lower(), { name: 'name_lower', ifExists: 'replace', unique: true })
    await expect(table.insert({ name: 'a' })).rejects.toThrow(/'name_lower'/)
    await table.dropIndex('name_lower')
    await table.insert({ name: 'a' })
  })

  test('of computed columns', async () => {
    const table = await pxt.createTable('t', { name: t.string() })
    const trimmed = await table.addComputedColumn('trimmed', (c) => c.name.trim())
    await trimmed.addIndex((c) => c.trimmed.lower(), { unique: true, name: 'u' })
    await trimmed.insert({ name: ' a ' })
    await expect(trimmed.insert({ name: 'A' })).rejects.toThrow(/'u'/)
    await expect(trimmed.insert([{ name: 'z' }], { compute: 'deferred' })).rejects.toThrow(
      /unique index 'u' reads computed/,
    )
  })
})

describe('indexes over expressions stay', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pxt-ordered-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('when the file is opened again, also by two at once and by other tools', async () => {
    const path = join(folder, 'a.db')
    const first = await Pixeltable.open(path)
    const made = await first.createTable('t', { name: t.string(), data: t.json<Any>() })
    await made.insert({ name: 'Ann', data: { v: 1 } })
    const waiting = await Pixeltable.open(path)
    const seen = await waiting.getTable('t', { name: t.string(), data: t.json<Any>() })
    expect(await seen.count()).toBe(1)
    await made.addIndex((c) => [c.name.lower(), c.data.get('v')], { name: 'i', unique: true })
    // It has not compiled the expression itself.
    await seen.insert({ name: 'Bob', data: { v: 2 } })
    await expect(seen.insert({ name: 'BOB', data: { v: 2 } })).rejects.toThrow(/'i'/)
    waiting.close()
    first.close()

    const tool = new Database(path)
    expect(tool.prepare('SELECT name FROM t ORDER BY name').pluck().all()).toEqual(['Ann', 'Bob'])
    expect(tool.pragma('quick_check', { simple: true })).toBe('ok')
    tool.close()

    const again = await Pixeltable.open(path)
    const table = await again.getTable('t', { name: t.string(), data: t.json<Any>() })
    expect(table.describe().orderedIndexes).toMatchObject([{ column: 'name.lower(), data.get("v")', unique: true }])
    await expect(table.insert({ name: 'ann', data: { v: 1 } })).rejects.toThrow(/'i'/)
    const query = table.where((c) => c.name.lower().eq('bob').and(c.data.get('v').eq(2)))
    expect(await plan(query)).toContain('t@i (<expr>=? AND <expr>=?)')
    expect(await query.count()).toBe(1)
    await again.vacuum({ keepVersions: 1 })
    expect(await query.count()).toBe(1)
    await again.move('t', 'renamed')
    const renamed = await again.getTable('renamed', { name: t.string(), data: t.json<Any>() })
    await expect(renamed.insert({ name: 'ann', data: { v: 1 } })).rejects.toThrow(/'i'/)
    expect(await plan(renamed.where((c) => c.name.lower().eq('bob')))).toContain('renamed@i (<expr>=?)')
    again.close()
  })

  test('when the functions in them changed meanwhile: they are made again', async () => {
    const path = join(folder, 'c.db')
    const first = await Pixeltable.open(path)
    const made = await first.createTable('t', { name: t.string() })
    await made.insert([{ name: 'Ann' }, { name: 'Bob' }])
    await made.addIndex((c) => c.name.lower(), { name: 'i', unique: true })
    first.close()
    const older = new Database(path)
    older.function('pxt_lower', { deterministic: true, varargs: true }, (text: Any) => `old ${text}`)
    older.exec(`REINDEX "t@i"; UPDATE pxt_meta SET value = 0 WHERE key = 'functions'`)
    older.close()
    const second = await Pixeltable.open(path)
    const table = await second.getTable('t', { name: t.string() })
    await expect(table.insert({ name: 'ANN' })).rejects.toThrow(/'i'/)
    await table.delete().where({ name: 'Bob' }).run()
    expect(await table.where((c) => c.name.lower().eq('ann')).collect()).toEqual([{ name: 'Ann' }])
    expect(await plan(table.where((c) => c.name.lower().eq('ann')))).toContain('t@i')
    second.close()
  })

  test('when what another process adds has the number of what was rolled back here', async () => {
    const path = join(folder, 'd.db')
    const here = await Pixeltable.open(path)
    const table = await here.createTable('t', { name: t.string() })
    const there = await Pixeltable.open(path)
    const other = await there.getTable('t', { name: t.string() })
    const failing = here.transaction(async () => {
      await table.addIndex('name')
      await table.insert({ name: 'a' })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    await other.addIndex((c) => c.name.lower(), { unique: true })
    await table.insert({ name: 'a' })
    await expect(table.insert({ name: 'A' })).rejects.toThrow(/name_lower/)
    there.close()
    here.close()
  })

  test('in a process that only sweeps', async () => {
    const path = join(folder, 'b.db')
    const first = await Pixeltable.open(path)
    const made = await first.createTable('t', { name: t.string() })
    await made.addIndex((c) => c.name.title().swapCase(), { name: 'odd' })
    await made.insert([{ name: 'a' }, { name: 'b' }])
    await made.delete().where({ name: 'a' }).run()
    first.close()
    const second = await Pixeltable.open(path)
    await second.vacuum({ keepVersions: 1 })
    const again = await second.getTable('t')
    expect(await plan(again.where((c: Any) => c.name.title().swapCase().eq('b')))).toContain('t@odd')
    second.close()
  })

  test('when columns are renamed, dropped, and replaced', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const made = await pxt.createTable('t', { name: t.string(), n: t.int(), left: t.int() })
    await made.addIndex((c) => c.name.lower(), { name: 'by_name', unique: true })
    await made.addIndex((c) => [c.n.add(1), c.name.length()], { name: 'both' })
    await made.insert({ name: 'Ann', n: 1, left: 0 })
    const renamed = await made.renameColumn('name', 'title')
    expect(renamed.describe().orderedIndexes.map(({ column }) => column)).toEqual([
      'title.lower()',
      'n.add(1), title.length()',
    ])
    expect(await plan(renamed.where((c) => c.title.lower().eq('ann')))).toContain('t@by_name (<expr>=?)')
    await expect(renamed.insert({ title: 'ANN', n: 1, left: 0 })).rejects.toThrow(/'by_name'.*title\.lower\(\)/)
    // As those of columns: indexes go with a column, constraints over several columns hold it.
    const without = await renamed.dropColumn('n')
    expect(without.describe().orderedIndexes.map(({ name }) => name)).toEqual(['by_name'])
    await without.revert()
    expect(await plan(renamed.where((c) => c.n.add(1).eq(2)))).toContain('t@both (<expr>=?)')
    await renamed.addIndex((c) => c.n.add(c.left), { unique: true, name: 'sum' })
    await expect(renamed.dropColumn('n')).rejects.toThrow(DependencyError)
    await expect(renamed.dropColumn('n')).rejects.toThrow(/the unique constraint 'sum'/)
    await (await renamed.dropColumn('title')).insert({ n: 5, left: 5 })
    pxt.close()
  })

  test('over computed columns that get another expression', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const made = await pxt.createTable('t', { name: t.string() })
    const low = await made.addComputedColumn('low', (c) => c.name.lower())
    await low.addIndex('low', { unique: true })
    await low.addIndex((c) => c.low.length(), { name: 'long' })
    await low.insert([{ name: 'Ann' }, { name: 'Bo' }])
    const high = await low.alterComputedColumn('low', (c) => c.name.upper().concat('!'))
    expect(await plan(high.where((c) => c.low.eq('ANN!')))).toContain('t@low (low=?)')
    expect(await plan(high.where((c) => c.low.length().eq(4)))).toContain('t@long (<expr>=?)')
    expect(
      await high
        .where((c) => c.low.length().eq(4))
        .select('name')
        .collect(),
    ).toEqual([{ name: 'Ann' }])
    await expect(high.insert({ name: 'ann' })).rejects.toThrow(/'low'/)
    await expect(high.alterComputedColumn('low', (c) => c.name.split(' '))).resolves.toBeDefined()
    await high.revert()
    await high.revert()
    expect(
      await low
        .where((c) => c.low.length().eq(3))
        .select('low')
        .collect(),
    ).toEqual([{ low: 'ann' }])
    expect(await plan(low.where((c) => c.low.length().eq(3)))).toContain('t@long (<expr>=?)')
    await expect(low.insert({ name: 'ANN' })).rejects.toThrow(/'low'/)
    pxt.close()
  })

  test('over the results of a function whose type is known only later', async () => {
    const guess = udf({ name: 'guess_for_index', version: 1 }, (text: string) => text.toUpperCase())
    const pxt = await Pixeltable.open(':memory:')
    const made = await pxt.createTable('t', { name: t.string() })
    const guessed = await made.addComputedColumn('guess', (c) => guess(c.name))
    await guessed.addIndex((c) => c.guess.lower(), { name: 'g' })
    await guessed.insert([{ name: 'Ann' }, { name: 'Bo' }])
    const found = guessed.where((c) => c.guess.lower().eq('ann'))
    expect(await found.select('name').collect()).toEqual([{ name: 'Ann' }])
    expect(await plan(found)).toContain('t@g (<expr>=?)')
    pxt.close()
  })
})

describe('declared indexes over expressions', () => {
  test('are made, kept, replaced and dropped', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const Base = declare('t', { name: t.string(), data: t.json<Any>() }).computed('low', (c) => c.name.lower())
    const One = Base.index((c) => [c.data.get('v'), c.low]).index((c) => c.low.length(), { name: 'long' })
    const steps = async (it: Any, options = {}) => (await pxt.sync({ it }, { dryRun: true, ...options })).steps
    const { it: made } = await pxt.sync({ it: One })
    await made.insert({ name: 'Ann', data: { v: 1 } })
    expect(await steps(One)).toEqual([])
    expect(await plan(made.where((c) => c.data.get('v').eq(1)))).toContain('t@data_get_v_low (<expr>=?)')
    const Two = Base.index((c) => [c.data.get('v'), c.low]).index((c) => c.low.length().add(1), {
      name: 'long',
      unique: true,
    })
    expect(await steps(Two)).toEqual([
      { kind: 'replaceIndex', table: 't', index: 'long', from: 'on low.length()', to: 'unique on low.length().add(1)' },
    ])
    await pxt.sync({ it: Two })
    await expect(made.insert({ name: 'Bob', data: {} })).rejects.toThrow(/'long'/)
    const Three = Base.index((c) => c.name.upper())
    expect(await steps(Three, { prune: true })).toEqual([
      { kind: 'addIndex', table: 't', index: 'name_upper', columns: ['name.upper()'] },
      { kind: 'dropIndex', table: 't', index: 'long' },
      { kind: 'dropIndex', table: 't', index: 'data_get_v_low' },
    ])
    await pxt.sync({ it: Three }, { prune: true })
    expect(made.describe().orderedIndexes.map(({ column }) => column)).toEqual(['name.upper()'])
    await expect(pxt.sync({ it: Base.index((c) => c.name.concat(uuid4())) })).rejects.toThrow(/uuid4\(\)/)
    const Lower = view(
      'v',
      Base.where((c) => c.low.eq('ann')),
    )
      .computed('up', (c) => c.low.upper())
      .index((c) => c.up.reverse())
    const { v } = await pxt.sync({ it: Three, v: Lower })
    expect(await plan(v.where((c) => c.up.reverse().eq('NNA')))).toContain('v@up_reverse (<expr>=?)')
    pxt.close()
  })
})
