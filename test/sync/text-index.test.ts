import { expect, test } from 'vitest'
import { Pixeltable, t, table, view } from '../../src/index.js'

const plain = () => table('notes', { title: t.string(), text: t.string() })

test('sync adds, keeps, replaces and drops full-text indexes', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const { notes } = await pxt.sync({ notes: plain() })
  await notes.insert({ title: 'Tea', text: 'Steeps for three minutes' })
  const English = plain().textIndex('text', { language: 'en' })
  const added = await pxt.sync({ notes: English }, { dryRun: true })
  expect(String(added)).toBe("add index 'text_text' to 'notes' on text: text, en")
  const { notes: english } = await pxt.sync({ notes: English })
  expect(await english.match('text', 'steeping').count()).toBe(1)
  expect((await pxt.sync({ notes: English }, { dryRun: true })).isEmpty).toBe(true)

  // Other settings replace the index over the same columns, in the words of the plan.
  const Plain = plain().textIndex('text', { prefix: [2] })
  const replaced = await pxt.sync({ notes: Plain }, { dryRun: true })
  expect(String(replaced)).toBe(
    "replace index 'text_text' of 'notes': text of text; none, prefix 2, was text of text; en",
  )
  expect(await (await pxt.sync({ notes: Plain })).notes.match('text', 'steeping').count()).toBe(0)
  expect((await pxt.sync({ notes: Plain }, { dryRun: true })).isEmpty).toBe(true)

  // Two over the same column stay apart by name.
  const Two = plain()
    .textIndex('text', { prefix: [2] })
    .textIndex('text', { language: 'en', name: 'english' })
  const { notes: two } = await pxt.sync({ notes: Two })
  expect(await two.match('text', 'steeping', { index: 'english' }).count()).toBe(1)
  const Weighted = plain().textIndex({ title: 2, text: 1 }, { name: 'english', language: 'en' })
  const pruned = await pxt.sync({ notes: Weighted }, { dryRun: true, prune: true })
  expect(String(pruned).split('\n')).toEqual([
    "replace index 'english' of 'notes': text of title (2), text; en, was text of text; en",
    "drop index 'text_text' of 'notes'",
  ])
  await pxt.sync({ notes: Weighted }, { prune: true })
  expect((await pxt.indexes()).map(({ name }) => name)).toEqual(['english'])
  expect(String(await pxt.sync({ notes: plain() }, { dryRun: true }))).toBe(
    "drop index 'english' of 'notes' (only with { prune: true })",
  )
})

test('on views, and on columns that are declared beside', async () => {
  const Notes = plain().computed('loud', (c) => c.text.upper())
  const Long = view(
    'long',
    Notes.where((c) => c.text.length().gt(3)),
  ).textIndex({ loud: 1, title: 2 })
  const pxt = await Pixeltable.open(':memory:')
  const { notes, long } = await pxt.sync({ notes: Notes, long: Long })
  await notes.insert([
    { title: 'Tea', text: 'Steeps' },
    { title: 'Tea', text: 'no' },
  ])
  expect(await long.match('loud', 'steeps').select('title').collect()).toEqual([{ title: 'Tea' }])
  expect(await long.match('title', 'tea').count()).toBe(1)
  expect((await pxt.sync({ notes: Notes, long: Long }, { dryRun: true })).isEmpty).toBe(true)
  const Narrow = view('long', Notes.where((c) => c.text.length().gt(3)).select('title', 'text'))
  await expect(pxt.sync({ notes: Notes, long: Narrow })).rejects.toThrow(/reads loud/)
})
