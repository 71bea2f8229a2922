import { describe, expect, it } from 'vitest'
import { parseDocument } from '../../src/documents/index.js'
import { growth, tooFast } from '../growth.js'

const parse = (text: string) => parseDocument(new TextEncoder().encode(text), 'text/markdown')
const brief = async (text: string) => (await parse(text)).blocks.map(({ kind, text }) => [kind, text])

describe('Markdown', () => {
  it('gives each block its kind, headings and line', async () => {
    const { blocks } = await parse('# A\n\ntext\n\n### C *x*\n- one\n- two\n\n## B\nlast\n')
    expect(blocks).toEqual([
      { kind: 'heading', text: 'A', level: 1, heading: { h1: 'A' }, page: null, sourceline: 1 },
      { kind: 'paragraph', text: 'text', level: null, heading: { h1: 'A' }, page: null, sourceline: 3 },
      { kind: 'heading', text: 'C x', level: 3, heading: { h1: 'A', h3: 'C x' }, page: null, sourceline: 5 },
      { kind: 'listItem', text: 'one', level: null, heading: { h1: 'A', h3: 'C x' }, page: null, sourceline: 6 },
      { kind: 'listItem', text: 'two', level: null, heading: { h1: 'A', h3: 'C x' }, page: null, sourceline: 7 },
      { kind: 'heading', text: 'B', level: 2, heading: { h1: 'A', h2: 'B' }, page: null, sourceline: 9 },
      { kind: 'paragraph', text: 'last', level: null, heading: { h1: 'A', h2: 'B' }, page: null, sourceline: 10 },
    ])
  })

  it('reads what a reader sees of links, images, emphasis and breaks', async () => {
    expect(
      await brief(
        'A [link](http://x "t") and ![alt *x*](i.png) `code`, **bold**\nwraps  \nbreaks, ~~old~~ &amp; <b>tag</b>',
      ),
    ).toEqual([['paragraph', 'A link and alt x code, bold wraps\nbreaks, old & tag']])
  })

  it('keeps the lines of code and the rows of tables', async () => {
    const { blocks } = await parse('```js\nlet a\n  b\n```\n\n|h|i|\n|-|-|\n|1|`2`|\n\n    indented\n')
    expect(blocks.map(({ kind, text, sourceline, lines }) => [kind, text, sourceline, lines])).toEqual([
      ['code', 'let a\n  b', 2, [{ offset: 6, line: 3 }]],
      ['table', 'h | i\n1 | 2', 6, [{ offset: 6, line: 8 }]],
      ['code', 'indented', 10, undefined],
    ])
  })

  it('reads the text of HTML inside, with its headings', async () => {
    const { blocks } = await parse(
      '<div>\n<h2>Two</h2><p>in <i>it</i></p><script>no()</script></div>\n\n<!-- no -->\n\nafter',
    )
    expect(blocks.map(({ kind, text, sourceline, heading }) => [kind, text, sourceline, heading])).toEqual([
      ['heading', 'Two', 2, { h2: 'Two' }],
      ['paragraph', 'in it', 2, { h2: 'Two' }],
      ['paragraph', 'after', 6, { h2: 'Two' }],
    ])
  })

  it('skips front matter but for its title', async () => {
    const { title, blocks } = await parse('---\ntags: [a]\ntitle: "The \\"Book\\"" # note\n---\n\n# Head\ntext')
    expect(title).toBe('The "Book"')
    expect(blocks.map(({ text, sourceline }) => [text, sourceline])).toEqual([
      ['Head', 6],
      ['text', 7],
    ])
    expect((await parse("---\r\ntitle: It''s 'x'\r\n---\r\ntext")).title).toBe("It''s 'x'")
    expect((await parse("---\ntitle: 'It''s'\n---\ntext")).title).toBe("It's")
    expect((await parse('---\ntitle: >\n  folded\n---\n# Head')).title).toBe('Head')
  })

  it('takes the first level-one heading for the title, and a rule for a rule', async () => {
    expect((await parse('## Two\n\nOne\n===\n\n# Other')).title).toBe('One')
    expect((await parse('text')).title).toBeNull()
    expect(await brief('---\n\nHello there\n\n---\nbye')).toEqual([
      ['paragraph', 'Hello there'],
      ['paragraph', 'bye'],
    ])
  })

  it('reads nested lists, quotes and footnotes in order', async () => {
    expect(
      await brief('> quoted\n> text\n\n1. one\n   - deep\n\n     more\n2. [x] two[^1]\n\n[^1]: A note.\n'),
    ).toEqual([
      ['paragraph', 'quoted text'],
      ['listItem', 'one'],
      ['listItem', 'deep'],
      ['listItem', 'more'],
      ['listItem', 'two'],
      ['paragraph', 'A note.'],
    ])
  })

  it('reads a long text in pieces as if it were whole', async () => {
    const filler = (n: number) =>
      `Filler ${n} has [a link][ref] and a note[^n].\n\n- item ${n}\n\n  more of it\n\n`.repeat(150)
    const fenced = `\`\`\`\n${'in code\n\n'.repeat(3000)}\`\`\`\n\n`
    const comment = `<!--\n${'in comment\n\n'.repeat(2000)}-->\n\n`
    const end = '# End\n\nlast\n\n[ref]: http://x\n[^n]: The note.\n'
    const text = filler(1) + fenced + filler(2) + comment + filler(3) + end
    const { blocks } = await parse(text)
    const of = (kind: string) => blocks.filter((block) => block.kind === kind)
    expect(of('code').map((block) => block.text.length)).toEqual([3000 * 9 - 2])
    expect(of('listItem')).toHaveLength(900)
    expect(new Set(of('paragraph').map((block) => block.text))).toEqual(
      new Set([...[1, 2, 3].map((n) => `Filler ${n} has a link and a note.`), 'last', 'The note.']),
    )
    const lines = text.split('\n')
    expect(blocks.at(-1)).toMatchObject({ text: 'The note.', heading: { h1: 'End' }, sourceline: lines.length - 1 })
    for (const block of blocks.filter(({ text }) => /^(?:item|more)/.test(text))) {
      expect(lines[block.sourceline! - 1]).toContain(block.text)
    }
  })

  it('takes a time that grows with the text, not with its square', async () => {
    const work = async (size: number) => {
      const { blocks } = await parse('# Head\n\nSome *text* with [links](http://x.y).\n\n- a\n- b\n\n'.repeat(size))
      expect(blocks).toHaveLength(4 * size)
    }
    expect(await growth(work, 500)).toBeLessThan(tooFast)
  })
})
