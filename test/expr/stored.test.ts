import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Pixeltable, t, udf, uuid4, when } from '../../src/index.js'

const folder = mkdtempSync(join(tmpdir(), 'pixeltable-expr-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const boxes = [
  { label: 'cat', score: 0.9 },
  { label: 'dog', score: 0.4 },
]

test('computed columns keep lambdas, choices, casts and patterns in the file', async () => {
  const path = join(folder, 'stored.db')
  const pxt = await Pixeltable.open(path)
  const photos = await pxt.createTable('photos', {
    name: t.string(),
    taken: t.timestamp(),
    boxes: t.json<typeof boxes>(),
    least: t.float(),
  })
  await photos
    .addComputedColumn('labels', (c) =>
      c.boxes
        .filter((x) => x.get('score').gte(c.least))
        .sortBy((x) => x.get('label').desc())
        .all()
        .get('label'),
    )
    .then((t1) => t1.addComputedColumn('kind', (c) => when(c.name.matches(/\.jpe?g$/i), 'photo').otherwise(null)))
    .then((t2) => t2.addComputedColumn('number', (c) => c.name.findAll(/\d+/).get(0).cast(t.int())))
    .then((t3) => t3.addComputedColumn('hour', (c) => c.taken.inZone('Europe/Zurich').hour()))
    .then((t4) => t4.addComputedColumn('key', () => uuid4()))
  pxt.close()

  const again = await Pixeltable.open(path)
  const table = await again.getTable('photos')
  await table.insert({ name: 'IMG_12.JPG', taken: new Date('2026-07-01T10:00:00Z'), boxes, least: 0.5 })
  await table.insert({ name: 'x.png', taken: new Date('2026-01-01T10:00:00Z'), boxes, least: 0 })
  const [one, two] = await table.collect()
  expect(one).toMatchObject({ labels: ['cat'], kind: 'photo', number: 12, hour: 12 })
  expect(two).toMatchObject({ labels: ['dog', 'cat'], kind: null, number: null, hour: 11 })
  expect(one!.key).not.toBe(two!.key)
  // What was stored is what was made, once.
  expect((await table.collect())[0]!.key).toBe(one!.key)
  again.close()
})

test('the types of computed columns follow from their operands', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const table = await pxt.createTable('n', {
    i: t.int(),
    x: t.float(),
    g: t.bigint(),
    s: t.string(),
    at: t.timestamp(),
  })
  const wide = await table
    .addComputedColumn('a', (c) => c.i.add(1))
    .then((one) => one.addComputedColumn('b', (c) => c.i.add(0.5)))
    .then((two) => two.addComputedColumn('c', (c) => c.g.floorDiv(2)))
    .then((three) => three.addComputedColumn('d', (c) => c.at.date()))
    .then((four) => four.addComputedColumn('e', (c) => c.s.split()))
    .then((five) => five.addComputedColumn('f', (c) => when(c.i.gt(1), c.i).otherwise(c.x)))
  expect(
    wide
      .describe()
      .columns.map(({ name, type }) => `${name} ${type}`)
      .slice(5),
  ).toEqual(['a int', 'b float', 'c bigint', 'd date', 'e json', 'f float'])
  pxt.close()
})

test('a lambda may call a function: JavaScript then computes it, over all elements in one go', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const batches: number[] = []
  const shout = udf({ name: 'stored_shout', version: 1, batchSize: 100 }, (words: string[]) => {
    batches.push(words.length)
    return words.map((word) => `${word.toUpperCase()}!`)
  })
  const table = await pxt.createTable('lists', { words: t.json<string[]>(), end: t.string() })
  await table.insert([
    { words: ['a', 'b'], end: '?' },
    { words: [], end: '?' },
    { words: ['c'], end: '.' },
  ])
  const query = table.select((c) => ({ loud: c.words.map((x) => shout(x).concat(c.end.repeat(2))) }))
  expect(await query.collect()).toEqual([{ loud: ['A!??', 'B!??'] }, { loud: [] }, { loud: ['C!..'] }])
  expect(batches).toEqual([3])
  expect(
    await table
      .where((c) =>
        c.words
          .filter((x) => shout(x).eq('C!'))
          .length()
          .gt(0),
      )
      .count(),
  ).toBe(1)
  const failing = udf({ name: 'stored_failing', version: 1 }, (word: string) => {
    if (word === 'c') throw new Error('no c')
    return word
  })
  await expect(table.select((c) => ({ x: c.words.map((x) => failing(x)) })).collect()).rejects.toThrow(/no c/)
  pxt.close()
})

test('toSQL shows bridges, and binds what lambdas are', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const table = await pxt.createTable('lists', { words: t.json<string[]>(), n: t.int(), s: t.string() })
  const query = table.select((c) => ({
    a: c.s.capitalize(),
    b: c.n.floorDiv(2),
    c: c.words.map((x) => x.padEnd(c.n, "'")),
    d: c.s.length(),
  }))
  expect(query.toSQL()).toEqual({
    sql: 'SELECT pxt_capitalize(t0."s") AS "a", pxt_floorDiv__number_number_int(t0."n", ?) AS "b", pxt_map__json_number(t0."words", ?, t0."n") AS "c", iif(instr(t0."s", char(0)) = 0, length(t0."s"), pxt_length(t0."s")) AS "d" FROM "lists" AS t0 ORDER BY t0._rowid',
    params: [2, expect.stringContaining('"operator":"padEnd"')],
  })
  await table.insert({ words: ['a', 'bcd'], n: 2, s: 'éT' })
  expect(await query.collect()).toEqual([{ a: 'Ét', b: 1, c: ["a'", 'bcd'], d: 2 }])
  pxt.close()
})

test('properties of media, in SQL and in JavaScript', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const path = join(folder, 'with space.txt')
  writeFileSync(path, 'hello')
  const table = await pxt.createTable('files', { file: t.document({ store: 'reference' }) })
  const copied = await pxt.createTable('copies', { file: t.document() })
  await table.insert({ file: path })
  await copied.insert({ file: path })
  const same = udf({ name: 'stored_same', version: 1 }, (x: any) => x)
  for (const of of [(c: any) => c.file, (c: any) => same(c.file)]) {
    const found = await table.select((c) => ({ path: of(c).path, size: of(c).size, name: of(c).name.length() })).first()
    expect(found).toEqual({ path, size: 5, name: 14 })
    expect(await copied.select((c) => ({ path: of(c).path })).first()).toEqual({ path: null })
  }
  pxt.close()
})
