import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { PDFDocument, StandardFonts } from 'pdf-lib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  documentSplitter,
  NotFoundError,
  Pixeltable,
  QueryError,
  t,
  udf,
  uuid4,
  ValidationError,
} from '../../src/index.js'

let pxt: Pixeltable
beforeEach(async () => {
  pxt = await Pixeltable.open(':memory:')
})
afterEach(() => pxt.close())

/** A function of which each version makes something else. */
const mark = (version: number) =>
  udf({ name: 'lineage_mark', version, returns: t.string() }, (text: string) => `${text}${version}`)

describe('the lineage of a cell', () => {
  test('leads through computed columns and chunks to the place in the document', async () => {
    const docs = await pxt.createTable('docs', { file: t.document(), title: t.string() })
    const chunks = await pxt.createView('chunks', docs, {
      iterator: documentSplitter((c) => c.file, { separators: ['sentence'] }),
    })
    const marked = await chunks.addComputedColumn('marked', (c) => mark(1)(c.text))
    const named = await marked.addComputedColumn('named', (c) => c.title.concat(': ', c.marked))
    const text = 'Tea steeps.\n\nBread bakes. Wheels turn.'
    const { version } = await docs.insert([
      { file: new Blob(['# Other'], { type: 'text/markdown' }), title: 'first' },
      { file: new File([text], 'notes.txt', { type: 'text/plain' }), title: 'second' },
    ])
    const row = await named
      .where({ text: 'Bread bakes.' })
      .select((c) => ({ id: c._rowid }))
      .firstOrThrow()
    const lineage = await named.lineage(row.id, 'named')

    const at = (await docs.history())[0]!.at
    expect(lineage).toMatchObject({
      table: 'chunks',
      rowid: row.id,
      kind: 'computed',
      value: 'second: Bread bakes.1',
      version,
      at,
      operation: 'insert',
      functions: [],
      error: undefined,
      pending: false,
    })
    const [title, markedCell] = lineage.inputs
    expect(title).toMatchObject({
      table: 'docs',
      rowid: 2,
      column: 'title',
      kind: 'given',
      value: 'second',
      inputs: [],
    })
    expect(markedCell).toMatchObject({
      expression: 'lineage_mark(text)',
      functions: [{ name: 'lineage_mark', version: 1 }],
    })
    const [chunk] = markedCell!.inputs
    expect(chunk).toMatchObject({
      kind: 'iterated',
      value: 'Bread bakes.',
      functions: [{ name: 'document_splitter', version: 1 }],
    })
    expect(chunk!.inputs[0]).toMatchObject({ table: 'docs', rowid: 2, column: 'file', kind: 'given' })
    const place = { table: 'docs', rowid: 2, column: 'file', page: null, span: { start: 13, end: 25 } }
    expect(chunk!.sources).toMatchObject([place])
    expect(lineage.sources).toEqual(chunk!.sources)
    expect(text.slice(13, 25)).toBe('Bread bakes.')
    expect(await lineage.sources[0]!.media.text()).toBe(text)
    expect(inspect(lineage)).toBe(
      [
        `chunks.named, row ${row.id}: "second: Bread bakes.1"`,
        `  computed: title.concat(": ", marked), version ${version}, insert, ${at.toISOString()}`,
        '  docs.title, row 2: "second"',
        `    given, version ${version}, insert, ${at.toISOString()}`,
        `  chunks.marked, row ${row.id}: "Bread bakes.1"`,
        `    computed by lineage_mark@1: lineage_mark(text), version ${version}, insert, ${at.toISOString()}`,
        `    chunks.text, row ${row.id}: "Bread bakes."`,
        `      iterated by document_splitter@1, version ${version}, insert, ${at.toISOString()}, characters 13 to 25`,
        '      docs.file, row 2: notes.txt',
        `        given, version ${version}, insert, ${at.toISOString()}`,
      ].join('\n'),
    )
  })

  test('knows the page of a PDF', async () => {
    const pdf = await PDFDocument.create()
    const font = await pdf.embedFont(StandardFonts.Helvetica)
    for (const text of ['Tea steeps for three minutes.', 'Bread bakes for an hour.']) {
      pdf.addPage([600, 800]).drawText(text, { x: 50, y: 700, size: 12, font })
    }
    const docs = await pxt.createTable('docs', { file: t.document() })
    const chunks = await pxt.createView('chunks', docs, {
      iterator: documentSplitter((c) => c.file, { separators: ['page'] }),
    })
    await docs.insert({ file: new File([Buffer.from(await pdf.save())], 'recipes.pdf', { type: 'application/pdf' }) })
    const pages = await Promise.all([1, 2].map((row) => chunks.lineage(row, 'text')))
    expect(pages.map(({ value, sources }) => [value, sources[0]!.page, sources[0]!.media.name])).toEqual([
      ['Tea steeps for three minutes.', 1, 'recipes.pdf'],
      ['Bread bakes for an hour.', 2, 'recipes.pdf'],
    ])
    expect(String(pages[1])).toContain('page 2, characters 31 to 55')
  })

  test('tells the version that made a value, whatever changed beside it', async () => {
    const base = await pxt.createTable('notes', { text: t.string(), stars: t.int() })
    const notes = await base.addComputedColumn('loud', (c) => mark(1)(c.text.upper()))
    const inserted = (
      await notes.insert([
        { text: 'a', stars: 1 },
        { text: 'b', stars: 1 },
      ])
    ).version
    const starred = (await notes.update({ stars: 2 }).where({ text: 'a' }).run()).version
    expect(await notes.lineage(1, 'loud')).toMatchObject({ value: 'A1', version: inserted, operation: 'insert' })
    expect(await notes.lineage(1, 'stars')).toMatchObject({ value: 2, version: starred, operation: 'update' })
    const texted = (await notes.update({ text: 'c' }).where({ text: 'a' }).run()).version
    const lineage = await notes.lineage(1, 'loud')
    expect(lineage).toMatchObject({ value: 'C1', version: texted })
    expect(lineage.inputs).toMatchObject([{ column: 'text', value: 'c', version: texted }])
    // As of then.
    expect(await notes.asOf(starred).lineage(1, 'loud')).toMatchObject({ value: 'A1', version: inserted })
    // A revert makes nothing: the value is as old as it was.
    await notes.revert()
    expect(await notes.lineage(1, 'loud')).toMatchObject({ value: 'A1', version: inserted, operation: 'insert' })
    // A column that was added later was filled then.
    const more = await notes.addComputedColumn('more', (c) => c.stars.add(1))
    const added = (await more.history())[0]!.version
    expect(await more.lineage(2, 'more')).toMatchObject({ value: 2, version: added, operation: 'add column' })
  })

  test('of what a drain computed is of the drain', async () => {
    const base = await pxt.createTable('notes', { text: t.string() })
    await base.insert([{ text: 'a' }, { text: 'b' }, { text: 'c' }])
    const notes = await base.addComputedColumn('loud', (c) => mark(1)(c.text), { compute: 'deferred' })
    const twice = await notes.addComputedColumn('twice', (c) => c.loud.concat(c.loud))
    expect(await twice.lineage(2, 'loud')).toMatchObject({ value: null, pending: true })
    await pxt.drain({ batchSize: 1 })
    const versions = (await notes.history())
      .filter(({ operation }) => operation === 'compute')
      .map(({ version }) => version)
    expect(versions).toHaveLength(3)
    const made = await Promise.all([1, 2, 3].map((row) => twice.lineage(row, 'twice')))
    expect(made.map(({ value }) => value)).toEqual(['a1a1', 'b1b1', 'c1c1'])
    expect(new Set(made.map(({ version }) => version))).toEqual(new Set(versions))
    expect(made.map(({ inputs }) => inputs[0]!.version)).toEqual(made.map(({ version }) => version))
    expect(made.every(({ pending, inputs }) => !pending && !inputs[0]!.pending)).toBe(true)
  })

  test('tells which version of a function made each row', async () => {
    const base = await pxt.createTable('notes', { text: t.string() })
    const first = await base.addComputedColumn('loud', (c) => mark(1)(c.text))
    await first.insert({ text: 'a' })
    mark(2)
    const notes = await pxt.getTable('notes', { text: t.string(), loud: t.string() })
    await notes.insert({ text: 'b' } as never)
    const by = async (row: number) => (await notes.lineage(row, 'loud')).functions
    expect([await by(1), await by(2)]).toEqual([
      [{ name: 'lineage_mark', version: 1 }],
      [{ name: 'lineage_mark', version: 2 }],
    ])
    mark(1)
    await notes.insert({ text: 'c' } as never)
    expect(await by(3)).toEqual([{ name: 'lineage_mark', version: 1 }])
    mark(2)
    await notes.recompute('loud')
    expect(await by(1)).toEqual([{ name: 'lineage_mark', version: 2 }])
    expect(await by(2)).toEqual([{ name: 'lineage_mark', version: 2 }])
  })

  test('of a cell that failed has the error; of an unstored one what is computed now', async () => {
    const base = await pxt.createTable('notes', { text: t.string() })
    const broken = udf({ name: 'lineage_broken', version: 4 }, (text: string) => {
      if (text === 'b') throw new RangeError('no b')
      return text
    })
    const notes = await base.addComputedColumn('out', (c) => broken(c.text), { stored: true })
    const read = await notes.addComputedColumn('read', (c) => c.out.upper(), { stored: false })
    const id = await read.addComputedColumn('id', (c) => c._rowid.mul(10), { stored: false })
    const { version } = await id.insert([{ text: 'a' }, { text: 'b' }], { onError: 'ignore' })
    expect(await id.lineage(2, 'out')).toMatchObject({
      value: null,
      version,
      error: {
        type: 'RangeError',
        message: 'lineage_broken@4 failed: no b',
        function: 'lineage_broken@4',
        attempts: 1,
      },
    })
    expect(String(await id.lineage(2, 'out'))).toContain('notes.out, row 2: RangeError: lineage_broken@4 failed: no b')
    expect(await id.lineage(1, 'read')).toMatchObject({ kind: 'computed', value: 'A', version, functions: [] })
    expect(await id.lineage(2, 'id')).toMatchObject({ value: 20, version, inputs: [] })
  })

  test('outlives a new name, vacuum and reopening', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pixeltable-lineage-'))
    const path = join(folder, 'a.db')
    const file = await Pixeltable.open(path)
    const base = await file.createTable('notes', { text: t.string(), stars: t.int() })
    const notes = await base.addComputedColumn('loud', (c) => mark(1)(c.text))
    const { version } = await notes.insert({ text: 'a', stars: 1 })
    await notes.update({ stars: 2 }).all().run()
    const renamed = await notes.renameColumn('text', 'words')
    expect(await renamed.lineage(1, 'loud')).toMatchObject({ version, inputs: [{ column: 'text', value: 'a' }] })
    await file.vacuum({ keepVersions: 1 })
    file.close()
    const again = await Pixeltable.open(path, { readonly: true })
    const lineage = await (await again.getTable('notes')).lineage(1, 'loud')
    // The record of the insert is gone with its version; the row has been written again since.
    expect(lineage).toMatchObject({
      value: 'a1',
      expression: 'lineage_mark(words)',
      functions: [{ name: 'lineage_mark', version: 1 }],
      inputs: [{ column: 'words', value: 'a' }],
    })
    again.close()
    rmSync(folder, { recursive: true })
  })

  test('of a document that is gone lacks the place alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pixeltable-lineage-'))
    const path = join(folder, 'a.txt')
    writeFileSync(path, 'Tea steeps.')
    const docs = await pxt.createTable('docs', { file: t.document({ store: 'reference' }) })
    const chunks = await pxt.createView('chunks', docs, {
      iterator: documentSplitter((c) => c.file, { separators: ['sentence'] }),
    })
    await docs.insert({ file: path })
    expect((await chunks.lineage(1, 'text')).sources).toMatchObject([{ span: { start: 0, end: 11 } }])
    rmSync(folder, { recursive: true })
    expect((await chunks.lineage(1, 'text')).sources).toMatchObject([{ column: 'file', page: null, span: null }])
    expect(await chunks.replay(1, 'text')).toMatchObject({ differs: true, replayedError: { type: 'MediaError' } })
  })

  test('is of a row and column that there are', async () => {
    const notes = await pxt.createTable('notes', { text: t.string() })
    const { version } = await notes.insert({ text: 'a' })
    await expect(notes.lineage(2, 'text')).rejects.toThrow(new NotFoundError(`'notes' has no row 2`))
    await expect(notes.lineage(1, 'nothing' as never)).rejects.toThrow(
      new NotFoundError(`'notes' has no column 'nothing'. It has: text`),
    )
    await expect(notes.lineage('1' as never, 'text')).rejects.toThrow(ValidationError)
    await expect(notes.asOf(version + 1).lineage(1, 'text')).rejects.toThrow(NotFoundError)
    await notes.delete().where({ text: 'a' }).run()
    await expect(notes.lineage(1, 'text')).rejects.toThrow(NotFoundError)
    expect(await notes.asOf(version).lineage(1, 'text')).toMatchObject({ value: 'a', version })
  })
})

