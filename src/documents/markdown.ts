import type { Nodes, Parents, Root } from 'mdast'
import { Pace } from '../pace.js'
import { BlockBuilder } from './block-builder.js'
import { decodeText } from './decode-text.js'
import type { BlockKind } from './document.js'
import type { DocumentFormat } from './format.js'
import { addHtmlBlocks } from './html.js'
import { markdownPieces } from './markdown-pieces.js'
import { type BuiltText, TextBuilder } from './text-builder.js'

/** Markdown as GitHub reads it, with YAML front matter. */
export const markdown: DocumentFormat = {
  name: 'Markdown',
  mimes: ['text/markdown', 'text/x-markdown'],
  async parse(bytes, { charset, skipTags, signal }) {
    const [{ fromMarkdown }, { gfm }, { gfmFromMarkdown }, { parseFragment }] = await Promise.all([
      import('mdast-util-from-markdown'),
      import('micromark-extension-gfm'),
      import('mdast-util-gfm'),
      import('parse5'),
    ])
    const source = await decodeText(bytes, { mime: 'text/markdown', transportEncoding: charset })
    const pace = new Pace(signal)
    const { body, title } = withoutFrontMatter(source.replace(/\r\n?/g, '\n'))
    const document = new BlockBuilder()
    for (const piece of markdownPieces(body)) {
      if (pace.due) await pace.rest()
      const shift = piece.firstLine - 1
      const root = fromMarkdown(piece.text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })
      root.children = root.children.filter((node) => lineOf(node) <= piece.lines)
      walk(root, (node, within) => {
        if (node.type === 'html') {
          const fragment = parseFragment(node.value, { sourceCodeLocationInfo: true, scriptingEnabled: false })
          addHtmlBlocks(fragment, document, { skipTags, firstLine: lineOf(node) + shift })
        } else {
          document.add(within, textOf(node, shift), { level: node.type === 'heading' ? node.depth : null })
        }
      })
    }
    const heading = document.blocks.find(({ level }) => level === 1)
    return { title: title ?? heading?.heading?.h1 ?? null, blocks: document.blocks }
  },
}

/** Blanks the front matter, so that lines keep their numbers. */
function withoutFrontMatter(source: string): { body: string; title: string | null } {
  const found = /^---[ \t]*\n((?:[^\n]*\n)*?)(?:---|\.\.\.)[ \t]*(?:\n|$)/.exec(source)
  // A rule at the top looks the same; what follows it is no list of keys.
  if (found === null || !/^(?:\s*(?:#.*)?\n)*(?:[\w-]+[ \t]*:|$)/.test(found[1] ?? ''))
    return { body: source, title: null }
  const body = found[0].replace(/[^\n]/g, '') + source.slice(found[0].length)
  return { body, title: yamlTitle(found[1] ?? '') }
}

function yamlTitle(yaml: string): string | null {
  const value = /^title[ \t]*:[ \t]*(.*?)\s*$/im.exec(yaml)?.[1] ?? ''
  const quoted = /^(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)')/.exec(value)
  if (quoted?.[1] !== undefined) return quoted[1].replace(/\\(.)/g, '$1').trim() || null
  if (quoted?.[2] !== undefined) return quoted[2].replaceAll("''", "'").trim() || null
  // A value on the lines below it (`>`, `|`) is left to the first heading.
  if (/^[>|][+-]?\d*$/.test(value)) return null
  return value.replace(/\s+#.*$/, '').trim() || null
}

type Leaf = (node: Exclude<Nodes, Root>, kind: BlockKind) => void

/** Calls `leaf` for each node that is a block of its own, in order. */
function walk(parent: Parents, leaf: Leaf, within: 'paragraph' | 'listItem' = 'paragraph'): void {
  for (const node of parent.children) {
    switch (node.type) {
      case 'heading':
      case 'code':
      case 'table':
        leaf(node, node.type)
        break
      case 'paragraph':
      case 'html':
        leaf(node, within)
        break
      case 'listItem':
        walk(node, leaf, 'listItem')
        break
      default:
        if ('children' in node) walk(node, leaf, within)
    }
  }
}

function textOf(node: Nodes, shift: number): BuiltText | null {
  const text = new TextBuilder()
  if (node.type === 'table') {
    for (const row of node.children) {
      for (const [i, cell] of row.children.entries()) {
        if (i > 0) text.add(' | ', null)
        addInline(cell, text, shift)
      }
      text.break()
    }
  } else if (node.type === 'code') {
    // The line of the fence comes first; indented code has none.
    const fenced = node.position !== undefined && node.value.split('\n').length < heightOf(node)
    text.add(node.value, lineOf(node) + shift + (fenced ? 1 : 0))
  } else {
    addInline(node, text, shift)
  }
  return text.take()
}

/** Adds what a reader sees of a run of inline nodes. A line break of the source is a space, as it is when rendered. */
function addInline(node: Nodes, text: TextBuilder, shift: number): void {
  const line = lineOf(node) + shift
  if (node.type === 'text' || node.type === 'inlineCode') text.addCollapsed(node.value.replaceAll('\u00ad', ''), line)
  else if (node.type === 'image' || node.type === 'imageReference') text.addCollapsed(node.alt ?? '', line)
  else if (node.type === 'break' || (node.type === 'html' && /^<br\b/i.test(node.value))) text.break()
  else if ('children' in node) for (const child of node.children) addInline(child, text, shift)
}

function lineOf(node: Nodes): number {
  return node.position?.start.line ?? 1
}

function heightOf({ position }: Nodes): number {
  return position === undefined ? 1 : position.end.line - position.start.line + 1
}
