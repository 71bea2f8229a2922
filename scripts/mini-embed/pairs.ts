import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Exclusion } from './exclusion.js'
import { Random } from './random.js'

/** Two related texts. */
export type Pair = readonly [string, string]

/** Pairs of one kind. A batch comes from one source, so that its negatives are of the same kind too. */
export interface Source {
  readonly name: string
  readonly pairs: Pair[]
  /** Whether neighbours in the file are about similar things, which makes them good negatives for each other. */
  readonly ordered: boolean
}

/** What was read and what was left out. */
export interface PairReport {
  readonly file: string
  readonly read: number
  readonly overlapping: number
  readonly malformed: number
}

/** Made from SQuAD's development questions, which XQuAD translates: never trained on. */
export const overlappingFiles = ['squad_dev_question_sentence', 'disflqa_question_rewrite'] as const

/** Reads the `*.jsonl.gz` files of a folder in the order of their names. */
export function readPairs(
  folder: string,
  exclusion: Exclusion | undefined,
): { files: Map<string, Pair[]>; report: PairReport[] } {
  const files = new Map<string, Pair[]>()
  const report: PairReport[] = []
  for (const file of readdirSync(folder).sort()) {
    const name = file.replace(/\.jsonl\.gz$/, '')
    if (name === file || (overlappingFiles as readonly string[]).includes(name)) continue
    const pairs = readPairFile(join(folder, file))
    const kept =
      exclusion === undefined ? pairs.valid : pairs.valid.filter(([a, b]) => !exclusion.has(a) && !exclusion.has(b))
    files.set(name, kept)
    report.push({
      file: name,
      read: pairs.valid.length + pairs.malformed,
      overlapping: pairs.valid.length - kept.length,
      malformed: pairs.malformed,
    })
  }
  return { files, report }
}

/** Reads one file: a JSON array of two strings a line. */
export function readPairFile(file: string): { valid: Pair[]; malformed: number } {
  const valid: Pair[] = []
  let malformed = 0
  for (const line of gunzipSync(readFileSync(file)).toString('utf8').split('\n')) {
    if (line.trim() === '') continue
    const value: unknown = JSON.parse(line)
    if (isPair(value)) valid.push(value)
    else malformed++
  }
  return { valid, malformed }
}

function isPair(value: unknown): value is [string, string] {
  return (
    Array.isArray(value) && value.length === 2 && value.every((text) => typeof text === 'string' && text.trim() !== '')
  )
}

const questions = [
  (lemma: string) => `what is ${lemma}`,
  (lemma: string) => `what is the meaning of ${lemma}`,
  (lemma: string) => `${lemma} definition`,
  (lemma: string) => `define ${lemma}`,
  (lemma: string) => `what does ${lemma} mean`,
  (lemma: string) => `${lemma} meaning`,
  (lemma: string) => `what are ${lemma}`,
] as const

/** Derives the sources to train on from the files: templates, examples, synonyms, sentences of abstracts. */
export function deriveSources(
  files: ReadonlyMap<string, readonly Pair[]>,
  seed: number,
  exclusion?: Exclusion,
): { sources: Source[]; dropped: number } {
  const random = new Random(seed)
  const sources: Source[] = []
  let dropped = 0
  const add = (name: string, pairs: Pair[], ordered = false) => {
    const kept = pairs.filter(([a, b]) => exclusion === undefined || !(exclusion.has(a) || exclusion.has(b)))
    dropped += pairs.length - kept.length
    if (kept.length > 0) sources.push({ name, pairs: kept, ordered })
  }

  const wordnet = files.get('wordnet_lemma_gloss') ?? []
  const lemmasByGloss = new Map<string, string>()
  const glosses: Pair[] = []
  const examples: Pair[] = []
  for (const [a, b] of wordnet) {
    // A lemma precedes its gloss; a gloss that was seen precedes its examples.
    if (lemmasByGloss.has(a)) examples.push([a, b])
    else {
      lemmasByGloss.set(b, a)
      glosses.push([a, b])
    }
  }
  add('lemma–gloss', glosses, true)
  add(
    'question–gloss',
    glosses.map(([lemmas, gloss]): Pair => {
      const names = lemmas.split(', ')
      const lemma = names[random.below(names.length)]!
      return [questions[random.below(questions.length)]!(lemma), `${lemma} ${gloss}`]
    }),
    true,
  )
  add('gloss–example', examples, true)
  add(
    'lemma–example',
    examples.flatMap(([gloss, example]): Pair[] => {
      const lemmas = lemmasByGloss.get(gloss)
      return lemmas === undefined ? [] : [[lemmas, example]]
    }),
    true,
  )
  add(
    'synonyms',
    glosses.flatMap(([lemmas]): Pair[] => {
      const names = lemmas.split(', ')
      return names.slice(1).map((name, i): Pair => [names[i]!, name])
    }),
    true,
  )

  add(
    'ppdb',
    (files.get('ppdb_lexical') ?? []).filter(([a, b]) => !/\d/.test(a + b) && (a.length > 3 || b.length > 3)),
  )
  add('tldr', [...(files.get('tldr_task_command') ?? [])], true)
  add('intents', [...(files.get('intent_same_class') ?? [])])

  const abstracts = [...(files.get('paper_title_abstract') ?? []), ...(files.get('scitldr_tldr_abstract') ?? [])]
  add('title–abstract', abstracts)
  const sentences: Pair[] = []
  const neighbours: Pair[] = []
  const halves: Pair[] = []
  for (const [title, abstract] of abstracts) {
    const parts = abstract.split(/(?<=[.!?])\s+(?=[A-Z])/).filter((sentence) => sentence.length > 30)
    if (parts.length < 2) continue
    sentences.push([title, parts[random.below(parts.length)]!])
    const at = random.below(parts.length - 1)
    neighbours.push([parts[at]!, parts[at + 1]!])
    const query = random.below(parts.length)
    halves.push([parts[query]!, parts.filter((_, i) => i !== query).join(' ')])
  }
  add('title–sentence', sentences)
  add('sentence–sentence', neighbours)
  add('sentence–abstract', halves)

  const known = [
    'wordnet_lemma_gloss',
    'ppdb_lexical',
    'tldr_task_command',
    'intent_same_class',
    'paper_title_abstract',
    'scitldr_tldr_abstract',
  ]
  for (const [name, pairs] of files) if (!known.includes(name)) add(name, [...pairs])
  return { sources, dropped }
}
