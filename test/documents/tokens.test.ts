import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countTokens } from '../../src/documents/index.js'
import { codePointRanges, graphemeRanges, tokenRanges } from '../../src/documents/tokens.js'

const tokens = (text: string) =>
  tokenRanges(text, { start: 0, end: text.length }).map(({ start, end }) => text.slice(start, end))

describe('tokens', () => {
  it.each([
    ["It isn't 1,000.5 km.", ['It', "isn't", '1,000.5', 'km', '.']],
    ['snake_case v2 GPT-4', ['snake_case', 'v2', 'GPT', '-', '4']],
    ['naïve e\u0301te\u0301', ['naïve', 'e\u0301te\u0301']],
    ['中文字と', ['中', '文', '字', 'と']],
    ['หนังน้ำ', ['ห', 'นั', 'ง', 'น้ำ']],
    ['한국어 text', ['한국어', 'text']],
    ['👨‍👩‍👧🇩🇪👍🏽!', ['👨‍👩‍👧', '🇩🇪', '👍🏽', '!']],
    ['', []],
  ])('of %s', (text, expected) => {
    expect(tokens(text)).toEqual(expected)
    expect(countTokens(text)).toBe(expected.length)
  })

  it('hold all of the text but white space, and count the same in any cut between two', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.nat(), (text, at) => {
        const ranges = tokenRanges(text, { start: 0, end: text.length })
        expect(tokens(text).join('')).toBe(text.replace(/\s/g, ''))
        const cut = ranges[at % Math.max(ranges.length, 1)]?.start ?? 0
        expect(countTokens(text.slice(0, cut)) + countTokens(text.slice(cut))).toBe(ranges.length)
      }),
      { numRuns: 500 },
    )
  })

  it('come apart into graphemes and code points', () => {
    const text = `${'👨‍👩‍👧'.repeat(200)}e\u0301`
    expect(graphemeRanges(text, { start: 0, end: text.length })).toHaveLength(201)
    expect(codePointRanges('a😀b', { start: 0, end: 4 })).toEqual([
      { start: 0, end: 1 },
      { start: 1, end: 3 },
      { start: 3, end: 4 },
    ])
  })
})
