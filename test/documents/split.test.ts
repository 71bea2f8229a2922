import { describe, expect, it } from 'vitest'
import {
  type Block,
  countTokens,
  type ParsedDocument,
  parseDocument,
  type SplitOptions,
  splitDocument,
  splitText,
} from '../../src/documents/index.js'
import { ValidationError } from '../../src/errors.js'
import { growth, tooFast } from '../growth.js'

const words = (n: number) => Array.from({ length: n }, (_, i) => `w${i}`).join(' ')
const markdown = (text: string) => parseDocument(new TextEncoder().encode(text), 'text/markdown')
const texts = async (document: ParsedDocument, options: SplitOptions) =>
  (await splitDocument(document, options)).map(({ text }) => text)
const paragraph = (text: string, page: number | null = null): Block => ({
  kind: 'paragraph',
  text,
  level: null,
  heading: null,
  page,
  sourceline: null,
})

const guide = `# Guide
Intro one. Intro two.

## Install
Run it. Wait.

Done now.

## Use
Open it.
`

describe('splitDocument without a limit', () => {
  it('keeps the document whole without separators', async () => {
    const chunks = await splitDocument(await markdown(guide), { separators: [] })
    expect(chunks).toHaveLength(1)
    expect(chunks[0]).toMatchObject({ title: 'Guide', heading: { h1: 'Guide' }, sourceline: 1, page: null, start: 0 })
    expect(chunks[0]?.text).toContain('Done now.\n\nUse\n\nOpen it.')
  })

  it('opens a chunk with each heading and tells the headings of its first text', async () => {
    const chunks = await splitDocument(await markdown(guide), { separators: ['heading'] })
    expect(chunks.map(({ text, heading, sourceline }) => [text, heading, sourceline])).toEqual([
      ['Guide\n\nIntro one. Intro two.', { h1: 'Guide' }, 1],
      ['Install\n\nRun it. Wait.\n\nDone now.', { h1: 'Guide', h2: 'Install' }, 4],
      ['Use\n\nOpen it.', { h1: 'Guide', h2: 'Use' }, 9],
    ])
  })

  it('makes a chunk of each paragraph or sentence', async () => {
    const document = await markdown(guide)
    expect(await texts(document, { separators: ['paragraph'] })).toEqual([
      ...['Guide', 'Intro one. Intro two.', 'Install', 'Run it. Wait.', 'Done now.', 'Use', 'Open it.'],
    ])
    expect(await texts(document, { separators: ['sentence'] })).toEqual([
      ...['Guide', 'Intro one.', 'Intro two.', 'Install', 'Run it.', 'Wait.', 'Done now.', 'Use', 'Open it.'],
    ])
  })

  it('keeps code whole and takes a table row by row', async () => {
    const document = await markdown('```\na = 1. B\n\nc()\n```\n\n|x|y|\n|-|-|\n|1|2. Z|\n')
    expect(await texts(document, { separators: ['sentence'] })).toEqual(['a = 1. B\n\nc()', 'x | y', '1 | 2. Z'])
  })

  it('ends a chunk at each page, and only where there are pages', async () => {
    const pages = { title: null, blocks: [paragraph('One.', 1), paragraph('Two.', 1), paragraph('Three.', 3)] }
    const chunks = await splitDocument(pages, { separators: ['page'] })
    expect(chunks.map(({ text, page }) => [text, page])).toEqual([
      ['One.\n\nTwo.', 1],
      ['Three.', 3],
    ])
    expect(await splitDocument(await markdown(guide), { separators: ['page'] })).toHaveLength(1)
  })

  it('makes nothing of an empty document', async () => {
    expect(await splitDocument({ title: 'x', blocks: [] }, { separators: ['sentence'] })).toEqual([])
    expect(await splitDocument(await markdown(' \n'), { separators: ['token_limit'], limit: 3 })).toEqual([])
  })
})

