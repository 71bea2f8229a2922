import { describe, expect, it } from 'vitest'
import { type ParseOptions, parseDocument } from '../../src/documents/index.js'

const parse = (text: string, options?: ParseOptions) =>
  parseDocument(new TextEncoder().encode(text), 'text/html', options)
const brief = async (text: string, options?: ParseOptions) =>
  (await parse(text, options)).blocks.map(({ kind, text }) => [kind, text])

describe('HTML', () => {
  it('separates block elements, collapses white space and decodes entities', async () => {
    expect(
      await brief('<body>bare <b>text</b><p>one\n  two&nbsp;&amp;&eacute;</p><div>three<div>four</div>five</div>'),
    ).toEqual([
      ['paragraph', 'bare text'],
      ['paragraph', 'one two &é'],
      ['paragraph', 'three'],
      ['paragraph', 'four'],
      ['paragraph', 'five'],
    ])
  })

  it('breaks lines at br and keeps those of pre', async () => {
    expect(await brief('<p>a <br> b<br/>c</p><pre>\n  x\n    y\n</pre>')).toEqual([
      ['paragraph', 'a\nb\nc'],
      ['code', 'x\n    y'],
    ])
  })

  it('leaves out what is not read', async () => {
    const page = `<head><title> T <!-- -->\n x</title><style>s{}</style></head><nav>menu</nav><script>s()</script>
      <template><p>t</p></template><noscript>n</noscript><p hidden>h</p><p aria-hidden="true">seen</p><svg><title>pic</title></svg>`
    expect(await parse(page)).toMatchObject({ title: 'T <!-- --> x', blocks: [{ text: 'seen' }] })
    expect(await brief('<nav>menu</nav><footer>foot</footer>', { skipTags: ['FOOTER'] })).toEqual([
      ['paragraph', 'menu'],
    ])
    expect(await brief('<nav>menu</nav><footer>foot</footer>', { skipTags: [] })).toHaveLength(2)
  })

  it('tells headings and lines', async () => {
    const { blocks } = await parse('<h1>A\n<i>b</i></h1>\n\n<p>one\ntwo<ul>\n<li>x<li><p>y</ul><h2>C</h2>z')
    expect(blocks.map(({ kind, text, heading, sourceline }) => [kind, text, heading, sourceline])).toEqual([
      ['heading', 'A b', { h1: 'A b' }, 1],
      ['paragraph', 'one two', { h1: 'A b' }, 4],
      ['listItem', 'x', { h1: 'A b' }, 6],
      ['listItem', 'y', { h1: 'A b' }, 6],
      ['heading', 'C', { h1: 'A b', h2: 'C' }, 6],
      ['paragraph', 'z', { h1: 'A b', h2: 'C' }, 6],
    ])
    expect(blocks[1]?.lines).toEqual([{ offset: 4, line: 5 }])
  })

  it('reads a table row by row, and one that lays out a page cell by cell', async () => {
    const table =
      '<table><caption>Cap</caption><tr><th>a<th>b<tr><td>1<br>x</td><td> <p>2</p></td></tr><tr><td> </td><td></td></tr></table>'
    expect(await brief(table)).toEqual([['table', 'Cap\na | b\n1 x | 2']])
    expect(await brief(`<table><tr><td>left</td><td>${table}</td></tr></table>`)).toEqual([
      ['paragraph', 'left'],
      ['table', 'Cap\na | b\n1 x | 2'],
    ])
  })

  it('gives no block for an empty page, and no title for none', async () => {
    expect(await parse('')).toEqual({ title: null, blocks: [] })
    expect(await parse('<title> </title><p> </p>')).toEqual({ title: null, blocks: [] })
  })

  it('reads pages that nest deeper than calls can, and tables with many rows', async () => {
    expect(await brief(`${'<div>'.repeat(20_000)}deep`)).toEqual([['paragraph', 'deep']])
    const [row] = await brief(`<table>${'<tr><td>x<td>y'.repeat(150_000)}</table>`)
    expect(row?.[1]?.split('\n')).toHaveLength(150_000)
  })
})
