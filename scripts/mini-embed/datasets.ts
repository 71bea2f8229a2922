import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { dot, ndcg, nearest, spearman } from './metrics.js'

/** Pairs of sentences with a human score of their similarity. */
export interface SimilaritySet {
  readonly name: string
  readonly pairs: readonly { readonly a: string; readonly b: string; readonly score: number }[]
}

/** Queries, documents and judgements of relevance. */
export interface RetrievalSet {
  readonly name: string
  readonly documents: ReadonlyMap<string, string>
  readonly queries: ReadonlyMap<string, string>
  /** Gain by query and document. */
  readonly judgements: ReadonlyMap<string, ReadonlyMap<string, number>>
}

/** A model under test: vectors of length one, in the order of the texts. */
export type Embed = (texts: readonly string[]) => Promise<readonly ArrayLike<number>[]>

/** One split of STS-B (Cer et al., SemEval 2017). */
export function readStsb(data: string, split: 'train' | 'dev' | 'test'): SimilaritySet {
  const pairs = lines(join(data, `sts/stsbenchmark/sts-${split}.csv`)).map((line) => {
    const [, , , , score, a, b] = line.split('\t')
    return { a: a ?? '', b: b ?? '', score: Number(score) }
  })
  return { name: `STS-B ${split}`, pairs }
}

/** A collection in the layout of BEIR (Thakur et al., NeurIPS 2021). */
export function readBeir(folder: string, name: string, judgementFile: string): RetrievalSet {
  const documents = new Map<string, string>()
  for (const line of lines(join(folder, 'corpus.jsonl'))) {
    const { _id, title, text } = JSON.parse(line) as { _id: string; title?: string; text: string }
    documents.set(_id, title ? `${title} ${text}` : text)
  }
  const texts = new Map(
    lines(join(folder, 'queries.jsonl')).map((line) => {
      const { _id, text } = JSON.parse(line) as { _id: string; text: string }
      return [_id, text] as const
    }),
  )
  const judgements = new Map<string, Map<string, number>>()
  for (const line of lines(join(folder, judgementFile))) {
    const [query = '', document = '', gain] = line.split('\t')
    if (texts.has(query)) gains(judgements, query).set(document, Number(gain))
  }
  const queries = new Map([...judgements.keys()].map((id) => [id, texts.get(id) ?? '']))
  return { name, documents, queries, judgements }
}

/** SciFact (Wadden et al., EMNLP 2020). */
export function readScifact(data: string, split: 'train' | 'test' = 'test'): RetrievalSet {
  return readBeir(join(data, 'retrieval/scifact'), `SciFact ${split}`, `qrels/${split}.tsv`)
}

/** 5,000 passages and 50 queries of MS MARCO (Bajaj et al., 2016). */
export function readMsmarco(data: string): RetrievalSet {
  return readBeir(join(data, 'retrieval/msmarco-5k'), 'MS MARCO 5k', 'qrels_test.tsv')
}

/** Cranfield (Cleverdon, 1967). Judgements number the queries by their order. */
export function readCranfield(data: string): RetrievalSet {
  const folder = join(data, 'retrieval/cranfield')
  const records = (file: string) =>
    readFileSync(join(folder, file), 'utf8')
      .split(/^\.I +/m)
      .slice(1)
      .map((record) => {
        const id = String(Number.parseInt(record, 10))
        const text = record.slice(record.indexOf('\n.W') + 3).replace(/\s+/g, ' ')
        return [id, text.trim()] as const
      })
  const documents = new Map(records('cran.all.1400'))
  const queries = new Map(records('cran.qry').map(([, text], i) => [String(i + 1), text]))
  const judgements = new Map<string, Map<string, number>>()
  for (const line of lines(join(folder, 'QRelsCorrectedforTRECeval'))) {
    const [query = '', , document = '', gain] = line.trim().split(/\s+/)
    gains(judgements, query).set(document, gain === '5' ? 0 : Number(gain))
  }
  return { name: 'Cranfield', documents, queries, judgements }
}

/** Questions and paragraphs of XQuAD (Artetxe et al., ACL 2020), one paragraph relevant to a question. */
export function readXquad(data: string, language = 'en'): RetrievalSet {
  const { data: articles } = JSON.parse(readFileSync(join(data, `retrieval/xquad/xquad.${language}.json`), 'utf8')) as {
    data: { paragraphs: { context: string; qas: { id: string; question: string }[] }[] }[]
  }
  const documents = new Map<string, string>()
  const queries = new Map<string, string>()
  const judgements = new Map<string, Map<string, number>>()
  for (const { paragraphs } of articles) {
    for (const { context, qas } of paragraphs) {
      const document = String(documents.size)
      documents.set(document, context)
      for (const { id, question } of qas) {
        queries.set(id, question)
        judgements.set(id, new Map([[document, 1]]))
      }
    }
  }
  return { name: `XQuAD ${language}`, documents, queries, judgements }
}

/** Every text of the evaluation sets that a data folder has: nothing of it may be trained on. */
export function evaluationTexts(data: string): string[] {
  const texts: string[] = []
  if (existsSync(join(data, 'sts/stsbenchmark'))) {
    for (const split of ['train', 'dev', 'test'] as const) {
      for (const { a, b } of readStsb(data, split).pairs) texts.push(a, b)
    }
  }
  const add = ({ documents, queries }: RetrievalSet) => texts.push(...documents.values(), ...queries.values())
  if (existsSync(join(data, 'retrieval/scifact'))) {
    add(readScifact(data, 'train'))
    add(readScifact(data, 'test'))
    for (const line of lines(join(data, 'retrieval/scifact/corpus.jsonl'))) {
      texts.push((JSON.parse(line) as { title: string }).title)
    }
    for (const line of lines(join(data, 'retrieval/scifact/queries.jsonl'))) {
      texts.push((JSON.parse(line) as { text: string }).text)
    }
  }
  if (existsSync(join(data, 'retrieval/msmarco-5k'))) add(readMsmarco(data))
  if (existsSync(join(data, 'retrieval/cranfield'))) add(readCranfield(data))
  if (existsSync(join(data, 'retrieval/xquad'))) {
    for (const language of ['en', 'de', 'zh']) add(readXquad(data, language))
  }
  return texts
}

/** Spearman's correlation of cosines with human scores. */
export async function similarityScore(embed: Embed, { pairs }: SimilaritySet): Promise<number> {
  const left = await embed(pairs.map(({ a }) => a))
  const right = await embed(pairs.map(({ b }) => b))
  return spearman(
    left.map((vector, i) => dot(vector, right[i] ?? [])),
    pairs.map(({ score }) => score),
  )
}

/** Mean nDCG@10 of exhaustive search by inner product. */
export async function retrievalScore(embed: Embed, set: RetrievalSet): Promise<number> {
  const ids = [...set.documents.keys()]
  const documents = await embed([...set.documents.values()])
  const queries = await embed([...set.queries.values()])
  let sum = 0
  let i = 0
  for (const query of set.queries.keys()) {
    sum += ndcg(nearest(queries[i++] ?? [], documents, ids), set.judgements.get(query) ?? new Map())
  }
  return sum / set.queries.size
}

function lines(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .filter((line, i) => i > 0 || !line.startsWith('query-id'))
}

function gains(judgements: Map<string, Map<string, number>>, query: string): Map<string, number> {
  let map = judgements.get(query)
  if (map === undefined) {
    map = new Map()
    judgements.set(query, map)
  }
  return map
}