describe('splitDocument with a limit', () => {
  it('makes 4 chunks of 1,000 tokens at limit 300 and overlap 50', async () => {
    const chunks = await splitDocument(
      { title: null, blocks: [paragraph(words(600)), paragraph(words(400))] },
      { separators: ['token_limit'], limit: 300, overlap: 50 },
    )
    expect(chunks.map(({ text }) => countTokens(text))).toEqual([300, 300, 300, 250])
    expect(chunks.map(({ start }) => start)).toEqual([...new Set(chunks.map(({ start }) => start))])
    for (const [i, chunk] of chunks.slice(1).entries()) {
      expect(countTokens(chunk.text.slice(0, chunks[i]!.end - chunk.start))).toBe(50)
    }
  })

  it('fills chunks with whole sentences', async () => {
    const document = await markdown('One two three. Four five. Six seven eight nine. Ten.')
    const options = { separators: ['sentence', 'token_limit'], limit: 8 } as const
    expect(await texts(document, options)).toEqual(['One two three. Four five.', 'Six seven eight nine. Ten.'])
  })

  it('repeats the last whole sentences that fit into the overlap', async () => {
    const document = await markdown('Aa bb. Cc dd. Ee ff. Gg hh. Ii jj.')
    expect(await texts(document, { separators: ['sentence', 'token_limit'], limit: 9, overlap: 4 })).toEqual([
      'Aa bb. Cc dd. Ee ff.',
      'Ee ff. Gg hh. Ii jj.',
    ])
  })

  it('repeats the last words where the last sentence is longer than the overlap', async () => {
    const document = await markdown('One two three four five six. Seven eight nine ten.')
    expect(await texts(document, { separators: ['sentence', 'token_limit'], limit: 8, overlap: 3 })).toEqual([
      'One two three four five six.',
      'five six. Seven eight nine ten.',
    ])
  })

  it('takes a long sentence apart between words and fills the open chunk with it', async () => {
    const document = await markdown(`Short one. ${words(10)}.`)
    expect(await texts(document, { separators: ['sentence', 'token_limit'], limit: 6 })).toEqual([
      'Short one. w0 w1 w2',
      'w3 w4 w5 w6 w7 w8',
      'w9.',
    ])
  })

  it('takes a long paragraph apart between sentences', async () => {
    const document = await markdown('Aa bb cc. Dd ee ff. Gg hh ii.\n\nJj.')
    expect(await texts(document, { separators: ['paragraph', 'token_limit'], limit: 9 })).toEqual([
      'Aa bb cc. Dd ee ff.',
      'Gg hh ii.\n\nJj.',
    ])
  })

  it('never crosses a heading or a page', async () => {
    const document = await markdown(guide)
    const chunks = await splitDocument(document, { separators: ['heading', 'token_limit'], limit: 100 })
    expect(chunks).toHaveLength(3)
    const pages = { title: null, blocks: [paragraph('a', 1), paragraph('b', 2), paragraph('c', 2)] }
    expect(await texts(pages, { separators: ['page', 'char_limit'], limit: 100 })).toEqual(['a', 'b\n\nc'])
  })

  it('cuts characters between words, then graphemes, then code points', async () => {
    const cut = async (text: string, limit: number, overlap = 0) =>
      (await splitText(text, { separators: ['char_limit'], limit, overlap })).map((chunk) => chunk.text)
    expect(await cut('alpha beta gamma', 11)).toEqual(['alpha beta', 'gamma'])
    expect(await cut('alphabet soup', 5)).toEqual(['alpha', 'bet', 'soup'])
    expect(await cut('one two three four', 13, 5)).toEqual(['one two three', 'three four'])
    expect(await cut('👨‍👩‍👧👨‍👩‍👧', 8)).toEqual(['👨‍👩‍👧', '👨‍👩‍👧'])
    expect(await cut('👨‍👩‍👧', 3)).toEqual(['👨\u200d', '👩\u200d', '👧'])
    expect(await cut('a😀', 1)).toEqual(['a', '😀'])
  })

  it('tells the line on which each chunk of a long block begins', async () => {
    const lines = Array.from({ length: 50 }, (_, i) => `line ${i + 1} has five words`).join('\n')
    const document = await parseDocument(new TextEncoder().encode(`\n\n${lines}`), 'text/plain')
    const chunks = await splitDocument(document, { separators: ['token_limit'], limit: 50 })
    expect(chunks.map(({ sourceline }) => sourceline)).toEqual([3, 13, 23, 33, 43])
  })
})

describe('splitDocument with a tokenizer', () => {
  const pieces = (text: string) => Math.ceil(Buffer.byteLength(text) / 3)

  it('counts with it and asks it seldom', async () => {
    let calls = 0
    const tokenizer = (text: string) => {
      calls++
      return pieces(text)
    }
    const chunks = await splitText(words(5000), { separators: ['token_limit'], limit: 300, tokenizer })
    expect(chunks.every(({ text }) => pieces(text) <= 300)).toBe(true)
    expect(chunks.slice(0, -1).every(({ text }) => pieces(text) > 295)).toBe(true)
    expect(calls).toBeLessThan(chunks.length * 7)
  })

  it('refuses a result that is no number', async () => {
    const tokenizer = (() => [1, 2]) as unknown as () => number
    await expect(splitText('a b', { separators: ['token_limit'], limit: 3, tokenizer })).rejects.toThrow(
      ValidationError,
    )
    await expect(splitText('a b', { separators: ['token_limit'], limit: 3, tokenizer })).rejects.toThrow(/its length/)
  })

  it('ends with one that exceeds the limit for every text', async () => {
    const chunks = await splitText('ab 😀', { separators: ['token_limit'], limit: 3, tokenizer: () => 9 })
    expect(chunks.map(({ text }) => text)).toEqual(['a', 'b', '😀'])
  })
})

describe('splitText', () => {
  it('tells where each chunk stands', async () => {
    const text = '  One. Two.\n\nThree. '
    const chunks = await splitText(text, { separators: ['sentence'] })
    expect(chunks).toEqual([
      { text: 'One.', start: 2, end: 6 },
      { text: 'Two.', start: 7, end: 11 },
      { text: 'Three.', start: 13, end: 19 },
    ])
  })

  it('lets others work meanwhile, and stops when told to', async () => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 5)
    const text = `${words(300)}.\n\n`.repeat(2000)
    await expect(
      splitText(text, { separators: ['sentence', 'token_limit'], limit: 20, signal: abort.signal }),
    ).rejects.toThrow(/abort/i)
    expect(() => AbortSignal.abort().throwIfAborted()).toThrow()
    await expect(splitText('a', { separators: [], signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
  })

  it('takes a time that grows with the text, not with its square', async () => {
    const work = async (size: number) => {
      const text = `${'The quick brown fox jumps over it. '.repeat(20)}\n\n`.repeat(size)
      const chunks = await splitText(text, { separators: ['sentence', 'token_limit'], limit: 200, overlap: 30 })
      expect(chunks.length).toBeGreaterThan(size / 2)
    }
    expect(await growth(work, 300)).toBeLessThan(tooFast)
  })
})
