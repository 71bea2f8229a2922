import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Pixeltable } from 'pixeltable'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, type Backend, openBackend } from '../../examples/ai-backend/pipeline.js'
import { createBackendServer } from '../../examples/ai-backend/server.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const pdfs = fileURLToPath(new URL('../../../shared/data/media/pdf/', import.meta.url))

/** What an example prints. */
async function outputOf(example: string): Promise<string> {
  const tsx = fileURLToPath(new URL('../../node_modules/tsx/dist/cli.mjs', import.meta.url))
  const { OPENAI_API_KEY: _key, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, `examples/${example}/main.ts`], {
    cwd: root,
    env,
  })
  return stdout
}

test('the quickstart prints ranked answers with their sources', { timeout: 60_000 }, async () => {
  const stdout = await outputOf('quickstart')
  expect(stdout).toMatch(/Stored 12 documents/)
  expect(stdout).toMatch(/0\.\d{3} {2}kestrel-report\.pdf, page 2: Outlook/)
  expect(stdout).toMatch(/late library book cost\?\n {3}→ Fees\. A late book costs twenty cents/)
  expect(stdout).toMatch(/flat-tyre\.md, Mending a flat bicycle tyre › Patching the tube/)
})

test('late interaction finds pages by what their patches are', { timeout: 60_000 }, async () => {
  const stdout = await outputOf('late-interaction')
  expect(stdout).toMatch(/^blue, white and red\n {2}\d\.\d{3} {2}France\n/)
  expect(stdout).toMatch(/^yellow with green\n {2}\d\.\d{3} {2}Ethiopia\n/m)
  expect(stdout).toMatch(/^like the meadow\n {2}(France|Estonia|Ethiopia)\n$/m)
})

describe.skipIf(!existsSync(pdfs))('the backend on real documents', () => {
  let pxt: Pixeltable
  let backend: Backend
  beforeAll(async () => {
    pxt = await Pixeltable.open(':memory:')
    backend = await openBackend(pxt)
    await backend.docs.insert([
      {
        document: `${pdfs}Argus-Market-Digest-June-2024.pdf`,
        title: 'Argus Market Digest',
        metadata: { type: 'market_digest' },
      },
      {
        document: `${pdfs}Argus-Market-Watch-June-2024.pdf`,
        title: 'Argus Market Watch',
        metadata: { type: 'market_watch' },
      },
      { document: `${pdfs}Company-Research-Alphabet.pdf`, title: 'Alphabet', metadata: { type: 'company_research' } },
      { document: `${pdfs}Zacks-Nvidia-Report.pdf`, title: 'Zacks Nvidia', metadata: { type: 'company_research' } },
    ])
  }, 60_000)
  afterAll(() => pxt.close())

  test('stores, splits, tags and searches', async () => {
    expect(await backend.docs.count()).toBe(4)
    expect(await backend.chunks.count()).toBeGreaterThan(40)
    const hits = await backend.searchDocs({ text: 'What is the outlook for Nvidia revenue?', limit: 5 })
    expect(hits).toHaveLength(5)
    expect(hits[0]!.title).toBe('Zacks Nvidia')
    expect(hits.some((hit) => /revenue/i.test(hit.text))).toBe(true)
    const filtered = await backend.chunks
      .similarity('text', 'revenue')
      .where((c) => c.metadata.get('type').eq('market_watch'))
      .select('title')
      .distinct()
      .collect()
    expect(filtered).toEqual([{ title: 'Argus Market Watch' }])
  })

  test('answers a question by inserting it, and knows a new document at once', async () => {
    const { context, answer } = await ask(backend, 'How is Alphabet performing in cloud computing?')
    expect(context).toHaveLength(5)
    expect(context.map((passage) => passage.title)).toContain('Alphabet')
    expect(answer.length).toBeGreaterThan(20)
    const before = await backend.chunks.count()
    await backend.docs.insert({
      document: new Blob(['The town of Zwickmühl keeps bees on its roofs.'], { type: 'text/plain' }),
      title: 'Bees',
      metadata: {},
    })
    expect(await backend.chunks.count()).toBe(before + 1)
    expect((await ask(backend, 'Which town keeps bees?')).context[0]!.title).toBe('Bees')
  })

  test('serves all of it over HTTP', async () => {
    const server = createBackendServer(backend).listen(0, '127.0.0.1')
    const files = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/pdf' }).end(readFileSync(`${pdfs}Jefferson-Amazon.pdf`))
    }).listen(0, '127.0.0.1')
    await Promise.all([once(server, 'listening'), once(files, 'listening')])
    const urlOf = (s: typeof server): string => `http://127.0.0.1:${(s.address() as AddressInfo).port}`
    const post = async (path: string, body: unknown) => {
      const response = await fetch(urlOf(server) + path, { method: 'POST', body: JSON.stringify(body) })
      return { status: response.status, body: (await response.json()) as any }
    }
    try {
      const search = await post('/search', { query: 'Nvidia data center' })
      expect(search.status).toBe(200)
      expect(search.body.results[0].title).toBe('Zacks Nvidia')
      const asked = await post('/ask', { question: 'What does Nvidia expect?' })
      expect(asked.body.context).toHaveLength(5)
      const uploaded = await post('/upload', { url: `${urlOf(files)}/amazon.pdf`, title: 'Amazon' })
      expect(uploaded).toMatchObject({ status: 200, body: { documents: 6 } })
      expect(
        (await post('/search', { query: 'Amazon AWS revenue' })).body.results.some((r: any) => r.title === 'Amazon'),
      ).toBe(true)
      expect((await post('/ask', {})).body.error).toMatch(/'question'/)
      expect((await post('/upload', { url: '/etc/passwd', title: 'x' })).status).toBe(400)
      expect((await post('/nope', {})).status).toBe(404)
      expect((await post('/upload', { url: `${urlOf(server)}/gone.pdf`, title: 'x' })).status).toBe(422)
    } finally {
      server.close()
      files.close()
    }
  })
})