describe('a replay', () => {
  test('gives the same where a function is deterministic, and calls it once', async () => {
    let calls = 0
    const count = udf({ name: 'lineage_count', cache: true, returns: t.int() }, async (text: string) => {
      calls++
      return text.length
    })
    const base = await pxt.createTable('notes', { text: t.string(), v: t.vector(2) })
    const sized = await base.addComputedColumn('size', (c) => count(c.text))
    const notes = await sized.addComputedColumn('same', (c) => c.v)
    await notes.insert({ text: 'abc', v: [1, 2] })
    const before = await notes.history()
    expect(await notes.replay(1, 'size')).toEqual({
      value: 3,
      replayed: 3,
      differs: false,
      functions: [{ name: 'lineage_count', recorded: 1, current: 1 }],
    })
    expect(calls).toBe(2)
    expect((await notes.replay(1, 'same')).differs).toBe(false)
    expect(await notes.history()).toEqual(before)
  })

  test('tells what differs: randomness, another version, an error', async () => {
    const base = await pxt.createTable('notes', { text: t.string() })
    let fails = false
    const moody = udf({ name: 'lineage_moody', returns: t.string() }, (text: string) => {
      if (fails) throw new TypeError('not today')
      return text
    })
    const one = await base.addComputedColumn('chance', uuid4())
    const two = await one.addComputedColumn('loud', (c) => mark(1)(c.text))
    const notes = await two.addComputedColumn('mood', (c) => moody(c.text))
    await notes.insert({ text: 'a' })
    const chance = await notes.replay(1, 'chance')
    expect([chance.differs, typeof chance.replayed, chance.functions]).toEqual([true, 'string', []])
    mark(2)
    const now = await pxt.getTable('notes')
    expect(await now.replay(1, 'loud')).toMatchObject({
      value: 'a1',
      replayed: 'a2',
      differs: true,
      functions: [{ name: 'lineage_mark', recorded: 1, current: 2 }],
    })
    fails = true
    expect(await notes.replay(1, 'mood')).toMatchObject({
      value: 'a',
      replayed: null,
      differs: true,
      replayedError: { type: 'TypeError', message: 'lineage_moody@1 failed: not today' },
    })
    await notes.insert({ text: 'b' }, { onError: 'ignore' })
    expect(await notes.replay(2, 'mood')).toMatchObject({ differs: false, error: { type: 'TypeError' } })
    fails = false
    expect(await notes.replay(2, 'mood')).toMatchObject({ value: null, replayed: 'b', differs: true })
  })

  test('takes the inputs that the cell was made from', async () => {
    const base = await pxt.createTable('notes', { text: t.string() })
    const notes = await base.addComputedColumn('size', (c) => c.text.length())
    const { version } = await notes.insert({ text: 'abc' })
    // The value stays, and so what it was made from is what it was then.
    await notes.update({ text: 'xyz' }).all().run()
    expect((await notes.lineage(1, 'size')).inputs).toMatchObject([{ value: 'abc', version }])
    expect(await notes.replay(1, 'size')).toMatchObject({ value: 3, replayed: 3, differs: false })
    await notes.update({ text: 'long text' }).all().run()
    expect(await notes.replay(1, 'size')).toMatchObject({ value: 9, differs: false })
    expect(await notes.asOf(version).replay(1, 'size')).toMatchObject({ value: 3, differs: false })
  })

  test('runs the iterator of a view again', async () => {
    const docs = await pxt.createTable('docs', { file: t.document() })
    const chunks = await pxt.createView('chunks', docs, {
      iterator: documentSplitter((c) => c.file, { separators: ['sentence'], metadata: ['sourceline'] }),
    })
    await docs.insert({ file: new Blob(['One.\n\nTwo.'], { type: 'text/plain' }) })
    expect(await chunks.replay(2, 'text')).toEqual({
      value: 'Two.',
      replayed: 'Two.',
      differs: false,
      functions: [{ name: 'document_splitter', recorded: 1, current: 1 }],
    })
    expect(await chunks.replay(2, 'sourceline')).toMatchObject({ value: 3, differs: false })
    expect(await chunks.replay(2, 'pos')).toMatchObject({ value: 1, differs: false })
  })

  test('is of what is computed and kept', async () => {
    const base = await pxt.createTable('notes', { text: t.string() })
    const notes = await base.addComputedColumn('loud', (c) => c.text.upper(), { stored: false })
    await notes.insert({ text: 'a' })
    await expect(notes.replay(1, 'text')).rejects.toThrow(QueryError)
    await expect(notes.replay(1, 'loud')).rejects.toThrow(QueryError)
    const slow = udf({ name: 'lineage_slow' }, async function (text: string) {
      await new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, 20)
        this.signal.addEventListener('abort', () => {
          clearTimeout(timer)
          reject(this.signal.reason)
        })
      })
      return text
    })
    const more = await notes.addComputedColumn('slow', (c) => slow(c.text))
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(more.replay(1, 'slow', { signal })).rejects.toBe(reason)
    expect((await more.replay(1, 'slow')).differs).toBe(false)
  })
})
