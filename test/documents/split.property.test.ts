import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Block,
  countTokens,
  type ParsedDocument,
  type Separator,
  type SplitOptions,
  splitDocument,
} from '../../src/documents/index.js'

const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom('word ', 'The ', 'end. ', 'Dr. ', 'no', '-', '1,000 ', '\n', '! ', 'x'.repeat(40)),
  },
  { weight: 2, arbitrary: fc.constantFrom('中', '文。', 'ภาษา', '😀', '👨‍👩‍👧', 'e\u0301', '한국 ') },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
)
const text = fc
  .array(piece, { minLength: 1, maxLength: 25 })
  .map((pieces) => pieces.join('').trim())
  .filter((joined) => joined !== '')
const block = fc.record({
  text,
  kind: fc.constantFrom<Block['kind'][]>('heading', 'paragraph', 'paragraph', 'listItem', 'code', 'table'),
  newPage: fc.boolean(),
})
const document = fc.array(block, { maxLength: 8 }).map((blocks): ParsedDocument => {
  let page = 1
  return {
    title: null,
    blocks: blocks.map(({ newPage, kind, text }) => {
      if (newPage) page++
      return { kind, text, level: kind === 'heading' ? 1 : null, heading: null, page, sourceline: null }
    }),
  }
})

const byBytes = (text: string) => Math.ceil(Buffer.byteLength(text) / 4)
const soft = fc.subarray<Separator>(['heading', 'paragraph', 'sentence', 'page'])
const options = fc.oneof(
  soft.map((separators): SplitOptions => ({ separators })),
  fc
    .record({
      soft,
      unit: fc.constantFrom<Separator[]>('token_limit', 'char_limit'),
      limit: fc.integer({ min: 2, max: 40 }),
      overlap: fc.double({ min: 0, max: 0.99, noNaN: true }),
      own: fc.boolean(),
    })
    .map(
      ({ soft, unit, limit, overlap, own }): SplitOptions => ({
        separators: [...soft, unit],
        limit,
        overlap: Math.floor(overlap * limit),
        ...(own && unit === 'token_limit' && { tokenizer: byBytes }),
      }),
    ),
)

const sizeOf = ({ separators, tokenizer }: SplitOptions, text: string) =>
  separators.includes('char_limit') ? text.length : (tokenizer ?? countTokens)(text)
const squeezed = (text: string) => text.replace(/\s/g, '')
const runs = { numRuns: 600 }

describe('any document with any separators', () => {
  it('keeps all of its text, once, without an overlap', async () => {
    await fc.assert(
      fc.asyncProperty(document, options, async (document, options) => {
        const chunks = await splitDocument(document, { ...options, overlap: 0 })
        const whole = document.blocks.map(({ text }) => text).join('\n\n')
        expect(squeezed(chunks.map(({ text }) => text).join(''))).toBe(squeezed(whole))
        for (const { text, start, end } of chunks) {
          expect(text).toBe(whole.slice(start, end))
          expect(text.trim()).toBe(text)
          expect(text).not.toBe('')
        }
      }),
      runs,
    )
  })

  it('honours the limit, leaves nothing out with an overlap, and always moves on', async () => {
    await fc.assert(
      fc.asyncProperty(document, options, async (document, options) => {
        const chunks = await splitDocument(document, options)
        const whole = document.blocks.map(({ text }) => text).join('\n\n')
        let covered = 0
        for (const { text, start, end } of chunks) {
          if (options.limit !== undefined) expect(sizeOf(options, text)).toBeLessThanOrEqual(options.limit)
          expect(squeezed(whole.slice(covered, start))).toBe('')
          expect(end).toBeGreaterThan(covered)
          if (start < covered)
            expect(sizeOf(options, whole.slice(start, covered))).toBeLessThanOrEqual(options.overlap ?? 0)
          covered = end
        }
        expect(squeezed(whole.slice(covered))).toBe('')
      }),
      runs,
    )
  })

  it('splits no surrogate pair', async () => {
    await fc.assert(
      fc.asyncProperty(document, options, async (document, options) => {
        const whole = document.blocks.map(({ text }) => text).join('\n\n')
        for (const { start, end } of await splitDocument(document, options)) {
          for (const at of [start, end])
            expect(/[\ud800-\udbff][\udc00-\udfff]/.test(whole.slice(at - 1, at + 1))).toBe(false)
        }
      }),
      runs,
    )
  })

  it('gives the same chunks again', async () => {
    await fc.assert(
      fc.asyncProperty(document, options, async (document, options) => {
        expect(await splitDocument(document, options)).toEqual(await splitDocument(document, options))
      }),
      { numRuns: 100 },
    )
  })

  it('crosses no heading and no page that separates', async () => {
    await fc.assert(
      fc.asyncProperty(document, options, async (document, options) => {
        const starts: number[] = []
        let at = 0
        for (const [i, block] of document.blocks.entries()) {
          const heading = options.separators.includes('heading') && block.kind === 'heading'
          const page = options.separators.includes('page') && block.page !== document.blocks[i - 1]?.page
          if (heading || page) starts.push(at)
          at += block.text.length + 2
        }
        for (const { start, end } of await splitDocument(document, options)) {
          expect(starts.filter((boundary) => start < boundary && boundary < end)).toEqual([])
        }
      }),
      runs,
    )
  })
})
