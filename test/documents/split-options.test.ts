import { describe, expect, it } from 'vitest'
import { type SplitOptions, splitDocument, splitText, validateSplitOptions } from '../../src/documents/index.js'
import { ValidationError } from '../../src/errors.js'

describe('validateSplitOptions', () => {
  it.each<[string, unknown, RegExp]>([
    ['no array', { separators: 'sentence' }, /must be an array of 'heading'.*not 'sentence'/],
    ['an unknown separator', { separators: ['line'] }, /Unknown separator 'line'.*'heading'.*'page'/],
    ['a limit that counts nothing', { separators: ['sentence'], limit: 3 }, /nothing says what it counts/],
    ['token_limit without a limit', { separators: ['token_limit'] }, /'token_limit' needs a 'limit'/],
    ['char_limit without a limit', { separators: ['char_limit'] }, /'char_limit' needs a 'limit'/],
    ['both limits', { separators: ['token_limit', 'char_limit'], limit: 3 }, /exclude each other/],
    ['limit 0', { separators: ['token_limit'], limit: 0 }, /whole number from 1, not 0/],
    ['a fraction', { separators: ['token_limit'], limit: 1.5 }, /whole number from 1, not 1.5/],
    ['NaN', { separators: ['token_limit'], limit: Number.NaN }, /not NaN/],
    ['a text as limit', { separators: ['token_limit'], limit: '3' }, /not '3'/],
    ['a negative overlap', { separators: ['token_limit'], limit: 3, overlap: -1 }, /'overlap'.*from 0, not -1/],
    ['overlap as large as limit', { separators: ['token_limit'], limit: 3, overlap: 3 }, /3 is not below 3/],
    ['overlap without a limit', { separators: ['sentence'], overlap: 3 }, /there is no 'limit'/],
    ['a tokenizer that is none', { separators: ['token_limit'], limit: 3, tokenizer: 'gpt' }, /must be a function/],
    ['a tokenizer for characters', { separators: ['char_limit'], limit: 3, tokenizer: () => 1 }, /only counts for/],
  ])('refuses %s', (_, options, message) => {
    expect(() => validateSplitOptions(options as SplitOptions)).toThrow(message)
    expect(() => validateSplitOptions(options as SplitOptions)).toThrow(ValidationError)
  })

  it('is run by the splitters at the call', () => {
    const options = { separators: ['token_limit'] } as const
    expect(() => splitText('a', options)).toThrow(ValidationError)
    expect(() => splitDocument({ title: null, blocks: [] }, options)).toThrow(ValidationError)
  })

  it.each<[SplitOptions]>([
    [{ separators: [] }],
    [{ separators: ['heading', 'heading'] }],
    [{ separators: ['token_limit', 'token_limit'], limit: 1 }],
    [{ separators: ['sentence'], overlap: 0, limit: undefined }],
    [{ separators: ['page', 'sentence', 'char_limit'], limit: 10, overlap: 9 }],
  ])('accepts %j', (options) => {
    expect(validateSplitOptions(options)).toBeUndefined()
  })
})
