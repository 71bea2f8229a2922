import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sentences } from '../../src/documents/index.js'
import { growth, tooFast } from '../growth.js'

describe('sentences', () => {
  it.each([
    ['titles', ['Dr. Smith met Mrs. Jones.', 'They talked.']],
    ['Latin', ['Use a fruit, e.g. Apples, i.e. Food.', 'Smith et al. (2019) agree.', 'It is A vs. B here.']],
    ['figures and numbers', ['See Fig. 3 and No. 5 on p. 7.', 'It costs $3.50.', 'No.', 'I will not.']],
    ['initials', ['J. R. R. Tolkien wrote it.', 'He lived in the U.S. Army base.', 'He moved to the U.S.', 'The end.']],
    ['companies', ['Apple Inc. Chairman Levinson spoke.', 'He left Apple Inc.', 'The price fell.']],
    ['hours', ['It began at 5 p.m.', 'Then it rained.']],
    ['list numbers', ['1. Introduction to it.', '2. Methods of it.']],
    ['quotes', ['“Really?” she asked.', '“Yes!”', 'He left.']],
    ['German', ['Am 3. Oktober kam Hr. Müller, z.B. mit Dr. Weiß.', 'Er blieb bis 5 Uhr.', 'Das war Nr. 7.']],
    ['letters after a year', ['It was 2019.', 'Then came 2020.']],
  ])('%s', (_, expected) => {
    expect(sentences(expected.join(' '))).toEqual(expected)
  })

  it('Chinese and Japanese, which have no spaces', () => {
    expect(sentences('今天天气很好。我们去公园吧！好吗？')).toEqual(['今天天气很好。', '我们去公园吧！', '好吗？'])
    expect(sentences('これは本です。あれは何ですか。')).toEqual(['これは本です。', 'あれは何ですか。'])
  })

  it('ends a sentence at a blank line', () => {
    expect(sentences('A title\n\nThe text.\r\n \r\nMore')).toEqual(['A title', 'The text.', 'More'])
  })

  it('goes on over a wrapped line, but not over lines of a list or of a long text', () => {
    expect(sentences('The first line\nand the second one.')).toEqual(['The first line\nand the second one.'])
    expect(sentences('Buy this:\n- milk and eggs\n- bread')).toEqual(['Buy this:', '- milk and eggs', '- bread'])
    const long = 'word '.repeat(40).trim()
    expect(sentences(`A title\n${long}`)).toEqual(['A title', long])
  })

  it('gives nothing for nothing', () => {
    expect(sentences('')).toEqual([])
    expect(sentences(' \n\t ')).toEqual([])
  })

  it('takes a time that grows with the text, not with its square', async () => {
    const work = (size: number) => {
      expect(sentences('word '.repeat(2 * size)).length).toBeGreaterThan(1)
      expect(sentences('a'.repeat(10 * size)).length).toBeGreaterThan(1)
      expect(sentences('中文句子这里有一个。'.repeat(size))).toHaveLength(size)
    }
    expect(await growth(work, 5000)).toBeLessThan(tooFast)
  })

  it('holds all of the text but white space', () => {
    const piece = fc.constantFrom(
      'Dr. ',
      'U.S. ',
      'word ',
      'The ',
      'end. ',
      '\n',
      '\n\n',
      '。',
      '中',
      '?" ',
      '😀',
      '1. ',
      '\t',
      'x'.repeat(3000),
    )
    fc.assert(
      fc.property(
        fc.array(fc.oneof(piece, fc.string({ unit: 'binary', maxLength: 5 })), { maxLength: 30 }),
        (pieces) => {
          const text = pieces.join('')
          const found = sentences(text)
          expect(found.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
          expect(found.every((sentence) => sentence !== '' && sentence === sentence.trim())).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })
})
