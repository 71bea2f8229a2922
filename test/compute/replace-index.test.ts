import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { Pixeltable, t, table } from '../../src/index.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'pixeltable-replace-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Models whose spaces have nothing in common: a vector of one, asked of by the other, would be another length. */
const model = (name: string, version: number, dimensions: number) => ({
  name,
  version,
  asked: 0,
  async embed(texts: readonly (string | Uint8Array)[]) {
    this.asked += texts.length
    return texts.map((text) =>
      Array.from({ length: dimensions }, (_, i) => (i === 0 ? 1 : 0) + (i === 1 ? Number(String(text).slice(1)) : 0)),
    )
  },
})
const old = () => model('replace_old', 1, 2)
const fresh = () => model('replace_fresh', 1, 3)

const rows = Array.from({ length: 250 }, (_, i) => ({ text: `t${i}` }))

async function notesOf(pxt: Pixeltable, embed: ReturnType<typeof model>) {
  const plain = await pxt.createTable('notes', { text: t.string() })
  await plain.insert(rows)
  return plain.addEmbeddingIndex('text', { embed, name: 'i' })
}

const indexOf = async (pxt: Pixeltable) => (await pxt.indexes('notes'))[0] as any

describe('an index that another model replaces', () => {
  test('is searched until all vectors of the new one are made', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const [before, after] = [old(), fresh()]
    const notes = await notesOf(pxt, before)
    const search = async () => {
      const hits = await notes.similarity('text', 't7').limit(3).select('text').collect()
      return hits.map(({ text }) => text)
    }
    const wanted = ['t7', 't8', 't6']
    expect(await search()).toEqual(wanted)
    await notes.addEmbeddingIndex('text', { embed: after, name: 'i', ifExists: 'replace', compute: 'deferred' })
    expect(await indexOf(pxt)).toMatchObject({
      embedder: 'replace_old@1',
      status: 'pending',
      successor: { embedder: 'replace_fresh@1', coverage: { done: 0, pending: 250 } },
    })
    expect((await pxt.indexes('notes')).length).toBe(1)
    expect(await search()).toEqual(wanted)
    expect(after.asked).toBe(0)

    const stop = new AbortController()
    const drain = pxt.drain({
      batchSize: 20,
      signal: stop.signal,
      onProgress: ({ rows }) => {
        if (rows >= 60) stop.abort()
      },
    })
    await expect(drain).rejects.toThrow()
    const { successor } = await indexOf(pxt)
    expect(successor.coverage.done).toBeGreaterThanOrEqual(40)
    expect(successor.coverage.pending).toBeGreaterThan(0)
    // Rows that come and change meanwhile are in both.
    await notes.insert([{ text: 't900' }])
    await notes.update({ text: 't901' }).where({ text: 't3' }).run()
    await notes.delete().where({ text: 't6' }).run()
    expect(await search()).toEqual(['t7', 't8', 't9'])

    await pxt.drain({ batchSize: 20 })
    const now = await indexOf(pxt)
    expect(now).toMatchObject({ embedder: 'replace_fresh@1', status: 'ready', name: 'i', coverage: { done: 250 } })
    expect(now.successor).toBeUndefined()
    const queries = after.asked
    expect(await search()).toEqual(['t7', 't8', 't9'])
    expect(after.asked).toBe(queries + 1)
    expect(
      (
        await notes
          .similarity('text', { vector: [1, 901, 0] })
          .limit(2)
          .collect()
      ).map(({ text }) => text),
    ).toEqual(['t901', 't900'])
    expect(
      (
        await notes
          .similarity('text', { vector: [1, 0, 0] })
          .limit(999)
          .collect()
      ).length,
    ).toBe(250)
    expect(await pxt.drain()).toMatchObject({ rows: 0 })

    // The switch can be undone, and earlier versions have the index that they had.
    const version = (await notes.history())[1]!.version
    expect(
      (
        await notes
          .asOf(version)
          .similarity('text', { vector: [1, 0] })
          .limit(999)
          .collect()
      ).length,
    ).toBe(250)
    await notes.revert()
    expect(await indexOf(pxt)).toMatchObject({ embedder: 'replace_old@1', status: 'pending' })
    expect(await search()).toEqual(['t7', 't8', 't9'])
    await pxt.drain()
    expect(await indexOf(pxt)).toMatchObject({ embedder: 'replace_fresh@1', status: 'ready' })
    await pxt.vacuum({ keepVersions: 1 })
    expect(await search()).toEqual(['t7', 't8', 't9'])
    pxt.close()
  })

  test('survives a kill in between', async () => {
    const path = join(folder, 'killed.db')
    const made = await Pixeltable.open(path)
    const notes = await notesOf(made, old())
    await notes.addEmbeddingIndex('text', { embed: fresh(), name: 'i', ifExists: 'replace', compute: 'deferred' })
    made.close()
    const program = `
      import { Pixeltable } from 'pixeltable'
      let asked = 0
      const embed = {
        name: 'replace_fresh', version: 1,
        embed: async (texts) => {
          asked += texts.length
          if (asked > 100) process.kill(process.pid, 'SIGKILL')
          return texts.map((text) => [1, Number(text.slice(1)), 0])
        },
      }
      const pxt = await Pixeltable.open(${JSON.stringify(path)}, { functions: [embed] })
      await pxt.drain({ batchSize: 20 })`
    const killed = spawnSync(process.execPath, ['--input-type=module', '-e', program], { cwd: root })
    expect(killed.signal).toBe('SIGKILL')
    const after = fresh()
    const pxt = await Pixeltable.open(path, { functions: [old(), after] })
    const again = await pxt.getTable('notes')
    const { embedder, successor } = await indexOf(pxt)
    expect(embedder).toBe('replace_old@1')
    expect(successor.coverage.done).toBeGreaterThan(0)
    expect(
      (
        await again
          .similarity('text', { vector: [1, 0] })
          .limit(999)
          .collect()
      ).length,
    ).toBe(250)
    await pxt.drain({ batchSize: 20 })
    expect(after.asked).toBe(successor.coverage.pending)
    expect(await indexOf(pxt)).toMatchObject({ embedder: 'replace_fresh@1', status: 'ready', dimensions: 3 })
    expect(
      (
        await again
          .similarity('text', { vector: [1, 0, 0] })
          .limit(999)
          .collect()
      ).length,
    ).toBe(250)
    pxt.close()
  })

  test('by another version of itself, through sync', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const [first, second] = [model('replace_same', 1, 2), model('replace_same', 2, 3)]
    const declared = (embed: ReturnType<typeof model>) => ({
      notes: table('notes', { text: t.string() }).embeddingIndex('text', {
        embed,
        method: 'ivfflat',
        precision: 'int8',
      }),
    })
    const { notes } = await pxt.sync(declared(first))
    await notes.insert(rows)
    await pxt.sync(declared(second), { recompute: true, compute: 'deferred' })
    expect(await indexOf(pxt)).toMatchObject({
      embedder: 'replace_same@1',
      successor: { embedder: 'replace_same@2' },
    })
    expect(String(await pxt.sync(declared(second), { dryRun: true }))).toContain('nothing to do')
    // The query goes to the model that made the vectors.
    expect((await notes.similarity('text', 't7').limit(1).first())!.text).toBe('t7')
    await pxt.drain()
    expect(await indexOf(pxt)).toMatchObject({ embedder: 'replace_same@2', method: 'ivfflat', precision: 'int8' })
    expect((await notes.similarity('text', 't7').limit(1).first())!.text).toBe('t7')
    pxt.close()
  })

  test('goes with its successor, which can itself be replaced', async () => {
    const pxt = await Pixeltable.open(':memory:')
    const notes = await notesOf(pxt, old())
    const replace = (embed: ReturnType<typeof model>) =>
      notes.addEmbeddingIndex('text', { embed, name: 'i', ifExists: 'replace', compute: 'deferred' })
    await replace(fresh())
    await replace(model('replace_third', 1, 4))
    await pxt.drain()
    expect(await indexOf(pxt)).toMatchObject({ embedder: 'replace_third@1', dimensions: 4, status: 'ready' })
    await replace(fresh())
    await notes.dropEmbeddingIndex({ name: 'i' })
    expect(await pxt.indexes('notes')).toEqual([])
    expect(await pxt.drain()).toMatchObject({ rows: 0 })
    pxt.close()
  })
})
