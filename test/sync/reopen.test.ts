import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { Pixeltable, t, table } from '../../src/index.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'pixeltable-sync-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a program in a process of its own. */
const elsewhere = (program: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root, encoding: 'utf8' })

const program = (path: string, rest: string) => `
  import { Pixeltable, t, table, udf, view } from 'pixeltable'
  const shout = udf({ name: 'sync_elsewhere', version: 1 }, (text) => text + '!')
  async function embedHere(texts) { return texts.map((text) => [text.length, 1]) }
  const short = { '~standard': { version: 1, vendor: 'x', validate: (value) => value.a ? { value } : { issues: [{ message: 'no a' }] } } }
  let made = 0
  const Notes = table('app.notes', { text: t.string(), at: t.int().default(() => ++made), meta: t.json(short).nullable() })
    .computed('loud', (c) => shout(c.text))
    .embeddingIndex('text', { embed: embedHere })
  const Long = view('app.long', Notes.where((c) => c.text.length().gt(2))).computed('louder', (c) => shout(c.loud))
  const pxt = await Pixeltable.open(${JSON.stringify(path)})
  const { notes, long } = await pxt.sync({ notes: Notes, long: Long })
  ${rest}
`

test('a program that syncs a file again goes on where the last one was', { timeout: 60_000 }, async () => {
  const path = join(folder, 'again.db')
  elsewhere(program(path, `await notes.insert({ text: 'one' })`))
  const rest = `
    const before = (await notes.history(1))[0].version
    console.log((await pxt.sync({ notes: Notes, long: Long }, { dryRun: true })).isEmpty, (await notes.history(1))[0].version === before)
    await notes.insert([{ text: 'three', meta: { a: 1 } }])
    console.log(JSON.stringify(await notes.select('text', 'at', 'loud').collect()), JSON.stringify(await long.select('louder').collect()))
    console.log((await notes.similarity('text', 'three').first()).text)
    console.log(await notes.insert({ text: 'x', meta: { b: 1 } }).catch((error) => error.message))
  `
  const [empty, rows, closest, refused] = elsewhere(program(path, rest)).trim().split('\n')
  expect(empty).toBe('true true')
  expect(rows).toBe(
    '[{"text":"one","at":1,"loud":"one!"},{"text":"three","at":1,"loud":"three!"}] [{"louder":"one!!"},{"louder":"three!!"}]',
  )
  expect(closest).toBe('three')
  expect(refused).toMatch(/no a/)
})

test('a file that is opened for reading is synced where nothing is to be done', { timeout: 60_000 }, async () => {
  const path = join(folder, 'readonly.db')
  const Notes = table('notes', { text: t.string() })
  const pxt = await Pixeltable.open(path)
  await (await pxt.sync({ notes: Notes })).notes.insert({ text: 'a' })
  pxt.close()
  const reading = await Pixeltable.open(path, { readonly: true })
  const { notes } = await reading.sync({ notes: Notes })
  expect(await notes.collect()).toEqual([{ text: 'a' }])
  const Wider = Notes.computed('loud', (c) => c.text.upper())
  const plan = await reading.sync({ notes: Wider }, { dryRun: true })
  expect(plan.steps).toMatchObject([{ kind: 'addColumn', column: 'loud' }])
  await expect(reading.sync({ notes: Wider })).rejects.toThrow()
  expect(
    (await reading.sync({ notes: table('notes', { text: t.string(), a: t.int().nullable() }) }, { dryRun: true }))
      .steps,
  ).toHaveLength(1)
  reading.close()
})

test('two processes that sync a new file at once make one of it', { timeout: 60_000 }, async () => {
  const path = join(folder, 'both.db')
  const script = join(folder, 'both.mjs')
  writeFileSync(
    script,
    `import { spawn } from 'node:child_process'
     const [file, ...args] = process.argv.slice(2)
     const run = () => new Promise((done) => spawn(file, args, { stdio: 'inherit' }).on('exit', done))
     console.log(JSON.stringify(await Promise.all([run(), run()])))`,
  )
  const code = program(path, `await notes.insert({ text: 'one' })`)
  const out = execFileSync(process.execPath, [script, process.execPath, '--input-type=module', '-e', code], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(out.trim()).toBe('[0,0]')
  const pxt = await Pixeltable.open(path)
  expect(await (await pxt.getTable('app.notes')).count()).toBe(2)
  pxt.close()
})
