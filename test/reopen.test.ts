import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { NotFoundError, Pixeltable, sentenceTransformer, t, udf } from '../src/index.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const potion = fileURLToPath(new URL('../../shared/data/models/potion-base-2M/', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'pixeltable-reopen-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a program in a process of its own, which defines functions that this one does not. */
function elsewhere(program: string): string {
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root, encoding: 'utf8' })
}

const create = (path: string): string => `
  import { Pixeltable, t, udf } from 'pixeltable'
  const pxt = await Pixeltable.open(${JSON.stringify(path)})
  const notes = await pxt.createTable('notes', { text: t.string(), stars: t.int().default(() => 3) })
  const backwards = udf({ name: 'reopen_backwards', version: 1 }, (text) => [...text].reverse().join(''))
  const computed = await notes.addComputedColumn('backwards', (c) => backwards(c.text))
  const embed = { name: 'reopen_model', version: 1, embed: async (texts) => texts.map((x) => [x.length, 1]) }
  const indexed = await computed.addEmbeddingIndex('text', { embed, name: 'meaning' })
  await indexed.insert({ text: 'abc' })
  pxt.close()
`

describe('a file of another process', () => {
  test('reads without its functions; a missing one is an error when it is needed, and writes nothing', async () => {
    const path = join(folder, 'missing.db')
    elsewhere(create(path))
    const pxt = await Pixeltable.open(path)
    const notes = await pxt.getTable('notes')
    expect(await notes.collect()).toEqual([{ text: 'abc', stars: 3, backwards: 'cba' }])
    expect(await notes.similarity('text', { vector: [3, 1] }).count()).toBe(1)
    await expect(notes.insert({ text: 'x', stars: 1 })).rejects.toThrow(/'reopen_backwards' is needed.*\{ functions \}/)
    await expect(notes.similarity('text', 'x').collect()).rejects.toThrow(/'reopen_model' is needed/)
    await expect(notes.insert({ text: 'x' })).rejects.toThrow(/default of column 'stars'.*getTable\('notes', schema\)/)
    await expect(notes.similarity('text', 'x').collect()).rejects.toThrow(NotFoundError)
    expect(await notes.count()).toBe(1)
    pxt.close()
  })

  test('works again with functions given to open, and the schema to getTable', async () => {
    const path = join(folder, 'given.db')
    elsewhere(create(path))
    const backwards = udf({ name: 'reopen_backwards', version: 1 }, (text: string) => [...text].reverse().join(''))
    const model = {
      name: 'reopen_model',
      version: 1,
      embed: async (texts: readonly (string | Uint8Array)[]) => texts.map((x) => [x.length, 1]),
    }
    // As a module namespace would be.
    const pxt = await Pixeltable.open(path, { functions: { backwards, model, other: 5 } })
    const notes = await pxt.getTable('notes', { text: t.string(), stars: t.int().default(() => 4) })
    await notes.insert({ text: 'xyz' })
    expect((await notes.tail(1))[0]).toMatchObject({ text: 'xyz', stars: 4, backwards: 'zyx' })
    expect(await notes.similarity('text', 'q').count()).toBe(2)
    await expect(pxt.getTable('notes', { text: t.int() })).rejects.toThrow(/does not fit the schema: column 'text'/)
    pxt.close()
    await expect(Pixeltable.open(path, { functions: [5] })).rejects.toThrow(/made by udf/)
  })

  test('shows the writes of the other at once', async () => {
    const path = join(folder, 'both.db')
    const pxt = await Pixeltable.open(path)
    const numbers = await pxt.createTable('numbers', { n: t.int() })
    const output = elsewhere(`
      import { Pixeltable } from 'pixeltable'
      const pxt = await Pixeltable.open(${JSON.stringify(path)})
      const numbers = await pxt.getTable('numbers')
      await numbers.addComputedColumn('twice', (c) => c.n.mul(2))
      await numbers.insert([{ n: 1 }, { n: 2 }])
      console.log(await numbers.count())
      pxt.close()
    `)
    expect(output.trim()).toBe('2')
    // This process computes the column that the other one added.
    await numbers.insert({ n: 3 })
    expect(await (await pxt.getTable('numbers')).collect()).toEqual([
      { n: 1, twice: 2 },
      { n: 2, twice: 4 },
      { n: 3, twice: 6 },
    ])
    pxt.close()
  })
})

describe.skipIf(!existsSync(potion))('sentenceTransformer', () => {
  test('indexes a column with a model of a local folder, and finds it again by its name', async () => {
    const path = join(folder, 'potion.db')
    const pxt = await Pixeltable.open(path)
    const notes = await (await pxt.createTable('notes', { text: t.string() })).addEmbeddingIndex('text', {
      embed: sentenceTransformer(potion),
    })
    await notes.insert([{ text: 'The cat sat on the mat.' }, { text: 'Interest rates rose again.' }])
    pxt.close()
    const again = await Pixeltable.open(path)
    const opened = await again.getTable('notes')
    await opened.insert({ text: 'A kitten lies on the rug.' })
    const hits = await opened.similarity('text', 'a small pet at rest').select('text').collect()
    expect(hits.map((row) => row.text).at(-1)).toBe('Interest rates rose again.')
    expect((await again.indexes())[0]).toMatchObject({
      embedder: expect.stringMatching(/^sentence-transformer:potion-base-2M/),
      dimensions: 64,
    })
    again.close()
  })
})

test('validators come back with the schema', async () => {
  const path = join(folder, 'schema.db')
  writeFileSync(join(folder, 'note.txt'), 'A note.')
  const { z } = await import('zod')
  const schema = { meta: t.json(z.object({ n: z.number() })), file: t.document() }
  const pxt = await Pixeltable.open(path, { mediaDir: folder })
  const rows = await pxt.createTable('rows', schema)
  await expect(rows.insert({ meta: { n: 'x' } as never, file: 'note.txt' })).rejects.toThrow(/fits the schema: n:/)
  await rows.insert({ meta: { n: 1 }, file: 'note.txt' })
  pxt.close()
  const again = await Pixeltable.open(path)
  const typed = await again.getTable('rows', schema)
  await expect(typed.insert({ meta: {} as never, file: new Blob(['x'], { type: 'text/plain' }) })).rejects.toThrow(
    /fits the schema/,
  )
  const { file } = await typed.firstOrThrow()
  expect(await file.text()).toBe('A note.')
  expect(file.name).toBe('note.txt')
  again.close()
})
