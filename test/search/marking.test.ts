import { describe, expect, test } from 'vitest'
import { highlight, Pixeltable, QueryError, snippet, type TextIndexOptions, t } from '../../src/index.js'

async function one(text: string | null, options: TextIndexOptions = {}) {
  const pxt = await Pixeltable.open(':memory:')
  const plain = await pxt.createTable('notes', { text: t.string().nullable(), title: t.string() })
  const notes = await plain.addTextIndex('text', { language: 'en', ...options })
  await notes.insert([{ text, title: 'On tea' }])
  return notes
}

describe('highlight', () => {
  test.each([
    ['Steeping tea', 'steep', '[Steeping] tea'],
    ['Green tea, green teas', '"green tea"', '[Green tea], [green teas]'],
    ['Tea green', '"green tea" tea', '[Tea] green'],
    ['computing computers', 'comput*', '[computing] [computers]'],
    ['running', 'runni*', '[running]'],
    ['東京都の天気は雨。', '京都', '東[京都]の天気は雨。'],
    ['東京都の天気は雨です', '雨', '東京都の天気は[雨]です'],
    ['Straße und CAFÉ', 'STRASSE cafe', '[Straße] und [CAFÉ]'],
    ['don’t panic', "don't", '[don]’[t] panic'],
    ['a multi-agent-system', '+multi-agent', 'a [multi-agent]-system'],
    ['what is it', 'is', 'what [is] it'],
    ['a\0b tea\0', 'tea', 'a\0b [tea]\0'],
    ['🎬 tea 🎬', '🎬', '[🎬] tea [🎬]'],
  ])('%j for %j', async (text, asked, wanted) => {
    const notes = await one(text)
    const marked = notes
      .match('text', asked)
      .select((c) => ({ text: highlight(c.text, { before: '[', after: ']', html: false }) }))
    expect(await marked.collect()).toEqual([{ text: wanted }])
  })

  test('is HTML, unless told otherwise', async () => {
    const notes = await one(`<script>"tea" & 'coffee'</script>`)
    const rows = notes.match('text', 'tea script')
    const [row] = await rows
      .select((c) => ({
        html: highlight(c.text),
        own: highlight(c.text, { before: '<b class="hit">', after: '</b>' }),
        plain: highlight(c.text, { html: false }),
        part: snippet(c.text, { words: 2 }),
      }))
      .collect()
    expect(row).toEqual({
      html: '&lt;<mark>script</mark>&gt;&quot;<mark>tea</mark>&quot; &amp; &#39;coffee&#39;&lt;/<mark>script</mark>&gt;',
      own: '&lt;<b class="hit">script</b>&gt;&quot;<b class="hit">tea</b>&quot; &amp; &#39;coffee&#39;&lt;/<b class="hit">script</b>&gt;',
      plain: `<<mark>script</mark>>"<mark>tea</mark>" & 'coffee'</<mark>script</mark>>`,
      part: '&lt;<mark>script</mark>&gt;&quot;<mark>tea</mark>&quot;…',
    })
  })

  test('marks any column, keeps null, and what is excluded is not marked', async () => {
    const notes = await one('Green tea')
    const rows = await notes
      .match('text', 'tea -coffee')
      .select((c) => ({ title: highlight(c.title), none: highlight(c.text.nullIf('Green tea')) }))
      .collect()
    expect(rows).toEqual([{ title: 'On <mark>tea</mark>', none: null }])
  })

  test('runs in SQL over the rows that come out, and in expressions', async () => {
    const notes = await one('Green tea')
    const marked = notes.match('text', 'tea').select((c) => ({ text: highlight(c.text).upper() }))
    expect(marked.toSQL().sql).toContain('pxt_match_highlight')
    expect(await marked.first()).toEqual({ text: 'GREEN <MARK>TEA</MARK>' })
    const trigram = await one('Parser', { tokenizer: 'trigram' })
    const part = trigram.match('text', 'ars').select((c) => ({ text: highlight(c.text) }))
    expect(await part.first()).toEqual({ text: 'P<mark>ars</mark>er' })
  })

  test('needs a match in the same query', async () => {
    const notes = await one('Green tea')
    await expect(notes.select((c) => ({ text: highlight(c.text) })).collect()).rejects.toThrow(/call match\(\) first/)
    await expect(notes.addComputedColumn('marked', (c) => highlight(c.text))).rejects.toThrow(
      /cannot use highlight\(\)/,
    )
    expect(() => highlight(notes.columns.text, { before: 7 as never })).toThrow(QueryError)
    expect(() => highlight(notes.columns.text, { html: 'no' as never })).toThrow(/true or false/)
    expect(() => snippet(notes.columns.text, { words: 0 })).toThrow(/whole number of at least 1/)
  })
})

describe('snippet', () => {
  const text =
    'Water boils at one hundred degrees. Green tea steeps for three minutes. Bread takes longer, and tea none.'
  test.each([
    ['steep', 5, '…Green tea [steeps] for three…'],
    ['tea steep', 4, '…Green [tea] [steeps] for…'],
    ['water', 3, '[Water] boils at…'],
    ['none bread', 8, '…three minutes. [Bread] takes longer, and tea [none].'],
    ['"three minutes"', 2, '…[three minutes].…'],
    ['water none', 1, '[Water]…'],
    [
      'longer',
      100,
      'Water boils at one hundred degrees. Green tea steeps for three minutes. Bread takes [longer], and tea none.',
    ],
  ])('%s in %i words', async (asked, words, wanted) => {
    const notes = await one(text)
    const found = notes
      .match('text', asked)
      .select((c) => ({ part: snippet(c.text, { words, before: '[', after: ']', html: false }) }))
    expect((await found.first())?.part).toBe(wanted)
  })

  test('is the beginning where nothing was found', async () => {
    const notes = await one(text)
    const found = notes
      .match('text', 'bread')
      .select((c) => ({ part: snippet(c.title.concat(' and more'), { words: 2, ellipsis: ' …' }) }))
    expect(await found.first()).toEqual({ part: 'On tea …' })
  })
})
