import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NotFoundError, ValidationError } from '../errors.js'
import { parseJson } from '../formats/parse-json.js'
import { sourceOf } from '../formats/source.js'
import { linesOf, textOf } from '../formats/text.js'
import { describeValue } from '../types/column-type.js'
import type { Qrels } from './qrels.js'
import { readQrels } from './read-qrels.js'

/** How a collection is read. */
export interface BeirOptions {
  /** The judgements: those of `qrels/<split>.tsv`, or else of `qrels_<split>.tsv`. @default 'test' */
  readonly split?: string | undefined
  /** Stops reading; the promise, or the next document, rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** A document of a collection. */
export interface BeirDocument {
  readonly id: string
  /** Empty where there is none. */
  readonly title: string
  readonly text: string
}

/** Queries, judgements and documents to measure a search on. */
export interface BeirCollection {
  /** The queries of the split, by their ids. */
  readonly queries: ReadonlyMap<string, string>
  readonly qrels: Qrels
  /** Reads the documents, from the first on at each call; they are never all in memory. */
  documents(): AsyncGenerator<BeirDocument, void, undefined>
}

/**
 * Reads a collection in the layout of BEIR (Thakur et al., NeurIPS 2021): a folder with `corpus.jsonl`, `queries.jsonl`
 * and `qrels/<split>.tsv`.
 *
 * @example
 * ```ts
 * import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
 * import { tmpdir } from 'node:os'
 * import { join } from 'node:path'
 * import { readBeir } from 'pixeltable'
 *
 * const folder = mkdtempSync(join(tmpdir(), 'plants-'))
 * mkdirSync(join(folder, 'qrels'))
 * writeFileSync(join(folder, 'corpus.jsonl'), '{"_id": "d1", "title": "Plants", "text": "They live on light."}\n')
 * writeFileSync(join(folder, 'queries.jsonl'), '{"_id": "q1", "text": "How do plants eat?"}\n')
 * writeFileSync(join(folder, 'qrels', 'test.tsv'), 'query-id\tcorpus-id\tscore\nq1\td1\t1\n')
 *
 * const { queries, qrels, documents } = await readBeir(folder)
 * console.log(queries.get('q1'), qrels.get('q1')?.get('d1')) // How do plants eat? 1
 * for await (const { id, title } of documents()) console.log(id, title) // d1 Plants
 * ```
 * @throws NotFoundError (rejection) when a file is missing
 * @throws ValidationError (rejection) for a line that does not fit, with file and line
 */
export async function readBeir(
  folder: string | URL,
  { split = 'test', signal }: BeirOptions = {},
): Promise<BeirCollection> {
  const path = typeof folder === 'string' ? folder : fileURLToPath(folder)
  const corpus = join(path, 'corpus.jsonl')
  const judgements = [join(path, 'qrels', `${split}.tsv`), join(path, `qrels_${split}.tsv`)]
  const found = judgements.find(existsSync)
  if (!existsSync(corpus)) throw new NotFoundError(`there is no file '${corpus}'`)
  if (found === undefined) {
    throw new NotFoundError(`no judgements of '${split}': there is neither '${judgements.join("' nor '")}'`)
  }
  const qrels = await readQrels(found, signal)
  const queries = new Map<string, string>()
  // A collection has the queries of all its splits in one file.
  for await (const { id, text } of records(join(path, 'queries.jsonl'), signal))
    if (qrels.has(id)) queries.set(id, text)
  for (const query of qrels.keys()) {
    if (queries.has(query)) continue
    throw new ValidationError(`'queries.jsonl' has no query '${query}', which the judgements of '${split}' name`)
  }
  return { queries, qrels, documents: () => records(corpus, signal) }
}

/** The lines of a file of queries, which have no titles, or documents. */
async function* records(path: string, signal: AbortSignal | undefined): AsyncGenerator<BeirDocument, void, undefined> {
  const source = sourceOf(path, { signal })
  for await (const { lines, first } of linesOf(textOf(source.stream(), source.label))) {
    for (const [i, line] of lines.entries()) {
      if (line.trim() !== '') yield recordOf(line, `${source.label}: line ${first + i}`)
    }
  }
}

function recordOf(line: string, where: string): BeirDocument {
  let value: unknown
  try {
    value = parseJson(line)
  } catch (cause) {
    throw new ValidationError(`${where}: expected JSON: ${(cause as Error).message}`, { cause })
  }
  if (typeof value !== 'object' || value === null) {
    throw new ValidationError(`${where}: expected an object with _id and text, got ${describeValue(value)}`)
  }
  const { _id: id, title, text } = value as Record<string, unknown>
  // Judgements name documents by text, also those that some collections number.
  if (typeof id !== 'string' && typeof id !== 'number' && typeof id !== 'bigint') {
    throw new ValidationError(`${where}: _id: expected text or a number, got ${describeValue(id)}`)
  }
  if (typeof text !== 'string') throw new ValidationError(`${where}: text: expected text, got ${describeValue(text)}`)
  if (title !== undefined && title !== null && typeof title !== 'string') {
    throw new ValidationError(`${where}: title: expected text, got ${describeValue(title)}`)
  }
  return { id: String(id), title: title ?? '', text }
}
