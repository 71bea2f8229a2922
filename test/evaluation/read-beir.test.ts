import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NotFoundError, ValidationError } from '../../src/errors.js'
import { readBeir } from '../../src/evaluation/read-beir.js'
import { readQrels } from '../../src/evaluation/read-qrels.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beir-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

const files = {
  'corpus.jsonl': '{"_id": "d1", "title": "One", "text": "first"}\n\n{"_id": 2, "text": "second"}\n',
  'queries.jsonl': '{"_id": "q1", "text": "one?"}\n{"_id": "of training", "text": "two?"}\n',
  'qrels/test.tsv': 'query-id\tcorpus-id\tscore\nq1\td1\t2\r\nq1\t2\t0\n',
}
function write(contents: Readonly<Record<string, string | Uint8Array>>): void {
  mkdirSync(join(folder, 'qrels'), { recursive: true })
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, name), content)
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('readBeir', () => {
  test('reads queries of the split, judgements and documents', async () => {
    write(files)
    const { queries, qrels, documents } = await readBeir(folder)
    expect([...queries]).toEqual([['q1', 'one?']])
    expect([...qrels.get('q1')!]).toEqual([
      ['d1', 2],
      ['2', 0],
    ])
    const expected = [
      { id: 'd1', title: 'One', text: 'first' },
      { id: '2', title: '', text: 'second' },
    ]
    expect(await allOf(documents())).toEqual(expected)
    expect(await allOf(documents())).toEqual(expected)
  })

  test('takes judgements beside the corpus, without a line of names, other splits, URLs and packed files', async () => {
    const { 'qrels/test.tsv': _, ...rest } = files
    write({ ...rest, 'corpus.jsonl': gzipSync(files['corpus.jsonl']), 'qrels_dev.tsv': 'of training\td1\t1\n' })
    const { queries, qrels, documents } = await readBeir(pathToFileURL(folder), { split: 'dev' })
    expect([...queries]).toEqual([['of training', 'two?']])
    expect(qrels.get('of training')?.get('d1')).toBe(1)
    expect(await allOf(documents())).toHaveLength(2)
  })

  test('tells which file is missing', async () => {
    await expect(readBeir(folder)).rejects.toThrow(NotFoundError)
    await expect(readBeir(folder)).rejects.toThrow(/there is no file '.*corpus\.jsonl'/)
    write(files)
    await expect(readBeir(folder, { split: 'dev' })).rejects.toThrow(
      /no judgements of 'dev': there is neither '.*dev\.tsv' nor '.*qrels_dev\.tsv'/,
    )
  })

  test.each<[string, string, string]>([
    ['queries.jsonl', '{"_id": "q1", "text": "one?"}\n{"_id":', "'queries.jsonl': line 2: expected JSON"],
    ['queries.jsonl', '7\n', "'queries.jsonl': line 1: expected an object with _id and text, got the number 7"],
    ['queries.jsonl', '{"_id": "q1"}', "'queries.jsonl': line 1: text: expected text, got undefined"],
    ['queries.jsonl', '{"_id": "q2", "text": ""}', "'queries.jsonl' has no query 'q1', which the judgements of 'test'"],
    ['qrels/test.tsv', 'q1\td1\t1\nq1\td1', "'test.tsv': line 2: expected query, document and grade"],
    ['qrels/test.tsv', 'q1\td1\t1\nq1\td1\tgood', "'test.tsv': line 2: expected a number as the grade"],
    ['qrels/test.tsv', 'q1\td1\t1\nq1\td1\t2', "'test.tsv': line 2: document 'd1' has another grade"],
  ])('tells where %s is wrong', async (name, content, message) => {
    write({ ...files, [name]: content })
    await expect(readBeir(folder)).rejects.toThrow(ValidationError)
    await expect(readBeir(folder)).rejects.toThrow(message)
  })

  test('tells where a document is wrong when it comes to it', async () => {
    write({ ...files, 'corpus.jsonl': '{"_id": "d1", "text": "first"}\n{"text": "second"}' })
    const documents = (await readBeir(folder)).documents()
    expect((await documents.next()).value).toEqual({ id: 'd1', title: '', text: 'first' })
    await expect(documents.next()).rejects.toThrow("'corpus.jsonl': line 2: _id: expected text or a number")
  })

  test('stops with its signal', async () => {
    write(files)
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(readBeir(folder, { signal })).rejects.toThrow('enough')
  })
})

test('judgements may come in the layout of TREC', async () => {
  writeFileSync(join(folder, 'qrels'), '1 0 184 3\n1 0   29 -1\n2 Q0 12 1 \n')
  const qrels = await readQrels(join(folder, 'qrels'))
  expect([...qrels].map(([query, grades]) => [query, ...grades])).toEqual([
    ['1', ['184', 3], ['29', -1]],
    ['2', ['12', 1]],
  ])
})

/** Collections that are shared between checkouts; not part of the repository. */
const shared = new URL('../../../shared/data/retrieval/', import.meta.url)

describe.skipIf(!existsSync(shared))('real collections', () => {
  test.each([
    ['scifact', 'test', 300, 5183],
    ['scifact', 'train', 809, 5183],
    ['msmarco-5k', 'test', 43, 5000],
  ])('%s (%s)', async (name, split, queries, documents) => {
    const collection = await readBeir(new URL(`${name}/`, shared), { split })
    expect(collection.queries.size).toBe(queries)
    const ids = new Set((await allOf(collection.documents())).map(({ id }) => id))
    expect(ids.size).toBe(documents)
    for (const grades of collection.qrels.values()) for (const id of grades.keys()) expect(ids).toContain(id)
  })

  test('cranfield has judgements in the layout of TREC', async () => {
    const qrels = await readQrels(new URL('cranfield/QRelsCorrectedforTRECeval', shared))
    expect(qrels.size).toBe(225)
  })
})
