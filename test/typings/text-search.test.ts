import { expect, test } from 'vitest'
import { highlight, miniEmbed, Pixeltable, type Row, snippet, t, table } from '../../src/index.js'

/** The type check of these is `tsc`; at run time the same program must also work. */
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const is = <A, B>(_: Equal<A, B>): void => {}
/** For calls that must not compile. */
const neverRun = (_: () => void): void => {}

test('a table knows its text-indexed columns', async () => {
  const pxt = await Pixeltable.open(':memory:')
  const plain = await pxt.createTable('notes', { title: t.string(), text: t.string().nullable(), year: t.int() })
  const notes = await plain.addTextIndex({ title: 3, text: 1 }, { language: 'en' })
  const found = await notes.match(['title', 'text'], 'tea', { as: 'bm25' }).collect()
  is<typeof found, { title: string; text: string | null; year: number; bm25: number }[]>(true)
  const marked = await notes
    .match('text', 'tea')
    .select((c) => ({ title: highlight(c.title), text: snippet(c.text, { words: 5 }), score: c.score }))
    .collect()
  is<typeof marked, { title: string; text: string | null; score: number }[]>(true)

  neverRun(() => {
    // @ts-expect-error no text index on this table
    plain.match('text', 'tea')
    // @ts-expect-error not a column of the index
    notes.match('year', 'tea')
    // @ts-expect-error no such column
    notes.match(['text', 'nope'], 'tea')
    // @ts-expect-error at least one column
    notes.match([], 'tea')
    // @ts-expect-error a text
    notes.match('text', 7)
    // @ts-expect-error no such operator
    notes.match('text', 'tea', { operator: 'xor' })
    // @ts-expect-error it has no embedding index
    notes.similarity('text', 'tea')
    // @ts-expect-error numbers have no words
    plain.addTextIndex('year')
    // @ts-expect-error numbers have no words
    plain.addTextIndex({ year: 1 })
    // @ts-expect-error no such tokenizer
    plain.addTextIndex('text', { tokenizer: 'bytes' })
    // @ts-expect-error not a column of an index
    notes.dropTextIndex({ column: 'year' })
    // @ts-expect-error a number has nothing to mark
    notes.match('text', 'tea').select((c) => ({ year: highlight(c.year) }))
  })

  const both = await notes.addEmbeddingIndex('text', { embed: miniEmbed() })
  both.match('title', 'tea')
  both.similarity('text', 'tea')
  neverRun(() => {
    // @ts-expect-error its words are indexed, its meaning is not
    both.similarity('title', 'tea')
  })
  const renamed = await both.renameColumn('title', 'name')
  renamed.match(['name', 'text'], 'tea')
  neverRun(() => {
    // @ts-expect-error the column has another name
    renamed.match('title', 'tea')
  })
  const longer = await renamed.addComputedColumn('length', (c) => c.name.length())
  const [version] = await longer.history(1)
  expect(await longer.asOf(version!.version).match('name', 'tea').count()).toBe(0)
  const dropped = await longer.dropColumn('text')
  neverRun(() => {
    // @ts-expect-error the column is gone
    dropped.match('text', 'tea')
  })
  const any = await pxt.getTable('notes')
  expect(() => any.match('text', 'tea')).toThrow()
})

test('a declaration does too', async () => {
  const Notes = table('notes', { title: t.string(), text: t.string() })
    .textIndex('text', { language: 'en' })
    .computed('loud', (c) => c.text.upper())
    .textIndex({ title: 2, loud: 1 })
  is<Row<typeof Notes>, { title: string; text: string; loud: string }>(true)
  const pxt = await Pixeltable.open(':memory:')
  const { notes } = await pxt.sync({ notes: Notes })
  expect(await notes.match('text', 'tea').count()).toBe(0)
  expect(await notes.match(['title', 'loud'], 'tea').count()).toBe(0)
  neverRun(() => {
    // @ts-expect-error no embedding index on this table
    notes.similarity('text', 'tea')
    // @ts-expect-error no such column
    Notes.textIndex('nope')
  })
})
