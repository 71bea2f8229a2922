import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DependencyError, ExistsError, NotFoundError, Pixeltable, SchemaError, t } from '../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

describe('directories', () => {
  test('hold tables and directories; are listed, and dropped when empty or by force', async () => {
    await pxt.createDir('app')
    await pxt.createDir('app.inner')
    await pxt.createDir('app', { ifExists: 'ignore' })
    await expect(pxt.createDir('no.parent')).rejects.toThrow(NotFoundError)
    await pxt.createTable('app.one', { a: t.int() })
    await pxt.createTable('app.inner.two', { a: t.int() })
    await pxt.createTable('top', { a: t.int() })
    expect(await pxt.listDirs()).toEqual(['app', 'app.inner'])
    expect(await pxt.listTables()).toEqual(['app.inner.two', 'app.one', 'top'])
    expect(await pxt.listTables('app', { recursive: false })).toEqual(['app.one'])
    const error = await pxt.dropDir('app').catch((e: unknown) => e)
    expect(error).toBeInstanceOf(DependencyError)
    expect((error as DependencyError).dependents).toEqual(['app.inner', 'app.one', 'app.inner.two'])
    await pxt.dropDir('app', { force: true })
    expect(await pxt.listTables()).toEqual(['top'])
    await expect(pxt.dropDir('app')).rejects.toThrow(NotFoundError)
    await pxt.dropDir('app', { ifNotExists: 'ignore' })
  })

  test('dropping by force takes views elsewhere along', async () => {
    await pxt.createDir('app')
    const base = await pxt.createTable('app.base', { a: t.int() })
    await pxt.createView('elsewhere', base)
    await pxt.dropDir('app', { force: true })
    expect(await pxt.listTables()).toEqual([])
  })

  test('tables and directories move, with data, keys, views and indexes', async () => {
    await pxt.createDir('a')
    const base = await pxt.createTable('a.base', { k: t.string(), v: t.vector(2) }, { primaryKey: ['k'] })
    const indexed = await base.addEmbeddingIndex('v')
    await indexed.insert({ k: 'x', v: [1, 0] })
    const view = await pxt.createView('a.view', indexed)
    await pxt.move('a', 'b')
    expect(await pxt.listTables()).toEqual(['b.base', 'b.view'])
    // Handles follow.
    expect(view.name).toBe('b.view')
    expect(await view.select('k').collect()).toEqual([{ k: 'x' }])
    await expect(indexed.insert({ k: 'x', v: [0, 1] })).rejects.toThrow(/duplicate primary key/)
    expect(await indexed.similarity('v', [1, 0]).count()).toBe(1)
    await pxt.move('b.base', 'base')
    await indexed.insert({ k: 'y', v: [0, 1] })
    expect(await view.count()).toBe(2)
    await expect(pxt.move('b', 'b.inner')).rejects.toThrow(SchemaError)
    await expect(pxt.move('base', 'b.view')).rejects.toThrow(ExistsError)
    await expect(pxt.move('nope', 'x')).rejects.toThrow(NotFoundError)
  })

  test('a table is replaced, or taken as it is', async () => {
    const first = await pxt.createTable('t', { a: t.int() })
    await first.insert({ a: 1 })
    const same = await pxt.createTable('t', { a: t.int() }, { ifExists: 'ignore' })
    expect(await same.count()).toBe(1)
    await expect(pxt.createTable('t', { a: t.string() }, { ifExists: 'ignore' })).rejects.toThrow(SchemaError)
    const fresh = await pxt.createTable('t', { b: t.string() }, { ifExists: 'replace' })
    expect(await fresh.count()).toBe(0)
    await expect(first.count()).rejects.toThrow(NotFoundError)
  })
})

test('image columns know width, height and format, and filter by them in SQL', async () => {
  const image = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#37f' } })
  const photos = await pxt.createTable('photos', { image: t.image() })
  await photos.insert([
    { image: await image(40, 30).png().toBuffer() },
    { image: new Blob([new Uint8Array(await image(8, 9).jpeg().toBuffer())]) },
  ])
  const query = photos
    .where((c) => c.image.width.gt(10))
    .select((c) => ({ width: c.image.width, height: c.image.height, format: c.image.format, mime: c.image.mime }))
  expect(query.toSQL().sql).toContain(`(t0."image" ->> '$.width') > ?`)
  expect(await query.collect()).toEqual([{ width: 40, height: 30, format: 'png', mime: 'image/png' }])
  const [, small] = await photos.collect()
  expect(small!.image.width).toBe(8)
  const { data, info } = await sharp(await small!.image.bytes())
    .raw()
    .toBuffer({ resolveWithObject: true })
  expect([info.width, info.height, data.length]).toEqual([8, 9, 8 * 9 * 3])
  await expect(photos.insert({ image: new TextEncoder().encode('no image') })).rejects.toThrow(/image column expects/)
  expect(await photos.count()).toBe(2)
})
